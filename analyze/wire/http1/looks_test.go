package http1

import (
	"strings"
	"testing"
)

var lookCases = []struct {
	text     string
	request  Verdict
	response Verdict
}{
	{"", Maybe, Maybe},
	{"\r", Maybe, Maybe},
	{"\r\n", Maybe, Maybe},
	{"\r\nGET /", Yes, No},
	{"G", Maybe, No},
	{"GET", Maybe, No},
	{"GET ", Maybe, No},
	{"GET /", Yes, No},
	{"GET h", Maybe, No},
	{"GET ws://a", Yes, No},
	{"GET /x\r\n", Yes, No},
	{"GET x\r\n", No, No},
	{"GET x HTTP/1.1\r\n", Yes, No},
	{"GET\x00/", No, No},
	{"GET" + strings.Repeat(" ", 17), No, No},
	{"CONNECT a:443", Maybe, No},
	{"CONNECT a:443 HTTP/1.1\r\n", Yes, No},
	{"CONNECT 1.2.3.4:5\r\n", No, No},
	{"FOO /x", Maybe, No},
	{"FOO /x HTTP/1.0\n", Yes, No},
	{"FOO /x HTTP/x\n", No, No},
	{"FOO \x01", No, No},
	{"FOO " + strings.Repeat("x", maxUnknownLine), No, No},
	{"ABCDEFGHIJKLMNOPQRSTU", No, No},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", No, No},
	{"PRI", Maybe, No},
	{"INVITE sip:a@b SIP/2.0\r\n", No, No},
	{"OPTIONS sip:a@b SIP/2.0\r\n", No, No},
	{"EHLO mail.test\r\n", No, No},
	{"USER anonymous\r\n", No, No},
	{"get key\r\n", No, No},
	{"*1\r\n$4\r\nPING\r\n", No, No},
	{"SSH-2.0-x\r\n", No, No},
	{"\x16\x03\x01\x02\x00", No, No},
	{"\x04\x01\x00\x50", No, No},
	{"\x05\x01\x00", No, No},
	{"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", No, No},
	{"H", Maybe, Maybe},
	{"HTTP/", No, Maybe},
	{"HTTP/1", No, Yes},
	{"HTTP/1.1 101", No, Yes},
	{"http/1.1 200", No, Yes},
	{"HTTP 200", Maybe, Yes},
	{"HTTP/x", No, No},
	{"HTTPS", Maybe, No},
	{"ICY 200 OK\r\n", No, No},
}

// TestLooks also holds that Yes and No never change with more bytes.
func TestLooks(t *testing.T) {
	for _, c := range lookCases {
		for name, f := range map[string]struct {
			look func([]byte) Verdict
			want Verdict
		}{"request": {Looks, c.request}, "response": {LooksResponse, c.response}} {
			if got := f.look([]byte(c.text)); got != f.want {
				t.Errorf("%.40q as %s: %v, want %v", c.text, name, got, f.want)
			}
			was := Maybe
			for i := range len(c.text) + 1 {
				got := f.look([]byte(c.text[:i]))
				if was != Maybe && got != was {
					t.Fatalf("%.40q as %s: %v after %d bytes, %v before", c.text, name, got, i, was)
				}
				was = got
			}
		}
	}
}

func FuzzLooks(f *testing.F) {
	for _, c := range lookCases {
		f.Add([]byte(c.text), uint(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint) {
		front := b[:cut%uint(len(b)+1)]
		if was, now := Looks(front), Looks(b); was != Maybe && was != now {
			t.Fatalf("request: %v, then %v", was, now)
		}
		if was, now := LooksResponse(front), LooksResponse(b); was != Maybe && was != now {
			t.Fatalf("response: %v, then %v", was, now)
		}
	})
}
