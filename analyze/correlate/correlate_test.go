package correlate

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/wsleuth/wsleuth/analyze/record"
)

const (
	client = record.Client
	server = record.Server
)

func TestDigestIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Digest{}); size > 96 {
		t.Errorf("a connection costs %d bytes, 96 are allowed", size)
	}
}

func TestRelations(t *testing.T) {
	failing := func(gap func(i int) float64) []made {
		s := 0.0
		return many(10, func(i int) made { s += gap(i); return at(s, 1, 1).asks().answered(503, 0.01) })
	}
	for _, c := range []struct {
		name string
		list [][]made
		want string
	}{
		{"nothing", nil, ""},
		{"ten failures at an even pace", [][]made{failing(func(int) float64 { return 0.5 })}, "series 10 early 500ms late 500ms unidentified false\n"},
		{"back-off", [][]made{failing(func(i int) float64 { return 0.3 * float64(int(1)<<i) })}, "series 9 early 1.2s late 38.4s unidentified false\n"},
		{"refused", [][]made{many(9, func(i int) made { return at(float64(i), 1, 1).refused() })}, "series 9 early 1s late 1s unidentified true\n"},
		{"a success in between", [][]made{many(9, func(i int) made {
			if i == 4 {
				return at(4, 1, 1).open(0.1).closed(client, 1000)
			}
			return at(float64(i), 1, 1).asks().answered(503, 0.01)
		})}, ""},
		{"several clients", [][]made{many(9, func(i int) made { return at(float64(i), byte(i), 1).asks().answered(503, 0.01) })}, ""},
		{"users behind a proxy", [][]made{many(9, func(i int) made {
			return at(float64(i), 1, 1).asks("X-Forwarded-For: 192.0.2."+string(rune('1'+i))).answered(503, 0.01)
		})}, ""},
		{"at once, so several programs", [][]made{many(9, func(i int) made { return at(float64(i)/100, 1, 1).asks().answered(503, 5) })}, ""},
		{"long-lived ones that end", [][]made{many(9, func(i int) made { return at(float64(20*i), 1, 1).open(15+float64(i)).cut(server, 0.1) })}, ""},
		{"further hops", [][]made{many(9, func(i int) made { return at(float64(i), 1, 1).asks().answered(503, 0.01).hopOf("1") })}, ""},

		{"cut after the same silence", [][]made{many(4, func(i int) made {
			return at(float64(3*i), byte(i), 1).open(70+float64(i)/3).cut(server, 60+float64(i)/100)
		})},
			"cuts 4 of 4 silent true after 1m0.02s\n"},
		{"cut at the same age", [][]made{many(3, func(i int) made { return at(float64(3*i), byte(i), 1).open(120).cut(server, 0.2) })}, "cuts 3 of 3 silent false after 2m0s\n"},
		{"cut at one moment", [][]made{many(4, func(i int) made { return at(0, byte(i), 1).open(60).cut(server, 60) })}, ""},
		{"two of one age", [][]made{many(3, func(i int) made { return at(float64(30*i), byte(i), 1).open(60+float64(i/2)).cut(server, 0.2) })}, ""},
		{"ages of all kinds", [][]made{many(400, func(i int) made {
			return at(float64(7*i), byte(i), 1).open(30+float64(i*7919%4000)/100).cut(server, 0.2)
		})}, ""},
		{"cut by a proxy", [][]made{many(3, func(i int) made { return at(float64(3*i), 1, 1).open(10).cut(client, 0.2) })}, "cuts 3 of 3 silent false after 10s\n"},
		{"the client leaves", [][]made{many(4, func(i int) made { return at(float64(3*i), byte(i), 1).open(60).cut(client, 0.2) })}, ""},
		{"too short", [][]made{many(4, func(i int) made { return at(float64(3*i), byte(i), 1).open(2).cut(server, 0.1) })}, ""},

		{"all end at once", [][]made{many(6, func(i int) made { return at(float64(i), byte(i), 1).open(60-float64(i)).closed(server, 1012) })}, "burst 6 of 6\n"},
		{"some of many end", [][]made{many(6, func(i int) made { return at(float64(i), byte(i), 1).open(60-float64(i)).closed(server, 1012) }),
			many(20, func(i int) made { return at(float64(i)/10, byte(i), 1).open(100).still() })}, ""},
		{"normal closure", [][]made{many(6, func(i int) made { return at(float64(i), byte(i), 1).open(60-float64(i)).closed(server, 1000) })}, ""},
		{"the clients close", [][]made{many(6, func(i int) made { return at(float64(i), byte(i), 1).open(60-float64(i)).closed(client, 1001) })}, ""},
		{"a busy endpoint", [][]made{many(600, func(i int) made { return at(float64(i)/10, byte(i), 1).open(0.4+float64(i%7)/10).closed(server, 1001) })}, ""},

		{"one of three servers", [][]made{many(12, func(i int) made {
			if i%3 == 2 {
				return at(float64(i), byte(i), 3).asks().answered(500, 0.01)
			}
			return at(float64(i), byte(i), byte(1+i%3)).open(0.1).closed(client, 1000)
		})}, "backends 4 of 4 at 10.0.1.3:80, 0 of 8 elsewhere\n"},
		{"all servers", [][]made{many(12, func(i int) made { return at(float64(i), byte(i), byte(1+i%3)).asks().answered(500, 0.01) })}, ""},
		{"the client's fault", [][]made{many(12, func(i int) made {
			if i%3 == 2 {
				m := at(float64(i), byte(i), 3).asks().answered(403, 0.01)
				m.Fault = record.FaultClient
				return m
			}
			return at(float64(i), byte(i), byte(1+i%3)).open(0.1).closed(client, 1000)
		})}, ""},
		{"one of three does not listen", [][]made{many(12, func(i int) made {
			if i%3 == 2 {
				return at(float64(i), 9, 3).refused()
			}
			return at(float64(i), 9, byte(1+i%3)).open(0.1).closed(client, 1000)
		})}, "backends 4 of 4 at 10.0.1.3:80, 0 of 8 elsewhere\n"},
		{"one of two that a proxy asks does not listen", [][]made{many(8, func(i int) made {
			if i%2 == 1 {
				return at(float64(i), 9, 3).refused()
			}
			return at(float64(i), 9, 1).hopOf("1").open(0.1).closed(client, 1000)
		})}, "backends 4 of 4 at 10.0.1.3:80, 0 of 4 elsewhere\n"},
		{"one of two that worked before", [][]made{many(12, func(i int) made {
			if i%2 == 1 && i > 2 {
				return at(float64(i), 9, 3).refused()
			}
			return at(float64(i), 9, byte(1+i%2*2)).open(0.1).closed(client, 1000)
		})}, "series 5 early 2s late 2s unidentified true\nbackends 5 of 6 at 10.0.1.3:80, 0 of 6 elsewhere\n"},
		{"another server of a client does not listen", [][]made{many(8, func(i int) made {
			if i%2 == 1 {
				return at(float64(i), 9, 3).refused()
			}
			return at(float64(i), 9, 1).open(0.1).closed(client, 1000)
		})}, ""},
		{"one of three has nothing at the path", [][]made{many(12, func(i int) made {
			if i%3 == 2 {
				m := at(float64(i), byte(i), 3).asks().answered(404, 0.01)
				m.Fault = record.FaultClient
				return m
			}
			return at(float64(i), byte(i), byte(1+i%3)).open(0.1).closed(client, 1000)
		})}, "backends 4 of 4 at 10.0.1.3:80, 0 of 8 elsewhere\n"},
		{"the others worked an hour before", [][]made{many(3, func(i int) made { return at(float64(i), 1, 3).asks().answered(500, 0.01) }),
			many(8, func(i int) made { return at(float64(i)-3600, 1, 1).open(0.1).closed(client, 1000) })}, ""},

		{"a browser's limit", [][]made{many(200, func(i int) made { return at(float64(i)/100, 1, 1).agent("Mozilla/5.0 Firefox/140.0").open(100).still() })}, "full 200 Firefox\n"},
		{"one less than a browser's limit", [][]made{many(199, func(i int) made { return at(float64(i)/100, 1, 1).agent("Mozilla/5.0 Firefox/140.0").open(100).still() })}, ""},
		{"at its limit when the capture ends", [][]made{many(200, func(i int) made {
			return at(float64(i)/100, 1, 1).agent("Mozilla/5.0 Firefox/140.0").open(0.01).still()
		})}, ""},
		{"a browser at its limit for a while", [][]made{many(201, func(i int) made {
			m := at(float64(i)/100, 1, 1).agent("Mozilla/5.0 Firefox/140.0")
			if i == 0 {
				return m.open(30).closed(client, 1000)
			}
			if i == 200 {
				return at(31, 1, 1).agent("Mozilla/5.0 Firefox/140.0").open(1).still()
			}
			return m.open(100).still()
		})}, "full 200 Firefox\n"},
		{"more than the limit", [][]made{many(220, func(i int) made {
			return at(float64(i)/100, 1, 1).agent("Mozilla/5.0 Firefox/140.0").open(30+float64(i)).closed(client, 1000)
		})}, ""},
	} {
		if got := found(c.list...); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
		for _, list := range c.list {
			six(list)
		}
		if got, want := found(c.list...), strings.ReplaceAll(c.want, "10.0.1.3:80", "[2001:db8::a00:103]:80"); got != want {
			t.Errorf("%s: found %q by IPv6, want %q", c.name, got, want)
		}
	}
}

// polling adds requests of Engine.IO at these times.
func polling(s *Set, from byte, times ...float64) {
	for i, x := range times {
		s.AddPoll(Poll{Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, from}), 40000), Server: netip.MustParseAddrPort("10.0.1.1:80"),
			Family: "engine.io", Transport: "polling", At: record.Ref{Packet: int64(1000 + i), Time: sec(x)}})
	}
}

func TestFallback(t *testing.T) {
	failed, elsewhere := at(1, 1, 1).asks().answered(400, 0.1), at(0, 1, 1).asks().answered(500, 0.1)
	elsewhere.Facts.Upgrade.Request.Target = "/other"
	for _, c := range []struct {
		name  string
		conns []made
		polls []float64
		want  string
	}{
		{"goes on", []made{failed}, []float64{0.1, 0.5, 1.5, 20, 45}, "fallback engine.io 3 after 1\n"},
		{"before the attempt only", []made{failed}, []float64{0.1, 0.5, 0.9}, ""},
		{"one was on its way", []made{failed}, []float64{0.1, 0.5, 1.2}, ""},
		{"hours later", []made{failed}, []float64{0.1, 4000, 4001}, ""},
		{"a healthy upgrade", []made{at(1, 1, 1).open(10).closed(client, 1000)}, []float64{0.1, 0.5, 1.05, 12, 13}, ""},
		{"a later attempt works", []made{failed, at(3, 1, 1).open(10).closed(client, 1000)}, []float64{0.1, 1.5, 2, 2.5}, ""},
		{"another WebSocket before", []made{elsewhere, failed}, []float64{0.1, 1.5, 2, 2.5}, "fallback engine.io 3 after 1\n"},
		{"another client", []made{at(1, 2, 1).asks().answered(400, 0.1)}, []float64{1.5, 2, 2.5}, ""},
	} {
		var s Set
		for _, m := range c.conns {
			s.Add(m.Connection, true)
		}
		polling(&s, 1, c.polls...)
		if got := outline(s.Relations(nil)); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhatIsNotShownIsNoPattern(t *testing.T) {
	var s Set
	for _, m := range many(10, func(i int) made { return at(float64(i), 1, 1).asks().answered(503, 0.01) }) {
		s.Add(m.Connection, false)
	}
	if got := outline(s.Relations(nil)); got != "" {
		t.Errorf("found %q among connections that the report leaves out", got)
	}
}

// BenchmarkOneClient: a million connections of one client; the time per
// connection must not grow with their number.
func BenchmarkOneClient(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { oneClient(b, n) })
	}
}

func oneClient(b *testing.B, n int) {
	list := []made{at(0, 1, 1).asks().answered(503, 0.001), at(0, 1, 1).open(3.5).cut(server, 3.2), at(0, 1, 1).open(1).closed(client, 1000), at(0, 1, 1).refused()}
	b.ReportAllocs()
	for b.Loop() {
		var s Set
		for i := range n {
			c := list[i%len(list)]
			shift := sec(float64(i)/1000) - c.Started
			c.Started += shift
			c.Ended += shift
			c.Facts.First.Time += shift
			s.Add(c.Connection, true)
		}
		s.Relations(nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/connection")
}
