package correlate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// need is a connection that failed and asked for a name.
type need struct {
	at record.Time
	id string
}

func compareNeeds(a, b need) int {
	return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id))
}

// Need notes that a connection which failed, and ended at that time, asked for
// a name.
func (n *Names) Need(name, id string, at record.Time) {
	n.need(strings.ToLower(strings.TrimSuffix(name, ".")), need{at, id})
}

// need keeps the latest: the look-up comes before.
func (n *Names) need(name string, x need) {
	list, known := n.needed[name]
	if !known {
		if len(n.needed) >= maxNeeded {
			return
		}
		if n.needed == nil {
			n.needed = map[string][]need{}
		}
		name = strings.Clone(name) // it may be a piece of a long head
	}
	at, found := slices.BinarySearchFunc(list, x, compareNeeds)
	switch {
	case found || at == 0 && len(list) >= record.MaxRelated:
		return
	case len(list) >= record.MaxRelated:
		copy(list, list[1:at])
		list[at-1] = x
	default:
		list = slices.Insert(list, at, x)
	}
	n.needed[name] = list
}

// needs are the connections that asked for a name after it was looked up.
func (n *Names) needs(name string, l *lookup) (ids []string) {
	for _, x := range n.needed[name] {
		if x.at >= l.query.Time {
			ids = append(ids, x.id)
		}
	}
	return ids
}
