package decrypt

import "github.com/wsleuth/wsleuth/analyze/wire/tls"

// open decrypts a record, if a key can be found that fits.
func (s *Session) open(rec Record, r tls.Record, sink Sink) {
	h, side := &s.halves[rec.Dir], &s.state.Sides[rec.Dir]
	if r.Fragment == nil {
		s.damaged(h, side)
		sink.Record(rec)
		return
	}
	plain, skipped, ok := s.tryAll(rec.Dir, &r)
	if h.reader != nil {
		h.reader.cipher.after(r.Fragment)
	}
	if !ok {
		side.Failed++
		sink.Record(rec)
		s.failed(rec, sink)
		s.guess(rec)
		return
	}
	side.Opened++
	s.state.Keys = KeysFit
	h.opened, h.unsure, h.slack, h.fails = true, false, 0, 0
	if skipped > 0 {
		s.problem(sink, Problem{Kind: LostRecords, Dir: rec.Dir, Offset: rec.Offset, Record: rec.Number, Count: skipped})
	}
	rec.Opened, rec.Early = true, h.epoch == early
	if s.state.Version >= tls.TLS13 || h.epoch == early {
		if rec.Type, plain, ok = innerType(plain); !ok {
			sink.Record(rec)
			s.violation(sink, rec, tls.BadPadding)
			return
		}
	}
	if h.messages != nil && rec.Type != tls.Handshake {
		s.violation(sink, rec, tls.HandshakeInterleaved)
		h.messages = nil
	}
	sink.Record(rec)
	s.content(rec, plain, sink)
}

// steady tells whether records of application data are known to open by the
// key in use, and none has to wait for what the other side sends.
func (s *Session) steady(h *half) bool {
	return h.opened && !h.unsure && h.slack == 0 && h.messages == nil && h.reader != nil && h.epoch != early && s.state.ServerHello != nil
}

// openData is the hot path: application data in whole records that open. It
// does what record does for them and returns what is left.
func (s *Session) openData(d Dir, b []byte, sink Sink) []byte {
	h, side, rd := &s.halves[d], &s.state.Sides[d], s.halves[d].reader
	inner := s.state.Version >= tls.TLS13
	for {
		offset := h.rec.Offset()
		n, ok := h.rec.WholeData(b)
		if !ok {
			break
		}
		rd.rec.Type, rd.rec.Version = tls.ApplicationData, tls.Version(b[1])<<8|tls.Version(b[2])
		rd.rec.Length, rd.rec.Fragment = n-recordHeader, b[recordHeader:n]
		plain, ok := rd.cipher.open(s.getScratch(), rd.seq, &rd.rec)
		kind := tls.ApplicationData
		if ok && inner {
			kind, plain, ok = innerType(plain)
		}
		if b = b[n:]; !ok || kind != tls.ApplicationData {
			r := rd.rec
			r.Offset = offset
			s.record(d, r, sink)
			h.end = h.rec.Offset()
			break
		}
		rd.cipher.after(rd.rec.Fragment)
		rd.seq++
		h.since++
		h.fails = 0
		h.end = offset + int64(n)
		side.Records++
		side.Opened++
		side.DataRecords++
		side.DataBytes += uint64(len(plain))
		rec := Record{
			Dir: d, Type: tls.ApplicationData, Length: n - recordHeader, Number: side.Records, Offset: offset,
			Sealed: true, Opened: true, AfterClose: side.CloseNotify,
		}
		if rec.AfterClose {
			side.AfterClose++
		}
		s.countSealed(rec)
		sink.Record(rec)
		if len(plain) > 0 {
			sink.ApplicationData(rec, plain)
		}
	}
	rd.rec.Fragment = nil
	return b
}

// innerType splits TLSInnerPlaintext (RFC 8446 section 5.4): content, type,
// zeros.
func innerType(b []byte) (tls.ContentType, []byte, bool) {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return tls.ContentType(b[i]), b[:i], true
		}
	}
	return 0, nil, false
}

// damaged accounts for a record of which bytes are missing: it is lost, but
// its sequence number is known. Whatever message it held is lost with it.
func (s *Session) damaged(h *half, side *Side) {
	side.Failed++
	h.unsure, h.messages = true, nil
	if h.reader != nil {
		h.reader.seq++
		h.reader.cipher.after(nil)
	}
}

// tryAll tries what could open a record: the key in use at the sequence
// numbers that a gap leaves open; then, where the change of keys may have
// passed unseen, the keys after it.
func (s *Session) tryAll(d Dir, r *tls.Record) (plain []byte, skipped uint64, ok bool) {
	h := &s.halves[d]
	if h.reader != nil {
		if plain, skipped, ok = s.try(h.reader, h.slack, r); ok {
			return plain, skipped, true
		}
	}
	if s.state.Version < tls.TLS13 || h.reader != nil && !h.unsure && h.epoch != early {
		return nil, 0, false
	}
	for e := h.epoch + 1; e <= application; e++ {
		next := s.newReader(d, e)
		if next == nil {
			continue
		}
		if plain, skipped, ok = s.try(next, h.slack, r); ok {
			h.reader, h.epoch = next, e
			return plain, skipped, true
		}
	}
	if h.reader != nil && h.epoch == application {
		if next := h.reader.update(); next != nil {
			if plain, skipped, ok = s.try(next, h.slack, r); ok {
				h.reader = next
				return plain, skipped, true
			}
		}
	}
	return nil, 0, false
}

// try tries one reader with slack sequence numbers after the next one.
func (s *Session) try(rd *reader, slack uint32, r *tls.Record) (plain []byte, skipped uint64, ok bool) {
	dst := s.getScratch()
	rd.rec = *r
	for i := uint64(0); i <= uint64(slack); i++ {
		if i > 0 {
			if s.tried += int64(len(r.Fragment)) + tryCost; s.tried > maxTriedBytes {
				break
			}
		}
		if plain, ok := rd.cipher.open(dst, rd.seq+i, &rd.rec); ok {
			rd.seq += i + 1
			rd.rec.Fragment = nil
			return plain, i, true
		}
	}
	rd.rec.Fragment = nil
	return nil, 0, false
}

// failed judges a record that did not open.
func (s *Session) failed(rec Record, sink Sink) {
	h := &s.halves[rec.Dir]
	h.fails++
	h.messages = nil
	p := Problem{Kind: RecordFailed, Dir: rec.Dir, Offset: rec.Offset, Record: rec.Number}
	switch {
	case h.reader == nil || h.epoch == early:
		// Handshake or early records whose secret is missing are no surprise.
		if h.fails <= maxFails && s.laterSecret(rec.Dir, h.epoch) {
			return
		}
		if h.reader == nil && !s.laterSecret(rec.Dir, h.epoch) {
			s.lackKeys(h)
			return
		}
		p.Kind = GaveUp
	case !h.opened && !h.unsure:
		p.Kind = WrongKeys
	case h.fails > maxFails || h.unsure && s.tried > maxTriedBytes:
		p.Kind = GaveUp
	default:
		if !h.unsure {
			h.unsure = true
			s.noteFailed(p, sink)
		}
		h.slack = min(h.slack+1, MaxTries)
		return
	}
	s.noteFailed(p, sink)
	switch {
	case s.state.Keys == KeysFit:
	case p.Kind == WrongKeys:
		s.state.Keys = KeysDoNotFit
	case s.state.Keys != KeysDoNotFit:
		s.state.Keys = KeysUndecided
	}
	s.darken(h)
}

func (s *Session) noteFailed(p Problem, sink Sink) {
	if s.state.FirstFailed.Kind == 0 {
		s.state.FirstFailed = p
	}
	s.problem(sink, p)
}

// laterSecret tells whether an epoch after e has a secret.
func (s *Session) laterSecret(d Dir, e epoch) bool {
	for e++; e <= application; e++ {
		if s.secret(d, e) != nil {
			return true
		}
	}
	return false
}
