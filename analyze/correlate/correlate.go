// Package correlate finds relations between connections: series of attempts,
// ends with something in common, servers of one job, hops over a proxy, vantage
// points. It states facts (record.Relation); the rules of the families patterns
// and path judge them.
//
// Most callers need only Set for what finished connections have in common, Hops
// for handshakes that a proxy passed on, and ComparePath for two views of one
// connection.
package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Limits of what is remembered. What was forgotten is said in Relation.Limited.
const (
	// MaxDigests bounds the connections that are remembered.
	MaxDigests = 1 << 21
	// maxURLs bounds the URLs that are remembered for people to read; the
	// others are compared all the same, by their hash.
	maxURLs = 1 << 12
	// maxPolling bounds the pairs of client and endpoint whose polling is remembered.
	maxPolling = 1 << 14
)

const chunkSize = 1 << 10

// Set is what is remembered of finished connections. Sets of parts of a capture
// add up in any order.
type Set struct {
	chunks  [][]Digest
	n       int
	limited bool
	urls    map[uint64]string
	polling map[pollKey]*polls
}

// Add remembers a connection that was judged: outcome, findings and HopOf are known. kept
// tells whether the report shows it.
func (s *Set) Add(c *record.Connection, kept bool) {
	if s.n >= MaxDigests {
		s.limited = true
		return
	}
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last]) == cap(s.chunks[last]) {
		// The first chunk is small: most captures hold few connections.
		size := chunkSize
		if last < 0 {
			size = 16
		}
		s.chunks = append(s.chunks, make([]Digest, 0, size))
		last++
	}
	s.chunks[last] = append(s.chunks[last], Digest{})
	d := &s.chunks[last][len(s.chunks[last])-1]
	d.fill(c, kept)
	s.n++
	if d.url != 0 && d.flags&(failed|cutOff) != 0 {
		s.nameURL(d.url, c)
	}
}

func (s *Set) nameURL(url uint64, c *record.Connection) {
	if _, known := s.urls[url]; known || len(s.urls) >= maxURLs {
		return
	}
	if s.urls == nil {
		s.urls = map[uint64]string{}
	}
	u := c.Facts.Upgrade
	host, _ := u.Request.Get("Host")
	s.urls[url] = strings.Clone(c.Scheme + "://" + host + path(u.Request.Target))
}

// Merge adds what another set remembers; the order does not matter.
func (s *Set) Merge(o *Set) {
	for _, chunk := range o.chunks {
		if room := MaxDigests - s.n; len(chunk) > room {
			chunk, s.limited = chunk[:room], true
		}
		if len(chunk) > 0 {
			// The last chunk must be full before another stands behind it only for Add: any order will do.
			s.chunks = append(s.chunks, chunk)
			s.n += len(chunk)
		}
	}
	s.limited = s.limited || o.limited
	for url, text := range o.urls {
		if s.urls == nil {
			s.urls = map[uint64]string{}
		}
		if _, known := s.urls[url]; !known && len(s.urls) < maxURLs {
			s.urls[url] = text
		}
	}
	for key, p := range o.polling {
		s.mergePolls(key, p)
	}
}

// Relations finds what the connections have in common, in the order of the
// rules that judge it and then of time. files names the files of the refs.
func (s *Set) Relations(files []string) []record.Relation {
	b := &finder{set: s, files: files}
	b.index()
	b.series()
	b.fallbacks()
	b.cuts()
	b.full()
	b.backends()
	b.bursts()
	return b.found
}

// each calls f for every digest.
func (s *Set) each(f func(d *Digest)) {
	for _, chunk := range s.chunks {
		for i := range chunk {
			f(&chunk[i])
		}
	}
}

// finder holds what is common to the searches.
type finder struct {
	set   *Set
	files []string
	found []record.Relation

	failing map[group]int // failed attempts by client and URL
	byEnd   map[endpoint]*tally
}

// tally counts the connections of an endpoint.
type tally struct {
	total, cut, mass int
}

// index counts, so that the searches look only where something may be.
func (b *finder) index() {
	b.failing, b.byEnd = map[group]int{}, map[endpoint]*tally{}
	b.set.each(func(d *Digest) {
		if d.flags&hop != 0 {
			return
		}
		if d.flags&failed != 0 {
			b.failing[d.group()]++
		}
		if d.flags&opened == 0 {
			return
		}
		t := b.byEnd[d.endpoint()]
		if t == nil {
			t = new(tally)
			b.byEnd[d.endpoint()] = t
		}
		t.total++
		if d.flags&cutOff != 0 {
			t.cut++
		}
		if d.flags&byServerSide != 0 {
			t.mass++
		}
	})
}

// relation names the connections of a relation.
func (b *finder) relation(list []*Digest) (r record.Relation, kept bool) {
	slices.SortFunc(list, byStart)
	r = record.Relation{Files: b.files, Total: len(list), Limited: b.set.limited}
	for _, d := range list {
		if len(r.Connections) < record.MaxRelated {
			r.Connections = append(r.Connections, d.ID())
		}
		kept = kept || d.flags&inReport != 0
	}
	return r, kept
}

// sortRelations makes the order independent of that of maps.
func sortRelations(list []record.Relation, when func(*record.Relation) record.Ref) {
	slices.SortStableFunc(list, func(x, y record.Relation) int { return compareRefs(when(&x), when(&y)) })
}

func compareRefs(a, b record.Ref) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 {
		return c
	}
	if c := cmp.Compare(a.File, b.File); c != 0 {
		return c
	}
	return cmp.Compare(a.Packet, b.Packet)
}

// counts turns a tally into a list, most frequent first.
func counts(m map[string]int) []record.Count {
	list := make([]record.Count, 0, len(m))
	for what, n := range m {
		list = append(list, record.Count{What: what, N: n})
	}
	slices.SortFunc(list, func(a, b record.Count) int {
		if c := cmp.Compare(b.N, a.N); c != 0 {
			return c
		}
		return strings.Compare(a.What, b.What)
	})
	return list
}

// endpoint is an address and port without pointers.
type endpoint struct {
	addr [16]byte
	port uint16
}

func endpointOf(a netip.AddrPort) endpoint { return endpoint{a.Addr().As16(), a.Port()} }

func (e endpoint) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port)
}

// path is a target without its query, and in origin form.
func path(target string) string {
	if !strings.HasPrefix(target, "/") {
		if _, rest, ok := strings.Cut(target, "://"); ok {
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				target = rest[i:]
			} else {
				target = "/"
			}
		}
	}
	if i := strings.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	return target
}
