package ws

import (
	"encoding/binary"
	"math/bits"
)

// UTF-8 is checked by an automaton of nine states (RFC 3629, section 4) whose
// transitions for one byte are packed into one word, six bits for each state:
// next = table[byte] >> state & 63. A state is kept as its shift.
const (
	utf8Accept = 6 * iota // between characters
	utf8Tail1             // one continuation byte to come
	utf8Tail2             // two
	utf8Tail3             // three
	utf8E0                // after E0: A0-BF, then one
	utf8ED                // after ED: 80-9F, then one (no surrogates)
	utf8F0                // after F0: 90-BF, then two
	utf8F4                // after F4: 80-8F, then two
	utf8Reject            // stays
)

var utf8Table = makeUTF8Table()

func makeUTF8Table() (table [256]uint64) {
	for b := range table {
		var row uint64
		for state := utf8Accept; state <= utf8Reject; state += 6 {
			row |= uint64(utf8Step(state, byte(b))) << state
		}
		table[b] = row
	}
	return table
}

// utf8Step is the automaton in plain words; the table is made from it.
func utf8Step(state int, b byte) int {
	in := func(low, high byte, next int) int {
		if b < low || b > high {
			return utf8Reject
		}
		return next
	}
	switch state {
	case utf8Tail1:
		return in(0x80, 0xBF, utf8Accept)
	case utf8Tail2:
		return in(0x80, 0xBF, utf8Tail1)
	case utf8Tail3:
		return in(0x80, 0xBF, utf8Tail2)
	case utf8E0:
		return in(0xA0, 0xBF, utf8Tail1)
	case utf8ED:
		return in(0x80, 0x9F, utf8Tail1)
	case utf8F0:
		return in(0x90, 0xBF, utf8Tail2)
	case utf8F4:
		return in(0x80, 0x8F, utf8Tail2)
	case utf8Reject:
		return utf8Reject
	}
	switch {
	case b < 0x80:
		return utf8Accept
	case b >= 0xC2 && b <= 0xDF:
		return utf8Tail1
	case b == 0xE0:
		return utf8E0
	case b == 0xED:
		return utf8ED
	case b >= 0xE1 && b <= 0xEF:
		return utf8Tail2
	case b == 0xF0:
		return utf8F0
	case b >= 0xF1 && b <= 0xF3:
		return utf8Tail3
	case b == 0xF4:
		return utf8F4
	}
	return utf8Reject
}

const highBits = 0x8080808080808080

// ascii reports whether all of b, at least eight bytes XORed with the key, is
// below 0x80. The last eight are looked at together, whatever they overlap with.
func ascii(key uint64, b []byte) bool {
	n := len(b)
	high := binary.LittleEndian.Uint64(b[n-8:]) ^ bits.RotateLeft64(key, -8*(n&3))
	i := 0
	for ; n-i >= 32; i += 32 {
		c := b[i : i+32 : i+32]
		w := binary.LittleEndian.Uint64(c) ^ key
		w |= binary.LittleEndian.Uint64(c[8:]) ^ key
		w |= binary.LittleEndian.Uint64(c[16:]) ^ key
		w |= binary.LittleEndian.Uint64(c[24:]) ^ key
		if w&highBits != 0 {
			return false
		}
	}
	for ; n-i >= 8; i += 8 {
		high |= binary.LittleEndian.Uint64(b[i:i+8]) ^ key
	}
	return high&highBits == 0
}

// checkText runs the automaton over b, each byte XORed with the key's byte of
// its place (keyWord; 0 for none), without storing what comes out. It returns
// the new state and, if that is utf8Reject, the index of the byte that broke it.
func checkText(state uint8, key uint64, b []byte) (next uint8, bad int) {
	if state == utf8Accept && len(b) >= 8 && ascii(key, b) {
		return utf8Accept, -1
	}
	i := 0
	for len(b)-i >= 8 {
		w := binary.LittleEndian.Uint64(b[i:]) ^ key
		if state == utf8Accept && w&highBits == 0 {
			for i += 8; len(b)-i >= 32 && ascii(key, b[i:i+32]); {
				i += 32
			}
			continue
		}
		next := stepWord(state, w)
		if next == utf8Reject {
			return utf8Reject, i + badByte(state, w)
		}
		state = next
		i += 8
	}
	rest := b[i:]
	if len(rest) == 0 {
		return state, -1
	}
	var w uint64
	for j, c := range rest {
		w |= uint64(c) << (8 * j)
	}
	w ^= key & (1<<(8*len(rest)) - 1)
	if state == utf8Accept && w&highBits == 0 {
		return state, -1
	}
	before, all := state, w
	for range rest {
		state = uint8(utf8Table[byte(w)]>>(state&63)) & 63
		w >>= 8
	}
	if state == utf8Reject {
		return state, i + badByte(before, all)
	}
	return state, -1
}

func stepWord(state uint8, w uint64) uint8 {
	s := uint64(state)
	for range 8 {
		s = utf8Table[byte(w)] >> (s & 63)
		w >>= 8
	}
	return uint8(s & 63)
}

// badByte finds which byte of w, taken lowest first, leads to utf8Reject.
func badByte(state uint8, w uint64) int {
	for j := range 8 {
		state = uint8(utf8Table[byte(w)]>>(state&63)) & 63
		if state == utf8Reject {
			return j
		}
		w >>= 8
	}
	return 7
}

// keyWord is the masking key, twice, for bytes that begin at pos in the
// payload: "octet i of the transformed data is the XOR of octet i of the
// original data with octet at index i modulo 4 of the masking key" (RFC 6455,
// section 5.3).
func keyWord(h *Header, pos uint64) uint64 {
	if !h.Masked {
		return 0
	}
	k := bits.RotateLeft32(binary.LittleEndian.Uint32(h.Key[:]), -8*int(pos&3))
	return uint64(k)<<32 | uint64(k)
}

// unmask writes src XORed with key to dst, which is at least as long.
func unmask(dst []byte, key uint64, src []byte) {
	i := 0
	for ; len(src)-i >= 8; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], binary.LittleEndian.Uint64(src[i:])^key)
	}
	for ; i < len(src); i++ {
		dst[i] = src[i] ^ byte(key)
		key = bits.RotateLeft64(key, -8)
	}
}
