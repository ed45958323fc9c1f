package inflate

import (
	"encoding/binary"
	"math/bits"
)

// A code is decoded by a table whose index is the next bits of the input. An
// entry is, from its lowest bit: five bits for how many bits to take in all,
// flags, four bits for how many of them are extra ones, four for how many come
// before those, and the value.
type entry = uint32

const (
	takeMask    = 0x1F
	flagEnd     = 0x20 // end of block
	flagSub     = 0x40 // the value is where a second table begins, indexed by as many bits as the extra ones
	flagSpecial = 0x80 // flagEnd, flagSub, or no code at all
	flagLiteral = 1 << 31

	extraShift = 8
	extraMask  = 0x0F
	codeShift  = 12
	codeMask   = 0x0F
	valueShift = 16
	valueMask  = 0x7FFF

	// codeBit counts one bit of a code in an entry.
	codeBit entry = 1<<codeShift | 1
	// extraBit counts one that is extra.
	extraBit entry = 1<<extraShift | 1
)

// Bits that index a first table, and the entries that all tables of a code of
// so many symbols can need (computed by zlib's enough.c: 286 symbols of up to
// 15 bits behind 9, 32 behind 8, 19 of up to 7 behind 7).
const (
	literalBits = 9
	literalSize = 856
	distBits    = 8
	distSize    = 402
	precodeBits = 7
	precodeSize = 128

	maxLiterals  = 286 // symbols in a dynamic block
	maxDistances = 30
	precodes     = 19
	maxCode      = 15
)

// tables are those of one dynamic block, and what is needed to read them.
type tables struct {
	literals  [literalSize]entry
	distances [distSize]entry
	precode   [precodeSize]entry
	lengths   [maxLiterals + maxDistances]uint8
}

// Entries by symbol, without the length of the code (RFC 1951, section 3.2.5).
var (
	literalEntries  = makeLiteralEntries()
	distanceEntries = makeDistanceEntries()
	precodeEntries  = makePrecodeEntries()
)

func makeLiteralEntries() (e [288]entry) {
	for s := range 256 {
		e[s] = flagLiteral | entry(s)<<valueShift
	}
	e[256] = flagSpecial | flagEnd
	base := 3
	for s := 257; s < 285; s++ {
		extra := max(0, (s-261)/4)
		e[s] = entry(base)<<valueShift | entry(extra)*extraBit
		base += 1 << extra
	}
	e[285] = 258 << valueShift
	// "Literal/length values 286-287 will never actually occur in the
	// compressed data, but participate in the code construction."
	e[286], e[287] = flagSpecial, flagSpecial
	return e
}

func makeDistanceEntries() (e [32]entry) {
	base := 1
	for s := range maxDistances {
		extra := max(0, s/2-1)
		e[s] = entry(base)<<valueShift | entry(extra)*extraBit
		base += 1 << extra
	}
	e[30], e[31] = flagSpecial, flagSpecial
	return e
}

func makePrecodeEntries() (e [precodes]entry) {
	for s := range e {
		e[s] = entry(s) << valueShift
	}
	e[16] += 2 * extraBit
	e[17] += 3 * extraBit
	e[18] += 7 * extraBit
	return e
}

// The codes of blocks "compressed with fixed Huffman codes" (section 3.2.6).
var fixedLiterals, fixedDistances = makeFixed()

func makeFixed() (*[literalSize]entry, *[distSize]entry) {
	var l [literalSize]entry
	var d [distSize]entry
	var b builder
	var lengths [288]uint8
	for s := range lengths {
		switch {
		case s < 144:
			lengths[s] = 8
		case s < 256:
			lengths[s] = 9
		case s < 280:
			lengths[s] = 7
		default:
			lengths[s] = 8
		}
	}
	b.build(l[:], literalBits, lengths[:], literalEntries[:])
	for s := range lengths[:32] {
		lengths[s] = 5
	}
	b.build(d[:], distBits, lengths[:32], distanceEntries[:])
	return &l, &d
}

// builder is memory that build needs: clearing it would take as long as the
// rest for a short message.
type builder struct {
	used   [288]uint16 // symbols that have codes, and above lengthShift the lengths of those
	sorted [288]uint16 // symbols by code
}

const lengthShift = 12

// build makes the tables of a canonical code (section 3.2.2) from the lengths
// of its symbols' codes. It reports false for lengths that are no code: too
// many codes, or too few, but for a single one of one bit and none at all.
func (b *builder) build(table []entry, rootBits int, lengths []uint8, symbols []entry) bool {
	var counts, offsets [maxCode + 1]int // of codes of each length, and where the first of them is
	n, longest := b.count(lengths, &counts)
	left := 1 // codes of the length in hand that are still free
	for l := 1; l <= longest; l++ {
		offsets[l] = offsets[l-1] + counts[l-1]
		left = left<<1 - counts[l]
		if left < 0 {
			return false
		}
	}
	if left > 0 {
		counts[0] = len(lengths) - n
		return buildIncomplete(table[:1<<rootBits], counts[:], lengths, symbols)
	}
	for _, u := range b.used[:n] {
		at := &offsets[u>>lengthShift]
		b.sorted[*at] = u & (1<<lengthShift - 1)
		*at++
	}
	fill(table, rootBits, &counts, b.sorted[:], symbols)
	return true
}

// count lists the n symbols whose codes have lengths, and counts those. Short
// messages use few of them, so eight are looked at together.
func (b *builder) count(lengths []uint8, counts *[maxCode + 1]int) (n, longest int) {
	seen, s := uint(0), 0
	note := func(s int, l uint64) {
		b.used[n] = uint16(s) | uint16(l)<<lengthShift
		counts[l&maxCode]++
		seen |= 1 << (l & maxCode)
		n++
	}
	for ; len(lengths)-s >= 8; s += 8 {
		for w := binary.LittleEndian.Uint64(lengths[s:]); w != 0; {
			k := bits.TrailingZeros64(w) &^ 7
			note(s+k>>3, w>>k&0xFF)
			w &^= 0xFF << k
		}
	}
	for ; s < len(lengths); s++ {
		if l := lengths[s]; l != 0 {
			note(s, uint64(l))
		}
	}
	return n, bits.Len(seen) - 1
}

// buildIncomplete makes the tables of a code of one symbol or of none. "One
// distance code of zero bits means that there are no distance codes used at
// all"; a single one "is encoded using one bit" (section 3.2.7).
func buildIncomplete(table []entry, counts []int, lengths []uint8, symbols []entry) bool {
	none := counts[0] == len(lengths)
	if !none && (counts[1] != 1 || counts[0] != len(lengths)-1) {
		return false
	}
	table[0] = flagSpecial
	table[1] = flagSpecial
	for s, l := range lengths {
		if l == 1 {
			table[0] = symbols[s] + codeBit
			table[1] = flagSpecial + codeBit
		}
	}
	for end := 2; end < len(table); end *= 2 {
		copy(table[end:], table[:end])
	}
	return true
}

// fill writes the tables of a complete code whose symbols are sorted. Codes are
// counted up with their bits reversed, as the input has them. The first table
// begins at the size of the shortest code and is doubled from length to length.
func fill(table []entry, rootBits int, counts *[maxCode + 1]int, sorted []uint16, symbols []entry) {
	length := 1
	for counts[length] == 0 {
		length++
	}
	code, next, end := 0, 0, 1<<length
	if length > rootBits {
		end = 1 << rootBits
	}
	for length <= rootBits {
		for range counts[length] {
			table[code] = symbols[sorted[next]] + entry(length)*codeBit
			next++
			if code == end-1 {
				for ; end < 1<<rootBits; end <<= 1 {
					copy(table[end:2*end], table[:end])
				}
				return
			}
			code = nextCode(code, end-1)
		}
		length++
		if length <= rootBits {
			copy(table[end:2*end], table[:end])
			end <<= 1
		}
	}
	fillSubs(table, rootBits, length, code, next, counts, sorted, symbols)
}

// nextCode counts a reversed code up by one within the ones of mask.
func nextCode(code, mask int) int {
	bit := 1 << (bits.Len(uint(code^mask)) - 1)
	return code&(bit-1) | bit
}

// fillSubs writes the codes longer than rootBits to tables behind the first.
func fillSubs(table []entry, rootBits, length, code, next int, counts *[maxCode + 1]int, sorted []uint16, symbols []entry) {
	end, prefix, start := 1<<rootBits, -1, 0
	left := counts[length]
	for {
		for left == 0 {
			length++
			left = counts[length]
		}
		if root := code & (1<<rootBits - 1); root != prefix {
			prefix, start = root, end
			size := length - rootBits
			for used := left; used < 1<<size; {
				size++
				used = used<<1 + counts[rootBits+size]
			}
			end = start + 1<<size
			table[root] = flagSpecial | flagSub | entry(start)<<valueShift | entry(size)<<extraShift | entry(rootBits)
		}
		e := symbols[sorted[next]] + entry(length-rootBits)*codeBit
		next++
		for i := start + code>>rootBits; i < end; i += 1 << (length - rootBits) {
			table[i] = e
		}
		if code == 1<<length-1 {
			return
		}
		code = nextCode(code, 1<<length-1)
		left--
	}
}
