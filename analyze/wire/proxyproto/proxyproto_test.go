package proxyproto

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const sig = "\r\n\r\n\x00\r\nQUIT\n"

// v2 builds a header of version 2: version and command, family, and what its
// length covers.
func v2(command, family byte, rest ...string) string {
	all := strings.Join(rest, "")
	return sig + string([]byte{command, family, byte(len(all) >> 8), byte(len(all))}) + all
}

func tlv(t TLVType, value string) string {
	return string([]byte{byte(t), byte(len(value) >> 8), byte(len(value))}) + value
}

const (
	ipv4 = "\xcb\x00\x71\x07\xc6\x33\x64\x01\x12\x67\x01\xbb" // 203.0.113.7 198.51.100.1 4711 443
	ipv6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x12\x67\x01\xbb"
)

// checksummed sets the value of the CRC32C vector that stands last, computed
// bit by bit.
func checksummed(header string) string {
	b := append([]byte(header[:len(header)-4]), 0, 0, 0, 0)
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c)
		for range 8 {
			if sum&1 != 0 {
				sum = sum>>1 ^ 0x82f63b78
			} else {
				sum >>= 1
			}
		}
	}
	sum = ^sum
	return header[:len(header)-4] + string([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

var cases = []struct {
	name, text string
	status     Status
	want       string // see summary; the header's length is that of text, if not said
	length     int
}{
	{"nothing", "", More, "", 0},
	{"HTTP", "GET / HTTP/1.1\r\n", No, "", 0},
	{"a longer word", "PROXYING", No, "", 0},
	{"no CR LF", "\r\n\r\n\x01", No, "", 0},
	{"v1 IPv4", "PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n", OK, "v1 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443", 0},
	{"v1 IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", OK, "v1 TCP over IPv6 [2001:db8::1]:4711 [2001:db8::2]:443", 0},
	{"v1 longest", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", OK,
		"v1 TCP over IPv6 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 0},
	{"v1 unknown", "PROXY UNKNOWN\r\n", OK, "v1 unspecified", 0},
	{"v1 unknown with more", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", OK, "v1 unspecified", 0},
	{"v1 bare LF", "PROXY UNKNOWN\n", OK, "v1 unspecified bare-lf@13", 0},
	{"v1 spaces", "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", OK, "v1 TCP over IPv4 1.2.3.4:1 5.6.7.8:2 extra-spaces@0", 0},
	{"v1 leading zero", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", OK, "v1 TCP over IPv4 1.2.3.4:1 5.6.7.8:2 bad-port@6", 0},
	{"v1 over long", "PROXY UNKNOWN " + strings.Repeat("x", 100) + "\r\n", OK, "v1 unspecified line-too-long@107", 0},
	{"v1 without end", "PROXY UNKNOWN " + strings.Repeat("x", MaxV1), Bad, "v1 unspecified line-too-long@0", -1},
	{"v1 wrong family", "PROXY TCP4 2001:db8::1 5.6.7.8 1 2\r\n", Bad, "v1 TCP over IPv4 bad-address@6", 0},
	{"v1 name for address", "PROXY TCP4 app.test 5.6.7.8 1 2\r\n", Bad, "v1 TCP over IPv4 bad-address@6", 0},
	{"v1 wrong port", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", Bad, "v1 TCP over IPv4 bad-port@6", 0},
	{"v1 too few words", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", Bad, "v1 unspecified bad-line@0", 0},
	{"v1 UDP", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", Bad, "v1 unspecified bad-line@6", 0},
	{"v2 IPv4", v2(0x21, 0x11, ipv4), OK, "v2 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443", 0},
	{"v2 IPv6", v2(0x21, 0x21, ipv6), OK, "v2 TCP over IPv6 [2001:db8::1]:4711 [2001:db8::2]:443", 0},
	{"v2 UDP", v2(0x21, 0x12, ipv4), OK, "v2 UDP over IPv4 203.0.113.7:4711 198.51.100.1:443", 0},
	{"v2 UNIX", v2(0x21, 0x31, "/a"+strings.Repeat("\x00", 106), "/b"+strings.Repeat("\x00", 106)), OK, "v2 UNIX stream /a /b", 0},
	{"v2 LOCAL", v2(0x20, 0x00), OK, "v2 local unspecified", 0},
	{"v2 LOCAL with half an address", v2(0x20, 0x11, "\x00"), OK, "v2 local TCP over IPv4", 0},
	{"v2 UNSPEC with a vector", v2(0x21, 0x00, tlv(NoOp, "")), OK, "v2 unspecified NOOP=", 0},
	{"v2 vectors", v2(0x21, 0x11, ipv4, tlv(ALPN, "http/1.1"), tlv(Authority, "app.test"), tlv(UniqueID, "\x01\x02"), tlv(0xe5, "x")), OK,
		`v2 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443 ALPN=http/1.1 AUTHORITY=app.test UNIQUE_ID=` + "\x01\x02" + ` custom 0xe5=x`, 0},
	{"v2 vector cut short", v2(0x21, 0x11, ipv4, tlv(ALPN, "h2"), "\x02\x00\x09app"), OK,
		"v2 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443 ALPN=h2 tlv-cut-short@33", 0},
	{"v2 unknown family", v2(0x21, 0x41, ipv4), OK, "v2 family 0x41 unknown-family@13", 0},
	{"v2 unknown transport", v2(0x21, 0x13, ipv4), OK, "v2 family 0x13 203.0.113.7:4711 198.51.100.1:443 unknown-family@13", 0},
	{"v2 half an address", v2(0x21, 0x21, ipv4), Bad, "v2 TCP over IPv6 address-cut-short@16", 0},
	{"v2 unknown command", v2(0x22, 0x11, ipv4), Bad, "v2 TCP over IPv4 unknown-command@12", 0},
	{"v2 version 3", v2(0x31, 0x11, ipv4), Bad, "v2 unspecified bad-version@12", -1},
	{"v2 right checksum", checksummed(v2(0x21, 0x11, ipv4, tlv(CRC32C, "\x00\x00\x00\x00"))), OK,
		"v2 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443 CRC32C=*", 0},
	{"v2 wrong checksum", v2(0x21, 0x11, ipv4, tlv(CRC32C, "\x00\x00\x00\x00")), OK,
		"v2 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443 CRC32C=* checksum-wrong@28", 0},
	{"v2 short checksum", v2(0x21, 0x11, ipv4, tlv(CRC32C, "")), OK,
		"v2 TCP over IPv4 203.0.113.7:4711 198.51.100.1:443 CRC32C=* checksum-wrong@28", 0},
	{"v2 many vectors", v2(0x20, 0x00, strings.Repeat(tlv(NoOp, ""), maxTLVs+1)), OK,
		"v2 local unspecified" + strings.Repeat(" NOOP=", maxTLVs) + fmt.Sprintf(" tlv-cut-short@%d", 16+3*maxTLVs), 0},
}

// summary writes a header down on one line.
func summary(h Header) string {
	if h.Version == 0 {
		return ""
	}
	out := []string{fmt.Sprintf("v%d", h.Version)}
	if h.Local {
		out = append(out, "local")
	}
	out = append(out, h.Family.String())
	if h.Source.IsValid() {
		out = append(out, h.Source.String(), h.Destination.String())
	}
	if h.SourcePath != "" {
		out = append(out, h.SourcePath, h.DestinationPath)
	}
	for _, v := range h.TLVs {
		value := string(v.Value)
		if v.Type == CRC32C {
			value = "*"
		}
		out = append(out, v.Type.String()+"="+value)
	}
	for _, v := range h.Violations {
		out = append(out, fmt.Sprintf("%v@%d", v.Code, v.At))
	}
	return strings.Join(out, " ")
}

// TestParse also holds that fewer bytes give More, and that what follows
// changes nothing.
func TestParse(t *testing.T) {
	for _, c := range cases {
		want := c.length
		if want == 0 && c.status != No {
			want = len(c.text)
		}
		want = max(want, 0)
		h, n, status := Parse([]byte(c.text))
		if status != c.status || summary(h) != c.want || n != want {
			t.Errorf("%s: %v, length %d, %s\nwant %v, length %d, %s", c.name, status, n, summary(h), c.status, want, c.want)
		}
		for i := range n {
			if _, _, status := Parse([]byte(c.text[:i])); status != More {
				t.Errorf("%s: %v after %d bytes", c.name, status, i)
			}
		}
		if c.status != OK {
			continue
		}
		again, m, status := Parse([]byte(c.text + "GET / HTTP/1.1\r\n"))
		if m != n || status != OK || !reflect.DeepEqual(again, h) {
			t.Errorf("%s followed by a request: %v %d %s", c.name, status, m, summary(again))
		}
	}
}

func TestValues(t *testing.T) {
	inner := tlv(SSLVersion, "TLSv1.3") + tlv(SSLCommonName, "joe") + tlv(SSLCipher, "TLS_AES_128_GCM_SHA256")
	h, _, _ := Parse([]byte(v2(0x21, 0x11, ipv4, tlv(Authority, "app.test"), tlv(SSLInfo, "\x05\x00\x00\x00\x00"+inner))))
	if h.Text(Authority) != "app.test" || h.Text(ALPN) != "" {
		t.Errorf("authority %q, ALPN %q", h.Text(Authority), h.Text(ALPN))
	}
	ssl, ok := h.SSL()
	if !ok || !ssl.OverTLS || !ssl.ClientCert || !ssl.Verified || ssl.Version != "TLSv1.3" || ssl.CommonName != "joe" ||
		ssl.Cipher != "TLS_AES_128_GCM_SHA256" || len(ssl.TLVs) != 3 {
		t.Errorf("SSL %+v %v", ssl, ok)
	}
	h, _, _ = Parse([]byte(v2(0x21, 0x11, ipv4, tlv(SSLInfo, "\x01\x00\x00\x00"))))
	if _, ok := h.SSL(); ok {
		t.Error("an SSL vector of four bytes is read")
	}
	h, _, _ = Parse([]byte(v2(0x21, 0x11, ipv4, tlv(SSLInfo, "\x01\x00\x00\x00\x00"))))
	if ssl, _ := h.SSL(); ssl.ClientCert || ssl.Verified {
		t.Errorf("a certificate out of nothing: %+v", ssl)
	}
}

func TestNames(t *testing.T) {
	for i := range 256 {
		for _, s := range []fmt.Stringer{Status(i), Family(i), ViolationCode(i), TLVType(i)} {
			if s.String() == "" {
				t.Errorf("%T(%d) has no name", s, i)
			}
		}
	}
}

// FuzzParse: a verdict other than More stays when bytes follow, and lies
// within them.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.text), uint(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint) {
		h, n, status := Parse(b)
		if n > len(b) || n > MaxV2 || (status == OK && n == 0) {
			t.Fatalf("%v, length %d of %d", status, n, len(b))
		}
		h.SSL()
		front := b[:cut%uint(len(b)+1)]
		if early, m, was := Parse(front); was != More && (was != status || m != n || summary(early) != summary(h)) {
			t.Fatalf("%v %s, then %v %s", was, summary(early), status, summary(h))
		}
		if status == More && len(b) >= MaxV2 {
			t.Fatal("more bytes are wanted than a header can have")
		}
	})
}
