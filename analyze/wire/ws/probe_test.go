package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// probes feeds both directions in pieces and says what comes of them.
func probes(a, b []byte, piece int) Recognition {
	var pa, pb Probe
	for len(a) > 0 {
		n := min(piece, len(a))
		pa.Feed(a[:n])
		a = a[n:]
	}
	for len(b) > 0 {
		n := min(piece, len(b))
		pb.Feed(b[:n])
		b = b[n:]
	}
	return Recognise(&pa, &pb)
}

func repeat(n int, b []byte) []byte { return bytes.Repeat(b, n) }

func TestRecognise(t *testing.T) {
	client := join(frame(0x81, 77, "hello"), frame(0x89, 78, "p"))
	server := join(frame(0x81, 0, "hello"), frame(0x8A, 0, "p"))
	compressed := frame(0xC1, 9, "\xf2\x48\xcd\xc9\xc9\x07\x00")
	random := make([]byte, 4096)
	rand.New(rand.NewSource(5)).Read(random)
	dns := func(n int) []byte {
		m := append([]byte{0, byte(n), 0x12, 0x34, 1, 0, 0, 1}, make([]byte, n-6)...)
		return m
	}
	for _, c := range []struct {
		name string
		a, b []byte
		want Recognition
	}{
		{"two directions", client, server, IsWebSocket},
		{"the other way round", server, client, IsWebSocket},
		{"one frame each", frame(0x89, 5, ""), frame(0x8A, 0, ""), IsWebSocket},
		{"compressed", compressed, frame(0xC1, 0, "\xf2\x48\xcd\xc9\xc9\x07\x00"), IsWebSocket},
		{"begun inside a message", join(frame(0x00, 4, "\xff"), frame(0x80, 4, "x")), server, IsWebSocket},
		{"seven of one", repeat(7, compressed), nil, NotYet},
		{"eight of one", repeat(8, compressed), nil, IsWebSocket},
		{"eight of a server", nil, repeat(8, frame(0x82, 0, "\x00\x01")), IsWebSocket},
		{"in the middle of a long message", join(repeat(6, frame(0x00, 3, strings.Repeat("z", 500))), frame(0x80, 3, "z"), frame(0x01, 3, "z"), frame(0x80, 3, "z")), nil, IsWebSocket},
		{"both masked", client, client, NotFrames},
		{"neither masked", server, server, NotFrames},
		{"text that is none", frame(0x81, 0, "\xff\xfe"), client, NotFrames},
		{"control in fragments", frame(0x09, 0, ""), client, NotFrames},
		{"wasted length", []byte{0x82, 126, 0, 1, 0}, client, NotFrames},
		{"random", random, random, NotFrames},
		{"zeros", make([]byte, 5000), nil, NotFrames},
		{"DNS over TCP", repeat(40, dns(40)), repeat(40, dns(60)), NotFrames},
		{"DNS over TCP, one side", repeat(40, dns(40)), nil, NotYet},
		{"TLS records", append([]byte{0x17, 3, 3, 0, 200}, random[:200]...), nil, NotFrames},
		{"LDAP", []byte("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"), nil, NotFrames},
		{"BGP", append(repeat(16, []byte{0xff}), 0, 19, 4), nil, NotFrames},
		{"MQTT", []byte{0xC0, 0, 0xD0, 0}, nil, NotFrames},
		{"AMQP", []byte{1, 0, 1, 0, 0, 0, 5, 0, 10, 0, 10, 0}, nil, NotFrames},
		{"general names of a certificate", repeat(5, []byte("\x82\x05a.org")), repeat(5, []byte("\x82\x05b.org")), NotFrames},
		{"SMB", append([]byte{0, 0, 0, 0x85, 0xff}, "SMB"...), nil, NotFrames},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), nil, NotFrames},
		{"nothing", nil, nil, NotYet},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, piece := range []int{1 << 20, 1, 3} {
				if got := probes(c.a, c.b, piece); got != c.want {
					t.Errorf("pieces of %d: %d, want %d", piece, got, c.want)
				}
			}
		})
	}
}

func TestProbeStartsAgain(t *testing.T) {
	var p Probe
	p.Feed([]byte("the rest of a long payload"))
	if !p.Broken || p.Frames != 0 {
		t.Fatalf("%+v", p)
	}
	p.Reset()
	p.Feed(join(frame(0x81, 5, "hello"), frame(0xC1, 6, "xyz")))
	if p.Broken || p.Frames != 2 || !p.Masked || !p.Compressed || !p.AtBoundary() || p.Text != 5 {
		t.Errorf("%+v", p)
	}
}

// Random streams are hardly ever taken for frames.
func TestProbeOnNoise(t *testing.T) {
	r := rand.New(rand.NewSource(6))
	b := make([]byte, 600)
	for i := range 20000 {
		r.Read(b)
		if got := probes(b[:300], b[300:], 300); got == IsWebSocket {
			t.Fatalf("noise %d is a WebSocket", i)
		}
	}
}

func FuzzProbe(f *testing.F) {
	f.Add(frame(0x81, 3, "hello"), uint8(3))
	f.Add(join(frame(0x01, 0, "h"), frame(0x80, 0, "i")), uint8(1))
	f.Add([]byte{0x82, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0}, uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		var a, b Probe
		a.Feed(in)
		for rest := in; len(rest) > 0; {
			n := min(int(piece)+1, len(rest))
			b.Feed(rest[:n])
			rest = rest[n:]
		}
		// Behind what breaks it nothing counts.
		if a.Broken != b.Broken || a.Frames != b.Frames || a.Masked != b.Masked || !a.Broken && a != b {
			t.Fatalf("whole %+v\npieces %+v", a, b)
		}
	})
}

// FuzzParser feeds a stream whole and in pieces, with every kind of options.
func FuzzParser(f *testing.F) {
	for i, c := range cases {
		f.Add(c.in, uint8(i), uint16(i*37))
	}
	f.Fuzz(func(t *testing.T, in []byte, bits uint8, cut uint16) {
		if len(in) > 1<<12 {
			return
		}
		o := Options{FromClient: bits&1 != 0, Late: bits&2 != 0, OtherExtension: bits&0x70 == 0x70}
		if bits&4 != 0 {
			o.Deflate = &DeflateParams{NoContextTakeover: bits&8 != 0, WindowBits: 9 + bits>>5}
		}
		whole, p := run(o, in)
		if p.Offset() != int64(len(in)) {
			t.Fatalf("offset %d of %d", p.Offset(), len(in))
		}
		p.Release()
		at := int(cut) % (len(in) + 1)
		pieces := [][]byte{in[:at]}
		for rest := in[at:]; len(rest) > 0; {
			n := min(int(cut%7)+1, len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if got, _ := run(o, pieces...); got != whole {
			t.Fatalf("in pieces\n%swhole\n%s", got, whole)
		}
		var tr transcript
		p.Init(o)
		p.Feed(&tr, in[:at])
		p.Gap(&tr, int64(bits))
		p.Feed(&tr, in[at:])
		p.Gap(&tr, 1<<40)
		p.Feed(&tr, in)
		p.Release()
		if used := p.shared.Budget().Used(); used != 0 {
			t.Fatalf("%d bytes not given back", used)
		}
	})
}

func TestUTF8Automaton(t *testing.T) {
	check := func(b []byte) {
		t.Helper()
		want := strings.ToValidUTF8(string(b), "\x00") == string(b)
		for cut := range len(b) + 1 {
			state, bad := checkText(utf8Accept, 0, b[:cut])
			if state != utf8Reject {
				state, bad = checkText(state, 0, b[cut:])
			}
			if got := state == utf8Accept; got != want || (bad >= 0) != (state == utf8Reject) {
				t.Fatalf("%x cut at %d: state %d, want %v", b, cut, state, want)
			}
		}
	}
	for _, pad := range []string{"", "a", "abcdef", strings.Repeat("x", 33)} {
		for c := range uint32(1 << 16) {
			if c%251 == 0 || c>>8 >= 0xC0 && c&0x0F == 0 {
				check(append([]byte(pad), binary.BigEndian.AppendUint32(nil, c<<16|0x80BF)...))
			}
		}
		for _, r := range []rune{0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF} {
			check([]byte(pad + string(r) + pad))
		}
		for _, s := range []string{"\xc0\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"} {
			check([]byte(pad + s + pad))
		}
	}
	if s := fmt.Sprint(utf8Table[0x00]&63, utf8Table[0xFF]&63); s != fmt.Sprint(utf8Accept, utf8Reject) {
		t.Error(s)
	}
}

// TestMaskedText: one byte that is no ASCII is seen wherever it lies.
func TestMaskedText(t *testing.T) {
	const mask = 0x91F23380
	key := uint64(mask)<<32 | mask
	for n := range 150 {
		b := bytes.Repeat([]byte("a"), n)
		for at := -1; at < n; at++ {
			want := utf8Accept
			if at >= 0 {
				b[at], want = 0xFF, utf8Reject
			}
			masked := make([]byte, n)
			unmask(masked, key, b)
			if state, bad := checkText(utf8Accept, key, masked); int(state) != want || bad != at {
				t.Fatalf("%d bytes, bad at %d: state %d, bad at %d", n, at, state, bad)
			}
			if at >= 0 {
				b[at] = 'a'
			}
		}
	}
}
