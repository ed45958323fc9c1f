package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// maxPooled bounds how much of a kind waits to be used again.
const maxPooled = 1 << 12

// pool holds the memory of connections that have ended: some captures have
// thousands of short ones a second.
type pool struct {
	conns  freeList[conn, *conn]
	https  freeList[httpLayer, *httpLayer]
	frames freeList[wsLayer, *wsLayer]
}

// resetter makes a value ready for its next use; it keeps what memory is worth keeping.
type resetter[T any] interface {
	*T
	reset()
}

// freeList hands out values that are zero but for memory they keep.
type freeList[T any, P resetter[T]] struct{ free []P }

func (l *freeList[T, P]) get() P {
	n := len(l.free)
	if n == 0 {
		p := P(new(T))
		p.reset()
		return p
	}
	p := l.free[n-1]
	l.free = l.free[:n-1]
	return p
}

func (l *freeList[T, P]) put(p P) {
	if len(l.free) < maxPooled {
		p.reset()
		l.free = append(l.free, p)
	}
}

func (c *conn) reset() {
	*c = conn{}
	c.attempts = c.one[:0]
	c.own.requestAt, c.own.responseAt = c.own.at[:0:1], c.own.at[1:1:2]
}

func (l *wsLayer) reset() { *l = wsLayer{violations: l.violations[:0]} }

// maxKeptPending bounds the memory for pipelined requests that is kept.
const maxKeptPending = 64

func (h *httpLayer) reset() {
	h.exchanges = exchanges{}
	h.pending, h.pieces[0], h.pieces[1] = h.pending[:0], h.pieces[0][:0], h.pieces[1][:0]
	if cap(h.pending) > maxKeptPending {
		h.pending = nil
	}
	h.parser[record.Client].Init(http1.Request)
	h.parser[record.Server].Init(http1.Response)
}

// giveBack takes the memory of a connection that nobody looks at any more.
// Only plain ones, and those without an attempt, give theirs back whole: what lies in
// tunnels, TLS and HTTP/2 refers to each other.
func (p *pool) giveBack(c *conn) {
	if len(c.attempts) > 0 && (c.tls != nil || c.tunnel != nil || c.proxy != nil) {
		return
	}
	if h, ok := c.root.layer.(*httpLayer); ok {
		p.https.put(h)
	}
	if c.spent != nil {
		p.https.put(c.spent)
	}
	for _, a := range c.attempts {
		if a.h2 != nil {
			return
		}
		if a.ws != nil {
			p.frames.put(a.ws)
		}
	}
	p.conns.put(c)
}
