package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// message builds a message: names are labels in text, \xc0\x0c points to the question.
func message(flags string, answers int, body string) []byte {
	return []byte("\x12\x34" + flags + "\x00\x01" + string([]byte{byte(answers >> 8), byte(answers)}) + "\x00\x00\x00\x00" + body)
}

const (
	question     = "\x03App\x04test\x00\x00\x01\x00\x01"
	questionAAAA = "\x03app\x04test\x00\x00\x1c\x00\x01"
	pointer      = "\xc0\x0c"
	ttl          = "\x00\x00\x00\x3c"
)

var messages = []struct {
	name string
	b    []byte
	want string
}{
	{"query", message("\x01\x00", 0, question), "query 1234 app.test A"},
	{"answer", message("\x81\x80", 1, question+pointer+"\x00\x01\x00\x01"+ttl+"\x00\x04\x0a\x00\x00\x01"), "NOERROR 1234 app.test A [app.test A 10.0.0.1 60]"},
	{"aaaa", message("\x81\x80", 1, questionAAAA+pointer+"\x00\x1c\x00\x01"+ttl+"\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
		"NOERROR 1234 app.test AAAA [app.test AAAA 2001:db8::1 60]"},
	{"alias", message("\x81\x80", 2, question+pointer+"\x00\x05\x00\x01"+ttl+"\x00\x06\x03www"+pointer+"\x03www"+pointer+"\x00\x01\x00\x01"+ttl+"\x00\x04\x0a\x00\x00\x02"),
		"NOERROR 1234 app.test A [app.test CNAME www.app.test 60] [www.app.test A 10.0.0.2 60]"},
	{"https with hints", message("\x81\x80", 1, "\x03app\x04test\x00\x00\x41\x00\x01"+pointer+"\x00\x41\x00\x01"+ttl+"\x00\x15\x00\x01\x00\x00\x01\x00\x02\x01h\x00\x04\x00\x08\x0a\x00\x00\x01\x0a\x00\x00\x02"),
		"NOERROR 1234 app.test HTTPS [app.test HTTPS 10.0.0.1 app.test 60] [app.test HTTPS 10.0.0.2 app.test 60]"},
	{"https without hints", message("\x81\x80", 1, "\x03app\x04test\x00\x00\x41\x00\x01"+pointer+"\x00\x41\x00\x01"+ttl+"\x00\x03\x00\x01\x00"), "NOERROR 1234 app.test HTTPS [app.test HTTPS app.test 60]"},
	{"no such name", message("\x81\x83", 0, question), "NXDOMAIN 1234 app.test A"},
	{"server failure", message("\x81\x82", 0, question), "SERVFAIL 1234 app.test A"},
	{"truncated", message("\x83\x80", 0, question), "NOERROR 1234 app.test A truncated"},
	{"cut", message("\x81\x80", 1, question+pointer+"\x00\x01\x00\x01"+ttl+"\x00\x04\x0a\x00"), "NOERROR 1234 app.test A cut"},
	{"other types are left out", message("\x81\x80", 1, question+pointer+"\x00\x10\x00\x01"+ttl+"\x00\x02\x01x"), "NOERROR 1234 app.test A"},
	{"odd bytes in a name", message("\x01\x00", 0, "\x03a b\x00\x00\x01\x00\x01"), "query 1234 a?b A"},
	{"update", message("\x28\x00", 0, question), "no query (opcode 0) of class IN"},
	{"class CH", message("\x01\x00", 0, "\x03app\x04test\x00\x00\x01\x00\x03"), "no query (opcode 0) of class IN"},
	{"loop", message("\x01\x00", 0, pointer+"\x00\x01\x00\x01"), "the question cannot be read"},
	{"beyond the end", message("\x01\x00", 0, "\x3fapp"), "the question cannot be read"},
	{"short", []byte("\x12\x34\x01"), "shorter than a DNS header"},
}

func text(b []byte) string {
	var m Message
	if err := Parse(b, &m); err != nil {
		return err.Error()
	}
	s := "query"
	if m.Response {
		s = m.Rcode.String()
	}
	s += fmt.Sprintf(" %x %s %s", m.ID, m.Name, m.Type)
	for _, a := range m.Answers {
		s += " [" + a.Name + " " + a.Type.String()
		if a.Addr != (netip.Addr{}) {
			s += " " + a.Addr.String()
		}
		if a.Target != "" {
			s += " " + a.Target
		}
		s += fmt.Sprintf(" %d]", a.TTL)
	}
	if m.Truncated {
		s += " truncated"
	}
	if m.Cut {
		s += " cut"
	}
	return s
}

func TestParse(t *testing.T) {
	for _, c := range messages {
		if got := text(c.b); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	one := pointer + "\x00\x01\x00\x01" + ttl + "\x00\x04\x0a\x00\x00\x01"
	var m Message
	if err := Parse(message("\x81\x80", 500, question+strings.Repeat(one, 500)), &m); err != nil || len(m.Answers) != MaxAnswers || !m.More {
		t.Errorf("%d answers, more %v, %v", len(m.Answers), m.More, err)
	}
}

func TestNamesOfUnknownNumbers(t *testing.T) {
	for r := range 16 {
		if Rcode(r).String() == "" {
			t.Errorf("rcode %d has no name", r)
		}
	}
	if Type(999).String() != "TYPE999" {
		t.Error(Type(999))
	}
}

// TestStreamSplit: whatever the segments, the messages are the same.
func TestStreamSplit(t *testing.T) {
	var stream []byte
	var want []string
	for _, c := range messages {
		stream = append(stream, byte(len(c.b)>>8), byte(len(c.b)))
		stream = append(stream, c.b...)
		want = append(want, c.want)
	}
	for size := 1; size <= len(stream); size++ {
		var s Stream
		var got []string
		for part := range slices.Chunk(stream, size) {
			s.Feed(part, func(b []byte) { got = append(got, text(b)) })
		}
		if !slices.Equal(got, want) || s.Held() != 0 {
			t.Fatalf("parts of %d: %q", size, got)
		}
	}
}

// TestLongMessageInPieces: its beginning is given, and the next is found.
func TestLongMessageInPieces(t *testing.T) {
	one := pointer + "\x00\x01\x00\x01" + ttl + "\x00\x04\x0a\x00\x00\x01"
	long := message("\x81\x80", 2000, question+strings.Repeat(one, 2000))
	stream := append([]byte{byte(len(long) >> 8), byte(len(long))}, long...)
	stream = append(stream, 0, byte(len(messages[0].b)))
	stream = append(stream, messages[0].b...)
	for _, size := range []int{1, 7, 1460, MaxHeld, len(long), len(stream)} {
		var s Stream
		var got []string
		for part := range slices.Chunk(stream, size) {
			s.Feed(part, func(b []byte) {
				var m Message
				if err := Parse(b, &m); err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s %d", m.Name, len(m.Answers)))
			})
			if cap(s.held) > 2*MaxHeld {
				t.Fatalf("%d bytes of memory", cap(s.held))
			}
		}
		if want := []string{"app.test 64", "app.test 0"}; !slices.Equal(got, want) {
			t.Errorf("parts of %d: %q", size, got)
		}
	}
}

func TestLooksStream(t *testing.T) {
	query, answer := "\x00\x1a"+string(messages[0].b), "\x00\x40"+string(messages[1].b)
	for _, c := range []struct {
		b    string
		want bool
	}{
		{query, true}, {answer, true}, {query[:1], true}, {query[:2], true}, {query[:9], true}, {"", true},
		{"\x00\x05hello", false},
		{"\x00\x1a" + string(message("\x28\x00", 0, question)), false},
		{"\x00\x1a" + string(message("\x01\x40", 0, question)), false},
		{"\x00\x1a" + string(message("\x01\x00", 3, question)), false},
		{"GET / HTTP/1.1\r\n", false},
	} {
		if got := LooksStream([]byte(c.b)); got != c.want {
			t.Errorf("%q: %v", c.b, got)
		}
	}
}

func TestParseAllocates(t *testing.T) {
	b := messages[1].b
	m := Message{Answers: make([]Answer, 0, 4)}
	// Two names become strings; nothing else is allocated.
	if n := testing.AllocsPerRun(100, func() { _ = Parse(b, &m) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range messages {
		f.Add(c.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		_ = Parse(b, &m)
		if len(m.Answers) > MaxAnswers || len(m.Name) > MaxName {
			t.Fatal("a limit does not hold")
		}
		var s Stream
		var whole, split []string
		s.Feed(b, func(b []byte) { whole = append(whole, string(b[:min(len(b), MaxHeld-2)])) })
		s = Stream{}
		for part := range slices.Chunk(b, 5) {
			s.Feed(part, func(b []byte) { split = append(split, string(b)) })
		}
		if len(whole) > 0 && !slices.Equal(whole, split[:len(whole)]) {
			t.Fatalf("%q in one piece, %q in many", whole, split)
		}
	})
}
