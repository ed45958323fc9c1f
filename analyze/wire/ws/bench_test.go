package ws

import (
	"bytes"
	"strings"
	"testing"
)

// quiet is an Observer that only counts.
type quiet struct{ messages int }

func (q *quiet) Frame(*Parser, *Header)                       {}
func (q *quiet) Message(*Parser, *Message)                    { q.messages++ }
func (q *quiet) Control(*Parser, *Header, []byte)             {}
func (q *quiet) Violation(*Parser, Violation, int64, *Header) {}

var text100 = strings.Repeat(`{"type":"tick","n":12345}`, 4)

// streams are what a connection repeats.
var streams = []struct {
	name string
	o    Options
	in   []byte
}{
	{"client text", Options{FromClient: true}, frame(0x81, 0x12345678, text100)},
	{"server text", Options{}, frame(0x81, 0, text100)},
	{"client umlauts", Options{FromClient: true}, frame(0x81, 0x12345678, strings.Repeat("äöüß ", 11))},
	{"client binary", Options{FromClient: true}, frame(0x82, 0x12345678, text100)},
	{"ping", Options{FromClient: true}, frame(0x89, 0x12345678, "12345678")},
	{"deflate alone", Options{FromClient: true, Deflate: &DeflateParams{NoContextTakeover: true}},
		frame(0xC1, 0x12345678, newSender(6, false).compress(text100))},
	{"deflate takeover", Options{FromClient: true, Deflate: &DeflateParams{}},
		frame(0xC1, 0x12345678, newSender(6, false).compress(text100))},
}

func TestNoAllocations(t *testing.T) {
	for _, s := range streams {
		for _, piece := range []int{len(s.in), 10} {
			var p Parser
			var q quiet
			p.Init(s.o)
			feed := func() {
				for b := s.in; len(b) > 0; b = b[min(piece, len(b)):] {
					p.Feed(&q, b[:min(piece, len(b))])
				}
			}
			for range 1000 { // windows have grown
				feed()
			}
			if n := testing.AllocsPerRun(1000, feed); n != 0 {
				t.Errorf("%s in pieces of %d: %v allocations", s.name, piece, n)
			}
		}
	}
}

func BenchmarkFeed(b *testing.B) {
	for _, s := range streams {
		b.Run(s.name, func(b *testing.B) {
			var p Parser
			var q quiet
			p.Init(s.o)
			b.SetBytes(int64(len(s.in)))
			b.ReportAllocs()
			for range b.N {
				p.Feed(&q, s.in)
			}
		})
	}
}

func BenchmarkBulk(b *testing.B) {
	in := bytes.Repeat(frame(0x81, 0x12345678, text100), 600)
	var p Parser
	var q quiet
	p.Init(Options{FromClient: true})
	b.SetBytes(int64(len(in)))
	for range b.N {
		p.Feed(&q, in)
	}
}

func BenchmarkProbe(b *testing.B) {
	in := bytes.Repeat(frame(0x81, 0x12345678, text100), 600)
	b.SetBytes(int64(len(in)))
	for range b.N {
		var p Probe
		p.Feed(in)
	}
}
