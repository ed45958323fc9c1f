package h2

import "strconv"

// Violation is a way of breaking RFC 9113 or RFC 7541.
type Violation uint8

// The violations. Only BadPreface and NotHTTP2 stop the parser.
const (
	BadPreface           Violation = iota // 3.4: "Clients and servers MUST treat an invalid connection preface as a connection error"
	NotHTTP2                              // a server's first bytes are no frame
	FirstNotSettings                      // 3.4: "the server connection preface consists of a potentially empty SETTINGS frame that MUST be the first frame"
	FrameTooLarge                         // 4.2: "An endpoint MUST send an error code of FRAME_SIZE_ERROR if a frame exceeds the size defined in SETTINGS_MAX_FRAME_SIZE"
	BadLength                             // 4.2: "... or is too small to contain mandatory frame data"
	StreamMissing                         // 6.1 and others: "MUST be associated with a stream"
	StreamUnexpected                      // 6.5 and others: "The stream identifier for a SETTINGS frame MUST be zero"
	BadPadding                            // 6.1: "If the length of the padding is the length of the frame payload or greater, the recipient MUST treat this as a connection error"
	ContinuationExpected                  // 6.10: "A receiver MUST treat the receipt of any other type of frame or a frame on a different stream as a connection error"
	ContinuationAlone                     // 6.10: "A CONTINUATION frame MUST be preceded by a HEADERS, PUSH_PROMISE or CONTINUATION frame without the END_HEADERS flag set"
	BadSetting                            // 6.5.2: a value that is not allowed
	AckWithPayload                        // 6.5: "Receipt of a SETTINGS frame with the ACK flag set and a length field value other than 0 MUST be treated as a connection error"
	ZeroIncrement                         // 6.9: "A receiver MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window increment of 0 as a stream error"
	PseudoAfterRegular                    // 8.3: "All pseudo-header fields MUST appear in a field block before all regular field lines"
	DuplicatePseudo                       // 8.3: "The same pseudo-header field name MUST NOT appear more than once in a field block"
	UppercaseName                         // 8.2.1: "A field name MUST NOT contain characters in the ranges 0x00-0x20, 0x41-0x5a, or 0x7f-0xff"
	BlockCutShort                         // RFC 7541: a header block ends inside a field
	InvalidInteger                        // RFC 7541, 5.1: "Integer encodings that exceed implementation limits [...] MUST be treated as decoding errors"
	InvalidIndex                          // RFC 7541, 2.3.3: "Indices strictly greater than the sum of the lengths of both tables MUST be treated as a decoding error"
	InvalidHuffman                        // RFC 7541, 5.2
	InvalidTableSize                      // RFC 7541, 6.3: "The new maximum size MUST be lower than or equal to the limit determined by the protocol"

	violations
)

var violationNames = [violations]string{"connection preface is wrong", "first bytes are no HTTP/2", "first frame is not SETTINGS",
	"frame exceeds SETTINGS_MAX_FRAME_SIZE", "frame has a wrong length", "frame lacks its stream", "frame of the connection names a stream",
	"padding is as long as the frame", "header block is interrupted", "CONTINUATION without a header block", "setting has a forbidden value",
	"SETTINGS acknowledgement has a payload", "WINDOW_UPDATE increments by 0", "pseudo-header field after a regular one",
	"pseudo-header field appears twice", "field name has a forbidden character", "header block ends inside a field",
	"HPACK integer is too large", "HPACK index is in no table", "HPACK string is no Huffman code", "HPACK table size exceeds the limit"}

// String says what is wrong, in a few words.
func (v Violation) String() string {
	if v < violations {
		return violationNames[v]
	}
	return "violation " + strconv.Itoa(int(v))
}
