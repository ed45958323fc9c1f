package tls

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

const day1 = 24 * time.Hour

var (
	expired = shape{names: good.names, issuer: good.issuer, from: -90 * day1, to: -3 * day1}
	future  = shape{names: good.names, issuer: good.issuer, from: 9*day1 + time.Hour, to: 99 * day1}
	other   = shape{names: []string{"other.test", "*.example.test"}, issuer: good.issuer}
	oldRoot = shape{names: []string{"Lab Issuing CA"}, issuer: "Lab Root", from: -900 * day1, to: -day1}
	zscaler = shape{names: good.names, issuer: "Zscaler Intermediate Root CA (zscalertwo.net)"}
)

func facts(change func(*record.TLSFacts)) func(*record.Connection) {
	return func(c *record.Connection) { change(c.Facts.TLS) }
}

func tcp(change func(*record.TCPFacts)) func(*record.Connection) {
	return func(c *record.Connection) { change(&c.Facts.TCP) }
}

// waits lets the client give up after some time.
func waits(d time.Duration) func(*record.Connection) {
	return all(failed, tcp(func(t *record.TCPFacts) { t.End, t.EndBy = at(8, d), record.Client }))
}

// answered puts an answer to an Upgrade request inside the session.
func answered(status, body string) func(*record.Connection) {
	return func(c *record.Connection) {
		c.Outcome = record.Rejected
		c.Facts.Upgrade = &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n"), RequestRef: at(10, time.Second),
			Response: http1.ParseHead(http1.Response, "HTTP/1.1 "+status+"\r\nServer: nginx/1.22.1\r\n\r\n"), ResponseRef: at(11, time.Second), Body: []byte(body), BodyRef: at(11, time.Second)}
	}
}

func asksCertificate(sent ...shape) func(*record.Connection) {
	return func(c *record.Connection) {
		t := c.Facts.TLS
		t.CertificateRequested, t.ServerHello = true, at(6, 2*time.Millisecond)
		t.ClientChain, t.ClientChainRef = &wiretls.Chain{}, at(7, 2*time.Millisecond)
		for _, s := range sent {
			t.ClientChain.Certificates = append(t.ClientChain.Certificates, certificate(theTest, s))
		}
	}
}

// dark hides the session: TLS 1.3 without keys, ended by the client after its
// own encrypted records of these lengths.
func dark(lengths ...int) func(*record.Connection) {
	return func(c *record.Connection) {
		leaves(c)
		t := c.Facts.TLS
		t.Version, t.ServerHello = "1.3", at(6, 2*time.Millisecond)
		t.Sides[record.Server] = record.TLSSide{Sealed: 4, FirstSealed: 27, LastSealed: 69, LastSealedRef: at(6, 2*time.Millisecond)}
		if len(lengths) > 0 {
			t.Sides[record.Client] = record.TLSSide{Sealed: int64(len(lengths)), FirstSealed: lengths[0], FirstSealedRef: at(7, 2*time.Millisecond)}
		}
	}
}

// atH2: the server has begun HTTP/2.
func atH2(c *record.Connection) {
	t := c.Facts.TLS
	t.ServerHello, t.ALPN, t.Complete, t.Sides[record.Server].DataRecords = at(6, 2*time.Millisecond), "h2", "certain", 1
}

// midway: the server had begun the handshake, in TLS 1.2.
func midway(c *record.Connection) {
	t := c.Facts.TLS
	t.ServerHello, t.Version = at(6, 2*time.Millisecond), "1.2"
}

// finished: the client's part of it is complete.
func finished(c *record.Connection) {
	c.Facts.TLS.Sides[record.Client].Sealed, c.Facts.TLS.Sides[record.Client].FirstSealedRef = 1, at(7, 0)
}

// turnedAwayIn12: the server closed where its Finished should come.
func turnedAwayIn12(c *record.Connection) {
	all(failed, midway, finished, asksCertificate(shape{names: []string{"me"}, issuer: "Some Other CA"}))(c)
	c.Facts.TCP.End = at(8, 3*time.Millisecond)
	c.Facts.TCP.Sides[record.Server].LastData = at(6, 2*time.Millisecond)
}

var cases = []ruletest.Case{
	{Code: "WS401", Name: "healthy"},
	{Code: "WS401", Name: "FIN", Change: failed, Title: "closed the connection 2 ms after the ClientHello for app.test, without a word of TLS", Fault: record.FaultUnknown},
	{Code: "WS401", Name: "close_notify", Change: all(failed, facts(func(t *record.TLSFacts) { t.CloseNotify[record.Server] = at(7, 0) })), Title: "with a close_notify and no reason"},
	{Code: "WS401", Name: "RST", Change: all(failed, tcp(func(t *record.TCPFacts) { t.EndHow = "rst" })), Title: "reset the connection 2 ms after the ClientHello", Fault: record.FaultUnknown, Confidence: record.Likely},
	{Code: "WS401", Name: "an alert", Change: alert(record.Server, wiretls.InternalError)},
	{Code: "WS401", Name: "FIN in the middle", Change: all(failed, midway), Title: "closed the connection in the middle of the TLS handshake for app.test, without an alert", Fault: record.FaultUnknown, Confidence: record.Likely},
	{Code: "WS401", Name: "RST in the middle", Change: all(failed, midway, tcp(func(t *record.TCPFacts) { t.EndHow = "rst" })), Title: "reset the connection in the middle of the TLS handshake"},
	{Code: "WS401", Name: "RST within the ServerHello", Change: all(failed, tcp(func(t *record.TCPFacts) {
		t.EndHow = "rst"
		t.Sides[record.Server].Bytes, t.Sides[record.Server].FirstData = 90, at(6, 0)
	})), Title: "reset the connection in the middle of the TLS handshake", Fault: record.FaultUnknown},
	{Code: "WS401", Name: "the client said that it goes", Change: all(failed, midway, facts(func(t *record.TLSFacts) { t.CloseNotify[record.Client] = at(7, 2*time.Millisecond) }))},
	{Code: "WS401", Name: "after the handshake", Change: all(failed, midway, facts(func(t *record.TLSFacts) { t.Complete = "likely" }))},
	{Code: "WS401", Name: "the client's certificate was not liked", Change: turnedAwayIn12},
	{Code: "WS401", Name: "the client leaves", Change: waits(2 * time.Second)},
	{Code: "WS401", Name: "the answer may be missing", Change: all(failed, tcp(func(t *record.TCPFacts) { t.GapBytes[record.Server] = 1400 }))},
	{Code: "WS401", Name: "one direction", Change: all(failed, tcp(func(t *record.TCPFacts) { t.OneWay = true }))},
	{Code: "WS402", Name: "healthy"},
	{Code: "WS402", Name: "acknowledged", Change: waits(6 * time.Second), Title: "took the ClientHello for app.test and did not answer in 6.00 s", Fault: record.FaultUnknown, Confidence: record.Certain},
	{Code: "WS402", Name: "in a tunnel", Change: all(waits(6*time.Second), func(c *record.Connection) {
		c.Facts.TCP.Sides[record.Server].Bytes, c.Facts.Tunnel = 39, &record.TunnelFacts{Opened: true, Target: "app.test:443"}
	}), Title: "No answer to the ClientHello for app.test came through the tunnel", Fault: record.FaultUnknown},
	{Code: "WS402", Name: "dropped", Change: all(waits(4*time.Second), tcp(func(t *record.TCPFacts) {
		t.Sides[record.Client].Unacked, t.Sides[record.Client].UnackedSent, t.Sides[record.Client].UnackedLast = 517, 5, at(9, 3*time.Second)
	})), Title: "never acknowledged the ClientHello for app.test in 4.00 s: it was dropped on the way", Fault: record.FaultIntermediary},
	{Code: "WS402", Name: "still waiting", Change: all(failed, tcp(func(t *record.TCPFacts) { t.End, t.EndHow = record.Ref{}, "" })), Title: "did not answer in 60.0 s"},
	{Code: "WS402", Name: "silent in the middle", Change: all(waits(6*time.Second), midway, finished), Title: "stopped answering in the middle of the TLS handshake for app.test: nothing came in 6.00 s after the client's Finished", Fault: record.FaultUnknown},
	{Code: "WS402", Name: "both finished", Change: all(waits(6*time.Second), midway, finished, facts(func(t *record.TLSFacts) { t.Sides[record.Server].Sealed = 1 }))},
	{Code: "WS402", Name: "too soon", Change: waits(300 * time.Millisecond)},
	{Code: "WS402", Name: "closed by the server", Change: failed},
	{Code: "WS402", Name: "one direction", Change: all(waits(6*time.Second), tcp(func(t *record.TCPFacts) { t.OneWay = true }))},
	{Code: "WS403", Name: "healthy"},
	{Code: "WS403", Name: "internal_error", Change: alert(record.Server, wiretls.InternalError), Title: "The server at 10.0.0.5:443 ended the TLS handshake with the alert internal_error", Fault: record.FaultServer},
	{Code: "WS403", Name: "decrypt_error", Change: alert(record.Client, wiretls.DecryptError), Title: "The client at 10.0.0.1:50000 ended the TLS handshake with the alert decrypt_error", Fault: record.FaultUnknown},
	{Code: "WS403", Name: "revoked", Change: alert(record.Client, wiretls.CertificateRevoked), Title: "certificate_revoked", Fault: record.FaultServer},
	{Code: "WS403", Name: "hidden", Change: dark(19), Title: "with a short encrypted record, which only an alert fits", Fault: record.FaultUnknown, Confidence: record.Likely},
	{Code: "WS403", Name: "a Finished", Change: dark(53)},
	{Code: "WS403", Name: "an alert with a finding of its own", Change: alert(record.Client, wiretls.UnknownCA)},
	{Code: "WS403", Name: "no alert", Change: failed},
	{Code: "WS404", Name: "healthy"},
	{Code: "WS404", Name: "refused", Change: all(alert(record.Client, wiretls.CertificateExpired), chain(expired, intermediate)),
		Title: "The certificate of app.test at 10.0.0.5:443 had expired 3 days before, on 2026-11-17 12:00 UTC: the client refused it with certificate_expired", Fault: record.FaultServer, Confidence: record.Certain},
	{Code: "WS404", Name: "left", Change: all(leaves, chain(expired, intermediate)), Title: "and the client left without a word", Confidence: record.Likely, Severity: record.Error},
	{Code: "WS404", Name: "the intermediate", Change: all(alert(record.Client, wiretls.CertificateUnknown), chain(good, oldRoot)), Title: "The intermediate certificate 'Lab Issuing CA' of app.test"},
	{Code: "WS404", Name: "the client went on", Change: chain(expired, intermediate), Title: "but the client went on", Severity: record.Warning},
	{Code: "WS404", Name: "unseen", Change: alert(record.Client, wiretls.CertificateExpired), Title: "as expired (certificate_expired)", Fault: record.FaultServer},
	{Code: "WS404", Name: "the client's clock", Change: all(alert(record.Client, wiretls.CertificateExpired), chain(good, intermediate)), Title: "though it is valid until 2026-11-21", Fault: record.FaultClient},
	{Code: "WS404", Name: "the server complains of the client's", Change: all(alert(record.Server, wiretls.CertificateExpired), asksCertificate(good))},
	{Code: "WS405", Name: "healthy"},
	{Code: "WS405", Name: "refused", Change: all(alert(record.Client, wiretls.UnknownCA), chain(good, intermediate)), Title: "The client refused the certificate of app.test at 10.0.0.5:443 with unknown_ca", Fault: record.FaultServer, Confidence: record.Certain},
	{Code: "WS405", Name: "self-signed", Change: all(alert(record.Client, wiretls.UnknownCA), chain(shape{names: good.names, selfSigned: true})), Title: ": it is self-signed"},
	{Code: "WS405", Name: "no intermediate", Change: all(alert(record.Client, wiretls.BadCertificate), chain(good)), Title: ": no intermediate was sent, its issuer is 'Lab Issuing CA'"},
	{Code: "WS405", Name: "inspected", Change: all(alert(record.Client, wiretls.BadCertificate), chain(zscaler, intermediate)), Title: "refused the certificate", Fault: record.FaultIntermediary},
	{Code: "WS405", Name: "left", Change: all(leaves, chain(good, intermediate)), Title: "The client left right after the certificate", Fault: record.FaultUnknown, Confidence: record.Possible, Severity: record.Error},
	{Code: "WS405", Name: "left after the handshake", Change: all(leaves, chain(good, intermediate), facts(func(t *record.TLSFacts) { t.Complete = "likely" })), Title: "left right after", Severity: record.Warning, Confidence: record.Possible},
	{Code: "WS405", Name: "left, and the server was quicker with its FIN", Change: all(leaves, chain(good), tcp(func(t *record.TCPFacts) { t.EndBy = record.Server }),
		facts(func(t *record.TLSFacts) { t.CloseNotify[record.Client] = at(7, 2*time.Millisecond) })), Title: "The client left right after"},
	{Code: "WS405", Name: "the server said first that it goes", Change: all(leaves, chain(good), facts(func(t *record.TLSFacts) { t.LikelyCloseNotify[record.Server] = at(7, 2*time.Millisecond) }))},
	{Code: "WS405", Name: "the server fell silent", Change: all(waits(6*time.Second), midway, finished, chain(good))},
	{Code: "WS405", Name: "the certificate never arrived", Change: all(leaves, chain(good), tcp(func(t *record.TCPFacts) { t.Sides[record.Server].Unacked, t.Sides[record.Server].UnackedSent = 1107, 6 }))},
	{Code: "WS405", Name: "left in the dark", Change: dark(), Title: "left right after the certificate", Confidence: record.Possible},
	{Code: "WS405", Name: "what it sent may be missing", Change: all(dark(), tcp(func(t *record.TCPFacts) { t.GapBytes[record.Client] = 90 }))},
	{Code: "WS405", Name: "a hidden alert says more", Change: dark(19)},
	{Code: "WS405", Name: "it expired", Change: all(alert(record.Client, wiretls.CertificateUnknown), chain(expired, intermediate))},
	{Code: "WS405", Name: "another name", Change: all(alert(record.Client, wiretls.CertificateUnknown), chain(other, intermediate))},
	{Code: "WS405", Name: "the server ends it", Change: all(failed, chain(good, intermediate))},
	{Code: "WS406", Name: "healthy"},
	{Code: "WS406", Name: "refused", Change: all(alert(record.Client, wiretls.BadCertificate), chain(other, intermediate)), Title: "The certificate at 10.0.0.5:443 is not for app.test but for other.test, *.example.test: the client refused it with bad_certificate", Fault: record.FaultServer},
	{Code: "WS406", Name: "the client does not check", Change: chain(other, intermediate), Title: "but the client went on", Severity: record.Info},
	{Code: "WS406", Name: "a wildcard", Change: all(alert(record.Client, wiretls.BadCertificate), chain(good, intermediate), facts(func(t *record.TLSFacts) { t.SNI = "chat.app.test" }))},
	{Code: "WS406", Name: "no name asked for", Change: all(alert(record.Client, wiretls.BadCertificate), chain(other, intermediate), facts(func(t *record.TLSFacts) { t.SNI = "" }))},
	{Code: "WS407", Name: "healthy"},
	{Code: "WS407", Name: "an old server", Change: alert(record.Server, wiretls.ProtocolVersion), Title: "accepts none of the TLS versions that the client offers (TLS 1.2, TLS 1.3): it is too old", Fault: record.FaultServer},
	{Code: "WS407", Name: "either", Change: all(alert(record.Server, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.Hello = &wiretls.ClientHello{LegacyVersion: wiretls.TLS12} })),
		Title: "(TLS 1.2 at most): it is too old, or takes TLS 1.3 only", Fault: record.FaultUnknown},
	{Code: "WS407", Name: "an old client", Change: all(alert(record.Server, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.Hello = &wiretls.ClientHello{LegacyVersion: wiretls.TLS11} })),
		Title: "does not accept the client's old TLS version (TLS 1.1 at most)", Fault: record.FaultClient},
	{Code: "WS407", Name: "the client refuses", Change: all(alert(record.Client, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.Version, t.ServerHello = "1.0", at(6, 0) })), Title: "The client refused TLS 1.0", Fault: record.FaultServer},
	{Code: "WS407", Name: "no TLS at all", Change: all(alert(record.Client, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.NotTLS = []byte("HTTP/1.1 400") }))},
	{Code: "WS408", Name: "healthy"},
	{Code: "WS408", Name: "none shared", Change: alert(record.Server, wiretls.HandshakeFailure), Title: "found no cipher suite or parameters in common with the client's 2 cipher suites (TLS_AES_128_GCM_SHA256 first): handshake_failure", Fault: record.FaultUnknown, Confidence: record.Certain},
	{Code: "WS408", Name: "only one", Change: all(alert(record.Server, wiretls.InsufficientSecurity), facts(func(t *record.TLSFacts) { t.Hello.CipherSuites = []wiretls.CipherSuite{0x0a0a, 0x000a, 0x00ff} })), Title: "with the client's only cipher suite (TLS_RSA_WITH_3DES_EDE_CBC_SHA)"},
	{Code: "WS408", Name: "a client certificate was wanted", Change: all(alert(record.Server, wiretls.HandshakeFailure), asksCertificate())},
	{Code: "WS408", Name: "no host named", Change: all(alert(record.Server, wiretls.HandshakeFailure), facts(func(t *record.TLSFacts) { t.SNI = "" }))},
	{Code: "WS409", Name: "healthy"},
	{Code: "WS409", Name: "unknown", Change: alert(record.Server, wiretls.UnrecognizedName), Title: "does not know the host 'app.test' that the ClientHello asks for: unrecognized_name", Fault: record.FaultClient},
	{Code: "WS409", Name: "none", Change: all(alert(record.Server, wiretls.UnrecognizedName), facts(func(t *record.TLSFacts) { t.SNI = "" })), Title: "refused a ClientHello that names no host", Confidence: record.Certain},
	{Code: "WS409", Name: "none, handshake_failure", Change: all(alert(record.Server, wiretls.HandshakeFailure), facts(func(t *record.TLSFacts) { t.SNI = "" })), Title: "names no host", Confidence: record.Likely},
	{Code: "WS409", Name: "a warning only", Change: facts(func(t *record.TLSFacts) {
		t.Alerts = []record.TLSAlert{{Ref: at(5, 0), Dir: record.Server, Code: 112, Name: "unrecognized_name"}}
	})},
	{Code: "WS410", Name: "healthy"},
	{Code: "WS410", Name: "none, TLS 1.2", Change: all(alert(record.Server, wiretls.HandshakeFailure), asksCertificate()), Title: "asked for a client certificate and refused to go on without one: handshake_failure", Fault: record.FaultClient},
	{Code: "WS410", Name: "wrong one", Change: all(alert(record.Server, wiretls.UnknownCA), asksCertificate(shape{names: []string{"me"}, issuer: "Some Other CA"})), Title: "refused the one it got, issued by 'Some Other CA': unknown_ca"},
	{Code: "WS410", Name: "none, TLS 1.3", Change: func(c *record.Connection) {
		asksCertificate()(c)
		c.Facts.TLS.Alerts = []record.TLSAlert{{Ref: at(9, time.Second), Dir: record.Server, Fatal: true, Code: 116, Name: "certificate_required", Encrypted: true}}
	}, Title: "without one: certificate_required"},
	{Code: "WS410", Name: "closed without a word", Change: turnedAwayIn12, Title: "asked for a client certificate and ended the connection at once, without a word, as one does that refuses the one it got, issued by 'Some Other CA'",
		Fault: record.FaultClient, Confidence: record.Likely},
	{Code: "WS410", Name: "closed later", Change: all(turnedAwayIn12, tcp(func(t *record.TCPFacts) { t.End = at(12, 5*time.Second) }))},
	{Code: "WS410", Name: "the server went on first", Change: all(turnedAwayIn12, tcp(func(t *record.TCPFacts) { t.Sides[record.Server].LastData = at(8, 3*time.Millisecond) }))},
	{Code: "WS410", Name: "nginx says so", Change: answered("400 Bad Request", "<center>No required SSL certificate was sent</center>"), Title: "nginx/1.22.1 at 10.0.0.5:443 completed the TLS handshake and then refused the request: 'No required SSL certificate was sent'"},
	{Code: "WS410", Name: "another 400", Change: answered("400 Bad Request", "Bad Request")},
	{Code: "WS410", Name: "asked and content", Change: asksCertificate()},
	{Code: "WS411", Name: "healthy"},
	{Code: "WS411", Name: "HTTP", Change: all(failed, facts(func(t *record.TLSFacts) {
		t.NotTLS, t.NotTLSDir, t.NotTLSRef = []byte("HTTP/1.1 400 Bad Request\r\nConn"), record.Server, at(6, time.Millisecond)
	})), Title: "answered the TLS ClientHello with plain HTTP: 'HTTP/1.1 400 Bad Request'", Fault: record.FaultClient},
	{Code: "WS411", Name: "something else", Change: all(failed, facts(func(t *record.TLSFacts) {
		t.NotTLS, t.NotTLSDir, t.NotTLSRef = []byte("\x01\x02\x03"), record.Server, at(6, time.Millisecond)
	})), Title: "with something that is not TLS: '...'"},
	{Code: "WS411", Name: "SSH", Change: all(failed, facts(func(t *record.TLSFacts) {
		t.NotTLS, t.NotTLSDir, t.NotTLSRef = []byte("SSH-2.0-OpenSSH_9.2\r\n"), record.Server, at(3, 0)
	})), Title: "answered the TLS ClientHello with SSH"},
	{Code: "WS411", Name: "the client turned to something else", Change: all(failed, facts(func(t *record.TLSFacts) { t.NotTLS, t.NotTLSDir = []byte("GET / HTTP/1.1"), record.Client }))},
	{Code: "WS413", Name: "healthy"},
	{Code: "WS413", Name: "Zscaler", Change: chain(zscaler, intermediate), Title: "Zscaler opens TLS between the client and app.test", Fault: record.FaultIntermediary, Severity: record.Warning},
	{Code: "WS413", Name: "another issuer elsewhere", Change: facts(func(t *record.TLSFacts) {
		t.IssuerElsewhere = &record.IssuerElsewhere{Issuer: "CN=ACME Web Gateway CA", ID: "44", Ref: at(44, time.Second)}
	}), Title: "elsewhere by 'CN=ACME Web Gateway CA': one of the two connections is opened on the way", Confidence: record.Likely},
	{Code: "WS413", Name: "no certificate seen", Change: facts(func(t *record.TLSFacts) { t.Chain = nil })},
	{Code: "WS414", Name: "healthy"},
	{Code: "WS414", Name: "none shared", Change: all(alert(record.Server, wiretls.NoApplicationProtocol), facts(func(t *record.TLSFacts) { t.ALPNOffered = []string{"\x0a\x0a", "http/1.1"} })),
		Title: "speaks none of the protocols that the client offers (http/1.1): no_application_protocol", Fault: record.FaultServer},
	{Code: "WS414", Name: "h2 and an Upgrade", Change: all(answered("400 Bad Request", ""), facts(func(t *record.TLSFacts) { t.ALPN = "h2" })), Title: "selected 'h2' in TLS, and the client sent an HTTP/1.1 Upgrade request all the same"},
	{Code: "WS414", Name: "h2, and the client leaves", Change: all(leaves, atH2), Title: "selected 'h2' in TLS and began HTTP/2, and the client left without a word", Fault: record.FaultServer, Confidence: record.Likely},
	{Code: "WS405", Name: "it left at HTTP/2", Change: all(leaves, chain(good), atH2)},
	{Code: "WS414", Name: "http/1.1", Change: all(answered("400 Bad Request", ""), facts(func(t *record.TLSFacts) { t.ALPN = "http/1.1" }))},
	{Code: "WS414", Name: "h2 and a stream", Change: all(answered("400 Bad Request", ""), facts(func(t *record.TLSFacts) { t.ALPN = "h2" }), func(c *record.Connection) { c.Facts.H2 = &record.H2Facts{} })},
	{Code: "WS415", Name: "healthy"},
	{Code: "WS415", Name: "refused", Change: all(alert(record.Client, wiretls.BadCertificate), chain(future, intermediate)), Title: "is valid only from 2026-11-29 13:00 UTC, 9 days later", Fault: record.FaultServer},
	{Code: "WS415", Name: "the client went on", Change: chain(future, intermediate), Title: "but the client went on", Severity: record.Warning},
	{Code: "WS415", Name: "OpenSSL calls it expired", Change: all(alert(record.Client, wiretls.CertificateExpired), chain(good, intermediate))},
}
