package dns

// Stream reads the messages of one direction of a TCP connection: "The message
// is prefixed with a two byte length field which gives the message length"
// (RFC 1035 section 4.2.2).
type Stream struct {
	held []byte
}

// Feed takes the next bytes and calls message for each whole message in them,
// without its length. The bytes are the stream's until the call returns.
func (s *Stream) Feed(b []byte, message func([]byte)) {
	if len(s.held) > 0 {
		b = append(s.held, b...)
	}
	for len(b) >= 2 {
		length := int(b[0])<<8 | int(b[1])
		if len(b) < 2+length {
			break
		}
		if length > 0 {
			message(b[2 : 2+length])
		}
		b = b[2+length:]
	}
	// At most one message and its length are held: MaxMessage bounds it.
	s.held = append(s.held[:0], b...)
}

// Held is how many bytes wait for more.
func (s *Stream) Held() int { return len(s.held) }
