package correlate

import (
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Limits of the search for hops.
const (
	// maxAsked is how many of the latest handshakes are remembered: a proxy
	// passes one on within moments.
	maxAsked = 1 << 13
	// maxServers bounds the addresses known to answer handshakes.
	maxServers = 1 << 12
	// maxBacks is how often a proxy may try to pass one handshake on.
	maxBacks = 4
	// maxChain bounds the handshakes with one key that are looked at, and how
	// far back a request with another key is looked for.
	maxChain, maxScan = 8, 256
	// maxSteps bounds the chain in which keys stand that share a place in the table.
	maxSteps = 64
	// maxParts bounds the hops of one story.
	maxParts = 16
)

// How long after a handshake came to a proxy it may leave it.
const (
	passedOn = 2 * time.Minute // with the same key
	atOnce   = 2 * time.Second // with the same key, but from an address that nothing ties to the proxy
	renewed  = 5 * time.Second // with another key
)

// Conn names a connection by its first packet, before it is finished.
type Conn struct {
	File   int32
	Packet int64
	Stream int64 // of HTTP/2; else -1
}

// Handshake is a request as it was seen.
type Handshake struct {
	Conn           Conn
	Client, Server netip.AddrPort
	Key            uint64 // HashText of Sec-WebSocket-Key; 0: none
	// Sample: the key is the one of RFC 6455's example, which many use.
	Sample  bool
	Target  uint64 // HashTarget
	At      record.Ref
	Vantage int32
	// For is whom a proxy says that it passes the request on for; Passed: some
	// field says that it came through a proxy.
	For    netip.Addr
	Passed bool
}

// Story is a handshake with all the connections over which it went.
type Story struct {
	Parts []Part
	// Released: some parts were given away before all were finished.
	Released bool
	left     int // parts that are not finished
}

// Part is one connection of a story.
type Part struct {
	Conn  Conn
	Front int // the part from whose proxy it came; -1: the client's own
	Done  *record.Connection
}

// Hops finds handshakes that left a proxy again.
type Hops struct {
	ring    []*[askedChunk]asked // of the handshake number n at n % maxAsked
	next    uint32               // how many were asked
	heads   []uint32             // by key: 1 + the number of the latest handshake
	servers map[uint64]struct{}
	recent  [64]uint64 // servers noted last, each where its hash says
	stories map[Conn]*Story
	groups  hopGroups
}

// asked is what is remembered of a handshake: without pointers, so that
// thousands cost the garbage collector nothing.
type asked struct {
	Conn        Conn
	Client      [16]byte
	Server      endpoint
	backs       uint8
	repeated    bool // the key was used before
	Vantage     int32
	before      uint32 // 1 + the number of the one before in the chain
	Key, Target uint64
	At          record.Time
}

// asking is a handshake that just came.
type asking struct {
	asked
	For            [16]byte
	forKnown       bool
	Passed, Sample bool
}

func (n *Handshake) asking() asking {
	a := asking{asked: asked{Conn: n.Conn, Client: n.Client.Addr().As16(), Server: endpointOf(n.Server), Key: n.Key, Target: n.Target, At: n.At.Time, Vantage: n.Vantage},
		Passed: n.Passed, Sample: n.Sample}
	if n.For.IsValid() {
		a.For, a.forKnown = n.For.As16(), true
	}
	return a
}

// numHeads is the size of the table of keys.
const numHeads = 2 * maxAsked

// askedChunk is how many handshakes get memory at once.
const askedChunk = 1 << 8

// number gives the remembered handshake of a number; nil if it is forgotten.
func (h *Hops) number(plusOne uint32) *asked {
	if plusOne == 0 || h.next-(plusOne-1) > maxAsked {
		return nil
	}
	return h.at(plusOne - 1)
}

func (h *Hops) at(number uint32) *asked {
	place := number % maxAsked
	return &h.ring[place/askedChunk][place%askedChunk]
}

// Empty tells that no story is under way.
func (h *Hops) Empty() bool { return len(h.stories) == 0 }

// Ask notes a handshake and joins it with the one that it passes on, if there is one.
func (h *Hops) Ask(n *Handshake) {
	if h.heads == nil {
		h.heads, h.servers = make([]uint32, numHeads), map[uint64]struct{}{}
	}
	if h.stories == nil {
		h.stories = map[Conn]*Story{}
	}
	x := n.asking()
	front := h.sameKey(&x)
	if front == nil {
		front = h.otherKey(&x)
	}
	if front != nil {
		front.backs++
		h.join(front.Conn, n.Conn)
	}
	server := hashAddr(x.Server.addr)
	if noted := &h.recent[server%uint64(len(h.recent))]; *noted != server && len(h.servers) < maxServers {
		h.servers[server], *noted = struct{}{}, server
	}
	h.remember(&x.asked)
}

func (h *Hops) remember(x *asked) {
	if x.Key != 0 {
		head := &h.heads[x.Key%numHeads]
		x.before, *head = *head, h.next+1
	}
	if int(h.next%maxAsked/askedChunk) >= len(h.ring) {
		h.ring = append(h.ring, new([askedChunk]asked))
	}
	*h.at(h.next) = *x
	h.next++
}

// sameKey finds the handshake with the same key that this one passes on; nil
// if there is none.
func (h *Hops) sameKey(n *asking) *asked {
	if n.Key == 0 {
		return nil
	}
	at, last := h.heads[n.Key%numHeads], h.next+1
	for same, steps := 0, 0; same < maxChain && steps < maxSteps; steps++ {
		a := h.number(at)
		if a == nil || at >= last {
			break // forgotten, and overwritten since
		}
		at, last = a.before, at
		if a.Key != n.Key {
			continue
		}
		same++
		n.repeated = true
		switch {
		case a.backs >= maxBacks || !follows(a, n, passedOn) || !elsewhere(a, n):
		case strong(a, n):
			return a
		case same == 1 && !a.repeated && !n.Sample && a.Client != n.Client && a.Client != n.Server.addr && (n.Passed || a.Target == n.Target) && follows(a, n, atOnce):
			return a
		}
	}
	return nil
}

// otherKey finds the handshake that a proxy passes on with a key of its own:
// same path, at the same proxy, a moment before, not passed on so far.
func (h *Hops) otherKey(n *asking) (found *asked) {
	if _, proxy := h.servers[hashAddr(n.Client)]; !proxy {
		return nil
	}
	for i := range min(maxScan, h.next) {
		a := h.at(h.next - 1 - i)
		if a.At+record.Time(renewed) < n.At {
			break
		}
		if a.backs > 0 || a.Target != n.Target || n.Key != 0 && a.Key == n.Key || a.Vantage != n.Vantage || !follows(a, n, renewed) || !elsewhere(a, n) || a.Server.addr != n.Client {
			continue
		}
		if n.forKnown {
			if n.For == a.Client {
				return a
			}
			continue
		}
		if a.Client != n.Client || n.Passed {
			found = a // the oldest: first come, first passed on
		}
	}
	return found
}

func follows(a *asked, n *asking, within time.Duration) bool {
	d := n.At.Sub(a.At)
	return d >= 0 && d <= within
}

// elsewhere: it goes to another endpoint, and is no other view of the same connection.
func elsewhere(a *asked, n *asking) bool { return a.Conn != n.Conn && a.Server != n.Server }

// strong: the addresses say that this is what the proxy passed on. Between
// programs of one machine all are the same, and say nothing of a key that many use.
func strong(a *asked, n *asking) bool {
	if n.Sample && a.Client == n.Client {
		return false
	}
	return a.Server.addr == n.Client || n.forKnown && n.For == a.Client
}

// join makes one connection the hop that another passes its handshake on to;
// false if what is known already speaks against it.
func (h *Hops) join(front, back Conn) bool {
	s, behind := h.stories[front], h.stories[back]
	switch {
	case behind == nil:
		behind = &Story{Parts: []Part{{Conn: back, Front: -1}}, left: 1}
	case behind == s || behind.Parts[0].Conn != back || behind.begun():
		return false // it came from elsewhere
	}
	if s == nil {
		s = &Story{Parts: []Part{{Conn: front, Front: -1}}, left: 1}
	}
	if len(s.Parts)+len(behind.Parts) > maxParts {
		return false
	}
	at := slices.IndexFunc(s.Parts, func(p Part) bool { return p.Conn == front })
	base := len(s.Parts)
	for i, p := range behind.Parts {
		if p.Front += base; i == 0 {
			p.Front = at
		}
		s.Parts = append(s.Parts, p)
		h.stories[p.Conn] = s
	}
	h.stories[front] = s
	s.left += behind.left
	return true
}

// begun: parts of it were finished already.
func (s *Story) begun() bool { return s.Released || s.left < len(s.Parts) }

// forget forgets the handshakes that were seen so far, but no story.
func (h *Hops) forget() {
	h.ring, h.next, h.recent = nil, 0, [64]uint64{}
	clear(h.heads)
	clear(h.servers)
}

// disorder is how far handshakes may be from the order of their times.
const disorder = record.Time(time.Second)

// Asked tells whether f is true of a handshake that is remembered, came between
// two times and went to the server's address, if one is given: the latest first.
func (h *Hops) Asked(server netip.Addr, from, to record.Time, f func(at Conn, when record.Time) bool) bool {
	addr := [16]byte{}
	if server.IsValid() {
		addr = server.As16()
	}
	oldest := h.next - min(maxAsked, h.next)
	last := sort.Search(int(h.next-oldest), func(i int) bool { return h.at(oldest+uint32(i)).At > to+disorder })
	for i := last - 1; i >= 0; i-- {
		a := h.at(oldest + uint32(i))
		if a.At < from-disorder {
			break
		}
		if from <= a.At && a.At <= to && (a.Server.addr == addr || !server.IsValid()) && f(a.Conn, a.At) {
			return true
		}
	}
	return false
}

// Story is the story that a connection is part of; nil: it is part of none.
func (h *Hops) Story(c Conn) *Story { return h.stories[c] }

// Finish notes that a part is finished. all tells that no other is under way:
// then the story is forgotten.
func (h *Hops) Finish(s *Story, at Conn, c *record.Connection) (all bool) {
	for i := range s.Parts {
		if p := &s.Parts[i]; p.Conn == at && p.Done == nil {
			p.Done = c
			s.left--
		}
	}
	delete(h.stories, at)
	return s.left == 0
}

// Holds: the front's answer had not come when the back's request left, as must
// be if the one is waiting for the other, nor its 101 when the back's came.
func Holds(front, back *record.Connection) bool {
	f, b := front.Facts.Upgrade, back.Facts.Upgrade
	if f == nil || b == nil || !f.ResponseRef.Seen() || !b.RequestRef.Seen() {
		return true
	}
	if front.Facts.Vantage != back.Facts.Vantage {
		return true
	}
	if switched(f) && switched(b) && f.ResponseRef.Time < b.ResponseRef.Time {
		return false
	}
	return f.ResponseRef.Time >= b.RequestRef.Time
}

func switched(u *record.UpgradeFacts) bool {
	return u.ResponseRef.Seen() && u.Response != nil && u.Response.Status == 101
}
