package http1

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// headCases are heads with what departs from the RFCs, each without the empty
// line at its end.
var headCases = []struct {
	name  string
	kind  Kind
	text  string
	start string // method target version, or version status reason
	field string // the fields as name=value, joined by |
	codes string // violations
}{
	{"plain", Request, "GET /a?b HTTP/1.1\r\nHost: a:80", "GET|/a?b|HTTP/1.1", "Host=a:80", ""},
	{"absolute form", Request, "GET ws://a/b HTTP/1.1", "GET|ws://a/b|HTTP/1.1", "", ""},
	{"CONNECT", Request, "CONNECT a:443 HTTP/1.0", "CONNECT|a:443|HTTP/1.0", "", ""},
	{"lower-case method", Request, "get /a HTTP/1.1", "get|/a|HTTP/1.1", "", ""},
	{"unknown method", Request, "M-SEARCH * HTTP/1.1", "M-SEARCH|*|HTTP/1.1", "", ""},
	{"no version", Request, "GET /a", "GET|/a|", "", "missing-version"},
	{"HTTP/2 as text", Request, "GET /a HTTP/2", "GET|/a|HTTP/2", "", "bad-version"},
	{"HTTP/1.2", Request, "GET /a HTTP/1.2", "GET|/a|HTTP/1.2", "", "bad-version"},
	{"lower-case version", Request, "GET /a http/1.1", "GET|/a|http/1.1", "", "bad-version"},
	{"another protocol", Request, "OPTIONS /a RTSP/1.0", "OPTIONS|/a|RTSP/1.0", "", "bad-version"},
	{"two spaces", Request, "GET  /a  HTTP/1.1", "GET|/a|HTTP/1.1", "", "extra-spaces"},
	{"tab", Request, "GET\t/a\tHTTP/1.1", "GET|/a|HTTP/1.1", "", "extra-spaces"},
	{"space at the end", Request, "GET /a HTTP/1.1 ", "GET|/a|HTTP/1.1", "", "extra-spaces"},
	{"space in target", Request, "GET /a b HTTP/1.1", "GET|/a b|HTTP/1.1", "", "space-in-target"},
	{"NUL in target", Request, "GET /a\x00b HTTP/1.1", "GET|/a\x00b|HTTP/1.1", "", "control-in-start-line"},
	{"repetition and case", Request, "GET / HTTP/1.1\r\nhost: a\r\nHOST: b", "GET|/|HTTP/1.1", "host=a|HOST=b", ""},
	{"no space behind colon", Request, "GET / HTTP/1.1\r\nHost:a", "GET|/|HTTP/1.1", "Host=a", ""},
	{"much space", Request, "GET / HTTP/1.1\r\nHost: \t a \t", "GET|/|HTTP/1.1", "Host=a", ""},
	{"empty value", Request, "GET / HTTP/1.1\r\nHost:", "GET|/|HTTP/1.1", "Host=", ""},
	{"NetScaler's mangling", Request, "GET / HTTP/1.1\r\nnnCoection: Upgrade\r\nCneonction: close", "GET|/|HTTP/1.1", "nnCoection=Upgrade|Cneonction=close", ""},
	{"fold", Request, "GET / HTTP/1.1\r\nA: b\r\n  c\r\nD: e", "GET|/|HTTP/1.1", "A=b c|D=e", "obs-fold"},
	{"fold of nothing", Request, "GET / HTTP/1.1\r\nA:\r\n\tc", "GET|/|HTTP/1.1", "A=c", "obs-fold"},
	{"space before the first field", Request, "GET / HTTP/1.1\r\n A: b", "GET|/|HTTP/1.1", "A=b", "space-before-field"},
	{"space before colon", Request, "GET / HTTP/1.1\r\nTransfer-Encoding : chunked", "GET|/|HTTP/1.1", "Transfer-Encoding=chunked", "space-before-colon"},
	{"no colon", Request, "GET / HTTP/1.1\r\nUpgrade websocket", "GET|/|HTTP/1.1", "Upgrade websocket=", "no-colon"},
	{"space in a name", Request, "GET / HTTP/1.1\r\nMy Name: x", "GET|/|HTTP/1.1", "My Name=x", "bad-name"},
	{"no name", Request, "GET / HTTP/1.1\r\n: x", "GET|/|HTTP/1.1", "=x", "bad-name"},
	{"control in a name", Request, "GET / HTTP/1.1\r\n\x0bHost: x", "GET|/|HTTP/1.1", "\x0bHost=x", "bad-name"},
	{"bare CR", Request, "GET / HTTP/1.1\r\nA: b\rTransfer-Encoding: chunked", "GET|/|HTTP/1.1", "A=b\rTransfer-Encoding: chunked", "control-in-value"},
	{"NUL in a value", Request, "GET / HTTP/1.1\r\nA: \x00", "GET|/|HTTP/1.1", "A=\x00", "control-in-value"},
	{"Latin-1", Request, "GET /\xe4 HTTP/1.1\r\nA: \xfc", "GET|/\xe4|HTTP/1.1", "A=\xfc", ""},
	{"bare LF", Request, "GET / HTTP/1.1\nA: b\nC: d", "GET|/|HTTP/1.1", "A=b|C=d", "bare-lf"},
	{"empty line before", Request, "\r\n\r\nGET / HTTP/1.1", "GET|/|HTTP/1.1", "", "empty-line-before"},
	{"lengths that differ", Request, "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6", "GET|/|HTTP/1.1", "Content-Length=5|Content-Length=6", "conflicting-length"},
	{"a list of lengths", Request, "GET / HTTP/1.1\r\nContent-Length: 5, 6", "GET|/|HTTP/1.1", "Content-Length=5, 6", "conflicting-length"},
	{"equal lengths", Request, "GET / HTTP/1.1\r\nContent-Length: 5, 5\r\nContent-Length: 5", "GET|/|HTTP/1.1", "Content-Length=5, 5|Content-Length=5", ""},
	{"signed length", Request, "GET / HTTP/1.1\r\nContent-Length: +5", "GET|/|HTTP/1.1", "Content-Length=+5", "bad-length"},
	{"huge length", Request, "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999", "GET|/|HTTP/1.1", "Content-Length=99999999999999999999", "bad-length"},
	{"length and coding", Request, "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "GET|/|HTTP/1.1", "Content-Length=5|Transfer-Encoding=chunked", "length-and-coding"},
	{"coding that is none", Request, "GET / HTTP/1.1\r\nTransfer-Encoding: xchunked", "GET|/|HTTP/1.1", "Transfer-Encoding=xchunked", "bad-coding"},
	{"answer", Response, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket", "HTTP/1.1|101|Switching Protocols", "Upgrade=websocket", ""},
	{"no reason", Response, "HTTP/1.1 200", "HTTP/1.1|200|", "", ""},
	{"empty reason", Response, "HTTP/1.0 200 ", "HTTP/1.0|200|", "", ""},
	{"status of four digits", Response, "HTTP/1.1 1010 X", "HTTP/1.1|0|X", "", "bad-status"},
	{"status out of range", Response, "HTTP/1.1 999 X", "HTTP/1.1|999|X", "", "bad-status"},
	{"status in words", Response, "HTTP/1.1 OK", "HTTP/1.1|0|", "", "bad-status"},
	{"two spaces in an answer", Response, "HTTP/1.1  200  OK", "HTTP/1.1|200|OK", "", "extra-spaces"},
	{"HTTP/2 in an answer", Response, "HTTP/2 101", "HTTP/2|101|", "", "bad-version"},
	{"no version in an answer", Response, "HTTP 101 X", "|101|X", "", "missing-version"},
}

// parseHead feeds a head in one piece.
func parseHead(t *testing.T, k Kind, text string) *Head {
	t.Helper()
	var p Parser
	p.Init(k)
	if n, ev := p.Feed([]byte(text)); ev != HeadDone || n != len(text) {
		t.Fatalf("%q: %v after %d", text, ev, n)
	}
	return p.Head()
}

func TestHeads(t *testing.T) {
	for _, c := range headCases {
		end := "\r\n\r\n"
		if strings.Contains(c.codes, "bare-lf") {
			end = "\n\n"
		}
		h := parseHead(t, c.kind, c.text+end)
		start := h.Method + "|" + h.Target + "|" + h.Version
		if c.kind == Response {
			start = fmt.Sprintf("%s|%d|%s", h.Version, h.Status, h.Reason)
		}
		if start != c.start {
			t.Errorf("%s: start %q, want %q", c.name, start, c.start)
		}
		var fields, codes []string
		for _, f := range h.Fields {
			fields = append(fields, f.Name+"="+f.Value)
			if line := (c.text + end)[f.Start:f.End]; !strings.HasPrefix(strings.TrimLeft(line, " "), f.Name) || !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: field %q lies at %q", c.name, f.Name, line)
			}
		}
		for _, v := range h.Violations {
			codes = append(codes, v.Code.String())
			if !h.Violates(v.Code) {
				t.Errorf("%s: Violates denies %v", c.name, v.Code)
			}
		}
		if got := strings.Join(fields, "|"); got != c.field {
			t.Errorf("%s: fields %q, want %q", c.name, got, c.field)
		}
		if got := strings.Join(codes, "|"); got != c.codes {
			t.Errorf("%s: violations %q, want %q", c.name, got, c.codes)
		}
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		fields   string
		request  string
		response string // to a GET, with status 200
	}{
		{"", "none 0", "until-close 0"},
		{"Content-Length: 0\r\n", "none 0", "none 0"},
		{"content-length:7\r\n", "counted 7", "counted 7"},
		{"Content-Length : 7\r\n", "counted 7", "counted 7"},
		{"Content-Length: 7, 7\r\n", "counted 7", "counted 7"},
		{"Content-Length: 7\r\nContent-Length: 8\r\n", "counted 7", "counted 7"},
		{"Content-Length: -7\r\n", "none 0", "until-close 0"},
		{"Content-Length:\r\n 7\r\n", "counted 7", "counted 7"},
		{"Content-Length\r\n", "none 0", "until-close 0"},
		{"Transfer-Encoding: Chunked\r\n", "chunked 0", "chunked 0"},
		{"Transfer-Encoding: gzip, chunked\r\n", "chunked 0", "chunked 0"},
		{"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "chunked 0", "chunked 0"},
		{"Transfer-Encoding: gzip,\r\n\tchunked\r\n", "chunked 0", "chunked 0"},
		{"Transfer-Encoding: chun\r\n ked\r\n", "until-close 0", "until-close 0"},
		{"Transfer-Encoding: chunked, gzip\r\n", "until-close 0", "until-close 0"},
		{"Transfer-Encoding: identity\r\nContent-Length: 7\r\n", "counted 7", "counted 7"},
		{"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", "chunked 0", "chunked 0"},
		{"Transfer-Encoding: \x0bchunked\r\n", "until-close 0", "until-close 0"},
		{"X-Transfer-Encoding: chunked\r\n", "none 0", "until-close 0"},
	} {
		for kind, line := range []string{"POST / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n"} {
			want := c.request
			var p Parser
			p.Init(Kind(kind))
			p.Feed([]byte(line + c.fields + "\r\n"))
			got := fmt.Sprint(p.RequestBody())
			full := fmt.Sprint(p.Head().RequestBody())
			if kind == int(Response) {
				want = c.response
				got = fmt.Sprint(p.ResponseBody("GET"))
				full = fmt.Sprint(p.Head().ResponseBody("GET"))
			}
			if got != want || full != want {
				t.Errorf("%v %q: %s, by the head %s, want %s", Kind(kind), c.fields, got, full, want)
			}
		}
	}
}

func TestResponseBodyByRequest(t *testing.T) {
	for _, c := range []struct {
		status int
		method string
		want   string
	}{
		{200, "GET", "counted 9"}, {200, "HEAD", "none 0"}, {404, "HEAD", "none 0"}, {200, "CONNECT", "none 0"},
		{407, "CONNECT", "counted 9"}, {101, "GET", "none 0"}, {100, "POST", "none 0"}, {204, "GET", "none 0"},
		{304, "GET", "none 0"}, {426, "GET", "counted 9"},
	} {
		h := parseHead(t, Response, fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 9\r\n\r\n", c.status))
		if got := fmt.Sprint(h.ResponseBody(c.method)); got != c.want {
			t.Errorf("%d to %s: %s, want %s", c.status, c.method, got, c.want)
		}
	}
}

func TestFields(t *testing.T) {
	h := parseHead(t, Request, "GET / HTTP/1.1\r\nConnection: keep-alive\r\nHost: a\r\nconnection: x, UPGRADE ,\r\n\r\n")
	if v, ok := h.Get("CONNECTION"); v != "keep-alive" || !ok {
		t.Errorf("Get: %q %v", v, ok)
	}
	if v, ok := h.Get("Upgrade"); v != "" || ok || h.Has("Upgrade") || !h.Has("host") {
		t.Errorf("Get of what is absent: %q %v", v, ok)
	}
	if got := h.Values("connection"); !reflect.DeepEqual(got, []string{"keep-alive", "x, UPGRADE ,"}) || h.Count("Connection") != 2 {
		t.Errorf("Values: %q", got)
	}
	if got := h.List("Connection"); !reflect.DeepEqual(got, []string{"keep-alive", "x", "UPGRADE"}) {
		t.Errorf("List: %q", got)
	}
	for token, want := range map[string]bool{"upgrade": true, "Keep-Alive": true, "keep": false, "": false} {
		if got := h.HasToken("Connection", token); got != want {
			t.Errorf("HasToken %q: %v", token, got)
		}
	}
}

func TestNames(t *testing.T) {
	for i := range 256 {
		for _, s := range []fmt.Stringer{ViolationCode(i), Event(i), BodyKind(i), Kind(i), Verdict(i)} {
			if s.String() == "" {
				t.Errorf("%T(%d) has no name", s, i)
			}
		}
	}
}
