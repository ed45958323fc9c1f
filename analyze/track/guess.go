package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"github.com/wsleuth/wsleuth/reassembly"
)

// guess decides whether a stream that began before the capture carries
// WebSocket frames. It holds the bytes meanwhile, so that none is lost to the
// frames' own parser; a side that breaks starts again at its next packet.
type guess struct {
	probe  [2]ws.Probe
	bytes  []byte
	chunks []chunk
}

// chunk is a piece of guess.bytes, in the order in which they came.
type chunk struct {
	from       reassembly.Side
	at         record.Ref
	start, end int
}

// lookLate tries whether the bytes are frames.
func (o *opening) lookLate(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	held, heldAt := o.held[from], o.heldAt[from]
	o.held[from] = nil
	if len(held) > 0 && o.lookH2(s, from, heldAt, held) {
		s.layer.data(s, from, at, b)
		return
	}
	if o.lookH2(s, from, at, b) {
		return
	}
	if o.guess == nil {
		o.guess = &guess{}
	}
	g := o.guess
	if len(held) > 0 {
		g.add(from, heldAt, held)
	}
	g.add(from, at, b)
	switch {
	case o.attempt != nil && g.probe[from].Frames > 0 && g.probe[from].AtBoundary() && g.probe[from].Masked == (from == s.conn.flow.Client):
		o.frames(s, at)
		return
	case ws.Recognise(&g.probe[0], &g.probe[1]) == ws.IsWebSocket:
		other := s.conn.flow.Half(0)
		if g.probe[0].Bytes > 0 {
			other = s.conn.flow.Half(1)
		}
		if g.probe[0].Bytes == 0 || g.probe[1].Bytes == 0 {
			if other.Packets == 0 && s.conn.flow.SYN().Seen() {
				break // nobody is there
			}
		}
		o.frames(s, at)
		return
	}
	if o.seen[0] > maxOpening || o.seen[1] > maxOpening {
		g.release()
		s.dismiss()
	}
}

// addHeld takes what was held of a side that might have been another protocol.
func (o *opening) addHeld(from reassembly.Side) {
	if held := o.held[from]; len(held) > 0 {
		o.held[from] = nil
		o.guess.add(from, o.heldAt[from], held)
	}
}

// goesOn tells that a side's frames have begun: what comes next may begin with
// their payload, which looks like anything.
func (o *opening) goesOn(from reassembly.Side) bool {
	if g := o.h2; g != nil && !g.done && g.probe[from].Bytes > 0 && !g.probe[from].Broken {
		return true
	}
	g := o.guess
	return g != nil && g.probe[from].Bytes > 0 && !g.probe[from].Broken
}

func (g *guess) add(from reassembly.Side, at record.Ref, b []byte) {
	p := &g.probe[from]
	if p.Broken {
		g.restart(from)
	}
	p.Feed(b)
	if p.Broken {
		g.drop(from)
		return
	}
	start := len(g.bytes)
	g.bytes = append(g.bytes, b...)
	g.chunks = append(g.chunks, chunk{from, at, start, len(g.bytes)})
}

// restart forgets a side, to begin anew at its next packet.
func (g *guess) restart(from reassembly.Side) {
	g.probe[from].Reset()
	g.drop(from)
}

func (g *guess) drop(from reassembly.Side) {
	kept := g.chunks[:0]
	for _, c := range g.chunks {
		if c.from != from {
			kept = append(kept, c)
		}
	}
	g.chunks = kept
	if len(kept) == 0 {
		g.bytes = g.bytes[:0]
	}
}

func (g *guess) release() { g.bytes, g.chunks = nil, nil }

// frames goes over to reading frames, from the first that was found on.
func (o *opening) frames(s *slot, at record.Ref) {
	o.addHeld(0)
	o.addHeld(1)
	g := o.guess
	c := s.conn
	if c.flow.ClientBy == reassembly.ClientByPort {
		c.flow.ClientBy = reassembly.ClientByBytes
		switch {
		case g.probe[0].Frames > 0:
			c.flow.Client = 1
			if g.probe[0].Masked {
				c.flow.Client = 0
			}
		default:
			c.flow.Client = 0
			if g.probe[1].Masked {
				c.flow.Client = 1
			}
		}
	}
	a := o.attempt
	if a == nil {
		a = &attempt{by: byFrames, scheme: s.scheme, tls: s.tls, transport: overHTTP1}
		c.add(a)
	}
	a.ws = lateWSLayer(c.t, a, g.chunks[0].at, g.probe[0].Compressed || g.probe[1].Compressed)
	s.layer = a.ws
	for _, k := range g.chunks {
		s.layer.data(s, k.from, k.at, g.bytes[k.start:k.end])
	}
	g.release()
}
