package inflate

import "encoding/binary"

// Room that the fast loop wants in the window: the longest match, and a literal
// for each bit that is ready.
const fastRoom = 258 + 64

// maxSymbolBits is the most that a match takes: a length of 15 bits with 5
// extra ones, a distance of 15 with 13.
const maxSymbolBits = 48

// symbols decodes compressed data to the end of the block.
func (s *Stream) symbols(p *Pool, r *run) status {
	lits, dists := fixedLiterals[:], fixedDistances[:]
	if s.dynamic {
		lits, dists = s.tables.literals[:], s.tables.distances[:]
	}
	for {
		if s.copyLen > 0 {
			s.copyMatch(r)
		}
		if r.at == len(r.window) {
			return full
		}
		if len(r.window)-r.at >= fastRoom {
			s.fast(r, lits, dists)
		}
		st, end := s.symbol(r, lits, dists)
		if end {
			s.endBlock(p)
			return goOn
		}
		if st != goOn {
			return st
		}
	}
}

// fast decodes symbols while there is room and input for whole ones. It stops
// before whatever is not plain, and leaves at least one byte of room.
func (s *Stream) fast(r *run, lits, dists []entry) {
	in, w, at := r.in, r.window, r.at
	acc, count := s.bits, uint(s.count)
	lits, dists = lits[:len(lits):len(lits)], dists[:len(dists):len(dists)]
	for len(w)-at >= fastRoom {
		if len(in) >= 8 {
			acc |= binary.LittleEndian.Uint64(in) << (count & 63)
			n := (63 - count) >> 3
			in = in[n:]
			count += n * 8
		} else {
			for count <= maxSymbolBits && len(in) > 0 {
				acc |= uint64(in[0]) << (count & 63)
				in = in[1:]
				count += 8
			}
		}
		e := lits[acc&(1<<literalBits-1)]
		for e&flagLiteral != 0 && count >= literalBits {
			acc >>= e & takeMask
			count -= uint(e & takeMask)
			w[at] = byte(e >> valueShift)
			at++
			e = lits[acc&(1<<literalBits-1)]
		}
		if count < maxSymbolBits {
			if len(in) == 0 {
				break
			}
			continue
		}
		bits, left := acc, count
		if e&flagSub != 0 {
			bits >>= literalBits
			left -= literalBits
			e = lits[uint64(e>>valueShift)+bits&(1<<(e>>extraShift&15)-1)]
			if e&flagLiteral != 0 {
				acc = bits >> (e & takeMask)
				count = left - uint(e&takeMask)
				w[at] = byte(e >> valueShift)
				at++
				continue
			}
		}
		if e&flagSpecial != 0 {
			break
		}
		bits >>= e & takeMask
		left -= uint(e & takeMask)
		extra := e >> extraShift & 15
		length := int(e>>valueShift) + int(bits&(1<<extra-1))
		bits >>= extra
		left -= uint(extra)
		e = dists[bits&(1<<distBits-1)]
		if e&flagSub != 0 {
			bits >>= distBits
			left -= distBits
			e = dists[uint64(e>>valueShift)+bits&(1<<(e>>extraShift&15)-1)]
		}
		if e&flagSpecial != 0 {
			break
		}
		bits >>= e & takeMask
		left -= uint(e & takeMask)
		extra = e >> extraShift & 15
		dist := int(e>>valueShift) + int(bits&(1<<extra-1))
		if dist > at || dist > int(s.limit) {
			break
		}
		acc = bits >> extra
		count = left - uint(extra)
		at = copyWithin(w, at, dist, length)
	}
	s.bits, s.count = acc&(1<<count-1), uint8(count)
	r.in, r.at = in, at
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
func (s *Stream) symbol(r *run, lits, dists []entry) (st status, end bool) {
	s.fill(r)
	acc, left := s.bits, int(s.count)
	e, acc, left := lookUp(lits, literalBits, acc, left)
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
	e, acc, left = lookUp(dists, distBits, acc, left)
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
		e = table[uint64(e>>valueShift)+acc&(1<<(e>>extraShift&15)-1)]
	}
	return e, acc >> (e & takeMask), left - int(e&takeMask)
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
