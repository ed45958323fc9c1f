package decrypt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	gotls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// wiretap is one end of a connection in memory that notes what is written.
// Unlike net.Pipe it has a buffer, for both ends may write at once.
type wiretap struct {
	net.Conn // nil: only Read, Write and Close are called
	dir      Dir
	wire     *wire
}

type wire struct {
	sync.Mutex
	changed sync.Cond
	unread  [2][]byte // by sender
	closed  bool
	chunks  []chunk
}

func (w wiretap) Write(b []byte) (int, error) {
	w.wire.Lock()
	defer w.wire.Unlock()
	w.wire.chunks = append(w.wire.chunks, chunk{w.dir, bytes.Clone(b)})
	w.wire.unread[w.dir] = append(w.wire.unread[w.dir], b...)
	w.wire.changed.Broadcast()
	return len(b), nil
}

func (w wiretap) Read(b []byte) (int, error) {
	w.wire.Lock()
	defer w.wire.Unlock()
	from := w.dir.Other()
	for len(w.wire.unread[from]) == 0 {
		if w.wire.closed {
			return 0, io.EOF
		}
		w.wire.changed.Wait()
	}
	n := copy(b, w.wire.unread[from])
	w.wire.unread[from] = w.wire.unread[from][n:]
	return n, nil
}

func (w wiretap) Close() error {
	w.wire.Lock()
	defer w.wire.Unlock()
	w.wire.closed = true
	w.wire.changed.Broadcast()
	return nil
}

func (w wiretap) SetDeadline(time.Time) error      { return nil }
func (w wiretap) SetWriteDeadline(time.Time) error { return nil }

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func selfSigned(t testing.TB, key crypto.Signer) gotls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app.test"}, DNSNames: []string{"app.test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return gotls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// pair is a client and a server of crypto/tls.
type pair struct {
	client, server *gotls.Config
	keyLog         bytes.Buffer
}

func newPair(t testing.TB, key crypto.Signer) *pair {
	p := &pair{}
	p.client = &gotls.Config{
		InsecureSkipVerify: true, ServerName: "app.test", KeyLogWriter: &p.keyLog, NextProtos: []string{"http/1.1"},
		MinVersion: gotls.VersionTLS10,
	}
	p.server = &gotls.Config{
		Certificates: []gotls.Certificate{selfSigned(t, key)}, MinVersion: gotls.VersionTLS10, NextProtos: []string{"h2", "http/1.1"},
	}
	return p
}

// talk runs one connection over which each side sends what is given and then
// close_notify, and returns what passed.
func (p *pair) talk(t testing.TB, up, down []byte) []chunk {
	t.Helper()
	return p.talkIn(t, up, down, len(down))
}

// talkIn is talk with a server that writes size bytes at once.
func (p *pair) talkIn(t testing.TB, up, down []byte, size int) []chunk {
	t.Helper()
	w := &wire{}
	w.changed.L = &w.Mutex
	client := gotls.Client(wiretap{nil, Client, w}, p.client)
	server := gotls.Server(wiretap{nil, Server, w}, p.server)
	done := make(chan error, 1)
	go func() {
		defer server.CloseWrite()
		_, err := io.ReadFull(server, make([]byte, len(up)))
		for rest := down; err == nil && len(rest) > 0; {
			n := min(size, len(rest))
			_, err = server.Write(rest[:n])
			rest = rest[n:]
		}
		done <- err
	}()
	if _, err := client.Write(up); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, down) {
		t.Fatalf("client read %d bytes: %v", len(got), err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	client.CloseWrite()
	w.Lock()
	defer w.Unlock()
	return w.chunks
}

func (p *pair) keys(t testing.TB) *Keys {
	t.Helper()
	k := &Keys{}
	if err := k.AddKeyLog(bytes.NewReader(p.keyLog.Bytes()), "test"); err != nil {
		t.Fatal(err)
	}
	return k
}

var (
	upText   = bytes.Repeat([]byte("from the client "), 100)
	downText = bytes.Repeat([]byte("from the server "), 5000)
)

func wantTexts(t *testing.T, s *State, c *collector) {
	t.Helper()
	if s.Keys != KeysFit || !bytes.Equal(c.app[Client].Bytes(), upText) || !bytes.Equal(c.app[Server].Bytes(), downText) {
		t.Errorf("keys %s, %d and %d bytes came out, want %d and %d; problems %v", s.Keys, c.app[Client].Len(), c.app[Server].Len(), len(upText), len(downText), c.problems)
	}
}

// TestGoPairs decrypts every suite and version that crypto/tls speaks.
func TestGoPairs(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{gotls.VersionTLS10, gotls.VersionTLS11, gotls.VersionTLS12, gotls.VersionTLS13} {
		for _, suite := range append(gotls.CipherSuites(), gotls.InsecureCipherSuites()...) {
			speaks := false
			for _, v := range suite.SupportedVersions {
				speaks = speaks || v == version
			}
			// TLS 1.3 of crypto/tls chooses its suite itself.
			if !speaks || strings.Contains(suite.Name, "RC4") || version == gotls.VersionTLS13 && suite.ID != gotls.TLS_AES_128_GCM_SHA256 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", tls.Version(version), suite.Name), func(t *testing.T) {
				var key crypto.Signer = rsaKey()
				if strings.Contains(suite.Name, "ECDSA") {
					key = ec
				}
				p := newPair(t, key)
				p.client.MinVersion, p.client.MaxVersion = version, version
				p.client.CipherSuites = []uint16{suite.ID}
				p.server.CipherSuites = []uint16{suite.ID}
				s, c := play(nil, Options{}, p.talk(t, upText, downText))
				if s.Keys != KeysNoneGiven || s.Sides[Server].Sealed == 0 || c.app[Server].Len() > 0 {
					t.Errorf("without keys: %s, %d records", s.Keys, s.Sides[Server].Sealed)
				}
				chunks := p.talk(t, upText, downText)
				s, c = play(p.keys(t), Options{}, chunks)
				wantTexts(t, s, c)
				if s.Version != tls.Version(version) || s.ALPN != "http/1.1" || s.CipherSuite.String() != suite.Name {
					t.Errorf("%s %s ALPN %q", s.Version, s.CipherSuite, s.ALPN)
				}
				if chain := s.ServerChain; chain == nil || !chain.Certificates[0].SelfSigned || !chain.Certificates[0].CoversHost("app.test") {
					t.Errorf("chain %+v", chain)
				}
			})
		}
	}
}

// TestHelloRetryGo: the server wants a group the client sent no share for.
func TestHelloRetryGo(t *testing.T) {
	p := newPair(t, rsaKey())
	p.client.CurvePreferences = []gotls.CurveID{gotls.X25519, gotls.CurveP384}
	p.server.CurvePreferences = []gotls.CurveID{gotls.CurveP384}
	s, c := play(p.keys(t), Options{Follow: true}, nil)
	if s.Keys != KeysUnused || len(c.records) != 0 {
		t.Errorf("nothing fed: %s", s.Keys)
	}
	chunks := p.talk(t, upText, downText)
	s, c = play(p.keys(t), Options{}, chunks)
	wantTexts(t, s, c)
	if !s.HelloRetry || s.RetryGroup.String() != "secp384r1" {
		t.Errorf("hello retry %v, group %s", s.HelloRetry, s.RetryGroup)
	}
}

// premaster takes the premaster secret out of a recorded RSA key exchange.
func premaster(t *testing.T, chunks []chunk) (encrypted, plain []byte) {
	t.Helper()
	grab := &keyExchange{}
	s := NewSession(nil, Options{})
	for _, x := range chunks {
		s.Feed(x.dir, x.data, grab)
	}
	if grab.encrypted == nil {
		t.Fatal("no client_key_exchange")
	}
	//lint:ignore SA1019 RSA key exchange is what is tested
	plain, err := rsa.DecryptPKCS1v15(nil, rsaKey(), grab.encrypted)
	if err != nil {
		t.Fatal(err)
	}
	return grab.encrypted, plain
}

type keyExchange struct {
	NoSink
	encrypted []byte
}

func (k *keyExchange) Handshake(_ Record, m tls.Message) {
	if m.Type == tls.ClientKeyExchange {
		k.encrypted = bytes.Clone(m.Body[2:])
	}
}

// TestPremaster: key logs that hold premaster secrets, found by the encrypted
// one or by the client's random, with the extended master secret (which
// crypto/tls always uses) and its hash of the handshake.
func TestPremaster(t *testing.T) {
	for _, version := range []uint16{gotls.VersionTLS10, gotls.VersionTLS12} {
		p := newPair(t, rsaKey())
		p.client.MinVersion, p.client.MaxVersion = version, version
		p.client.CipherSuites = []uint16{gotls.TLS_RSA_WITH_AES_128_CBC_SHA}
		p.server.CipherSuites = p.client.CipherSuites
		chunks := p.talk(t, upText, downText)
		encrypted, secret := premaster(t, chunks)
		observed, _ := play(nil, Options{}, chunks)
		if !observed.ServerHello.ExtendedMasterSecret {
			t.Fatal("crypto/tls did not use the extended master secret")
		}
		for _, line := range []string{
			fmt.Sprintf("RSA %x %x", encrypted[:8], secret),
			fmt.Sprintf("PMS_CLIENT_RANDOM %x %x", observed.ClientHello.Random, secret),
		} {
			keys := &Keys{}
			if err := keys.AddKeyLog(strings.NewReader(line), "test"); err != nil {
				t.Fatal(err)
			}
			s, c := play(keys, Options{}, chunks)
			wantTexts(t, s, c)
		}
	}
}

// TestSessionLine: "RSA Session-ID:… Master-Key:…".
func TestSessionLine(t *testing.T) {
	r := load(t, "tls12-session-id")
	fields := strings.Fields(strings.Split(r.keys, "\n")[0])
	observed, _ := play(nil, Options{}, r.connections[0])
	line := "RSA Session-ID:" + hex.EncodeToString(observed.ServerHello.SessionID) + " Master-Key:" + fields[2]
	keys := &Keys{}
	if err := keys.AddKeyLog(strings.NewReader(line), "test"); err != nil {
		t.Fatal(err)
	}
	for i := range r.connections {
		s, c := play(keys, Options{}, r.connections[i])
		if s.Keys != KeysFit || c.app[Client].String() != fromClient {
			t.Errorf("#%d: %s", i, s.Keys)
		}
	}
}

// TestResumption: the key log has the first connection only.
func TestResumption(t *testing.T) {
	for _, name := range []string{"tls12-ticket", "tls12-session-id"} {
		r := load(t, name)
		first, _, _ := strings.Cut(r.keys, "\n")
		r.keys = first + "\n"
		keys := r.loadKeys(t)
		if s, _ := play(keys, Options{}, r.connections[1]); s.Keys != KeysNoMatch {
			t.Errorf("%s without memory: %s", name, s.Keys)
		}
		memory := &Resumptions{}
		play(keys, Options{Resumptions: memory}, r.connections[0])
		s, c := play(keys, Options{Resumptions: memory}, r.connections[1])
		if s.Keys != KeysFit || c.app[Server].String() != fromServer || !s.Resumed {
			t.Errorf("%s: %s, problems %v", name, s.Keys, c.problems)
		}
	}
}

func TestResumptionsBound(t *testing.T) {
	m := &Resumptions{}
	for i := range MaxResumptions + 10 {
		m.put(byID, "", fmt.Append(nil, i), []byte{1})
	}
	if len(m.masters) != MaxResumptions || m.get(byID, "", []byte("9")) != nil || m.get(byID, "", []byte("10")) == nil || m.get(byTicket, "", []byte("10")) != nil {
		t.Errorf("%d remembered", len(m.masters))
	}
}
