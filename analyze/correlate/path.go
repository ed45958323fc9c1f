package correlate

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// SampleBlock is how many bytes one sum of a record.Sample covers.
const SampleBlock = 1 << 10

const (
	// covered is how long a capture must go on after a packet for its absence to mean anything.
	covered = 200 * time.Millisecond
	// endsEarly is how long before a packet the last packet of the other capture
	// may have come, if there was nothing to come any more.
	endsEarly = 2 * time.Second
	// minLost segments that were sent again make a lossy path; a single one is everyday.
	minLost = 3
	// driftAfter is the shortest time in which a drift of the clocks shows.
	driftAfter = 10 * time.Second
)

// ComparePath compares two views of one connection. The result is never nil.
func ComparePath(a, b *record.Connection) *record.Path {
	near, far, known := order(a, b)
	v := views{near: near, far: far}
	p := &record.Path{Connection: near, Near: near.Capture, Far: far.Capture, NearKnown: known}
	v.offset, p.Drift = clocks(near, far)
	p.Offset = v.offset
	if near.Client != far.Client || near.Server != far.Server {
		p.NAT = fmt.Sprintf("%s to %s is %s to %s in %s", near.Client, near.Server, far.Client, far.Server, far.Capture)
	}
	if known {
		for _, from := range [...]record.Dir{record.Client, record.Server} {
			v.resets(p, from)
			v.losses(p, from)
		}
	}
	v.rewritten(p)
	return p
}

// views are two views of one connection: near to the client, and far from it.
type views struct {
	near, far *record.Connection
	offset    time.Duration // far's clock is ahead by this
}

// sender and receiver are the views nearer to where a direction begins and ends.
func (v *views) sender(from record.Dir) *record.Connection {
	if from == record.Client {
		return v.near
	}
	return v.far
}

func (v *views) receiver(from record.Dir) *record.Connection { return v.sender(from.Other()) }

// onClockOf turns a time of one view into the other's.
func (v *views) onClockOf(c *record.Connection, t record.Time) record.Time {
	if c == v.far {
		return t + record.Time(v.offset)
	}
	return t - record.Time(v.offset)
}

// order tells which view was taken nearer to the client: there the client's
// packets have passed fewer routers and the server's more, and the answer to a SYN takes longer.
func order(a, b *record.Connection) (near, far *record.Connection, known bool) {
	x, y := &a.Facts.TCP, &b.Facts.TCP
	for _, d := range [...]record.Dir{record.Client, record.Server} {
		p, q := x.Sides[d].TTL, y.Sides[d].TTL
		if p == q || p == 0 || q == 0 {
			continue
		}
		if (p > q) == (d == record.Client) {
			return a, b, true
		}
		return b, a, true
	}
	if x.SYN.Seen() && x.SYNACK.Seen() && y.SYN.Seen() && y.SYNACK.Seen() {
		p, q := x.SYNACK.Time-x.SYN.Time, y.SYNACK.Time-y.SYN.Time
		if p != q {
			if p > q {
				return a, b, true
			}
			return b, a, true
		}
	}
	return a, b, false
}

// Nearer is the view that was taken nearer to the client, if that can be told.
func Nearer(a, b *record.Connection) (near *record.Connection, known bool) {
	near, _, known = order(a, b)
	return near, known
}

// clocks estimates by how much far's clock is ahead, and how much it gains per
// second: what goes one way and what comes back take about as long, so the
// mean of both differences is the clocks'.
func clocks(near, far *record.Connection) (offset time.Duration, drift float64) {
	x, y := &near.Facts.TCP, &far.Facts.TCP
	first, at, ok := begins(x, y)
	if !ok {
		return oneWay(x, y), 0
	}
	last, end, ok := between(x.Sides[0].FIN, y.Sides[0].FIN, x.Sides[1].FIN, y.Sides[1].FIN)
	if ok && end.Sub(at) >= driftAfter {
		drift = float64(last-first) / float64(end.Sub(at))
	}
	return first, drift
}

// Clocks tells by how much the clock of b's vantage point is ahead of that of
// a's, by packets that both saw of one connection.
func Clocks(a, b *record.Connection) (ahead record.Time, ok bool) {
	x, y := &a.Facts.TCP, &b.Facts.TCP
	offset, _, ok := begins(x, y)
	return record.Time(offset), ok
}

// begins compares the clocks by the handshake, or by the first data of both sides.
func begins(x, y *record.TCPFacts) (offset time.Duration, at record.Time, ok bool) {
	offset, at, ok = between(lastSYN(x), lastSYN(y), x.SYNACK, y.SYNACK)
	if !ok {
		offset, at, ok = between(x.Sides[0].FirstData, y.Sides[0].FirstData, x.Sides[1].FirstData, y.Sides[1].FirstData)
	}
	return offset, at, ok
}

// oneWay compares the clocks by a SYN that both saw, of which no answer came
// back: how long it took is not known, but short beside what the clocks of two
// hosts differ by where that matters.
func oneWay(x, y *record.TCPFacts) time.Duration {
	if !x.SYN.Seen() || !y.SYN.Seen() || x.SYNs != y.SYNs {
		return 0
	}
	return y.SYN.Time.Sub(x.SYN.Time)
}

// lastSYN is the SYN that was answered.
func lastSYN(t *record.TCPFacts) record.Ref {
	if t.LastSYN.Seen() {
		return t.LastSYN
	}
	return t.SYN
}

// between is the mean difference of two pairs of packets, and when it was.
func between(nearThere, farThere, nearBack, farBack record.Ref) (time.Duration, record.Time, bool) {
	if !nearThere.Seen() || !farThere.Seen() || !nearBack.Seen() || !farBack.Seen() {
		return 0, 0, false
	}
	there, back := farThere.Time.Sub(nearThere.Time), farBack.Time.Sub(nearBack.Time)
	return (there + back) / 2, nearThere.Time, true
}

// resets finds RSTs that arrived and were never sent.
func (v *views) resets(p *record.Path, from record.Dir) {
	sent, received := v.sender(from), v.receiver(from)
	for i := range sent.Facts.TCP.Resets {
		if sent.Facts.TCP.Resets[i].From == from {
			return
		}
	}
	for i := range received.Facts.TCP.Resets {
		x := &received.Facts.TCP.Resets[i]
		if x.From != from || !v.covers(p, sent, x.Ref.Time) {
			continue
		}
		last := sent.Facts.Last
		p.Forged = append(p.Forged, record.PathReset{From: from, At: x.Ref, TTL: x.TTL, Elsewhere: last,
			OtherWentOn: last.Time > v.onClockOf(sent, x.Ref.Time)})
		return
	}
}

// covers: the capture of one view has both directions, and went on after a
// moment in the other. A file does not say when its capture ended: if its last packet
// came shortly before that moment, it is only likely that it went on.
func (v *views) covers(p *record.Path, c *record.Connection, at record.Time) bool {
	f := c.Facts
	if f.TCP.OneWay && !f.Shadow || f.TCP.LateStart || f.CaptureDrops {
		return false
	}
	missing := v.onClockOf(c, at).Sub(f.CaptureEnd.Time)
	if missing > 0 {
		p.EndsEarly = true
	}
	return missing <= endsEarly
}

// losses finds what was sent and did not arrive.
func (v *views) losses(p *record.Path, from record.Dir) {
	sent, received := v.sender(from), v.receiver(from)
	x, y := &sent.Facts.TCP, &received.Facts.TCP
	if from == record.Server && x.SYNACKs > 0 && y.SYNACKs == 0 && v.covers(p, received, x.SYNACK.Time) {
		p.Lost = append(p.Lost, record.PathLoss{From: from, What: record.LostSYNACK, Packets: x.SYNACKs, At: x.SYNACK, Never: true})
		return
	}
	s, r := &x.Sides[from], &y.Sides[from]
	if x.LateStart || y.LateStart || x.GapBytes[from] > 0 || sent.Facts.TCP.CutShort > 0 || received.Facts.TCP.CutShort > 0 {
		return
	}
	if s.Bytes > r.Bytes && s.LastData.Seen() {
		loss := record.PathLoss{From: from, What: what(sent, received, from), Bytes: s.Bytes - r.Bytes, Never: true, At: s.LastData, Packets: max(1, int(s.DataSegments-r.DataSegments)),
			Largest: s.MaxSegment, Passed: r.MaxSegment}
		if s.UnackedFirst.Seen() {
			loss.At = s.UnackedFirst
		}
		if v.covers(p, received, loss.At.Time+record.Time(covered)) {
			p.Lost = append(p.Lost, loss)
		}
		return
	}
	lost := int(s.DataSegments - r.DataSegments)
	if s.Bytes == r.Bytes && s.MaxSegment == r.MaxSegment && lost >= minLost && s.Retransmissions >= minLost {
		loss := record.PathLoss{From: from, What: "data segments", Packets: lost, At: s.LastData}
		for i := range x.Retransmissions {
			if t := &x.Retransmissions[i]; t.From == from {
				loss.At = t.Original
				break
			}
		}
		p.Lost = append(p.Lost, loss)
	}
}

// what names the first thing that is missing.
func what(sent, received *record.Connection, from record.Dir) string {
	x, y := sent.Facts.Upgrade, received.Facts.Upgrade
	switch {
	case from == record.Client && x != nil && x.Request != nil && (y == nil || y.Request == nil):
		return record.LostRequest
	case from == record.Server && x != nil && x.Response != nil && (y == nil || y.Response == nil):
		return record.LostAnswer
	}
	return "data"
}

// rewritten finds bytes that differ between the views.
func (v *views) rewritten(p *record.Path) {
	if v.near.Facts.Samples == nil || v.far.Facts.Samples == nil {
		return
	}
	for _, from := range [...]record.Dir{record.Client, record.Server} {
		sent, received := v.sender(from), v.receiver(from)
		x, y := &sent.Facts.Samples[from], &received.Facts.Samples[from]
		if fields := headChanges(sent, received, from); len(fields) > 0 {
			p.Rewritten = append(p.Rewritten, fields...)
			continue
		}
		if c, differs := firstDifference(x, y, from); differs {
			p.Rewritten = append(p.Rewritten, c)
		}
	}
}

// firstDifference is where two samples of one stream part.
func firstDifference(x, y *record.Sample, from record.Dir) (record.Change, bool) {
	n := min(len(x.Head), len(y.Head))
	if !bytes.Equal(x.Head[:n], y.Head[:n]) {
		at := 0
		for x.Head[at] == y.Head[at] {
			at++
		}
		end := n
		for x.Head[end-1] == y.Head[end-1] && end-1 > at {
			end--
		}
		name := fmt.Sprintf("byte %d of what the %s sends", at, from)
		if end-at > 1 {
			name = fmt.Sprintf("bytes %d to %d of what the %s sends", at, end-1, from)
		}
		return record.Change{Name: name, BeforeRef: x.PacketOf(int64(at)), AfterRef: y.PacketOf(int64(at))}, true
	}
	blocks := int(min(x.Length, y.Length) / SampleBlock)
	for i := range min(blocks, len(x.Blocks), len(y.Blocks)) {
		if x.Blocks[i].Sum != y.Blocks[i].Sum {
			return record.Change{Name: fmt.Sprintf("something in bytes %d to %d of what the %s sends", i*SampleBlock, (i+1)*SampleBlock-1, from),
				BeforeRef: x.Blocks[i].Ref, AfterRef: y.Blocks[i].Ref}, true
		}
	}
	if last := blocks; x.Length == y.Length && last < len(x.Blocks) && last < len(y.Blocks) && x.Blocks[last].Sum != y.Blocks[last].Sum {
		return record.Change{Name: fmt.Sprintf("something from byte %d on of what the %s sends", last*SampleBlock, from),
			BeforeRef: x.Blocks[last].Ref, AfterRef: y.Blocks[last].Ref}, true
	}
	return record.Change{}, false
}

// headChanges lists the header fields that differ, by name; their values only
// where they are no secret.
func headChanges(sent, received *record.Connection, from record.Dir) (list []record.Change) {
	x, y := sent.Facts.Upgrade, received.Facts.Upgrade
	if x == nil || y == nil {
		return nil
	}
	a, b, refA, refB := x.Request, y.Request, x.RequestRef, y.RequestRef
	if from == record.Server {
		a, b, refA, refB = x.Response, y.Response, x.ResponseRef, y.ResponseRef
	}
	if a == nil || b == nil || x.RequestCut || y.RequestCut || x.ResponseCut || y.ResponseCut || a.Truncated || b.Truncated {
		return nil
	}
	for i := range min(len(a.Fields), len(b.Fields)) {
		f, g := &a.Fields[i], &b.Fields[i]
		if f.Name == g.Name && f.Value == g.Value {
			continue
		}
		change := record.Change{Name: f.Name, Before: shown(f.Name, f.Value), After: shown(g.Name, g.Value), BeforeRef: refA, AfterRef: refB}
		if f.Value == g.Value && change.Before != f.Name {
			change.After = g.Name + ": " + g.Value // only renamed
		}
		list = append(list, change)
		if len(a.Fields) != len(b.Fields) {
			break // all that follows is displaced
		}
	}
	if len(list) == 0 && len(a.Fields) != len(b.Fields) {
		list = append(list, record.Change{Name: "the number of header fields", Before: itoa(len(a.Fields)), After: itoa(len(b.Fields)), BeforeRef: refA, AfterRef: refB})
	}
	return list
}

// shown is a field as it may be shown.
func shown(name, value string) string {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, "pgrade") || strings.HasSuffix(lower, "onnection") || lower == "sec-websocket-version" || lower == "sec-websocket-accept" || lower == "sec-websocket-extensions" || lower == "sec-websocket-key" {
		return name + ": " + value
	}
	return name
}
