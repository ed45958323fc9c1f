// Package h2 reads HTTP/2 (RFC 9113) from one direction of a byte stream, as
// an observer between the peers: it follows the frames, decodes header blocks
// (RFC 7541) and names what breaks the rules.
//
// Most callers need only Parser, one for each direction: Init it, Feed it the
// bytes as they come, in pieces of any size, and get header blocks, DATA
// payload without its padding, resets and settings through an Observer,
// synchronously, so that the caller knows which packet it is feeding. Nothing
// but one header block is ever held whole.
//
// What one side's SETTINGS say governs the other side's frames: hand them to
// the other direction's Parser with Obey.
//
// Probe tells whether a stream whose beginning was not captured is HTTP/2.
package h2

import (
	"strconv"
)

// Preface is what a client sends first: "The connection preface starts with
// the string 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'" (RFC 9113, section 3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Verdict answers whether bytes look like something.
type Verdict uint8

// No and Yes stay when more bytes come; Maybe needs more.
const (
	No Verdict = iota
	Maybe
	Yes
)

// Looks tells whether the first bytes of a client are the preface. Three bytes
// tell it from every HTTP/1 method that is in use but not from an invented
// one, so that only the whole preface is Yes.
func Looks(b []byte) Verdict {
	n := min(len(b), len(Preface))
	switch {
	case string(b[:n]) != Preface[:n]:
		return No
	case n < len(Preface):
		return Maybe
	}
	return Yes
}

// Type says what a frame is (RFC 9113, section 6).
type Type uint8

// The types that RFC 9113, RFC 7838, RFC 8336 and RFC 9218 define.
const (
	Data           Type = 0x0
	Headers        Type = 0x1
	Priority       Type = 0x2
	RSTStream      Type = 0x3
	Settings       Type = 0x4
	PushPromise    Type = 0x5
	Ping           Type = 0x6
	GoAway         Type = 0x7
	WindowUpdate   Type = 0x8
	Continuation   Type = 0x9
	AltSvc         Type = 0xa
	Origin         Type = 0xc
	PriorityUpdate Type = 0x10
)

var typeNames = [...]string{Data: "DATA", Headers: "HEADERS", Priority: "PRIORITY", RSTStream: "RST_STREAM", Settings: "SETTINGS",
	PushPromise: "PUSH_PROMISE", Ping: "PING", GoAway: "GOAWAY", WindowUpdate: "WINDOW_UPDATE", Continuation: "CONTINUATION",
	AltSvc: "ALTSVC", Origin: "ORIGIN", PriorityUpdate: "PRIORITY_UPDATE"}

// String gives the type's name in the RFC, or "frame type N".
func (t Type) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return "frame type " + strconv.Itoa(int(t))
}

// Flags of a frame; what a bit means depends on the type.
type Flags uint8

// The flags of RFC 9113.
const (
	Ack        Flags = 0x1 // SETTINGS, PING
	EndStream  Flags = 0x1 // DATA, HEADERS
	EndHeaders Flags = 0x4 // HEADERS, PUSH_PROMISE, CONTINUATION
	Padded     Flags = 0x8 // DATA, HEADERS, PUSH_PROMISE
	Weighted   Flags = 0x20
)

// Header is a frame header (RFC 9113, section 4.1).
type Header struct {
	Offset int64 // position in the direction's stream of the frame's first byte
	Length uint32
	Stream uint32
	Type   Type
	Flags  Flags
}

// HeaderLen is the length of a frame header.
const HeaderLen = 9

// Has tells whether all bits of f are set.
func (h *Header) Has(f Flags) bool { return h.Flags&f == f }

// EndsStream tells whether the frame is the sender's last on its stream; a
// header block may still be continued.
func (h *Header) EndsStream() bool {
	return (h.Type == Data || h.Type == Headers) && h.Has(EndStream)
}

// readHeader reads the nine bytes of a frame header.
func readHeader(b []byte, at int64) Header {
	return Header{
		Offset: at,
		Length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		Type:   Type(b[3]),
		Flags:  Flags(b[4]),
		Stream: be32(b[5:]) &^ reserved,
	}
}

// reserved is the bit before a stream identifier or an increment that "MUST be
// ignored when receiving".
const reserved = 1 << 31

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// ErrorCode is why a stream or a connection was ended (RFC 9113, section 7).
type ErrorCode uint32

// The error codes of RFC 9113.
const (
	NoError            ErrorCode = 0x0
	ProtocolError      ErrorCode = 0x1
	InternalError      ErrorCode = 0x2
	FlowControlError   ErrorCode = 0x3
	SettingsTimeout    ErrorCode = 0x4
	StreamClosed       ErrorCode = 0x5
	FrameSizeError     ErrorCode = 0x6
	RefusedStream      ErrorCode = 0x7
	Cancel             ErrorCode = 0x8
	CompressionError   ErrorCode = 0x9
	ConnectError       ErrorCode = 0xa
	EnhanceYourCalm    ErrorCode = 0xb
	InadequateSecurity ErrorCode = 0xc
	HTTP11Required     ErrorCode = 0xd
)

var errorNames = [...]string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY",
	"HTTP_1_1_REQUIRED"}

// String gives the code's name in the RFC, or "error code N".
func (c ErrorCode) String() string {
	if int64(c) < int64(len(errorNames)) {
		return errorNames[c]
	}
	return "error code " + strconv.FormatUint(uint64(c), 10)
}

// SettingID names a parameter (RFC 9113, section 6.5.2; RFC 8441, section 3).
type SettingID uint16

// The parameters that have a meaning here.
const (
	HeaderTableSize       SettingID = 0x1
	EnablePush            SettingID = 0x2
	MaxConcurrentStreams  SettingID = 0x3
	InitialWindowSize     SettingID = 0x4
	MaxFrameSize          SettingID = 0x5
	MaxHeaderListSize     SettingID = 0x6
	EnableConnectProtocol SettingID = 0x8
	NoRFC7540Priorities   SettingID = 0x9
)

var settingNames = [...]string{HeaderTableSize: "HEADER_TABLE_SIZE", EnablePush: "ENABLE_PUSH", MaxConcurrentStreams: "MAX_CONCURRENT_STREAMS",
	InitialWindowSize: "INITIAL_WINDOW_SIZE", MaxFrameSize: "MAX_FRAME_SIZE", MaxHeaderListSize: "MAX_HEADER_LIST_SIZE",
	EnableConnectProtocol: "ENABLE_CONNECT_PROTOCOL", NoRFC7540Priorities: "NO_RFC7540_PRIORITIES"}

// String gives the parameter's name, or "setting N".
func (s SettingID) String() string {
	if int(s) < len(settingNames) && settingNames[s] != "" {
		return settingNames[s]
	}
	return "setting " + strconv.Itoa(int(s))
}

// Setting is one parameter with its value.
type Setting struct {
	ID    SettingID
	Value uint32
}

// settingLen is the length of one parameter in a SETTINGS frame.
const settingLen = 6

// ParseSettings appends the parameters of a SETTINGS payload to list (also
// what the HTTP2-Settings field of RFC 7540 section 3.2.1 holds, decoded). An
// incomplete one at the end is left out.
func ParseSettings(list []Setting, payload []byte) []Setting {
	for ; len(payload) >= settingLen; payload = payload[settingLen:] {
		id := SettingID(uint16(payload[0])<<8 | uint16(payload[1]))
		list = append(list, Setting{ID: id, Value: be32(payload[2:])})
	}
	return list
}

// invalid tells whether RFC 9113 section 6.5.2 or RFC 8441 section 3 forbids
// the value.
func (s Setting) invalid() bool {
	switch s.ID {
	case EnablePush, EnableConnectProtocol:
		// "Any value other than 0 or 1 MUST be treated as a connection error"
		return s.Value > 1
	case InitialWindowSize:
		// "Values above the maximum flow-control window size of 2^31-1 MUST be treated as a connection error"
		return s.Value > maxWindow
	case MaxFrameSize:
		// "The value advertised by an endpoint MUST be between this initial value and the maximum allowed frame size"
		return s.Value < defaultFrame || s.Value > 1<<24-1
	}
	return false
}

// LooksServer tells whether the first bytes of a server are its SETTINGS: "The
// server connection preface consists of a potentially empty SETTINGS frame that
// MUST be the first frame the server sends" (RFC 9113, section 3.4).
func LooksServer(b []byte) Verdict {
	for i, c := range b[:min(len(b), HeaderLen)] {
		switch {
		case i == 2 && c%settingLen == 0, i == 3 && c == byte(Settings):
		case i == 2 || i == 3 || c != 0:
			return No
		}
	}
	if len(b) < HeaderLen {
		return Maybe
	}
	return Yes
}
