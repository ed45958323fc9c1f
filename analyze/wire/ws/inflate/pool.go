// Package inflate decodes DEFLATE (RFC 1951) as WebSocket messages carry it:
// pushed in pieces of any size, whole messages of a hundred bytes as often as
// endless ones, by very many streams of which hardly any is in the middle of
// something.
//
// A Pool holds what the streams of one goroutine share: a window for whoever
// decodes right now, and tables. A Stream owns memory only while it has to
// remember something: the last output it may be referred back to, rounded up to
// a power of two, and the code tables of a block that came in part. All that
// Streams own together is bounded by a Budget.
//
// Most callers need Stream.Reset, Step until all is consumed, and Park before
// another Stream uses the same Pool.
package inflate

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// MaxWindow is the farthest that DEFLATE refers back: "distances are limited to
// 32K bytes" (RFC 1951, section 2).
const MaxWindow = 1 << maxWindowBits

const (
	minWindowBits = 8
	maxWindowBits = 15
	classes       = maxWindowBits - minWindowBits + 1
)

// DefaultBudget is the limit of a Budget that names none.
const DefaultBudget = 128 << 20

// Budget bounds the memory that Streams own. Pools of several goroutines may
// share one. The zero value has the limit DefaultBudget.
type Budget struct {
	Limit int64 // bytes; 0 stands for DefaultBudget; not to be changed in use

	used     atomic.Int64
	exceeded atomic.Int64
}

// Used is how many bytes Streams own now.
func (b *Budget) Used() int64 { return b.used.Load() }

// Exceeded counts the times that memory was refused.
func (b *Budget) Exceeded() int64 { return b.exceeded.Load() }

// Take charges n bytes, unless that would go over the limit.
func (b *Budget) Take(n int) bool {
	limit := b.Limit
	if limit == 0 {
		limit = DefaultBudget
	}
	if b.used.Add(int64(n)) > limit {
		b.used.Add(int64(-n))
		b.exceeded.Add(1)
		return false
	}
	return true
}

// Give takes back what was charged.
func (b *Budget) Give(n int) { b.used.Add(int64(-n)) }

// Limits of what a Pool keeps for later use when nobody owns it.
const (
	maxFreeTables = 16
	maxFreeBytes  = 256 << 10 // of windows, for each size
)

// Pool is the memory that the Streams of one goroutine share. It is not safe
// for concurrent use.
type Pool struct {
	window  [MaxWindow]byte // of the Stream that decodes and owns none
	budget  *Budget
	tables  []*tables
	builder builder
	free    [classes][][]byte
}

// NewPool makes a Pool. A nil budget stands for a new one.
func NewPool(b *Budget) *Pool {
	if b == nil {
		b = new(Budget)
	}
	return &Pool{budget: b}
}

// Budget is what bounds the Pool's Streams.
func (p *Pool) Budget() *Budget { return p.budget }

// windowClass gives the index of the smallest window that holds n bytes.
func windowClass(n int) int {
	if n <= 1<<minWindowBits {
		return 0
	}
	return bits.Len(uint(n-1)) - minWindowBits
}

// takeWindow gives a window of at least n bytes, or nil over the budget.
func (p *Pool) takeWindow(n int) []byte {
	c := windowClass(n)
	size := 1 << (c + minWindowBits)
	if !p.budget.Take(size) {
		return nil
	}
	if l := len(p.free[c]); l > 0 {
		w := p.free[c][l-1]
		p.free[c] = p.free[c][:l-1]
		return w
	}
	return make([]byte, size)
}

func (p *Pool) giveWindow(w []byte) {
	if w == nil {
		return
	}
	p.budget.Give(len(w))
	c := windowClass(len(w))
	if len(p.free[c]) < maxFreeBytes/len(w) {
		p.free[c] = append(p.free[c], w)
	}
}

func (p *Pool) takeTables() *tables {
	if l := len(p.tables); l > 0 {
		t := p.tables[l-1]
		p.tables = p.tables[:l-1]
		return t
	}
	return new(tables)
}

func (p *Pool) giveTables(t *tables) {
	if len(p.tables) < maxFreeTables {
		p.tables = append(p.tables, t)
	}
}

const tablesSize = int(unsafe.Sizeof(tables{}))
