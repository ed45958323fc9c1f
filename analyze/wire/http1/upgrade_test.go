package http1

import (
	"reflect"
	"strings"
	"testing"
)

func TestAcceptFor(t *testing.T) {
	// RFC 6455 section 1.3.
	for _, key := range []string{"dGhlIHNhbXBsZSBub25jZQ==", " dGhlIHNhbXBsZSBub25jZQ==\t"} {
		if got := AcceptFor(key); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			t.Errorf("%q: %q", key, got)
		}
	}
}

func TestHasTrace(t *testing.T) {
	for fields, want := range map[string]bool{
		"":                               false,
		"Upgrade: h2c\r\n":               false,
		"Connection: Upgrade\r\n":        false,
		"Upgrade: WebSocket\r\n":         true, // hixie-75
		"UPGRADE: h2c, websocket\r\n":    true,
		"Upgrade: websocket/13\r\n":      true,
		"Upgrade: websockets\r\n":        false,
		"Upgrade : websocket\r\n":        true,
		"Upgrade:\r\n\twebsocket\r\n":    true,
		"sec-websocket-version: 13\r\n":  true,
		"Sec-WebSocket-Key1: 3 1 4\r\n":  true, // hixie-76
		"Sec-WebSocket\r\n":              false,
		"X-Sec-WebSocket-Key: x\r\n":     false,
		"Secret: x\r\nUser-Agent: x\r\n": false,
	} {
		var p Parser
		p.Feed([]byte("GET / HTTP/1.1\r\n" + fields + "\r\n"))
		if cheap, full := p.Trace(), HasTrace(p.Head()); cheap != want || full != want {
			t.Errorf("%q: %v, by the head %v, want %v", fields, cheap, full, want)
		}
	}
}

// Key finds what a look at the lines finds, in any case and place.
func TestKey(t *testing.T) {
	for fields, want := range map[string]string{
		"":                                    "",
		"Sec-WebSocket-Key: abc\r\n":          " abc\r",
		"A: b\nsec-websocket-KEY:abc\nB: c\n": "abc",
		"Sec-WebSocket-Key : abc\r\n":         "", // left to whoever looks at the lines
		"Sec-WebSocket-Key1: abc\r\n":         "",
		"Sec-WebSocket-Key: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: b\r\n": " b\r",
		"Sec-WebSocket-Key:\r\n abc\r\n":                                         "\r",
	} {
		text := "GET / HTTP/1.1\r\n" + fields + "\r\n"
		for cut := range len(text) {
			var p Parser
			p.Feed([]byte(text[:cut]))
			p.Feed([]byte(text[cut:]))
			if from, to := p.Key(); string(p.Raw()[from:to]) != want {
				t.Errorf("%q cut at %d: %q, want %q", fields, cut, p.Raw()[from:to], want)
			}
		}
	}
}

func TestParseList(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{", ,"}, nil},
		{[]string{"a, b ,c", "\td"}, []string{"a", "b", "c", "d"}},
		{[]string{`a;x="b,c\",d", e`}, []string{`a;x="b,c\",d"`, "e"}},
		{[]string{`a;x="b,c`}, []string{`a;x="b,c`}},
	} {
		if got := ParseList(c.in...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestParseExtensions(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string // joined by |
		ok   bool
	}{
		{nil, "", true},
		{[]string{""}, "", false},
		{[]string{"permessage-deflate; client_max_window_bits"}, "permessage-deflate; client_max_window_bits", true},
		{[]string{"a;b=1;b=2, c", "d"}, "a; b=1; b=2|c|d", true},
		{[]string{`a; b="1 0"`}, `a; b="1 0"`, false},
		{[]string{`a; b="1\0"`}, `a; b="10"`, true},
		{[]string{`a; b="10`}, `a; b="10"`, false},
		{[]string{`a; b="10"x`}, `a; b="10"`, false},
		{[]string{"a; b="}, "a; b=", false},
		{[]string{"a;"}, "a", false},
		{[]string{"a;;b"}, "a; b", false},
		{[]string{"a b"}, "a b", false},
		{[]string{";a"}, "; a", false},
	} {
		list, ok := ParseExtensions(c.in)
		var texts []string
		for _, e := range list {
			texts = append(texts, e.String())
		}
		if got := strings.Join(texts, "|"); got != c.want || ok != c.ok {
			t.Errorf("%q: %q %v, want %q %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestParseDeflate(t *testing.T) {
	for _, c := range []struct {
		in               string
		want             Deflate
		offered, answers string // problems
	}{
		{"permessage-deflate", Deflate{}, "", ""},
		{"permessage-deflate; client_max_window_bits", Deflate{ClientMaxWindowBitsOffered: true}, "",
			"parameter client_max_window_bits must have a value"},
		{"permessage-deflate; client_max_window_bits=15; server_max_window_bits=\"8\"",
			Deflate{ClientMaxWindowBitsOffered: true, ClientMaxWindowBits: 15, ServerMaxWindowBits: 8}, "", ""},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
			Deflate{ServerNoContextTakeover: true, ClientNoContextTakeover: true}, "", ""},
		{"permessage-deflate; server_max_window_bits", Deflate{}, "parameter server_max_window_bits must have a value", "parameter server_max_window_bits must have a value"},
		{"permessage-deflate; server_max_window_bits=7", Deflate{}, "parameter server_max_window_bits has the invalid value 7", "parameter server_max_window_bits has the invalid value 7"},
		{"permessage-deflate; server_max_window_bits=08", Deflate{}, "parameter server_max_window_bits has the invalid value 08", "parameter server_max_window_bits has the invalid value 08"},
		{"permessage-deflate; server_no_context_takeover=1", Deflate{ServerNoContextTakeover: true}, "parameter server_no_context_takeover must not have a value", "parameter server_no_context_takeover must not have a value"},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", Deflate{ServerNoContextTakeover: true}, "parameter server_no_context_takeover appears more than once", "parameter server_no_context_takeover appears more than once"},
		{"permessage-deflate; mystery=1", Deflate{}, "unknown parameter mystery", "unknown parameter mystery"},
	} {
		list, _ := ParseExtensions([]string{c.in})
		d, problems := ParseDeflate(list[0], false)
		if d != c.want || strings.Join(problems, "|") != c.offered {
			t.Errorf("%q offered: %+v %q", c.in, d, problems)
		}
		if _, problems := ParseDeflate(list[0], true); strings.Join(problems, "|") != c.answers {
			t.Errorf("%q answered: %q", c.in, problems)
		}
	}
}

func TestDeflateAnswers(t *testing.T) {
	bits := Deflate{ClientMaxWindowBits: 10, ClientMaxWindowBitsOffered: true}
	for _, c := range []struct {
		answer Deflate
		offers []Deflate
		want   string
	}{
		{Deflate{}, nil, "permessage-deflate was not offered"},
		{Deflate{}, []Deflate{{}}, ""},
		{Deflate{ServerMaxWindowBits: 9, ServerNoContextTakeover: true, ClientNoContextTakeover: true}, []Deflate{{}}, ""},
		{bits, []Deflate{{}}, "client_max_window_bits was not offered"},
		{bits, []Deflate{{ClientMaxWindowBitsOffered: true}}, ""},
		{bits, []Deflate{{}, {ClientMaxWindowBitsOffered: true}}, ""},
		{bits, []Deflate{{ClientMaxWindowBitsOffered: true, ClientMaxWindowBits: 9}}, "client_max_window_bits is larger than offered"},
		{Deflate{}, []Deflate{{ServerNoContextTakeover: true}}, "server_no_context_takeover was offered and is missing"},
		{Deflate{ServerMaxWindowBits: 11}, []Deflate{{ServerMaxWindowBits: 10}}, "server_max_window_bits is missing or larger than offered"},
	} {
		if got := strings.Join(c.answer.Answers(c.offers), "|"); got != c.want {
			t.Errorf("%+v to %+v: %q, want %q", c.answer, c.offers, got, c.want)
		}
	}
}

func TestPollingTransport(t *testing.T) {
	for target, want := range map[string]string{
		"/socket.io/?EIO=4&transport=polling&t=x":     "engine.io polling",
		"/socket.io/?EIO=4&transport=websocket&sid=a": "engine.io websocket",
		"/?EIO=4":                            " ",
		"/socket.io/1/xhr-polling/123":       "socket.io xhr-polling",
		"/echo/042/abcdef/xhr_streaming?t=1": "sockjs xhr_streaming",
		"/echo/042/abcdef/websocket":         "sockjs websocket",
		"/chat/rooms/1/websocket":            " ",
		"/websocket":                         " ",
		"/hub/negotiate?negotiateVersion=1":  "signalr negotiate",
		"/signalr/connect?transport=webSockets&connectionToken=a": "signalr webSockets",
		"/hub?id=0123456789abcdefghij_-":                          "signalr ",
		"/item?id=42":                                             " ",
		"/socket":                                                 " ",
		"":                                                        " ",
	} {
		if family, transport := PollingTransport(target); family+" "+transport != want {
			t.Errorf("%s: %s %s, want %s", target, family, transport, want)
		}
	}
}

func FuzzExtensions(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits=\"1\\0\", x;y=,\"")
	f.Add(";;,=\"\\")
	f.Add("permessage-deflate ;client_max_window_bits; client_max_window_bits=10")
	f.Add("permessage-deflate; server_no_context_takeover ; server_max_window_bits=15;")
	f.Fuzz(func(t *testing.T, value string) {
		list, ok := ParseExtensions([]string{value})
		for _, answered := range []bool{false, true} {
			plain, fine := PlainDeflate(value, answered)
			if !fine {
				continue
			}
			if len(list) != 1 || !ok || list[0].Name != DeflateName {
				t.Fatalf("%q is not plain: %+v", value, list)
			}
			if d, problems := ParseDeflate(list[0], answered); d != plain || problems != nil {
				t.Fatalf("%q: %+v, want %+v, %q", value, plain, d, problems)
			}
		}
		for _, e := range list {
			ParseDeflate(e, true)
			if again, fine := ParseExtensions([]string{e.String()}); ok && (!fine || !reflect.DeepEqual(again, []Extension{e})) {
				t.Fatalf("%q: %+v is read back as %+v", value, e, again)
			}
		}
		PollingTransport(value)
	})
}

// TestHandshakeAllocs: the usual form of a handshake's fields costs no memory.
func TestHandshakeAllocs(t *testing.T) {
	answer := AcceptFor("dGhlIHNhbXBsZSBub25jZQ==")
	n := testing.AllocsPerRun(100, func() {
		offer, ok := PlainDeflate("permessage-deflate; client_max_window_bits", false)
		d, fine := PlainDeflate("permessage-deflate;server_no_context_takeover; client_max_window_bits=12", true)
		if !ok || !fine || !offer.ClientMaxWindowBitsOffered || !d.ServerNoContextTakeover || d.ClientMaxWindowBits != 12 {
			t.Errorf("%v %+v, %v %+v", ok, offer, fine, d)
		}
		if AcceptLike(" dGhlIHNhbXBsZSBub25jZQ==", answer) != answer {
			t.Error("another answer")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestExtensionLimits(t *testing.T) {
	list, ok := ParseExtensions([]string{strings.Repeat("a,", MaxExtensions+1)})
	if len(list) != MaxExtensions || ok {
		t.Errorf("%d elements, ok %v", len(list), ok)
	}
	list, ok = ParseExtensions([]string{"a" + strings.Repeat(";b", MaxParams+1)})
	if len(list[0].Params) != MaxParams || ok {
		t.Errorf("%d parameters, ok %v", len(list[0].Params), ok)
	}
}
