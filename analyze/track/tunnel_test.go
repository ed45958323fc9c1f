package track

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/socks"
	"github.com/wsleuth/wsleuth/reassembly"
)

// said is what one side sent, before the other side went on.
type said struct {
	from record.Dir
	text string
}

func client(text string) said { return said{record.Client, strings.ReplaceAll(text, "\n", "\r\n")} }
func server(text string) said { return said{record.Server, strings.ReplaceAll(text, "\n", "\r\n")} }
func clientRaw(text string) said {
	return said{record.Client, text}
}
func serverRaw(text string) said { return said{record.Server, text} }

const (
	connectText = "CONNECT app.test:80 HTTP/1.1\nHost: app.test:80\n\n"
	upgradeText = "GET /echo HTTP/1.1\nHost: app.test\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"
	openText    = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n"
	longName    = "a-very-long-name-for-a-host-that-stands-behind-a-forward-proxy.division.example.test:443"
)

// socksRequest asks for app.test:80 by name.
const socksRequest = "\x05\x01\x00\x03\x08app.test\x00\x50"

var roads = []struct {
	name string
	talk []said
	want string
}{
	{"CONNECT opens", []said{client(connectText), server("HTTP/1.1 200 OK\n\n"), client(upgradeText), server(openText)},
		"http-connect app.test:80 200 opened rounds=1; attempt app.test 101"},
	{"CONNECT of HTTP/1.0 with a length to ignore", []said{client(connectText), server("HTTP/1.0 200 Connection established\nContent-Length: 7\nTransfer-Encoding: chunked\n\n"),
		client(upgradeText), server(openText)}, "http-connect app.test:80 200 opened rounds=1; attempt app.test 101"},
	{"CONNECT without a reason phrase", []said{client(connectText), server("HTTP/1.1 200\n\n"), client(upgradeText), server(openText)},
		"http-connect app.test:80 200 opened rounds=1; attempt app.test 101"},
	{"CONNECT with an interim answer", []said{client(connectText), server("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\n\n"), client(upgradeText), server(openText)},
		"http-connect app.test:80 200 opened rounds=1; attempt app.test 101"},
	{"client does not wait", []said{client(connectText + upgradeText), server("HTTP/1.1 200 OK\n\n" + openText)},
		"http-connect app.test:80 200 opened rounds=1; attempt app.test 101"},
	{"long name", []said{client("CONNECT " + longName + " HTTP/1.1\n\n"), server("HTTP/1.1 403 Forbidden\nContent-Length: 4\n\nno!\n")},
		"http-connect " + longName + " 403 rounds=1 body=4"},
	{"407 and again on the same connection", []said{client(connectText),
		server("HTTP/1.1 407 Proxy Authentication Required\nProxy-Authenticate: Basic realm=\"a, b\"\nContent-Length: 3\n\nno\n"),
		client("CONNECT app.test:80 HTTP/1.1\nProxy-Authorization: Basic bm9zdWNodXNlcjp3cm9uZw==\n\n"), server("HTTP/1.1 200 OK\n\n"), client(upgradeText), server(openText)},
		"http-connect app.test:80 200 opened rounds=2 sent=Basic; attempt app.test 101"},
	{"NTLM that fails", []said{client(connectText),
		server("HTTP/1.1 407 P\nProxy-Authenticate: Negotiate\nProxy-Authenticate: NTLM\nContent-Length: 0\n\n"),
		client("CONNECT app.test:80 HTTP/1.1\nProxy-Authorization: NTLM TlRMTVNTUAABAAAA\n\n"),
		server("HTTP/1.1 407 P\nProxy-Authenticate: NTLM TlRMTVNTUAACAAAA\nContent-Length: 0\n\n"),
		client("CONNECT app.test:80 HTTP/1.1\nProxy-Authorization: NTLM TlRMTVNTUAADAAAA\n\n"),
		server("HTTP/1.1 407 P\nProxy-Authenticate: Negotiate, NTLM, Basic realm=\"x\", charset=\"UTF-8\"\nContent-Length: 0\n\n")},
		"http-connect app.test:80 407 rounds=3 sent=NTLM offered=[Negotiate NTLM Basic] auth-refused"},
	{"user in the target is not shown", []said{client("CONNECT nosuchuser:wrong@app.test:443 HTTP/1.1\n\n"), server("HTTP/1.1 400 Bad Request\nContent-Length: 0\n\n")},
		"http-connect app.test:443 400 rounds=1"},
	{"no answer", []said{client(connectText)}, "http-connect app.test:80 rounds=1"},
	{"an answer that is not HTTP", []said{client(connectText), serverRaw("\x05\xff")}, "http-connect app.test:80 rounds=1 strange=2"},
	{"SOCKS to an HTTP proxy", []said{clientRaw("\x05\x01\x00"), server("HTTP/1.1 400 Bad Request\n\n")}, "socks5 strange=28 offered=[no authentication]"},
	{"proxy behind the proxy", []said{client("CONNECT second.test:3128 HTTP/1.1\n\n"), server("HTTP/1.1 200 OK\n\n"), client(connectText),
		server("HTTP/1.1 503 Service Unavailable\nContent-Length: 0\n\n")}, "http-connect app.test:80 503 rounds=1 through=second.test:3128"},
	{"something else inside", []said{client(connectText), server("HTTP/1.1 200 OK\n\nSSH-2.0-OpenSSH\n")}, "http-connect app.test:80 200 opened rounds=1"},
	{"refused, then a request to the proxy itself", []said{client(connectText), server("HTTP/1.1 403 Forbidden\nContent-Length: 0\n\n"),
		client(strings.Replace(upgradeText, "/echo", "http://app.test/echo", 1)), server(openText)}, "http-connect app.test:80 403 rounds=1; attempt app.test 101 without tunnel"},
	{"SOCKS5", []said{clientRaw("\x05\x01\x00"), serverRaw("\x05\x00"), clientRaw(socksRequest), serverRaw("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
		client(upgradeText), server(openText)}, "socks5 app.test:80 succeeded opened offered=[no authentication]; attempt app.test 101"},
	{"SOCKS5 with a password", []said{clientRaw("\x05\x02\x00\x02"), serverRaw("\x05\x02"), clientRaw("\x01\x0anosuchuser\x05wrong"), serverRaw("\x01\x00"),
		clientRaw(socksRequest), serverRaw("\x05\x00\x00\x03\x04host\x00\x50"), client(upgradeText), server(openText)},
		"socks5 app.test:80 succeeded opened sent=username/password offered=[no authentication username/password]; attempt app.test 101"},
	{"SOCKS5 with a wrong password", []said{clientRaw("\x05\x02\x00\x02"), serverRaw("\x05\x02"), clientRaw("\x01\x0anosuchuser\x05wrong"), serverRaw("\x01\x01")},
		"socks5 sent=username/password offered=[no authentication username/password] auth-refused"},
	{"SOCKS5 without a common method", []said{clientRaw("\x05\x01\x00"), serverRaw("\x05\xff")}, "socks5 offered=[no authentication] auth-refused"},
	{"SOCKS5 refused", []said{clientRaw("\x05\x01\x00"), serverRaw("\x05\x00"), clientRaw(socksRequest), serverRaw("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")},
		"socks5 app.test:80 connection not allowed by ruleset offered=[no authentication]"},
	{"SOCKS4", []said{clientRaw("\x04\x01\x00\x50\x0a\x4f\x02\x02lab\x00"), serverRaw("\x00\x5a\x00\x00\x00\x00\x00\x00"), client(upgradeText), server(openText)},
		"socks4 10.79.2.2:80 request granted opened; attempt app.test 101"},
	{"SOCKS4a refused", []said{clientRaw("\x04\x01\x00\x51\x00\x00\x00\x01\x00app.test\x00"), serverRaw("\x00\x5b\x00\x00\x00\x00\x00\x00")},
		"socks4a app.test:81 request rejected or failed"},
	{"no SOCKS after all", []said{clientRaw("\x05\x01\x00"), serverRaw("\x99\x01\x02\x03")}, ""},
	{"BIND is no tunnel to a server", []said{clientRaw("\x05\x01\x00"), serverRaw("\x05\x00"), clientRaw("\x05\x02\x00\x01\x0a\x00\x00\x01\x00\x50")}, ""},
	{"PROXY v1", []said{client("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\n" + upgradeText), server(openText)},
		"proxy v1 203.0.113.7:4711 198.51.100.1:443; attempt app.test 101"},
	{"PROXY v1 UNKNOWN", []said{client("PROXY UNKNOWN\n" + upgradeText), server(openText)}, "proxy v1  ; attempt app.test 101"},
	{"PROXY v2 with vectors", []said{clientRaw("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x17\xcb\x00\x71\x07\xc6\x33\x64\x01\x12\x67\x01\xbb\x02\x00\x08app.test"),
		client(upgradeText), server(openText)}, "proxy v2 203.0.113.7:4711 198.51.100.1:443 [AUTHORITY] app.test; attempt app.test 101"},
	{"PROXY v2 LOCAL", []said{clientRaw("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"), client(upgradeText), server(openText)}, "proxy v2  ; attempt app.test 101"},
	{"PROXY before CONNECT", []said{client("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\n" + connectText), server("HTTP/1.1 200 OK\n\n"), client(upgradeText), server(openText)},
		"proxy v1 203.0.113.7:4711 198.51.100.1:443; http-connect app.test:80 200 opened rounds=1; attempt app.test 101"},
	{"the request never ends and is refused", []said{client(strings.TrimSuffix(upgradeText, "\n")), server("HTTP/1.0 408 Request Time-out\n\nlate")}, "attempt app.test 408"},
	{"server answers the header", []said{client("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\n"), server("HTTP/1.1 400 Bad Request\nContent-Length: 0\n\n"), client(upgradeText)},
		"proxy v1 203.0.113.7:4711 198.51.100.1:443 early; attempt app.test 400"},
}

// walk feeds a talk in pieces, of which cut tells the length, and says what came of it.
func walk(t *testing.T, talk []said, cut func(left int) int) string {
	t.Helper()
	tr := New(Options{Files: func() []string { return nil }, Encapsulation: func(int32) []string { return nil }})
	f := &reassembly.Flow{ClientBy: reassembly.ClientBySYN}
	c := tr.attach(f)
	c.undecided()
	packet := int64(0)
	for _, s := range talk {
		for text := s.text; text != ""; {
			n := cut(len(text))
			packet++
			c.root.layer.data(&c.root, reassembly.Side(s.from), record.Ref{Packet: packet, Time: record.Time(packet) * 1e6}, []byte(text[:n]))
			c.settle()
			unwritten(t, tr)
			text = text[n:]
		}
	}
	c.root.layer.close(&c.root)
	return outline(tr, c)
}

// unwritten: what all layers read that have nothing of their own is still empty.
func unwritten(t *testing.T, tr *Tracker) {
	t.Helper()
	if !reflect.DeepEqual(tr.noAside, aside{}) || tr.noBeside != (beside{}) {
		t.Errorf("written: %+v, %+v", tr.noAside, tr.noBeside)
	}
}

func outline(tr *Tracker, c *conn) string {
	var parts []string
	if p := c.proxy(); p != nil {
		text := fmt.Sprintf("proxy v%d %s %s", p.Version, p.Client, p.Server)
		if len(p.TLVs) > 0 {
			text += fmt.Sprintf(" %v %s", p.TLVs, p.Authority)
		}
		if p.EarlyAnswer {
			text += " early"
		}
		parts = append(parts, text)
	}
	if c.tunnel() != nil {
		f := c.tunnel().facts(&record.TCPFacts{})
		words := []string{f.Kind}
		add := func(ok bool, format string, value any) {
			if ok {
				words = append(words, fmt.Sprintf(format, value))
			}
		}
		add(f.Target != "", "%s", f.Target)
		add(c.tunnel().status != 0, "%d", c.tunnel().status)
		add(f.ReplyName != "", "%s", f.ReplyName)
		add(f.Opened, "%s", "opened")
		add(f.Rounds > 0, "rounds=%d", f.Rounds)
		add(len(f.Strange) > 0, "strange=%d", len(f.Strange))
		add(f.AuthSent != "", "sent=%s", f.AuthSent)
		add(len(f.AuthOffered) > 0, "offered=%v", f.AuthOffered)
		add(f.AuthRefused, "%s", "auth-refused")
		add(len(f.Body) > 0, "body=%d", len(f.Body))
		add(f.Through != "", "through=%s", f.Through)
		parts = append(parts, strings.Join(words, " "))
	}
	for _, a := range c.attempts() {
		r := tr.build(c.flow, c, a, false)
		text := "attempt"
		if u := r.Facts.Upgrade; u != nil && u.Request != nil {
			host, _ := u.Request.Get("Host")
			text += " " + host
		}
		if u := r.Facts.Upgrade; u != nil && u.Response != nil {
			text += fmt.Sprintf(" %d", u.Response.Status)
		}
		if c.tunnel() != nil && r.Tunnel == nil {
			text += " without tunnel"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func TestRoads(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, road := range roads {
		t.Run(road.name, func(t *testing.T) {
			cuts := map[string]func(int) int{
				"whole": func(left int) int { return left },
				"bytes": func(int) int { return 1 },
				"mixed": func(left int) int { return 1 + random.IntN(left) },
			}
			for name, cut := range cuts {
				if got := walk(t, road.talk, cut); got != road.want {
					t.Errorf("%s: got  %q\nexpected %q", name, got, road.want)
				}
			}
		})
	}
}

// TestSecretsStay: what a client says to identify itself is in no fact.
func TestSecretsStay(t *testing.T) {
	for _, road := range roads {
		if got := walk(t, road.talk, func(left int) int { return left }); strings.Contains(got, "nosuchuser") || strings.Contains(got, "wrong") {
			t.Errorf("%s: %s", road.name, got)
		}
	}
}

func TestTunnelEnds(t *testing.T) {
	second := record.Time(time.Second)
	fin := func(by record.Dir, at record.Time) record.TCPFacts {
		return record.TCPFacts{End: record.Ref{Packet: 9, Time: at}, EndBy: by, EndHow: "fin"}
	}
	opened := func(sent, got int64) *tunnel {
		return &tunnel{kind: kindConnect, request: "CONNECT a:1 HTTP/1.1\r\n\r\n", requestAt: []piece{{0, record.Ref{Packet: 1, Time: second}}}, status: 200, opened: true,
			openedAt: record.Ref{Packet: 2, Time: second}, bytes: [2]int64{sent, got}}
	}
	asked := &tunnel{kind: kindConnect, request: "CONNECT a:1 HTTP/1.1\r\n\r\n", requestAt: []piece{{0, record.Ref{Packet: 1, Time: second}}}}
	for _, tc := range []struct {
		name          string
		t             *tunnel
		tcp           record.TCPFacts
		closed, tells bool
	}{
		{"proxy closes after the request", opened(100, 0), fin(record.Server, 60*second), true, true},
		{"proxy closes at once", opened(0, 0), fin(record.Server, 2*second), true, true},
		{"unused tunnel times out", opened(0, 0), fin(record.Server, 60*second), false, false},
		{"client closes", opened(100, 0), fin(record.Client, 60*second), false, false},
		{"server answered", opened(100, 1), fin(record.Server, 2*second), false, false},
		{"still open", opened(100, 0), record.TCPFacts{}, false, false},
		{"client gives up", asked, fin(record.Client, 3*second), false, true},
		{"client changes its mind", asked, fin(record.Client, second+second/2), false, false},
		{"proxy hangs up", asked, fin(record.Server, second+1), false, true},
		{"answer not in the capture", asked, record.TCPFacts{OneWay: true, End: record.Ref{Packet: 9, Time: 9 * second}}, false, false},
		{"capture ended", asked, record.TCPFacts{}, false, false},
	} {
		f := tc.t.facts(&tc.tcp)
		if f.Closed != tc.closed || tc.t.tells(f, &tc.tcp) != tc.tells {
			t.Errorf("%s: closed %t, tells %t", tc.name, f.Closed, tc.t.tells(f, &tc.tcp))
		}
	}
}

// TestSOCKSEnds: what the end of the connection says of an unfinished negotiation.
func TestSOCKSEnds(t *testing.T) {
	fin := record.TCPFacts{End: record.Ref{Packet: 9, Time: record.Time(time.Minute)}, EndBy: record.Server, EndHow: "fin"}
	for _, tc := range []struct {
		name           string
		client, server []string
		refused, tells bool
	}{
		{"never said a word", []string{"\x05\x01\x00"}, nil, false, true},
		{"never said a word to something longer", []string{"\x05\x01\x00more"}, nil, false, false},
		{"never said a word to a method of its own", []string{"\x05\x01\x80"}, nil, false, false},
		{"SOCKS4, never said a word", []string{"\x04\x01\x00\x51\x0a\x00\x00\x01lab\x00"}, nil, false, true},
		{"hangs up on the password", []string{"\x05\x01\x02", "\x01\x01u\x01p"}, []string{"\x05\x02"}, true, true},
		{"hangs up on the request", []string{"\x05\x01\x00", socksRequest}, []string{"\x05\x00"}, false, true},
		{"SOCKS4 refused, with a user", []string{"\x04\x01\x00\x51\x0a\x00\x00\x01lab\x00"}, []string{"\x00\x5b\x00\x00\x00\x00\x00\x00"}, false, true},
	} {
		s := &socks.Session{}
		for i := range tc.client {
			s.FeedClient([]byte(tc.client[i]))
			if i < len(tc.server) {
				s.FeedServer([]byte(tc.server[i]))
			}
		}
		fin := fin
		for _, b := range tc.client {
			fin.Sides[record.Client].Bytes += int64(len(b))
		}
		tunnel := &tunnel{kind: kindSOCKS5, socks: s, greeting: record.Ref{Packet: 1, Time: 1}}
		f := tunnel.facts(&fin)
		if f.AuthRefused != tc.refused || tunnel.tells(f, &fin) != tc.tells {
			t.Errorf("%s: refused %t, tells %t", tc.name, f.AuthRefused, tunnel.tells(f, &fin))
		}
	}
}

// TestLostAnswer: the answer to CONNECT is not in the capture, what follows it is.
func TestLostAnswer(t *testing.T) {
	tr := New(Options{Files: func() []string { return nil }, Encapsulation: func(int32) []string { return nil }})
	c := tr.attach(&reassembly.Flow{ClientBy: reassembly.ClientBySYN})
	c.undecided()
	at := record.Ref{Packet: 1, Time: 1}
	c.root.layer.data(&c.root, 0, at, []byte(client(connectText).text))
	c.root.layer.missing(&c.root, 1, at, 39)
	c.root.layer.data(&c.root, 0, at, []byte(client(upgradeText).text))
	c.root.layer.data(&c.root, 1, at, []byte(server(openText).text))
	if got := outline(tr, c); got != "http-connect app.test:80 opened rounds=1; attempt app.test 101" || !c.tunnel().assumed {
		t.Errorf("got %q, assumed %t", got, c.tunnel().assumed)
	}
}

func TestTunnelsAreBounded(t *testing.T) {
	talk := []said{}
	for range 50 {
		talk = append(talk, client(connectText), server("HTTP/1.1 200 OK\n\n"))
	}
	if got := walk(t, talk, func(left int) int { return left }); !strings.HasPrefix(got, "http-connect app.test:80 200 opened") {
		t.Errorf("got %q", got)
	}
}

// TestNothingSharedIsWritten: walk holds it, of connections that need something
// of their own late.
func TestNothingSharedIsWritten(t *testing.T) {
	ping := "\x89\x80abcd"
	for _, talk := range [][]said{
		{client(upgradeText), clientRaw(ping), server(openText)},
		{client(upgradeText), server(openText), clientRaw(ping + "\x8f\x80\x00\x00\x00\x00"), serverRaw("\x8a\x00")},
		{server(openText), client(upgradeText)},
		{client(upgradeText), serverRaw("SSH-2.0-x\r\n")},
		{client(upgradeText), server("HTTP/1.1 503 X\nContent-Length: 0\n\n"), client(connectText), clientRaw("early"), server("HTTP/1.1 200 OK\n\n")},
	} {
		if got := walk(t, talk, func(left int) int { return left }); got == "" {
			t.Errorf("%+v: nothing came of it", talk)
		}
	}
}

func FuzzRoads(f *testing.F) {
	for _, road := range roads {
		text := ""
		for _, s := range road.talk {
			text += string(rune('0'+s.from)) + string(rune(min(len(s.text), 127))) + s.text[:min(len(s.text), 127)]
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var talk []said
		for len(text) > 2 {
			n := min(int(text[1]), len(text)-2)
			talk = append(talk, said{record.Dir(text[0] & 1), text[2 : 2+n]})
			text = text[2+n:]
		}
		walk(t, talk, func(left int) int { return left })
	})
}

// TestFirstLookAllocatesNothing: it runs on the first payload of every flow.
func TestFirstLookAllocatesNothing(t *testing.T) {
	for _, first := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x05\x01\x00", "\x04\x02\x00\x00binary", "\x16\x03\x01\x02\x00", "PRIVMSG x", "\r\n\r\nhello", "\x00\x01\x02"} {
		b := []byte(first)
		if n := testing.AllocsPerRun(100, func() { classifyFirst(b, true) }); n != 0 {
			t.Errorf("%q: %v allocations", first, n)
		}
	}
}
