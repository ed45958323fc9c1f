package correlate

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

var (
	asker    = netip.MustParseAddr("10.0.0.1")
	resolver = netip.MustParseAddr("10.0.0.53")
	address  = netip.MustParseAddr("10.0.1.1")
)

func when(s float64) record.Ref { return record.Ref{Packet: int64(s*10) + 1, Time: sec(s)} }

func TestNamesAtATime(t *testing.T) {
	var n Names
	n.Add(address, "old.test", when(1))
	n.Add(address, "new.test", when(5))
	for _, c := range []struct {
		at         float64
		host, want string
	}{{0, "", ""}, {2, "", "old.test"}, {6, "", "new.test"}, {6, "old.test", "old.test"}, {6, "other.test", "new.test"}} {
		got, ok := n.Of(address, sec(c.at), func() string { return c.host })
		if !ok {
			got.Name = ""
		}
		if got.Name != c.want {
			t.Errorf("at %v for host %q: %q, want %q", c.at, c.host, got.Name, c.want)
		}
	}
	for i := range 100 {
		n.Add(address, "n"+itoa(i), when(10))
	}
	if len(n.byAddr[address]) != maxNames {
		t.Errorf("%d names of one address", len(n.byAddr[address]))
	}
}

func TestLookUps(t *testing.T) {
	ask := func(n *Names, s float64, name string) { n.Query(asker, resolver, name, true, when(s)) }
	fail := func(n *Names, s float64, name, code string) {
		n.Answer(asker, resolver, name, false, code, when(s))
	}
	for _, c := range []struct {
		name string
		do   func(n *Names)
		want string
	}{
		{"no such name, then nothing", func(n *Names) { ask(n, 1, "app.test"); fail(n, 1.1, "app.test", "NXDOMAIN") }, "app.test NXDOMAIN"},
		{"then a connection", func(n *Names) {
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "NXDOMAIN")
			n.Connects(asker, sec(1.2))
		}, ""},
		{"another client connects", func(n *Names) {
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "NXDOMAIN")
			n.Connects(resolver, sec(1.2))
		}, "app.test NXDOMAIN"},
		{"needed by a connection", func(n *Names) {
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "SERVFAIL")
			n.Connects(asker, sec(1.2))
			n.Need("app.test", "7", sec(2))
		}, "app.test SERVFAIL 7"},
		{"asked again with success", func(n *Names) {
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "SERVFAIL")
			n.Answer(asker, resolver, "app.test", true, "", when(2))
		}, ""},
		{"never answered", func(n *Names) { ask(n, 1, "app.test"); ask(n, 6, "app.test") }, "app.test no answer"},
		{"asked once at the end of the capture", func(n *Names) { ask(n, 1, "app.test") }, ""},
		{"nothing listens", func(n *Names) { ask(n, 1, "app.test"); n.Unreached(asker, resolver, when(1.1)) }, "app.test no answer"},
		{"without an address", func(n *Names) { ask(n, 1, "app.test"); fail(n, 1.1, "app.test", "") }, ""},
		{"without an address of either kind", func(n *Names) {
			ask(n, 1, "app.test")
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "")
			fail(n, 1.1, "app.test", "")
		}, "app.test no address"},
		{"without one of a kind, the other unanswered", func(n *Names) {
			ask(n, 1, "app.test")
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "")
		}, ""},
		{"without an address, and needed", func(n *Names) { ask(n, 1, "app.test"); fail(n, 1.1, "app.test", ""); n.Need("app.test", "7", sec(2)) }, "app.test no address 7"},
		{"what systems ask for", func(n *Names) {
			for _, name := range []string{"wpad.corp.test", "host", "_ldap._tcp.corp.test", "1.0.0.10.in-addr.arpa", "printer.local"} {
				ask(n, 1, name)
				fail(n, 1.1, name, "NXDOMAIN")
			}
		}, ""},
		{"the search list", func(n *Names) {
			for _, name := range []string{"app.test.corp.example", "app.test"} {
				ask(n, 1, name)
				fail(n, 1.1, name, "NXDOMAIN")
			}
		}, "app.test NXDOMAIN"},
		{"a browser's own business", func(n *Names) {
			ask(n, 1, "accounts.maker.example")
			fail(n, 1.1, "accounts.maker.example", "NXDOMAIN")
			n.Spoke(asker, "app.test")
		}, ""},
		{"a browser's own business behind a proxy", func(n *Names) {
			for _, name := range []string{"accounts.maker.example", "ws.app.test"} {
				ask(n, 1, name)
				fail(n, 1.1, name, "NXDOMAIN")
			}
			n.Spoke(resolver, "www.app.test")
		}, "ws.app.test NXDOMAIN"},
		{"another host of the same domain", func(n *Names) {
			for _, name := range []string{"ws.eu.app.test", "wss.test"} {
				ask(n, 1, name)
				fail(n, 1.1, name, "NXDOMAIN")
			}
			n.Spoke(asker, "www.app.test")
		}, "wss.test NXDOMAIN; ws.eu.app.test NXDOMAIN"},
		{"the client reached an address without a name", func(n *Names) {
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "NXDOMAIN")
			n.Spoke(asker, "10.0.0.5")
		}, "app.test NXDOMAIN"},
		{"too many", func(n *Names) {
			for i := range 2 * maxUnresolved {
				ask(n, 1, "n"+itoa(i)+".test")
				fail(n, 1.1, "n"+itoa(i)+".test", "NXDOMAIN")
			}
		}, ""},
		{"the capture has no connections", func(n *Names) {
			n.Answer(asker, resolver, "works.test", true, "", when(0))
			ask(n, 1, "app.test")
			fail(n, 1.1, "app.test", "NXDOMAIN")
		}, ""},
	} {
		var n Names
		c.do(&n)
		var got []string
		for _, r := range n.Relations(nil) {
			got = append(got, strings.TrimSpace(r.LookUp.Name+" "+r.LookUp.Code+" "+strings.Join(r.Connections, ",")))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

func TestLookUpsAreBounded(t *testing.T) {
	var n Names
	for i := range 2 * maxLookUps {
		n.Query(netip.AddrFrom4([4]byte{10, byte(i >> 12), byte(i >> 6), 1}), resolver, "n"+itoa(i)+".test", true, when(1))
	}
	kept := 0
	for _, who := range n.inquirers {
		kept += len(who.lookups)
	}
	if kept > maxLookUps || kept < 100 || kept != n.lookups {
		t.Errorf("%d look-ups are remembered, %d counted", kept, n.lookups)
	}
	for i := range 2 * maxLookUps {
		client := netip.AddrFrom4([4]byte{10, byte(i >> 12), byte(i >> 6), 1})
		n.Answer(client, resolver, "n"+itoa(i)+".test", true, "", when(2))
		n.Answer(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), resolver, "app.test", true, "", when(2))
	}
	if n.lookups != 0 || len(n.inquirers) > maxLookUps {
		t.Errorf("%d look-ups and %d clients are remembered", n.lookups, len(n.inquirers))
	}
}
