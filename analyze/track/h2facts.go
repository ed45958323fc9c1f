package track

import (
	"strconv"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// narrow makes the facts of a connection those of one of its streams.
func (st *h2Stream) narrow(facts *record.Facts) {
	l, t := st.l, &facts.TCP
	h := &record.H2Facts{Stream: st.id, ConnectEnabled: l.connect, SettingsRef: l.settingsAt, Late: l.late, Reset: st.reset,
		EndStream: st.ended, Stalls: st.stalls, Other: l.other, Untracked: l.untracked,
		TCPEnd: t.End, TCPEndBy: t.EndBy, TCPEndHow: t.EndHow}
	for _, x := range l.goAway {
		if x != nil && (h.GoAway == nil || x.Ref.Time < h.GoAway.Ref.Time) {
			h.GoAway = x
		}
	}
	facts.H2 = h
	if end, by, how := st.end(); how != "" && (!t.End.Seen() || end.Time <= t.End.Time) {
		t.End, t.EndBy, t.EndHow = end, by, how
		facts.EndOfCapture = false
	}
	end := t.End
	if !end.Seen() {
		end = facts.Last
	}
	t.SilenceBroken = record.Ref{}
	st.silenceFacts(t, end)
	if st.last.seen() {
		t.LastData, t.LastDataFrom = st.last.ref(), st.lastFrom
	}
	for d, full := range st.full {
		if length := end.Time.Sub(full.Time); full.Seen() && int64(length) >= minPause {
			h.Stalls = append(h.Stalls, record.Stall{From: record.Dir(d).Other(), Begin: full, Length: length})
		}
	}
}

// end is the first that ended the stream; how is "" if only the end of the
// connection did.
func (st *h2Stream) end() (at record.Ref, by record.Dir, how string) {
	for d, x := range st.ended {
		if x.Seen() && (how == "" || x.Time < at.Time) {
			at, by, how = x, record.Dir(d), "end-stream"
		}
	}
	if x := st.reset; x != nil && (how == "" || x.Ref.Time < at.Time) {
		at, by, how = x.Ref, x.Dir, "rst-stream"
	}
	return at, by, how
}

// number names the stream, and gives its time in place of the connection's.
func (st *h2Stream) number(r *record.Connection, facts *record.Facts) {
	r.ID += "/" + strconv.FormatUint(uint64(st.id), 10)
	if at := st.a.requestAt.ref(); at.Seen() {
		r.Started = at.Time
	}
	if end := facts.TCP.End; end.Seen() {
		r.Ended = max(end.Time, st.last.time)
	}
	r.DurationMS = record.Millis(r.Ended.Sub(r.Started))
}
