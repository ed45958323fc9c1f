package http1

import (
	"strings"
	"testing"
	"unsafe"
)

// TestManyRequests: 10^5 pipelined requests, in one piece and in packets, cost
// no allocation and are all found.
func TestManyRequests(t *testing.T) {
	const count = 100_000
	one := "GET /a HTTP/1.1\r\nHost: app.test\r\n\r\n"
	all := []byte(strings.Repeat(one, count))
	for _, size := range []int{len(all), 1460, 11} {
		var p Parser
		heads := 0
		allocs := testing.AllocsPerRun(1, func() {
			heads = 0
			p.Init(Request)
			for b := all; len(b) > 0; {
				piece := b[:min(size, len(b))]
				b = b[len(piece):]
				for ev := HeadDone; ev != More; {
					var n int
					n, ev = p.Feed(piece)
					piece = piece[n:]
					if ev == HeadDone {
						heads++
					}
				}
			}
		})
		if heads != count || allocs != 0 {
			t.Errorf("by %d: %d heads, %v allocations", size, heads, allocs)
		}
	}
}

// exchange is an ordinary keep-alive connection's bytes, request and response.
var exchange = [2]string{
	"GET /style.css HTTP/1.1\r\nHost: app.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101\r\nAccept: text/css,*/*;q=0.1\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nCookie: " + strings.Repeat("s=0123456789abcdef; ", 20) + "\r\n\r\n",
	"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 20 Nov 2026 10:00:00 GMT\r\nContent-Type: text/css\r\nContent-Length: 100000\r\nConnection: keep-alive\r\n\r\n" +
		strings.Repeat("x", 100000) +
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("x", 2000) + "\r\n0\r\n\r\n",
}

// run feeds data in packets of size as a tracker does that builds no heads.
func run(p *Parser, data []byte, size int) (heads int) {
	for len(data) > 0 {
		piece := data[:min(size, len(data))]
		data = data[len(piece):]
		for ev := HeadDone; ev != More; {
			var n int
			n, ev = p.Feed(piece)
			piece = piece[n:]
			if ev != HeadDone {
				continue
			}
			heads++
			if p.Trace() {
				_ = p.Head()
			}
			if p.Kind() == Request {
				_ = p.Method()
				p.SetBody(p.RequestBody())
			} else {
				p.SetBody(p.ResponseBody("GET"))
			}
		}
	}
	return heads
}

// TestAllocs: ordinary traffic in packets allocates nothing once warm.
func TestAllocs(t *testing.T) {
	for kind, text := range exchange {
		for _, size := range []int{1460, 333, 64} {
			var p Parser
			p.Init(Kind(kind))
			data := []byte(text)
			if n := testing.AllocsPerRun(20, func() { run(&p, data, size) }); n != 0 {
				t.Errorf("%v in packets of %d: %v allocations", Kind(kind), size, n)
			}
		}
	}
}

func BenchmarkResponses(b *testing.B) { benchmark(b, Response, exchange[1]) }
func BenchmarkRequests(b *testing.B)  { benchmark(b, Request, exchange[0]) }

func benchmark(b *testing.B, k Kind, text string) {
	var p Parser
	p.Init(k)
	data := []byte(text)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		run(&p, data, 1460)
	}
}

func BenchmarkBuildHead(b *testing.B) {
	var p Parser
	p.Feed([]byte(upgradeRequest))
	b.ReportAllocs()
	for b.Loop() {
		p.head = nil
		p.Head()
	}
}

// TestSize: a Parser lies in memory for each direction of every connection.
func TestSize(t *testing.T) {
	if size := unsafe.Sizeof(Parser{}); size > 168 {
		t.Errorf("a Parser has %d bytes", size)
	} else {
		t.Logf("%d bytes", size)
	}
}
