package http1

import (
	"reflect"
	"strings"
	"testing"
)

// judged is ParseHead without the short way for plain lines.
func judged(k Kind, raw string) *Head {
	whole := strings.HasSuffix(raw, "\n\r\n") || strings.HasSuffix(raw, "\n\n")
	h := &Head{Kind: k}
	b := builder{h: h, text: raw}
	for pos := 0; pos < len(raw); {
		end, cut := len(raw), true
		if i := strings.IndexByte(raw[pos:], '\n'); i >= 0 {
			end, cut = pos+i+1, false
		}
		b.line(pos, end, cut)
		pos = end
	}
	if whole {
		b.judgeFraming()
	}
	h.End = int64(len(raw))
	h.Truncated = h.Truncated || !whole
	return h
}

func samePlain(t *testing.T, k Kind, raw string) {
	got, want := ParseHead(k, raw), judged(k, raw)
	if len(got.Fields) == 0 {
		got.Fields = want.Fields
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q: %s, want %s", raw, head(got), head(want))
	}
}

// plainCases are lines at the border of what is plain.
var plainCases = [2][]string{
	{"GET / HTTP/1.1", "GET /a HTTP/1.0", "GET /a HTTP/1.2", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET /\x01 HTTP/1.1", "G(T / HTTP/1.1", "GET HTTP/1.1",
		"GET / x HTTP/1.1", "GET\t/ HTTP/1.1", " GET / HTTP/1.1", "GET /\xff HTTP/1.1", "GET / HTTP/1.1\r"},
	{"HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 600 No", "HTTP/1.1 20x No", "HTTP/1.1 200  OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200 O\x00K",
		"HTTP/1.0 099 OK", "http/1.1 200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 200 OK ", "HTTP/1.1 200 O\rK"},
}

var plainFields = []string{"", "A: b", "A:b", "A:\t b \t", "A:", "A: ", ": b", "A : b", "A", "A: b\x00", "A: b\rc", " folded", "A: \x80", "A(: b", "Content-Length: 1", "Content-Length: 1, 2",
	"Transfer-Encoding: gzip"}

// TestPlain: the short way gives what the long way gives.
func TestPlain(t *testing.T) {
	for kind, starts := range plainCases {
		for _, start := range starts {
			for _, field := range plainFields {
				for _, end := range []string{"\r\n", "\n"} {
					raw := start + end + "X: 1\r\n" + field + end + "Content-Length: 1\r\n" + end
					samePlain(t, Kind(kind), raw)
					samePlain(t, Kind(kind), strings.TrimRight(raw, "\r\n"))
				}
			}
		}
	}
}

func FuzzPlain(f *testing.F) {
	for kind, starts := range plainCases {
		for _, start := range starts {
			f.Add(uint8(kind), start+"\r\n"+strings.Join(plainFields, "\r\n")+"\r\n\r\n")
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, raw string) { samePlain(t, Kind(kind%2), raw) })
}

var upgradeHeads = [2]string{
	"GET /socket/v1?client=2156 HTTP/1.1\r\nHost: ws0.example.com\r\nConnection: Upgrade\r\nPragma: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
		"Upgrade: websocket\r\nOrigin: http://app.example.com\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: n9jm4Cx/3PlFJUQA3MnRBw==\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: QIeeXaiVaeMddLWyDmTDeGJvnbo=\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n\r\n",
}

// BenchmarkHandshake is the cost of both heads of an opening handshake.
func BenchmarkHandshake(b *testing.B) {
	var h Head
	b.ReportAllocs()
	b.SetBytes(int64(len(upgradeHeads[0]) + len(upgradeHeads[1])))
	for b.Loop() {
		for kind, raw := range upgradeHeads {
			ParseHeadInto(&h, Kind(kind), raw)
		}
	}
}

// BenchmarkFeedHandshake is the cost of finding the ends of both heads.
func BenchmarkFeedHandshake(b *testing.B) {
	var p Parser
	heads := [2][]byte{[]byte(upgradeHeads[0]), []byte(upgradeHeads[1])}
	b.ReportAllocs()
	for b.Loop() {
		for kind, head := range heads {
			p.Init(Kind(kind))
			if _, ev := p.Feed(head); ev != HeadDone || !p.Trace() {
				b.Fatal(ev)
			}
		}
	}
}
