package track

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

const packedRequest = "GET /socket/v1?client=%d HTTP/1.1\r\nHost: ws.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %024d\r\n\r\n"

func packed(l *headLines, head string) string { return string(l.pack(nil, []byte(head))) }

// sameHead tells whether a packed head is parsed as the head is.
func sameHead(t *testing.T, l *headLines, kept, head string) {
	t.Helper()
	for _, kind := range []http1.Kind{http1.Request, http1.Response} {
		var got, want http1.Head
		l.into(&got, kind, kept)
		http1.ParseHeadInto(&want, kind, head)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q, packed as %q:\n%+v, want\n%+v", head, kept, got, want)
		}
	}
}

// Whatever comes as a head is parsed as if it had been kept.
func TestHeadLines(t *testing.T) {
	long := strings.Repeat("x", 1000)
	many := ""
	for i := range http1.MaxFields + 3 {
		many += fmt.Sprintf("X-Field-%d: %d\r\n", i%5, i%5)
	}
	var l headLines
	for round := range 4 {
		for _, head := range []string{
			"", "\n", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", fmt.Sprintf(packedRequest, round, round), "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n\n",
			"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + long + "\r\n\r\n", "Cookie: a=" + long + "\r\n\r\n", long, strings.Repeat("\n", 300),
			"GET / HTTP/1.1\r\nUpgrade: websocket\r\n and more of it\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP/1.1\nSpace-Before : colon\nNo-CR-Here: 1\nNo-CR-Here: 1\n\n",
			strings.Repeat("X-Field: \xff\x80\x00\r\n", 100), strings.Repeat("a", longestLine-1) + "\n", strings.Repeat("a", longestLine) + "\n",
			"POST / HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n", "GET / HTTP/1.1\r\n" + many + "\r\n", "Upgrade: websocket\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n",
		} {
			sameHead(t, &l, packed(&l, head), head)
		}
	}
}

// What others had, too, is kept once.
func TestHeadLinesPack(t *testing.T) {
	var l headLines
	for i := range 10 {
		head := fmt.Sprintf(packedRequest, i, i)
		n := len(packed(&l, head))
		if want := 70; i >= 2 && n > want || i == 0 && n < len(head) {
			t.Errorf("head %d of %d bytes is packed in %d", i, len(head), n)
		}
	}
}

func TestHeadLinesLimit(t *testing.T) {
	var l headLines
	line := func(i int) string { return fmt.Sprintf("%08d: a field that came twice\r\n", i*7919) }
	for i := range 2 * maxLines {
		for range 2 {
			sameHead(t, &l, packed(&l, line(i)), line(i))
		}
	}
	if n := len(l.lines); n > maxLines || n < maxLines/2 {
		t.Errorf("%d lines are known", n)
	}
}

func TestHeadLinesAllocations(t *testing.T) {
	var l headLines
	var h http1.Head
	var memory []byte
	head := []byte(fmt.Sprintf(packedRequest, 1, 1))
	keep := func() {
		memory = l.pack(memory[:0], head)
		l.into(&h, http1.Request, string(memory))
	}
	keep()
	keep()
	if n := testing.AllocsPerRun(100, keep); n > 2 {
		t.Errorf("%v allocations, want 2: what is kept, and the text between known lines", n)
	}
}

func FuzzHeadLines(f *testing.F) {
	f.Add("GET /a?b HTTP/1.1\r\nHost: example.com\r\n\r\n", "GET /a?c HTTP/1.1\r\nHost: example.com\r\n\r\n")
	f.Add("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "\x80\x00\x7f\n\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		var l headLines
		var kept []string
		heads := []string{a, b, a + b, a, b, b + a}
		for _, head := range heads {
			kept = append(kept, packed(&l, head))
		}
		for i, head := range heads {
			sameHead(t, &l, kept[i], head)
		}
	})
}

func BenchmarkHeadLines(b *testing.B) {
	var l headLines
	var h http1.Head
	head := []byte(fmt.Sprintf(packedRequest, 1, 1))
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	var memory []byte
	for b.Loop() {
		memory = l.pack(memory[:0], head)
		l.into(&h, http1.Request, string(memory))
	}
}

// Heads are kept whole while there are few connections, and packed from then on.
func TestKeepHead(t *testing.T) {
	x := New(Options{})
	head := fmt.Sprintf(packedRequest, 1, 1)
	var whole, packed keptHead
	for range 3 {
		whole = x.keepHead([]byte(head))
	}
	x.conns = make([]*conn, manyConns+1)
	for range 3 {
		packed = x.keepHead([]byte(head))
	}
	if len(whole) != len(head)+1 || len(packed) > len(head)/4 || x.keepHead(nil) != "" {
		t.Errorf("a head of %d bytes is kept in %d, packed in %d", len(head), len(whole), len(packed))
	}
	var want http1.Head
	http1.ParseHeadInto(&want, http1.Request, head)
	for _, k := range []keptHead{whole, packed} {
		var got http1.Head
		if x.parseHead(&got, http1.Request, k); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n%+v, want\n%+v", k, got, want)
		}
	}
}
