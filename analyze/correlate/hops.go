package correlate

import (
	"net/netip"
	"strings"
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

// HashText is a key for comparing texts, never 0.
func HashText(s string) uint64 { return max(1, hashString(hashSeed, s)) }

// HashTarget is HashText of a request target in origin form.
func HashTarget(target string) uint64 {
	p := path(target)
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return max(1, hashString(hashString(hashSeed, p), target[i:]))
	}
	return HashText(p)
}

// HashURL is a key for comparing what handshakes ask for, without the query.
func HashURL(host, target string) uint64 { return hashString(hashString(hashSeed, host), path(target)) }

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
	// Weak: only the key says so, which a client may use twice.
	Weak bool
}

// Hops finds handshakes that left a proxy again.
type Hops struct {
	// Apart: handshakes of other vantage points have other clocks.
	Apart bool

	ring    []asked
	next    int
	byKey   map[uint64]int32 // the latest with the key
	servers map[netip.Addr]struct{}
	stories map[Conn]*Story
	groups  hopGroups
}

type asked struct {
	Handshake
	before int32 // the one before with the same key; -1: none
	backs  uint8
}

// Empty tells that no story is under way.
func (h *Hops) Empty() bool { return len(h.stories) == 0 }

// Ask notes a handshake and joins it with the one that it passes on, if there is one.
func (h *Hops) Ask(n Handshake) {
	if h.byKey == nil {
		h.byKey, h.servers = map[uint64]int32{}, map[netip.Addr]struct{}{}
	}
	if h.stories == nil {
		h.stories = map[Conn]*Story{}
	}
	front, weak := h.sameKey(&n)
	if front < 0 {
		front = h.otherKey(&n)
	}
	if front >= 0 {
		h.ring[front].backs++
		h.join(h.ring[front].Conn, n.Conn, weak)
	}
	if len(h.servers) < maxServers {
		h.servers[n.Server.Addr()] = struct{}{}
	}
	h.remember(n)
}

func (h *Hops) remember(n Handshake) {
	at := h.next
	if len(h.ring) < maxAsked {
		h.ring = append(h.ring, asked{})
	} else if old := &h.ring[at]; h.byKey[old.Key] == int32(at) {
		delete(h.byKey, old.Key)
	}
	h.next = (at + 1) % maxAsked
	a := asked{Handshake: n, before: -1}
	if n.Key != 0 {
		if before, ok := h.byKey[n.Key]; ok {
			a.before = before
		}
		h.byKey[n.Key] = int32(at)
	}
	h.ring[at] = a
}

// sameKey finds the handshake with the same key that this one passes on; -1
// if there is none.
func (h *Hops) sameKey(n *Handshake) (at int32, weak bool) {
	at, ok := h.byKey[n.Key]
	if n.Key == 0 || !ok {
		return -1, false
	}
	alone := h.ring[at].before < 0
	for range maxChain {
		a := &h.ring[at]
		if a.Key != n.Key {
			break // overwritten since
		}
		switch {
		case a.backs >= maxBacks || !h.follows(a, n, passedOn) || !elsewhere(a, n):
		case strong(a, n):
			return at, false
		case alone && !n.Sample && a.Client.Addr() != n.Client.Addr() && a.Client.Addr() != n.Server.Addr() && (n.Passed || a.Target == n.Target) && h.follows(a, n, atOnce):
			return at, true
		}
		if at = a.before; at < 0 {
			break
		}
	}
	return -1, false
}

// otherKey finds the handshake that a proxy passes on with a key of its own:
// same path, at the same proxy, a moment before, not passed on so far.
func (h *Hops) otherKey(n *Handshake) int32 {
	if _, proxy := h.servers[n.Client.Addr()]; !proxy {
		return -1
	}
	found := int32(-1)
	for i := range min(maxScan, len(h.ring)) {
		at := int32((h.next - 1 - i + 2*maxAsked) % maxAsked)
		if int(at) >= len(h.ring) {
			break
		}
		a := &h.ring[at]
		if a.At.Time+record.Time(renewed) < n.At.Time && !h.Apart {
			break
		}
		if a.backs > 0 || a.Target != n.Target || n.Key != 0 && a.Key == n.Key || a.Vantage != n.Vantage || !h.follows(a, n, renewed) || !elsewhere(a, n) || a.Server.Addr() != n.Client.Addr() {
			continue
		}
		if n.For.IsValid() {
			if n.For == a.Client.Addr() {
				return at
			}
			continue
		}
		if a.Client.Addr() != n.Client.Addr() || n.Passed {
			found = at // the oldest: first come, first passed on
		}
	}
	return found
}

func (h *Hops) follows(a *asked, n *Handshake, within time.Duration) bool {
	if h.Apart && a.Vantage != n.Vantage {
		return true
	}
	d := n.At.Time.Sub(a.At.Time)
	return d >= 0 && d <= within
}

// elsewhere: it goes to another endpoint, and is no other view of the same connection.
func elsewhere(a *asked, n *Handshake) bool { return a.Conn != n.Conn && a.Server != n.Server }

// strong: the addresses say that this is what the proxy passed on.
func strong(a *asked, n *Handshake) bool {
	return a.Server.Addr() == n.Client.Addr() || n.For.IsValid() && n.For == a.Client.Addr()
}

func (h *Hops) join(front, back Conn, weak bool) {
	s := h.stories[front]
	if s == nil {
		s = &Story{Parts: []Part{{Conn: front, Front: -1}}, left: 1}
		h.stories[front] = s
	}
	if len(s.Parts) >= maxParts || h.stories[back] != nil {
		return
	}
	at := 0
	for i := range s.Parts {
		if s.Parts[i].Conn == front {
			at = i
		}
	}
	s.Parts = append(s.Parts, Part{Conn: back, Front: at, Weak: weak})
	s.left++
	h.stories[back] = s
}

// Again forgets the handshakes that were seen so far, but no story: all of them
// will be asked for once more, now that other vantage points are known.
func (h *Hops) Again() {
	h.Apart = true
	h.ring, h.next, h.byKey = nil, 0, nil
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

// Open gives the stories of which parts are not finished.
func (h *Hops) Open() map[*Story]bool {
	open := map[*Story]bool{}
	for _, s := range h.stories {
		open[s] = true
	}
	return open
}

// Holds: the front's answer had not come when the back's request left, as must
// be if the one is waiting for the other.
func Holds(front, back *record.Connection) bool {
	f, b := front.Facts.Upgrade, back.Facts.Upgrade
	if f == nil || b == nil || !f.ResponseRef.Seen() || !b.RequestRef.Seen() {
		return true
	}
	return front.Facts.Vantage != back.Facts.Vantage || f.ResponseRef.Time >= b.RequestRef.Time
}
