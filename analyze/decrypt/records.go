package decrypt

import "github.com/wsleuth/wsleuth/analyze/wire/tls"

// record takes one complete record.
func (s *Session) record(d Dir, r tls.Record, sink Sink) {
	h, side := &s.halves[d], &s.state.Sides[d]
	side.Records++
	rec := Record{
		Dir: d, Type: r.Type, Length: r.Length, Number: side.Records, Offset: r.Offset,
		AfterClose: side.CloseNotify, Missing: r.Missing, Sealed: s.isSealed(h, &r),
	}
	if rec.AfterClose {
		side.AfterClose++
	}
	if r.Resync {
		s.resync(h, &r)
	}
	if r.Violation != tls.NoViolation {
		s.violation(sink, rec, r.Violation)
	}
	if r.Type != tls.Handshake && h.messages != nil && !rec.Sealed {
		s.violation(sink, rec, tls.HandshakeInterleaved)
		h.messages = nil
	}
	if !rec.Sealed {
		s.plain(rec, r, sink)
		return
	}
	s.countSealed(rec)
	h.since++
	if !h.sealed && h.epoch == plaintext {
		s.unannounced(rec)
	}
	if h.dark || s.keys == nil {
		s.unopened(rec, sink)
		return
	}
	s.open(rec, r, sink)
}

// isSealed tells whether a record is encrypted. In TLS 1.3 that is what the
// type application_data on the outside means; below, all that follows
// change_cipher_spec, except an alert too short for it.
func (s *Session) isSealed(h *half, r *tls.Record) bool {
	if r.Type == tls.ApplicationData {
		return true
	}
	return h.sealed && (r.Type != tls.AlertRecord || r.Length != 2)
}

// resync estimates how many records a gap swallowed.
func (s *Session) resync(h *half, r *tls.Record) {
	if lost := (r.Offset - h.end) / minRecord; lost < MaxTries-int64(h.slack) {
		h.slack += uint32(lost)
	} else {
		h.slack = MaxTries
	}
}

// unannounced serves encrypted data without the message that announced it,
// which a gap has swallowed, or because the capture began late.
func (s *Session) unannounced(rec Record) {
	h := &s.halves[rec.Dir]
	if s.state.ServerHello == nil {
		if rec.Dir == Client && s.state.EarlyOffered && s.keys != nil {
			s.enter(Client, early)
			return
		}
		s.lackKeys(h)
		return
	}
	if s.state.Version < tls.TLS13 {
		s.changeKeys(rec.Dir)
		h.unsure, h.slack = true, MaxTries
	}
}

// lackKeys makes h dark. The records after this one are not copied any more.
func (s *Session) lackKeys(h *half) {
	h.dark, h.lack = true, true
	s.darken(h)
	if s.state.Keys == KeysUnused {
		s.state.Keys = KeysNoMatch
	}
}

// darken frees what decryption needed.
func (s *Session) darken(h *half) {
	h.dark, h.reader, h.messages = true, nil, nil
	h.rec.SkipPayload = true
}

// passDark is the hot path: whole records of application data that stay
// encrypted. It does what record does for them and returns what is left.
func (s *Session) passDark(d Dir, b []byte, sink Sink) []byte {
	h, side := &s.halves[d], &s.state.Sides[d]
	for {
		n, length, ok := h.rec.PassData(b)
		if !ok {
			return b
		}
		b = b[n:]
		offset := h.end
		h.end = h.rec.Offset()
		h.since++
		side.Records++
		side.DataRecords++
		rec := Record{
			Dir: d, Type: tls.ApplicationData, Length: length, Number: side.Records, Offset: offset,
			Sealed: true, AfterClose: side.CloseNotify,
		}
		if rec.AfterClose {
			side.AfterClose++
		}
		s.countSealed(rec)
		sink.Record(rec)
		if side.Finished == Unknown {
			s.guessFinished(rec)
		}
	}
}

func (s *Session) countSealed(rec Record) {
	side := &s.state.Sides[rec.Dir]
	side.Sealed++
	side.SealedBytes += uint64(rec.Length)
	side.LastSealed = uint16(rec.Length)
	if side.Sealed == 1 {
		side.FirstSealed = uint16(rec.Length)
	}
	if rec.Type == tls.ApplicationData && s.state.SizeCount < MaxSizes {
		s.state.Sizes[s.state.SizeCount] = Size{rec.Dir, uint16(rec.Length)}
		s.state.SizeCount++
	}
}

// unopened serves an encrypted record that stays so: its outside still says a
// little.
func (s *Session) unopened(rec Record, sink Sink) {
	side := &s.state.Sides[rec.Dir]
	sink.Record(rec)
	switch rec.Type {
	case tls.ApplicationData:
		side.DataRecords++
	case tls.AlertRecord:
		s.alert(rec, AlertFact{Dir: rec.Dir, Encrypted: true, Opaque: true, Offset: rec.Offset}, sink)
	}
	s.guess(rec)
}

// guess tells by the outside of a record that stays encrypted, for want of a
// key or with one that does not fit, whether it is a Finished.
func (s *Session) guess(rec Record) {
	side := &s.state.Sides[rec.Dir]
	switch rec.Type {
	case tls.ApplicationData:
		s.guessFinished(rec)
	case tls.Handshake:
		// RFC 5246 section 7.4.9: Finished "is always sent immediately after a
		// change cipher spec message".
		if s.halves[rec.Dir].since == 1 && side.Finished == Unknown {
			side.Finished = Likely
		}
	}
}

// guessFinished: in TLS 1.3 what the client sends first under encryption is
// its Finished, if it is long enough for one, or an alert; with 0-RTT data
// before it, it is what is just as long. A server is done when its client is.
func (s *Session) guessFinished(rec Record) {
	if s.state.Version < tls.TLS13 || s.state.ServerHello == nil || rec.Dir != Client {
		return
	}
	if s.state.Sides[Client].Finished != Unknown {
		return
	}
	hash := 32
	if p, ok := suiteOf(s.state.CipherSuite); ok {
		hash = p.hash.Size()
	}
	const tag, shortTag = 16, 8
	finished := 4 + hash + 1 // header, verify_data, content type
	if rec.Length == finished+tag || rec.Length == finished+shortTag || rec.Length > finished+shortTag && !s.state.EarlyOffered {
		for d := range s.state.Sides {
			s.state.Sides[d].Finished = max(s.state.Sides[d].Finished, Likely)
		}
	}
}

// plain serves a record that is not encrypted.
func (s *Session) plain(rec Record, r tls.Record, sink Sink) {
	h := &s.halves[rec.Dir]
	sink.Record(rec)
	if r.Fragment == nil {
		h.messages = nil
		return
	}
	if r.SSLv2 {
		s.hellos[Client]++
		if hello, err := tls.ParseSSLv2Hello(r.Fragment); err == nil {
			s.clientHello(hello)
		} else {
			s.violation(sink, rec, tls.BadMessage)
		}
		return
	}
	s.content(rec, r.Fragment, sink)
}

// content serves the plaintext of a record of any kind.
func (s *Session) content(rec Record, b []byte, sink Sink) {
	side := &s.state.Sides[rec.Dir]
	switch rec.Type {
	case tls.Handshake:
		s.handshakeBytes(rec, b, sink)
	case tls.AlertRecord:
		s.alertBytes(rec, b, sink)
	case tls.ChangeCipherSpec:
		if len(b) != 1 || b[0] != 1 {
			s.violation(sink, rec, tls.BadChangeCipherSpec)
		}
		side.ChangeCipherSpec = true
		// RFC 8446 section 5: in TLS 1.3 it means nothing.
		if s.state.ServerHello != nil && s.state.Version < tls.TLS13 {
			s.changeKeys(rec.Dir)
		}
	case tls.ApplicationData:
		side.DataRecords++
		side.DataBytes += uint64(len(b))
		if len(b) > 0 {
			sink.ApplicationData(rec, b)
		}
	}
}

// handshakeBytes joins messages. The parser lives only while one is
// incomplete.
func (s *Session) handshakeBytes(rec Record, b []byte, sink Sink) {
	h := &s.halves[rec.Dir]
	if h.messages == nil {
		h.messages = &tls.HandshakeParser{}
	}
	parser := h.messages
	for {
		n, m, ok := parser.Feed(b)
		b = b[n:]
		if !ok {
			break
		}
		if m.Violation != tls.NoViolation {
			s.violation(sink, rec, m.Violation)
		} else if !s.message(rec, m) {
			s.violation(sink, rec, tls.BadMessage)
		}
		sink.Handshake(rec, m)
	}
	if parser.Idle() && h.messages == parser {
		h.messages = nil
	}
}

func (s *Session) alertBytes(rec Record, b []byte, sink Sink) {
	a, ok := tls.ParseAlert(b)
	if !ok {
		s.violation(sink, rec, tls.BadAlert)
		return
	}
	if a.Description == tls.CloseNotify {
		s.state.Sides[rec.Dir].CloseNotify = true
	}
	s.alert(rec, AlertFact{Dir: rec.Dir, Alert: a, Encrypted: rec.Sealed, Offset: rec.Offset}, sink)
}

func (s *Session) alert(rec Record, a AlertFact, sink Sink) {
	s.state.AlertCount++
	if len(s.state.Alerts) < MaxAlerts {
		s.state.Alerts = append(s.state.Alerts, a)
	}
	sink.Alert(rec, a)
}

func (s *Session) violation(sink Sink, rec Record, v tls.Violation) {
	s.problem(sink, Problem{Kind: BrokeRule, Dir: rec.Dir, Violation: v, Offset: rec.Offset, Record: rec.Number})
}
