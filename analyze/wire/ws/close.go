package ws

import (
	"encoding/binary"
	"unicode/utf8"
)

// Status codes that have a meaning of their own here (RFC 6455, section 7.4.1,
// and the IANA registry of close codes).
const (
	CloseNormal    uint16 = 1000
	CloseGoingAway uint16 = 1001
	CloseNoStatus  uint16 = 1005 // never on the wire
	CloseAbnormal  uint16 = 1006 // never on the wire
)

// CloseStatus is what a Close frame says.
type CloseStatus struct {
	Code    uint16
	HasCode bool
	Reason  string // UTF-8; empty if it is not
	// Breach is meaningful if Broken: ClosePayloadOneByte, CloseCodeInvalid or
	// CloseReasonNotUTF8, the first that applies.
	Breach Violation
	Broken bool
}

// ParseClose reads the unmasked payload of a Close frame (RFC 6455, section
// 5.5.1): nothing, or a code of two bytes and a reason in UTF-8.
func ParseClose(payload []byte) CloseStatus {
	switch len(payload) {
	case 0:
		return CloseStatus{}
	case 1:
		// "If there is a body, the first two bytes of the body MUST be a
		// 2-byte unsigned integer".
		return CloseStatus{Breach: ClosePayloadOneByte, Broken: true}
	}
	s := CloseStatus{Code: binary.BigEndian.Uint16(payload), HasCode: true}
	reason := payload[2:]
	if utf8.Valid(reason) {
		s.Reason = string(reason)
	} else {
		s.Breach, s.Broken = CloseReasonNotUTF8, true
	}
	if !ValidCloseCode(s.Code) {
		s.Breach, s.Broken = CloseCodeInvalid, true
	}
	return s
}

// closeBreach names what is wrong with a Close payload, without allocating.
func closeBreach(payload []byte) (v Violation, broken bool) {
	switch {
	case len(payload) == 0:
		return 0, false
	case len(payload) == 1:
		return ClosePayloadOneByte, true
	case !ValidCloseCode(binary.BigEndian.Uint16(payload)):
		return CloseCodeInvalid, true
	case !utf8.Valid(payload[2:]):
		return CloseReasonNotUTF8, true
	}
	return 0, false
}

// ValidCloseCode reports whether a Close frame may carry the code. RFC 6455,
// section 7.4.2: 0-999 "are not used"; 1000-2999 are for the protocol itself,
// and of them the registry has 1000-1003 and 1007-1014 for the wire (1004 is
// reserved; 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close
// control frame"); 3000-4999 are for libraries and applications. Nothing is
// defined above.
func ValidCloseCode(code uint16) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return false
}
