package ws

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// frame builds one; key 0 means not masked.
func frame(b0 byte, key uint32, payload string) []byte {
	b := []byte{b0, 0}
	switch n := len(payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if key == 0 {
		return append(b, payload...)
	}
	return append(b, masked(b, key, payload)...)
}

// masked sets the mask bit of the header b and gives key and payload.
func masked(b []byte, key uint32, payload string) []byte {
	b[1] |= 0x80
	k := binary.BigEndian.AppendUint32(nil, key)
	out := append([]byte{}, k...)
	for i := range len(payload) {
		out = append(out, payload[i]^k[i&3])
	}
	return out
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// transcript writes down what a Parser tells.
type transcript struct{ strings.Builder }

func (t *transcript) Frame(p *Parser, h *Header) {
	fmt.Fprintf(t, "frame %d %v fin=%v rsv=%d masked=%v len=%d size=%d\n", h.Offset, h.Opcode, h.Fin, h.RSV, h.Masked, h.Length, h.Size)
}

func (t *transcript) Message(p *Parser, m *Message) {
	fmt.Fprintf(t, "message %d %v wire=%d size=%d frames=%d", m.Offset, m.Opcode, m.Wire, m.Size, m.Frames)
	for _, f := range []struct {
		on   bool
		name string
	}{{m.Compressed, "compressed"}, {m.Damaged, "damaged"}, {m.Unchecked, "unchecked"}, {m.Uninflated, "uninflated"}} {
		if f.on {
			t.WriteString(" " + f.name)
		}
	}
	t.WriteByte('\n')
}

func (t *transcript) Control(p *Parser, h *Header, payload []byte) {
	fmt.Fprintf(t, "control %d %v %q\n", h.Offset, h.Opcode, payload)
}

func (t *transcript) Violation(p *Parser, v Violation, at int64, h *Header) {
	fmt.Fprintf(t, "violation %d %v in %d\n", at, v, h.Offset)
}

// run feeds the pieces to a new Parser.
func run(o Options, pieces ...[]byte) (string, *Parser) {
	var t transcript
	p := new(Parser)
	p.Init(o)
	for _, b := range pieces {
		p.Feed(&t, b)
	}
	return t.String(), p
}

func TestHello(t *testing.T) {
	got, p := run(Options{FromClient: true}, frame(0x81, 0x37fa213d, "Hello"))
	want := "frame 0 text fin=true rsv=0 masked=true len=5 size=6\nmessage 0 text wire=5 size=5 frames=1\n"
	if got != want || p.Messages != 1 || p.Violations() != 0 {
		t.Errorf("got %s", got)
	}
}

// cases are streams of one direction and what is to be told of them. Every one
// is also fed in pieces.
var cases = []struct {
	name string
	o    Options
	in   []byte
	want []string // lines of the transcript other than those of frames
}{
	{"fragments with a ping between", Options{}, join(frame(0x01, 0, "Hel"), frame(0x89, 0, "p"), frame(0x80, 0, "lo")),
		[]string{`control 5 ping "p"`, `message 0 text wire=5 size=5 frames=2`}},
	{"empty messages", Options{FromClient: true}, join(frame(0x81, 1, ""), frame(0x82, 2, ""), frame(0x8A, 3, "")),
		[]string{`message 0 text wire=0 size=0 frames=1`, `message 6 binary wire=0 size=0 frames=1`, `control 12 pong ""`}},
	{"16-bit length", Options{FromClient: true}, frame(0x82, 7, strings.Repeat("\xff", 300)),
		[]string{`message 0 binary wire=300 size=300 frames=1`}},
	{"64-bit length", Options{}, frame(0x81, 0, strings.Repeat("ab", 40000)),
		[]string{`message 0 text wire=80000 size=80000 frames=1`}},
	{"unmasked client", Options{FromClient: true}, frame(0x81, 0, "hi"),
		[]string{`violation 0 unmasked client frame in 0`, `message 0 text wire=2 size=2 frames=1`}},
	{"masked server", Options{}, frame(0x81, 9, "hi"),
		[]string{`violation 0 masked server frame in 0`, `message 0 text wire=2 size=2 frames=1`}},
	{"RSV1 without deflate", Options{}, frame(0xC1, 0, "\xff"),
		[]string{`violation 0 reserved bits set in 0`, `message 0 text wire=1 size=1 frames=1 unchecked`}},
	{"RSV2 with deflate", Options{Deflate: &DeflateParams{}}, frame(0xA1, 0, "hi"),
		[]string{`violation 0 reserved bits set in 0`, `message 0 text wire=2 size=2 frames=1 unchecked`}},
	{"RSV1 on control and continuation", Options{Deflate: &DeflateParams{}}, join(frame(0xC9, 0, ""), frame(0x01, 0, "a"), frame(0xC0, 0, "b")),
		[]string{`violation 0 reserved bits set in 0`, `control 0 ping ""`, `violation 5 reserved bits set in 5`, `message 2 text wire=2 size=2 frames=2`}},
	{"other extension", Options{OtherExtension: true}, join(frame(0xB1, 0, "\xff"), frame(0x83, 0, "x")),
		[]string{`message 0 text wire=1 size=1 frames=1 unchecked`}},
	{"reserved opcodes", Options{}, join(frame(0x83, 0, "abc"), frame(0x8B, 0, "d"), frame(0x81, 0, "e")),
		[]string{`violation 0 reserved opcode in 0`, `violation 5 reserved opcode in 5`, `message 8 text wire=1 size=1 frames=1`}},
	{"fragmented ping", Options{}, join(frame(0x09, 0, "a"), frame(0x80, 0, "b"), frame(0x80, 0, "c")),
		[]string{`violation 0 fragmented control frame in 0`, `control 0 ping "a"`, `violation 6 continuation without a start in 6`}},
	{"oversized ping", Options{}, join(frame(0x89, 0, strings.Repeat("x", 126)), frame(0x82, 0, "")),
		[]string{`violation 0 oversized control frame in 0`, `control 0 ping "` + strings.Repeat("x", 125) + `"`, `message 130 binary wire=0 size=0 frames=1`}},
	{"interrupted message", Options{}, join(frame(0x01, 0, "a"), frame(0x82, 0, "bc")),
		[]string{`violation 3 new message inside an unfinished one in 3`, `message 3 binary wire=2 size=2 frames=1`}},
	{"late continuation", Options{Late: true}, join(frame(0x80, 0, "\xff"), frame(0x80, 0, "a")),
		[]string{`message 0 continuation wire=1 size=1 frames=1 unchecked`, `violation 3 continuation without a start in 3`}},
	{"UTF-8 across fragments", Options{FromClient: true}, join(frame(0x01, 5, "gr\xc3"), frame(0x80, 6, "\xb6\xc3\x9fe")),
		[]string{`message 0 text wire=7 size=7 frames=2`}},
	{"bad UTF-8", Options{FromClient: true}, join(frame(0x81, 5, "0123456789abcdef\xc3\x28zz")),
		[]string{`violation 23 invalid UTF-8 in 0`, `message 0 text wire=20 size=20 frames=1`}},
	{"cut UTF-8", Options{}, frame(0x81, 0, "a\xe2\x82"),
		[]string{`violation 5 invalid UTF-8 in 0`, `message 0 text wire=3 size=3 frames=1`}},
	{"binary is not checked", Options{}, frame(0x82, 0, "\xff\xfe"),
		[]string{`message 0 binary wire=2 size=2 frames=1`}},
	{"16-bit length for 5", Options{FromClient: true}, append([]byte{0x82, 0xFE, 0, 5, 1, 2, 3, 4}, "abcde"...),
		[]string{`violation 0 length not in its shortest form in 0`, `message 0 binary wire=5 size=5 frames=1`}},
	{"64-bit length for 5", Options{}, append([]byte{0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0, 5}, "abcde"...),
		[]string{`violation 0 length not in its shortest form in 0`, `message 0 binary wire=5 size=5 frames=1`}},
	{"length with its top bit", Options{}, append([]byte{0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 5}, "\x81\x00\x81\x00"...),
		[]string{`violation 0 length with its top bit set in 0`}},
	{"close", Options{}, frame(0x88, 0, "\x03\xe8bye"), []string{`control 0 close "\x03\xe8bye"`}},
	{"close of one byte", Options{FromClient: true}, frame(0x88, 3, "\x03"),
		[]string{`violation 0 Close payload of one byte in 0`, `control 0 close "\x03"`}},
	{"close with a code never sent", Options{}, frame(0x88, 0, "\x03\xed"),
		[]string{`violation 0 invalid Close code in 0`, `control 0 close "\x03\xed"`}},
	{"close with a bad reason", Options{}, frame(0x88, 0, "\x03\xe8\xff"),
		[]string{`violation 0 Close reason not UTF-8 in 0`, `control 0 close "\x03\xe8\xff"`}},
	{"data after close", Options{}, join(frame(0x88, 0, ""), frame(0x8A, 0, ""), frame(0x82, 0, "")),
		[]string{`control 0 close ""`, `control 2 pong ""`, `violation 4 data after Close in 4`, `message 4 binary wire=0 size=0 frames=1`}},
	{"deflated (RFC 7692, 7.2.3.1)", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\xf2\x48\xcd\xc9\xc9\x07\x00"),
		[]string{`message 0 text wire=7 size=5 frames=1 compressed`}},
	{"deflated in fragments", Options{Deflate: &DeflateParams{}}, join(frame(0x41, 0, "\xf2\x48\xcd"), frame(0x89, 0, "x"), frame(0x80, 0, "\xc9\xc9\x07\x00")),
		[]string{`control 5 ping "x"`, `message 0 text wire=7 size=5 frames=2 compressed`}},
	{"sharing the window (7.2.3.2)", Options{Deflate: &DeflateParams{}}, join(frame(0xC1, 0, "\xf2\x48\xcd\xc9\xc9\x07\x00"), frame(0xC1, 0, "\xf2\x00\x11\x00\x00")),
		[]string{`message 0 text wire=7 size=5 frames=1 compressed`, `message 9 text wire=5 size=5 frames=1 compressed`}},
	{"not sharing it", Options{Deflate: &DeflateParams{NoContextTakeover: true}}, join(frame(0xC1, 0, "\xf2\x48\xcd\xc9\xc9\x07\x00"), frame(0xC1, 0, "\xf2\x00\x11\x00\x00")),
		[]string{`message 0 text wire=7 size=5 frames=1 compressed`, `violation 9 message does not inflate in 9`, `message 9 text wire=5 size=5 frames=1 compressed uninflated`}},
	{"window not captured", Options{Late: true, Deflate: &DeflateParams{}}, frame(0xC1, 0, "\xf2\x00\x11\x00\x00"),
		[]string{`message 0 text wire=5 size=5 frames=1 compressed unchecked`}},
	{"stored block (7.2.3.3)", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
		[]string{`message 0 text wire=11 size=5 frames=1 compressed`}},
	{"final block (7.2.3.4)", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
		[]string{`message 0 text wire=8 size=5 frames=1 compressed`}},
	{"final block and nothing", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\xf3\x48\xcd\xc9\xc9\x07\x00"),
		[]string{`message 0 text wire=7 size=5 frames=1 compressed`}},
	{"two blocks (7.2.3.5)", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
		[]string{`message 0 text wire=13 size=5 frames=1 compressed`}},
	{"empty (7.2.3.6)", Options{FromClient: true, Deflate: &DeflateParams{}}, frame(0xC1, 77, "\x00"),
		[]string{`message 0 text wire=1 size=0 frames=1 compressed`}},
	{"deflate cut short", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\xf2\x48\xcd\xc9"),
		[]string{`violation 0 message does not inflate in 0`, `message 0 text wire=4 size=4 frames=1 compressed uninflated`}},
	{"corrupt deflate", Options{FromClient: true, Deflate: &DeflateParams{}}, join(frame(0xC1, 9, "\x07zzz"), frame(0x81, 9, "ok")),
		[]string{`violation 0 message does not inflate in 0`, `message 0 text wire=4 size=4 frames=1 compressed uninflated`, `message 10 text wire=2 size=2 frames=1`}},
	{"corrupt, but a guess", Options{Deflate: &DeflateParams{Assumed: true}}, frame(0xC1, 0, "\x07zzz"),
		[]string{`message 0 text wire=4 size=4 frames=1 compressed uninflated`}},
	{"deflated bad UTF-8", Options{Deflate: &DeflateParams{}}, frame(0xC1, 0, "\x00\x02\x00\xfd\xff\xc3\x28\x00"),
		[]string{`violation 0 invalid UTF-8 in 0`, `message 0 text wire=8 size=2 frames=1 compressed`}},
	{"plain under deflate", Options{Deflate: &DeflateParams{}}, frame(0x81, 0, "plain"),
		[]string{`message 0 text wire=5 size=5 frames=1`}},
}

func withoutFrames(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "frame ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestCases(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			whole, p := run(c.o, c.in)
			want := strings.Join(c.want, "\n") + "\n"
			if got := withoutFrames(whole); got != want {
				t.Fatalf("got\n%swant\n%s", got, want)
			}
			if p.Offset() != int64(len(c.in)) {
				t.Errorf("offset %d after %d bytes", p.Offset(), len(c.in))
			}
			if strings.Contains(want, "violation") != (p.Violations() != 0) {
				t.Errorf("violations %b", p.Violations())
			}
			checkSplits(t, c.o, c.in, whole)
		})
	}
}

// checkSplits feeds in in two pieces, cut at every byte, and byte by byte.
func checkSplits(t *testing.T, o Options, in []byte, want string) {
	t.Helper()
	o.Inflaters = NewInflaters(nil)
	for i := 1; i < len(in) && i < 400; i++ {
		got, p := run(o, in[:i], in[i:])
		if got != want {
			t.Fatalf("cut at %d:\n%swhole:\n%s", i, got, want)
		}
		p.Release()
	}
	pieces := make([][]byte, len(in))
	for i := range in {
		pieces[i] = in[i : i+1]
	}
	got, p := run(o, pieces...)
	if got != want {
		t.Fatalf("byte by byte:\n%swhole:\n%s", got, want)
	}
	p.Release()
	if used := o.Inflaters.Budget().Used(); used != 0 {
		t.Errorf("%d bytes not given back", used)
	}
}

func TestLengthTopBitIsDeath(t *testing.T) {
	_, p := run(Options{}, []byte{0x82, 0x7F, 0xFF, 0, 0, 0, 0, 0, 0, 5}, []byte("anything"))
	if !p.Dead() || p.Offset() != 18 {
		t.Errorf("dead %v at %d", p.Dead(), p.Offset())
	}
}

func TestMid(t *testing.T) {
	in := join(frame(0x01, 1, "ab"), frame(0x80, 1, "c"))
	for n, want := range map[int][2]bool{0: {false, false}, 1: {true, false}, 7: {true, true}, 8: {false, true}, 9: {true, true}, len(in): {false, false}} {
		_, p := run(Options{FromClient: true}, in[:n])
		if f, m := p.Mid(); [2]bool{f, m} != want {
			t.Errorf("after %d bytes: frame %v, message %v", n, f, m)
		}
	}
}

func TestCounters(t *testing.T) {
	_, p := run(Options{FromClient: true}, join(frame(0x01, 7, "abc"), frame(0x80, 7, "de"), frame(0x82, 7, "f"), frame(0x89, 8, ""),
		[]byte{0x8A, 0x80, 0, 0, 0, 0}, []byte{0x88, 0x80, 0, 0, 0, 0}))
	want := "1 1 1 1 1 1; 2 messages, 6 bytes, 5 at most; keys 3 alike, 2 zero"
	got := fmt.Sprintf("%d %d %d %d %d %d; %d messages, %d bytes, %d at most; keys %d alike, %d zero",
		p.Count(Text), p.Count(Binary), p.Count(Continuation), p.Count(Close), p.Count(Ping), p.Count(Pong),
		p.Messages, p.MessageBytes, p.LargestMessage, p.SameKeys(), p.ZeroKeys())
	if got != want || !p.Closed() {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOpcodes(t *testing.T) {
	for o := range Opcode(16) {
		in := frame(0x80|byte(o), 0, "x")
		_, p := run(Options{Late: true}, in)
		if o.IsReserved() != p.Violations().Has(ReservedOpcode) || o.String() == "" {
			t.Errorf("opcode %d (%s): violations %b", o, o, p.Violations())
		}
	}
	for v := range Violation(NumViolations + 1) {
		if v.String() == "" {
			t.Errorf("violation %d has no name", v)
		}
	}
}

func TestCloseCodes(t *testing.T) {
	valid := map[uint16]bool{}
	for _, c := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014} {
		valid[c] = true
	}
	for c := range 1 << 16 {
		want := valid[uint16(c)] || c >= 3000 && c < 5000
		s := ParseClose(binary.BigEndian.AppendUint16(nil, uint16(c)))
		if ValidCloseCode(uint16(c)) != want || s.Broken == want || s.Code != uint16(c) || !s.HasCode {
			t.Fatalf("%d: %+v", c, s)
		}
	}
	if s := ParseClose([]byte("\x03\xe9gone")); s.Reason != "gone" || s.Broken {
		t.Errorf("%+v", s)
	}
}
