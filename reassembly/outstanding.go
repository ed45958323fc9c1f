package reassembly

import "encoding/binary"

// MaxOutstanding bounds how many unacknowledged segments of one side are
// remembered one by one; beyond it the newest takes the place of the one before.
const MaxOutstanding = 64

// sent is a segment that waits for its acknowledgement.
type sent struct {
	start, n uint32
	at       mark
	sample   uint32
	sampled  uint16 // bytes that the sample was taken from
	count    uint16
}

// outstanding holds the unacknowledged segments of one side, in order.
type outstanding struct {
	e    []sent
	head int
	free *outstanding
}

func (q *outstanding) list() []sent { return q.e[q.head:] }

func (q *outstanding) push(s sent) {
	switch {
	case len(q.e)-q.head >= MaxOutstanding:
		q.e[len(q.e)-1] = s
	case len(q.e) == cap(q.e) && q.head > 0:
		q.e = q.e[:copy(q.e, q.e[q.head:])]
		q.head = 0
		fallthrough
	default:
		q.e = append(q.e, s)
	}
}

// find is the remembered segment that holds sequence number seq.
func (q *outstanding) find(seq uint32) *sent {
	l := q.list()
	for i := range l {
		if e := &l[i]; !before(seq, e.start) && before(seq, e.start+e.n) {
			return e
		}
	}
	return nil
}

// track remembers a new data segment of h, which begins at next, until it is
// acknowledged by o, and a sample of data for longer. Mostly it is acknowledged
// before the next: then the half itself tells all about it.
func (t *Table) track(h, o *half, n uint32, at mark, data []byte) {
	t.enqueue(h)
	h.sample, h.sampleStart, h.sampleLen = sampleOf(data), h.next, saturated(uint32(len(data)))
	switch {
	case o.is(halfAcks) && !before(o.acks, h.next+n):
		h.maxAcked = max(h.maxAcked, saturated(n)) // the acknowledgement was captured first
	case h.out == nil && h.wait == nil && n == uint32(h.sampleLen):
		h.flags |= halfAlone
	default:
		t.push(h, sent{h.next, n, at, h.sample, h.sampleLen, 1})
	}
}

// enqueue makes a place for others behind the segment that waited alone.
func (t *Table) enqueue(h *half) {
	if h.is(halfAlone) {
		h.flags &^= halfAlone
		t.push(h, sent{h.sampleStart, uint32(h.sampleLen), h.lastData, h.sample, h.sampleLen, 1})
	}
}

func (t *Table) push(h *half, s sent) {
	if h.out == nil {
		if h.out = t.freeOut; h.out == nil {
			h.out = &outstanding{e: make([]sent, 0, 8)}
		} else {
			t.freeOut = h.out.free
			h.out.free = nil
		}
	}
	h.out.push(s)
}

// acknowledge forgets what is covered by the other side's acknowledgement.
func (t *Table) acknowledge(h *half, acked uint32) {
	if h.is(halfAlone) {
		if !before(acked, h.sampleStart+uint32(h.sampleLen)) {
			h.maxAcked = max(h.maxAcked, h.sampleLen)
			h.flags &^= halfAlone
		}
		return
	}
	q := h.out
	if q == nil {
		return
	}
	for q.head < len(q.e) {
		e := &q.e[q.head]
		if before(acked, e.start+e.n) {
			return
		}
		h.maxAcked = max(h.maxAcked, saturated(e.n))
		q.head++
	}
	t.releaseOut(h)
}

func (t *Table) releaseOut(h *half) {
	h.flags &^= halfAlone
	q := h.out
	if q == nil {
		return
	}
	h.out = nil
	q.e, q.head = q.e[:0], 0
	q.free = t.freeOut
	t.freeOut = q
}

// sampleOf folds eight bytes that differ between unlike payloads: past the
// version of an HTTP status line, the length of a frame, the type of a record.
func sampleOf(b []byte) uint32 {
	if len(b) >= 12 {
		return uint32(binary.LittleEndian.Uint64(b[4:]) * 0x9e3779b97f4a7c15 >> 32)
	}
	var v uint32
	for _, c := range b {
		v = v*0x01000193 + uint32(c)
	}
	return v
}

// sameSample tells whether payloads that start at one sequence number can be
// the same bytes; it says yes when their lengths leave nothing to compare.
func sameSample(a uint32, an uint16, b uint32, bn uint16) bool {
	if an >= 12 && bn >= 12 || an == bn {
		return a == b
	}
	return true
}
