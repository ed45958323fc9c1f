package capture

import (
	"math"
	"math/bits"
)

// tick turns the time stamps of an interface into nanoseconds.
type tick struct {
	// simple: a stamp below limit is worth unit nanoseconds.
	simple bool
	limit  uint64
	unit   int64

	binary   bool
	exponent uint
	offset   int64 // seconds
}

// newTick reads if_tsresol: "If the Most Significant Bit is equal to zero,
// the remaining bits indicates the resolution of the timestamp as a negative
// power of 10 […]. If [it] is equal to one, […] as negative power of 2".
func newTick(tsresol byte, offset int64) tick {
	t := tick{binary: tsresol&0x80 != 0, exponent: uint(tsresol & 0x7f), offset: offset}
	if !t.binary && t.exponent <= 9 && offset == 0 {
		t.unit = int64(pow10(9 - t.exponent))
		t.limit = uint64(math.MaxInt64 / t.unit)
		t.simple = true
	}
	return t
}

func pow10(n uint) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// nanoseconds is the general conversion; ok is false if the time does not
// fit.
func (t *tick) nanoseconds(stamp uint64) (ns int64, ok bool) {
	var high, low uint64
	switch {
	case t.binary:
		high, low = bits.Mul64(stamp, 1_000_000_000)
		high, low = shiftRight(high, low, t.exponent)
	case t.exponent <= 9:
		high, low = bits.Mul64(stamp, pow10(9-t.exponent))
	case t.exponent-9 < 20:
		low = stamp / pow10(t.exponent-9)
	}
	if high != 0 || low > math.MaxInt64 {
		return 0, false
	}
	if t.offset > math.MaxInt64/1_000_000_000 || t.offset < math.MinInt64/1_000_000_000 {
		return 0, false
	}
	offset := t.offset * 1_000_000_000
	ns = int64(low) + offset
	return ns, offset <= 0 || ns >= offset
}

func shiftRight(high, low uint64, n uint) (uint64, uint64) {
	if n >= 64 {
		return 0, high >> (n - 64)
	}
	return high >> n, low>>n | high<<(64-n)
}
