package evidence

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

// The key and addresses of the sample that comes with the authors' Crypto-PAn.
var sampleKey = [32]byte{21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
	216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2}

func TestCryptoPAn(t *testing.T) {
	a := newCryptoPAn(sampleKey)
	for from, want := range map[string]string{
		"128.11.68.132": "135.242.180.132", "129.118.74.4": "134.136.186.123", "130.132.252.244": "133.68.164.234",
		"141.223.7.43": "141.167.8.160", "141.233.145.108": "141.129.237.235", "24.5.0.80": "100.9.15.210", "38.15.67.68": "64.3.66.187",
	} {
		if got := a.Addr(netip.MustParseAddr(from)).String(); got != want {
			t.Errorf("%s becomes %s, want %s", from, got, want)
		}
	}
}

// Two addresses share a prefix before exactly as long as after.
func TestPrefixesArePreserved(t *testing.T) {
	a := NewAnonymizer([]byte("a secret of some length"))
	common := func(x, y netip.Addr) int {
		p, q := x.AsSlice(), y.AsSlice()
		for i := range len(p) * 8 {
			if (p[i/8]^q[i/8])>>(7-i%8)&1 != 0 {
				return i
			}
		}
		return len(p) * 8
	}
	for _, family := range [][]string{
		{"10.77.1.2", "10.77.1.3", "10.77.9.2", "10.78.0.1", "192.0.2.1", "127.0.0.1", "224.0.0.1"},
		{"2001:db8::1", "2001:db8::2", "2001:db8:1::1", "fe80::1", "2001:dead::1"},
	} {
		for _, x := range family {
			for _, y := range family {
				x, y := netip.MustParseAddr(x), netip.MustParseAddr(y)
				if before, after := common(x, y), common(a.Addr(x), a.Addr(y)); before != after {
					t.Errorf("%s and %s share %d bits, afterwards %d", x, y, before, after)
				}
			}
		}
	}
	if NewAnonymizer([]byte("another")).Addr(netip.MustParseAddr("10.77.1.2")) == a.Addr(netip.MustParseAddr("10.77.1.2")) {
		t.Error("the secret changes nothing")
	}
}

func TestNames(t *testing.T) {
	a := NewAnonymizer([]byte("a secret of some length"))
	for _, name := range []string{"app.test", "a", "a-b.example.com", "localhost", "xn--bcher-kva.example", strings.Repeat("label.", 40) + "test"} {
		token := a.Name(name)
		if len(token) != len(name) || token == name || a.Name(strings.ToUpper(name)) != token {
			t.Errorf("%s becomes %s", name, token)
		}
		for i := range name {
			if (name[i] == '.') != (token[i] == '.') {
				t.Errorf("%s becomes %s", name, token)
			}
		}
	}
}

// What was right stays right: checksums of IP and TCP, names of any case, addresses in text.
func TestRewrite(t *testing.T) {
	a := NewAnonymizer([]byte("a secret of some length"))
	for _, payload := range []string{"", "GET / HTTP/1.1\r\nHost: App.Test\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n", "xapp.testx", "\xff\xfeapp.test\xff\u0130", strings.Repeat("app.test 10.0.0.1 ", 20)} {
		p := segment(0, 1, 24, payload)
		if !a.Rewrite(p, []string{"app.test"}) {
			t.Fatal("not rewritten")
		}
		text := string(p.Data[40:])
		if len(text) != len(payload) || strings.Contains(strings.ToLower(text), "app.test") || strings.Contains(text, "203.0.113.7") || strings.Contains(text, "10.0.0.1 ") {
			t.Errorf("%q", text)
		}
		if internetSum(p.Data[:20]) != 0 || tcpSum(p.Data) != 0 {
			t.Errorf("%q: the checksums are wrong", payload)
		}
		if src, _ := netip.AddrFromSlice(p.Data[12:16]); src != a.Addr(netip.MustParseAddr("192.0.2.1")) {
			t.Errorf("from %s", src)
		}
	}
}

// Addresses in PROXY headers and in SOCKS are mapped, too.
func TestRewriteBinary(t *testing.T) {
	a := NewAnonymizer([]byte("a secret of some length"))
	for name, payload := range map[string]string{
		"PROXY": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x01\x02\x03\x04\x00\x50\x00\x51GET /", "SOCKS5": "\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50",
		"reply": "\x05\x00\x00\x01\x01\x02\x03\x04\x00\x50", "SOCKS4": "\x04\x01\x00\x50\x01\x02\x03\x04user\x00", "reply 4": "\x00\x5a\x00\x50\x01\x02\x03\x04",
	} {
		p := segment(0, 1, 24, payload)
		mapped := a.Addr(netip.MustParseAddr("1.2.3.4")).AsSlice()
		if !a.Rewrite(p, nil) || strings.Contains(string(p.Data[40:]), "\x01\x02\x03\x04") || !strings.Contains(string(p.Data[40:]), string(mapped)) || tcpSum(p.Data) != 0 {
			t.Errorf("%s: %q", name, p.Data[40:])
		}
	}
}

// Packets of which not all is understood must not get out.
func TestRewriteRefuses(t *testing.T) {
	a := NewAnonymizer([]byte("a secret of some length"))
	whole := segment(0, 1, 24, "hello")
	for name, p := range map[string]*capture.Packet{
		"link type": {LinkType: capture.Link80211, Data: whole.Data}, "empty": {LinkType: capture.LinkEthernet}, "arp": {LinkType: capture.LinkEthernet, Data: append(make([]byte, 12), 8, 6, 0, 1)},
		"short": {LinkType: capture.LinkRaw, Data: whole.Data[:19]}, "gre": {LinkType: capture.LinkRaw, Data: append(append([]byte{}, whole.Data[:9]...), append([]byte{47}, whole.Data[10:]...)...)},
	} {
		if a.Rewrite(p, nil) {
			t.Errorf("%s is let through", name)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(segment(0, 1, 24, "Host: app.test\r\n").Data, uint32(capture.LinkRaw))
	f.Add(append(make([]byte, 12), 0x81, 0, 0, 5, 8, 0, 0x45), uint32(capture.LinkEthernet))
	f.Fuzz(func(t *testing.T, data []byte, kind uint32) {
		p := &capture.Packet{Data: data, Length: len(data), LinkType: capture.LinkType(kind)}
		NewAnonymizer([]byte("a secret of some length")).Rewrite(p, []string{"app.test"})
		if len(p.Data) > len(data) {
			t.Fatal("the packet grew")
		}
	})
}

func TestWhole(t *testing.T) {
	for _, ends := range [][2]string{{"192.0.2.1", "198.51.100.7"}, {"2001:db8::1", "2001:db8::2"}} {
		src, dst := netip.MustParseAddr(ends[0]), netip.MustParseAddr(ends[1])
		var p capture.Packet
		at := Whole(&p, src, dst, 6, []byte("payload"))
		if string(p.Data[at:]) != "payload" || p.LinkType != capture.LinkRaw || src.Is4() && internetSum(p.Data[:20]) != 0 {
			t.Errorf("%x", p.Data)
		}
	}
}
