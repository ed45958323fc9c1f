package filter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

func compile(t testing.TB, expr string, link capture.LinkType, o Options) *Filter {
	t.Helper()
	if o.Resolver == nil {
		o.Resolver = testNames
	}
	f, err := Compile(t.Context(), expr, link, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ expr, same string }{
		{"host app.test", "host 10.0.0.1 or 2001:db8::1"},
		{"not host app.test", "not (host 10.0.0.1 or 2001:db8::1)"},
		{"ip host app.test", "ip host 10.0.0.1"},
		{"ip6 host app.test", "ip6 host 2001:db8::1"},
		{"src app.test", "src host 10.0.0.1 or 2001:db8::1"},
		{"host four.test", "host 10.0.0.2"},
		{`host \tcp`, "host 10.0.0.1"},
		{"tcp port https or 80", "tcp port 443 or 80"},
		{"port domain", "port 53"},
		{"net 10/8", "net 10.0.0.0/8"},
	} {
		frames, which := frames(sample.raw)
		got := compile(t, c.expr, capture.LinkRaw, Options{Exact: true})
		want := compile(t, c.same, capture.LinkRaw, Options{Exact: true})
		if strings.Trim(bitmap(frames, want.Match), "0") == "" {
			t.Errorf("%s matches nothing", c.same)
		}
		differ(t, c.expr, bitmap(frames, want.Match), bitmap(frames, got.Match), which)
		m := vm(t, got.Raw())
		differ(t, c.expr+": program", bitmap(frames, want.Match), bitmap(frames, func(b []byte) bool { return run(t, m, b) }), which)
	}
}

// A tag in front changes nothing.
func TestVLANTags(t *testing.T) {
	for _, tags := range [][]uint16{{0x8100}, {0x88a8, 0x8100}, {0x9100}} {
		for _, expr := range expressions(t) {
			f := compile(t, expr, capture.LinkEthernet, Options{})
			m := vm(t, f.Raw())
			for _, s := range corpus() {
				want := f.Match(s.ethernet())
				tagged := s.ethernet(tags...)
				if f.Match(tagged) != want {
					t.Fatalf("%s: %s behind %x: %v", expr, s.name, tags, !want)
				}
				if run(t, m, tagged) != run(t, m, s.ethernet()) {
					t.Fatalf("%s: %s behind %x: the program takes it for another packet", expr, s.name, tags)
				}
			}
		}
	}
	if f := compile(t, "ip", capture.LinkEthernet, Options{}); f.Match(corpus()[0].ethernet(0x8100, 0x8100, 0x8100)) {
		t.Error("a third tag is looked through")
	}
}

// What a filter without Exact adds: fragments whose ports are not there.
func TestLaterFragments(t *testing.T) {
	app := [2]string{"10.0.0.1", "10.0.0.2"}
	six := [2]string{"2001:db8::1", "2001:db8::2"}
	ports := transport([2]uint16{80, 40000})
	later4 := ip4(protocolTCP, app, 0x2010, 0, ports)
	first4 := ip4(protocolTCP, app, 0x2000, 0, ports)
	later6 := ip6(protocolFragment, six, fragment6(protocolTCP, 0x80, ports))
	first6 := ip6(protocolFragment, six, fragment6(protocolTCP, 1, ports))
	for _, c := range []struct {
		expr   string
		packet []byte
		want   bool
	}{
		{"tcp port 443", later4, true},
		{"tcp port 443", first4, false},
		{"tcp port 80", first4, true},
		{"udp port 443", later4, false},
		{"not tcp port 443", later4, true},
		{"not tcp port 80", later4, true},
		{"not tcp port 80", first4, false},
		{"not tcp", later4, false},
		{"host 10.0.0.1 and port 443", later4, true},
		{"host 10.0.0.9 and port 443", later4, false},
		{"host 10.0.0.9 or portrange 1-2", later4, true},
		{"not host 10.0.0.1 and port 443", later4, false},
		{"port 443", later6, true},
		{"udp port 443", later6, false},
		{"port 80", first6, true},
		{"port 443", first6, false},
		{"not port 80", first6, false},
	} {
		f := compile(t, c.expr, capture.LinkRaw, Options{})
		if got := f.Match(c.packet); got != c.want {
			t.Errorf("%s: Match %v", c.expr, got)
		}
		if got := run(t, vm(t, f.Raw()), c.packet); got != c.want {
			t.Errorf("%s: program %v", c.expr, got)
		}
	}
}

func icmp4(kind byte, quoted []byte) []byte {
	return ip4(protocolICMP, [2]string{"10.9.9.9", "10.0.0.1"}, 0, 0, append([]byte{kind, 1, 0, 0, 0, 0, 0, 0}, quoted...))
}

func icmp6(kind byte, quoted []byte) []byte {
	return ip6(protocolICMPv6, [2]string{"2001:db8::9", "2001:db8::1"}, append([]byte{kind, 1, 0, 0, 0, 0, 0, 0}, quoted...))
}

// ICMP errors: the program takes all, Match those that quote what is wanted.
func TestICMPErrors(t *testing.T) {
	app := [2]string{"10.0.0.1", "10.0.0.2"}
	ports := transport([2]uint16{40000, 80})[:8]
	four := ip4(protocolTCP, app, 0, 0, ports)
	six := ip6(protocolTCP, [2]string{"2001:db8::1", "2001:db8::2"}, ports)
	for _, c := range []struct {
		expr           string
		packet         []byte
		program, match bool
	}{
		{"tcp port 80", icmp4(3, four), true, true},
		{"tcp port 80", icmp4(11, four), true, true},
		{"tcp port 80", icmp4(8, four), false, false},
		{"tcp port 443", icmp4(3, four), true, false},
		{"tcp port 80 and host 10.0.0.2", icmp4(3, four), true, true},
		{"tcp port 80 and host 10.9.9.9", icmp4(3, four), true, false},
		{"tcp port 443", icmp4(3, ip4(protocolTCP, app, 0x10, 0, nil)), true, true},
		{"udp port 443", icmp4(3, ip4(protocolTCP, app, 0x10, 0, nil)), true, false},
		{"tcp port 80", icmp4(3, four[:12]), true, false},
		{"tcp port 80", icmp4(3, nil), true, false},
		{"tcp port 80", icmp6(1, six), true, true},
		{"tcp port 80", icmp6(2, six), true, true},
		{"tcp port 80", icmp6(128, six), false, false},
		{"host 2001:db8::2 and tcp", icmp6(3, six), true, true},
		{"host 2001:db8::3 and tcp", icmp6(3, six), true, false},
		{"tcp or icmp", icmp4(3, four), true, true},
		{"tcp port 80 and not icmp", icmp4(3, four), false, false},
		{"not icmp6", icmp6(1, six), false, false},
	} {
		for _, l := range []struct {
			link capture.LinkType
			b    []byte
		}{
			{capture.LinkRaw, c.packet},
			{capture.LinkEthernet, sample{ethertype: ethertypeOf(c.packet), body: c.packet}.ethernet()},
		} {
			f := compile(t, c.expr, l.link, Options{})
			if got := run(t, vm(t, f.Raw()), l.b); got != c.program {
				t.Errorf("%s, %v, ICMP type %d: program %v", c.expr, l.link, c.packet[20], got)
			}
			if got := f.Match(l.b); got != c.match {
				t.Errorf("%s, %v, ICMP type %d: Match %v", c.expr, l.link, c.packet[20], got)
			}
		}
	}
	if f := compile(t, "tcp port 80", capture.LinkRaw, Options{Exact: true}); run(t, vm(t, f.Raw()), icmp4(3, four)) || f.Match(icmp4(3, four)) {
		t.Error("an exact filter takes an ICMP error")
	}
}

func ethertypeOf(b []byte) uint16 {
	if b[0]>>4 == 4 {
		return etherIPv4
	}
	return etherIPv6
}

// However short a packet is cut, the program and Match agree, but for ICMP
// errors.
func TestCutPackets(t *testing.T) {
	for _, l := range links {
		for _, expr := range []string{"not tcp port 80", "host 10.0.0.1 or port 80", "not ip6", "tcp and not host ::1", "not net 10/8"} {
			f := compile(t, expr, l.link, Options{})
			m := vm(t, f.Raw())
			frames, which := frames(l.of)
			for i := 0; i < len(frames); i += 7 {
				for n := range len(frames[i]) {
					b := frames[i][:n]
					h := readLink(l.link, b, true)
					if got, want := run(t, m, b), f.Match(b) || h.icmpError(); got != want && !h.icmpError() {
						t.Fatalf("%s: %s, cut to %d bytes: program %v, Match %v", expr, which[i].name, n, got, want)
					}
				}
			}
		}
	}
}

// A program with jumps further than a conditional jump reaches works.
func TestLongExpressions(t *testing.T) {
	expr := "tcp and (host 10.0.0.1"
	for i := range 90 {
		expr += fmt.Sprintf(" or 10.5.0.%d", i)
	}
	expr += ") and not (port 40000 or port 41000"
	for i := range 60 {
		expr += fmt.Sprintf(" or portrange %d-%d", 50000+2*i, 50001+2*i)
	}
	expr += ")"
	for _, l := range links {
		f := compile(t, expr, l.link, Options{Exact: true})
		if len(f.Raw()) < 600 {
			t.Fatalf("%d instructions are not long", len(f.Raw()))
		}
		short := compile(t, "tcp and host 10.0.0.1 and not port 40000", l.link, Options{Exact: true})
		frames, which := frames(l.of)
		m := vm(t, f.Raw())
		want := bitmap(frames, short.Match)
		differ(t, l.name+": program", want, bitmap(frames, func(b []byte) bool { return run(t, m, b) }), which)
		differ(t, l.name+": Match", want, bitmap(frames, f.Match), which)
	}
	long := "port 1" + strings.Repeat(" or 2", 2000)
	if _, err := Compile(t.Context(), long, capture.LinkRaw, Options{}); err == nil || !strings.Contains(err.Error(), "4096") {
		t.Errorf("an expression that no kernel takes: %v", err)
	}
}

func TestEmptyMatchesEverything(t *testing.T) {
	for _, l := range links {
		f := compile(t, " \t", l.link, Options{})
		m := vm(t, f.Raw())
		for _, b := range [][]byte{nil, {0}, corpus()[0].ethernet()} {
			if !f.Match(b) || !run(t, m, append([]byte{}, b...)) {
				t.Errorf("%s: % x does not match", l.name, b)
			}
		}
	}
}

func TestUnsupportedLinks(t *testing.T) {
	e, err := Parse(t.Context(), "tcp", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Filter(capture.Link80211); err == nil || !strings.Contains(err.Error(), "ieee-802.11") {
		t.Errorf("a filter for wireless packets: %v", err)
	}
	if !e.Match(capture.Link80211, make([]byte, 60)) {
		t.Error("a packet that filters cannot read is lost")
	}
}

func TestErrorsPointAtTheWord(t *testing.T) {
	for _, c := range []struct{ expr, word, text string }{
		{"tcp prot 80", "prot", "expected and, or, src"},
		{"foo", "foo", "expected one of host"},
		{"TCP port 80", "TCP", "lower case: tcp"},
		{"tcp AND udp", "AND", "expected and, or, src"},
		{"tcp and OR", "OR", "lower case: or"},
		{"10.0.0.1", "10.0.0.1", "host 10.0.0.1"},
		{"tcp and 10.0.0.0/8", "10.0.0.0/8", "net 10.0.0.0/8"},
		{"tcp or 443", "443", "port 443"},
		{"(tcp port 80) or 443", "443", "port 443"},
		{"tcp 80", "80", "tcp port 80"},
		{"port", "", "expected a port"},
		{"port and", "and", "expected a port"},
		{"port tcp", "tcp", "expected a port"},
		{"port 65536", "65536", "end at 65535"},
		{"port 99999999999999999999", "99999999999999999999", "end at 65535"},
		{"port 080", "080", "without the 0"},
		{"port 80x", "80x", "from 0 to 65535"},
		{"port 80-90", "80-90", "portrange 80-90"},
		{"port nosuch", "nosuch", "no service has this name"},
		{"udp port https", "https", "no service has this name"},
		{"portrange 80-", "80-", "from 0 to 65535"},
		{"portrange a-b", "a-b", "from 0 to 65535"},
		{"portrange 1-70000", "1-70000", "end at 65535"},
		{"host", "", "expected an address"},
		{"host 10.1", "10.1", "net 10.1"},
		{"host 10.0.0.0/8", "10.0.0.0/8", "net 10.0.0.0/8"},
		{"host 10.0.0.256", "10.0.0.256", "not a whole address"},
		{"host fe80::1%eth0", "%", "means nothing"},
		{"host 1:2:3", "1:2:3", "not an address"},
		{"host nosuch.test", "nosuch.test", "no address"},
		{"ip6 host four.test", "four.test", "not an address of ip6"},
		{"ip host ::1", "::1", "not an address of ip"},
		{"ip6 net 10.0.0.0/8", "10.0.0.0/8", "not an address of ip6"},
		{"net 10.0.0.1/8", "10.0.0.1/8", "net 10.0.0.0/8"},
		{"net 2001:db8::1/32", "2001:db8::1/32", "net 2001:db8::/32"},
		{"net 10.0.0.0/33", "10.0.0.0/33", "0 to 32"},
		{"net 10.0.0.0/", "10.0.0.0/", "0 to 32"},
		{"net ::/129", "::/129", "expected a network"},
		{"net app.test", "app.test", "expected a network"},
		{"net 1.2.3.4.5", "1.2.3.4.5", "expected a network"},
		{"net 10 mask 255.0.0.300", "255.0.0.300", "expected a mask"},
		{"net 10 mask", "", "expected a mask"},
		{"net 10.1 mask 255.0.0.0", "10.1", "outside of the mask"},
		{"net ::1 mask 255.0.0.0", "::1", "IPv4 network"},
		{"tcp host 10.0.0.1", "tcp", "tcp and host"},
		{"icmp src 10.0.0.1", "icmp", "icmp and host"},
		{"ip port 80", "ip", "ip and port"},
		{"icmp port 80", "icmp", "no ports"},
		{"src", "", "expected an address"},
		{"src or dst", "", "expected an address"},
		{"src or host 10.0.0.1", "or", "expected an address"},
		{"src port", "", "expected a port"},
		{"tcp[13] & 2 != 0", "[", "not supported"},
		{"tcp and len", "len", "not supported"},
		{"host app.test or TCP", "TCP", "lower case"},
		{"ether host 1", "ether", "not supported"},
		{"tcp and vlan 5", "vlan", "not supported"},
		{"host gateway", "gateway", "expected an address"},
		{"tcp = 5", "=", "comparisons"},
		{"tcp & udp", "&", "&&"},
		{"tcp and", "", "expected more"},
		{"and tcp", "and", "expected one of"},
		{"not", "", "expected more"},
		{"(tcp", "(", "not closed"},
		{"tcp)", ")", "no parenthesis is open"},
		{"()", ")", "expected one of"},
		{"tcp udp", "udp", "expected and, or, src"},
		{"tcp (udp)", "(", "expected and, or, or the end"},
		{"host é", "é", "no address"},
		{strings.Repeat("(", 200), "(", "too many parentheses"},
	} {
		_, err := Parse(t.Context(), c.expr, Options{Resolver: testNames})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if word := c.expr[e.Offset : e.Offset+e.Length]; word != c.word || !strings.Contains(e.Text, c.text) {
			t.Errorf("%q: at %q: %s", c.expr, word, e.Text)
		}
		if c.word == "" && e.Offset != len(c.expr) {
			t.Errorf("%q: at %d, not at the end", c.expr, e.Offset)
		}
		if !strings.Contains(err.Error(), e.Text) {
			t.Errorf("%q: %v", c.expr, err)
		}
	}
}

func TestPointer(t *testing.T) {
	_, err := Parse(t.Context(), "host é.test or tcp prot 80", Options{Resolver: names{"é.test": {"10.0.0.1"}}})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	const want = "host é.test or tcp prot 80\n                   ^^^^"
	if got := e.Pointer(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	const text = `filter "host é.test or tcp prot 80", at "prot" (character 20): `
	if !strings.HasPrefix(err.Error(), text) {
		t.Errorf("got %s", err)
	}
}

// The resolver's error is the cause; an ended context is no fault of a word.
func TestResolverErrors(t *testing.T) {
	_, err := Parse(t.Context(), "host nosuch.test", Options{Resolver: testNames})
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%v does not wrap the resolver's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, expr := range []string{"host nosuch.test", "port nosuch"} {
		if _, err = Parse(ctx, expr, Options{Resolver: testNames}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	f := compile(t, "tcp port 80 and (host 10.0.0.1 or net 2001:db8::/32)", capture.LinkEthernet, Options{})
	frames, _ := frames(sample.raw)
	frames = append(frames, icmp4(3, frames[0]))
	if n := testing.AllocsPerRun(10, func() {
		for _, b := range frames {
			f.Match(b)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	f := compile(b, "tcp port 8080 and host 10.0.0.1", capture.LinkEthernet, Options{})
	packet := sample{ethertype: etherIPv4, body: ip4(protocolTCP, [2]string{"10.0.0.1", "10.0.0.2"}, 0, 0, transport([2]uint16{8080, 4000}))}.ethernet()
	b.ReportAllocs()
	for b.Loop() {
		if !f.Match(packet) {
			b.Fatal("does not match")
		}
	}
}

// No text makes the parser fail otherwise than with an *Error, and programs
// agree with Match on any bytes.
func FuzzParse(f *testing.F) {
	for _, expr := range expressions(f) {
		f.Add(expr, corpus()[0].ethernet())
	}
	f.Add("tcp port 80 and", []byte{})
	f.Add("((((", []byte{1})
	f.Fuzz(func(t *testing.T, expr string, packet []byte) {
		e, err := Parse(t.Context(), expr, Options{Resolver: testNames})
		var bad *Error
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%T: %v", err, err)
		}
		if err != nil {
			_, _ = bad.Error(), bad.Pointer()
			return
		}
		for _, l := range links {
			filter, err := e.Filter(l.link)
			if err != nil {
				continue // too long
			}
			h := readLink(l.link, packet, true)
			program := len(packet) > 0 && run(t, vm(t, filter.Raw()), packet)
			if match := len(packet) > 0 && filter.Match(packet); program != match && !h.icmpError() {
				t.Errorf("%s: program %v, Match %v", l.name, program, match)
			}
		}
	})
}
