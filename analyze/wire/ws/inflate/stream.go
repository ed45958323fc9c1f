package inflate

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt says that the bytes are no DEFLATE data, or refer back further
// than there is output or than the window reaches.
var ErrCorrupt = errors.New("inflate: corrupt data")

// phase is what a Stream expects next.
type phase uint8

const (
	phaseHead    phase = iota // the three bits before a block
	phaseSize                 // LEN and NLEN of a stored block
	phaseStored               // its bytes
	phaseCounts               // HLIT, HDIST, HCLEN of a dynamic block
	phasePrecode              // the code for the lengths of the codes
	phaseLengths              // those lengths
	phaseSymbols              // compressed data
	phaseCorrupt
)

// Stream is the state of one DEFLATE stream. It needs Reset before use.
type Stream struct {
	bits   uint64 // read and not used; those above count are zero
	pos    uint64 // bytes put out into the window
	window []byte // owned, or nil: the Pool's is used
	tables *tables

	copyDist uint32
	limit    uint32 // farthest that may be referred back
	copyLen  uint16 // of the match under way
	stored   uint16 // bytes of the stored block that are to come
	literals uint16 // number of codes in a dynamic block
	dists    uint16
	have     uint16 // lengths read so far
	count    uint8  // of bits
	precodes uint8
	phase    phase
	final    bool // the block is the last one
	dynamic  bool // the block's codes are in tables
	charged  bool // the Budget knows of tables
	ended    bool
	unknown  bool // there was output before pos 0, and it is unknown
	tainted  bool
	dropped  bool
}

// Reset begins a new stream whose sender may refer back 1<<windowBits bytes; 0
// stands for 15, and 8 for 9 because zlib cannot do with less. unknown says
// that there was output before of which nothing is known: references to it are
// allowed then, and yield spaces.
func (s *Stream) Reset(p *Pool, windowBits uint8, unknown bool) {
	s.Release(p)
	switch {
	case windowBits == 0 || windowBits > maxWindowBits:
		windowBits = maxWindowBits
	case windowBits < 9:
		windowBits = 9
	}
	*s = Stream{limit: 1 << windowBits, unknown: unknown}
}

// Release gives all memory back. The Stream needs Reset before further use.
func (s *Stream) Release(p *Pool) {
	p.giveWindow(s.window)
	s.window = nil
	s.dropTables(p)
	s.phase = phaseCorrupt
}

func (s *Stream) dropTables(p *Pool) {
	if s.tables == nil {
		return
	}
	if s.charged {
		p.budget.Give(tablesSize)
		s.charged = false
	}
	p.giveTables(s.tables)
	s.tables = nil
}

// AtBoundary reports whether the input so far ends a block and a byte.
func (s *Stream) AtBoundary() bool { return s.phase == phaseHead && s.count == 0 }

// EndMessage reports whether a message may end here: the four octets that its
// sender took off its end, "00 00 ff ff" (RFC 7692, section 7.2.1), are what is
// missing to the end of a block, or nothing is. If it says no, Step through
// Tail before calling the message corrupt.
func (s *Stream) EndMessage(p *Pool) bool {
	if s.phase == phaseSize && s.count == 0 {
		s.endBlock(p)
	}
	return s.AtBoundary()
}

// Tail is what the sender of a message takes off its end.
var Tail = []byte{0x00, 0x00, 0xff, 0xff}

// Ended reports whether a block marked as the last has ended. The Stream goes
// on with the next byte: a WebSocket message may have several such blocks (RFC
// 7692, section 7.2.3.4).
func (s *Stream) Ended() bool { return s.ended }

// Tainted reports whether output of the following Steps may be unknown bytes,
// since it refers back to what is unknown.
func (s *Stream) Tainted() bool { return s.tainted }

// Dropped reports whether the window was lost to the Budget's limit.
func (s *Stream) Dropped() bool { return s.dropped }

// Empty reports whether nothing was put out yet, and nothing is known to have
// been before.
func (s *Stream) Empty() bool { return s.pos == 0 && !s.unknown }

// Parked reports whether the Stream keeps nothing in the Pool's window.
func (s *Stream) Parked() bool { return s.window != nil || s.pos == 0 }

// Park moves what the Stream has to remember to memory of its own, so that the
// Pool can serve another one. When the Budget refuses the window, the output so
// far becomes unknown (Dropped). It reports false, and the Stream is Released,
// when the Budget refuses what cannot be done without.
func (s *Stream) Park(p *Pool) bool {
	if s.tables != nil && !s.charged {
		if !p.budget.Take(tablesSize) {
			s.Release(p)
			return false
		}
		s.charged = true
	}
	if s.Parked() {
		return true
	}
	n := int(min(s.pos, uint64(s.limit)))
	w := p.takeWindow(n)
	if w == nil {
		s.forget()
		return true
	}
	at := int(s.pos % MaxWindow)
	if at >= n {
		copy(w, p.window[at-n:at])
	} else {
		k := copy(w, p.window[MaxWindow-(n-at):])
		copy(w[k:], p.window[:at])
	}
	s.window, s.pos = w, uint64(n)
	return true
}

func (s *Stream) forget() {
	s.pos, s.unknown, s.dropped = 0, true, true
}

// run is one Step: its input and where its output goes.
type run struct {
	in     []byte // not yet read
	window []byte
	at     int    // where the next byte is put
	base   uint64 // base+at is the number of bytes put out
}

// status says why a phase stopped.
type status uint8

const (
	goOn    status = iota
	starved        // the input is used up
	full           // the output has to be taken away first
	corrupt
)

// Step reads from in and gives the number of bytes read, which is less than all
// only when more or with an error, and the output so far, valid until the next
// Step of any Stream of the Pool. more says that the output has to be taken
// before the rest can follow: call Step again with the rest of in, even if that
// is empty.
func (s *Stream) Step(p *Pool, in []byte) (n int, out []byte, more bool, err error) {
	r := run{in: in, window: s.window}
	if r.window == nil {
		r.window = p.window[:]
	} else if s.pos == uint64(len(r.window)) && len(r.window) < int(s.limit) {
		s.grow(p, &r)
	}
	r.at = int(s.pos) & (len(r.window) - 1)
	r.base = s.pos - uint64(r.at)
	start := r.at
	st := goOn
	for st == goOn {
		st = s.advance(p, &r)
	}
	s.pos = r.base + uint64(r.at)
	if st == corrupt {
		s.phase = phaseCorrupt
		err = ErrCorrupt
	}
	return len(in) - len(r.in), r.window[start:r.at], st == full, err
}

// grow doubles an owned window that is full.
func (s *Stream) grow(p *Pool, r *run) {
	w := p.takeWindow(2 * len(s.window))
	if w == nil {
		p.giveWindow(s.window)
		s.window, r.window = nil, p.window[:]
		s.forget()
		return
	}
	copy(w, s.window)
	p.giveWindow(s.window)
	s.window, r.window = w, w
}

func (s *Stream) advance(p *Pool, r *run) status {
	switch s.phase {
	case phaseHead:
		return s.head(p, r)
	case phaseSize:
		return s.size(r)
	case phaseStored:
		return s.copyStored(p, r)
	case phaseCounts:
		return s.counts(r)
	case phasePrecode:
		return s.precode(r)
	case phaseLengths:
		return s.lengths(r)
	case phaseSymbols:
		return s.symbols(p, r)
	}
	return corrupt
}

// need makes at least n bits ready, n up to 32.
func (s *Stream) need(r *run, n uint8) bool {
	for s.count < n {
		if len(r.in) == 0 {
			return false
		}
		s.bits |= uint64(r.in[0]) << s.count
		s.count += 8
		r.in = r.in[1:]
	}
	return true
}

func (s *Stream) take(n uint8) uint32 {
	v := uint32(s.bits & (1<<n - 1))
	s.bits >>= n
	s.count -= n
	return v
}

// head reads "BFINAL" and "BTYPE" (RFC 1951, section 3.2.3).
func (s *Stream) head(p *Pool, r *run) status {
	if !s.need(r, 3) {
		return starved
	}
	s.final = s.take(1) == 1
	switch s.take(2) {
	case 0:
		// "Any bits of input up to the next byte boundary are ignored."
		s.take(s.count & 7)
		s.phase = phaseSize
	case 1:
		s.dynamic = false
		s.phase = phaseSymbols
	case 2:
		s.dynamic = true
		s.tables = p.takeTables()
		s.phase = phaseCounts
	default:
		return corrupt
	}
	return goOn
}

func (s *Stream) endBlock(p *Pool) {
	s.dropTables(p)
	s.phase = phaseHead
	if s.final {
		s.take(s.count & 7)
		s.ended = true
	}
}

func (s *Stream) size(r *run) status {
	if !s.need(r, 32) {
		return starved
	}
	n, inverse := s.take(16), s.take(16)
	if n != ^inverse&0xFFFF {
		return corrupt
	}
	s.stored = uint16(n)
	s.phase = phaseStored
	return goOn
}

func (s *Stream) copyStored(p *Pool, r *run) status {
	for s.stored > 0 {
		if r.at == len(r.window) {
			return full
		}
		if s.count > 0 {
			r.window[r.at] = byte(s.take(8))
			r.at++
			s.stored--
			continue
		}
		n := copy(r.window[r.at:], r.in[:min(len(r.in), int(s.stored))])
		if n == 0 {
			return starved
		}
		r.in = r.in[n:]
		r.at += n
		s.stored -= uint16(n)
	}
	s.endBlock(p)
	return goOn
}

// counts reads HLIT, HDIST and HCLEN (section 3.2.7).
func (s *Stream) counts(r *run) status {
	if !s.need(r, 14) {
		return starved
	}
	s.literals = uint16(s.take(5)) + 257
	s.dists = uint16(s.take(5)) + 1
	s.precodes = uint8(s.take(4)) + 4
	if s.literals > maxLiterals || s.dists > maxDistances {
		return corrupt
	}
	s.have = 0
	clear(s.tables.lengths[:precodes])
	s.phase = phasePrecode
	return goOn
}

var precodeOrder = [precodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (s *Stream) precode(r *run) status {
	for ; s.have < uint16(s.precodes); s.have++ {
		if !s.need(r, 3) {
			return starved
		}
		s.tables.lengths[precodeOrder[s.have]] = uint8(s.take(3))
	}
	if !build(s.tables.precode[:], precodeBits, s.tables.lengths[:precodes], precodeEntries[:]) {
		return corrupt
	}
	s.have = 0
	s.phase = phaseLengths
	return goOn
}

// lengths reads the code lengths of both codes, run-length encoded.
func (s *Stream) lengths(r *run) status {
	t := s.tables
	for total := s.literals + s.dists; s.have < total; {
		if s.count < 14 { // the longest: a code of 7 bits and 7 extra ones
			s.fill(r)
		}
		e := t.precode[s.bits&(1<<precodeBits-1)]
		n := uint8(e & takeMask)
		if n > s.count {
			return starved
		}
		if e&flagSpecial != 0 {
			return corrupt
		}
		symbol := uint8(e >> valueShift)
		if symbol < 16 {
			s.take(n)
			t.lengths[s.have] = symbol
			s.have++
			continue
		}
		if st := s.repeat(n, symbol, total); st != goOn {
			return st
		}
	}
	if !build(t.literals[:], literalBits, t.lengths[:s.literals], literalEntries[:]) ||
		!build(t.distances[:], distBits, t.lengths[s.literals:s.literals+s.dists], distanceEntries[:]) {
		return corrupt
	}
	s.phase = phaseSymbols
	return goOn
}

// repeat does the symbols 16 to 18, whose code has n bits.
func (s *Stream) repeat(n, symbol uint8, total uint16) status {
	t := s.tables
	var extra uint8
	var base uint16
	var value uint8
	switch symbol {
	case 16:
		if s.have == 0 {
			return corrupt
		}
		extra, base, value = 2, 3, t.lengths[s.have-1]
	case 17:
		extra, base = 3, 3
	default:
		extra, base = 7, 11
	}
	if n+extra > s.count {
		return starved
	}
	s.take(n)
	times := base + uint16(s.take(extra))
	if s.have+times > total {
		return corrupt
	}
	run := t.lengths[s.have : s.have+times]
	if value == 0 {
		clear(run)
	} else {
		for i := range run {
			run[i] = value
		}
	}
	s.have += times
	return goOn
}

// fill makes as many bits ready as there are, 48 at least if it can.
func (s *Stream) fill(r *run) {
	if len(r.in) >= 8 {
		if s.count < 56 {
			s.bits |= binary.LittleEndian.Uint64(r.in) << s.count
			n := (63 - s.count) >> 3
			r.in = r.in[n:]
			s.count += n * 8
			s.bits &= 1<<s.count - 1
		}
		return
	}
	for s.count <= 48 && len(r.in) > 0 {
		s.bits |= uint64(r.in[0]) << s.count
		s.count += 8
		r.in = r.in[1:]
	}
}
