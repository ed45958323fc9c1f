package analyze

import (
	"cmp"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// Limits of the search for what a proxy could not reach.
const (
	// maxGateways bounds the refusals of proxies that wait for the connection
	// that failed behind them; beyond it the oldest is judged without.
	maxGateways = 1 << 7
	// maxUnreached bounds the connections that failed and may explain one.
	maxUnreached = 1 << 12
	// gatewayWait is how long after the refusal that connection may become final:
	// a SYN without an answer is waited for that long.
	gatewayWait = record.Time(90 * time.Second)
	// promptly is how soon a proxy that shares no address with the one that was
	// asked must have tried, and with how many times as much distance to any other request.
	promptly = record.Time(500 * time.Millisecond)
	nearer   = 10
	// maxTries bounds the tries that are told with one refusal.
	maxTries = 8
)

// gateway is a refusal by which a proxy may say that it could not connect.
type gateway struct {
	conn     *record.Connection
	from, to record.Time // the request, and the refusal
	tunnel   bool
	addr     netip.Addr // of a tunnel's target; not valid: it is a name
	port     uint16     // 0: not known
	clocks   clocks
}

// slack is how far times of two clocks may be off whose offset is known.
const slack = record.Time(10 * time.Millisecond)

// tried is when a connection began and failed, by the clock of the refusal.
func (g *gateway) tried(c *record.Connection) (from, to record.Time, ok bool) {
	if c.Facts.Vantage == g.conn.Facts.Vantage {
		return c.Started, c.Ended, true
	}
	ahead, ok := g.clocks.ahead(g.conn.Facts.Vantage, c.Facts.Vantage)
	return c.Started - ahead + slack, c.Ended - ahead - slack, ok
}

// gatewayOf: the connection was answered by what a proxy says when it cannot reach a server.
func gatewayOf(c *record.Connection) (g gateway, ok bool) {
	g.conn = c
	if u := c.Facts.Upgrade; u != nil {
		if u.Response == nil || u.Request == nil || !gatewayStatus(u.Response.Status) {
			return g, false
		}
		g.from, g.to = u.RequestRef.Time, u.ResponseRef.Time
		return g, u.RequestRef.Seen() && u.ResponseRef.Seen()
	}
	t := c.Facts.Tunnel
	if t == nil || t.Opened || t.AuthRefused || !t.ResponseRef.Seen() || t.Response != nil && !gatewayStatus(t.Response.Status) {
		return g, false
	}
	g.from, g.to, g.tunnel = t.RequestRef.Time, t.ResponseRef.Time, true
	host, port, err := net.SplitHostPort(t.Target)
	if err != nil {
		return g, false
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	addr, _ := netip.ParseAddr(hostName(host + ":" + port))
	g.addr, g.port = addr.Unmap(), uint16(n)
	return g, true
}

func gatewayStatus(status int) bool { return status == 502 || status == 503 || status == 504 }

// unreached: no TCP connection came to be.
func unreached(c *record.Connection) bool {
	f := c.Facts
	return !f.TCP.Established.Seen() && f.TCP.ClientBy == "syn" && f.Upgrade == nil && f.Tunnel == nil && f.TLS == nil && !f.Opaque
}

// gateways are refusals that wait, and what may explain them.
type gateways struct {
	waiting []gateway // in the order in which they became final
	times   []stretch // of each of them, side by side: most are passed over by these
	failed  shelf[*record.Connection]
	resets  shelf[struct{}] // RSTs that answered SYNs, of connections that may not be final yet
	now     record.Time
}

// stretch is a stretch of time.
type stretch struct{ from, to record.Time }

func (w *gateways) push(g gateway) {
	w.waiting = append(w.waiting, g)
	w.times = append(w.times, stretch{g.from, g.to})
}

// pop takes the oldest out.
func (w *gateways) pop() gateway {
	g := w.waiting[0]
	w.waiting[0] = gateway{}
	w.waiting, w.times = w.waiting[1:], w.times[1:]
	return g
}

// shelf keeps things in the order of their times, to be found by a stretch of time.
type shelf[T any] struct{ things []shelved[T] }

type shelved[T any] struct {
	at    record.Time
	thing T
}

func (s *shelf[T]) add(at record.Time, x T) {
	if len(s.things) >= maxUnreached {
		clear(s.things)
		s.things = s.things[:0] // the oldest go, with the others
	}
	place := len(s.things)
	if place > 0 && s.things[place-1].at > at {
		place = s.from(at + 1)
	}
	s.things = slices.Insert(s.things, place, shelved[T]{at, x})
}

// from is the place of the first thing of that time or later.
func (s *shelf[T]) from(at record.Time) int {
	place, _ := slices.BinarySearchFunc(s.things, at, func(x shelved[T], at record.Time) int { return cmp.Compare(x.at, at) })
	return place
}

// remove takes out the first thing of that time that is as f wants it.
func (s *shelf[T]) remove(at record.Time, f func(T) bool) {
	for i := s.from(at); i < len(s.things) && s.things[i].at == at; i++ {
		if f(s.things[i].thing) {
			s.things = slices.Delete(s.things, i, i+1)
			return
		}
	}
}

// any tells whether something between two times is as f wants it.
func (s *shelf[T]) any(from, to record.Time, f func(T) bool) bool {
	to = min(to, from+gatewayWait)
	for i := s.from(from); i < len(s.things) && s.things[i].at <= to; i++ {
		if f(s.things[i].thing) {
			return true
		}
	}
	return false
}

// refused notes a RST that answered a SYN.
func (k *collector) refused(at record.Ref) { k.gateways.resets.add(at.Time, struct{}{}) }

// admitGateway holds a refusal back if something failed before it, or may have:
// what gets no answer is known to have failed only later. False if it is none.
func (k *collector) admitGateway(c *record.Connection) bool {
	w := &k.gateways
	if c.Ended > w.now {
		w.now = c.Ended
		for len(w.waiting) > 0 && w.waiting[0].to+gatewayWait < w.now {
			k.releaseGateway()
		}
	}
	g, ok := gatewayOf(c)
	g.clocks = k.clocks
	if !ok || k.vantages <= 1 && g.to-g.from < secondSYN && !w.failed.any(g.from, g.to, g.fits) &&
		!w.resets.any(g.from, g.to, func(struct{}) bool { return true }) {
		return false
	}
	if len(w.waiting) >= maxGateways {
		k.releaseGateway()
	}
	w.push(g)
	return true
}

// secondSYN is how long a SYN waits for its answer until it is repeated (RFC
// 6298 section 2); one alone is not reported.
const secondSYN = record.Time(900 * time.Millisecond)

// admitUnreached keeps a connection that failed while it may explain a refusal.
// held: it is held back in any case. If not, it is where a refusal waits for it.
func (k *collector) admitUnreached(c *record.Connection, held bool) (hold bool) {
	w := &k.gateways
	if !unreached(c) || !held && !k.waitedFor(c) {
		return false
	}
	w.failed.add(c.Started, c)
	return true
}

// waitedFor: a refusal waits that the connection fits.
func (k *collector) waitedFor(c *record.Connection) bool {
	w := &k.gateways
	began, ended := k.timesOf(c)
	for i, t := range w.times {
		if t.from <= began && ended <= t.to && w.waiting[i].fits(c) {
			return true
		}
	}
	return false
}

// timesOf are a connection's times, to pass over the refusals that they rule out.
// Where clocks differ, they rule out none.
func (k *collector) timesOf(c *record.Connection) (began, ended record.Time) {
	if k.vantages > 1 {
		return math.MaxInt64, math.MinInt64
	}
	return c.Started, c.Ended
}

// forgetUnreached: c is to be given away, and its memory used again.
func (k *collector) forgetUnreached(c *record.Connection) {
	if unreached(c) {
		k.gateways.failed.remove(c.Started, func(x *record.Connection) bool { return x == c })
	}
}

func (k *collector) releaseGateways() {
	for len(k.gateways.waiting) > 0 {
		k.releaseGateway()
	}
}

// releaseGateway judges the oldest refusal, with the connections that explain it.
func (k *collector) releaseGateway() {
	g := k.gateways.pop()
	var tries []*record.Connection
	k.failedWith(&g, func(c *record.Connection) bool {
		if k.provable(&g, c) {
			tries = append(tries, c)
		}
		return len(tries) == maxTries
	})
	slices.SortFunc(tries, func(a, b *record.Connection) int { return cmp.Compare(a.FirstPacket, b.FirstPacket) })
	if len(tries) == 0 {
		k.settle(g.conn)
		return
	}
	k.held = slices.DeleteFunc(k.held, func(c *record.Connection) bool { return slices.Contains(tries, c) })
	k.unreachable(g.conn, tries)
}

// failedWith gives the connections that fit a refusal until f returns true.
func (k *collector) failedWith(g *gateway, f func(*record.Connection) bool) bool {
	for vantage := range max(1, k.vantages) {
		ahead, ok := g.clocks.ahead(g.conn.Facts.Vantage, int32(vantage))
		if (ok || int32(vantage) == g.conn.Facts.Vantage) && k.gateways.failed.any(g.from+ahead-slack, g.to+ahead+slack, func(c *record.Connection) bool {
			return c.Facts != nil && c.Facts.Vantage == int32(vantage) && g.fits(c) && f(c)
		}) {
			return true
		}
	}
	return false
}

// fits: a connection was tried and failed between request and refusal, to
// somewhere else, and not by the client itself.
func (g *gateway) fits(c *record.Connection) bool {
	front := g.conn
	if c.Facts == nil || c.Server == front.Server || c.HopOf != "" {
		return false
	}
	from, to, ok := g.tried(c)
	if !ok || from < g.from || to > g.to {
		return false
	}
	if g.tunnel {
		return c.Server.Port() == g.port && c.Client.Addr() == front.Server.Addr() && (!g.addr.IsValid() || g.addr == c.Server.Addr())
	}
	return c.Client.Addr() == front.Server.Addr() || c.Client.Addr() != front.Client.Addr() && from-g.from <= promptly
}

// requested tells whether f is true of a request that is remembered and was seen
// where front was, between two times; own: and went to the same address.
func (k *collector) requested(front *record.Connection, own bool, from, to record.Time, f func(at correlate.Conn, when record.Time) bool) bool {
	var server netip.Addr
	if own {
		server = front.Server.Addr()
	}
	if k.vantages <= 1 {
		return k.hops.Asked(server, from, to, f)
	}
	return slices.ContainsFunc(k.asks, func(x correlate.Exchange) bool {
		return x.Vantage == front.Facts.Vantage && from <= x.At.Time && x.At.Time <= to && (!own || x.Server.Addr() == server) && f(x.Conn, x.At.Time)
	})
}

// provable: nothing else explains the try. Where the proxy has the address that
// was asked, no other request there is nearly as close before it; where not,
// no other refusal or failure comes into question.
func (k *collector) provable(g *gateway, c *record.Connection) bool {
	front := g.conn
	own := c.Client.Addr() == front.Server.Addr()
	tried, _, _ := g.tried(c)
	since := tried - g.from
	rival := false
	w := &k.gateways
	began, ended := k.timesOf(c)
	for i, t := range w.times {
		if t.from > began || ended > t.to {
			continue
		}
		if o := &w.waiting[i]; o.conn != front && o.fits(c) {
			d := tried - o.from
			rival = rival || !own || d < nearer*since
		}
	}
	if rival || g.tunnel {
		return !rival
	}
	name := connOf(front)
	rival = k.requested(front, own, tried-nearer*since+1, tried, func(at correlate.Conn, when record.Time) bool {
		if at == name {
			return false
		}
		// One that was answered by then tells it only for refusals, which were looked at above.
		return !slices.ContainsFunc(w.waiting, func(o gateway) bool { return connOf(o.conn) == at && o.to < tried })
	})
	if rival || own {
		return !rival
	}
	// Without a common address: one host that tried, and no failure of another.
	return !k.failedWith(g, func(o *record.Connection) bool { return o.Client.Addr() != c.Client.Addr() })
}

// unreachable judges a refusal together with the tries that explain it.
func (k *collector) unreachable(front *record.Connection, tries []*record.Connection) {
	k.flush() // what came before is given away before
	if u := front.Facts.Upgrade; u != nil {
		if front.Facts.TCP.ClientBy != "port" {
			k.speaks(front.Server)
		}
		k.keys.add(front, u)
	} else if _, known := k.endpoints[front.Server]; known {
		front.RecognizedBy = record.BySameEndpoint
	}
	k.names.name(front)
	k.judge.connection(front, k.o, k.wants)
	front.Findings = slices.Clone(front.Findings) // without texts, the next judgement overwrites them
	var cause string
	var tried []string
	for i, c := range tries {
		c.HopOf = front.ID
		k.names.name(c)
		k.judge.connection(c, k.o, k.wants)
		c.Findings = slices.Clone(c.Findings)
		text := c.Server.String()
		if fails(c) {
			cause = c.Findings[0].Code
			if fails(front) && i == len(tries)-1 {
				front.Findings[0].Evidence = append(front.Findings[0].Evidence, c.Findings[0].Evidence...)
			}
		}
		if text += " (hop " + c.ID + ")"; len(tried) < 3 {
			tried = append(tried, text)
		}
	}
	if front.Verdict != "" {
		why := ""
		if last := tries[len(tries)-1]; len(last.Findings) > 0 && last.Findings[0].Title != "" {
			why = ": " + last.Findings[0].Title
			front.NextStep = last.NextStep // the hop behind is here
			advise(front, last.Findings[0].Remedy)
		}
		front.Verdict = strings.TrimSuffix(front.Verdict, ".") + ". This is the proxy's own answer: it could not connect to " + strings.Join(tried, " and ") + why + "."
	}
	k.give(front, cause)
	for _, c := range tries {
		k.forgetUnreached(c)
		k.give(c, "")
	}
}
