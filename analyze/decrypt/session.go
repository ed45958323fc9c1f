package decrypt

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

const (
	// MaxHeld is the number of bytes of one direction that wait for the other
	// direction's hello.
	MaxHeld = 1 << 16
	// MaxFollowed is the number of bytes of a session that wait for keys, with
	// Options.Follow; MaxHeldTotal that of all sessions that share a Held.
	MaxFollowed  = 1 << 20
	MaxHeldTotal = 64 << 20
	// MaxTries is the number of sequence numbers that are tried for one record
	// after a gap of unknown content.
	MaxTries = 1024
	// maxTriedBytes bounds what all such tries of one session may cost; each
	// counts tryCost bytes beside those of the record.
	maxTriedBytes = 32 << 20
	tryCost       = 512
	// maxFails is the number of records in a row that may fail to open after a
	// gap, or while a secret is missing, before a direction is given up.
	maxFails = 64
	// maxTranscript is the number of bytes of a handshake that are kept for
	// the extended master secret, when a premaster secret is given.
	maxTranscript = 1 << 17
	// minRecord is the least length of a protected record on the wire.
	minRecord = recordHeader + 9
	// recordHeader is the length of a record's header.
	recordHeader = 5
)

// Options change what a session does. The zero value is fine.
type Options struct {
	// Resumptions, if given, serves key logs that name only the first
	// connection of a session.
	Resumptions *Resumptions
	// Scope is what connections have in common whose sessions may be resumed
	// by one another: their hosts.
	Scope string
	// Follow says that keys may still be added while the session runs: bytes
	// that lack them wait, up to MaxFollowed, and go on being counted after.
	Follow bool
	// Held, if given, bounds what several sessions hold together.
	Held *Held
	// Scratch, if given, is what sessions decrypt into that one goroutine
	// feeds, one after the other: not for TLS inside TLS, whose bytes lie there.
	Scratch *Scratch
}

// Scratch is room for the content of one record. Its zero value is ready.
type Scratch [tls.MaxRecord]byte

// Held counts the bytes that wait in several sessions. Its zero value is
// ready; it is safe for concurrent use.
type Held struct{ bytes atomic.Int64 }

// takes tells whether n more bytes may wait. Those that may are counted.
func (h *Held) takes(n int) bool {
	if h == nil {
		return true
	}
	if h.bytes.Add(int64(n)) > MaxHeldTotal {
		h.bytes.Add(int64(-n))
		return false
	}
	return true
}

func (h *Held) gives(n int) {
	if h != nil {
		h.bytes.Add(int64(-n))
	}
}

// Session follows one TLS connection. Feed it the bytes of both directions as
// they come; each direction must be in order. It is not safe for concurrent
// use, and a sink must not call back into it.
type Session struct {
	state      State
	keys       *Keys
	options    Options
	halves     [2]half
	hs         *handshake // what deriving keys needs; nil without keys
	generation uint64
	tried      int64  // bytes spent on trying
	arrived    uint64 // arrivals so far, of both directions
	hellos     [2]uint8
	scratch    *Scratch // during Feed
}

// epoch is a span of records under one kind of key (TLS 1.3).
type epoch uint8

const (
	plaintext epoch = iota
	early
	handshaking
	application
)

// half is what a session keeps of one direction.
type half struct {
	rec      tls.RecordParser
	messages *tls.HandshakeParser // while a message is incomplete
	reader   *reader              // nil: plaintext, or no key
	held     []byte
	arrivals []arrival // of what is held
	end      int64     // offset behind the last complete record
	slack    uint32    // sequence numbers that may have passed unseen
	fails    uint32    // records in a row that did not open
	since    uint64    // encrypted records since the last change of keys
	epoch    epoch
	sealed   bool // encrypted from here on (TLS 1.2 and below)
	dark     bool // not decrypted from here on
	lack     bool // dark for want of keys
	unsure   bool // a gap may have swallowed records
	opened   bool // some record has opened
	broken   bool // a gap, or the end: nobody need wait for it
	noWait   bool
}

// reader opens the records of one direction and epoch.
type reader struct {
	cipher recordCipher
	seq    uint64
	suite  suite
	secret []byte // TLS 1.3, for KeyUpdate
	rec    tls.Record
}

// arrival says how many bytes were held at once, and when: the directions go
// on in the order in which they came.
type arrival struct {
	n   int
	seq uint64
}

// maxArrivals bounds the arrivals of a direction; more count as one with the
// last.
const maxArrivals = 1 << 12

var scratches = sync.Pool{New: func() any { return new(Scratch) }}

// NewSession begins a connection. keys may be nil: then it only observes.
func NewSession(keys *Keys, o Options) *Session {
	s := &Session{keys: keys, options: o}
	if keys.Len() == 0 && !o.Follow {
		s.keys = nil
	}
	s.generation = keys.generation()
	s.halves[Client].rec.AllowSSLv2 = true
	if s.keys == nil {
		s.state.Keys = KeysNoneGiven
	}
	return s
}

// State is what is known so far. It changes with the next call of Feed.
func (s *Session) State() *State { return &s.state }

// Keyless tells that there are no keys and none will come: the session only observes.
func (s *Session) Keyless() bool { return s.keys == nil }

// Pass is a short cut for bytes amid a record that need not wait: it consumes
// all of b and returns true, or nothing and false, when they are for Feed.
func (s *Session) Pass(d Dir, b []byte) bool {
	h := &s.halves[d]
	if s.keys != nil && (h.reader == nil || s.state.ServerHello == nil || len(h.held) > 0 || s.keys.generation() != s.generation) {
		return false
	}
	return h.rec.Pass(b)
}

// Feed takes the next bytes that d sent. It keeps none of b, except what
// belongs to an incomplete record that is wanted, as a copy. Where bytes had
// to wait for the other direction, a call may report on that one as well.
func (s *Session) Feed(d Dir, b []byte, sink Sink) {
	if s.keys == nil {
		s.feed(d, b, sink)
		return
	}
	if g := s.keys.generation(); g != s.generation {
		s.generation = g
		s.newKeys()
	}
	if h := &s.halves[d]; len(h.held) > 0 || s.mustWait(d) {
		s.hold(d, b, sink)
	} else {
		s.feed(d, b, sink)
	}
	s.settle(sink)
	s.putScratch()
}

// Gap says that the next n bytes that d sent are missing, n < 0 when their
// number is unknown (the capture began late).
func (s *Session) Gap(d Dir, n int64, sink Sink) {
	if n == 0 {
		return
	}
	h, side := &s.halves[d], &s.state.Sides[d]
	s.flush(d, sink)
	side.Gaps++
	if n > 0 {
		side.GapBytes += n
	}
	s.problem(sink, Problem{Kind: LostBytes, Dir: d, Offset: h.rec.Offset(), Record: side.Records, Bytes: n})
	h.broken = true
	if !h.rec.Gap(n) {
		h.messages, h.unsure = nil, true
		if n < 0 {
			h.slack = MaxTries
		}
		if h.reader != nil {
			h.reader.cipher.lost()
		}
	}
	s.settle(sink)
	s.putScratch()
}

// End says that d sends nothing more, as far as the capture goes.
func (s *Session) End(d Dir, sink Sink) {
	s.flush(d, sink)
	s.halves[d].broken = true
	s.settle(sink)
	s.putScratch()
	s.state.Sides[d].Ended = true
	s.halves[d].rec.Release()
}

// Retry looks again for keys that bytes wait for: for callers that follow a
// key log, when secrets were added and no packet has come since.
func (s *Session) Retry(sink Sink) {
	if s.keys == nil || s.keys.generation() == s.generation {
		return
	}
	s.generation = s.keys.generation()
	s.newKeys()
	s.settle(sink)
	s.putScratch()
}

// Held is how many bytes wait in the session.
func (s *Session) Held() int { return len(s.halves[Client].held) + len(s.halves[Server].held) }

// feed processes b, and holds what of it must wait.
func (s *Session) feed(d Dir, b []byte, sink Sink) {
	if rest := s.consume(d, b, sink); len(rest) > 0 {
		s.hold(d, rest, sink)
	}
}

// consume processes b. It stops early when the rest must wait, and gives it.
func (s *Session) consume(d Dir, b []byte, sink Sink) (rest []byte) {
	h := &s.halves[d]
	for {
		switch {
		case h.dark:
			b = s.passDark(d, b, sink)
		case s.steady(h):
			if b = s.openData(d, b, sink); len(b) > 0 && s.mustWait(d) {
				return b
			}
		}
		if len(b) == 0 {
			return nil
		}
		n, ev := h.rec.Feed(b)
		b = b[n:]
		switch ev.Kind {
		case tls.NeedMore:
			return nil
		case tls.NotTLS:
			s.notTLS(d, ev.Record.Offset, sink)
			return nil
		}
		s.record(d, ev.Record, sink)
		h.end = h.rec.Offset()
		if s.keys != nil && len(b) > 0 && s.mustWait(d) {
			return b
		}
	}
}

func (s *Session) notTLS(d Dir, at int64, sink Sink) {
	side := &s.state.Sides[d]
	side.NotTLS, side.NotTLSAt = true, at
	h := &s.halves[d]
	h.broken, h.messages, h.reader = true, nil, nil
	s.problem(sink, Problem{Kind: NotTLS, Dir: d, Violation: tls.NotTLSRecord, Offset: at, Record: side.Records + 1})
}

// mustWait tells whether what d sends next cannot be understood yet: the
// server's hello needs the client's random, and what follows a ClientHello
// needs the answer to it. Captures do not always keep the order between the
// directions.
func (s *Session) mustWait(d Dir) bool {
	h := &s.halves[d]
	switch {
	case h.noWait || h.dark:
		return false
	case s.options.Follow && s.wantsKeys(h):
		return true
	case s.state.ServerHello != nil || s.halves[d.Other()].broken:
		return false
	case d == Server:
		return s.hellos[Client] == s.hellos[Server]
	}
	return s.hellos[Client] > s.hellos[Server]
}

// wantsKeys tells whether h's next records are encrypted by a key that is not
// known.
func (s *Session) wantsKeys(h *half) bool {
	return h.reader == nil && !h.dark && (h.sealed || h.epoch > plaintext) && s.state.ServerHello != nil
}

func (s *Session) hold(d Dir, b []byte, sink Sink) {
	h := &s.halves[d]
	room := MaxHeld
	if s.options.Follow && s.wantsKeys(h) {
		room = MaxFollowed - len(s.halves[d.Other()].held)
	}
	fits := s.options.Held.takes(len(b))
	if fits {
		h.held = append(h.held, b...)
		s.arrive(h, len(b))
	}
	if fits && len(h.held) <= room {
		return
	}
	s.problem(sink, Problem{Kind: HeldTooMuch, Dir: d, Offset: h.rec.Offset(), Record: s.state.Sides[d].Records})
	s.flush(d, sink)
	if !fits {
		waited := h.noWait
		h.noWait = true
		s.feed(d, b, sink)
		h.noWait = waited
	}
}

// arrive notes that n bytes were held last.
func (s *Session) arrive(h *half, n int) {
	last := len(h.arrivals) - 1
	if last >= 0 && (h.arrivals[last].seq == s.arrived || last+1 >= maxArrivals) {
		h.arrivals[last].n += n
		return
	}
	s.arrived++
	h.arrivals = append(h.arrivals, arrival{n, s.arrived})
}

// putBack holds the rest of what take gave, in front of what is still held.
func (s *Session) putBack(h *half, b []byte, seq uint64) {
	h.held = append(bytes.Clone(b), h.held...)
	h.arrivals = append([]arrival{{len(b), seq}}, h.arrivals...)
	s.options.Held.takes(len(b))
}

// take gives what a half held first.
func (s *Session) take(h *half) (b []byte, seq uint64) {
	first := h.arrivals[0]
	b, h.held, h.arrivals = h.held[:first.n], h.held[first.n:], h.arrivals[1:]
	if len(h.held) == 0 {
		h.held, h.arrivals = nil, nil
	}
	s.options.Held.gives(first.n)
	return b, first.seq
}

// release empties what is held of a half.
func (s *Session) release(h *half) []byte {
	held := h.held
	h.held, h.arrivals = nil, nil
	s.options.Held.gives(len(held))
	return held
}

// flush processes what is held, ready or not.
func (s *Session) flush(d Dir, sink Sink) {
	h := &s.halves[d]
	if len(h.held) == 0 {
		return
	}
	waited := h.noWait
	h.noWait = true
	s.feed(d, s.release(h), sink)
	h.noWait = waited
}

// settle processes what was held and need wait no longer, in the order in
// which it came.
func (s *Session) settle(sink Sink) {
	for {
		next := -1
		for d := range s.halves {
			h := &s.halves[d]
			if len(h.held) > 0 && !s.mustWait(Dir(d)) && (next < 0 || h.arrivals[0].seq < s.halves[next].arrivals[0].seq) {
				next = d
			}
		}
		if next < 0 {
			return
		}
		b, seq := s.take(&s.halves[next])
		if rest := s.consume(Dir(next), b, sink); len(rest) > 0 {
			s.putBack(&s.halves[next], rest, seq)
		}
	}
}

func (s *Session) getScratch() []byte {
	if s.options.Scratch != nil {
		return s.options.Scratch[:]
	}
	if s.scratch == nil {
		s.scratch = scratches.Get().(*Scratch)
	}
	return s.scratch[:]
}

func (s *Session) putScratch() {
	if s.scratch != nil {
		scratches.Put(s.scratch)
		s.scratch = nil
	}
}

func (s *Session) problem(sink Sink, p Problem) {
	s.state.ProblemCount++
	if len(s.state.Problems) < MaxProblems {
		s.state.Problems = append(s.state.Problems, p)
	}
	sink.Problem(p)
}
