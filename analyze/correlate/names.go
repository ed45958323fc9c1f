package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Limits of what is remembered of names.
const (
	// maxAddresses bounds the addresses whose names are known, maxNames the
	// names of one address: the latest are kept.
	maxAddresses, maxNames = 1 << 16, 4
	// maxLookUps bounds the names that were asked for and have no address yet.
	maxLookUps = 1 << 13
	// maxAsking bounds those of one client: each of its connections looks at them.
	maxAsking = 64
	// maxNeeded bounds the names that failed connections asked for.
	maxNeeded = 1 << 12
	// maxUnresolved is how many names may fail in a capture before failing ones say nothing:
	// programs ask for names that do not exist all day.
	maxUnresolved = 8
	// soon is how long after a look-up the connection comes for which it was made.
	soon = 10 * time.Second
)

// Names remembers what addresses are called, and which names could not be
// resolved.
type Names struct {
	byAddr    map[netip.Addr][]Named
	needed    map[string]*needs // by name, whether or not it was looked up
	inquirers map[netip.Addr]*inquirer
	lookups   int                     // of all of them
	resolved  int                     // how many of them resolved some name
	spoke     map[netip.Addr][]string // the hosts that clients did reach
	reached   []string                // by any of them, the first maxAsking
}

// inquirer is a client that looks names up.
type inquirer struct {
	lookups []lookup // at most maxAsking
	// resolved: some name. If it then connected to nothing, it has its connections
	// elsewhere: the capture does not show them.
	resolved, connected bool
}

// Named is a name that an address had from a packet on; a name resolution
// block has none.
type Named struct {
	Name string
	At   record.Ref
}

type lookup struct {
	name           string
	server         netip.Addr
	query, answer  record.Ref
	last           record.Time
	code           string
	tries          int
	asked          int // for an address, and not only for parameters
	empty          int // answers that there is no address of that kind
	unreached      bool
	followed       bool
	failedResponse bool
}

// Add notes the name of an address.
func (n *Names) Add(addr netip.Addr, name string, at record.Ref) {
	addr = addr.Unmap()
	list, known := n.byAddr[addr]
	if !known && len(n.byAddr) >= maxAddresses || name == "" {
		return
	}
	if i := slices.IndexFunc(list, func(x Named) bool { return x.Name == name }); i >= 0 {
		return
	}
	if n.byAddr == nil {
		n.byAddr = map[netip.Addr][]Named{}
	}
	if len(list) >= maxNames {
		list = append(list[:0], list[1:]...)
	}
	n.byAddr[addr] = append(list, Named{name, at})
}

// Of is the name of an address at a time: what a connection calls the host, or
// else the latest that was known then. host is only called if it matters.
func (n *Names) Of(addr netip.Addr, at record.Time, host func() string) (Named, bool) {
	list := n.byAddr[addr.Unmap()]
	switch {
	case len(list) == 0:
		return Named{}, false
	case len(list) == 1 && list[0].At.Time <= at:
		return list[0], true
	}
	called := host()
	var best Named
	for _, x := range list {
		if x.Name == called {
			return x, true
		}
		if best.Name == "" || x.At.Time <= at && x.At.Time >= best.At.Time {
			best = x
		}
	}
	return best, best.Name != "" && best.At.Time <= at
}

// Any tells that some name is known or was asked for.
func (n *Names) Any() bool { return len(n.byAddr)+n.lookups > 0 }

// Waiting tells that some name has no address so far.
func (n *Names) Waiting() bool { return n.lookups > 0 }

// Query notes that a client asks for a name. address tells that it asks for an
// address.
func (n *Names) Query(client, server netip.Addr, name string, address bool, at record.Ref) {
	if unlikely(name) {
		return
	}
	l := n.lookup(client, name)
	if l == nil {
		return
	}
	if !l.query.Seen() {
		l.query, l.server = at, server
	}
	l.tries++
	l.last = at.Time
	if address {
		l.asked++
	}
}

// lookup is a client's look-up of a name, a new one if need be; nil: there are
// too many. It may move with the next one.
func (n *Names) lookup(client netip.Addr, name string) *lookup {
	who := n.inquirers[client]
	if at := who.find(name); at >= 0 {
		return &who.lookups[at]
	}
	if n.lookups >= maxLookUps || who != nil && len(who.lookups) >= maxAsking {
		return nil
	}
	if who == nil {
		who = n.meet(client)
	}
	who.lookups = append(who.lookups, lookup{name: name})
	n.lookups++
	return &who.lookups[len(who.lookups)-1]
}

func (n *Names) meet(client netip.Addr) *inquirer {
	if n.inquirers == nil {
		n.inquirers = map[netip.Addr]*inquirer{}
	}
	who := new(inquirer)
	n.inquirers[client] = who
	return who
}

// find is where the look-up of a name is; -1: nowhere.
func (q *inquirer) find(name string) int {
	if q != nil {
		for i := range q.lookups {
			if q.lookups[i].name == name {
				return i
			}
		}
	}
	return -1
}

// unlikely names are asked for by every system and resolve nowhere: they say
// nothing about a WebSocket.
func unlikely(name string) bool {
	first, rest, dotted := strings.Cut(name, ".")
	return !dotted || rest == "" || strings.HasPrefix(name, "_") || strings.Contains(name, "._") || strings.HasSuffix(name, ".arpa") || strings.HasSuffix(name, ".local") ||
		first == "wpad" || first == "isatap" || strings.HasSuffix(name, ".localhost")
}

// Answer notes the answer to a look-up: with an address, or with the return
// code that says why there is none.
func (n *Names) Answer(client, server netip.Addr, name string, address bool, code string, at record.Ref) {
	if unlikely(name) {
		return
	}
	who := n.inquirers[client]
	found := who.find(name)
	if address {
		if found >= 0 {
			who.lookups = slices.Delete(who.lookups, found, found+1)
			n.lookups--
		}
		n.resolves(client, who, false)
		return
	}
	if found < 0 {
		return
	}
	l := &who.lookups[found]
	l.last = at.Time
	if code == "" {
		l.empty++
	}
	if !l.failedResponse && (code != "" || !l.answer.Seen()) {
		l.answer, l.code, l.failedResponse = at, code, code != ""
	}
}

// resolves notes that a client resolved some name; who is nil if it is not known.
func (n *Names) resolves(client netip.Addr, who *inquirer, connected bool) {
	switch {
	case who != nil && who.resolved:
	case n.resolved < maxLookUps:
		if who == nil {
			who = n.meet(client)
		}
		who.resolved = true
		n.resolved++
	default:
		if who != nil && len(who.lookups) == 0 {
			delete(n.inquirers, client)
		}
		return
	}
	who.connected = who.connected || connected
}

// Unreached notes an ICMP error to a query.
func (n *Names) Unreached(client, server netip.Addr, at record.Ref) {
	who := n.inquirers[client]
	if who == nil {
		return
	}
	for i := range who.lookups {
		l := &who.lookups[i]
		if l.server == server && l.query.Time <= at.Time && !l.answer.Seen() {
			l.answer, l.unreached = at, true
			l.last = max(l.last, at.Time)
		}
	}
}

// Connects notes that a client opens a TCP connection.
func (n *Names) Connects(client netip.Addr, at record.Time) {
	who := n.inquirers[client]
	if who == nil {
		return
	}
	who.connected = who.resolved
	for i := range who.lookups {
		l := &who.lookups[i]
		if !l.followed && at.Sub(l.last) <= soon {
			l.followed = true
		}
	}
}

// Relations are the names that could not be resolved and were needed, as far
// as the capture tells.
func (n *Names) Relations(files []string) []record.Relation {
	var failed []record.Relation
	quiet := 0
	for client, who := range n.inquirers {
		for i := range who.lookups {
			l := &who.lookups[i]
			if l.asked == 0 || !l.failedResponse && !l.answer.Seen() && l.tries < 2 {
				continue
			}
			needed := n.needs(l)
			r := record.Relation{Files: files, Connections: needed, Total: len(needed), LookUp: l.describe(client)}
			r.LookUp.Needed = len(needed) > 0
			r.LookUp.Nothing = !l.followed && who.shows() && !n.strange(client, l.name) && (r.LookUp.Code != "no address" || l.barren())
			if !r.LookUp.Needed && !r.LookUp.Nothing {
				continue
			}
			if !r.LookUp.Needed {
				quiet++
			}
			failed = append(failed, r)
		}
	}
	if quiet > maxUnresolved {
		failed = slices.DeleteFunc(failed, func(r record.Relation) bool { return !r.LookUp.Needed })
	}
	slices.SortFunc(failed, func(a, b record.Relation) int {
		return cmp.Or(len(a.LookUp.Name)-len(b.LookUp.Name), strings.Compare(a.LookUp.Name, b.LookUp.Name), a.LookUp.Client.Compare(b.LookUp.Client))
	})
	failed = withoutSuffixes(failed)
	sortRelations(failed, func(r *record.Relation) record.Ref { return r.LookUp.Query })
	return failed
}

// barren: there is neither an A nor an AAAA record. A name may well have
// addresses of one kind only: that alone stops nobody.
func (l *lookup) barren() bool { return l.empty > 1 && l.empty >= l.asked }

// shows: where the client resolved other names, connections came of it.
func (q *inquirer) shows() bool { return q.connected || !q.resolved }

// Spoke notes that a client reached a host.
func (n *Names) Spoke(client netip.Addr, host string) {
	if host == "" {
		return
	}
	list, known := n.spoke[client]
	if !known && len(n.spoke) >= maxLookUps || len(list) >= maxNames || slices.Contains(list, host) {
		return
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	if n.spoke == nil {
		n.spoke = map[netip.Addr][]string{}
	}
	host = strings.Clone(host) // it may be a piece of a long head
	n.spoke[client] = append(list, host)
	if len(n.reached) < maxAsking && !slices.Contains(n.reached, host) {
		n.reached = append(n.reached, host)
	}
}

// strange tells that a client has to do with hosts of which none is akin to
// name: something else on its machine asked for that, as browsers do for their
// maker's hosts.
func (n *Names) strange(client netip.Addr, name string) bool {
	hosts := n.spoke[client]
	if len(hosts) == 0 {
		hosts = n.reached // before a proxy, the client's connections are not in the capture, the look-ups are
	}
	base := name
	for dots := strings.Count(base, "."); dots > 1 || base == name && dots == 1; dots-- {
		_, base, _ = strings.Cut(base, ".")
	}
	return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return h == base || strings.HasSuffix(h, "."+base) })
}

// withoutSuffixes leaves out what a resolver tries with its search list when
// the name itself does not resolve. The list is sorted by the length of names.
func withoutSuffixes(list []record.Relation) (kept []record.Relation) {
	for _, r := range list {
		if !slices.ContainsFunc(kept, func(k record.Relation) bool {
			return k.LookUp.Client == r.LookUp.Client && strings.HasPrefix(r.LookUp.Name, k.LookUp.Name+".")
		}) {
			kept = append(kept, r)
		}
	}
	return kept
}

func (l *lookup) describe(client netip.Addr) *record.LookUp {
	x := &record.LookUp{Name: l.name, Client: client, Server: l.server, Code: l.code, Query: l.query, Answer: l.answer,
		Unreached: l.unreached, Tries: l.tries}
	if x.Code == "" {
		x.Code = "no answer"
		if l.answer.Seen() && !l.unreached {
			x.Code = "no address"
		}
	}
	return x
}
