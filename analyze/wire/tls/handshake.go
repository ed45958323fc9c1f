package tls

const (
	// MaxHandshakeMessage is the longest handshake message that is kept. The
	// format allows 2^24-1 bytes; no certificate chain met in practice comes
	// near this.
	MaxHandshakeMessage = 1 << 17
	handshakeHeader     = 4
	minClientHello      = 38 // version, random, three empty vectors
)

// Message is one handshake message. Its bytes belong to the parser, or are
// part of what it was fed, and are valid until the next call of Next or Feed.
type Message struct {
	Type HandshakeType
	// Body is the message without its header; nil when Violation is
	// HandshakeTooLong.
	Body []byte
	// Raw is header and body, as transcripts hash them; nil like Body.
	Raw []byte
	// Length is the body's length in bytes as the header says.
	Length    int
	Violation Violation
}

// HandshakeParser joins the fragments of handshake records into messages. The
// zero value is ready. It buffers an incomplete message only.
type HandshakeParser struct {
	buf  []byte
	skip int // bytes of a message above the limit still to come
}

// Idle tells whether no message is incomplete.
func (p *HandshakeParser) Idle() bool { return len(p.buf) == 0 && p.skip == 0 }

// Reset forgets an incomplete message, as after a gap.
func (p *HandshakeParser) Reset() { *p = HandshakeParser{} }

// Feed takes the next bytes of handshake records up to the end of one
// message. It returns how many it consumed and whether m is a message; call
// it again with the rest until ok is false.
func (p *HandshakeParser) Feed(b []byte) (n int, m Message, ok bool) {
	if p.skip > 0 {
		n = min(p.skip, len(b))
		p.skip -= n
		if n == len(b) {
			return n, Message{}, false
		}
	}
	more, m, ok := p.next(b[n:])
	return n + more, m, ok
}

func (p *HandshakeParser) next(b []byte) (n int, m Message, ok bool) {
	if len(p.buf) == 0 {
		if n, m, ok = p.direct(b); ok {
			return n, m, true
		}
	}
	for len(p.buf) < handshakeHeader {
		if n == len(b) {
			return n, Message{}, false
		}
		p.buf = append(p.buf, b[n])
		n++
	}
	length := messageLength(p.buf)
	if length > MaxHandshakeMessage {
		return p.tooLong(b, n, length)
	}
	take := min(handshakeHeader+length-len(p.buf), len(b)-n)
	p.buf = append(p.buf, b[n:n+take]...)
	n += take
	if len(p.buf) < handshakeHeader+length {
		return n, Message{}, false
	}
	raw := p.buf
	p.buf = nil
	return n, message(raw), true
}

// direct serves a message that lies whole in b, without a copy.
func (p *HandshakeParser) direct(b []byte) (int, Message, bool) {
	if len(b) < handshakeHeader {
		return 0, Message{}, false
	}
	end := handshakeHeader + messageLength(b)
	if end > len(b) || end > handshakeHeader+MaxHandshakeMessage {
		return 0, Message{}, false
	}
	return end, message(b[:end:end]), true
}

func (p *HandshakeParser) tooLong(b []byte, n, length int) (int, Message, bool) {
	m := Message{Type: HandshakeType(p.buf[0]), Length: length, Violation: HandshakeTooLong}
	p.buf = nil
	p.skip = length
	return n, m, true
}

func messageLength(h []byte) int { return int(h[1])<<16 | int(h[2])<<8 | int(h[3]) }

func message(raw []byte) Message {
	return Message{Type: HandshakeType(raw[0]), Body: raw[handshakeHeader:], Raw: raw, Length: len(raw) - handshakeHeader}
}
