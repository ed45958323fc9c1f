package http1

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// trail writes down everything a stream gives, so that two runs compare.
func trail(k Kind, pieces ...string) string {
	var p Parser
	p.Init(k)
	var b strings.Builder
	var body []byte
	for _, piece := range pieces {
		data := []byte(piece)
		for done := false; !done; {
			n, ev := p.Feed(data)
			switch ev {
			case HeadDone:
				b.WriteString(describe(&p))
				if k == Request {
					p.SetBody(p.RequestBody())
				} else {
					p.SetBody(p.ResponseBody("GET"))
				}
			case BodyData:
				body = append(body, p.Body()...)
			case MessageDone:
				fmt.Fprintf(&b, "body %q done at %d\n", body, p.Offset())
				body = nil
			case BadBody:
				fmt.Fprintf(&b, "body %q bad\n", body)
				body = nil
			case NotHTTP:
				rest := string(p.Held()) + string(data[n:])
				fmt.Fprintf(&b, "not http at %d %q\n", p.Offset()-int64(len(p.Held())), rest[:min(1, len(rest))])
				return b.String()
			}
			data = data[n:]
			done = ev == More
		}
	}
	if p.InHead() {
		fmt.Fprintf(&b, "pending %d trace %v %s", p.Pending(), p.Trace(), head(p.Partial()))
	}
	fmt.Fprintf(&b, "end: %v", p.End())
	if len(body) > 0 {
		fmt.Fprintf(&b, " body %q", body)
	}
	return b.String() + "\n"
}

func describe(p *Parser) string {
	return fmt.Sprintf("trace %v status %d method %q %s", p.Trace(), p.StatusCode(), p.Method(), head(p.Head()))
}

func head(h *Head) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %q %q %q %d %q at %d-%d", h.Kind, h.Method, h.Target, h.Version, h.Status, h.Reason, h.Start, h.End)
	for _, f := range h.Fields {
		fmt.Fprintf(&b, " [%q=%q %d-%d %v]", f.Name, f.Value, f.Start, f.End, f.Folded)
	}
	fmt.Fprintf(&b, " %v +%d cut %v\n", h.Violations, h.MoreViolations, h.Truncated)
	return b.String()
}

// streams are whole directions of connections, used by the split test and as
// seeds for fuzzing.
var streams = []struct {
	kind Kind
	text string
}{
	{Request, upgradeRequest},
	{Request, upgradeRequest + "\x81\x85\x01\x02\x03\x04abcde"},
	{Request, "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + upgradeRequest},
	{Request, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n00A \r\n0123456789\r\n0\r\nT: x\r\n\r\n" + upgradeRequest},
	{Request, "\r\n\nGET / HTTP/1.1\nHost: a\n\nGET /b HTTP/1.0\r\n\r\n"},
	{Request, "GET /chat\r\n\r\n"},
	{Request, "GET /a HTTP/1.1\r\nA: 1\r\n 2\r\n\t3\r\nTransfer-Encoding: gzip,\r\n chunked\r\nUpgrade:\r\n websocket\r\n\r\n0\r\n\r\nGET /b"},
	{Request, " Upgrade: websocket\r\n\r\n"},
	{Request, "GET /a HTTP/1.1\r\n Upgrade: websocket\r\n\r\n"},
	{Request, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX"},
	{Request, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{Request, "FROB  thing HTTP/1.1\r\n\r\n\x16\x03\x01"},
	{Request, "get key\r\n"},
	{Response, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"},
	{Response, "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnopeHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200\r\n\r\nuntil the end"},
	{Response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
	{Response, "HTTP/1.1 502 Bad Gateway\r\nServer: x\r\nContent-Le"},
	{Response, "\x15\x03\x01\x00\x02\x02\x0a"},
	{Response, "SSH-2.0-OpenSSH_9.2\r\n"},
}

const upgradeRequest = "GET /socket?x=1 HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
	"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version:13\r\n\r\n"

// TestSplit feeds every stream in two pieces, split at each byte, and in
// single bytes: the trail must be that of one piece.
func TestSplit(t *testing.T) {
	for _, s := range streams {
		want := trail(s.kind, s.text)
		for i := range len(s.text) {
			if got := trail(s.kind, s.text[:i], s.text[i:]); got != want {
				t.Fatalf("%.60q split at %d:\n%swant\n%s", s.text, i, got, want)
			}
		}
		if got := trail(s.kind, strings.Split(s.text, "")...); got != want {
			t.Fatalf("%.60q in single bytes:\n%swant\n%s", s.text, got, want)
		}
	}
}

// TestTrails pins what the streams give.
func TestTrails(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
		want []string // parts, in order
	}{
		{Request, streams[1].text, []string{"trace true", `"GET" "/socket?x=1" "HTTP/1.1"`, `["Upgrade"="WebSocket"`, `["sec-websocket-key"="dGhlIHNhbXBsZSBub25jZQ=="`, "[] +0 cut false", `body "" done`, "not http at 168", `"\x81`}},
		{Request, streams[2].text, []string{"trace false", `body "hello" done at 44`, "trace true", "at 44-212", "end: more"}},
		{Request, streams[3].text, []string{`body "hello0123456789" done`, "trace true", "end: more"}},
		{Request, streams[4].text, []string{"{empty-line-before 0} {bare-lf 3}", `"HTTP/1.0"`, "[] +0", "end: more"}},
		{Request, streams[5].text, []string{`"GET" "/chat" ""`, "missing-version"}},
		{Request, streams[6].text, []string{"trace true", `["A"="1 2 3" 17-31 true]`, `"gzip, chunked"`, "obs-fold", `body "" done`, `pending 6`, "end: cut-short"}},
		{Request, streams[7].text, []string{"not http at 0"}},
		{Request, streams[8].text, []string{"trace true", "space-before-field"}},
		{Request, streams[9].text, []string{`body "hello" bad`, "end: more"}},
		{Request, streams[10].text, []string{"not http at 0"}},
		{Request, streams[11].text, []string{`"FROB" "thing"`, "extra-spaces", "not http at 24"}},
		{Request, streams[12].text, []string{"not http at 0"}},
		{Response, streams[13].text, []string{"status 100", `body "" done`, "trace true status 101", `body "" done`, "not http at 81"}},
		{Response, streams[14].text, []string{"status 403", `body "nope" done`, "status 204", "status 200", `end: message-done body "until the end"`}},
		{Response, streams[15].text, []string{`body "" bad`, "end: more"}},
		{Response, streams[16].text, []string{"pending 47", `["Content-Le"="" 37-47 false] [] +0 cut true`, "end: cut-short"}},
		{Response, streams[17].text, []string{"not http at 0"}},
		{Response, streams[18].text, []string{"not http at 0"}},
	} {
		got := trail(c.kind, c.text)
		rest := got
		for _, part := range c.want {
			i := strings.Index(rest, part)
			if i < 0 {
				t.Errorf("%.60q: no %q in\n%s", c.text, part, got)
				break
			}
			rest = rest[i+len(part):]
		}
	}
}

func TestLimits(t *testing.T) {
	long := "GET /a HTTP/1.1\r\nUpgrade: websocket\r\nX: " + strings.Repeat("a", 2*MaxHead) + "\r\nContent-Length: 5\r\n\r\n"
	many := "GET /a HTTP/1.1\r\n" + strings.Repeat("A:\r\n", MaxFields) + "Content-Length: 5\r\n\r\n"
	longLine := "GET /" + strings.Repeat("a", 2*MaxHead) + " HTTP/1.1\r\nA: b\r\n\r\n"
	longStatus := "HTTP/1.1 204 " + strings.Repeat("a", 2*MaxHead) + "\r\nA: b\r\n\r\n"
	bad := "GET /a HTTP/1.1\r\n" + strings.Repeat("A\r\n", MaxViolations+8) + "\r\n"
	for _, c := range []struct {
		name, text string
		kind       Kind
		cut        bool
		fields     int
		more       int
	}{
		{"long field", long, Request, true, 2, 0},
		{"many fields", many, Request, true, MaxFields, 0},
		{"long request line", longLine, Request, true, 0, 0},
		{"long status line", longStatus, Response, true, 0, 0},
		{"many violations", bad, Request, false, MaxViolations + 8, 8},
		{"64 KiB", "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", Request, false, 1, 0},
	} {
		for _, size := range []int{len(c.text), 1460, 7} {
			var p Parser
			p.Init(c.kind)
			ev, taken := More, 0
			for taken < len(c.text) && ev == More {
				var n int
				n, ev = p.Feed([]byte(c.text[taken:min(taken+size, len(c.text))]))
				taken += n
			}
			if ev != HeadDone || taken != len(c.text) {
				t.Fatalf("%s by %d: %v after %d of %d", c.name, size, ev, taken, len(c.text))
			}
			h := p.Head()
			kind, _ := p.RequestBody()
			if h.Truncated != c.cut || len(h.Fields) != c.fields || h.MoreViolations != c.more || kind != NoBody ||
				h.End != int64(len(c.text)) || cap(p.buf) > 2*MaxHead || p.StatusCode() != h.Status {
				t.Errorf("%s by %d: truncated %v, %d fields, %d more, body %v, end %d of %d, buffer %d", c.name, size,
					h.Truncated, len(h.Fields), h.MoreViolations, kind, h.End, len(c.text), cap(p.buf))
			}
			p.Feed(nil)
			if cap(p.buf) > keptBuffer {
				t.Errorf("%s by %d: a buffer of %d is kept", c.name, size, cap(p.buf))
			}
		}
	}
}

func TestGap(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n"
	const counted = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	for _, c := range []struct {
		name, before string
		gap          int64
		held         bool
		after        string
		status       int // of the next head
	}{
		{"in a counted body", counted + "abc", 3, true, "ghijHTTP/1.1 404 No\r\n\r\n", 404},
		{"right behind a head", counted, 10, true, "HTTP/1.1 404 No\r\n\r\n", 404},
		{"beyond a counted body", counted + "abc", 30, false, "tail\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404},
		{"in a chunk", chunked + "abc", 13, true, "\r\n0\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404},
		{"beyond a chunk", chunked + "abc", 20, false, "xyz\r\n0\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404},
		{"in a head", "HTTP/1.1 200 O", 20, false, "HTTP/1.1 404 No\r\n\r\n", 404},
		{"between messages", "", 20, false, "HTTP/1.1 404 No\r\n\r\n", 404},
		{"no status line behind it", "", 20, false, "\nHTTP/1.1 x\nHTTP/1.\n", 0},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nabc", 20, true, "HTTP/1.1 404 No\r\n\r\n", 0},
	} {
		for _, single := range []bool{false, true} {
			var p Parser
			p.Init(Response)
			status := feedAll(&p, c.before, false)
			if got := p.Gap(c.gap); got != c.held {
				t.Errorf("%s: Gap %v", c.name, got)
			}
			status = feedAll(&p, c.after, single)
			if want := int64(len(c.before)) + c.gap + int64(len(c.after)); p.Offset() != want {
				t.Errorf("%s: offset %d, want %d", c.name, p.Offset(), want)
			}
			if status != c.status {
				t.Errorf("%s: status %d, want %d", c.name, status, c.status)
			}
		}
	}
}

// feedAll returns the status of the last head.
func feedAll(p *Parser, text string, single bool) (status int) {
	size := max(1, len(text))
	if single {
		size = 1
	}
	for text != "" {
		piece := []byte(text[:min(size, len(text))])
		text = text[len(piece):]
		for {
			n, ev := p.Feed(piece)
			piece = piece[n:]
			if ev == HeadDone {
				status = p.StatusCode()
			}
			if ev == More || ev == NotHTTP {
				break
			}
		}
	}
	return status
}

// TestSeekRequests finds requests behind a gap, and nothing in prose.
func TestSeekRequests(t *testing.T) {
	for _, c := range []struct{ text, method string }{
		{upgradeRequest, "GET"},
		{"tail of a body\r\n" + upgradeRequest, "GET"},
		{"Some prose here\r\nGET up and go\r\nGET /x\r\n", ""},
		{"GET", ""},
		{"\x00\x01GE\nPOST /a HTTP/1.1\r\n\r\n", "POST"},
	} {
		for _, size := range []int{len(c.text), 3} {
			var p Parser
			p.Gap(1)
			method := ""
			for text := c.text; text != ""; {
				n, ev := p.Feed([]byte(text[:min(size, len(text))]))
				text = text[n:]
				if ev == HeadDone {
					method = p.Method()
				}
				if ev == NotHTTP {
					t.Fatalf("%q: not HTTP while seeking", c.text)
				}
			}
			if method != c.method {
				t.Errorf("%q by %d: method %q, want %q", c.text, size, method, c.method)
			}
		}
	}
}

// TestEndInBody: a body that the end of the connection cuts.
func TestEndInBody(t *testing.T) {
	for text, want := range map[string]Event{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc":              CutShort,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde":            More,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab": CutShort,
		"HTTP/1.1 200 OK\r\n\r\n":                                      MessageDone,
		"HTTP/1.1 204 OK\r\n\r\n":                                      More,
		"HTTP/1.1 200 OK\r\n":                                          CutShort,
		"":                                                             More,
		"\r\n":                                                         More,
	} {
		var p Parser
		p.Init(Response)
		feedAll(&p, text, false)
		if got := p.End(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

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

// FuzzSplit: any bytes, split anywhere, give one trail, and what the parser
// says without a head agrees with the head.
func FuzzSplit(f *testing.F) {
	for _, s := range streams {
		f.Add(uint8(s.kind), []byte(s.text), uint64(1))
	}
	for _, c := range headCases {
		f.Add(uint8(c.kind), []byte(c.text+"\r\n\r\n"), uint64(2))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte, seed uint64) {
		k := Kind(kind % 2)
		agrees(t, k, data)
		if strings.Contains(trail(k, string(data)), " bad\n") {
			return // where a message may resume depends on segments
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		var pieces []string
		for rest := string(data); rest != ""; {
			n := 1 + rnd.IntN(min(len(rest), 40))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if got, want := trail(k, pieces...), trail(k, string(data)); got != want {
			t.Fatalf("in pieces:\n%s\nwhole:\n%s", got, want)
		}
	})
}

// agrees compares the parser's cheap answers with those of the built head, and
// runs gaps and the end over what is left.
func agrees(t *testing.T, k Kind, data []byte) {
	var p Parser
	p.Init(k)
	for range 2*len(data) + 8 {
		n, ev := p.Feed(data)
		data = data[n:]
		if ev == More || ev == NotHTTP {
			break
		}
		if ev != HeadDone {
			continue
		}
		h := p.Head()
		kind, length := p.RequestBody()
		hKind, hLength := h.RequestBody()
		rKind, rLength := p.ResponseBody("GET")
		hrKind, hrLength := h.ResponseBody("GET")
		if kind != hKind || length != hLength || p.Trace() != HasTrace(h) || p.StatusCode() != h.Status && k == Response ||
			rKind != hrKind || rLength != hrLength {
			t.Fatalf("the head and its scan disagree: %s", head(h))
		}
	}
	p.Gap(int64(len(data)) + 3)
	p.Feed(data)
	p.Partial()
	p.End()
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

// FuzzSeek: behind a gap all bytes are taken, whatever they are.
func FuzzSeek(f *testing.F) {
	for _, s := range streams {
		f.Add(uint8(s.kind), []byte("tail\r\n"+s.text), uint8(7))
	}
	f.Add(uint8(0), []byte("GET up\nGE\nGET /a HTTP/1.1\n\nGET"), uint8(1))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte, size uint8) {
		var p Parser
		p.Init(Kind(kind % 2))
		p.Gap(5)
		for b := data; len(b) > 0; {
			piece := b[:min(int(size)+1, len(b))]
			b = b[len(piece):]
			ev := HeadDone
			for tries := 0; ev != More; tries++ {
				var n int
				n, ev = p.Feed(piece)
				piece = piece[n:]
				if ev == NotHTTP {
					return // behind a head that was found
				}
				if tries > 3*len(data)+3 {
					t.Fatalf("no end: %v", ev)
				}
			}
			if len(piece) > 0 {
				t.Fatalf("%d bytes left", len(piece))
			}
		}
		if p.Offset() != int64(len(data))+5 {
			t.Fatalf("offset %d after %d bytes", p.Offset(), len(data))
		}
	})
}

// TestSize: a Parser lies in memory for each direction of every connection.
func TestSize(t *testing.T) {
	if size := unsafe.Sizeof(Parser{}); size > 168 {
		t.Errorf("a Parser has %d bytes", size)
	} else {
		t.Logf("%d bytes", size)
	}
}
