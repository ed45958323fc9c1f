package correlate

import (
	"cmp"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Merge adds what another remembers; the order does not matter. A part of a
// capture must have all look-ups and connections of its clients.
func (n *Names) Merge(o *Names) {
	for addr, list := range o.byAddr {
		for _, x := range list {
			n.Add(addr, x.Name, x.At)
		}
		known := n.byAddr[addr]
		for i := range known {
			if at := slices.IndexFunc(list, func(x Named) bool { return x.Name == known[i].Name }); at >= 0 && compareRefs(list[at].At, known[i].At) < 0 {
				known[i].At = list[at].At
			}
		}
		slices.SortFunc(known, func(a, b Named) int { return cmp.Or(compareRefs(a.At, b.At), cmp.Compare(a.Name, b.Name)) })
	}
	for client, who := range o.inquirers {
		for i := range who.lookups {
			x := &who.lookups[i]
			if l := n.lookup(client, x.name); l != nil {
				l.merge(x)
			}
		}
		if who.resolved {
			n.resolves(client, n.inquirers[client], who.connected)
		}
	}
	for name, list := range o.needed {
		for _, x := range *list {
			n.need(name, x)
		}
	}
}

// merge adds what another part of the capture knows of the same look-up.
func (l *lookup) merge(o *lookup) {
	if before(o.query, l.query) {
		l.query, l.server = o.query, o.server
	}
	if o.failedResponse && !l.failedResponse || o.failedResponse == l.failedResponse && before(o.answer, l.answer) {
		l.answer, l.code = o.answer, o.code
	}
	l.last = max(l.last, o.last)
	l.tries += o.tries
	l.asked = l.asked || o.asked
	l.unreached = l.unreached || o.unreached
	l.followed = l.followed || o.followed
	l.failedResponse = l.failedResponse || o.failedResponse
}

// before: the first was seen, and the second was not or came later.
func before(a, b record.Ref) bool { return a.Seen() && (!b.Seen() || compareRefs(a, b) < 0) }
