package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	kflate "github.com/klauspost/compress/flate"
)

// verdict is what a decoder makes of a stream that has to end with a final
// block.
type verdict string

const (
	sound verdict = "sound"
	bad   verdict = "corrupt"
	cut   verdict = "cut short"
)

// standard decodes with compress/flate.
func standard(in []byte, limit int) ([]byte, verdict) {
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(in)), int64(limit)))
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return out, sound
	case errors.As(err, &corrupt):
		return out, bad
	}
	return out, cut
}

// ours decodes in pieces of the given size, parking after each one if asked to.
func ours(p *Pool, in []byte, piece, limit int, park bool) ([]byte, verdict) {
	var s Stream
	s.Reset(p, 15, false)
	defer s.Release(p)
	var all []byte
	for {
		b := in[:min(piece, len(in))]
		in = in[len(b):]
		for more := true; more; {
			var n int
			var out []byte
			var err error
			n, out, more, err = s.Step(p, b)
			b = b[n:]
			all = append(all, out...)
			switch {
			case len(all) >= limit:
				return all[:limit], sound
			case s.Ended():
				return all, sound
			case err != nil:
				return all, bad
			}
		}
		if len(b) != 0 {
			panic("input left without more")
		}
		if len(in) == 0 {
			return all, cut
		}
		if park {
			s.Park(p)
			clear(p.window[:min(4*piece+1024, MaxWindow)])
		}
	}
}

// compare holds our decoder against compress/flate, in pieces of several sizes.
// What follows the first final block, where compress/flate stops, is ours alone.
func compare(t *testing.T, p *Pool, in []byte) {
	t.Helper()
	const limit = 1 << 18
	want, verdict := standard(in, limit)
	if verdict == cut {
		// Where too few bits are left for the longest code, but what is there begins no
		// code at all, compress/flate asks for more and ours has seen enough.
		_, verdict = ours(p, in, len(in)+1, limit, false)
		if verdict == sound {
			t.Fatal("sound, want cut short")
		}
	}
	for _, c := range []struct {
		piece int
		park  bool
	}{{len(in) + 1, false}, {1, true}, {7, true}, {13, false}} {
		got, v := ours(p, in, c.piece, limit, c.park)
		if verdict == sound {
			if v != sound || len(got) < len(want) || !bytes.Equal(got[:len(want)], want) {
				t.Fatalf("pieces of %d: %d bytes (%s), want %d", c.piece, len(got), v, len(want))
			}
			continue
		}
		if v != verdict {
			t.Fatalf("pieces of %d: %s, want %s", c.piece, v, verdict)
		}
		if !bytes.HasPrefix(got, want) {
			t.Fatalf("pieces of %d: output differs", c.piece)
		}
	}
	if used := p.budget.Used(); used != 0 {
		t.Fatalf("%d bytes still owned", used)
	}
}

// corpus gives plain texts of every nature.
func corpus() map[string][]byte {
	r := rand.New(rand.NewSource(1))
	noise := make([]byte, 70000)
	r.Read(noise)
	var words strings.Builder
	for words.Len() < 200000 {
		fmt.Fprintf(&words, `{"id":%d,"type":"%s","value":%g}`, r.Intn(1e6), []string{"tick", "quote", "ping", "größe"}[r.Intn(4)], r.NormFloat64())
	}
	skew := make([]byte, 60000) // long codes
	for i := range skew {
		for skew[i] < 40 && r.Intn(2) == 0 {
			skew[i]++
		}
	}
	far := append(append([]byte{}, noise[:32768]...), noise[:300]...)
	return map[string][]byte{
		"nothing": {}, "byte": {'a'}, "hello": []byte("Hello"), "noise": noise, "words": []byte(words.String()),
		"zeros": make([]byte, 150000), "skew": skew, "far": far, "message": []byte(words.String())[:100],
		"abc": bytes.Repeat([]byte("abc"), 40000),
	}
}

func deflated(b []byte, level int) []byte {
	var buf bytes.Buffer
	w, _ := flate.NewWriter(&buf, level)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

func TestAgainstStandardLibrary(t *testing.T) {
	p := NewPool(nil)
	for name, plain := range corpus() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			t.Run(fmt.Sprint(name, level), func(t *testing.T) {
				in := deflated(plain, level)
				compare(t, p, in)
				got, v := ours(p, in, 1000, 1<<20, true)
				if v != sound || !bytes.Equal(got, plain) {
					t.Errorf("%s, %d bytes of %d", v, len(got), len(plain))
				}
			})
		}
	}
}

func TestDamaged(t *testing.T) {
	p := NewPool(nil)
	r := rand.New(rand.NewSource(2))
	texts := corpus()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		plain := texts[name]
		in := deflated(plain[:min(len(plain), 3000)], 9)
		for range 60 {
			b := bytes.Clone(in)
			b[r.Intn(min(len(b), 200))] ^= 1 << r.Intn(8)
			compare(t, p, b[:r.Intn(len(b))+1])
		}
	}
}

func FuzzInflate(f *testing.F) {
	for _, plain := range corpus() {
		plain = plain[:min(len(plain), 2000)]
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			f.Add(deflated(plain, level))
		}
	}
	f.Add([]byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff})
	f.Add([]byte{0x05, 0xe0, 0x81, 0x08, 0, 0, 0, 0, 0x20})
	p := NewPool(nil)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) < 1<<12 {
			compare(t, p, in)
		}
	})
}

// messages compresses each with the same context, flushed, the tail taken off
// (RFC 7692, section 7.2.1).
func messages(n int, takeover bool) (wire [][]byte, plain [][]byte) {
	words := corpus()["words"]
	var buf bytes.Buffer
	w, _ := flate.NewWriter(&buf, 6)
	for i := range n {
		m := words[i*97 : i*97+100]
		if !takeover {
			w.Reset(&buf)
		}
		w.Write(m)
		w.Flush()
		wire = append(wire, bytes.TrimSuffix(bytes.Clone(buf.Bytes()), tail))
		plain = append(plain, m)
		buf.Reset()
	}
	return wire, plain
}

var tail = []byte{0, 0, 0xff, 0xff}

func BenchmarkSmall(b *testing.B) {
	for _, takeover := range []bool{false, true} {
		wire, plain := messages(1000, takeover)
		name := map[bool]string{false: "alone", true: "takeover"}[takeover]
		b.Run(name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(100)
			p := NewPool(nil)
			var s Stream
			s.Reset(p, 15, false)
			for i := range b.N {
				k := i % len(wire)
				if !takeover || k == 0 {
					s.Reset(p, 15, false)
				}
				size := 0
				for rest, more := wire[k], true; more; {
					n, out, again, err := s.Step(p, rest)
					if err != nil {
						b.Fatal(err)
					}
					rest, more = rest[n:], again
					size += len(out)
				}
				if size != len(plain[k]) {
					b.Fatal(size)
				}
				if !s.EndMessage(p) {
					b.Fatal("not at a boundary")
				}
				if takeover {
					s.Park(p)
				}
			}
		})
		if takeover {
			continue
		}
		for _, lib := range []struct {
			name string
			r    io.Reader
		}{{"standard", flate.NewReader(bytes.NewReader(nil))}, {"klauspost", kflate.NewReader(bytes.NewReader(nil))}} {
			b.Run(name+"/"+lib.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(100)
				var in bytes.Reader
				var all []byte
				buf := make([]byte, 512)
				for i := range b.N {
					k := i % len(wire)
					all = append(append(append(all[:0], wire[k]...), tail...), 1, 0, 0, 0xff, 0xff)
					in.Reset(all)
					lib.r.(flate.Resetter).Reset(&in, nil)
					if n, _ := lib.r.Read(buf); n != 100 {
						b.Fatal(n)
					}
				}
			})
		}
	}
}

func BenchmarkLarge(b *testing.B) {
	plain := corpus()["words"]
	in := deflated(plain, 6)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	p := NewPool(nil)
	for range b.N {
		var s Stream
		s.Reset(p, 15, false)
		n := 0
		for rest, more := in, true; more; {
			var k int
			var out []byte
			k, out, more, _ = s.Step(p, rest)
			rest = rest[k:]
			n += len(out)
		}
		if n != len(plain) {
			b.Fatal(n)
		}
	}
}

// BenchmarkMessages is messages of 20 to 2000 bytes without context takeover.
func BenchmarkMessages(b *testing.B) {
	words := corpus()["words"]
	r := rand.New(rand.NewSource(3))
	var wire [][]byte
	size := 0
	for range 256 {
		n := 20 + r.Intn(2000)
		at := r.Intn(len(words) - n)
		var buf bytes.Buffer
		w, _ := flate.NewWriter(&buf, 6)
		w.Write(words[at : at+n])
		w.Flush()
		wire = append(wire, bytes.TrimSuffix(buf.Bytes(), tail))
		size += n
	}
	b.SetBytes(int64(size / len(wire)))
	p := NewPool(nil)
	var s Stream
	for i := range b.N {
		s.Reset(p, 15, false)
		for rest, more := wire[i%len(wire)], true; more; {
			n, _, again, err := s.Step(p, rest)
			if err != nil {
				b.Fatal(err)
			}
			rest, more = rest[n:], again
		}
		if !s.EndMessage(p) {
			b.Fatal("not at a boundary")
		}
	}
}
