package inflate

import "math/bits"

// A code is decoded by a table whose index is the next bits of the input. An
// entry is, from its lowest bit: a byte for how many bits to take in all, so
// that it can be shifted by as it is; four bits for how many of them are the
// code, before the extra ones; flags; and the value.
type entry = uint32

const (
	takeMask    = 0xFF
	codeShift   = 8
	codeMask    = 0x0F
	flagEnd     = 1 << 13 // end of block
	flagSub     = 1 << 14 // the value is where a second table begins, indexed by as many bits as the code has
	flagSpecial = 1 << 15 // flagEnd, flagSub, or no code at all
	valueShift  = 16
	valueMask   = 0x7FFF
	flagLiteral = 1 << 31

	// codeBit counts one bit of a code in an entry.
	codeBit entry = 1<<codeShift | 1
	// extraBit counts one that is extra.
	extraBit entry = 1
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

// codes are the tables by which the symbols of a block are decoded.
type codes struct {
	literals  [literalSize]entry
	distances [distSize]entry
}

// tables are those of one dynamic block, and what is needed to read them.
type tables struct {
	codes
	precode [precodeSize]entry
	used    [maxLiterals + maxDistances]used

	preLengths [precodes]uint8
}

// used is a symbol that has a code: its number, and above lengthShift how long
// its code is. Short messages use few of all symbols.
type used = uint16

const (
	lengthShift = 12
	symbolMask  = 1<<lengthShift - 1
)

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
var fixed = makeFixed()

func makeFixed() *codes {
	c := new(codes)
	var b builder
	var all [288]used
	for s := range all {
		length := 8
		switch {
		case s >= 144 && s < 256:
			length = 9
		case s >= 256 && s < 280:
			length = 7
		}
		all[s] = used(s | length<<lengthShift)
	}
	b.build(c.literals[:], literalBits, all[:], literalEntries[:])
	for s := range all[:32] {
		all[s] = used(s | 5<<lengthShift)
	}
	b.build(c.distances[:], distBits, all[:32], distanceEntries[:])
	return c
}

// builder is memory that build needs: clearing it would take as long as the
// rest for a short message.
type builder struct {
	sorted [288]entry // by code
}

// build makes the tables of a canonical code (section 3.2.2) from the symbols
// that have one, in their order. It reports false for what is no code: too many
// of a length, or too few, but for a single one of one bit and none at all.
func (b *builder) build(table []entry, rootBits int, codes []used, symbols []entry) bool {
	var counts, places [maxCode + 1]int // of codes of each length, and where the next of them belongs
	for _, u := range codes {
		counts[u>>lengthShift]++
	}
	free, placed := 1, 0 // free: codes of the length in hand
	for l := 1; placed < len(codes); l++ {
		places[l&maxCode] = placed
		n := counts[l&maxCode]
		placed += n
		if free = free<<1 - n; free < 0 {
			return false
		}
	}
	if free > 0 {
		return buildIncomplete(table[:1<<rootBits], codes, symbols)
	}
	for _, u := range codes {
		l := u >> lengthShift
		b.sorted[places[l]] = symbols[u&symbolMask] + entry(l)*codeBit
		places[l]++
	}
	fill(table, rootBits, &counts, b.sorted[:len(codes)])
	return true
}

// buildIncomplete makes the tables of a code of one symbol or of none. "One
// distance code of zero bits means that there are no distance codes used at
// all"; a single one "is encoded using one bit" (section 3.2.7).
func buildIncomplete(table []entry, codes []used, symbols []entry) bool {
	table[0], table[1] = flagSpecial, flagSpecial
	if len(codes) > 0 {
		if len(codes) > 1 || codes[0]>>lengthShift != 1 {
			return false
		}
		table[0] = symbols[codes[0]&symbolMask] + codeBit
		table[1] += codeBit
	}
	for end := 2; end < len(table); end *= 2 {
		copy(table[end:], table[:end])
	}
	return true
}

// fill writes the tables of a complete code whose entries are sorted. Codes are
// counted up left-aligned, as their order is, and stored reversed, as the input
// has their bits. The first table begins at the size of the shortest code and is
// doubled from length to length.
func fill(table []entry, rootBits int, counts *[maxCode + 1]int, sorted []entry) {
	length := 1
	for counts[length] == 0 {
		length++
	}
	for code := 0; ; length++ {
		n := counts[length&maxCode]
		for _, e := range sorted[:n] {
			table[reversed[code&(1<<reversedBits-1)]] = e
			code += 1 << (reversedBits - length)
		}
		sorted = sorted[n:]
		if length == rootBits {
			fillSubs(table, rootBits, code, counts, sorted)
			return
		}
		end := 1 << length
		copy(table[end:2*end], table[:end])
	}
}

// fillSubs writes the codes longer than rootBits, from one on, to tables behind
// the first.
func fillSubs(table []entry, rootBits, code int, counts *[maxCode + 1]int, sorted []entry) {
	code <<= maxCode - reversedBits
	length, left := rootBits, 0
	start, end, prefix := 0, 1<<rootBits, -1
	for _, e := range sorted {
		for left == 0 {
			length++
			left = counts[length]
		}
		if root := code >> (maxCode - rootBits); root != prefix {
			prefix, start = root, end
			size := length - rootBits
			for n := left; n < 1<<size; {
				size++
				n = n<<1 + counts[rootBits+size]
			}
			end = start + 1<<size
			table[reversed[root<<(reversedBits-rootBits)]] = flagSpecial | flagSub | entry(start)<<valueShift | entry(size)<<codeShift | entry(rootBits)
		}
		rest := bits.Reverse16(uint16(code << (16 - maxCode + rootBits)))
		for i := start + int(rest); i < end; i += 1 << (length - rootBits) {
			table[i] = e - entry(rootBits)*codeBit
		}
		code += 1 << (maxCode - length)
		left--
	}
}

// reversed is numbers of as many bits as the largest first table has, their
// bits in reverse.
var reversed = makeReversed()

const reversedBits = literalBits

func makeReversed() (r [1 << reversedBits]uint16) {
	for i := range r {
		r[i] = bits.Reverse16(uint16(i)) >> (16 - reversedBits)
	}
	return r
}
