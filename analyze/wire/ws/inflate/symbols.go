package inflate

import "encoding/binary"

// Room that the fast loop wants in the window: the longest match, the literals
// before it, and what is written beyond it.
const fastRoom = 258 + 64 + 16

// symbols decodes compressed data to the end of the block.
func (s *Stream) symbols(p *Pool, r *run) status {
	lits, dists := fixedLiterals, fixedDistances
	if s.dynamic {
		lits, dists = &s.tables.literals, &s.tables.distances
	}
	for {
		if s.copyLen > 0 {
			s.copyMatch(r)
		}
		if r.at == len(r.window) {
			return full
		}
		end := len(r.window)-r.at >= fastRoom && s.fast(r, lits, dists)
		st := goOn
		if !end {
			st, end = s.symbol(r, lits, dists)
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
// whether it came to the end of the block. It stops before whatever is not
// plain, and leaves at least one byte of room.
func (s *Stream) fast(r *run, lits *[literalSize]entry, dists *[distSize]entry) (end bool) {
	in, w, at, pos := r.in, r.window, r.at, 0
	acc, count := s.bits, uint(s.count)
	limit, wrapped := int(s.limit), r.base != 0
	for len(w)-at >= fastRoom {
		acc, count, pos = refill(in, pos, acc, count)
		e := lits[acc&(1<<literalBits-1)]
		if int32(e) < 0 {
			for int32(e) < 0 {
				n := uint(e & takeMask)
				if n > count {
					break
				}
				w[at] = byte(e >> valueShift)
				acc >>= n
				e = lits[acc&(1<<literalBits-1)]
				count -= n
				at++
			}
			if count < literalBits && pos < len(in) {
				continue // e was found by bits that were not all there
			}
			if e&flagLiteral != 0 {
				break
			}
			acc, count, pos = refill(in, pos, acc, count)
		}
		bits, used := acc, uint(0)
		if e&flagSpecial != 0 {
			if e&flagSub != 0 {
				bits >>= literalBits
				used = literalBits
				e = lits[uint64(e>>valueShift)+bits&(1<<(e>>extraShift&extraMask)-1)]
			}
			if e&(flagLiteral|flagEnd) != 0 && used+uint(e&takeMask) <= count {
				acc = bits >> (e & takeMask)
				count -= used + uint(e&takeMask)
				if e&flagEnd != 0 {
					end = true
					break
				}
				w[at] = byte(e >> valueShift)
				at++
				continue
			}
			if e&(flagLiteral|flagSpecial) != 0 {
				break
			}
		}
		length := int(e>>valueShift) + int(bits>>(e>>codeShift&codeMask)&(1<<(e>>extraShift&extraMask)-1))
		bits >>= e & takeMask
		used += uint(e & takeMask)
		e = dists[bits&(1<<distBits-1)]
		if e&flagSub != 0 {
			bits >>= distBits
			used += distBits
			e = dists[uint64(e>>valueShift)+bits&(1<<(e>>extraShift&extraMask)-1)]
		}
		dist := int(e>>valueShift) + int(bits>>(e>>codeShift&codeMask)&(1<<(e>>extraShift&extraMask)-1))
		used += uint(e & takeMask)
		if e&flagSpecial != 0 || used > count || dist > at || dist > limit {
			break
		}
		acc = bits >> (e & takeMask)
		count -= used
		if dist < 8 {
			at = copyWithin(w, at, dist, length)
			continue
		}
		at = copyWide(w, at, dist, length, wrapped)
	}
	s.bits, s.count = acc&(1<<(count&63)-1), uint8(count)
	r.in, r.at = in[pos:], at
	return end
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

// copyWide is copyWithin for distances of 8 and more. It writes up to 16 bytes
// behind the match, which are put back if they still can be referred to.
func copyWide(w []byte, at, dist, length int, restore bool) int {
	src, end := at-dist, at+length
	behind := w[end : end+16]
	b0, b1 := binary.LittleEndian.Uint64(behind), binary.LittleEndian.Uint64(behind[8:])
	binary.LittleEndian.PutUint64(w[at:], binary.LittleEndian.Uint64(w[src:]))
	binary.LittleEndian.PutUint64(w[at+8:], binary.LittleEndian.Uint64(w[src+8:]))
	for at += 16; at < end; at += 8 {
		binary.LittleEndian.PutUint64(w[at:], binary.LittleEndian.Uint64(w[at-dist:]))
	}
	if restore {
		binary.LittleEndian.PutUint64(behind, b0)
		binary.LittleEndian.PutUint64(behind[8:], b1)
	}
	return end
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

// symbol decodes one symbol if the input holds all of it, and leaves the input
// as it was if not.
func (s *Stream) symbol(r *run, lits *[literalSize]entry, dists *[distSize]entry) (st status, end bool) {
	s.fill(r)
	acc, left := s.bits, int(s.count)
	e, acc, left := lookUp(lits[:], literalBits, acc, left)
	if left < 0 {
		return starved, false
	}
	if e&flagLiteral != 0 {
		s.bits, s.count = acc, uint8(left)
		r.window[r.at] = byte(e >> valueShift)
		r.at++
		return goOn, false
	}
	if e&flagSpecial != 0 {
		if e&flagEnd == 0 {
			return corrupt, false
		}
		s.bits, s.count = acc, uint8(left)
		return goOn, true
	}
	extra := int(e >> extraShift & extraMask)
	length := e>>valueShift + uint32(acc&(1<<extra-1))
	acc >>= extra
	if left -= extra; left < 0 {
		return starved, false
	}
	e, acc, left = lookUp(dists[:], distBits, acc, left)
	if left < 0 {
		return starved, false
	}
	if e&flagSpecial != 0 {
		return corrupt, false
	}
	extra = int(e >> extraShift & extraMask)
	dist := e>>valueShift + uint32(acc&(1<<extra-1))
	if left -= extra; left < 0 {
		return starved, false
	}
	return s.match(r, acc>>extra, uint8(left), length, dist), false
}

// lookUp finds the entry for the next bits, and what is left behind its code:
// fewer than none if the code is not all there.
func lookUp(table []entry, rootBits int, acc uint64, left int) (entry, uint64, int) {
	e := table[acc&(1<<rootBits-1)]
	if e&flagSub != 0 {
		acc >>= rootBits
		left -= rootBits
		e = table[uint64(e>>valueShift)+acc&(1<<(e>>extraShift&extraMask)-1)]
	}
	code := e >> codeShift & codeMask
	return e, acc >> code, left - int(code)
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
