package track

import (
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// tcpFacts turns the flow's facts into the record's, which are empty, by direction.
func tcpFacts(t *record.TCPFacts, f *reassembly.Flow) {
	dir := func(s reassembly.Side) record.Dir {
		if s == f.Client {
			return record.Client
		}
		return record.Server
	}
	t.ClientBy = [...]string{"port", "syn", "bytes"}[f.ClientBy]
	t.SYN, t.SYNACK, t.Established, t.LastSYN = ref(f.SYN()), ref(f.SYNACK()), ref(f.Established()), ref(f.LastSYN())
	t.SYNs, t.SYNACKs, t.HandshakeRTT = int(f.SYNs), int(f.SYNACKs), handshakeRTT(f)
	var stamped [2]bool
	for side := range reassembly.Side(2) {
		h, d := f.Half(side), dir(side)
		sideFacts(&t.Sides[d], &h)
		stamped[d] = h.Timestamps
	}
	c, s := &t.Sides[record.Client], &t.Sides[record.Server]
	t.LateStart = !f.SYN().Seen() && !f.SYNACK().Seen()
	t.LastData, t.LastDataFrom = c.LastData, record.Client
	if c.LastData.Before(s.LastData) {
		t.LastData, t.LastDataFrom = s.LastData, record.Server
	}
	t.OneWay, t.OneWayDir = oneWay(t)
	if f.Rare != nil {
		rareFacts(t, f.Rare, dir)
		sentLast(t)
	}
	for d := range t.Sides {
		if t.Sides[d].FIN.Seen() && (!t.End.Seen() || t.Sides[d].FIN.Before(t.End)) {
			t.End, t.EndBy, t.EndHow = t.Sides[d].FIN, record.Dir(d), "fin"
		}
	}
	for i := range t.Resets {
		r := &t.Resets[i]
		r.SenderTimestamps = stamped[r.From]
		if r.WentOn > 0 && t.End.Seen() || r.WentOn > 3 { // nobody heeded it
			continue
		}
		if !t.End.Seen() || r.Ref.Before(t.End) {
			t.End, t.EndBy, t.EndHow = r.Ref, r.From, "rst"
		}
	}
}

// sentLast finds when what was never acknowledged was sent for the last time.
func sentLast(t *record.TCPFacts) {
	for i := range t.Retransmissions {
		x := &t.Retransmissions[i]
		s := &t.Sides[x.From]
		if s.UnackedSent > 1 && x.Original.Packet == s.UnackedFirst.Packet && x.Original.File == s.UnackedFirst.File && (s.UnackedLast.Before(x.Ref) || s.UnackedLast == s.UnackedFirst) {
			s.UnackedLast = x.Ref
		}
	}
}

// oneWay: only one direction is in the capture though both must have spoken.
func oneWay(t *record.TCPFacts) (bool, record.Dir) {
	for d := range t.Sides {
		this, other := &t.Sides[d], &t.Sides[d^1]
		if other.Packets > 0 || this.Packets == 0 {
			continue
		}
		// A client alone that only repeats its SYN was not answered; one that
		// sends more has seen an answer.
		spoke := this.Bytes > 0 || this.FIN.Seen() || this.Packets > int64(t.SYNs) || d == int(record.Server)
		refused := len(t.Resets) > 0 && this.Bytes == 0
		if spoke && !refused {
			return true, record.Dir(d)
		}
	}
	return false, 0
}

// handshakeRTT is SYN to SYN-ACK at the client's side and SYN-ACK to ACK at
// the server's: whichever crosses the path is the longer.
func handshakeRTT(f *reassembly.Flow) time.Duration {
	var rtt time.Duration
	if f.SYN().Seen() && f.SYNACK().Seen() && f.SYNs <= 1 {
		rtt = time.Duration(f.SYNACK().Time - f.SYN().Time)
	}
	if f.SYNACK().Seen() && f.Established().Seen() && f.SYNACKs <= 1 {
		rtt = max(rtt, time.Duration(f.Established().Time-f.SYNACK().Time))
	}
	return rtt
}

// sideFacts fills s, which is empty.
func sideFacts(s *record.TCPSide, h *reassembly.Half) {
	s.Packets, s.Bytes, s.DataSegments, s.Retransmissions = int64(h.Packets), h.Bytes, int64(h.DataSegments), int64(h.Retransmissions)
	s.FirstData, s.LastData, s.FIN = ref(h.FirstData), ref(h.LastData), ref(h.FIN)
	s.KeepAlives, s.MSS, s.TTL, s.ISN, s.HasISN = int64(h.KeepAlives), int(h.MSS), h.TTL, h.ISN, h.HasISN
	s.Unacked, s.UnackedFirst, s.UnackedLast, s.UnackedSent = h.Unacked, ref(h.UnackedFirst), ref(h.UnackedLast), int(h.UnackedSent)
	s.UnackedAgain = int(h.UnackedAgain)
	s.MaxSegment, s.MaxAcked = int(h.MaxSegment), int(h.MaxAcked)
}

func rareFacts(t *record.TCPFacts, r *reassembly.Rare, dir func(reassembly.Side) record.Dir) {
	for i := range r.Resets {
		x := &r.Resets[i]
		t.Resets = append(t.Resets, record.Reset{Ref: ref(x.At), From: dir(x.From), TTL: x.TTL, OtherTTL: x.OtherTTL, MinTTL: x.MinTTL,
			MaxTTL: x.MaxTTL, ID: x.ID, OtherID: x.OtherID, V6: x.V6, Window: x.Window, HasAck: x.HasAck, Timestamps: x.Timestamps,
			Payload: x.Payload, Others: int(x.Others), SeqAhead: x.SeqAhead, AnswersSYN: x.AnswersSYN, AnswersData: x.AnswersData,
			AfterOwnFIN: x.AfterOwnFIN, AfterOtherFIN: x.AfterOtherFIN, WentOn: int(x.WentOn), WentOnFirst: ref(x.WentOnFirst)})
	}
	for i := range r.ICMP {
		x := &r.ICMP[i]
		t.ICMP = append(t.ICMP, record.ICMP{Ref: ref(x.At), V6: x.V6, Type: x.Type, Code: x.Code, From: x.From, About: dir(x.About),
			MTU: int(x.MTU), SmallerAfter: x.SmallerAfter})
	}
	for i := range r.Gaps {
		x := &r.Gaps[i]
		d := dir(x.From)
		t.Gaps = append(t.Gaps, record.Gap{Ref: ref(x.At), From: d, Length: x.Length, Kind: gapKinds[x.Kind], Unacked: x.Kind == reassembly.GapUnfilled})
		if x.Kind != reassembly.GapSnapLen && x.Kind != reassembly.GapUnfilled {
			t.GapBytes[d] += x.Length
		}
	}
	for i := range r.Stalls {
		x := &r.Stalls[i]
		s := record.Stall{From: dir(x.From), Begin: ref(x.Begin), End: ref(x.End), Probes: int(x.Probes)}
		if s.End.Seen() {
			s.Length = s.End.Time.Sub(s.Begin.Time)
		}
		t.Stalls = append(t.Stalls, s)
	}
	for d := range r.Resized {
		t.Sides[dir(reassembly.Side(d))].Resized = int64(r.Resized[d])
	}
	for i := range r.Retransmissions {
		x := &r.Retransmissions[i]
		t.Retransmissions = append(t.Retransmissions, record.Retransmission{Ref: ref(x.At), Original: ref(x.Original), From: dir(x.From)})
	}
	t.Duplicates, t.FirstDuplicate, t.FirstOriginal = int(r.Duplicates), ref(r.FirstDuplicate), ref(r.FirstOriginal)
	t.CutShort, t.FirstCut, t.CutBytes = int(r.CutShort), ref(r.FirstCut), r.CutBytes
	t.GivenUp, t.LetGo = r.Limit && !r.LetGo, r.LetGo
	t.Conflicts, t.FirstConflict = int(r.Conflicts[0]+r.Conflicts[1]), ref(r.FirstConflict)
}

var gapKinds = map[reassembly.GapKind]string{reassembly.GapLost: "lost", reassembly.GapSnapLen: "snaplen",
	reassembly.GapLimit: "limit", reassembly.GapUnfilled: "unfilled"}

// silence finds the pause before the connection's end. A path that forgot the
// connection answers the next data with a RST, and with nothing before it: then
// the pause before that data is meant.
func (p *pulse) silenceFacts(t *record.TCPFacts, end record.Ref) {
	if !p.last.seen() {
		return
	}
	t.Silence, t.SilenceFrom = end.Time.Sub(p.last.time), p.last.ref()
	answered := t.EndHow == "rst" && t.EndBy != p.lastFrom && t.Silence < time.Duration(minPause) &&
		slices.ContainsFunc(t.Resets, func(r record.Reset) bool { return r.Ref == t.End && r.AnswersData })
	if answered && p.silenceEnd.seen() && p.last.time.Sub(p.silenceEnd.time) < time.Duration(minPause) && p.silenceEnd.time.Sub(p.silenceFrom.time) > t.Silence {
		t.Silence, t.SilenceFrom, t.SilenceBroken = p.silenceEnd.time.Sub(p.silenceFrom.time), p.silenceFrom.ref(), p.silenceEnd.ref()
	}
	t.Silence = max(t.Silence, 0)
}
