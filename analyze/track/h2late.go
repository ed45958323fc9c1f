package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/h2"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"github.com/wsleuth/wsleuth/reassembly"
)

// maxH2Guessed bounds the bytes held for all streams of a connection whose
// requests are not in the capture and that may be WebSockets.
const maxH2Guessed = 1 << 20

// h2Guess decides whether a stream that began before the capture is HTTP/2. It
// holds the bytes meanwhile; a side that breaks starts again at its next packet.
type h2Guess struct {
	probe  [2]h2.Probe
	bytes  []byte
	chunks []chunk
	done   bool // it is not
}

// lookH2 tries whether the bytes are HTTP/2 frames, and goes over to reading
// them if so.
func (o *opening) lookH2(s *slot, from reassembly.Side, at record.Ref, b []byte) bool {
	if o.h2 == nil {
		o.h2 = &h2Guess{}
	}
	g := o.h2
	if g.done {
		return false
	}
	g.add(from, at, b)
	if len(g.bytes) > maxOpening {
		*g = h2Guess{done: true}
		return false
	}
	if !h2.Recognise(&g.probe[0], &g.probe[1]) {
		return false
	}
	l := newH2Layer([2]bool{true, true})
	s.layer = l
	for _, k := range g.chunks {
		l.data(s, k.from, k.at, g.bytes[k.start:k.end])
	}
	for side, held := range o.held {
		if len(held) > 0 {
			l.data(s, reassembly.Side(side), o.heldAt[side], held)
		}
	}
	return true
}

func (g *h2Guess) add(from reassembly.Side, at record.Ref, b []byte) {
	p := &g.probe[from]
	if p.Broken {
		p.Reset()
	}
	p.Feed(b)
	if p.Broken {
		kept := g.chunks[:0]
		for _, c := range g.chunks {
			if c.from != from {
				kept = append(kept, c)
			}
		}
		if g.chunks = kept; len(kept) == 0 {
			g.bytes = g.bytes[:0]
		}
		return
	}
	start := len(g.bytes)
	g.bytes = append(g.bytes, b...)
	g.chunks = append(g.chunks, chunk{from, at, start, len(g.bytes)})
}

// unknown makes a stream of DATA whose request was not seen; nil if there is
// no room for one more.
func (l *h2Layer) unknown(id uint32) *h2Stream {
	if id%2 == 0 || l.guessed > maxH2Guessed {
		return nil
	}
	st := l.enter(id)
	if st != nil {
		st.guess = &guess{}
	}
	return st
}

// lookLate tries whether DATA of the direction at hand are frames.
func (st *h2Stream) lookLate(b []byte) {
	l := st.l
	if st.guess == nil {
		st.guess = &guess{}
	}
	g := st.guess
	before := len(g.bytes)
	g.add(st.slot.conn.side(l.dir), l.at, b)
	l.guessed += len(g.bytes) - before
	client, server := &g.probe[l.s.conn.flow.Client], &g.probe[l.s.conn.flow.Client.Other()]
	asked := st.request != nil && (client.Frames > 0 && client.AtBoundary() && client.Masked || server.Frames > 0 && server.AtBoundary() && !server.Masked)
	if !asked && ws.Recognise(&g.probe[0], &g.probe[1]) != ws.IsWebSocket {
		if len(g.bytes) > maxOpening || l.guessed > maxH2Guessed {
			st.close()
		}
		return
	}
	st.frames()
}

// frames goes over to reading frames, from the first that was found on.
func (st *h2Stream) frames() {
	g, a := st.guess, st.a
	if st.request == nil {
		a.by = byFrames
		st.slot.conn.add(a)
	}
	layer := lateWSLayer(st.slot.conn.t, a, g.chunks[0].at, g.probe[0].Compressed || g.probe[1].Compressed)
	st.open(layer)
	for _, k := range g.chunks {
		layer.data(&st.slot, k.from, k.at, g.bytes[k.start:k.end])
	}
	st.forget()
}

func (st *h2Stream) forget() {
	st.l.guessed -= len(st.guess.bytes)
	st.guess = nil
}
