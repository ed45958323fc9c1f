package h2

import (
	"bytes"

	"golang.org/x/net/http2/hpack"
)

// Limits on what a header block may come to.
const (
	// MaxTable bounds the dynamic table, by the reckoning of RFC 7541 section
	// 4.1. References to what an encoder keeps beyond it are unknown.
	MaxTable = 64 << 10
	// MaxFields and MaxList bound the fields of one header block, by number
	// and by the reckoning of SETTINGS_MAX_HEADER_LIST_SIZE.
	MaxFields = 1024
	MaxList   = 256 << 10
	// MaxString bounds a name or a value.
	MaxString = 16 << 10

	defaultTable = 4096 // initial value of SETTINGS_HEADER_TABLE_SIZE
	entryCost    = 32   // RFC 7541, section 4.1
)

// Field is one field line of a header block, pseudo-header fields among them.
type Field struct {
	Name, Value string
	// Unknown: it refers to an entry of the dynamic table that came to be
	// before the capture or in a gap. Its name is empty; its value is there if
	// that was written out.
	Unknown bool
	// Cut: the name or the value is longer than MaxString.
	Cut bool
}

// Block is a decoded header block.
type Block struct {
	Fields   []Field
	Promised uint32 // the stream that a PUSH_PROMISE reserves
	// Unknown counts the fields that could not be decoded as a whole.
	Unknown int
	// Truncated: fields are missing, because of a limit or because the block
	// breaks RFC 7541.
	Truncated bool
}

// Get returns the value of the first field of this name (lower case).
func (b *Block) Get(name string) (string, bool) {
	for i := range b.Fields {
		if b.Fields[i].Name == name {
			return b.Fields[i].Value, true
		}
	}
	return "", false
}

// Strings of fields are shared with the table, never with the caller's bytes.
type entry struct {
	field Field
	cost  int
}

// table is the dynamic table of one direction, as its decoder has it. It is
// written anew rather than taken from x/net because an observer has to go on
// where that stops: behind an index that only the peers can resolve.
type table struct {
	entries []entry // oldest first, from start on
	start   int     // those before it are evicted
	size    int
	max     int // size that the encoder keeps to
	allowed int // by the receiver's SETTINGS
	updated bool
	// lost: older entries may exist that are not known here. Those in entries
	// are the newest in any case, so that references to them stay right.
	lost    bool
	huffman bytes.Buffer
}

func (t *table) init(late bool) {
	t.max, t.allowed, t.lost = defaultTable, defaultTable, late
	if late {
		t.max, t.allowed = MaxTable, 1<<32-1
	}
}

// allow applies SETTINGS_HEADER_TABLE_SIZE of the receiver. A smaller size
// takes effect when the encoder says so, by a size update; a larger one may be
// used by it without a word.
func (t *table) allow(n uint32) {
	t.allowed = max(t.allowed, int(n))
	if !t.updated && int(n) > t.max {
		t.resize(int(n))
	}
}

func (t *table) resize(n int) {
	if n > MaxTable {
		n, t.lost = MaxTable, true
	}
	t.max = n
	t.evict()
	if n == 0 {
		t.lost = false
	}
}

// lose says that header blocks were missed.
func (t *table) lose() {
	clear(t.entries)
	t.entries, t.start, t.size, t.lost = t.entries[:0], 0, 0, true
	if !t.updated {
		t.max = max(t.max, MaxTable)
	}
}

func (t *table) add(e entry) {
	if t.start > 0 && len(t.entries) == cap(t.entries) && t.start >= len(t.entries)/2 {
		kept := copy(t.entries, t.entries[t.start:])
		clear(t.entries[kept:])
		t.entries, t.start = t.entries[:kept], 0
	}
	t.entries = append(t.entries, e)
	t.size += e.cost
	t.evict()
}

// evict drops the oldest entries: RFC 7541, section 4.4.
func (t *table) evict() {
	for t.size > t.max && t.start < len(t.entries) {
		t.size -= t.entries[t.start].cost
		t.entries[t.start] = entry{}
		t.start++
	}
}

// at resolves an index; ok is false if it is in no table.
func (t *table) at(i uint64) (f Field, ok bool) {
	switch {
	case i == 0:
		return f, false
	case i < uint64(len(static)):
		return static[i], true
	}
	i -= uint64(len(static))
	if i < uint64(len(t.entries)-t.start) {
		return t.entries[len(t.entries)-1-int(i)].field, true
	}
	return Field{Unknown: true}, t.lost
}

// decoding is one header block on its way.
type decoding struct {
	t       *table
	b       []byte
	out     *Block
	list    int
	regular bool
	pseudo  uint8
	violate func(Violation)
}

// decode reads a whole header block. What follows something undecodable is
// given up, and the table is then unknown.
func (t *table) decode(b []byte, out *Block, violate func(Violation)) {
	d := decoding{t: t, b: b, out: out, violate: violate}
	for len(d.b) > 0 {
		if v, ok := d.field(); !ok {
			violate(v)
			out.Truncated = true
			t.lose()
			return
		}
	}
}

// field reads one representation (RFC 7541, section 6).
func (d *decoding) field() (v Violation, ok bool) {
	switch c := d.b[0]; {
	case c&0x80 != 0:
		return d.indexed()
	case c&0xC0 == 0x40:
		return d.literal(6, true)
	case c&0xE0 == 0x20:
		return d.sizeUpdate()
	}
	return d.literal(4, false)
}

func (d *decoding) indexed() (Violation, bool) {
	i, v, ok := d.integer(7)
	if !ok {
		return v, false
	}
	f, ok := d.t.at(i)
	if !ok {
		return InvalidIndex, false
	}
	d.emit(f)
	return 0, true
}

func (d *decoding) literal(bits uint8, index bool) (Violation, bool) {
	i, v, ok := d.integer(bits)
	if !ok {
		return v, false
	}
	var f Field
	cost := entryCost
	if i > 0 {
		if f, ok = d.t.at(i); !ok {
			return InvalidIndex, false
		}
		cost += len(f.Name)
	} else {
		var n int
		if f.Name, n, v, ok = d.text(&f); !ok {
			return v, false
		}
		cost += n
	}
	value, n, v, ok := d.text(&f)
	if !ok {
		return v, false
	}
	f.Value = value
	if index {
		d.t.add(entry{f, cost + n})
	}
	d.emit(f)
	return 0, true
}

func (d *decoding) sizeUpdate() (Violation, bool) {
	n, v, ok := d.integer(5)
	if !ok {
		return v, false
	}
	if n > uint64(d.t.allowed) {
		d.violate(InvalidTableSize)
	}
	d.t.updated = true
	d.t.resize(int(min(n, MaxTable+1)))
	return 0, true
}

// emit adds a field to the block and judges its name.
func (d *decoding) emit(f Field) {
	if f.Unknown {
		d.out.Unknown++
	}
	d.judge(f.Name)
	d.list += len(f.Name) + len(f.Value) + entryCost
	if len(d.out.Fields) >= MaxFields || d.list > MaxList {
		d.out.Truncated = true
		return
	}
	d.out.Fields = append(d.out.Fields, f)
}

// pseudoBits marks the pseudo-header fields that were seen.
var pseudoBits = [...]string{":method", ":scheme", ":authority", ":path", ":protocol", ":status"}

func (d *decoding) judge(name string) {
	if name == "" {
		return
	}
	if name[0] != ':' {
		d.regular = true
		for i := range len(name) {
			if c := name[i]; c <= ' ' || c >= 'A' && c <= 'Z' || c >= 0x7F {
				d.violate(UppercaseName)
				return
			}
		}
		return
	}
	if d.regular {
		d.violate(PseudoAfterRegular)
	}
	for i, p := range pseudoBits {
		if p == name {
			if d.pseudo&(1<<i) != 0 {
				d.violate(DuplicatePseudo)
			}
			d.pseudo |= 1 << i
		}
	}
}

// integer reads an integer with a prefix of so many bits (RFC 7541, section 5.1).
func (d *decoding) integer(bits uint8) (n uint64, v Violation, ok bool) {
	limit := uint64(1)<<bits - 1
	n = uint64(d.b[0]) & limit
	d.b = d.b[1:]
	if n < limit {
		return n, 0, true
	}
	for shift := 0; len(d.b) > 0; shift += 7 {
		c := d.b[0]
		d.b = d.b[1:]
		if shift > 28 {
			return 0, InvalidInteger, false
		}
		n += uint64(c&0x7F) << shift
		if c&0x80 == 0 {
			return n, 0, true
		}
	}
	return 0, BlockCutShort, false
}

// text reads a string literal (RFC 7541, section 5.2); n is its whole length.
func (d *decoding) text(f *Field) (s string, n int, v Violation, ok bool) {
	if len(d.b) == 0 {
		return "", 0, BlockCutShort, false
	}
	coded := d.b[0]&0x80 != 0
	length, v, ok := d.integer(7)
	if !ok {
		return "", 0, v, false
	}
	if length > uint64(len(d.b)) {
		return "", 0, BlockCutShort, false
	}
	raw := d.b[:length]
	d.b = d.b[length:]
	if coded {
		// What a code of at least five bits for each character can come to is
		// bounded by MaxBlock.
		d.t.huffman.Reset()
		if _, err := hpack.HuffmanDecode(&d.t.huffman, raw); err != nil {
			return "", 0, InvalidHuffman, false
		}
		raw = d.t.huffman.Bytes()
	}
	n = len(raw)
	if n > MaxString {
		raw, f.Cut = raw[:MaxString], true
	}
	s = string(raw)
	if d.t.huffman.Cap() > keptBlock {
		d.t.huffman = bytes.Buffer{}
	}
	return s, n, 0, true
}
