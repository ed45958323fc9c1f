package correlate

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// exchange is a handshake that was answered with 101 after some milliseconds.
func exchange(h Handshake, vantage int32, ms float64) Exchange {
	h.Vantage, h.Conn.File = vantage, vantage
	return Exchange{Handshake: h, Answered: h.At.Time + record.Time(ms*1e6), Ended: h.At.Time + record.Time(time.Minute), Status: 101, Software: 1, Authority: 2, Numbered: true}
}

// TestHopsApart: before a proxy is one vantage point, behind it another, whose
// clock is ahead.
func TestHopsApart(t *testing.T) {
	const user, other, proxy, inside, backend = "10.0.0.1:5000", "10.0.0.2:5000", "10.0.9.1:443", "10.1.9.1:6000", "10.0.2.2:8080"
	// front asks at a time and waits 20 ms; back is what HAProxy makes of it, with a key of its own.
	front := func(n int64, s float64, client string) Exchange {
		return exchange(shake(n, s, client, proxy, "", "/chat"), 0, 20)
	}
	back := func(n int64, s float64) Exchange {
		return exchange(shake(n, s, "10.0.9.1:6000", backend, "k"+itoa(int(n)), "/chat"), 1, 10)
	}
	change := func(x Exchange, f func(x *Exchange)) Exchange { f(&x); return x }
	no := func(a, b int32) (record.Time, bool) { return 0, false }
	ahead := func(s float64) func(a, b int32) (record.Time, bool) {
		return func(a, b int32) (record.Time, bool) {
			if a > b {
				return record.Time(-s * 1e9), true
			}
			return record.Time(s * 1e9), true
		}
	}
	keyed := func(x Exchange, key string) Exchange {
		return change(x, func(x *Exchange) { x.Key = HashText(key) })
	}
	for _, c := range []struct {
		name  string
		list  []Exchange
		known func(a, b int32) (record.Time, bool)
		want  string
	}{
		{"alone", []Exchange{front(1, 0, user), back(11, 3)}, no, "1-11"},
		{"clocks too far apart to believe", []Exchange{front(1, 0, user), back(11, 300)}, no, ""},
		{"clocks known to be that far apart", []Exchange{front(1, 0, user), back(11, 300)}, ahead(300), "1-11"},
		{"clocks known to be otherwise", []Exchange{front(1, 0, user), back(11, 3)}, ahead(0), ""},
		{"its clock is behind", []Exchange{front(1, 8, user), back(11, 3)}, no, "1-11"},
		{"longer than the one that would wait for it", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Answered += 1e8 })}, no, ""},
		{"two could be it", []Exchange{front(1, 0, user), back(11, 3), back(21, 5)}, no, ""},
		{"two could be it but for the clocks", []Exchange{front(1, 0, user), back(11, 3), back(21, 5)}, ahead(4.995), "1-21"},
		{"it could be of two", []Exchange{front(1, 0, user), front(5, 2, other), back(11, 3)}, no, ""},
		{"one offset fits all", []Exchange{front(1, 0, user), front(5, 2, other), front(7, 2.5, user), back(11, 3.005), back(21, 5.005), back(31, 5.505)}, no, "1-11 5-21 7-31"},
		{"one offset fits most", []Exchange{front(1, 0, user), front(5, 2, other), front(7, 2.5, user), back(11, 3.005), back(31, 5.505)}, no, "1-11 7-31"},
		{"evenly spaced", []Exchange{front(1, 0, user), front(5, 1, other), front(7, 2, user), back(11, 4.005), back(31, 5.005)}, no, ""},
		{"at once", []Exchange{front(1, 0, user), front(5, 0.001, other), back(11, 3), back(21, 3.001)}, ahead(2.995), ""},
		{"at once, with whom they are for", []Exchange{front(1, 0, user), front(5, 0.001, other),
			change(back(11, 3), func(x *Exchange) { x.For = other4 }), change(back(21, 3.001), func(x *Exchange) { x.For = user4 })}, no, "5-11 1-21"},
		{"another target", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Target++ })}, no, ""},
		{"another authority", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Authority++ })}, no, ""},
		{"another authority, but known clocks", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Authority++ })}, ahead(2.995), "1-11"},
		{"another answer", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Status = 404 })}, no, ""},
		{"another program", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Software++ })}, ahead(2.995), ""},
		{"not from that proxy", []Exchange{front(1, 0, user), change(back(11, 3), func(x *Exchange) { x.Client = mustAddrPort(other) })}, ahead(2.995), ""},
		{"one key, from the proxy", []Exchange{keyed(front(1, 0, user), "k"), keyed(back(11, 3000), "k")}, no, "1-11"},
		{"one key, the hop's clock behind", []Exchange{keyed(front(1, 3000, user), "k"), keyed(change(back(11, 0), func(x *Exchange) { x.Client = mustAddrPort(inside) }), "k")}, no, "1-11"},
		{"one key, without an answer behind", []Exchange{keyed(front(1, 0, user), "k"),
			keyed(change(back(11, 3), func(x *Exchange) {
				x.Client, x.Answered, x.Status, x.Ended = mustAddrPort(inside), 0, 0, x.At.Time+500e6
			}), "k")}, no, "11-1"},
		{"one key, without an answer behind, the proxy's own", []Exchange{change(keyed(front(1, 0, user), "k"), func(x *Exchange) { x.Status = 504 }),
			keyed(change(back(11, 3), func(x *Exchange) {
				x.Client, x.Answered, x.Status, x.Ended = mustAddrPort(inside), 0, 0, x.At.Time+500e6
			}), "k")}, no, "1-11"},
		{"one key, to the same server", []Exchange{keyed(front(1, 0, user), "k"),
			keyed(change(back(11, 3), func(x *Exchange) { x.Client, x.Server = mustAddrPort(inside), mustAddrPort(proxy) }), "k")}, no, "1-11"},
		{"one key, perhaps another view", []Exchange{keyed(front(1, 0, user), "k"), keyed(change(back(11, 3), func(x *Exchange) {
			x.Client, x.Server, x.Numbered = mustAddrPort(inside), mustAddrPort(proxy), false
		}), "k")}, no, ""},
		{"the example's key", []Exchange{keyed(front(1, 0, user), "k"), keyed(change(back(11, 3), func(x *Exchange) { x.Client, x.Sample = mustAddrPort(inside), true }), "k")}, no, ""},
		{"a proxy within the second", []Exchange{front(1, 0, user), back(11, 3), exchange(shake(21, 3.001, "10.0.2.2:7000", "10.0.3.3:9000", "k11", "/chat"), 1, 5)}, no, "1-11 11-21"},
	} {
		var got []string
		// The same for any order of what is given, and with what was known before forgotten.
		for _, turn := range []int{0, 1} {
			var h Hops
			list := append([]Exchange{}, c.list...)
			if turn == 1 {
				for i := range list {
					list[i] = c.list[len(list)-1-i]
				}
				h.Ask(&list[0].Handshake)
			}
			h.AskApart(list, c.known)
			var pairs []string
			for _, x := range c.list {
				story := h.Story(x.Conn)
				if story == nil {
					continue
				}
				for _, p := range story.Parts {
					if p.Conn == x.Conn && p.Front >= 0 {
						pairs = append(pairs, nameOf(story.Parts[p.Front].Conn)+"-"+nameOf(x.Conn))
					}
				}
			}
			got = append(got, strings.Join(pairs, " "))
		}
		if got[0] != c.want || got[1] != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestManyApart: thousands of handshakes of one target are not compared each with each.
func TestManyApart(t *testing.T) {
	var list []Exchange
	for i := range 2000 {
		list = append(list, exchange(shake(int64(10*i+1), float64(i)/100, "10.0.0.1:5000", "10.0.9.1:443", "", "/chat"), 0, 20),
			exchange(shake(int64(10*i+2), float64(i)/100, "10.0.9.1:6000", "10.0.2.2:80", itoa(i), "/chat"), 1, 10))
	}
	var h Hops
	h.AskApart(list, func(a, b int32) (record.Time, bool) { return 0, false })
	if !h.Empty() {
		t.Errorf("%d are joined", len(h.stories))
	}
}

var user4, other4 = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")

func mustAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
