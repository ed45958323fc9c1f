package ws

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unsafe"

	"github.com/wsleuth/wsleuth/analyze/wire/ws/inflate"
)

// sender compresses messages as permessage-deflate has it.
type sender struct {
	buf      bytes.Buffer
	w        *flate.Writer
	takeover bool
}

func newSender(level int, takeover bool) *sender {
	s := &sender{takeover: takeover}
	s.w, _ = flate.NewWriter(&s.buf, level)
	return s
}

func (s *sender) compress(m string) string {
	s.buf.Reset()
	if !s.takeover {
		s.w.Reset(&s.buf)
	}
	s.w.Write([]byte(m))
	s.w.Flush()
	return strings.TrimSuffix(s.buf.String(), "\x00\x00\xff\xff")
}

// script makes n text messages of many sizes.
func script(n int) []string {
	r := rand.New(rand.NewSource(3))
	all := make([]string, n)
	for i := range all {
		var b strings.Builder
		for size := r.Intn(1 << r.Intn(17)); b.Len() < size; {
			fmt.Fprintf(&b, `{"n":%d,"größe":"%x"}`, r.Intn(1000), r.Intn(1<<r.Intn(30)))
		}
		all[i] = b.String()
	}
	return all
}

// sizes is an Observer that keeps what messages came to.
type sizes struct {
	sizes []uint64
	notes []string
}

func (o *sizes) Frame(*Parser, *Header)           {}
func (o *sizes) Control(*Parser, *Header, []byte) {}
func (o *sizes) Message(_ *Parser, m *Message) {
	o.sizes = append(o.sizes, m.Size)
	if m.Unchecked || m.Uninflated || m.Damaged || !m.Compressed {
		o.notes = append(o.notes, fmt.Sprintf("%+v", *m))
	}
}
func (o *sizes) Violation(_ *Parser, v Violation, at int64, _ *Header) {
	o.notes = append(o.notes, fmt.Sprint(v, at))
}

func TestDeflateRoundTrip(t *testing.T) {
	plain := script(120)
	for _, takeover := range []bool{true, false} {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			var in []byte
			s := newSender(level, takeover)
			for i, m := range plain {
				c := s.compress(m)
				if i%3 == 0 { // in three fragments
					k := len(c) / 3
					in = append(in, join(frame(0x41, 3, c[:k]), frame(0x00, 4, c[k:2*k]), frame(0x80, 5, c[2*k:]))...)
				} else {
					in = append(in, frame(0xC1, uint32(i), c)...)
				}
			}
			for _, piece := range []int{len(in), 1460, 97, 1} {
				t.Run(fmt.Sprint(takeover, level, piece), func(t *testing.T) {
					var o sizes
					var p, other Parser
					shared := NewInflaters(nil)
					deflate := &DeflateParams{NoContextTakeover: !takeover}
					p.Init(Options{FromClient: true, Deflate: deflate, Inflaters: shared})
					other.Init(Options{FromClient: true, Deflate: deflate, Inflaters: shared})
					for rest := in; len(rest) > 0; {
						n := min(piece, len(rest))
						p.Feed(&o, rest[:n])
						rest = rest[n:]
						// Another connection uses the same memory meanwhile.
						other.Feed(&sizes{}, in[:min(n, len(in))])
					}
					if len(o.notes) != 0 {
						t.Fatal(o.notes[0])
					}
					for i, m := range plain {
						if o.sizes[i] != uint64(len(m)) {
							t.Fatalf("message %d: %d bytes, want %d", i, o.sizes[i], len(m))
						}
					}
					p.Release()
					other.Release()
					if used := shared.Budget().Used(); used != 0 {
						t.Errorf("%d bytes not given back", used)
					}
				})
			}
		}
	}
}

// Window bits below those that the sender used are found out.
func TestWindowBits(t *testing.T) {
	noise := make([]byte, 3000)
	rand.New(rand.NewSource(4)).Read(noise)
	c := newSender(9, true).compress(string(noise) + string(noise))
	for bits, want := range map[uint8]bool{0: false, 15: false, 12: false, 11: true, 8: true} {
		_, p := run(Options{Deflate: &DeflateParams{WindowBits: bits}}, frame(0xC2, 0, c))
		if got := p.Violations().Has(BadDeflate); got != want {
			t.Errorf("window bits %d: bad %v", bits, got)
		}
	}
}

// Over the budget messages are still inflated, and it is said.
func TestBudget(t *testing.T) {
	shared := NewInflaters(&Budget{Limit: 2000})
	var o sizes
	var p Parser
	p.Init(Options{Deflate: &DeflateParams{}, Inflaters: shared})
	s := newSender(6, true)
	plain := script(60)
	for _, m := range plain {
		p.Feed(&o, frame(0xC1, 0, s.compress(m)))
	}
	for i, m := range plain {
		if o.sizes[i] != uint64(len(m)) {
			t.Fatalf("message %d: %d bytes, want %d", i, o.sizes[i], len(m))
		}
	}
	if !p.Exceeded() || shared.Budget().Exceeded() == 0 || len(o.notes) == 0 || p.Violations() != 0 {
		t.Errorf("exceeded %v, %d notes, violations %b", p.Exceeded(), len(o.notes), p.Violations())
	}
	if used := shared.Budget().Used(); used > 2000 {
		t.Errorf("%d bytes", used)
	}
	p.Release()
	if used := shared.Budget().Used(); used != 0 {
		t.Errorf("%d bytes not given back", used)
	}
}

// What is kept between messages is no more than the next power of two above
// what was put out, and nothing without context takeover.
func TestMemoryKept(t *testing.T) {
	for _, c := range []struct {
		takeover bool
		message  int
		want     int64
	}{{false, 100, 0}, {false, 100000, 0}, {true, 0, 0}, {true, 100, 256}, {true, 3000, 4096}, {true, 100000, 32768}} {
		shared := NewInflaters(nil)
		var p Parser
		p.Init(Options{Deflate: &DeflateParams{NoContextTakeover: !c.takeover}, Inflaters: shared})
		p.Feed(&sizes{}, frame(0xC2, 0, newSender(6, c.takeover).compress(strings.Repeat("ab%", c.message)[:c.message])))
		want := c.want
		if want > 0 {
			want += int64(unsafe.Sizeof(inflate.Stream{}))
		}
		if got := shared.Budget().Used(); got != want {
			t.Errorf("%+v: %d bytes kept, want %d", c, got, want)
		}
	}
	if n := unsafe.Sizeof(Parser{}); n > 112 {
		t.Errorf("a Parser takes %d bytes", n)
	}
}
