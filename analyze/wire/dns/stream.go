package dns

import "encoding/binary"

// MaxHeld bounds what a Stream keeps of a message that came in pieces: far more
// than MaxAnswers addresses take. Of a longer one the beginning is given.
const MaxHeld = 8 << 10

// Stream reads the messages of one direction of a TCP connection: "The message
// is prefixed with a two byte length field which gives the message length"
// (RFC 1035 section 4.2.2).
type Stream struct {
	held []byte
	skip int // bytes of a long message that are not looked at
}

// Feed takes the next bytes and calls message for each whole message in them,
// without its length, and for the beginning of one that is longer than MaxHeld
// and did not come at once. The bytes are the stream's until the call returns.
func (s *Stream) Feed(b []byte, message func([]byte)) {
	for len(b) > 0 {
		if s.skip > 0 {
			n := min(s.skip, len(b))
			s.skip -= n
			b = b[n:]
			continue
		}
		if len(s.held) > 0 {
			b = s.goOn(b, message)
			continue
		}
		if len(b) < 2 || len(b) < 2+length(b) {
			b = s.goOn(b, message)
			continue
		}
		if n := length(b); n > 0 {
			message(b[2 : 2+n])
		}
		b = b[2+length(b):]
	}
}

// goOn takes from b what belongs to the message that is held, and gives it away
// when it is whole.
func (s *Stream) goOn(b []byte, message func([]byte)) []byte {
	for len(s.held) < 2 {
		if len(b) == 0 {
			return nil
		}
		s.held = append(s.held, b[0])
		b = b[1:]
	}
	whole := 2 + length(s.held)
	n := min(min(whole, MaxHeld)-len(s.held), len(b))
	s.held = append(s.held, b[:n]...)
	if len(s.held) == min(whole, MaxHeld) {
		s.skip = whole - len(s.held)
		if len(s.held) > 2 {
			message(s.held[2:])
		}
		s.held = s.held[:0]
	}
	return b[n:]
}

func length(b []byte) int { return int(binary.BigEndian.Uint16(b)) }

// Reset forgets what is held: bytes are missing, or another message begins.
func (s *Stream) Reset() { s.held, s.skip = s.held[:0], 0 }

// Held is how many bytes wait for more.
func (s *Stream) Held() int { return len(s.held) }

// LooksStream tells whether a direction of a TCP connection may begin, or go on
// with a message, like b: a length and the header of a query, or of an answer to
// one. Of a few bytes less is known.
func LooksStream(b []byte) bool {
	if len(b) >= 2 && length(b) < headerLength {
		return false
	}
	if len(b) < 2+headerLength {
		return true
	}
	bits, questions, answers := length(b[4:]), length(b[6:]), length(b[8:])
	// "Z  Reserved for future use. Must be zero in all queries and responses" (RFC 1035 section 4.1.1)
	query := bits&0x8000 == 0
	return bits&0x7840 == 0 && questions == 1 && !(query && answers > 0)
}
