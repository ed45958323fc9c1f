package tls

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func body(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestClientHello(t *testing.T) {
	h, err := ParseClientHello(body(t, "chromium.client_hello"))
	if err != nil {
		t.Fatal(err)
	}
	if h.ServerName != "app.test" || !slices.Equal(h.ALPN, []string{"http/1.1"}) || h.MaxVersion() != TLS13 || h.LegacyVersion != TLS12 {
		t.Errorf("SNI %q, ALPN %q, version %s", h.ServerName, h.ALPN, h.MaxVersion())
	}
	if !slices.Contains(h.CipherSuites, 0x1301) || h.CipherSuites[0].String() != "GREASE" || h.SupportedVersions[0].Number() != "GREASE" || h.Groups[0].String() != "GREASE" {
		t.Errorf("suites %v, versions %v, groups %v", h.CipherSuites, h.SupportedVersions, h.Groups)
	}
	if !h.ExtendedMasterSecret || !h.Has(ExtKeyShare) || h.Has(ExtEarlyData) || len(h.KeyShares) == 0 || len(h.SignatureSchemes) == 0 || len(h.Bad) > 0 || h.Truncated {
		t.Errorf("%+v", h)
	}
	f, err := ParseClientHello(body(t, "firefox.client_hello"))
	if err != nil || f.ServerName != "app.test" || !slices.Contains(f.Groups, 29) || len(f.Extensions) < 10 {
		t.Errorf("%v %+v", err, f)
	}
}

func TestServerHello(t *testing.T) {
	h, err := ParseServerHello(body(t, "tls13.server_hello"))
	if err != nil || h.Version != TLS13 || h.LegacyVersion != TLS12 || h.HelloRetry || h.KeyShare == 0 {
		t.Errorf("%v %+v", err, h)
	}
	h, err = ParseServerHello(body(t, "tls12.server_hello"))
	if err != nil || h.Version != TLS12 || !h.ExtendedMasterSecret || h.CipherSuite.String() != "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" {
		t.Errorf("%v %+v", err, h)
	}
	retry := append([]byte{3, 3}, helloRetryRandom[:]...)
	retry = append(retry, 0, 0x13, 1, 0, 0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 24)
	h, err = ParseServerHello(retry)
	if err != nil || !h.HelloRetry || h.KeyShare.String() != "secp384r1" || h.Version != TLS13 {
		t.Errorf("%v %+v", err, h)
	}
	copy(retry[2:], strings.Repeat("x", 24)+"DOWNGRD\x01")
	if h, err = ParseServerHello(retry); err != nil || !h.Downgrade || h.HelloRetry {
		t.Errorf("%v %+v", err, h)
	}
}

func TestCertificates(t *testing.T) {
	b := body(t, "tls12.certificate")
	chain, err := ParseCertificates(TLS12, b)
	if err != nil || chain.Count != 2 || !chain.InOrder || chain.Bad != 0 {
		t.Fatalf("%v %+v", err, chain)
	}
	leaf := chain.Certificates[0]
	if leaf.CommonName != "app.test" || leaf.Key != "RSA 2048" || leaf.SelfSigned || leaf.CA || leaf.IssuerCommonName != chain.Certificates[1].CommonName ||
		!leaf.NotAfter.After(leaf.NotBefore) || !leaf.CoversHost("app.test") || leaf.CoversHost("example.org") || leaf.Serial == "" {
		t.Errorf("%+v", leaf)
	}
	// The same certificates in the form of TLS 1.3, in the wrong order.
	first, second := b[3:], []byte(nil)
	n := 3 + (int(first[0])<<16 | int(first[1])<<8 | int(first[2]))
	first, second = first[:n], first[n:]
	list := slices.Concat(second, []byte{0, 0}, first, []byte{0, 4, 0, 5, 0, 0})
	reversed := append([]byte{0, byte(len(list) >> 16), byte(len(list) >> 8), byte(len(list))}, list...)
	chain, err = ParseCertificates(TLS13, reversed)
	if err != nil || chain.Count != 2 || chain.InOrder || chain.Certificates[1].SHA256 != leaf.SHA256 {
		t.Errorf("%v %+v", err, chain)
	}
	if chain, err = ParseCertificates(TLS13, []byte{0, 0, 0, 0}); err != nil || chain.Count != 0 {
		t.Errorf("empty: %v %+v", err, chain)
	}
	many := bytes.Repeat([]byte{0, 0, 1, 0x30}, MaxCertificates+4)
	chain, err = ParseCertificates(TLS12, append([]byte{0, 0, byte(len(many))}, many...))
	if err != nil || chain.Count != MaxCertificates+4 || len(chain.Certificates) != MaxCertificates || chain.Bad != MaxCertificates || chain.InOrder {
		t.Errorf("many: %v %+v", err, chain)
	}
}

func TestOtherMessages(t *testing.T) {
	ee, err := ParseEncryptedExtensions([]byte{0, 15, 0, 16, 0, 5, 0, 3, 2, 'h', '2', 0, 42, 0, 0, 0, 0})
	if err != nil || ee.ALPN != "h2" || !ee.EarlyData || !ee.Truncated {
		t.Errorf("%v %+v", err, ee)
	}
	if ticket, err := ParseNewSessionTicket([]byte{0, 0, 1, 0, 0, 2, 7, 8}); err != nil || !bytes.Equal(ticket, []byte{7, 8}) {
		t.Errorf("%v %x", err, ticket)
	}
	if asked, err := ParseKeyUpdate([]byte{1}); !asked || err != nil {
		t.Error(asked, err)
	}
	if _, err := ParseKeyUpdate([]byte{2}); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

var sslv2Hello = slices.Concat([]byte{0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 7, 0, 0xc0}, bytes.Repeat([]byte{5}, 16))

func TestSSLv2(t *testing.T) {
	for _, size := range pieces {
		p := &RecordParser{AllowSSLv2: true}
		var got Record
		for rest := sslv2Hello; len(rest) > 0; {
			n := min(size, len(rest))
			if _, ev := p.Feed(rest[:n]); ev.Kind == RecordDone {
				got = ev.Record
			}
			rest = rest[n:]
		}
		h, err := ParseSSLv2Hello(got.Fragment)
		if !got.SSLv2 || err != nil || h.LegacyVersion != TLS10 || !slices.Equal(h.CipherSuites, []CipherSuite{0x2f}) || h.Random[31] != 5 || h.Random[15] != 0 {
			t.Fatalf("pieces of %d: %+v, %v, %+v", size, got, err, h)
		}
	}
}

// TestNames: every value prints, the known ones by name.
func TestNames(t *testing.T) {
	for v := range 1 << 16 {
		for _, s := range []fmt.Stringer{CipherSuite(v), Group(v), SignatureScheme(v), Extension(v), Version(v)} {
			if s.String() == "" {
				t.Fatalf("%T %#x has no name", s, v)
			}
		}
	}
	for v := range 1 << 8 {
		for _, s := range []fmt.Stringer{ContentType(v), HandshakeType(v), AlertDescription(v), AlertLevel(v), Violation(v)} {
			if s.String() == "" {
				t.Fatalf("%T %d has no name", s, v)
			}
		}
	}
	for got, want := range map[string]string{
		CipherSuite(0xC02F).String(): "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite(0x1302).String(): "TLS_AES_256_GCM_SHA384",
		CipherSuite(0xCCA8).String(): "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", EmptyRenegotiationInfo.String(): "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
		CipherSuite(0xDADA).String(): "GREASE", Group(0x11EC).String(): "X25519MLKEM768", SignatureScheme(0x0804).String(): "rsa_pss_rsae_sha256",
		UnknownCA.String(): "unknown_ca", AlertDescription(200).String(): "alert(200)", TLS12.String(): "TLS 1.2", TLS13.Number(): "1.3",
		ExtALPN.String(): "application_layer_protocol_negotiation", HandshakeType(99).String(): "handshake_type(99)",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAlert(t *testing.T) {
	if a, ok := ParseAlert([]byte{2, 48}); !ok || a.String() != "fatal unknown_ca" || !a.Ends(TLS12) {
		t.Error(a, ok)
	}
	for _, b := range [][]byte{nil, {2}, {2, 48, 0}, {3, 48}, {0, 0}} {
		if a, ok := ParseAlert(b); ok {
			t.Errorf("%x is %s", b, a)
		}
	}
	for _, x := range []struct {
		a    Alert
		v    Version
		ends bool
	}{{Alert{Warning, CloseNotify}, TLS13, false}, {Alert{Warning, UnrecognizedName}, TLS12, false}, {Alert{Warning, HandshakeFailure}, TLS13, true}, {Alert{Warning, UserCanceled}, TLS13, false}} {
		if x.a.Ends(x.v) != x.ends {
			t.Errorf("%s in %s", x.a, x.v)
		}
	}
}

// parsers are all of them, for what every message must survive.
var parsers = map[string]func([]byte) error{
	"ClientHello":         func(b []byte) error { _, err := ParseClientHello(b); return err },
	"SSLv2Hello":          func(b []byte) error { _, err := ParseSSLv2Hello(b); return err },
	"ServerHello":         func(b []byte) error { _, err := ParseServerHello(b); return err },
	"EncryptedExtensions": func(b []byte) error { _, err := ParseEncryptedExtensions(b); return err },
	"Certificates12":      func(b []byte) error { _, err := ParseCertificates(TLS12, b); return err },
	"Certificates13":      func(b []byte) error { _, err := ParseCertificates(TLS13, b); return err },
	"Ticket":              func(b []byte) error { _, err := ParseNewSessionTicket(b); return err },
}

// TestCutShort: a message that ends early is an error or says that it is
// truncated, never a panic.
func TestCutShort(t *testing.T) {
	b := body(t, "chromium.client_hello")
	for n := range b {
		h, err := ParseClientHello(b[:n])
		if err == nil && !h.Truncated && len(h.Extensions) > 0 {
			t.Errorf("cut to %d bytes: not noticed", n)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Error(err)
		}
	}
}

func FuzzMessages(f *testing.F) {
	files, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(files) < 6 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, parse := range parsers {
			if err := parse(b); err != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
