package report

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// What a view keeps of a result, whatever its size. The rest is counted.
const (
	maxRows      = 50    // connections in a list
	maxExamples  = 3     // of a cause
	maxCauses    = 200   // sections, by code, fault and remedy
	maxVariants  = 4     // remedies of one code that get a section of their own
	maxEndpoints = 10000 // servers of unidentified connections
	maxServers   = 256   // servers counted in a section
	maxFollowing = 32    // consequences named in a section
	maxHops      = 64    // how many connections back the front of a further hop is looked for
	maxPatterns  = 20
	maxCaptures  = 20
)

// class is the heading under which a connection stands.
type class int

const (
	healthy class = iota
	warned        // worked, with a warning
	failed
	undecided    // the capture does not hold enough
	opaque       // TLS without keys
	unidentified // failed before it said what it was
	classes
)

// view is a result as people read it: sorted, grouped and counted once, for
// every format that lays it out. It does not grow with the number of connections.
type view struct {
	counts  [classes]int64 // a further hop of a story is not counted
	ends    map[end]int64  // failed connections by outcome and cause
	failed  []*record.Connection
	fine    []*record.Connection // healthy and warned, while nothing has failed
	unclear []*record.Connection

	causes   causes // of failed connections
	warnings causes // of those that worked
	unknown  tally[endpoint]
	codes    tally[int]      // Close codes of an application, of those that worked, with what a finding says of one
	told     [maxHops]story  // the connections that came last: their further hops follow soon
	next     int             // the place of the next of them
	cases    []example       // unidentified: the first of each finding
	dark     tally[endpoint] // opaque
	byEnd    map[record.Outcome]int64

	patterns     []record.Pattern
	morePatterns int64
	captures     []record.Capture
	moreCaptures int64
	packets      int64
	bytes        int64
	first, last  record.Time
	rules        map[string]record.Rule
	summary      record.Summary
	hasSummary   bool
}

// end is how a failed connection ended, and why.
type end struct {
	outcome record.Outcome
	slug    string
}

// endpoint is a server and what happened there.
type endpoint struct {
	server     netip.AddrPort
	code, slug string
}

// maxCodes is how many Close codes of applications are counted.
const maxCodes = 100

func newView() *view {
	return &view{
		ends:     make(map[end]int64),
		byEnd:    make(map[record.Outcome]int64),
		rules:    make(map[string]record.Rule),
		causes:   newCauses(),
		warnings: newCauses(),
		codes:    newTally[int](maxCodes),
		unknown:  newTally[endpoint](maxEndpoints),
		dark:     newTally[endpoint](maxEndpoints),
	}
}

// failing tells whether an outcome is a failure by itself, for connections about which no rule found anything.
func failing(o record.Outcome) bool {
	switch o {
	case record.ClosedClean, record.Open, record.Opaque, record.Incomplete:
		return false
	}
	return true
}

// classify gives a connection its heading and the place of the finding that
// put it there, -1 if none did.
func classify(c *record.Connection) (class, int) {
	firstError, firstWarning := -1, -1
	for i := range c.Findings {
		switch c.Findings[i].Severity {
		case record.Error:
			if firstError < 0 {
				firstError = i
			}
		case record.Warning:
			if firstWarning < 0 {
				firstWarning = i
			}
		}
	}
	main := causeOf(c.Findings, firstError)
	switch {
	case c.Outcome == record.Opaque && c.RecognizedBy == record.ByNothing:
		return opaque, -1
	case c.RecognizedBy == record.ByNothing && c.HopOf == "":
		return unidentified, main
	case firstError >= 0:
		return failed, main
	case c.Outcome == record.Opaque, c.Outcome == record.Incomplete: // probably wss, and no key for it
		return undecided, firstWarning
	case failing(c.Outcome) && (firstWarning < 0 || c.Outcome != record.ClosedError): // 1012 and 1013 are warnings
		return failed, -1
	case firstWarning >= 0:
		return warned, firstWarning
	}
	return healthy, -1
}

// causeOf follows caused_by from a finding to the one that explains it.
func causeOf(findings []record.Finding, i int) int {
	for range findings {
		if i < 0 || findings[i].CausedBy == "" {
			break
		}
		by := slices.IndexFunc(findings, func(f record.Finding) bool { return f.Code == findings[i].CausedBy })
		if by < 0 || by == i {
			break
		}
		i = by
	}
	return i
}

// Connection counts a connection and keeps it if it is an example of something.
func (v *view) Connection(c *record.Connection) error {
	class, main := classify(c)
	of := story{id: c.ID, failed: class == failed || class == unidentified}
	if c.HopOf == "" {
		v.counts[class]++
	} else {
		front := v.front(c)
		of.failed, of.codes = front.failed, slices.Clone(front.codes)
	}
	switch class {
	case healthy, warned:
		if c.HopOf == "" {
			v.byEnd[c.Outcome]++
		}
		if v.counts[failed] == 0 {
			v.fine = keep(v.fine, c)
		}
		if c.Close != nil && c.Close.Code >= 4000 && c.HopOf == "" {
			v.codes.add(c.Close.Code, closedSo(c))
		}
		of.codes = v.addWarnings(c, of.codes)
	case failed:
		v.fine = nil
		if v.tellsHop(c) {
			break // told with the client's side of the story, and by what they show together
		}
		v.failed = keep(v.failed, c)
		group := v.causes.add(c, main)
		if c.HopOf == "" && len(v.ends) < maxCauses {
			v.ends[end{c.Outcome, group.slug}]++
		}
	case undecided:
		v.unclear = keep(v.unclear, c)
	case opaque:
		v.dark.add(endpoint{server: c.Server}, c.ID)
	case unidentified:
		e := endpoint{server: c.Server, slug: string(c.Outcome)}
		if main >= 0 {
			e.code, e.slug = c.Findings[main].Code, c.Findings[main].Slug
		}
		v.unknown.add(e, c.ID)
		if v.newCase(c, main) {
			v.cases = append(v.cases, example{withoutFacts(c), main})
		}
	}
	v.told[v.next%maxHops] = of
	v.next++
	return nil
}

// story is what was told of a connection, or of the one whose further hop it is.
type story struct {
	id     string
	failed bool     // among the failed
	codes  []string // of the warnings that were counted
}

// front is the story whose further hop a connection is; the zero story if it came long before.
func (v *view) front(c *record.Connection) story {
	for i := 1; c.HopOf != "" && i <= min(v.next, maxHops); i++ {
		if s := &v.told[(v.next-i)%maxHops]; s.id == c.HopOf {
			return *s
		}
	}
	return story{}
}

// tellsHop: it is the further hop of what was told before.
func (v *view) tellsHop(c *record.Connection) bool { return v.front(c).failed }

// addWarnings counts a warning once in a story, not at each of its hops: codes
// are those that were counted.
func (v *view) addWarnings(c *record.Connection, codes []string) []string {
	before := len(codes)
	for i := range c.Findings {
		f := &c.Findings[i]
		if f.Severity == record.Warning && f.CausedBy == "" && !slices.Contains(codes[:before], f.Code) {
			v.warnings.add(c, i)
			if len(codes) < maxFollowing {
				codes = append(codes, f.Code)
			}
		}
	}
	return codes
}

// keep appends c if there is room, without the facts that no report prints.
func keep(list []*record.Connection, c *record.Connection) []*record.Connection {
	if len(list) >= maxRows {
		return list
	}
	return append(list, withoutFacts(c))
}

func withoutFacts(c *record.Connection) *record.Connection {
	if c.Facts == nil {
		return c
	}
	copied := *c
	copied.Facts = nil
	return &copied
}

func (v *view) Pattern(p record.Pattern) error {
	if len(v.patterns) < maxPatterns {
		v.patterns = append(v.patterns, p)
	} else {
		v.morePatterns++
	}
	return nil
}

func (v *view) Capture(c record.Capture) error {
	v.packets += c.Packets
	v.bytes += c.Bytes
	if c.First != 0 && (v.first == 0 || c.First < v.first) {
		v.first = c.First
	}
	v.last = max(v.last, c.Last)
	c.Facts = nil
	if len(v.captures) < maxCaptures || len(c.Findings) > 0 && len(v.captures) < 2*maxCaptures {
		v.captures = append(v.captures, c)
	} else {
		v.moreCaptures++
	}
	return nil
}

func (v *view) Rule(code string, r record.Rule) error {
	v.rules[code] = r
	return nil
}

func (v *view) Summary(s record.Summary) error {
	v.summary, v.hasSummary = s, true
	return nil
}

// total is how many WebSocket connections there are; the summary knows those that a filter left out, too.
func (v *view) total() int64 {
	n := v.counts[healthy] + v.counts[warned] + v.counts[failed] + v.counts[undecided]
	if v.hasSummary {
		n = max(n, v.summary.Connections)
	}
	return n
}

// finish sorts what people read in order of time.
func (v *view) finish() {
	for _, list := range [][]*record.Connection{v.failed, v.fine, v.unclear} {
		slices.SortStableFunc(list, func(a, b *record.Connection) int { return cmp.Compare(a.Started, b.Started) })
	}
	slices.SortStableFunc(v.patterns, func(a, b record.Pattern) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
}

func rank(s record.Severity) int {
	return slices.Index([]record.Severity{record.Error, record.Warning, record.Info}, s)
}

// cause is what several connections have in common: the same finding, the
// same side that has to act, the same remedy.
type cause struct {
	code, slug  string
	fault       record.Fault
	confidence  record.Confidence
	count       int64
	elsewhere   bool // the remedy has other addresses or numbers for others than the first
	first, last record.Time
	examples    []example
	servers     tally[netip.AddrPort]
	following   tally[string] // slugs of consequences
	beside      tally[string] // slugs of errors, and of warnings that bear on it, that stand beside it, not explained by it
	limits      tally[string] // slugs of what the capture lacks of these connections
}

// example is a connection and the place of the finding in it, -1 for none.
type example struct {
	connection *record.Connection
	finding    int
}

// of is the finding; the zero Finding stands for none.
func (e example) of() record.Finding {
	if e.finding < 0 {
		return record.Finding{}
	}
	return e.connection.Findings[e.finding]
}

// causeKey tells causes apart. Remedies are compared without their digits,
// for addresses and ports do not make another remedy.
type causeKey struct {
	code   string
	fault  record.Fault
	remedy uint64
}

type causes struct {
	seed     maphash.Seed
	list     []*cause
	byKey    map[causeKey]*cause
	families map[causeKey]*family // by code and fault
	ending   record.Finding       // stands for none
	scratch  []byte
}

// family is all groups of one code and fault.
type family struct {
	groups int
	first  *cause
}

func newCauses() causes {
	return causes{seed: maphash.MakeSeed(), byKey: make(map[causeKey]*cause), families: make(map[causeKey]*family)}
}

// remedyHash is a hash of the remedy's letters.
func (s *causes) remedyHash(remedy string) uint64 {
	s.scratch = s.scratch[:0]
	inside := false // the brackets of an IPv6 address
	for i := 0; i < len(remedy); i++ {
		b := remedy[i]
		inside = (inside || b == '[') && b != ']'
		if !inside && (b < '.' || b > ':') && b != ']' { // digits, dot, slash, colon
			s.scratch = append(s.scratch, b)
		}
	}
	return maphash.Bytes(s.seed, s.scratch)
}

// bears are the warnings that may have had a hand in a failure which another
// finding names: losses, a receiver that does not read, Pings without Pong.
var bears = map[string]bool{"WS207": true, "WS209": true, "WS614": true}

// add puts a connection into the group of its finding at place i.
func (s *causes) add(c *record.Connection, i int) *cause {
	f := s.findingOf(c, i)
	all := s.families[familyOf(f)]
	var group *cause
	if all.settled() {
		group = all.first
	} else {
		group = s.group(all, f)
		if group.count > 0 && !group.elsewhere {
			first := group.examples[0].of().Remedy
			group.elsewhere = f.Remedy != first && s.remedyHash(f.Remedy) == s.remedyHash(first)
		}
	}
	group.count++
	if group.first == 0 || c.Started < group.first {
		group.first = c.Started
	}
	group.last = max(group.last, c.Started)
	if len(group.examples) < maxExamples {
		group.examples = append(group.examples, example{withoutFacts(c), i})
	}
	group.servers.add(c.Server, "")
	for j := range c.Findings {
		other := &c.Findings[j]
		switch {
		case j == i || other.Severity == record.Info:
		case other.Fault == record.FaultCapture:
			group.limits.add(other.Slug, other.Code)
		case other.CausedBy != "":
			group.following.add(other.Slug, other.Code)
		case f.Severity == record.Error && (other.Severity == record.Error || bears[other.Code]):
			group.beside.add(other.Slug, other.Code)
		}
	}
	return group
}

// group finds the group of a finding in its family, which is nil until it has one.
func (s *causes) group(all *family, f *record.Finding) *cause {
	key := causeKey{f.Code, f.Fault, s.remedyHash(f.Remedy)}
	if key.code == "" {
		key.code = f.Slug // no rule found anything: by outcome
	}
	if group := s.byKey[key]; group != nil {
		return group
	}
	of := familyOf(f)
	if all != nil && all.groups >= maxVariants || len(s.list) >= maxCauses {
		key.remedy = 0 // one group for all further remedies
		if len(s.list) >= maxCauses {
			key, f = causeKey{}, &record.Finding{Slug: "other causes", Fault: record.FaultUnknown}
		}
		if group := s.byKey[key]; group != nil {
			return group
		}
	}
	if all == nil {
		all = new(family)
		s.families[of] = all
	}
	all.groups++
	group := &cause{code: f.Code, slug: f.Slug, fault: f.Fault, confidence: f.Confidence,
		servers: newTally[netip.AddrPort](maxServers), following: newTally[string](maxFollowing), beside: newTally[string](maxFollowing), limits: newTally[string](maxFollowing)}
	s.byKey[key] = group
	if all.first == nil {
		all.first = group
	}
	s.list = append(s.list, group)
	return group
}

// sorted are the groups, the greatest first, then by code.
func (s *causes) sorted() []*cause {
	list := slices.Clone(s.list)
	slices.SortStableFunc(list, func(a, b *cause) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.code, b.code), cmp.Compare(a.first, b.first))
	})
	return list
}

// tally counts by key, up to a limit of keys; what comes later is counted
// together. It keeps three names (IDs, or what the caller gives) per key.
type tally[K comparable] struct {
	entries map[K]*tallied
	order   []K
	limit   int
	others  int64 // what the keys beyond the limit count
}

type tallied struct {
	count int64
	names []string
}

func newTally[K comparable](limit int) tally[K] { return tally[K]{limit: limit} }

func (t *tally[K]) add(key K, name string) {
	entry := t.entries[key]
	if entry == nil {
		if len(t.order) >= t.limit {
			t.others++
			return
		}
		if t.entries == nil {
			t.entries = make(map[K]*tallied)
		}
		entry = new(tallied)
		t.entries[key] = entry
		t.order = append(t.order, key)
	}
	entry.count++
	if name != "" && len(entry.names) < maxExamples {
		entry.names = append(entry.names, name)
	}
}

// top are the n keys that count most, in the order in which they came where
// they count the same, and what is beyond them: keys and their count.
func (t *tally[K]) top(n int) (keys []K, moreKeys, more int64) {
	keys = slices.Clone(t.order)
	slices.SortStableFunc(keys, func(a, b K) int { return cmp.Compare(t.entries[b].count, t.entries[a].count) })
	more = t.others
	if len(keys) > n {
		for _, key := range keys[n:] {
			moreKeys++
			more += t.entries[key].count
		}
		keys = keys[:n]
	}
	return keys, moreKeys, more
}

// closedSo says who closed a connection, with which code and why.
func closedSo(c *record.Connection) string {
	for i := range c.Findings {
		if f := &c.Findings[i]; f.Code == "WS712" && len(f.Evidence) > 0 {
			return f.Title
		}
	}
	text := fmt.Sprintf("The %s closed with %d", c.Close.By, c.Close.Code)
	if c.Close.Reason != "" {
		text += " '" + c.Close.Reason + "'"
	}
	return text
}
