// Package ws reads WebSocket frames (RFC 6455) and the messages in them,
// compressed ones too (RFC 7692), from one direction of a byte stream.
//
// Most callers need only Parser: Init it when the connection has opened, Feed
// it the bytes of one direction as they come, in pieces of any size, and get
// frames, control payloads, whole messages and violations through an Observer,
// synchronously, so that the caller knows which packet it is feeding. Nothing
// is ever held whole: payloads are counted, checked and let go.
//
// Probe tells whether a stream whose handshake was not captured is a
// WebSocket at all.
package ws

import "strconv"

// Opcode says what a frame is (RFC 6455, section 5.2).
type Opcode uint8

// The opcodes that RFC 6455 defines; all others are reserved.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// String gives the opcode's name, or "opcode N" for a reserved one.
func (o Opcode) String() string {
	switch o {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return "opcode " + strconv.Itoa(int(o))
}

// IsControl reports whether the opcode has its top bit set: "Control frames
// are identified by opcodes where the most significant bit of the opcode is 1"
// (RFC 6455, section 5.5).
func (o Opcode) IsControl() bool { return o&0x8 != 0 }

// IsReserved reports whether RFC 6455 leaves the opcode undefined.
func (o Opcode) IsReserved() bool { return o > Pong || o > Binary && o < Close }

// The reserved bits of Header.RSV.
const (
	RSV1 uint8 = 4 // "Per-Message Compressed" (RFC 7692, section 6)
	RSV2 uint8 = 2
	RSV3 uint8 = 1
)

// Header is a frame header.
type Header struct {
	Offset int64  // position in the direction's stream of the frame's first byte
	Length uint64 // of the payload, as sent
	Key    [4]byte
	Masked bool
	Fin    bool
	RSV    uint8 // RSV1, RSV2, RSV3
	Opcode Opcode
	Size   uint8 // of the header itself: 2 to 14 bytes
}

// Message is a data message, complete when the Observer gets it.
type Message struct {
	Offset int64  // of its first frame
	Wire   uint64 // payload bytes as sent, over all frames
	Size   uint64 // payload bytes for the application: after inflating, else Wire
	Frames uint32
	Opcode Opcode // Text or Binary; Continuation if its beginning was not captured

	Compressed bool // it came with RSV1 under permessage-deflate
	Damaged    bool // bytes of it are missing in the capture: contents not judged
	Unchecked  bool // its contents could not be checked: the beginning, the compression's history or the meaning of an extension is unknown
	Uninflated bool // compressed, and not inflated to its end (corrupt, damaged, or a limit): Size is Wire
}

// Observer gets what a Parser sees. The pointers and slices are valid only
// during the call. It must not feed another Parser that shares the Inflaters.
type Observer interface {
	// Frame gets every header when it is complete; payload may still follow.
	Frame(p *Parser, h *Header)
	// Message gets a data message when its last byte has been fed.
	Message(p *Parser, m *Message)
	// Control gets a complete Ping, Pong or Close with its payload, unmasked.
	// Of an oversized one it is the first 125 bytes; a payload shorter than
	// that and than h.Length has lost its rest to a gap in the capture.
	Control(p *Parser, h *Header, payload []byte)
	// Violation gets each breach of RFC 6455 or RFC 7692 with its position in
	// the stream; h is the frame in which it was noticed.
	Violation(p *Parser, v Violation, at int64, h *Header)
}

// MaxControlPayload is the longest payload of a control frame: "All control
// frames MUST have a payload length of 125 bytes or less" (RFC 6455, section
// 5.5). No more than this is kept of one.
const MaxControlPayload = 125

// Violation is a way of breaking RFC 6455 or RFC 7692.
type Violation uint8

// The violations. None of them but LengthTopBit stops the parser.
const (
	UnmaskedClientFrame Violation = iota // 5.1: "a client MUST mask all frames that it sends"
	MaskedServerFrame                    // 5.1: "A server MUST NOT mask any frames that it sends"
	ReservedBits                         // 5.2: RSV1-3 "MUST be 0 unless an extension is negotiated"
	ReservedOpcode                       // 5.2
	FragmentedControl                    // 5.5: control frames "MUST NOT be fragmented"
	OversizedControl                     // 5.5: payload over 125 bytes
	OrphanContinuation                   // 5.4: a continuation with no message to continue
	InterruptedMessage                   // 5.4: a new message inside an unfinished one
	InvalidUTF8                          // 8.1: a text message that is not UTF-8
	LengthNotMinimal                     // 5.2: "the minimal number of bytes MUST be used"
	LengthTopBit                         // 5.2: 64-bit length whose "most significant bit MUST be 0"; the parser is Dead after it
	BadDeflate                           // RFC 7692, 7.2.2: a compressed message that does not inflate
	DataAfterClose                       // 5.5.1: no data frames after a Close frame
	ClosePayloadOneByte                  // 5.5.1: the first two bytes are the code
	CloseReasonNotUTF8                   // 5.5.1
	CloseCodeInvalid                     // 7.4: a code that must not be on the wire

	NumViolations = int(CloseCodeInvalid) + 1
)

var violationNames = [NumViolations]string{
	"unmasked client frame",
	"masked server frame",
	"reserved bits set",
	"reserved opcode",
	"fragmented control frame",
	"oversized control frame",
	"continuation without a start",
	"new message inside an unfinished one",
	"invalid UTF-8",
	"length not in its shortest form",
	"length with its top bit set",
	"message does not inflate",
	"data after Close",
	"Close payload of one byte",
	"Close reason not UTF-8",
	"invalid Close code",
}

// String gives the violation in words.
func (v Violation) String() string {
	if int(v) < NumViolations {
		return violationNames[v]
	}
	return "violation " + strconv.Itoa(int(v))
}

// Violations is a set of them.
type Violations uint32

// Has reports whether the set holds v.
func (s Violations) Has(v Violation) bool { return s&(1<<v) != 0 }
