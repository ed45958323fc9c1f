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
	if a.at != b.at {
		return cmp.Compare(a.at, b.at)
	}
	return strings.Compare(a.id, b.id)
}

// Need notes that a connection which failed, and ended at that time, asked for
// a name: in small letters, without a dot at its end.
func (n *Names) Need(name, id string, at record.Time) { n.need(name, need{at, id}) }

// need keeps the latest: the look-up comes before.
func (n *Names) need(name string, x need) {
	list := n.needed[name]
	if list == nil {
		if len(n.needed) >= maxNeeded {
			return
		}
		if n.needed == nil {
			n.needed = map[string]*needs{}
		}
		list = new(needs)
		n.needed[strings.Clone(name)] = list // it may be a piece of a long head
	}
	if len(*list) >= 2*record.MaxRelated {
		list.trim()
	}
	*list = append(*list, x)
}

// needs are in no order, so that a busy name costs little; trim sorts out the latest.
type needs []need

func (l *needs) trim() {
	slices.SortFunc(*l, compareNeeds)
	*l = slices.Compact(*l)
	if older := len(*l) - record.MaxRelated; older > 0 {
		*l = append((*l)[:0], (*l)[older:]...)
	}
}

// needs are the connections that asked for a name after it was looked up.
func (n *Names) needs(l *lookup) (ids []string) {
	list := n.needed[l.name]
	if list == nil {
		return nil
	}
	list.trim()
	for _, x := range *list {
		if x.at >= l.query.Time {
			ids = append(ids, x.id)
		}
	}
	return ids
}
