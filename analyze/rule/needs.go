package rule

import (
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Needs is a set of things to be seen of a connection. Most connections have
// few of them, so most checks need not be run: what a rule needs is known
// before it looks. A bit may stand for more than it says, never for less.
type Needs uint64

const (
	// Flaws: packets are cut, one direction or the beginning is missing, or packets are in the capture twice.
	Flaws   Needs = 1 << iota
	Missing       // bytes are missing, or a RST lies beyond the last that was seen
	Unended       // no end of the TCP connection, or the capture ended first
	// Remarkable: a handshake that took long, a Ping without a Pong or with a late one, a
	// large message, weak masking keys, or the end of a stream inside a message.
	Remarkable
	Reset       // a RST
	ICMP        // an ICMP error
	Unconnected // the TCP handshake is not complete
	Trouble     // data was sent again or never acknowledged, or a window was zero
	Handshake   // a request or an answer of the opening handshake
	// OddRequest: over HTTP/1, the request is not exactly what RFC 6455 section 4.2.1
	// asks for, or not in its usual form, or bytes came right behind it.
	OddRequest
	Origin       // the request has the field Origin
	SecureOrigin // and it is of https
	Secrets      // the request has a field or a parameter that may hold a secret, or there is a forward proxy
	Subprotocol  // Sec-WebSocket-Protocol in the request or in the answer that accepts
	Extension    // Sec-WebSocket-Extensions in the answer that accepts, unless that plainly fits
	Unanswered   // a handshake without the whole head of an answer
	Page         // the answer has text that does not belong to a WebSocket, or is a TLS alert
	Refusal      // an answer of 200 or more
	NoError      // and that is less than 400
	ClientError  // an answer of 400 to 499
	ServerError  // an answer of 500 or more
	OddAnswer    // an answer of 101 that is not exactly what RFC 6455 section 4.2.2 asks for, or not in its usual form
	BadFrames    // what came as frames breaks a rule, or is none
	GoingAway    // a Close frame with 1001
	CloseCode    // a Close frame with a code that is neither 1000 nor 1001
	HalfClose    // a Close frame of one side only
	NoClose      // the WebSocket opened and has no Close frame, or is hidden in TLS
	TLS          // TLS
	TLSFailed    // a TLS handshake that failed
	HTTP2        // HTTP/2
	Tunnel       // a forward proxy, or a 407, which only one gives
	Proxied      // a PROXY protocol header
)

// What is Remarkable, from here on.
const (
	SlowPath      = 300 * time.Millisecond // the round trip of the TCP handshake
	SlowHandshake = 3 * time.Second        // from the request to its answer
	SlowPong      = 2 * time.Second
	LargeMessage  = 1 << 20
	WeakFrames    = 4 // masked with keys that are zero or the same
)

// Of returns what there is of a connection. Its Outcome is not needed.
func Of(c *record.Connection) Needs {
	f := c.Facts
	if f == nil {
		return 0
	}
	n := ofTCP(&f.TCP) | when(f.EndOfCapture, Unended)
	if f.Upgrade != nil {
		n |= ofHandshake(f, f.Upgrade)
	}
	if f.WS != nil {
		n |= ofFrames(f.WS)
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
	n := when(trouble, Trouble) | when(t.CutShort > 0 || t.OneWay || t.LateStart || t.Duplicates > 0, Flaws) | when(len(t.Gaps) > 0, Missing) |
		when(len(t.ICMP) > 0, ICMP) | when(!t.Established.Seen(), Unconnected) | when(!t.End.Seen(), Unended) | when(t.HandshakeRTT >= SlowPath, Remarkable)
	for i := range t.Resets {
		n |= Reset | when(t.Resets[i].SeqAhead > 0, Missing)
	}
	return n
}

func ofFrames(w *record.WSFacts) (n Needs) {
	for d := range w.Pings {
		n |= when(w.Pings[d].Unanswered > 0 || w.Pings[d].Slowest >= SlowPong || w.Largest[d] >= LargeMessage || w.MidFrame[d] || w.MidMessage[d], Remarkable)
		if x := w.Closes[d]; x != nil {
			n |= ofClose(x)
		}
	}
	switch x := w.FirstClose; {
	case x == nil:
		n |= NoClose
	default:
		n |= ofClose(x) | when(w.Closes[0] == nil || w.Closes[1] == nil, HalfClose)
	}
	return n | when(w.WeakZeroMasks >= WeakFrames || w.WeakSameMasks >= WeakFrames, Remarkable) |
		when(len(w.Violations) > 0 || w.NotWebSocket != nil || w.DataAfterClose != [2]int{}, BadFrames)
}

func ofClose(x *record.ControlFrame) Needs {
	switch {
	case !x.HasCode && x.Code == 0, x.Code == 1000:
		return 0
	case x.Code == 1001:
		return GoingAway
	}
	return CloseCode
}

func ofHandshake(f *record.Facts, u *record.UpgradeFacts) Needs {
	n := Handshake
	if u.Request != nil {
		n |= ofRequest(u)
	}
	if u.EarlyData > 0 || u.Absolute {
		n |= OddRequest
	}
	n |= when(len(u.Body) > 0 || u.TLSAnswer, Page)
	if u.Response == nil {
		return n | Unanswered
	}
	end := u.ResponseRef.Time
	if u.ResponseLast.Seen() {
		end = u.ResponseLast.Time
	}
	n |= when(u.ResponseCut, Unanswered) | when(end.Sub(u.RequestLast.Time) >= SlowHandshake, Remarkable)
	switch status := u.Response.Status; {
	case status == 101:
		return n | ofAnswer(u)
	case status >= 500:
		n |= Refusal | ServerError
	case status >= 400:
		n |= Refusal | ClientError | when(status == 407, Tunnel)
	case status >= 200:
		n |= Refusal | NoError
	}
	if f.H2 != nil {
		n |= ofAnswer(u)
	}
	return n
}

// ofRequest looks at each field once.
func ofRequest(u *record.UpgradeFacts) (n Needs) {
	h := u.Request
	var hosts, upgrades, connections, versions, keys int
	usual := !u.RequestCut && !h.Truncated && h.Method == "GET" && h.Version == "HTTP/1.1"
	fields := h.Fields
	for i := range fields {
		f := &fields[i]
		switch key(f.Name) {
		case len("Host")<<8 | 'h':
			if f.Name == "Host" || strings.EqualFold(f.Name, "Host") {
				hosts++
			}
		case len("Origin")<<8 | 'o':
			if f.Name == "Origin" || strings.EqualFold(f.Name, "Origin") {
				n |= Origin | when(len(f.Value) > len("https") && f.Value[len("http")]|0x20 == 's', SecureOrigin)
			}
		case len("Upgrade")<<8 | 'u':
			if f.Name == "Upgrade" || strings.EqualFold(f.Name, "Upgrade") {
				upgrades++
				usual = usual && (f.Value == "websocket" || strings.EqualFold(f.Value, "websocket"))
			}
		case len("Connection")<<8 | 'c':
			if f.Name == "Connection" || strings.EqualFold(f.Name, "Connection") {
				connections++
				usual = usual && (f.Value == "Upgrade" || f.Value == "keep-alive, Upgrade" || strings.EqualFold(f.Value, "upgrade"))
			}
		case len("Cookie")<<8 | 'c', len("Authorization")<<8 | 'a', len("Proxy-Authorization")<<8 | 'p':
			n |= Secrets
		case len("Sec-WebSocket-Key")<<8 | 's':
			if f.Name == "Sec-WebSocket-Key" || strings.EqualFold(f.Name, "Sec-WebSocket-Key") {
				keys++
				usual = usual && KeyValid(f.Value)
			}
		case len("Sec-WebSocket-Version")<<8 | 's':
			if f.Name == "Sec-WebSocket-Version" || strings.EqualFold(f.Name, "Sec-WebSocket-Version") {
				versions++
				usual = usual && f.Value == "13"
			}
		case len("Sec-WebSocket-Origin")<<8 | 's':
			usual = usual && !strings.EqualFold(f.Name, "Sec-WebSocket-Origin")
		case len("Sec-WebSocket-Protocol")<<8 | 's':
			n |= when(strings.EqualFold(f.Name, "Sec-WebSocket-Protocol"), Subprotocol|Secrets)
		}
	}
	usual = usual && hosts == 1 && upgrades == 1 && connections == 1 && versions == 1 && keys == 1
	return n | when(!usual, OddRequest) | when(SecretParam(h.Target) != "", Secrets)
}

// key tells most names of fields apart: their length and first letter.
func key(name string) int {
	if name == "" {
		return 0
	}
	return len(name)<<8 | int(name[0]|0x20)
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
			if f.Name == "Upgrade" || strings.EqualFold(f.Name, "Upgrade") {
				upgrades++
				usual = usual && (f.Value == "websocket" || strings.EqualFold(f.Value, "websocket"))
			}
		case len("Connection"):
			if f.Name == "Connection" || strings.EqualFold(f.Name, "Connection") {
				connections++
				usual = usual && (f.Value == "Upgrade" || strings.EqualFold(f.Value, "upgrade"))
			}
		case len("Content-Length"):
			usual = usual && !strings.EqualFold(f.Name, "Content-Length")
		case len("Transfer-Encoding"):
			usual = usual && !strings.EqualFold(f.Name, "Transfer-Encoding")
		case len("Sec-WebSocket-Accept"):
			if f.Name == "Sec-WebSocket-Accept" || strings.EqualFold(f.Name, "Sec-WebSocket-Accept") {
				accepts++
				usual = usual && f.Value != "" && f.Value == u.WantAccept
			}
		case len("Sec-WebSocket-Protocol"):
			n |= when(strings.EqualFold(f.Name, "Sec-WebSocket-Protocol"), Subprotocol)
		case len("Sec-WebSocket-Extensions"):
			n |= when(!u.ExtensionsFit && strings.EqualFold(f.Name, "Sec-WebSocket-Extensions"), Extension)
		}
	}
	usual = usual && upgrades == 1 && connections == 1 && accepts == 1
	return n | when(!usual, OddAnswer)
}

// KeyValid tells whether a Sec-WebSocket-Key is 16 bytes in base64 (RFC 6455
// section 4.2.1), which are 22 characters and two of padding. It costs no memory.
func KeyValid(key string) bool {
	if len(key) != 24 || key[22:] != "==" {
		return false
	}
	for i := range 22 {
		if !base64Letters[key[i]] {
			return false
		}
	}
	return true
}

// base64Letters tells the letters of base64 (RFC 4648 section 4).
var base64Letters = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		is[c] = true
	}
	return is
}()

// secretParams are the URL parameters that usually hold a secret.
var secretParams = []string{"access_token", "token", "auth", "key", "apikey", "api_key", "password", "secret", "jwt", "sig", "signature", "code", "ticket"}

// SecretParam is the name of the first parameter of a target that holds a
// secret; empty if none does.
func SecretParam(target string) string {
	at := strings.IndexByte(target, '?')
	for at >= 0 {
		target = target[at+1:]
		pair := target
		if at = strings.IndexByte(target, '&'); at >= 0 {
			pair = target[:at]
		}
		end := strings.IndexByte(pair, '=')
		if end <= 0 || end == len(pair)-1 {
			continue // without a name or a value
		}
		for _, secret := range secretParams {
			if end == len(secret) && pair[0]|0x20 == secret[0] && strings.EqualFold(pair[:end], secret) {
				return secret
			}
		}
	}
	return ""
}
