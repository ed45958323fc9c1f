package socks

import (
	"fmt"
	"strings"
	"testing"
)

// Messages, by field.
const (
	hi      = "\x05\x01\x00"                             // one method: none
	hiBoth  = "\x05\x02\x00\x02"                         // none, user/password
	none    = "\x05\x00"                                 // server: no authentication
	pass    = "\x05\x02"                                 // server: user/password
	refuse  = "\x05\xff"                                 // server: no acceptable methods
	auth    = "\x01\x03joe\x06secret"                    // user joe
	granted = "\x01\x00"                                 // server: authenticated
	name    = "\x05\x01\x00\x03\x08app.test"             // CONNECT, a domain
	port    = "\x01\xbb"                                 // 443
	bound4  = "\x05\x00\x00\x01\x0a\x00\x00\x01\x1f\x90" // granted, bound to 10.0.0.1:8080
	four    = "\x04\x01\x00\x50\x0a\x01\x02\x03joe\x00"
	fourA   = "\x04\x01\x00\x50\x00\x00\x00\x01joe\x00app.test\x00"
)

// sessions: steps begin with c or s for who sends.
var sessions = []struct {
	name  string
	steps []string
	state State
	want  string // see summary
}{
	{"SOCKS5 by name", []string{"c" + hi, "s" + none, "c" + name + port, "s" + bound4}, Open,
		"v5 offered [no authentication] method no authentication CONNECT app.test:443 reply succeeded bound 10.0.0.1:8080"},
	{"SOCKS5 by IPv4", []string{"c" + hi, "s" + none, "c\x05\x01\x00\x01\x0a\x01\x02\x03\x00\x50", "s\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"}, Refused,
		"v5 offered [no authentication] method no authentication CONNECT 10.1.2.3:80 reply Connection refused bound 0.0.0.0:0"},
	{"SOCKS5 by IPv6", []string{"c" + hi, "s" + none, "c\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50"}, Requested,
		"v5 offered [no authentication] method no authentication CONNECT [2001:db8::1]:80"},
	{"a domain in the reply", []string{"c" + hi, "s" + none, "c" + name + port, "s\x05\x00\x00\x03\x03gwy\x00\x01"}, Open,
		"v5 offered [no authentication] method no authentication CONNECT app.test:443 reply succeeded bound gwy:1"},
	{"user and password", []string{"c" + hiBoth, "s" + pass, "c" + auth, "s" + granted, "c" + name + port, "s" + bound4}, Open,
		"v5 offered [no authentication username/password] method username/password user joe password 6 status 0 CONNECT app.test:443 reply succeeded bound 10.0.0.1:8080"},
	{"dante refuses the password", []string{"c" + hiBoth, "s" + pass, "c" + auth, "s\x01\x01"}, Refused,
		"v5 offered [no authentication username/password] method username/password user joe password 6 status 1"},
	{"microsocks refuses the password", []string{"c" + hiBoth, "s" + pass, "c" + auth, "s\x01\x02"}, Refused,
		"v5 offered [no authentication username/password] method username/password user joe password 6 status 2"},
	{"a status with version 5", []string{"c" + hiBoth, "s" + pass, "c" + auth, "s\x05\x00"}, AuthPassed,
		"v5 offered [no authentication username/password] method username/password user joe password 6 status 0 s2 wrong-version"},
	{"authentication under way", []string{"c" + hiBoth, "s" + pass, "c" + auth}, AuthSent,
		"v5 offered [no authentication username/password] method username/password user joe password 6"},
	{"no acceptable methods", []string{"c" + hi, "s" + refuse}, Refused,
		"v5 offered [no authentication] method no acceptable methods"},
	{"a method not offered", []string{"c" + hi, "s" + pass}, Selected,
		"v5 offered [no authentication] method username/password s0 method-not-offered"},
	{"no methods", []string{"c\x05\x00"}, Offered, "v5 c0 no-methods"},
	{"GSSAPI", []string{"c\x05\x01\x01", "s\x05\x01", "c\x01\x01\x00\x01x"}, Opaque,
		"v5 offered [GSSAPI] method GSSAPI"},
	{"all at once", []string{"c" + hi + name + port, "s" + none + bound4}, Open,
		"v5 offered [no authentication] method no authentication CONNECT app.test:443 reply succeeded bound 10.0.0.1:8080"},
	{"odd request", []string{"c" + hi, "s" + none, "c\x05\x09\x01\x03\x00\x00\x50", "s\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"}, Refused,
		"v5 offered [no authentication] method no authentication command 0x09 :80 reply Command not supported bound 0.0.0.0:0 c3 reserved-not-zero c3 unknown-command c3 empty-target"},
	{"unknown address type", []string{"c" + hi, "s" + none, "c\x05\x01\x00\x09\x00\x00\x50"}, Broken,
		"v5 offered [no authentication] method no authentication c3 unknown-address-type"},
	{"unknown address type in a refusal", []string{"c" + hi, "s" + none, "c" + name + port, "s\x05\x01\x00\x00\x00"}, Refused,
		"v5 offered [no authentication] method no authentication CONNECT app.test:443 reply general SOCKS server failure s2 unknown-address-type"},
	{"unknown address type in a grant", []string{"c" + hi, "s" + none, "c" + name + port, "s\x05\x00\x00\x00\x00"}, Broken,
		"v5 offered [no authentication] method no authentication CONNECT app.test:443 reply succeeded s2 unknown-address-type"},
	{"an HTTP server", []string{"c" + hi, "sHTTP/1.1 400 Bad Request\r\n\r\n"}, Broken, "v5 offered [no authentication] s0 not-socks"},
	{"garbage after the greeting", []string{"c" + hi, "s" + none, "cGET / HTTP/1.1"}, Broken,
		"v5 offered [no authentication] method no authentication c3 not-socks"},
	{"no SOCKS", []string{"cGET /"}, Broken, "v0 c0 not-socks"},
	{"SOCKS4", []string{"c" + four, "s\x00\x5a\x00\x50\x0a\x01\x02\x03"}, Open,
		"v4 user joe password 0 CONNECT 10.1.2.3:80 reply request granted bound 10.1.2.3:80"},
	{"SOCKS4a", []string{"c" + fourA, "s\x00\x5b\x00\x00\x00\x00\x00\x00"}, Refused,
		"v4 named user joe password 0 CONNECT app.test:80 reply request rejected or failed bound 0.0.0.0:0"},
	{"SOCKS4 with a wrong version in the reply", []string{"c" + four, "s\x04\x5a\x00\x00\x00\x00\x00\x00"}, Open,
		"v4 user joe password 0 CONNECT 10.1.2.3:80 reply request granted bound 0.0.0.0:0 s0 wrong-version"},
	{"SOCKS4 to nowhere", []string{"c\x04\x03\x00\x50\x00\x00\x00\x00\x00"}, Requested,
		"v4 UDP ASSOCIATE 0.0.0.0:80 c0 unknown-command c0 empty-target"},
	{"a user too long", []string{"c\x04\x01\x00\x50\x0a\x01\x02\x03" + strings.Repeat("x", 2000)}, Broken, "v4 c0 too-long"},
	{"a name too long", []string{"c\x04\x01\x00\x50\x00\x00\x00\x01\x00" + strings.Repeat("x", 2000)}, Broken, "v4 c0 too-long"},
	{"the server alone", []string{"s" + none + bound4}, Open, "v5 method no authentication reply succeeded bound 10.0.0.1:8080"},
	{"the server of SOCKS4 alone", []string{"s\x00\x5a\x00\x00\x00\x00\x00\x00"}, Open, "v4 reply request granted bound 0.0.0.0:0"},
	{"nothing", nil, Begun, "v0"},
}

// summary writes the session down on one line.
func summary(s *Session) string {
	out := []string{fmt.Sprintf("v%d", s.Version)}
	add := func(is bool, format string, args ...any) {
		if is {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(s.Named, "named")
	add(len(s.Methods) > 0, "offered %v", s.Methods)
	add(s.HasMethod, "method %v", s.Method)
	add(s.HasAuth, "user %s password %d", s.User, s.PasswordLength)
	add(s.HasAuthStatus, "status %d", s.AuthStatus)
	add(s.HasRequest, "%v %s", s.Command, s.Target)
	add(s.HasReply, "reply %v", s.Reply)
	add(s.Bound != "", "bound %s", s.Bound)
	for _, v := range s.Violations {
		from := "c"
		if v.FromServer {
			from = "s"
		}
		add(true, "%s%d %v", from, v.At, v.Code)
	}
	return strings.Join(out, " ")
}

// play feeds the steps in pieces of size bytes.
func play(s *Session, steps []string, size int) {
	for _, step := range steps {
		feed := s.FeedClient
		if step[0] == 's' {
			feed = s.FeedServer
		}
		for b := []byte(step[1:]); len(b) > 0; {
			piece := b[:min(size, len(b))]
			b = b[len(piece):]
			n, done := feed(piece)
			clear(piece) // what was fed is not kept
			if done {
				break
			}
			if n != len(piece) {
				panic("not done, and not all taken")
			}
		}
	}
}

func TestSessions(t *testing.T) {
	for _, c := range sessions {
		for _, size := range []int{4096, 1, 2, 3, 5} {
			var s Session
			play(&s, c.steps, size)
			if got := summary(&s); got != c.want || s.State() != c.state {
				t.Errorf("%s by %d: %v %s\nwant %v %s", c.name, size, s.State(), got, c.state, c.want)
			}
			if strings.Contains(fmt.Sprintf("%+v %q", s, [][]byte{s.client.held, s.server.held}), "secret") {
				t.Errorf("%s by %d: the password is kept", c.name, size)
			}
		}
	}
}

// TestRest: what follows the negotiation belongs to the tunnel.
func TestRest(t *testing.T) {
	const data = "GET / HTTP/1.1"
	for _, c := range []struct {
		client, server string
	}{
		{hi + name + port, none + bound4},
		{fourA, "\x00\x5a\x00\x00\x00\x00\x00\x00"},
	} {
		for _, cut := range []int{0, 1, 4, 9} {
			var s Session
			s.FeedClient([]byte(c.client[:cut]))
			if n, done := s.FeedClient([]byte(c.client[cut:] + data)); n != len(c.client)-cut || !done {
				t.Errorf("client cut at %d: %d of %d, done %v", cut, n, len(c.client)-cut, done)
			}
			cut = min(cut, 7)
			s.FeedServer([]byte(c.server[:cut]))
			if n, done := s.FeedServer([]byte(c.server[cut:] + data)); n != len(c.server)-cut || !done {
				t.Errorf("server cut at %d: %d of %d, done %v", cut, n, len(c.server)-cut, done)
			}
			if n, done := s.FeedServer([]byte(data)); n != 0 || !done {
				t.Errorf("after the end: %d %v", n, done)
			}
		}
	}
}

func TestEndServer(t *testing.T) {
	for _, c := range []struct {
		steps []string
		state State
		want  string
	}{
		{[]string{"c" + hi, "s" + none, "c" + name + port, "s\x05\x04"}, Refused, "reply Host unreachable s2 cut-short"},
		{[]string{"c" + hi, "s\x05"}, Offered, "s0 cut-short"},
		{[]string{"c" + four, "s\x00\x5c"}, Refused, "identd on the client s0 cut-short"},
		{[]string{"c" + hi, "s" + none}, Selected, "method no authentication"},
	} {
		var s Session
		play(&s, c.steps, 100)
		s.EndServer()
		if got := summary(&s); !strings.HasSuffix(got, c.want) || s.State() != c.state {
			t.Errorf("%q: %v %s", c.steps, s.State(), got)
		}
	}
}

var lookCases = []struct {
	text string
	want Verdict
}{
	{"", Maybe}, {"\x05", Maybe}, {"\x05\x01", Maybe}, {hi, Yes}, {hiBoth, Yes}, {"\x05\x03\x00\x01\x02", Yes},
	{"\x05\x02\x00", Maybe},
	{"\x05\x00", No},
	{"\x05\x02\x00\x00", No},       // twice the same
	{"\x05\x01\xff", No},           // the refusal is no offer
	{"\x05\x01\x20", No},           // no such method
	{"\x05\x00\x0b\x03\x10", No},   // DCE/RPC
	{"\x05\x01\x00\x03\x10", No},   // nearly DCE/RPC
	{hi + "\x05\x01\x00\x03", Yes}, // a request behind it
	{hi + "\x05\x01\x00\x02", No},
	{hi + "\x05", Yes},
	{"\x05\x01\x02" + auth, Yes},
	{"\x05\x01\x02\x01\x00", No},
	{"\x05" + string(rune(maxOffered+1)), No},
	{"\x04", Maybe}, {"\x04\x01\x00\x50\x0a", Maybe}, {four, Yes}, {fourA, Yes},
	{"\x04\x01\x00\x50\x0a\x00\x00\x01joe", Maybe},
	{"\x04\x01\x00\x50\x0a\x00\x00\x01\x00", Yes},
	{"\x04\x03", No},
	{"\x04\x01\x00\x00", No},
	{"\x04\x01\x00\x50\x00\x01\x02\x03", No},
	{"\x04\x01\x00\x50\x00\x00\x00\x00\x00", No},
	{"\x04\x01\x00\x50\x0a\x00\x00\x01j\x01", No},
	{"\x04\x01\x00\x50\x0a\x00\x00\x01" + strings.Repeat("x", MaxText+1), No},
	{"\x04\x01\x00\x50\x00\x00\x00\x01\x00\x00", No},
	{"\x04\x01\x00\x50\x00\x00\x00\x01\x00a b\x00", No},
	{"\x04\x01\x00\x50\x00\x00\x00\x01\x00app", Maybe},
	{four + "x", No},
	{"\x04\x00\x0b", No}, // DCE/RPC without connection
	{"GET /", No}, {"\x16\x03\x01", No},
}

func TestLooks(t *testing.T) {
	for _, c := range lookCases {
		if got := Looks([]byte(c.text)); got != c.want {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for i := range 256 {
		for _, s := range []fmt.Stringer{Method(i), Command(i), Reply(i), ViolationCode(i), State(i), Verdict(i)} {
			if s.String() == "" {
				t.Errorf("%T(%d) has no name", s, i)
			}
		}
	}
}

// FuzzSession: any bytes, however split, give the same session.
func FuzzSession(f *testing.F) {
	for _, c := range sessions {
		var client, server []byte
		for _, step := range c.steps {
			if step[0] == 's' {
				server = append(server, step[1:]...)
			} else {
				client = append(client, step[1:]...)
			}
		}
		f.Add(client, server, uint8(1))
	}
	f.Fuzz(func(t *testing.T, client, server []byte, size uint8) {
		Looks(client)
		var whole, split Session
		play(&whole, []string{"c" + string(client), "s" + string(server)}, len(client)+len(server)+1)
		play(&split, []string{"c" + string(client), "s" + string(server)}, int(size)+1)
		if got, want := summary(&split), summary(&whole); got != want || split.State() != whole.State() {
			t.Fatalf("by %d: %v %s\nwhole: %v %s", int(size)+1, split.State(), got, whole.State(), want)
		}
		split.EndServer()
		if max(len(split.server.held), len(split.client.held)) > maxMessage {
			t.Fatal("too much is held")
		}
	})
}
