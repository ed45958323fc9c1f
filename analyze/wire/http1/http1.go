// Package http1 parses HTTP/1.x as an observer of a connection sees it
// (RFC 9110, RFC 9112): tolerant, incremental, one [Parser] for each direction.
//
// Most callers need only [Looks], [Parser.Feed], [Parser.SetBody] and, where
// [Parser.Trace] says that a message has to do with WebSocket, [Parser.Head].
// What a recipient would reject is kept as it stands and named by a
// [Violation]; parsing goes on. The helpers for the opening handshake
// (RFC 6455 section 4, RFC 7692) are plain functions: [AcceptFor], [HasTrace],
// [ParseExtensions], [ParseDeflate].
//
// The loop of a caller:
//
//	for {
//		n, ev := p.Feed(b)
//		b = b[n:]
//		switch ev {
//		case http1.HeadDone:
//			p.SetBody(p.RequestBody()) // or p.ResponseBody(method)
//		case http1.More, http1.NotHTTP:
//			return
//		}
//	}
//
// Values are bytes as they came: they need not be valid UTF-8.
package http1

import "fmt"

// Kind is the direction that a Parser reads.
type Kind uint8

const (
	Request  Kind = iota // from the client: request lines
	Response             // from the server: status lines
)

// String returns "request" or "response".
func (k Kind) String() string {
	switch k {
	case Request:
		return "request"
	case Response:
		return "response"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Event is what [Parser.Feed] or [Parser.End] found.
type Event uint8

const (
	// More: all bytes were taken and nothing is finished.
	More Event = iota
	// HeadDone: a head is complete. Head, Trace, StatusCode and the like
	// speak of it until the next Feed; SetBody must say what follows.
	HeadDone
	// BodyData: bytes of a body were taken; Parser.Body has them.
	BodyData
	// MessageDone: the body, if any, is complete; a head may follow.
	MessageDone
	// NotHTTP: the bytes where a head must start are no head. It sticks until
	// Init; the bytes are Parser.Held followed by what Feed did not take.
	NotHTTP
	// BadBody: the chunked coding is broken. The parser looks for the next
	// start line, as after a gap.
	BadBody
	// CutShort: the connection ended within a message. Parser.InHead tells
	// whether within its head.
	CutShort
)

var eventNames = [...]string{"more", "head-done", "body-data", "message-done", "not-http", "bad-body", "cut-short"}

// String names the event for messages and tests.
func (e Event) String() string {
	if int(e) < len(eventNames) {
		return eventNames[e]
	}
	return fmt.Sprintf("event %d", uint8(e))
}

// BodyKind is how a body is delimited (RFC 9112 section 6).
type BodyKind uint8

const (
	NoBody     BodyKind = iota // the message ends with its head
	Counted                    // by Content-Length
	Chunked                    // by the chunked transfer coding
	UntilClose                 // by the end of the connection
)

var bodyNames = [...]string{"none", "counted", "chunked", "until-close"}

// String names the kind for messages and tests.
func (k BodyKind) String() string {
	if int(k) < len(bodyNames) {
		return bodyNames[k]
	}
	return fmt.Sprintf("body kind %d", uint8(k))
}

// Limits. Reaching MaxHead or MaxFields sets Head.Truncated; the end of the
// head is still found. Reaching MaxViolations counts in Head.MoreViolations.
const (
	// MaxHead is how many bytes of one head are kept and parsed. Servers
	// accept 8 KiB to 64 KiB.
	MaxHead = 128 << 10
	// MaxFields is how many header fields of one head are parsed.
	MaxFields = 4096
	// MaxViolations is how many violations of one head are listed.
	MaxViolations = 32
	// keptBuffer is the largest buffer of a split head that a Parser keeps
	// for the next one.
	keptBuffer = 2 << 10
)
