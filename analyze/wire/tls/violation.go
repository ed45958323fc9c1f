package tls

import "fmt"

// Violation names what breaks a rule of the protocol. Parsing goes on after
// it unless the constant says otherwise.
type Violation uint8

const (
	NoViolation Violation = iota
	// NotTLSRecord: the bytes where a record should begin are none. Nothing
	// after them in this direction is parsed.
	NotTLSRecord
	// RecordTooLong: a record above the limit of its version (RFC 8446
	// section 5.2, RFC 5246 section 6.2.3) which the parser still took.
	RecordTooLong
	// EmptyRecord: a zero-length fragment of a type other than
	// application_data (RFC 8446 section 5.1).
	EmptyRecord
	// HandshakeInterleaved: a record of another type in the middle of a
	// handshake message. RFC 8446 section 5.1: "Handshake messages MUST NOT
	// be interleaved with other record types."
	HandshakeInterleaved
	// HandshakeTooLong: a handshake message above MaxHandshakeMessage; its
	// body is skipped.
	HandshakeTooLong
	// BadAlert: a plaintext alert record that holds no alert.
	BadAlert
	// BadChangeCipherSpec: a change_cipher_spec record that is not the single
	// byte 1.
	BadChangeCipherSpec
	// BadMessage: a handshake message that does not parse.
	BadMessage
	// UnexpectedPlaintext: a plaintext application_data record before any
	// keys could have been agreed upon.
	UnexpectedPlaintext
	// BadPadding: a decrypted TLS 1.3 record without a content type.
	BadPadding
)

var violationNames = [...]string{
	"none", "not-tls-record", "record-too-long", "empty-record", "handshake-interleaved", "handshake-too-long",
	"bad-alert", "bad-change-cipher-spec", "bad-message", "unexpected-plaintext", "bad-padding",
}

func (v Violation) String() string {
	if int(v) < len(violationNames) {
		return violationNames[v]
	}
	return fmt.Sprintf("violation(%d)", uint8(v))
}
