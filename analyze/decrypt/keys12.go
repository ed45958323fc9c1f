package decrypt

import (
	"bytes"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// start12 notes what the ServerHello settled in TLS 1.2 and below.
func (s *Session) start12(hello *tls.ServerHello) {
	if s.keys == nil {
		return
	}
	p, ok := suiteOf(hello.CipherSuite)
	what := ""
	switch {
	case !ok:
		what = "cipher suite " + hello.CipherSuite.String()
	case hello.Version < tls.TLS10:
		what = hello.Version.String()
	case hello.Compression != 0:
		what = "compression"
	}
	if what != "" {
		// The rest of the handshake is in plaintext: go on reading it.
		s.state.Keys, s.state.Unsupported, s.hs = KeysUnsupported, what, nil
		return
	}
	if s.hs == nil {
		return
	}
	s.hs.serverRandom = hello.Random
	s.hs.sessionID = hello.SessionID
	s.hs.extendedMaster = hello.ExtendedMasterSecret
	s.hs.resumed = resumes(hello, s.hs.offeredID)
	s.hs.params = params{p, hello.Version, hello.EncryptThenMAC}
}

// clientKeyExchange keeps what finds a premaster secret in the key log, and
// the session hash up to here: RFC 7627 section 3, "up to and including the
// ClientKeyExchange".
func (s *Session) clientKeyExchange(body []byte) {
	if s.hs == nil || !s.hs.collect {
		return
	}
	if len(body) > 2+8 {
		s.hs.encryptedPremaster = bytes.Clone(body[2 : 2+8])
	}
	if s.hs.extendedMaster { // so a ServerHello was seen, and its suite is known
		s.hs.sessionHash = sessionHash(s.hs.params.version, s.hs.params.suite.hash, s.hs.transcript)
	}
	s.hs.collect, s.hs.transcript = false, nil
}

// changeKeys puts new keys into use in one direction, at its
// change_cipher_spec (TLS 1.2 and below).
func (s *Session) changeKeys(d Dir) {
	h := &s.halves[d]
	h.sealed, h.opened, h.fails, h.since = true, false, 0, 0
	h.messages = nil
	if s.keys == nil || s.state.Keys == KeysUnsupported {
		s.darken(h)
		return
	}
	if h.dark && !h.lack {
		return
	}
	if h.reader = s.newReader12(d); h.reader != nil {
		h.dark, h.lack, h.rec.SkipPayload = false, false, false
		return
	}
	if s.state.Keys == KeysUnused {
		s.state.Keys = KeysNoMatch
	}
	if !s.options.Follow {
		s.lackKeys(h)
	}
}

func (s *Session) newReader12(d Dir) *reader {
	hs := s.hs
	if hs == nil || s.state.ServerHello == nil {
		return nil
	}
	if hs.master == nil {
		hs.master = s.findMaster()
	}
	if hs.master == nil {
		return nil
	}
	s.remember()
	client, server := keyBlock(hs.params, hs.master, hs.clientRandom[:], hs.serverRandom[:])
	keys := client
	if d == Server {
		keys = server
	}
	c, ok := newCipher12(hs.params, keys)
	if !ok {
		return nil
	}
	return &reader{cipher: c, suite: hs.params.suite}
}

// findMaster looks for the master secret wherever a key log, or an earlier
// connection, may have it.
func (s *Session) findMaster() []byte {
	hs := s.hs
	known, _ := s.keys.find(&hs.clientRandom)
	if known.master != nil {
		return known.master
	}
	if master := s.keys.bySession(hs.sessionID); master != nil {
		return master
	}
	if hs.resumed {
		if master := s.options.Resumptions.get(byTicket, s.options.Scope, hs.offeredTicket); master != nil {
			return master
		}
		if master := s.options.Resumptions.get(byID, s.options.Scope, hs.sessionID); master != nil {
			return master
		}
	}
	premaster := known.premaster
	if premaster == nil {
		premaster = s.keys.byRSA(hs.encryptedPremaster)
	}
	if premaster == nil || hs.extendedMaster && hs.sessionHash == nil {
		return nil
	}
	return masterFromPremaster(hs.params.version, hs.params.suite.hash, premaster, hs.clientRandom[:], hs.serverRandom[:], hs.sessionHash)
}

// remember keeps the master secret for connections that resume this session.
func (s *Session) remember() {
	hs := s.hs
	s.options.Resumptions.put(byTicket, s.options.Scope, hs.newTicket, hs.master)
	if !hs.resumed {
		s.options.Resumptions.put(byID, s.options.Scope, hs.sessionID, hs.master)
	}
}

// newKeys serves keys that came late: for what waits, and for directions that
// have passed undecrypted so far.
func (s *Session) newKeys() {
	if s.state.ServerHello == nil || s.state.Keys == KeysUnsupported {
		return
	}
	for d := range s.halves {
		h := &s.halves[d]
		switch {
		case s.wantsKeys(h):
			h.reader = s.lateReader(Dir(d))
		case h.lack:
			s.resume(Dir(d))
		}
	}
}

func (s *Session) lateReader(d Dir) *reader {
	if s.state.Version >= tls.TLS13 {
		return s.newReader(d, s.halves[d].epoch)
	}
	return s.newReader12(d)
}

// resume takes up decryption amid a direction. How many records have passed
// is known; in TLS 1.3, not under which key.
func (s *Session) resume(d Dir) {
	h := &s.halves[d]
	if s.state.Version >= tls.TLS13 {
		if !s.laterSecret(d, h.epoch-1) || h.epoch == plaintext {
			return
		}
		h.reader = s.newReader(d, h.epoch)
		h.slack = uint32(min(h.since, MaxTries))
	} else {
		if h.reader = s.newReader12(d); h.reader == nil {
			return
		}
		h.reader.seq = h.since
		h.reader.cipher.lost()
	}
	h.dark, h.lack, h.opened, h.unsure, h.fails = false, false, false, true, 0
	h.rec.SkipPayload = false
}
