package decrypt

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

func names(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".tls"); ok {
			list = append(list, name)
		}
	}
	if len(list) < 20 {
		t.Fatalf("only %d recordings", len(list))
	}
	return list
}

// story is what must not depend on how bytes were cut or interleaved.
func story(s *State, c *collector) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %q resumed=%v retry=%v early=%v/%v %+v\n", s.Version, s.CipherSuite, s.Keys, s.ALPN, s.Resumed, s.HelloRetry,
		s.EarlyOffered, s.EarlyAccepted, s.FirstFailed)
	for d := range s.Sides {
		fmt.Fprintf(&b, "%+v\n%q\n%v\n", s.Sides[d], c.app[d].Bytes(), c.types[d])
		for _, a := range c.alerts {
			if a.Dir == Dir(d) {
				fmt.Fprintf(&b, "%+v\n", a)
			}
		}
	}
	return b.String()
}

// TestSplit: cut anywhere, every recording tells the same story.
func TestSplit(t *testing.T) {
	for _, name := range names(t) {
		r := load(t, name)
		keys := &Keys{}
		keys.AddKeyLog(strings.NewReader(r.keys), name)
		for i, chunks := range append(r.connections, damage(r.connections[0])) {
			for _, k := range []*Keys{keys, nil} {
				want := story(play(k, Options{}, chunks))
				for _, size := range []int{1, 2, 3, 5, 7, 64, 1000} {
					var cut []chunk
					for _, c := range chunks {
						for b := c.data; len(b) > 0; {
							n := min(size, len(b))
							cut = append(cut, chunk{c.dir, b[:n]})
							b = b[n:]
						}
					}
					if got := story(play(k, Options{}, cut)); got != want {
						t.Fatalf("%s #%d in pieces of %d:\n%s\nwant\n%s", name, i, size, got, want)
					}
				}
			}
		}
	}
}

// damage changes a byte in the latter part of what each direction sends.
func damage(chunks []chunk) []chunk {
	bad := slices.Clone(chunks)
	for d, stream := range streams(chunks) {
		at := len(stream) * 7 / 8
		for i := range bad {
			if bad[i].dir != Dir(d) {
				continue
			}
			if n := len(bad[i].data); at >= n || at < 0 {
				at -= n
				continue
			}
			bad[i].data = bytes.Clone(bad[i].data)
			bad[i].data[at] ^= 1
			break
		}
	}
	return bad
}

// TestDisorder: one direction delivered whole before the other. The client's
// bytes wait for the server's answers and the other way round.
func TestDisorder(t *testing.T) {
	for _, name := range names(t) {
		r := load(t, name)
		// Only the hellos of the first handshake wait for each other, not those
		// of a renegotiation.
		if r.keys == "" || name == "tls12-renegotiation" {
			continue
		}
		keys := r.loadKeys(t)
		for i, chunks := range r.connections {
			want := story(play(keys, Options{}, chunks))
			b := streams(chunks)
			if got := story(play(keys, Options{}, []chunk{{Client, b[Client]}, {Server, b[Server]}})); got != want {
				t.Errorf("%s #%d client first:\n%s\nwant\n%s", name, i, got, want)
			}
			if got := story(play(keys, Options{}, []chunk{{Server, b[Server]}, {Client, b[Client]}})); got != want {
				t.Errorf("%s #%d server first:\n%s\nwant\n%s", name, i, got, want)
			}
		}
	}
}

// TestHeldTooMuch: a direction does not wait for ever.
func TestHeldTooMuch(t *testing.T) {
	r := load(t, "tls13-ccm")
	s, c := NewSession(r.loadKeys(t), Options{}), &collector{}
	hello := streams(r.connections[0])[Client]
	s.Feed(Client, hello, c)
	record := append([]byte{23, 3, 3, 0x40, 0}, make([]byte, 1<<14)...)
	for range 20 {
		s.Feed(Client, record, c)
	}
	if held := len(s.halves[Client].held); held > MaxHeld {
		t.Errorf("%d bytes held", held)
	}
	if len(c.problems) == 0 || c.problems[0].Kind != HeldTooMuch {
		t.Errorf("problems %v", c.problems)
	}
}

// TestWrongKeys: keys for the right connection with wrong secrets.
func TestWrongKeys(t *testing.T) {
	for _, name := range []string{"keys-wrong-tls13", "tls12-ccm", "tls10-aes128-cbc-etm", "tls12-cbc-sha256-mte", "tls13-ccm8", "chromium-1011"} {
		r := load(t, name)
		if name != "keys-wrong-tls13" {
			lines := strings.Split(strings.TrimSpace(r.keys), "\n")
			for i, l := range lines {
				last := byte('0')
				if strings.HasSuffix(l, "0") {
					last = '1'
				}
				lines[i] = l[:len(l)-1] + string(last)
			}
			r.keys = strings.Join(lines, "\n")
		}
		s, c := play(r.loadKeys(t), Options{}, r.connections[0])
		if s.Keys != KeysDoNotFit || s.FirstFailed.Kind != WrongKeys || s.FirstFailed.Record == 0 {
			t.Errorf("%s: %s, first failed %+v", name, s.Keys, s.FirstFailed)
		}
		if c.app[Client].Len()+c.app[Server].Len() > 0 || s.Decrypted() {
			t.Errorf("%s: something came out", name)
		}
		if s.Sides[Server].Sealed < 2 {
			t.Errorf("%s: %d records counted", name, s.Sides[Server].Sealed)
		}
	}
}

// TestKeyStatus of what the captures show.
func TestKeyStatus(t *testing.T) {
	two := load(t, "keys-for-one-of-two")
	keys := two.loadKeys(t)
	for i, want := range []KeyStatus{KeysFit, KeysNoMatch} {
		if s, _ := play(keys, Options{}, two.connections[i]); s.Keys != want {
			t.Errorf("#%d: %s, want %s", i, s.Keys, want)
		}
	}
	dark := load(t, "no-keys-tls13")
	s, c := play(nil, Options{}, dark.connections[0])
	if s.Keys != KeysNoneGiven || s.HandshakeDone() != Likely || s.SizeCount == 0 || c.app[Client].Len() > 0 {
		t.Errorf("dark: %s, done %v, %d sizes", s.Keys, s.HandshakeDone(), s.SizeCount)
	}
}

// TestAlerts in plaintext and under encryption.
func TestAlerts(t *testing.T) {
	cases := []struct {
		name      string
		dir       Dir
		alert     tls.AlertDescription
		encrypted bool
	}{
		{"cert-expired-openssl-tls12", Client, tls.CertificateExpired, false},
		{"cert-wrongname-go-tls13", Client, tls.BadCertificate, true},
		{"mtls-wrong-tls12", Server, tls.UnknownCA, false},
		{"version-server-old-go", Server, tls.ProtocolVersion, false},
	}
	for _, x := range cases {
		r := load(t, x.name)
		s, _ := play(r.loadKeys(t), Options{}, r.connections[0])
		if len(s.Alerts) == 0 {
			t.Errorf("%s: no alert", x.name)
			continue
		}
		a := s.Alerts[0]
		if a.Dir != x.dir || a.Alert.Description != x.alert || a.Encrypted != x.encrypted || a.Alert.Level != tls.Fatal {
			t.Errorf("%s: %+v", x.name, a)
		}
	}
}

// TestClientCertificate, decrypted and plain.
func TestClientCertificate(t *testing.T) {
	for name, want := range map[string]string{"tls13-mutual": "client-1", "mtls-wrong-tls12": "client-2"} {
		r := load(t, name)
		s, _ := play(r.loadKeys(t), Options{}, r.connections[0])
		if !s.CertificateRequested || s.ClientChain == nil || len(s.ClientChain.Certificates) == 0 || s.ClientChain.Certificates[0].CommonName != want {
			t.Errorf("%s: requested %v, chain %+v", name, s.CertificateRequested, s.ClientChain)
		}
		if s.ServerChain == nil || len(s.ServerChain.Certificates) != 2 || !s.ServerChain.InOrder || !s.ServerChain.Certificates[0].CoversHost("app.test") {
			t.Errorf("%s: server's chain %+v", name, s.ServerChain)
		}
	}
}

// TestNotTLS: a ClientHello answered in plaintext.
func TestNotTLS(t *testing.T) {
	hello := streams(load(t, "no-keys-tls13").connections[0])[Client]
	s, c := NewSession(nil, Options{}), &collector{}
	s.Feed(Client, hello[:600], c)
	s.Feed(Server, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), c)
	s.Feed(Server, []byte("more"), c)
	side := s.State().Sides[Server]
	if !side.NotTLS || side.NotTLSAt != 0 || len(c.problems) != 1 || s.State().ClientHello == nil {
		t.Errorf("%+v, problems %v", side, c.problems)
	}
}

// TestLateKeys: the key log grows while the connection runs; what came before
// is held with Follow, and skipped otherwise.
func TestLateKeys(t *testing.T) {
	for _, name := range []string{"chromium-1011", "tls12-ccm8", "tls12-cbc-sha256-mte", "tls13-keyupdate"} {
		r := load(t, name)
		chunks := r.connections[0]
		want := story(play(r.loadKeys(t), Options{}, chunks))
		for at := range chunks {
			keys, c := &Keys{}, &collector{}
			s := NewSession(keys, Options{Follow: true})
			for i, x := range chunks {
				if i == at {
					keys.AddKeyLog(strings.NewReader(r.keys), name)
				}
				s.Feed(x.dir, x.data, c)
			}
			s.End(Client, c)
			s.End(Server, c)
			if got := story(s.State(), c); got != want {
				t.Fatalf("%s, keys before chunk %d:\n%s\nwant\n%s", name, at, got, want)
			}
		}
	}
}

// TestLateKeysAfterLimit: when too much has passed, decryption takes up where
// the keys come.
func TestLateKeysAfterLimit(t *testing.T) {
	p := newPair(t, rsaKey())
	down := bytes.Repeat(downText, 3*MaxFollowed/len(downText))
	b := streams(p.talk(t, upText, down))
	keys, c := &Keys{}, &collector{}
	s := NewSession(keys, Options{Follow: true})
	s.Feed(Client, b[Client], c)
	half := len(b[Server]) / 2
	s.Feed(Server, b[Server][:half], c)
	if s.State().Decrypted() || len(s.halves[Server].held) > MaxFollowed {
		t.Fatal("held too much")
	}
	keys.AddKeyLog(bytes.NewReader(p.keyLog.Bytes()), "test")
	s.Feed(Server, b[Server][half:], c)
	if got := c.app[Server].Len(); got < half/2 || !bytes.HasSuffix(down, c.app[Server].Bytes()) {
		t.Errorf("%d bytes came out, problems %v", got, c.problems)
	}
	if !s.State().Sides[Server].CloseNotify || s.State().Keys != KeysFit {
		t.Errorf("keys %s", s.State().Keys)
	}
}

// TestHeldTotal: sessions together hold no more than they may, and give back
// what they held.
func TestHeldTotal(t *testing.T) {
	p := newPair(t, rsaKey())
	b := streams(p.talk(t, upText, bytes.Repeat(downText, MaxFollowed/2/len(downText))))
	held := new(Held)
	var sessions []*Session
	c := &collector{}
	for range 2 * MaxHeldTotal / len(b[Server]) {
		s := NewSession(new(Keys), Options{Follow: true, Held: held})
		s.Feed(Client, b[Client], c)
		s.Feed(Server, b[Server], c)
		sessions = append(sessions, s)
		if n := held.bytes.Load(); n > MaxHeldTotal {
			t.Fatalf("%d bytes are held", n)
		}
	}
	if n := held.bytes.Load(); n < MaxHeldTotal/2 {
		t.Errorf("only %d bytes were held", n)
	}
	for _, s := range sessions {
		s.End(Client, c)
		s.End(Server, c)
	}
	if n := held.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// TestStateIsPlain: facts hold no pointer into packets.
func TestStateIsPlain(t *testing.T) {
	r := load(t, "chromium-1011")
	keys := r.loadKeys(t)
	s, c := NewSession(keys, Options{}), &collector{}
	for _, x := range r.connections[0] {
		b := bytes.Clone(x.data)
		s.Feed(x.dir, b, c)
		clear(b)
	}
	want, _ := play(keys, Options{}, r.connections[0])
	if !reflect.DeepEqual(s.State().ClientHello, want.ClientHello) || !reflect.DeepEqual(s.State().ServerHello, want.ServerHello) ||
		s.State().ServerChain.Certificates[0].Subject != want.ServerChain.Certificates[0].Subject {
		t.Error("facts changed with the packets' bytes")
	}
}

// TestSharedScratch: sessions that take turns may decrypt into the same memory.
func TestSharedScratch(t *testing.T) {
	r := load(t, "chromium-1011")
	keys, chunks, scratch := r.loadKeys(t), r.connections[0], new(Scratch)
	var sessions [2]*Session
	var sinks [2]collector
	for i := range sessions {
		sessions[i] = NewSession(keys, Options{Scratch: scratch})
	}
	for _, x := range chunks {
		for i, s := range sessions {
			s.Feed(x.dir, x.data, &sinks[i])
		}
	}
	want := &collector{}
	s := NewSession(keys, Options{})
	for _, x := range chunks {
		s.Feed(x.dir, x.data, want)
	}
	for i := range sessions {
		if got, want := story(sessions[i].State(), &sinks[i]), story(s.State(), want); got != want {
			t.Errorf("#%d:\n%s\nwant\n%s", i, got, want)
		}
	}
}
