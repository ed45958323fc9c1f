package inflate

import "encoding/binary"

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
	s.tables.preLengths = [precodes]uint8{}
	s.phase = phasePrecode
	return goOn
}

var precodeOrder = [precodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (s *Stream) precode(p *Pool, r *run) status {
	t := s.tables
	for ; s.have < uint16(s.precodes); s.have++ {
		if !s.need(r, 3) {
			return starved
		}
		t.preLengths[precodeOrder[s.have]] = uint8(s.take(3))
	}
	n := 0
	for symbol, length := range t.preLengths {
		if length > 0 {
			t.used[n] = used(symbol) | used(length)<<lengthShift
			n++
		}
	}
	if !p.builder.build(t.precode[:], precodeBits, t.used[:n], precodeEntries[:]) {
		return corrupt
	}
	s.have, s.codes = 0, 0
	s.phase = phaseLengths
	return goOn
}

// lengths reads the code lengths of both codes, run-length encoded, and makes
// their tables.
func (s *Stream) lengths(p *Pool, r *run) status {
	t := s.tables
	total := int(s.literals + s.dists)
	in, pos := r.in, 0
	acc, count, have, n := s.bits, uint(s.count), int(s.have), int(s.codes)
	st := goOn
	for have < total {
		if count < 14 { // the longest: a code of 7 bits and 7 extra ones
			acc, count, pos = refill(in, pos, acc, count)
		}
		e := t.precode[acc&(1<<precodeBits-1)]
		symbol, take, code := used(e>>valueShift), uint(e&takeMask), uint(e>>codeShift&codeMask)
		if code > count {
			st = starved
			break
		}
		if e&flagSpecial != 0 || symbol == 16 && have == 0 {
			return corrupt
		}
		if take > count {
			st = starved
			break
		}
		if symbol < 16 {
			if symbol > 0 {
				t.used[n] = used(have) | symbol<<lengthShift
				n++
			}
			have++
		} else {
			times := int(repeats[symbol-16]) + int(acc&(1<<(take&63)-1)>>code)
			if have+times > total {
				return corrupt
			}
			if symbol == 16 && n > 0 && int(t.used[n-1]&symbolMask) == have-1 {
				n = repeatLast(t.used[:n+times], n)
			}
			have += times
		}
		acc >>= take & 63
		count -= take
	}
	s.bits, s.count, s.have, s.codes = acc&(1<<(count&63)-1), uint8(count), uint16(have), uint16(n)
	r.in = in[pos:]
	if st != goOn {
		return st
	}
	return s.codeTables(p, t.used[:n])
}

// repeats is how often at least the symbols 16 to 18 repeat a length.
var repeats = [...]uint8{3, 3, 11}

// repeatLast gives the symbols behind the last of n the length of that one.
func repeatLast(codes []used, n int) int {
	for ; n < len(codes); n++ {
		codes[n] = codes[n-1] + 1
	}
	return n
}

// codeTables makes the tables of both codes, whose symbols are numbered through.
func (s *Stream) codeTables(p *Pool, codes []used) status {
	n := len(codes)
	for n > 0 && codes[n-1]&symbolMask >= s.literals {
		n--
		codes[n] -= s.literals
	}
	t := s.tables
	if !p.builder.build(t.literals[:], literalBits, codes[:n], literalEntries[:]) ||
		!p.builder.build(t.distances[:], distBits, codes[n:], distanceEntries[:]) {
		return corrupt
	}
	s.phase = phaseSymbols
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
