package tls

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// epoch is when the connections of the cases took place.
var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// at is a packet some time after the first.
func at(packet int64, after time.Duration) record.Ref {
	return record.Ref{Packet: packet, Time: record.Time(epoch.Add(after).UnixNano())}
}

// shape is what a certificate of a case says.
type shape struct {
	names      []string
	from, to   time.Duration // relative to the epoch
	issuer     string
	selfSigned bool
}

// certificate makes one, parsed as from the wire.
func certificate(t testing.TB, s shape) *wiretls.Certificate {
	t.Helper()
	if s.to == 0 {
		s.from, s.to = -24*time.Hour, 24*time.Hour
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: s.names[0]}, DNSNames: s.names,
		NotBefore: epoch.Add(s.from), NotAfter: epoch.Add(s.to)}
	parent := template
	if !s.selfSigned {
		parent = &x509.Certificate{SerialNumber: big.NewInt(8), Subject: pkix.Name{CommonName: s.issuer, Organization: []string{"Org of " + s.issuer}}}
	}
	der, err := x509.CreateCertificate(nil, template, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wiretls.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// chain presents certificates in the server's flight.
func chain(shapes ...shape) func(*record.Connection) {
	return func(c *record.Connection) {
		x := &wiretls.Chain{InOrder: true, Count: len(shapes)}
		for _, s := range shapes {
			x.Certificates = append(x.Certificates, certificate(theTest, s))
		}
		c.Facts.TLS.Chain, c.Facts.TLS.ChainRef = x, at(6, 2*time.Millisecond)
		c.Facts.TLS.ServerHello = at(6, 2*time.Millisecond)
	}
}

// theTest is the running one, for cases that make certificates.
var theTest testing.TB

var (
	good         = shape{names: []string{"app.test", "*.app.test"}, issuer: "Lab Issuing CA"}
	intermediate = shape{names: []string{"Lab Issuing CA"}, issuer: "Lab Root"}
)

// healthy is a decrypted wss connection that opened and was closed by both sides.
func healthy() *record.Connection {
	f := &record.Facts{Files: []string{"a.pcap"}, First: at(1, 0), Last: at(20, 10*time.Second), CaptureEnd: at(99, time.Minute)}
	f.TCP = record.TCPFacts{ClientBy: "syn", SYN: at(1, 0), SYNACK: at(2, time.Millisecond), End: at(18, 9*time.Second), EndBy: record.Server, EndHow: "fin"}
	for d := range f.TCP.Sides {
		f.TCP.Sides[d] = record.TCPSide{Packets: 10, Bytes: 900}
	}
	f.TLS = &record.TLSFacts{ClientHello: at(4, time.Millisecond), ServerHello: at(6, 2*time.Millisecond), SNI: "app.test", Version: "1.2", Complete: "certain", Decrypted: true,
		Hello: &wiretls.ClientHello{LegacyVersion: wiretls.TLS12, SupportedVersions: []wiretls.Version{wiretls.TLS13, wiretls.TLS12}, ServerName: "app.test", CipherSuites: []wiretls.CipherSuite{0x1301, 0xc02f}}}
	c := &record.Connection{ID: "1", Client: netip.MustParseAddrPort("10.0.0.1:50000"), Server: netip.MustParseAddrPort("10.0.0.5:443"),
		Phase: record.PhaseClosed, Outcome: record.ClosedClean, Facts: f}
	chain(good, intermediate)(c)
	return c
}

// failed ends the connection in the handshake, after the ClientHello, by a FIN
// of the server.
func failed(c *record.Connection) {
	t := c.Facts.TLS
	c.Facts.TLSFailed, c.Outcome, c.Phase = true, record.TLSFailed, record.PhaseTLS
	t.ServerHello, t.Chain, t.ChainRef, t.Complete, t.Decrypted, t.Version = record.Ref{}, nil, record.Ref{}, "", false, ""
	c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = at(8, 3*time.Millisecond), record.Server, "fin"
	c.Facts.TCP.Sides[record.Server].Bytes = 0
}

// alert ends it by an alert of one side.
func alert(d record.Dir, code wiretls.AlertDescription) func(*record.Connection) {
	return func(c *record.Connection) {
		failed(c)
		c.Facts.TLS.Alerts = []record.TLSAlert{{Ref: at(7, 2*time.Millisecond), Dir: d, Fatal: true, Code: uint8(code), Name: code.String()}}
	}
}

// leaves ends it by the client, without a word.
func leaves(c *record.Connection) {
	failed(c)
	c.Facts.TCP.EndBy = record.Client
}

// all applies changes in order.
func all(changes ...func(*record.Connection)) func(*record.Connection) {
	return func(c *record.Connection) {
		for _, change := range changes {
			change(c)
		}
	}
}

func TestCases(t *testing.T) {
	ruletest.Cases(t, Rules, cases, func(t testing.TB) *record.Connection {
		theTest = t
		return healthy()
	}, "WS412") // ws412_test.go
}

// Every rule sees every connection, so a healthy one must cost no memory.
func TestHealthyIsFree(t *testing.T) {
	theTest = t
	for name, change := range map[string]func(*record.Connection){"wss": func(*record.Connection) {}, "ws": func(c *record.Connection) { c.Facts.TLS = nil }} {
		t.Run(name, func(t *testing.T) {
			c := healthy()
			change(c)
			ruletest.Free(t, Rules, c)
		})
	}
}
