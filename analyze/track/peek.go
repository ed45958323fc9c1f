package track

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// How often a connection is looked at before it is over, beside when it
// changed: while it opens, and at most once it is open and silent.
const (
	peekOpening = int64(time.Second)
	peekOpen    = int64(time.Second)
	peekSilent  = int64(10 * time.Second)
)

// maxWatched bounds the failed connections without a byte of which is known
// that they were shown.
const maxWatched = 1 << 14

// peeked is when a connection was looked at, and what was its last packet.
type peeked struct {
	packet int64
	clock  int64
	open   bool // a WebSocket was open
}

// Due tells whether Peek would show something new at a time of the capture,
// and whether that is urgent: the connection is opening, or over.
func (t *Tracker) Due(f *reassembly.Flow, clock int64) (due, urgent bool) {
	if f.Ignore {
		return false, false
	}
	last := f.Last().Packet
	if f.App == 0 {
		if f.Rare == nil && f.SYNs < 2 && f.SYNACKs < 2 || !failedToConnect(f) {
			return false, false
		}
		p, known := t.watched[f]
		return !known || p.packet != last || clock-p.clock >= peekSilent, !known
	}
	c := t.conns[f.App]
	if len(c.attempts()) == 0 && c.tls() == nil && c.tunnel() == nil {
		return false, false
	}
	var before peeked
	if c.few != nil {
		before = c.few.peeked
	}
	changed, since := before.packet != last, clock-before.clock
	open := c.open()
	switch {
	case f.Over():
		return changed, true
	case !open:
		return changed || since >= peekOpening, changed
	case before.open != open:
		return true, true
	case changed:
		return since >= peekOpen, false
	}
	return since >= max(peekOpen, min((clock-f.Last().Time)/4, peekSilent)), false
}

// open tells whether a WebSocket is open, or TLS in which one may be.
func (c *conn) open() bool {
	if n := len(c.attempts()); n > 0 {
		return c.attempts()[n-1].ws != nil
	}
	return c.tls() != nil && !c.tls().failed()
}

// Peek shows the records of a connection as they would be if the capture ended
// now, and changes nothing of what comes. The facts are valid during the call.
func (t *Tracker) Peek(f *reassembly.Flow, clock int64, see func(*record.Connection)) {
	show := func(r *record.Connection) {
		facts := r.Facts
		see(r)
		t.Recycle(facts)
	}
	now, last := peeked{packet: f.Last().Packet, clock: clock}, !f.Over()
	if f.App == 0 {
		if t.watched == nil {
			t.watched = map[*reassembly.Flow]peeked{}
		}
		if _, known := t.watched[f]; known || len(t.watched) < maxWatched {
			t.watched[f] = now
		}
		show(t.build(f, nil, &attempt{}, last))
		return
	}
	c := t.conns[f.App]
	now.open = c.open()
	c.rare().peeked = now
	for _, a := range c.attempts() {
		show(t.peek(f, c, a, last))
	}
	if len(c.attempts()) > 0 {
		return
	}
	if c.tunnel() != nil && (!c.tunnel().opened || c.tunnel().idle()) {
		a := &attempt{}
		if c.tunnel().opened {
			a.tls = c.tls()
		}
		r := t.build(f, c, a, last)
		if !c.tunnel().tells(r.Facts.Tunnel, &r.Facts.TCP) {
			t.Recycle(r.Facts)
			return
		}
		show(r)
		return
	}
	if c.tls() == nil {
		return
	}
	if a := c.tls().attempt(f, last); a != nil {
		show(t.build(f, c, a, last))
	}
}

// peek builds the record of an attempt.
func (t *Tracker) peek(f *reassembly.Flow, c *conn, a *attempt, last bool) *record.Connection {
	if a.ws == nil {
		return t.build(f, c, a, last)
	}
	a.ws.mark()
	r := t.build(f, c, a, last)
	a.ws.midFrame, a.ws.midMessage = [2]bool{}, [2]bool{}
	return r
}

// Retry hands on what waits for keys that have come meanwhile.
func (t *Tracker) Retry() {
	for _, c := range t.conns[1:] {
		if c == nil || c.tls() == nil || c.flow.Ignore {
			continue
		}
		c.tls().session.Retry(c.tls())
		c.settle()
	}
}
