package inflate

import "encoding/binary"

// Room that the fast loop wants in the window: the longest match, the literals
// before it, and what is written beyond it.
const fastRoom = 258 + 64 + 16

// symbols decodes compressed data to the end of the block.
func (s *Stream) symbols(p *Pool, r *run) status {
	c := fixed
	if s.dynamic {
		c = &s.tables.codes
	}
	for {
		if s.copyLen > 0 {
			s.copyMatch(r)
		}
		if r.at == len(r.window) {
			return full
		}
		st, end := goOn, false
		if len(r.window)-r.at >= fastRoom && len(r.in) >= 8 {
			st, end = s.fast(r, c)
		}
		if !end && st == goOn {
			st, end = s.slow(r, c)
		}
		if end {
			s.endBlock(p)
			return goOn
		}
		if st != goOn {
			return st
		}
	}
}

// fast decodes symbols while there is room and input for whole ones, and tells
// whether it came to the end of the block. What is not plain it leaves for
// later. It calls nothing before it is done, so that all it needs stays in
// registers.
func (s *Stream) fast(r *run, c *codes) (st status, end bool) {
	in, w, at, pos := r.in, r.window[:len(r.window):len(r.window)], r.at, 0
	acc, count := s.bits, uint(s.count)
	length, dist := 0, 0
symbols:
	for pos >= 0 && pos <= len(in)-8 && at >= 0 && at <= len(w)-fastRoom {
		acc |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int(63-count) >> 3
		count |= 56
		e := c.literals[acc&(1<<literalBits-1)]
		for int32(e) < 0 {
			w[at] = byte(e >> valueShift)
			at++
			acc >>= e & 63
			count -= uint(e & takeMask)
			if count < 2*literalBits { // for one more, and for a look at what follows
				continue symbols
			}
			e = c.literals[acc&(1<<literalBits-1)]
		}
		if pos < 0 || pos > len(in)-8 {
			break
		}
		acc |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int(63-count) >> 3
		count |= 56
		if e&flagSpecial != 0 {
			if e&flagSub != 0 {
				acc >>= literalBits
				count -= literalBits
				e = c.literals[uint64(e>>valueShift)+acc&(1<<(e>>codeShift&codeMask)-1)]
				if int32(e) < 0 {
					w[at] = byte(e >> valueShift)
					at++
					acc >>= e & 63
					count -= uint(e & takeMask)
					continue
				}
			}
			if e&flagSpecial != 0 {
				acc >>= e & 63
				count -= uint(e & takeMask)
				if end = e&flagEnd != 0; !end {
					st = corrupt
				}
				break
			}
		}
		length = int(e>>valueShift) + int(acc&(1<<(e&63)-1)>>(e>>codeShift&codeMask))
		acc >>= e & 63
		count -= uint(e & takeMask)
		e = c.distances[acc&(1<<distBits-1)]
		if e&flagSpecial != 0 {
			if e&flagSub == 0 {
				st = corrupt
				break
			}
			acc >>= distBits
			count -= distBits
			e = c.distances[uint64(e>>valueShift)+acc&(1<<(e>>codeShift&codeMask)-1)]
		}
		dist = int(e>>valueShift) + int(acc&(1<<(e&63)-1)>>(e>>codeShift&codeMask))
		acc >>= e & 63
		count -= uint(e & takeMask)
		src := at - dist
		if dist < 8 || src < 0 || dist > int(s.limit) {
			break
		}
		// By words, writing up to 15 bytes behind the match, which are put back if
		// they still can be referred to.
		var b0, b1 uint64
		if r.base != 0 {
			behind := w[at+length:][:16]
			b0, b1 = binary.LittleEndian.Uint64(behind), binary.LittleEndian.Uint64(behind[8:])
		}
		to, from := w[at:][:16], w[src:][:16]
		binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
		binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(from[8:]))
		for k := 16; k < length; k += 8 {
			binary.LittleEndian.PutUint64(w[at+k:], binary.LittleEndian.Uint64(w[src+k:]))
		}
		if r.base != 0 {
			behind := w[at+length:][:16]
			binary.LittleEndian.PutUint64(behind, b0)
			binary.LittleEndian.PutUint64(behind[8:], b1)
		}
		at += length
		length = 0
	}
	r.in, r.at = in[pos:], at
	s.bits, s.count = acc&(1<<(count&63)-1), uint8(count)
	if length > 0 && st == goOn {
		st = s.match(r, s.bits, s.count, uint32(length), uint32(dist))
	}
	return st, end
}

// refill makes at least 56 bits ready, if the input has them. Bits above count
// are zero, or those that the next refill brings.
func refill(in []byte, pos int, acc uint64, count uint) (uint64, uint, int) {
	if pos < 0 || pos >= len(in)-7 {
		return refillLast(in, pos, acc, count)
	}
	next := binary.LittleEndian.Uint64(in[pos : pos+8])
	return acc | next<<(count&63), count | 56, pos + int(63-count)>>3
}

func refillLast(in []byte, pos int, acc uint64, count uint) (uint64, uint, int) {
	for ; count < 56 && pos < len(in); pos++ {
		acc |= uint64(in[pos]) << (count & 63)
		count += 8
	}
	return acc, count, pos
}

// copyWithin repeats what lies dist before at, and gives the place behind it.
func copyWithin(w []byte, at, dist, length int) int {
	src, end := at-dist, at+length
	if length <= 16 {
		for at < end {
			w[at] = w[src]
			at++
			src++
		}
		return at
	}
	for at < end {
		at += copy(w[at:end], w[src:at])
	}
	return at
}

// slow decodes literals and one symbol of any kind behind them. What the input
// holds only in part it leaves as it was.
func (s *Stream) slow(r *run, c *codes) (st status, end bool) {
	s.fill(r)
	for r.at < len(r.window)-1 {
		e := c.literals[s.bits&(1<<literalBits-1)]
		if e&flagLiteral == 0 || uint8(e) > s.count {
			break
		}
		r.window[r.at] = byte(e >> valueShift)
		r.at++
		s.bits >>= e & 63
		s.count -= uint8(e)
	}
	s.fill(r)
	e, value, acc, left := lookUp(c.literals[:], literalBits, s.bits, int(s.count))
	switch {
	case left < 0:
		return starved, false
	case e&flagLiteral != 0:
		s.bits, s.count = acc, uint8(left)
		r.window[r.at] = byte(value)
		r.at++
		return goOn, false
	case e&flagEnd != 0:
		s.bits, s.count = acc, uint8(left)
		return goOn, true
	case e&flagSpecial != 0:
		return corrupt, false
	}
	e, dist, acc, left := lookUp(c.distances[:], distBits, acc, left)
	switch {
	case left < 0:
		return starved, false
	case e&flagSpecial != 0:
		return corrupt, false
	}
	return s.match(r, acc, uint8(left), value, dist), false
}

// lookUp finds the entry for the next bits, its value with the extra bits, and
// what is left behind them: fewer than none if they are not all there.
func lookUp(table []entry, rootBits int, acc uint64, left int) (e entry, value uint32, rest uint64, after int) {
	e = table[acc&(1<<rootBits-1)]
	if e&flagSub != 0 {
		acc >>= rootBits
		left -= rootBits
		e = table[uint64(e>>valueShift)+acc&(1<<(e>>codeShift&codeMask)-1)]
	}
	value = e>>valueShift&valueMask + uint32(acc&(1<<(e&63)-1)>>(e>>codeShift&codeMask))
	return e, value, acc >> (e & 63), left - int(e&takeMask)
}

// match begins a match; the bits behind it are acc, left of them.
func (s *Stream) match(r *run, acc uint64, left uint8, length, dist uint32) status {
	behind := r.base + uint64(r.at)
	if dist > s.limit || uint64(dist) > behind && !s.unknown {
		return corrupt
	}
	s.bits, s.count = acc, left
	s.copyLen, s.copyDist = uint16(length), dist
	if uint64(dist) > behind && !s.tainted {
		// What was put out so far is known for sure.
		s.tainted = true
		return full
	}
	s.copyMatch(r)
	return goOn
}

// copyMatch does what there is room for of the match under way.
func (s *Stream) copyMatch(r *run) {
	w, dist := r.window, int(s.copyDist)
	for s.copyLen > 0 && r.at < len(w) {
		n := min(int(s.copyLen), len(w)-r.at)
		behind := r.base + uint64(r.at)
		from := (r.at - dist) & (len(w) - 1)
		switch {
		case uint64(dist) > behind:
			n = int(min(uint64(n), uint64(dist)-behind))
			for i := range n {
				w[r.at+i] = ' '
			}
			r.at += n
		case from < r.at:
			r.at = copyWithin(w, r.at, r.at-from, n)
		default:
			n = copy(w[r.at:r.at+n], w[from:])
			r.at += n
		}
		s.copyLen -= uint16(n)
	}
}
