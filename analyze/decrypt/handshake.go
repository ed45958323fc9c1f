package decrypt

import (
	"bytes"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// handshake is what deriving the keys of TLS 1.2 and below needs. It is that
// of the latest handshake: there may be renegotiations.
type handshake struct {
	clientRandom, serverRandom [32]byte
	offeredTicket, offeredID   []byte
	newTicket                  []byte
	sessionID                  []byte // the server's
	extendedMaster             bool
	resumed                    bool
	params                     params
	encryptedPremaster         []byte // its first bytes
	collect                    bool   // keep the transcript
	transcript                 []byte
	sessionHash                []byte
	master                     []byte
}

// message notes what a handshake message says; false when it does not parse.
func (s *Session) message(rec Record, m tls.Message) (ok bool) {
	if s.hs != nil && s.hs.collect {
		s.hs.addTranscript(m)
	}
	if rec.Dir == Client {
		return s.clientMessage(rec, m)
	}
	return s.serverMessage(rec, m)
}

func (h *handshake) addTranscript(m tls.Message) {
	if m.Type == tls.HelloRequest {
		return
	}
	if m.Type == tls.TypeClientHello {
		h.transcript = h.transcript[:0]
	}
	if len(h.transcript)+len(m.Raw) > maxTranscript {
		h.collect, h.transcript = false, nil
		return
	}
	h.transcript = append(h.transcript, m.Raw...)
}

func (s *Session) clientMessage(rec Record, m tls.Message) bool {
	switch m.Type {
	case tls.TypeClientHello:
		s.hellos[Client]++
		hello, err := tls.ParseClientHello(m.Body)
		if err != nil {
			return false
		}
		s.clientHello(hello)
		if s.hs != nil && s.hs.collect && len(s.hs.transcript) == 0 {
			s.hs.addTranscript(m)
		}
	case tls.ClientKeyExchange:
		s.clientKeyExchange(m.Body)
	case tls.TypeCertificate:
		chain, err := tls.ParseCertificates(s.state.Version, m.Body)
		s.state.ClientChain = chain
		return err == nil
	case tls.EndOfEarlyData:
		if rec.Opened && s.halves[Client].epoch == early {
			s.enter(Client, handshaking)
		}
	default:
		return s.eitherMessage(rec, m)
	}
	return true
}

func (s *Session) serverMessage(rec Record, m tls.Message) bool {
	var err error
	switch m.Type {
	case tls.TypeServerHello:
		s.hellos[Server]++
		var hello *tls.ServerHello
		if hello, err = tls.ParseServerHello(m.Body); err == nil {
			s.serverHello(hello)
		}
	case tls.EncryptedExtensions:
		var ee *tls.EncryptedExtensionsMessage
		if ee, err = tls.ParseEncryptedExtensions(m.Body); err == nil {
			s.state.ALPN, s.state.EarlyAccepted = ee.ALPN, ee.EarlyData
		}
	case tls.TypeCertificate:
		s.state.ServerChain, err = tls.ParseCertificates(s.state.Version, m.Body)
	case tls.CertificateRequest:
		s.state.CertificateRequested = true
	case tls.NewSessionTicket:
		if s.hs != nil && s.state.Version < tls.TLS13 {
			var ticket []byte
			ticket, err = tls.ParseNewSessionTicket(m.Body)
			s.hs.newTicket = bytes.Clone(ticket)
		}
	default:
		return s.eitherMessage(rec, m)
	}
	return err == nil
}

func (s *Session) eitherMessage(rec Record, m tls.Message) bool {
	h, side := &s.halves[rec.Dir], &s.state.Sides[rec.Dir]
	switch m.Type {
	case tls.Finished:
		side.Finished = Certain
		if rec.Opened && s.state.Version >= tls.TLS13 && h.epoch == handshaking {
			s.enter(rec.Dir, application)
		}
	case tls.KeyUpdate:
		side.KeyUpdates++
		if rec.Opened && h.epoch == application && h.reader != nil {
			if next := h.reader.update(); next != nil {
				h.reader = next
			}
		}
		_, err := tls.ParseKeyUpdate(m.Body)
		return err == nil
	}
	return true
}

func (s *Session) clientHello(hello *tls.ClientHello) {
	if s.state.ClientHello == nil {
		s.state.ClientHello = hello
		s.state.EarlyOffered = hello.EarlyData
	}
	if s.keys == nil {
		return
	}
	// A fresh start, except that a second hello after a HelloRetryRequest
	// continues the handshake.
	s.hs = &handshake{
		clientRandom: hello.Random, offeredTicket: hello.SessionTicket, offeredID: hello.SessionID,
		collect: hello.MaxVersion() >= tls.TLS10 && s.keys.premasters(),
	}
}

func (s *Session) serverHello(hello *tls.ServerHello) {
	if hello.HelloRetry {
		s.state.HelloRetry, s.state.RetryGroup = true, hello.KeyShare
		return
	}
	if s.state.ServerHello != nil {
		s.state.Renegotiations++
	} else {
		s.state.ServerHello = hello
		s.state.Version, s.state.CipherSuite, s.state.ALPN = hello.Version, hello.CipherSuite, hello.ALPN
	}
	if hello.Version >= tls.TLS13 {
		s.state.Resumed = hello.PSK
		s.start13()
		return
	}
	if c := s.state.ClientHello; c != nil && s.state.Renegotiations == 0 {
		s.state.Resumed = resumes(hello, c.SessionID)
	}
	s.start12(hello)
}

// resumes: RFC 5246 section 7.4.1.3: "If the ClientHello.session_id was
// non-empty ... and the server is willing to establish the new connection using
// the specified session state, the server will respond with the same value";
// RFC 5077 section 3.4 has the same for tickets.
func resumes(hello *tls.ServerHello, offered []byte) bool {
	return len(offered) > 0 && bytes.Equal(hello.SessionID, offered)
}

// start13 begins encryption in both directions.
func (s *Session) start13() {
	if s.keys == nil {
		for d := range s.halves {
			s.halves[d].dark = true
			s.darken(&s.halves[d])
		}
		return
	}
	if p, ok := suiteOf(s.state.CipherSuite); !ok || p.kind >= cbcAES {
		s.unsupported("cipher suite " + s.state.CipherSuite.String())
		return
	}
	s.enter(Server, handshaking)
	switch {
	// RFC 8446 section 4.1.2: after a HelloRetryRequest the client sends no
	// more early data.
	case !s.state.EarlyOffered || s.state.HelloRetry:
		s.enter(Client, handshaking)
	case s.halves[Client].epoch != early || s.halves[Client].reader == nil:
		s.enter(Client, early)
	}
}

func (s *Session) unsupported(what string) {
	s.state.Keys, s.state.Unsupported = KeysUnsupported, what
	for d := range s.halves {
		s.darken(&s.halves[d])
	}
}

// enter begins an epoch of TLS 1.3 in one direction.
func (s *Session) enter(d Dir, e epoch) {
	h := &s.halves[d]
	h.epoch, h.opened, h.fails, h.since = e, false, 0, 0
	h.dark, h.lack, h.rec.SkipPayload = false, false, false
	if h.reader = s.newReader(d, e); h.reader != nil || s.laterSecret(d, e) {
		return
	}
	if s.state.Keys == KeysUnused {
		s.state.Keys = KeysNoMatch
	}
	if !s.options.Follow {
		s.lackKeys(h)
	}
}

// secret finds the key log's secret for an epoch.
func (s *Session) secret(d Dir, e epoch) []byte {
	if s.state.ClientHello == nil {
		return nil
	}
	known, _ := s.keys.find(&s.state.ClientHello.Random)
	switch {
	case e == early && d == Client:
		return known.traffic[clientEarly]
	case e == handshaking && d == Client:
		return known.traffic[clientHandshake]
	case e == handshaking:
		return known.traffic[serverHandshake]
	case e == application && d == Client:
		return known.traffic[clientTraffic]
	case e == application:
		return known.traffic[serverTraffic]
	}
	return nil
}

// newReader makes the reader of an epoch; nil when its secret is not known or
// cannot be one of this connection's suite.
func (s *Session) newReader(d Dir, e epoch) *reader {
	secret := s.secret(d, e)
	if secret == nil {
		return nil
	}
	p, ok := suiteOf(s.suiteFor(secret))
	if !ok {
		return nil
	}
	return newReader13(p, secret)
}

func newReader13(p suite, secret []byte) *reader {
	c, ok := newAEAD13(p, secret)
	if !ok {
		return nil
	}
	return &reader{cipher: c, suite: p, secret: secret}
}

// suiteFor is the connection's suite; before the ServerHello, for 0-RTT data,
// the first one offered whose hash is as long as the secret.
func (s *Session) suiteFor(secret []byte) tls.CipherSuite {
	if s.state.ServerHello != nil {
		return s.state.CipherSuite
	}
	for _, c := range s.state.ClientHello.CipherSuites {
		if p, ok := suiteOf(c); ok && c>>8 == 0x13 && p.hash.Size() == len(secret) {
			return c
		}
	}
	return 0
}

// update is the reader after a KeyUpdate.
func (rd *reader) update() *reader {
	if rd.secret == nil {
		return nil
	}
	return newReader13(rd.suite, nextGeneration(rd.suite.hash, rd.secret))
}
