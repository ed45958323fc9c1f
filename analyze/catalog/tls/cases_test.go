package tls

import (
	"time"

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

var cases = []caseOf{
	{code: "WS401", name: "healthy"},
	{code: "WS401", name: "FIN", change: failed, title: "closed the connection 2 ms after the ClientHello for app.test, without a word of TLS", fault: record.FaultUnknown},
	{code: "WS401", name: "close_notify", change: all(failed, facts(func(t *record.TLSFacts) { t.CloseNotify[record.Server] = at(7, 0) })), title: "with a close_notify and no reason"},
	{code: "WS401", name: "RST", change: all(failed, tcp(func(t *record.TCPFacts) { t.EndHow = "rst" })), title: "reset the connection 2 ms after the ClientHello", fault: record.FaultUnknown, confidence: record.Likely},
	{code: "WS401", name: "an alert", change: alert(record.Server, wiretls.InternalError)},
	{code: "WS401", name: "FIN in the middle", change: all(failed, midway), title: "closed the connection in the middle of the TLS handshake for app.test, without an alert", fault: record.FaultUnknown, confidence: record.Likely},
	{code: "WS401", name: "RST in the middle", change: all(failed, midway, tcp(func(t *record.TCPFacts) { t.EndHow = "rst" })), title: "reset the connection in the middle of the TLS handshake"},
	{code: "WS401", name: "RST within the ServerHello", change: all(failed, tcp(func(t *record.TCPFacts) {
		t.EndHow = "rst"
		t.Sides[record.Server].Bytes, t.Sides[record.Server].FirstData = 90, at(6, 0)
	})), title: "reset the connection in the middle of the TLS handshake", fault: record.FaultUnknown},
	{code: "WS401", name: "the client said that it goes", change: all(failed, midway, facts(func(t *record.TLSFacts) { t.CloseNotify[record.Client] = at(7, 2*time.Millisecond) }))},
	{code: "WS401", name: "after the handshake", change: all(failed, midway, facts(func(t *record.TLSFacts) { t.Complete = "likely" }))},
	{code: "WS401", name: "the client's certificate was not liked", change: turnedAwayIn12},
	{code: "WS401", name: "the client leaves", change: waits(2 * time.Second)},
	{code: "WS401", name: "the answer may be missing", change: all(failed, tcp(func(t *record.TCPFacts) { t.GapBytes[record.Server] = 1400 }))},
	{code: "WS401", name: "one direction", change: all(failed, tcp(func(t *record.TCPFacts) { t.OneWay = true }))},
	{code: "WS402", name: "healthy"},
	{code: "WS402", name: "acknowledged", change: waits(6 * time.Second), title: "took the ClientHello for app.test and did not answer in 6.00 s", fault: record.FaultUnknown, confidence: record.Certain},
	{code: "WS402", name: "dropped", change: all(waits(4*time.Second), tcp(func(t *record.TCPFacts) {
		t.Sides[record.Client].Unacked, t.Sides[record.Client].UnackedSent, t.Sides[record.Client].UnackedLast = 517, 5, at(9, 3*time.Second)
	})), title: "never acknowledged the ClientHello for app.test in 4.00 s: it was dropped on the way", fault: record.FaultIntermediary},
	{code: "WS402", name: "still waiting", change: all(failed, tcp(func(t *record.TCPFacts) { t.End, t.EndHow = record.Ref{}, "" })), title: "did not answer in 60.0 s"},
	{code: "WS402", name: "silent in the middle", change: all(waits(6*time.Second), midway, finished), title: "stopped answering in the middle of the TLS handshake for app.test: nothing came in 6.00 s after the client's Finished", fault: record.FaultUnknown},
	{code: "WS402", name: "both finished", change: all(waits(6*time.Second), midway, finished, facts(func(t *record.TLSFacts) { t.Sides[record.Server].Sealed = 1 }))},
	{code: "WS402", name: "too soon", change: waits(300 * time.Millisecond)},
	{code: "WS402", name: "closed by the server", change: failed},
	{code: "WS402", name: "one direction", change: all(waits(6*time.Second), tcp(func(t *record.TCPFacts) { t.OneWay = true }))},
	{code: "WS403", name: "healthy"},
	{code: "WS403", name: "internal_error", change: alert(record.Server, wiretls.InternalError), title: "The server at 10.0.0.5:443 ended the TLS handshake with the alert internal_error", fault: record.FaultServer},
	{code: "WS403", name: "decrypt_error", change: alert(record.Client, wiretls.DecryptError), title: "The client at 10.0.0.1:50000 ended the TLS handshake with the alert decrypt_error", fault: record.FaultUnknown},
	{code: "WS403", name: "revoked", change: alert(record.Client, wiretls.CertificateRevoked), title: "certificate_revoked", fault: record.FaultServer},
	{code: "WS403", name: "hidden", change: dark(19), title: "with a short encrypted record, which only an alert fits", fault: record.FaultUnknown, confidence: record.Likely},
	{code: "WS403", name: "a Finished", change: dark(53)},
	{code: "WS403", name: "an alert with a finding of its own", change: alert(record.Client, wiretls.UnknownCA)},
	{code: "WS403", name: "no alert", change: failed},
	{code: "WS404", name: "healthy"},
	{code: "WS404", name: "refused", change: all(alert(record.Client, wiretls.CertificateExpired), chain(expired, intermediate)),
		title: "The certificate of app.test at 10.0.0.5:443 had expired 3 days before, on 2026-11-17 12:00 UTC: the client refused it with certificate_expired", fault: record.FaultServer, confidence: record.Certain},
	{code: "WS404", name: "left", change: all(leaves, chain(expired, intermediate)), title: "and the client left without a word", confidence: record.Likely, severity: record.Error},
	{code: "WS404", name: "the intermediate", change: all(alert(record.Client, wiretls.CertificateUnknown), chain(good, oldRoot)), title: "The intermediate certificate 'Lab Issuing CA' of app.test"},
	{code: "WS404", name: "the client went on", change: chain(expired, intermediate), title: "but the client went on", severity: record.Warning},
	{code: "WS404", name: "unseen", change: alert(record.Client, wiretls.CertificateExpired), title: "as expired (certificate_expired)", fault: record.FaultServer},
	{code: "WS404", name: "the client's clock", change: all(alert(record.Client, wiretls.CertificateExpired), chain(good, intermediate)), title: "though it is valid until 2026-11-21", fault: record.FaultClient},
	{code: "WS404", name: "the server complains of the client's", change: all(alert(record.Server, wiretls.CertificateExpired), asksCertificate(good))},
	{code: "WS405", name: "healthy"},
	{code: "WS405", name: "refused", change: all(alert(record.Client, wiretls.UnknownCA), chain(good, intermediate)), title: "The client refused the certificate of app.test at 10.0.0.5:443 with unknown_ca", fault: record.FaultServer, confidence: record.Certain},
	{code: "WS405", name: "self-signed", change: all(alert(record.Client, wiretls.UnknownCA), chain(shape{names: good.names, selfSigned: true})), title: ": it is self-signed"},
	{code: "WS405", name: "no intermediate", change: all(alert(record.Client, wiretls.BadCertificate), chain(good)), title: ": no intermediate was sent, its issuer is 'Lab Issuing CA'"},
	{code: "WS405", name: "inspected", change: all(alert(record.Client, wiretls.BadCertificate), chain(zscaler, intermediate)), title: "refused the certificate", fault: record.FaultIntermediary},
	{code: "WS405", name: "left", change: all(leaves, chain(good, intermediate)), title: "The client left right after the certificate", fault: record.FaultUnknown, confidence: record.Possible, severity: record.Error},
	{code: "WS405", name: "left after the handshake", change: all(leaves, chain(good, intermediate), facts(func(t *record.TLSFacts) { t.Complete = "likely" })), title: "left right after", severity: record.Warning, confidence: record.Possible},
	{code: "WS405", name: "left, and the server was quicker with its FIN", change: all(leaves, chain(good), tcp(func(t *record.TCPFacts) { t.EndBy = record.Server }),
		facts(func(t *record.TLSFacts) { t.CloseNotify[record.Client] = at(7, 2*time.Millisecond) })), title: "The client left right after"},
	{code: "WS405", name: "the server said first that it goes", change: all(leaves, chain(good), facts(func(t *record.TLSFacts) { t.LikelyCloseNotify[record.Server] = at(7, 2*time.Millisecond) }))},
	{code: "WS405", name: "the server fell silent", change: all(waits(6*time.Second), midway, finished, chain(good))},
	{code: "WS405", name: "the certificate never arrived", change: all(leaves, chain(good), tcp(func(t *record.TCPFacts) { t.Sides[record.Server].Unacked, t.Sides[record.Server].UnackedSent = 1107, 6 }))},
	{code: "WS405", name: "left in the dark", change: dark(), title: "left right after the certificate", confidence: record.Possible},
	{code: "WS405", name: "what it sent may be missing", change: all(dark(), tcp(func(t *record.TCPFacts) { t.GapBytes[record.Client] = 90 }))},
	{code: "WS405", name: "a hidden alert says more", change: dark(19)},
	{code: "WS405", name: "it expired", change: all(alert(record.Client, wiretls.CertificateUnknown), chain(expired, intermediate))},
	{code: "WS405", name: "another name", change: all(alert(record.Client, wiretls.CertificateUnknown), chain(other, intermediate))},
	{code: "WS405", name: "the server ends it", change: all(failed, chain(good, intermediate))},
	{code: "WS406", name: "healthy"},
	{code: "WS406", name: "refused", change: all(alert(record.Client, wiretls.BadCertificate), chain(other, intermediate)), title: "The certificate at 10.0.0.5:443 is not for app.test but for other.test, *.example.test: the client refused it with bad_certificate", fault: record.FaultServer},
	{code: "WS406", name: "the client does not check", change: chain(other, intermediate), title: "but the client went on", severity: record.Info},
	{code: "WS406", name: "a wildcard", change: all(alert(record.Client, wiretls.BadCertificate), chain(good, intermediate), facts(func(t *record.TLSFacts) { t.SNI = "chat.app.test" }))},
	{code: "WS406", name: "no name asked for", change: all(alert(record.Client, wiretls.BadCertificate), chain(other, intermediate), facts(func(t *record.TLSFacts) { t.SNI = "" }))},
	{code: "WS407", name: "healthy"},
	{code: "WS407", name: "an old server", change: alert(record.Server, wiretls.ProtocolVersion), title: "accepts none of the TLS versions that the client offers (TLS 1.2, TLS 1.3): it is too old", fault: record.FaultServer},
	{code: "WS407", name: "an old client", change: all(alert(record.Server, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.Hello = &wiretls.ClientHello{LegacyVersion: wiretls.TLS11} })),
		title: "does not accept the client's old TLS version (TLS 1.1 at most)", fault: record.FaultClient},
	{code: "WS407", name: "the client refuses", change: all(alert(record.Client, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.Version, t.ServerHello = "1.0", at(6, 0) })), title: "The client refused TLS 1.0", fault: record.FaultServer},
	{code: "WS407", name: "no TLS at all", change: all(alert(record.Client, wiretls.ProtocolVersion), facts(func(t *record.TLSFacts) { t.NotTLS = []byte("HTTP/1.1 400") }))},
	{code: "WS408", name: "healthy"},
	{code: "WS408", name: "none shared", change: alert(record.Server, wiretls.HandshakeFailure), title: "found no cipher suite or parameters in common with the client's 2, TLS_AES_128_GCM_SHA256 first: handshake_failure", fault: record.FaultUnknown, confidence: record.Certain},
	{code: "WS408", name: "only one", change: all(alert(record.Server, wiretls.InsufficientSecurity), facts(func(t *record.TLSFacts) { t.Hello.CipherSuites = []wiretls.CipherSuite{0x0a0a, 0x000a, 0x00ff} })), title: "with the client's only one, TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
	{code: "WS408", name: "a client certificate was wanted", change: all(alert(record.Server, wiretls.HandshakeFailure), asksCertificate())},
	{code: "WS408", name: "no host named", change: all(alert(record.Server, wiretls.HandshakeFailure), facts(func(t *record.TLSFacts) { t.SNI = "" }))},
	{code: "WS409", name: "healthy"},
	{code: "WS409", name: "unknown", change: alert(record.Server, wiretls.UnrecognizedName), title: "does not know the host 'app.test' that the ClientHello asks for: unrecognized_name", fault: record.FaultClient},
	{code: "WS409", name: "none", change: all(alert(record.Server, wiretls.UnrecognizedName), facts(func(t *record.TLSFacts) { t.SNI = "" })), title: "refused a ClientHello that names no host", confidence: record.Certain},
	{code: "WS409", name: "none, handshake_failure", change: all(alert(record.Server, wiretls.HandshakeFailure), facts(func(t *record.TLSFacts) { t.SNI = "" })), title: "names no host", confidence: record.Likely},
	{code: "WS409", name: "a warning only", change: facts(func(t *record.TLSFacts) {
		t.Alerts = []record.TLSAlert{{Ref: at(5, 0), Dir: record.Server, Code: 112, Name: "unrecognized_name"}}
	})},
	{code: "WS410", name: "healthy"},
	{code: "WS410", name: "none, TLS 1.2", change: all(alert(record.Server, wiretls.HandshakeFailure), asksCertificate()), title: "asked for a client certificate and refused to go on without one: handshake_failure", fault: record.FaultClient},
	{code: "WS410", name: "wrong one", change: all(alert(record.Server, wiretls.UnknownCA), asksCertificate(shape{names: []string{"me"}, issuer: "Some Other CA"})), title: "refused the one it got, issued by 'Some Other CA': unknown_ca"},
	{code: "WS410", name: "none, TLS 1.3", change: func(c *record.Connection) {
		asksCertificate()(c)
		c.Facts.TLS.Alerts = []record.TLSAlert{{Ref: at(9, time.Second), Dir: record.Server, Fatal: true, Code: 116, Name: "certificate_required", Encrypted: true}}
	}, title: "without one: certificate_required"},
	{code: "WS410", name: "closed without a word", change: turnedAwayIn12, title: "asked for a client certificate and ended the connection at once, without a word, as one does that refuses the one it got, issued by 'Some Other CA'",
		fault: record.FaultClient, confidence: record.Likely},
	{code: "WS410", name: "closed later", change: all(turnedAwayIn12, tcp(func(t *record.TCPFacts) { t.End = at(12, 5*time.Second) }))},
	{code: "WS410", name: "the server went on first", change: all(turnedAwayIn12, tcp(func(t *record.TCPFacts) { t.Sides[record.Server].LastData = at(8, 3*time.Millisecond) }))},
	{code: "WS410", name: "nginx says so", change: answered("400 Bad Request", "<center>No required SSL certificate was sent</center>"), title: "nginx/1.22.1 at 10.0.0.5:443 completed the TLS handshake and then refused the request: 'no required ssl certificate was sent'"},
	{code: "WS410", name: "another 400", change: answered("400 Bad Request", "Bad Request")},
	{code: "WS410", name: "asked and content", change: asksCertificate()},
	{code: "WS411", name: "healthy"},
	{code: "WS411", name: "HTTP", change: all(failed, facts(func(t *record.TLSFacts) {
		t.NotTLS, t.NotTLSDir, t.NotTLSRef = []byte("HTTP/1.1 400 Bad Request\r\nConn"), record.Server, at(6, time.Millisecond)
	})), title: "answered the TLS ClientHello with plain HTTP: 'HTTP/1.1 400 Bad Request'", fault: record.FaultClient},
	{code: "WS411", name: "something else", change: all(failed, facts(func(t *record.TLSFacts) {
		t.NotTLS, t.NotTLSDir, t.NotTLSRef = []byte("\x01\x02\x03"), record.Server, at(6, time.Millisecond)
	})), title: "with something that is not TLS: '...'"},
	{code: "WS411", name: "SSH", change: all(failed, facts(func(t *record.TLSFacts) {
		t.NotTLS, t.NotTLSDir, t.NotTLSRef = []byte("SSH-2.0-OpenSSH_9.2\r\n"), record.Server, at(3, 0)
	})), title: "answered the TLS ClientHello with SSH"},
	{code: "WS411", name: "the client turned to something else", change: all(failed, facts(func(t *record.TLSFacts) { t.NotTLS, t.NotTLSDir = []byte("GET / HTTP/1.1"), record.Client }))},
	{code: "WS413", name: "healthy"},
	{code: "WS413", name: "Zscaler", change: chain(zscaler, intermediate), title: "Zscaler opens TLS between the client and app.test", fault: record.FaultIntermediary, severity: record.Warning},
	{code: "WS413", name: "another issuer elsewhere", change: facts(func(t *record.TLSFacts) {
		t.IssuerElsewhere = &record.IssuerElsewhere{Issuer: "CN=ACME Web Gateway CA", ID: "44", Ref: at(44, time.Second)}
	}), title: "elsewhere by 'CN=ACME Web Gateway CA': one of the two connections is opened on the way", confidence: record.Likely},
	{code: "WS413", name: "no certificate seen", change: facts(func(t *record.TLSFacts) { t.Chain = nil })},
	{code: "WS414", name: "healthy"},
	{code: "WS414", name: "none shared", change: all(alert(record.Server, wiretls.NoApplicationProtocol), facts(func(t *record.TLSFacts) { t.ALPNOffered = []string{"\x0a\x0a", "http/1.1"} })),
		title: "speaks none of the protocols that the client offers (http/1.1): no_application_protocol", fault: record.FaultServer},
	{code: "WS414", name: "h2 and an Upgrade", change: all(answered("400 Bad Request", ""), facts(func(t *record.TLSFacts) { t.ALPN = "h2" })), title: "selected 'h2' in TLS, and the client sent an HTTP/1.1 Upgrade request all the same"},
	{code: "WS414", name: "h2, and the client leaves", change: all(leaves, atH2), title: "selected 'h2' in TLS and began HTTP/2, and the client left without a word", fault: record.FaultServer, confidence: record.Likely},
	{code: "WS405", name: "it left at HTTP/2", change: all(leaves, chain(good), atH2)},
	{code: "WS414", name: "http/1.1", change: all(answered("400 Bad Request", ""), facts(func(t *record.TLSFacts) { t.ALPN = "http/1.1" }))},
	{code: "WS414", name: "h2 and a stream", change: all(answered("400 Bad Request", ""), facts(func(t *record.TLSFacts) { t.ALPN = "h2" }), func(c *record.Connection) { c.Facts.H2 = &record.H2Facts{} })},
	{code: "WS415", name: "healthy"},
	{code: "WS415", name: "refused", change: all(alert(record.Client, wiretls.BadCertificate), chain(future, intermediate)), title: "is valid only from 2026-11-29 13:00 UTC, 9 days later", fault: record.FaultServer},
	{code: "WS415", name: "the client went on", change: chain(future, intermediate), title: "but the client went on", severity: record.Warning},
	{code: "WS415", name: "OpenSSL calls it expired", change: all(alert(record.Client, wiretls.CertificateExpired), chain(good, intermediate))},
}
