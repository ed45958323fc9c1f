package correlate

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// joinedAlike checks that parts, joined in any order, give what the whole gives.
func joinedAlike[T any](t *testing.T, want []string, part func(part, parts int) *T, merge func(to, from *T), outline func(*T) []string) {
	t.Helper()
	for parts := 2; parts < 6; parts++ {
		list := make([]*T, parts)
		for i := range list {
			list[i] = part(i, parts)
		}
		for first := range parts {
			joined := new(T)
			for i := range parts {
				merge(joined, list[(first+i)%parts])
			}
			if got := outline(joined); !reflect.DeepEqual(got, want) {
				t.Fatalf("%d parts, from %d on:\n%q, want\n%q", parts, first, got, want)
			}
		}
	}
}

func TestPartsOfHops(t *testing.T) {
	var fronts, backs []made
	for i := range 500 {
		s := float64(i * 7 % 500)
		fronts = append(fronts, at(s, byte(i), 1).asks("Upgrade: websocket", "Connection: Upgrade").answered(426, 0.1))
		backs = append(backs, at(s, 9, byte(2+i%2)).asks("Connection: close").answered(426, 0.1))
	}
	part := func(part, parts int) *Hops {
		h := new(Hops)
		for i := range fronts {
			if i%parts == part {
				h.NoteHop(fronts[i].Connection, backs[i].Connection, i%2 == 0 || i == 499)
			}
		}
		return h
	}
	outline := func(h *Hops) (list []string) {
		for _, r := range h.Relations(nil) {
			list = append(list, fmt.Sprint(r.Total, r.Connections, r.Hop.Front.ID, r.Hop.Back.ID, r.Hop.Lost, r.Hop.First, r.Hop.Last))
		}
		return list
	}
	want := outline(part(0, 1))
	if len(want) != 2 {
		t.Fatalf("%d relations", len(want))
	}
	joinedAlike(t, want, part, (*Hops).Merge, outline)
}

func TestPartsOfNames(t *testing.T) {
	part := func(part, parts int) *Names {
		n := new(Names)
		for i := range 20 {
			if i%parts != part {
				continue
			}
			client, s := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), float64(i)
			n.Add(address, "called"+itoa(i%3)+".test", when(s))
			name := "n" + itoa(i%4) + ".test"
			n.Query(client, resolver, name, true, when(s))
			switch i % 5 {
			case 0:
				n.Answer(client, resolver, name, true, "", when(s+0.1))
			case 1:
				n.Unreached(client, resolver, when(s+0.1))
			default:
				n.Answer(client, resolver, name, false, "SERVFAIL", when(s+0.1))
			}
			if i%3 == 0 {
				n.Connects(client, sec(s+0.2))
			}
			if i%7 == 0 { // some of these never looked it up
				n.Need("n"+itoa(i/7%4)+".test", itoa(i), sec(s+1))
			}
		}
		return n
	}
	outline := func(n *Names) (list []string) {
		for _, r := range n.Relations(nil) {
			list = append(list, fmt.Sprintf("%v %+v", r.Connections, *r.LookUp))
		}
		return append(list, fmt.Sprint(n.Of(address, sec(30), func() string { return "" })))
	}
	want := outline(part(0, 1))
	if len(want) < 6 {
		t.Fatalf("%d relations: %q", len(want), want)
	}
	joinedAlike(t, want, part, (*Names).Merge, outline)
}

// TestNeedsComeAfterTheLookUp: and of many the latest count, in whatever order.
func TestNeedsComeAfterTheLookUp(t *testing.T) {
	var n Names
	for i := range 3 * record.MaxRelated {
		n.Need("app.test", itoa(i*7%(3*record.MaxRelated)), sec(float64(i*7%(3*record.MaxRelated))))
	}
	n.Query(asker, resolver, "app.test", true, when(float64(3*record.MaxRelated-2)))
	n.Answer(asker, resolver, "app.test", false, "NXDOMAIN", when(float64(3*record.MaxRelated-1)))
	list := n.Relations(nil)
	if len(list) != 1 || fmt.Sprint(list[0].Connections) != "[598 599]" {
		t.Errorf("%+v", list)
	}
	if got := len(*n.needed["app.test"]); got != record.MaxRelated {
		t.Errorf("%d are remembered", got)
	}
}
