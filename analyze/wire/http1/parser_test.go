package http1

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
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
	from, to := p.Key()
	return fmt.Sprintf("trace %v status %d method %q extended %v passed %v key %q %s", p.Trace(), p.StatusCode(), p.Method(), p.Extended(), p.Passed(), p.Raw()[from:to], head(p.Head()))
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
		if !p.Extended() && h.Has("Sec-WebSocket-Extensions") || !p.Passed() && (h.Has("Via") || h.Has("X-Forwarded-For")) {
			t.Fatalf("the scan missed a field: %s", head(h))
		}
		if from, to := p.Key(); from > 0 && !hasKey(h, string(p.Raw()[from:to])) {
			t.Fatalf("the scan found the key %q: %s", p.Raw()[from:to], head(h))
		}
	}
	p.Gap(int64(len(data)) + 3)
	p.Feed(data)
	p.Partial()
	p.End()
}

func hasKey(h *Head, value string) bool {
	return slices.ContainsFunc(h.Fields, func(f Field) bool {
		return isNamed(&f, "Sec-WebSocket-Key") && (f.Folded || f.Value == trimBlank(value))
	})
}
