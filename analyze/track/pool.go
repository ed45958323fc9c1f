package track

import (
	"math/bits"

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

	closings freeList[closing, *closing]
	further  freeList[further, *further]
	starts   freeList[start, *start]
	oddities freeList[oddities, *oddities]
	besides  freeList[beside, *beside]
	stories  [3][][]frameEvent // by length: 4, 8, 16
}

// longer gives a story twice the room.
func (p *pool) longer(old []frameEvent) (s []frameEvent) {
	size := max(keptFrames/2, 2*cap(old))
	free := &p.stories[storyClass(size)]
	if n := len(*free); n > 0 {
		s, *free = (*free)[n-1], (*free)[:n-1]
	} else {
		s = make([]frameEvent, 0, size)
	}
	s = append(s, old...)
	p.giveStory(old)
	return s
}

func storyClass(size int) int { return bits.Len(uint(size) / keptFrames) }

func (p *pool) giveStory(s []frameEvent) {
	if cap(s) == 0 {
		return
	}
	if free := &p.stories[storyClass(cap(s))]; len(*free) < maxPooled {
		*free = append(*free, s[:0])
	}
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

func (c *conn) reset() { *c = conn{} }

func (l *wsLayer) reset() { *l = wsLayer{} }

func (c *closing) reset() { *c = closing{} }

func (x *further) reset() { *x = further{body: x.body[:0], notHTTP: x.notHTTP[:0]} }

func (x *start) reset() { *x = start{} }

func (b *beside) reset() { *b = beside{} }

func (o *oddities) reset() { *o = oddities{violations: o.violations[:0]} }

// giveFrames takes the memory of a layer of frames.
func (p *pool) giveFrames(l *wsLayer) {
	if l.closing != nil {
		p.closings.put(l.closing)
	}
	if l.start != nil {
		p.starts.put(l.start)
	}
	if l.oddities != nil {
		p.oddities.put(l.oddities)
	}
	if l.apart {
		p.besides.put(l.beside)
	}
	p.giveStory(l.story)
	p.frames.put(l)
}

func (h *httpLayer) reset() {
	h.exchanges = exchanges{}
	h.pending = h.ownPending[:0]
	h.seenIn[0].reset()
	h.seenIn[1].reset()
	h.parser[record.Client].Init(http1.Request)
	h.parser[record.Server].Init(http1.Response)
}

// giveBack takes the memory of a connection that nobody looks at any more.
// Only plain ones, and those without an attempt, give theirs back whole: what lies in
// tunnels, TLS and HTTP/2 refers to each other.
func (p *pool) giveBack(c *conn) {
	if len(c.attempts()) > 0 && (c.tls() != nil || c.tunnel() != nil || c.proxy() != nil) {
		return
	}
	if h, ok := c.root.layer.(*httpLayer); ok {
		p.https.put(h)
	}
	for _, a := range c.attempts() {
		if a.h2 != nil {
			return
		}
		if a.further != nil {
			p.further.put(a.further)
		}
		if a.ws != nil {
			p.giveFrames(a.ws)
		}
	}
	p.conns.put(c)
}
