package rule

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Needs is a set of things to be seen of a connection. Most connections have
// few of them, so most checks need not be run: what a rule needs is known
// before it looks. A bit may stand for more than it says, never for less.
type Needs uint32

const (
	// Flaws: packets are cut, one direction or the beginning is missing, or packets are in the capture twice.
	Flaws       Needs = 1 << iota
	Reset             // a RST
	ICMP              // an ICMP error
	Unconnected       // the TCP handshake is not complete
	Trouble           // data was sent again or never acknowledged, or a window was zero
	Handshake         // a request or an answer of the opening handshake
	// OddRequest: over HTTP/1, the request is not exactly what RFC 6455 section 4.2.1
	// asks for, or not in its usual form, or bytes came right behind it.
	OddRequest
	Origin      // the request has the field Origin
	Secrets     // the request has a field or a query that may hold a secret
	Subprotocol // Sec-WebSocket-Protocol in the request or in the answer that accepts
	Extension   // Sec-WebSocket-Extensions in the answer that accepts
	Unopened    // there is a handshake, but no whole answer of 101
	Refusal     // an answer of 200 or more
	OddAnswer   // an answer of 101 that is not exactly what RFC 6455 section 4.2.2 asks for, or not in its usual form
	Frames      // the WebSocket opened
	BadFrames   // what came as frames breaks a rule, or is none
	CloseFrame  // a Close frame
	NoClose     // the WebSocket opened and has no Close frame, or is hidden in TLS
	TLS         // TLS
	TLSFailed   // a TLS handshake that failed
	HTTP2       // HTTP/2
	Tunnel      // a forward proxy
	Proxied     // a PROXY protocol header
)

// Of returns what there is of a connection. Its Outcome is not needed.
func Of(c *record.Connection) Needs {
	f := c.Facts
	if f == nil {
		return 0
	}
	n := ofTCP(&f.TCP)
	if f.Upgrade != nil {
		n |= ofHandshake(f, f.Upgrade)
	}
	if w := f.WS; w != nil {
		n |= Frames
		n |= when(len(w.Violations) > 0 || w.NotWebSocket != nil || w.DataAfterClose != [2]int{}, BadFrames)
		n |= when(w.FirstClose != nil, CloseFrame)
		n |= when(w.FirstClose == nil, NoClose)
	}
	if f.TLS != nil {
		n |= TLS | when(f.TLSFailed, TLSFailed) | when(f.TLS.Likeness != nil, NoClose)
	}
	return n | when(f.H2 != nil, HTTP2) | when(f.Tunnel != nil, Tunnel|Secrets) | when(f.Proxy != nil, Proxied)
}

func when(is bool, n Needs) Needs {
	if is {
		return n
	}
	return 0
}

func ofTCP(t *record.TCPFacts) Needs {
	trouble := len(t.Stalls) > 0
	for d := range t.Sides {
		trouble = trouble || t.Sides[d].Retransmissions > 0 || t.Sides[d].Unacked > 0
	}
	return when(trouble, Trouble) | when(t.CutShort > 0 || t.OneWay || t.LateStart || t.Duplicates > 0, Flaws) |
		when(len(t.Resets) > 0, Reset) | when(len(t.ICMP) > 0, ICMP) | when(!t.Established.Seen(), Unconnected)
}

func ofHandshake(f *record.Facts, u *record.UpgradeFacts) Needs {
	n := Handshake
	if u.Request != nil {
		n |= ofRequest(u)
	}
	if u.EarlyData > 0 || u.Absolute {
		n |= OddRequest
	}
	switch {
	case u.Response == nil:
		return n | Unopened
	case u.Response.Status == 101:
		n |= ofAnswer(u) | when(u.ResponseCut, Unopened)
	default:
		n |= Unopened | when(u.Response.Status >= 200, Refusal)
		if f.H2 != nil {
			n |= ofAnswer(u)
		}
	}
	return n
}

// ofRequest looks at each field once.
func ofRequest(u *record.UpgradeFacts) (n Needs) {
	h := u.Request
	var hosts, upgrades, connections, versions, keys int
	usual := !u.RequestCut && !h.Truncated && h.Method == "GET" && h.Version == "HTTP/1.1"
	for i := range h.Fields {
		f := &h.Fields[i]
		switch len(f.Name) {
		case len("Host"):
			hosts += named(f.Name, "Host")
		case len("Origin"):
			n |= when(named(f.Name, "Origin") == 1, Origin) | when(named(f.Name, "Cookie") == 1, Secrets)
		case len("Upgrade"):
			if named(f.Name, "Upgrade") == 1 {
				upgrades++
				usual = usual && strings.EqualFold(f.Value, "websocket")
			}
		case len("Connection"):
			if named(f.Name, "Connection") == 1 {
				connections++
				usual = usual && (strings.EqualFold(f.Value, "upgrade") || f.Value == "keep-alive, Upgrade")
			}
		case len("Authorization"), len("Proxy-Authorization"):
			n |= Secrets
		case len("Sec-WebSocket-Key"):
			if named(f.Name, "Sec-WebSocket-Key") == 1 {
				keys++
				usual = usual && KeyValid(f.Value)
			}
		case len("Sec-WebSocket-Version"):
			if named(f.Name, "Sec-WebSocket-Version") == 1 {
				versions++
				usual = usual && f.Value == "13"
			}
		case len("Sec-WebSocket-Origin"):
			usual = usual && named(f.Name, "Sec-WebSocket-Origin") == 0
		case len("Sec-WebSocket-Protocol"):
			n |= when(named(f.Name, "Sec-WebSocket-Protocol") == 1, Subprotocol|Secrets)
		}
	}
	usual = usual && hosts == 1 && upgrades == 1 && connections == 1 && versions == 1 && keys == 1
	return n | when(!usual, OddRequest) | when(strings.IndexByte(h.Target, '?') >= 0, Secrets)
}

// ofAnswer does the same for an answer that accepts.
func ofAnswer(u *record.UpgradeFacts) (n Needs) {
	h := u.Response
	var upgrades, connections, accepts int
	usual := !u.ResponseCut && !h.Truncated && h.Version == "HTTP/1.1"
	for i := range h.Fields {
		f := &h.Fields[i]
		switch len(f.Name) {
		case len("Upgrade"):
			if named(f.Name, "Upgrade") == 1 {
				upgrades++
				usual = usual && strings.EqualFold(f.Value, "websocket")
			}
		case len("Connection"):
			if named(f.Name, "Connection") == 1 {
				connections++
				usual = usual && strings.EqualFold(f.Value, "upgrade")
			}
		case len("Content-Length"):
			usual = usual && named(f.Name, "Content-Length") == 0
		case len("Transfer-Encoding"):
			usual = usual && named(f.Name, "Transfer-Encoding") == 0
		case len("Sec-WebSocket-Accept"):
			if named(f.Name, "Sec-WebSocket-Accept") == 1 {
				accepts++
				usual = usual && f.Value != "" && f.Value == u.WantAccept
			}
		case len("Sec-WebSocket-Protocol"):
			n |= when(named(f.Name, "Sec-WebSocket-Protocol") == 1, Subprotocol)
		case len("Sec-WebSocket-Extensions"):
			n |= when(named(f.Name, "Sec-WebSocket-Extensions") == 1, Extension)
		}
	}
	usual = usual && upgrades == 1 && connections == 1 && accepts == 1
	return n | when(!usual, OddAnswer)
}

// named is 1 if a field's name, which has the same length, is this.
func named(field, name string) int {
	if field == name || strings.EqualFold(field, name) {
		return 1
	}
	return 0
}

// KeyValid tells whether a Sec-WebSocket-Key is 16 bytes in base64 (RFC 6455
// section 4.2.1), which are 22 characters and two of padding. It costs no memory.
func KeyValid(key string) bool {
	if len(key) != 24 || key[22:] != "==" {
		return false
	}
	for _, c := range []byte(key[:22]) {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}
