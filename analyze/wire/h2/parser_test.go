package h2

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// recorder writes down what an Observer is told.
type recorder struct {
	lines []string
	open  bool // the last line is DATA that goes on
}

func (r *recorder) say(format string, args ...any) {
	r.lines, r.open = append(r.lines, fmt.Sprintf(format, args...)), false
}

func (r *recorder) Frame(p *Parser, h *Header) {
	r.say("%s stream=%d len=%d flags=%#x at=%d", h.Type, h.Stream, h.Length, uint8(h.Flags), h.Offset)
}

func (r *recorder) Data(p *Parser, h *Header, b []byte) {
	if r.open {
		r.lines[len(r.lines)-1] += string(b)
		return
	}
	r.say("data %d %s", h.Stream, b)
	r.open = true
}

func (r *recorder) DataMissing(p *Parser, h *Header, n int64) { r.say("missing %d: %d", h.Stream, n) }

func (r *recorder) Block(p *Parser, h *Header, b *Block) {
	var s strings.Builder
	for _, f := range b.Fields {
		fmt.Fprintf(&s, " %s=%s", f.Name, f.Value)
		if f.Unknown {
			s.WriteString("(?)")
		}
		if f.Cut {
			s.WriteString("(cut)")
		}
	}
	r.say("block %d%s unknown=%d truncated=%v", h.Stream, s.String(), b.Unknown, b.Truncated)
}

func (r *recorder) EndStream(p *Parser, h *Header)                { r.say("end-stream %d", h.Stream) }
func (r *recorder) Settings(p *Parser, h *Header, list []Setting) { r.say("settings %v", list) }
func (r *recorder) Reset(p *Parser, h *Header, c ErrorCode)       { r.say("reset %d %s", h.Stream, c) }
func (r *recorder) GoAway(p *Parser, h *Header, last uint32, c ErrorCode, debug []byte) {
	r.say("goaway last=%d %s %q", last, c, debug)
}
func (r *recorder) Window(p *Parser, h *Header, n uint32) { r.say("window %d %d", h.Stream, n) }
func (r *recorder) Violation(p *Parser, v Violation, at int64, h *Header) {
	r.say("! %s at %d", v, at)
}
func (r *recorder) Lost(p *Parser) { r.say("lost") }

// without gives the lines that are not frame headers.
func (r *recorder) without() []string {
	return slices.DeleteFunc(slices.Clone(r.lines), func(s string) bool { return strings.Contains(s, " flags=") })
}

// frame builds a frame.
func frame(t Type, flags Flags, stream uint32, payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), byte(t), byte(flags), byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}) + payload
}

// encoder compresses header blocks as a peer does.
type encoder struct {
	buf bytes.Buffer
	*hpack.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.Encoder = hpack.NewEncoder(&e.buf)
	return e
}

// block encodes name, value, name, value ...
func (e *encoder) block(fields ...string) string {
	e.buf.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		if err := e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			panic(err)
		}
	}
	return e.buf.String()
}

var connect = []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat", ":authority", "app.test", "sec-websocket-version", "13"}

const connectText = " :method=CONNECT :protocol=websocket :scheme=https :path=/chat :authority=app.test sec-websocket-version=13"

const settingsFrame = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// vector is a stream of one direction with what an observer is told of it.
type vector struct {
	name   string
	server bool
	bytes  string
	want   []string
}

func vectors() []vector {
	e := newEncoder()
	first, second := e.block(connect...), e.block(connect...)
	padded := "\x03" + first + "\x00\x00\x00"
	weighted := "\x02" + "\x80\x00\x00\x05\x10" + newEncoder().block(":status", "200") + "\x00\x00"
	return []vector{
		{name: "preface and request twice", bytes: Preface + settingsFrame + frame(Headers, EndHeaders, 1, first) + frame(Headers, EndHeaders|EndStream, 3, second),
			want: []string{"settings []", "block 1" + connectText + " unknown=0 truncated=false", "block 3" + connectText + " unknown=0 truncated=false", "end-stream 3"}},
		{name: "continuation and padding", bytes: Preface + settingsFrame + frame(Headers, Padded|EndStream, 1, "\x02"+first[:5]+"\x00\x00") +
			frame(Continuation, 0, 1, first[5:9]) + frame(Continuation, 0, 1, "") + frame(Continuation, EndHeaders, 1, first[9:]) + frame(Data, Padded, 1, "\x02hi\x00\x00"),
			want: []string{"settings []", "block 1" + connectText + " unknown=0 truncated=false", "end-stream 1", "data 1 hi"}},
		{name: "padded request", bytes: Preface + settingsFrame + frame(Headers, EndHeaders|Padded, 1, padded),
			want: []string{"settings []", "block 1" + connectText + " unknown=0 truncated=false"}},
		{name: "settings of a server", server: true, bytes: frame(Settings, 0, 0, "\x00\x08\x00\x00\x00\x01\x00\x01\x00\x00\x10\x00") + frame(Settings, Ack, 0, "") + frame(Headers, EndHeaders|Padded|Weighted, 1, weighted),
			want: []string{"settings [{ENABLE_CONNECT_PROTOCOL 1} {HEADER_TABLE_SIZE 4096}]", "block 1 :status=200 unknown=0 truncated=false"}},
		{name: "resets, windows, goaway, ping", server: true, bytes: settingsFrame + frame(RSTStream, 0, 5, "\x00\x00\x00\x08") + frame(WindowUpdate, 0, 0, "\x00\x00\x00\x14") +
			frame(GoAway, 0, 0, "\x00\x00\x00\x05\x00\x00\x00\x0btoo many") + frame(Ping, Ack, 0, "12345678") + frame(Priority, 0, 3, "12345") + frame(0x77, 0xff, 9, "whatever") + frame(AltSvc, 0, 0, "\x00\x00h2"),
			want: []string{"settings []", "reset 5 CANCEL", "window 0 20", `goaway last=5 ENHANCE_YOUR_CALM "too many"`}},
		{name: "data ends the stream", server: true, bytes: settingsFrame + frame(Data, 0, 1, "abc") + frame(Data, EndStream, 1, "def") + frame(Data, EndStream, 3, ""),
			want: []string{"settings []", "data 1 abc", "data 1 def", "end-stream 1", "end-stream 3"}},
		{name: "a push keeps the table in step", server: true, bytes: settingsFrame + frame(PushPromise, EndHeaders, 1, "\x00\x00\x00\x02"+e2(0)) + frame(Headers, EndHeaders, 1, e2(1)),
			want: []string{"settings []", "block 1 x-a=b unknown=0 truncated=false", "block 1 x-a=b unknown=0 truncated=false"}},
		{name: "empty header block", server: true, bytes: settingsFrame + frame(Headers, EndHeaders|EndStream, 1, ""),
			want: []string{"settings []", "block 1 unknown=0 truncated=false", "end-stream 1"}},
	}
}

// e2 is one field, new (0) or again (1), of an encoder of its own.
func e2(i int) string {
	e := newEncoder()
	return []string{e.block("x-a", "b"), e.block("x-a", "b")}[i]
}

func feed(v vector, sizes ...int) *recorder {
	var p Parser
	p.Init(Options{FromClient: !v.server})
	r := &recorder{}
	b := []byte(v.bytes)
	for _, n := range sizes {
		n = min(n, len(b))
		p.Feed(r, b[:n:n])
		b = b[n:]
	}
	p.Feed(r, b)
	return r
}

func TestFrames(t *testing.T) {
	for _, v := range vectors() {
		if got := feed(v).without(); !slices.Equal(got, v.want) {
			t.Errorf("%s:\n got %q\nwant %q", v.name, got, v.want)
		}
	}
}

// TestSplit: any split of the input gives the same result.
func TestSplit(t *testing.T) {
	for _, v := range append(vectors(), broken()...) {
		whole := feed(v).lines
		for i := range len(v.bytes) {
			if got := feed(v, i).lines; !slices.Equal(got, whole) {
				t.Fatalf("%s: split at %d:\n got %q\nwant %q", v.name, i, got, whole)
			}
		}
		if got := feed(v, slices.Repeat([]int{1}, len(v.bytes))...).lines; !slices.Equal(got, whole) {
			t.Fatalf("%s: byte by byte:\n got %q\nwant %q", v.name, got, whole)
		}
	}
}

// broken are streams that break a rule each, and go on.
func broken() []vector {
	after, seen := frame(Data, 0, 1, "on"), "data 1 on"
	server := func(name, bytes string, want ...string) vector {
		return vector{name: name, server: true, bytes: settingsFrame + bytes + after, want: append(append([]string{"settings []"}, want...), seen)}
	}
	at := func(v Violation) string { return fmt.Sprintf("! %s at 9", v) }
	get := newEncoder().block(":status", "200")
	return []vector{
		{name: "bad preface", bytes: "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n" + after, want: []string{fmt.Sprintf("! %s at 13", BadPreface)}},
		{name: "not HTTP/2", server: true, bytes: "HTTP/1.1 400 Bad Request\r\n\r\n", want: []string{fmt.Sprintf("! %s at 0", NotHTTP2)}},
		{name: "first frame", server: true, bytes: after, want: []string{fmt.Sprintf("! %s at 0", FirstNotSettings), seen}},
		server("frame too large", frame(0x77, 0, 0, strings.Repeat("x", 16385)), at(FrameTooLarge)),
		server("short reset", frame(RSTStream, 0, 1, "\x00\x00"), at(BadLength)),
		server("long reset", frame(RSTStream, 0, 1, "\x00\x00\x00\x08\x00"), at(BadLength), "reset 1 CANCEL"),
		server("short goaway", frame(GoAway, 0, 0, "\x00\x00"), at(BadLength)),
		server("padded frame without padding", frame(Data, Padded, 1, ""), at(BadLength), at(BadLength)),
		server("data on the connection", frame(Data, 0, 0, "x"), at(StreamMissing), "data 0 x"),
		server("settings on a stream", frame(Settings, 0, 1, ""), at(StreamUnexpected), "settings []"),
		server("too much padding", frame(Data, Padded, 1, "\x05abc"), at(BadPadding)),
		server("padding fills the frame", frame(Data, Padded, 1, "\x03abc")),
		server("interrupted block", frame(Headers, 0, 1, get), fmt.Sprintf("! %s at 19", ContinuationExpected)),
		server("other stream's block", frame(Headers, 0, 1, get)+frame(Continuation, EndHeaders, 3, get), fmt.Sprintf("! %s at 19", ContinuationExpected)),
		server("continuation alone", frame(Continuation, EndHeaders, 1, get), at(ContinuationAlone)),
		server("setting", frame(Settings, 0, 0, "\x00\x08\x00\x00\x00\x02"), at(BadSetting), "settings [{ENABLE_CONNECT_PROTOCOL 2}]"),
		server("ack with payload", frame(Settings, Ack, 0, "\x00\x08\x00\x00\x00\x01"), at(AckWithPayload)),
		server("no increment", frame(WindowUpdate, 0, 1, "\x00\x00\x00\x00"), at(ZeroIncrement), "window 1 0"),
		server("pseudo after regular", frame(Headers, EndHeaders, 1, newEncoder().block("a", "b", ":status", "200")), at(PseudoAfterRegular), "block 1 a=b :status=200 unknown=0 truncated=false"),
		server("pseudo twice", frame(Headers, EndHeaders, 1, "\x88\x88"), at(DuplicatePseudo), "block 1 :status=200 :status=200 unknown=0 truncated=false"),
		server("upper case", frame(Headers, EndHeaders, 1, "\x00\x01X\x01y"), at(UppercaseName), "block 1 X=y unknown=0 truncated=false"),
		server("index in no table", frame(Headers, EndHeaders, 1, "\x88\xbe\x88"), at(InvalidIndex), "block 1 :status=200 unknown=0 truncated=true"),
		server("index 0", frame(Headers, EndHeaders, 1, "\x80"), at(InvalidIndex), "block 1 unknown=0 truncated=true"),
		server("huge integer", frame(Headers, EndHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), at(InvalidInteger), "block 1 unknown=0 truncated=true"),
		server("cut block", frame(Headers, EndHeaders, 1, "\x00\x05ab"), at(BlockCutShort), "block 1 unknown=0 truncated=true"),
		server("bad Huffman", frame(Headers, EndHeaders, 1, "\x00\x84\xff\xff\xff\xff\x00"), at(InvalidHuffman), "block 1 unknown=0 truncated=true"),
		server("table size", frame(Headers, EndHeaders, 1, "\x3f\xe2\x1f\x88"), at(InvalidTableSize), "block 1 :status=200 unknown=0 truncated=false"),
	}
}

func TestViolations(t *testing.T) {
	named := map[string]bool{}
	for _, v := range broken() {
		got := feed(v).without()
		if !slices.Equal(got, v.want) {
			t.Errorf("%s:\n got %q\nwant %q", v.name, got, v.want)
		}
		for _, line := range got {
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "! "), " at ")
			named[name] = true
		}
	}
	for v := range violations {
		if !named[v.String()] {
			t.Errorf("no case for %q", v)
		}
	}
}

func TestNames(t *testing.T) {
	for i := range 256 {
		if Type(i).String() == "" || ErrorCode(i).String() == "" || SettingID(i).String() == "" || Violation(i).String() == "" {
			t.Fatalf("%d has no name", i)
		}
	}
	for got, want := range map[string]string{Data.String(): "DATA", Type(0xb).String(): "frame type 11", HTTP11Required.String(): "HTTP_1_1_REQUIRED",
		ErrorCode(14).String(): "error code 14", EnableConnectProtocol.String(): "ENABLE_CONNECT_PROTOCOL", SettingID(7).String(): "setting 7"} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLooks(t *testing.T) {
	for in, want := range map[string]Verdict{"": Maybe, "PRI": Maybe, Preface: Yes, Preface + "x": Yes, "PRO": No, "GET / HTTP/1.1": No} {
		if got := Looks([]byte(in)); got != want {
			t.Errorf("Looks(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestLooksServer(t *testing.T) {
	for in, want := range map[string]Verdict{"": Maybe, "\x00\x00\x12\x04": Maybe, settingsFrame: Yes, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08": Yes,
		"\x00\x00\x05\x04": No, "\x00\x00\x06\x05": No, "\x00\x00\x06\x04\x01": No, "HTTP/1.1 200": No, "\x01": No} {
		if got := LooksServer([]byte(in)); got != want {
			t.Errorf("LooksServer(%q) = %d, want %d", in, got, want)
		}
	}
}

// TestDataAllocates nothing: DATA is most of a connection.
func TestDataAllocates(t *testing.T) {
	var p Parser
	p.Init(Options{})
	b := []byte(settingsFrame + strings.Repeat(frame(Data, 0, 1, strings.Repeat("x", 1000))+frame(WindowUpdate, 0, 1, "\x00\x00\x00\x01"), 10))
	p.Feed(ignore{}, b)
	if n := testing.AllocsPerRun(100, func() { p.Feed(ignore{}, b[len(settingsFrame):]) }); n != 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}

// ignore is an Observer that only looks.
type ignore struct{}

func (ignore) Frame(*Parser, *Header)                             {}
func (ignore) Data(*Parser, *Header, []byte)                      {}
func (ignore) DataMissing(*Parser, *Header, int64)                {}
func (ignore) Block(*Parser, *Header, *Block)                     {}
func (ignore) EndStream(*Parser, *Header)                         {}
func (ignore) Settings(*Parser, *Header, []Setting)               {}
func (ignore) Reset(*Parser, *Header, ErrorCode)                  {}
func (ignore) GoAway(*Parser, *Header, uint32, ErrorCode, []byte) {}
func (ignore) Window(*Parser, *Header, uint32)                    {}
func (ignore) Violation(*Parser, Violation, int64, *Header)       {}
func (ignore) Lost(*Parser)                                       {}

func BenchmarkData(b *testing.B) {
	var p Parser
	p.Init(Options{})
	chunk := []byte(frame(Data, 0, 1, strings.Repeat("x", 1400)))
	p.Feed(ignore{}, []byte(settingsFrame))
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(ignore{}, chunk)
	}
}

func BenchmarkBlock(b *testing.B) {
	e := newEncoder()
	var p Parser
	p.Init(Options{FromClient: true})
	p.Feed(ignore{}, []byte(Preface+settingsFrame+frame(Headers, EndHeaders, 1, e.block(connect...))))
	chunk := []byte(frame(Headers, EndHeaders, 3, e.block(connect...)))
	b.ReportAllocs()
	for b.Loop() {
		p.Feed(ignore{}, chunk)
	}
}
