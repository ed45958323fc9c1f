// Package track follows each TCP connection through the layers of a WebSocket
// (HTTP Upgrade, frames; one file per layer) and turns what it saw into a
// record.Connection with its facts. It knows no rule and passes no judgement.
//
// Most callers need only New, which is the handler of a reassembly.Table.
package track

import (
	"slices"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"github.com/wsleuth/wsleuth/reassembly"
)

// Options of a Tracker.
type Options struct {
	// Emit gets each finished connection with the time at which it became
	// final (ns), in the order in which the table closes flows. It is complete
	// when Fill was called. That can be done for several in turn, so that the
	// code for it stays in the cache.
	Emit func(c *record.Connection, order int64)
	// Files names the files of the source by their place, as far as they are known.
	Files func() []string
	// Encapsulation names a chain of tunnels by its number.
	Encapsulation func(id int32) []string
	// End gives the last packet of a vantage point, for a connection whose own came at this time; asked for when the capture has ended.
	End func(vantage int32, at record.Time) record.Ref
	// Keys are the TLS secrets; nil if none are given.
	Keys *decrypt.Keys
	// Follow, unless nil, adds keys that have come since, and answers whether there
	// are any: it is called when a connection would otherwise be given up. See Retry, too.
	Follow func() bool
	// Asked and Polled, unless nil, get requests for a WebSocket, and those of
	// libraries that do without, as they are seen.
	Asked  func(*Ask)
	Polled func(Poll)
	// Named, unless nil, gets DNS messages that came over TCP.
	Named func(*Named)
	// Refused, unless nil, gets each RST that answers a SYN.
	Refused func(record.Ref)
	// Apart, unless nil, tells that there are several vantage points, so that
	// what each of them saw is to be compared.
	Apart func() bool
	// Opaque: TLS connections that no key opens, and that nothing marks as a
	// WebSocket, are wanted; otherwise they are counted.
	Opaque bool
	// Budget bounds the memory that inflating takes, for all trackers together.
	Budget *ws.Budget
}

// Counts of what is not reported.
type Counts struct {
	Other  int64 // TCP connections that are no WebSocket
	Opaque int64 // TLS connections that cannot be read
}

// Tracker is the handler of one flow table. It is not safe for concurrent use.
type Tracker struct {
	Counts
	o           Options
	inflaters   *ws.Inflaters
	resumptions *decrypt.Resumptions
	held        *decrypt.Held // what waits for keys
	scratch     *decrypt.Scratch
	conns       []*conn // by Flow.App
	free        []uint32
	blocks      []*block
	handshakes  []*handshake
	spare       handshake // for heads that are looked at and forgotten
	nothing     attempt   // of a connection that never came to be
	pool        pool
	heads       headLines
	noAside     aside      // never written
	noBeside    beside     // never written
	spent       *httpLayer // no longer reads anything
	now         current    // what frames are read of
	asking      Ask
	sampled     int
	touched     uint32                      // keeps Touch from being optimised away
	watched     map[*reassembly.Flow]peeked // failed without a byte, and shown
}

// New makes a Tracker.
func New(o Options) *Tracker {
	return &Tracker{o: o, inflaters: ws.NewInflaters(o.Budget), resumptions: new(decrypt.Resumptions), held: new(decrypt.Held), scratch: new(decrypt.Scratch), conns: make([]*conn, 1)}
}

var _ reassembly.Handler = (*Tracker)(nil)

// Data implements reassembly.Handler.
func (t *Tracker) Data(f *reassembly.Flow, from reassembly.Side, at reassembly.At, b []byte) {
	if f.App == 0 && !t.begin(f, from, b) {
		return
	}
	c := t.conns[f.App]
	if c.few != nil && c.few.samples != nil {
		c.sample(from, at, b)
	}
	c.root.layer.data(&c.root, from, ref(at), b)
	c.settle()
	if t.spent != nil {
		t.pool.https.put(t.spent)
		t.spent = nil
	}
}

// Touch implements reassembly.Toucher.
func (t *Tracker) Touch(apps []uint32) {
	var conns [reassembly.TouchBatch]*conn
	apps = apps[:min(len(apps), len(conns))]
	for i, a := range apps {
		conns[i] = t.conns[a]
	}
	sum := uint32(0)
	for _, c := range conns[:len(apps)] {
		if c == nil {
			continue
		}
		sum += uint32(c.lastFrom)
		if l, ok := c.root.layer.(*wsLayer); ok {
			sum += l.touch()
		}
	}
	t.touched = sum
}

// Missing implements reassembly.Handler.
func (t *Tracker) Missing(f *reassembly.Flow, from reassembly.Side, at reassembly.At, n int64, why reassembly.GapKind) {
	if f.App == 0 {
		// The first bytes are lost: what comes may still be recognised.
		t.attach(f).undecided()
	}
	c := t.conns[f.App]
	c.lost = why != reassembly.GapUnfilled
	c.unsampled(from)
	c.root.layer.missing(&c.root, from, ref(at), n)
	c.settle()
}

// End implements reassembly.Handler.
func (t *Tracker) End(f *reassembly.Flow, from reassembly.Side, at reassembly.At, how reassembly.EndKind) {
	if f.App == 0 {
		if how == reassembly.EndRST && t.o.Refused != nil && !f.Established().Seen() && f.ClientBy == reassembly.ClientBySYN {
			t.o.Refused(ref(at))
		}
		return
	}
	c := t.conns[f.App]
	if how == reassembly.EndFIN {
		c.root.layer.end(&c.root, from, ref(at))
		if c.ended |= 1 << from; c.ended == 1<<0|1<<1 {
			t.leave(c)
		}
	}
}

// leave gives back what reads HTTP when both streams have ended: the table keeps
// the flow for a while, and there are many where a server refuses all.
func (t *Tracker) leave(c *conn) {
	if h, ok := c.root.layer.(*httpLayer); ok {
		if h.close(&c.root); c.root.layer == h {
			c.root.layer = ignored{}
			t.pool.https.put(h)
		}
	}
}

// begin decides by the first payload whether a flow is worth following; most
// are not and cost nothing more.
func (t *Tracker) begin(f *reassembly.Flow, from reassembly.Side, b []byte) bool {
	kind := protoOther
	if f.ClientBy == reassembly.ClientBySYN {
		kind = classifyFirst(b, from == f.Client)
	}
	if kind == protoOther {
		switch {
		case t.speaksDNS(f, b):
			t.attach(f).root.layer = new(dnsLayer)
			return true
		case f.ClientBy == reassembly.ClientBySYN && !(from != f.Client && len(b) <= maxGreeting && f.Half(f.Client).Bytes == 0):
			f.Ignore = true
			return false
		}
	}
	switch c := t.attach(f); kind {
	case protoHTTP:
		c.root.layer = newHTTPLayer(t)
	case protoTLS:
		c.root.layer = newTLSLayer(&c.root)
	default:
		c.undecided()
	}
	return true
}

// attach begins to follow a flow; what reads it is still to be said.
func (t *Tracker) attach(f *reassembly.Flow) *conn {
	c := t.pool.conns.get()
	c.t, c.flow = t, f
	c.root = slot{conn: c, scheme: schemeWS}
	t.beginSamples(c)
	if n := len(t.free); n > 0 {
		f.App = t.free[n-1]
		t.free = t.free[:n-1]
		t.conns[f.App] = c
	} else {
		f.App = uint32(len(t.conns))
		t.conns = append(t.conns, c)
	}
	return c
}

// undecided reads on until the bytes tell what it is.
func (c *conn) undecided() { c.root.layer = &opening{late: c.flow.ClientBy != reassembly.ClientBySYN} }

// Closed implements reassembly.Handler.
func (t *Tracker) Closed(f *reassembly.Flow, order int64, last bool) {
	var c *conn
	if f.App != 0 {
		c = t.conns[f.App]
		t.conns[f.App] = nil
		t.free = append(t.free, f.App)
	} else if len(t.watched) > 0 {
		delete(t.watched, f)
	}
	if c == nil || len(c.attempts()) == 0 {
		t.closedWithout(f, c, order, last)
		if c != nil {
			t.pool.giveBack(c) // if it was emitted: what the facts refer to is not the conn's
		}
		return
	}
	c.root.layer.close(&c.root)
	for _, a := range c.attempts() {
		r := t.outline(f, c, a, last)
		if len(c.attempts()) == 1 {
			r.Facts.Memory.(*block).conn = c // given back with the facts, which refer to it
		}
		t.o.Emit(r, order)
	}
}

// closedWithout handles a flow that never showed a WebSocket: it is reported
// if it failed before it could say what it was.
func (t *Tracker) closedWithout(f *reassembly.Flow, c *conn, order int64, last bool) {
	if c != nil {
		c.root.layer.close(&c.root)
	}
	switch {
	case f.Rare != nil && f.Rare.LetGo && !ended(f):
		t.Other++ // what would have come of it is not known
	case f.Half(0).Bytes+f.Half(1).Bytes == 0 && !(f.Rare != nil && f.Rare.CutShort > 0) && failedToConnect(f):
		t.o.Emit(t.build(f, c, &t.nothing, last), order)
	case t.closedTunnel(f, c, order, last):
	case c != nil && c.tls() != nil:
		t.closedTLS(f, c, order, last)
	default:
		t.Other++
		t.shadow(f, c, order, last)
	}
}

// ended: a FIN or a RST was seen.
func ended(f *reassembly.Flow) bool {
	return f.Half(0).FIN.Seen() || f.Half(1).FIN.Seen() || f.Rare != nil && len(f.Rare.Resets) > 0
}

// failedToConnect: a WebSocket that never came to be looks just like this.
func failedToConnect(f *reassembly.Flow) bool {
	client := f.Half(f.Client)
	server := f.Half(f.Client.Other())
	refused, reset := false, false
	if f.Rare != nil {
		if len(f.Rare.ICMP) > 0 && !f.Established().Seen() {
			return true
		}
		for i := range f.Rare.Resets {
			r := &f.Rare.Resets[i]
			refused = refused || r.AnswersSYN && r.From != f.Client
			reset = reset || !r.AfterOwnFIN && !r.AfterOtherFIN && !r.AnswersSYN && (r.From != f.Client || !genuine(r))
		}
	}
	switch {
	case f.ClientBy != reassembly.ClientBySYN:
		return false
	case refused && !f.SYNACK().Seen():
		return true
	case f.SYNs >= 2 && !f.SYNACK().Seen() && server.Packets == 0:
		return true
	case f.SYNACKs >= 2 && !f.Established().Seen():
		return true
	}
	return f.Established().Seen() && reset && !client.FIN.Seen() && !server.FIN.Seen()
}

// genuine: the RST came as far as its sender's other segments. A client that
// resets what it never used (a health check, the loser of two attempts) gave it
// up; nothing failed.
func genuine(r *reassembly.Reset) bool { return r.TTL >= r.MinTTL && r.TTL <= r.MaxTTL }

// conn is one TCP connection that is worth following.
type conn struct {
	// What every packet touches lies together, in two cache lines.
	root  slot
	t     *Tracker
	flow  *reassembly.Flow
	other bool  // it turned out to be something else
	lost  bool  // what is missing now was lost by the capture, not on the way
	used  bool  // own is
	ended uint8 // the streams that have: 1<<side
	few   *few
	pulse

	// Most connections have one attempt: it lies here.
	one [1]*attempt
	own attempt
}

// few is what few connections have.
type few struct {
	tls     *tlsLayer  // the innermost; nil: no ClientHello was seen
	tunnel  *tunnel    // the innermost; nil: no forward proxy was asked
	several []*attempt // all of them; nil unless there were more than one
	samples *[2]record.Sample
	proxy   *record.ProxyFacts
	peeked  peeked
}

func (c *conn) rare() *few {
	if c.few == nil {
		c.few = new(few)
	}
	return c.few
}

func (c *conn) tls() *tlsLayer {
	if c.few == nil {
		return nil
	}
	return c.few.tls
}

func (c *conn) tunnel() *tunnel {
	if c.few == nil {
		return nil
	}
	return c.few.tunnel
}

func (c *conn) samples() *[2]record.Sample {
	if c.few == nil {
		return nil
	}
	return c.few.samples
}

func (c *conn) proxy() *record.ProxyFacts {
	if c.few == nil {
		return nil
	}
	return c.few.proxy
}

// attempts are the WebSockets of the connection.
func (c *conn) attempts() []*attempt {
	switch {
	case c.few != nil && c.few.several != nil:
		return c.few.several
	case c.one[0] == nil:
		return nil
	}
	return c.one[:]
}

func (c *conn) add(a *attempt) {
	switch {
	case c.few != nil && c.few.several != nil:
		c.few.several = append(c.few.several, a)
	case c.one[0] == nil:
		c.one[0] = a
	default:
		c.rare().several = []*attempt{c.one[0], a}
	}
}

// attempt is a new one of this connection, which is still to be added to its attempts.
func (c *conn) attempt() *attempt {
	if c.used {
		return new(attempt)
	}
	c.used = true
	return &c.own
}

// pulse is when application bytes came.
type pulse struct {
	last     mark // last application bytes of either side
	lastFrom record.Dir
	// There is the latest pause of a second or more between application
	// bytes, from silenceFrom to silenceEnd.
	silenceFrom, silenceEnd mark
}

// dir is the direction of what a side sends.
func (c *conn) dir(s reassembly.Side) record.Dir {
	if s == c.flow.Client {
		return record.Client
	}
	return record.Server
}

// side is who sends in a direction.
func (c *conn) side(d record.Dir) reassembly.Side {
	if d == record.Client {
		return c.flow.Client
	}
	return c.flow.Client.Other()
}

// drop takes back an attempt.
func (c *conn) drop(a *attempt) {
	if c.few != nil && c.few.several != nil {
		c.few.several = slices.DeleteFunc(c.few.several, func(other *attempt) bool { return other == a })
	} else if c.one[0] == a {
		c.one[0] = nil
	}
}

// touch notes that application bytes were seen.
func (p *pulse) touch(d record.Dir, at record.Ref) {
	now := markOf(at)
	if int64(now.time-p.last.time) >= minPause && p.last.seen() {
		p.silenceFrom, p.silenceEnd = p.last, now
	}
	p.last, p.lastFrom = now, d
}

// minPause is the shortest pause worth remembering: 1 s.
const minPause = 1e9

// settle lets go of a connection that turned out to be something else.
func (c *conn) settle() {
	if c.other && len(c.attempts()) == 0 && !c.tunnel().idle() {
		c.flow.Ignore = true
	}
}

func ref(at reassembly.At) record.Ref {
	return record.Ref{Packet: at.Packet, Time: record.Time(at.Time), File: at.File}
}

// slot holds the layer that reads a stream; a layer that finds another one
// inside puts that into the slot.
type slot struct {
	conn   *conn
	layer  layer
	tls    *tlsLayer // the TLS that it lies in
	scheme scheme    // what an Upgrade request here asks for
	depth  uint8     // how many tunnels it lies in
}

// layer reads both directions of a stream.
type layer interface {
	// data takes the next bytes of one side.
	data(s *slot, from reassembly.Side, at record.Ref, b []byte)
	// missing says that the next n bytes are not in the capture.
	missing(s *slot, from reassembly.Side, at record.Ref, n int64)
	// end says that one side will send no more.
	end(s *slot, from reassembly.Side, at record.Ref)
	// close is called once, when nothing more will come.
	close(s *slot)
}

// ignored reads nothing.
type ignored struct{}

func (ignored) data(*slot, reassembly.Side, record.Ref, []byte)   {}
func (ignored) missing(*slot, reassembly.Side, record.Ref, int64) {}
func (ignored) end(*slot, reassembly.Side, record.Ref)            {}
func (ignored) close(*slot)                                       {}

// dismiss ends the reading of a stream.
func (s *slot) dismiss() {
	s.layer = ignored{}
	s.conn.other = true
}
