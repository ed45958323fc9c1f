package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

// attempt is one WebSocket in the making.
type attempt struct {
	by        record.RecognizedBy
	scheme    string
	transport string
	preceding int

	// The heads as on the wire, with where their pieces were seen: kept raw,
	// for a healthy connection's are looked at only once.
	request, response       string
	requestAt, responseAt   []piece
	at                      [2]piece // their memory, for a head in one packet
	requestCut, responseCut bool
	requestLost             bool // what is missing of the request's head is the capture's loss
	responseLost            bool
	interim                 int
	body                    []byte
	bodyAt                  record.Ref
	notHTTP                 []byte
	notHTTPAt               record.Ref
	tlsAnswer               bool
	early                   int
	earlyAt                 record.Ref
	answered                bool // the first byte of an answer was seen
	attempts                int  // Upgrade requests before this one on the connection

	ws  *wsLayer
	tls *tlsLayer // that it lies in
	h2  *h2Stream // nil: not over HTTP/2
	// failed: the TLS handshake did not complete; opaque: it did, and nothing
	// inside could be read.
	failed, opaque bool
}

// piece says in which packet the bytes from an offset on were seen.
type piece struct {
	offset int64
	at     record.Ref
}

// maxBody is how much is kept of a refusal's body.
const maxBody = 512

// pieceAt is the packet that holds the byte at offset.
func pieceAt(pieces []piece, offset int64) record.Ref {
	var at record.Ref
	for _, p := range pieces {
		if p.offset > offset && at.Seen() {
			break
		}
		at = p.at
	}
	return at
}

func first(pieces []piece) (r record.Ref) {
	if len(pieces) > 0 {
		r = pieces[0].at
	}
	return r
}

func final(pieces []piece) (r record.Ref) {
	if len(pieces) > 0 {
		r = pieces[len(pieces)-1].at
	}
	return r
}

// frameEvent is one frame of the story, packed: there may be hundreds of
// thousands of WebSockets open.
type frameEvent struct {
	time   record.Time
	packet int64
	length uint32 // 4 GiB and more are shown as that
	file   int16
	dir    record.Dir
	opcode ws.Opcode
}

func (e *frameEvent) at() record.Ref {
	return record.Ref{Packet: e.packet, Time: e.time, File: int32(e.file)}
}
