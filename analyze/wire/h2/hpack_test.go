package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// TestStatic: the static table is the one that x/net decodes with.
func TestStatic(t *testing.T) {
	if len(static) != 62 {
		t.Fatalf("%d entries, want 61 and one before them", len(static))
	}
	d := hpack.NewDecoder(4096, nil)
	for i := 1; i < len(static); i++ {
		got, err := d.DecodeFull([]byte{0x80 | byte(i)})
		if err != nil || got[0].Name != static[i].Name || got[0].Value != static[i].Value {
			t.Errorf("index %d is %v, want %v (%v)", i, static[i], got, err)
		}
	}
}

// decodeAll decodes blocks one after the other with one table.
func decodeAll(tab *table, blocks ...string) (out []Block, broken []Violation) {
	for _, b := range blocks {
		var block Block
		tab.decode([]byte(b), &block, func(v Violation) { broken = append(broken, v) })
		out = append(out, block)
	}
	return out, broken
}

func TestLimits(t *testing.T) {
	var tab table
	tab.init(false)
	long := strings.Repeat("v", MaxString+1)
	e := newEncoder()
	out, broken := decodeAll(&tab, e.block("x-long", long), strings.Repeat("\x88", MaxFields+1))
	if f := out[0].Fields[0]; !f.Cut || len(f.Value) != MaxString {
		t.Errorf("a value of %d bytes came as %d, cut %v", len(long), len(f.Value), f.Cut)
	}
	if len(out[1].Fields) != MaxFields || !out[1].Truncated {
		t.Errorf("%d fields, truncated %v", len(out[1].Fields), out[1].Truncated)
	}
	if len(broken) > MaxFields {
		t.Errorf("%d violations", len(broken))
	}
}

// TestBomb: one entry that is referred to again and again stays within MaxList.
func TestBomb(t *testing.T) {
	var tab table
	tab.init(false)
	e := newEncoder()
	out, _ := decodeAll(&tab, e.block("x-bomb", strings.Repeat("b", 4000)), strings.Repeat("\xbe", MaxBlock))
	size := 0
	for _, f := range out[1].Fields {
		size += len(f.Name) + len(f.Value)
	}
	if size > MaxList || !out[1].Truncated {
		t.Errorf("%d bytes of fields, truncated %v", size, out[1].Truncated)
	}
}

func TestTableSize(t *testing.T) {
	var tab table
	tab.init(false)
	tab.allow(1 << 20)
	if tab.max != MaxTable {
		t.Errorf("the table may grow to %d, want %d", tab.max, MaxTable)
	}
	for range 1000 {
		decodeAll(&tab, "\x40\x01a"+"\x7f\x49"+strings.Repeat("b", 200))
	}
	if tab.size > MaxTable {
		t.Errorf("the table has grown to %d", tab.size)
	}
	// The encoder goes down to 100 bytes: "\x3f\x45" is a size update to 100.
	decodeAll(&tab, "\x3f\x45")
	if tab.size > 100 || tab.max != 100 {
		t.Errorf("size %d of %d after an update to 100", tab.size, tab.max)
	}
}

func TestTooLongBlock(t *testing.T) {
	var p Parser
	p.Init(Options{})
	r := &recorder{}
	p.Feed(r, []byte(settingsFrame+frame(Headers, 0, 1, "")))
	piece := []byte(frame(Continuation, 0, 1, strings.Repeat("\x88", 16000)))
	for range MaxBlock/16000 + 2 {
		p.Feed(r, piece)
	}
	p.Feed(r, []byte(frame(Continuation, EndHeaders, 1, "")+frame(Headers, EndHeaders, 3, "\x88")))
	got := r.without()
	if len(got) != 3 || got[1] != "block 1 unknown=0 truncated=true" || got[2] != "block 3 :status=200 unknown=0 truncated=false" {
		t.Errorf("%q", got)
	}
	if cap(p.block) > keptBlock {
		t.Errorf("%d bytes are kept for header blocks", cap(p.block))
	}
}

func TestWindow(t *testing.T) {
	w := NewWindow(20)
	w.Sent(20)
	if !w.Exhausted() {
		t.Error("not exhausted after all was sent")
	}
	w.Resize(20, 10)
	if n, ok := w.Left(); n != -10 || !ok {
		t.Errorf("%d %v left, want -10", n, ok)
	}
	w.Update(15)
	if n, _ := w.Left(); n != 5 || w.Exhausted() {
		t.Errorf("%d left, want 5", n)
	}
	w.Update(maxWindow)
	if n, _ := w.Left(); n != maxWindow {
		t.Errorf("%d left, want %d", n, maxWindow)
	}
	var unknown Window
	if unknown.Sent(1); unknown.Exhausted() {
		t.Error("an unknown window counts as exhausted")
	}
}
