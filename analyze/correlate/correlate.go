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

// Set is what is remembered of finished connections.
type Set struct {
	chunks  [][]Digest
	n       int
	limited bool
	wide    wideAddrs
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
	s.locate(d, c.Client, c.Server)
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

	// often counts failed attempts by client and URL, failures by job, and what
	// browsers opened at an endpoint.
	often sieve
	any   struct{ series, jobs, full bool } // whether anything is, for each of the three
	byEnd map[endKey]*tally                 // by the endpoint
}

// tally counts the connections of an endpoint.
type tally struct {
	server           endKey
	total, cut, mass int
	list             []*Digest // while one search needs it
}

// index counts, so that the searches look only where something may be.
func (b *finder) index() {
	b.often, b.byEnd = newSieve(b.set.n), map[endKey]*tally{}
	b.set.each(func(d *Digest) {
		if d.flags&failed != 0 && d.job() {
			b.any.jobs = b.often.add(d.jobHash()) >= minFailing || b.any.jobs
		}
		if d.unreached() {
			b.any.jobs = b.often.add(d.meetHash()) >= minFailing || b.any.jobs
		}
		if d.flags&hop != 0 {
			return
		}
		if d.flags&failed != 0 {
			b.any.series = b.often.add(d.groupHash()) >= minAttempts || b.any.series
		}
		if d.flags&opened == 0 {
			return
		}
		if d.browser != otherClient {
			b.any.full = b.often.add(d.holderHash()) >= browserLimit[firefox] || b.any.full
		}
		server := d.to()
		t := b.byEnd[server]
		if t == nil {
			t = &tally{server: server}
			b.byEnd[server] = t
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

// gather lists, for the endpoints that are chosen with so many connections, what
// belongs to the list; nil if none is chosen. The caller takes the lists away.
func (b *finder) gather(chosen func(*tally) int, belongs func(*Digest) bool) (found []*tally) {
	for _, t := range b.byEnd {
		if n := chosen(t); n > 0 {
			t.list = make([]*Digest, 0, n)
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return nil
	}
	b.set.each(func(d *Digest) {
		if d.flags&hop == 0 && belongs(d) {
			if t := b.byEnd[d.to()]; t != nil && t.list != nil {
				t.list = append(t.list, d)
			}
		}
	})
	return found
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
	type placed struct {
		at    record.Ref
		place int
	}
	order := make([]placed, len(list))
	for i := range list {
		order[i] = placed{when(&list[i]), i}
	}
	slices.SortFunc(order, func(x, y placed) int { return cmp.Or(compareRefs(x.at, y.at), cmp.Compare(x.place, y.place)) })
	sorted := make([]record.Relation, len(list))
	for i, p := range order {
		sorted[i] = list[p.place]
	}
	copy(list, sorted)
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

// path is a target without its query, and in origin form.
func path(target string) string {
	target, _ = split(target)
	return target
}

// split cuts a target into the path, in origin form, and the query with its mark.
func split(target string) (path, query string) {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		target, query = target[:i], target[i:]
	}
	if !strings.HasPrefix(target, "/") {
		if _, rest, ok := strings.Cut(target, "://"); ok {
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				target = rest[i:]
			} else {
				target = "/"
			}
		}
	}
	return target, query
}
