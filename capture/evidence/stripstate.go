package evidence

import (
	"bytes"
	"encoding/binary"
	"net/url"
	"slices"
	"strings"
)

// valueKind says what of a header's value is secret.
type valueKind uint8

const (
	valuePlain       valueKind = iota
	valueSecret                // all of it
	valueCredentials           // all behind the scheme
	valueProtocols             // items that are tokens
)

// secretHeaders are those with secrets in their values.
var secretHeaders = map[string]valueKind{"authorization": valueCredentials, "proxy-authorization": valueCredentials,
	"cookie": valueSecret, "set-cookie": valueSecret, "sec-websocket-protocol": valueProtocols}

// secretParameters of a URL have secret values.
var secretParameters = []string{"access_token", "token", "auth", "key", "apikey", "api_key", "password", "secret", "jwt", "sig", "signature", "code", "ticket"}

// secretWords are in the names of other headers and parameters with secret values.
var secretWords = []string{"token", "secret", "passw", "pwd", "signature", "apikey", "api-key", "api_key", "jwt", "session", "authorization"}

func isSecret(name string) bool {
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// secretParameter tells that a parameter of a URL has a secret value.
func secretParameter(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	return slices.Contains(secretParameters, name) || isSecret(name)
}

// maxPlainToken is the longest subprotocol that is taken for a name.
const maxPlainToken = 64

// httpState follows HTTP line by line. Bodies are taken for lines, too: what
// looks like a secret header in one becomes x.
type httpState struct {
	lines, column int    // of the present head, of the present line
	line          []byte // the beginning of the line, up to maxName bytes; within a value it stays the name
	agreed        bool   // the head's first line is an answer of 101
	switching     bool   // the head that just ended agreed to the Upgrade
	heads         int    // that have ended
	http2         bool   // the first line is the preface of HTTP/2

	value   valueKind
	word    []byte // the beginning of the present word of the value, or of the parameter's name
	words   int
	length  int // of the present word
	inQuery bool
	hiding  bool
	recent  uint32 // the last bytes of the line
}

// atStart: nothing of a head has come.
func (h *httpState) atStart() bool { return h.column == 0 && h.lines == 0 }

// strip changes secret values in b and gives how many bytes it took: all, or
// those up to the end of a head.
func (h *httpState) strip(b []byte) int {
	for i := range b {
		if b[i] != '\n' {
			h.byte(&b[i])
		} else if h.end(); h.lines == 0 {
			return i + 1
		}
	}
	return len(b)
}

func (h *httpState) byte(c *byte) {
	h.column++
	switch {
	case *c == '\r':
	case h.value != valuePlain:
		h.secret(c)
	default:
		if h.lines > 0 && *c == ':' && len(h.line) < maxName && bytes.IndexByte(h.line, ':') < 0 {
			name := strings.ToLower(string(h.line))
			if h.value = secretHeaders[name]; h.value == valuePlain && isSecret(name) {
				h.value = valueSecret
			}
			if h.value != valuePlain {
				h.word = h.word[:0]
			}
		}
		h.query(c) // in the target, and in URLs of other lines
		if len(h.line) < maxName {
			h.line = append(h.line, *c)
		}
	}
}

// secret hides a byte of a value, if it is one of what is secret in it.
func (h *httpState) secret(c *byte) {
	if *c == ' ' || *c == ',' {
		if h.length > 0 {
			h.words++
		}
		h.length, h.word = 0, h.word[:0]
		return
	}
	h.length++
	if len(h.word) < 3 {
		h.word = append(h.word, *c)
	}
	switch {
	case h.value == valueCredentials && h.words == 0:
	case h.value == valueProtocols && h.length <= maxPlainToken && (h.length <= 3 || string(h.word) != "eyJ"):
	default:
		*c = 'x'
	}
}

// query hides the values of secret parameters in a URL, and what begins as a
// JWT does in a target.
func (h *httpState) query(c *byte) {
	if h.recent = h.recent<<8 | uint32(*c); h.lines == 0 && h.recent&0xffffff == 'e'<<16|'y'<<8|'J' {
		h.hiding = true
	}
	switch {
	case *c == '?' || *c == '&' || *c == ';' || *c == '#':
		h.inQuery, h.hiding, h.word = true, false, h.word[:0]
	case *c == ' ':
		h.inQuery, h.hiding = false, false
	case h.hiding:
		*c = 'x'
	case !h.inQuery:
	case *c == '=':
		h.hiding = secretParameter(string(h.word))
	case len(h.word) < maxName:
		h.word = append(h.word, *c)
	}
}

// end is that of a line; an empty one ends a head.
func (h *httpState) end() {
	empty := len(h.line) == 0
	if h.lines == 0 && !empty {
		status := bytes.Fields(h.line)
		h.http2 = bytes.HasPrefix(h.line, []byte("PRI * HTTP/2")) // RFC 9113, section 3.4
		h.agreed = len(status) > 1 && bytes.HasPrefix(status[0], []byte("HTTP/1.")) && string(status[1]) == "101"
	}
	h.lines++
	if empty {
		h.lines = 0
		h.heads++
		h.switching, h.agreed = h.agreed, false
	}
	h.line, h.word, h.column, h.words, h.length = h.line[:0], h.word[:0], 0, 0, 0
	h.value, h.inQuery, h.hiding, h.recent = valuePlain, false, false, 0
}

// frameState follows WebSocket frames (RFC 6455, section 5.2).
type frameState struct {
	head       []byte
	left       uint64 // of the payload
	at         uint64 // in the payload
	mask       [4]byte
	masked     bool
	fin        bool
	control    bool
	plain      bool   // a Close frame, which stays
	compressed bool   // the message is
	position   uint64 // in the message, where it is compressed
}

// strip changes the beginning of b and gives the rest.
func (f *frameState) strip(b []byte) []byte {
	if f.left == 0 {
		n := f.header(b)
		return b[n:]
	}
	n := len(b)
	if uint64(n) > f.left {
		n = int(f.left)
	}
	if f.plain {
		f.advance(uint64(n))
		return b[n:]
	}
	for i := range n {
		b[i] = f.fill()
		if f.masked {
			b[i] ^= f.mask[f.at%4]
		}
		f.advance(1)
	}
	return b[n:]
}

func (f *frameState) advance(n uint64) {
	f.at += n
	f.left -= n
	if !f.control {
		f.position += n
	}
}

// fill is the next byte of a message that says nothing: zero, or of what
// inflates to zeros (RFC 1951): one block with fixed codes and as many literal
// zeros as fit, and the beginning of the empty stored block whose end RFC 7692
// takes off.
func (f *frameState) fill() byte {
	last := f.fin && f.left <= 2
	switch {
	case !f.compressed || f.control:
		return 0
	case f.position == 0 && f.fin && f.left == 1:
		return 0
	case f.position == 0 && f.fin && f.left == 2:
		return 0x02
	case f.position == 0:
		return 0x62
	case last:
		return 0
	}
	return 0x60
}

// header takes bytes of a frame's head.
func (f *frameState) header(b []byte) int {
	for i := range b {
		f.head = append(f.head, b[i])
		size := 2
		if len(f.head) >= 2 {
			switch f.head[1] & 0x7f {
			case 126:
				size += 2
			case 127:
				size += 8
			}
			if f.head[1]&0x80 != 0 {
				size += 4
			}
		}
		if len(f.head) == size {
			f.begin()
			return i + 1
		}
	}
	return len(b)
}

// begin reads a whole head.
func (f *frameState) begin() {
	opcode := f.head[0] & 15
	at := 2
	f.left = uint64(f.head[1] & 0x7f)
	switch f.left {
	case 126:
		f.left, at = uint64(binary.BigEndian.Uint16(f.head[2:])), 4
	case 127:
		f.left, at = binary.BigEndian.Uint64(f.head[2:]), 10
	}
	if f.masked = f.head[1]&0x80 != 0; f.masked {
		copy(f.mask[:], f.head[at:])
	}
	f.at, f.fin, f.control, f.plain = 0, f.head[0]&0x80 != 0, opcode >= 8, opcode == 8
	if opcode != 0 && !f.control { // a message begins
		f.compressed, f.position = f.head[0]&0x40 != 0, 0
	}
	f.head = f.head[:0]
}
