package track

import (
	"iter"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

// attempt is one WebSocket in the making.
type attempt struct {
	// The heads as they were kept, with where they were seen: a healthy
	// connection's are looked at only once.
	request, response       keptHead
	requestAt, responseAt   mark // the first packet of each; of several see further
	ws                      *wsLayer
	tls                     *tlsLayer // that it lies in
	h2                      *h2Stream // nil: not over HTTP/2
	further                 *further  // nil: there is none of it
	preceding, attempts     int32     // requests, and Upgrade requests, before this one on the connection
	interim                 uint32    // answers
	by                      sign
	scheme                  scheme
	transport               transport
	requestCut, responseCut bool
	requestLost             bool // what is missing of the request's head is the capture's loss
	responseLost            bool
	answered                bool // the first byte of an answer was seen
	// failed: the TLS handshake did not complete; opaque: it did, and nothing
	// inside could be read.
	failed, opaque bool
}

// further is what attempts have that were refused, or whose client did not wait.
type further struct {
	// Where the pieces of the heads were seen; nil unless there are several.
	requestAt, responseAt *[]piece
	body                  []byte
	bodyAt                record.Ref
	notHTTP               []byte
	notHTTPAt             record.Ref
	tlsAnswer             bool
	early                 int
	earlyAt               record.Ref
}

// more gives the place for what few attempts have.
func (a *attempt) more(t *Tracker) *further {
	if a.further == nil {
		a.further = t.pool.further.get()
	}
	return a.further
}

// keepBody keeps the beginning of a refusal's body.
func (x *further) keepBody(at record.Ref, b []byte) {
	if len(x.body) == 0 {
		x.bodyAt = at
	}
	x.body = append(x.body, b[:min(len(b), maxBody-len(x.body))]...)
}

// keepEarly counts what came before the answer.
func (x *further) keepEarly(at record.Ref, n int) {
	if x.early == 0 {
		x.earlyAt = at
	}
	x.early += n
}

// sign is a record.RecognizedBy, scheme and transport what record.Connection
// has of those names, in one byte.
type (
	sign      uint8
	scheme    uint8
	transport uint8
)

const (
	byNothing sign = iota
	byUpgrade
	byExtendedConnect
	byFrames
	byTLSFingerprint
)

var signs = [...]record.RecognizedBy{record.ByNothing, record.ByUpgrade, record.ByExtendedConnect, record.ByFrames, record.ByTLSFingerprint}

const (
	schemeWS scheme = iota + 1
	schemeWSS
)

var schemes = [...]string{"", "ws", "wss"}

const (
	overHTTP1 transport = iota + 1
	overHTTP2
)

var transports = [...]string{"", "http/1.1", "h2"}

// asks and answers keep where the request's and the response's head was seen.
func (a *attempt) asks(t *Tracker, s seenAt) {
	a.requestAt = s.one
	if x := a.further; x != nil || s.pieces != nil {
		a.more(t).requestAt = s.pieces
	}
}

func (a *attempt) answers(t *Tracker, s seenAt) {
	a.responseAt = s.one
	if x := a.further; x != nil || s.pieces != nil {
		a.more(t).responseAt = s.pieces
	}
}

func (a *attempt) requestSeen() seenAt {
	s := seenAt{one: a.requestAt}
	if a.further != nil {
		s.pieces = a.further.requestAt
	}
	return s
}

func (a *attempt) responseSeen() seenAt {
	s := seenAt{one: a.responseAt}
	if a.further != nil {
		s.pieces = a.further.responseAt
	}
	return s
}

// seenAt says where the pieces of a head were seen: mostly all in one packet.
type seenAt struct {
	one    mark
	pieces *[]piece // nil unless there are several
}

func seenIn(pieces []piece) (s seenAt) {
	if len(pieces) > 0 {
		s.one = markOf(pieces[0].at)
	}
	if len(pieces) > 1 {
		s.pieces = &pieces
	}
	return s
}

func (s seenAt) last() record.Ref {
	if s.pieces != nil {
		return final(*s.pieces)
	}
	return s.one.ref()
}

// piece says in which packet the bytes from an offset on were seen.
type piece struct {
	offset int64
	at     record.Ref
}

// perPacket gives what each packet holds of b, which they brought together.
func perPacket(b []byte, pieces []piece) iter.Seq2[record.Ref, []byte] {
	return func(yield func(record.Ref, []byte) bool) {
		for i, p := range pieces {
			end := int64(len(b))
			if i+1 < len(pieces) {
				end = pieces[i+1].offset
			}
			if !yield(p.at, b[p.offset:end]) {
				return
			}
		}
	}
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
	for i := range pieces {
		if !pieces[i].at.Before(r) { // segments may have changed places on the way
			r = pieces[i].at
		}
	}
	return r
}

// frameEvent is one frame of the story, packed: there may be hundreds of
// thousands of WebSockets open.
type frameEvent struct {
	time   [2]uint32 // the lower half first
	where  [2]uint32 // packet, file, opcode and direction: 40, 16, 4 and 1 bits from the lowest on
	length uint32    // 4 GiB and more are shown as that
}

func (e *frameEvent) set(at *record.Ref, dir record.Dir, opcode ws.Opcode, length uint64) {
	where := uint64(at.Packet)&(1<<40-1) | uint64(uint16(at.File))<<40 | uint64(opcode)<<56 | uint64(dir)<<60
	e.time[0], e.time[1] = uint32(at.Time), uint32(uint64(at.Time)>>32)
	e.where[0], e.where[1] = uint32(where), uint32(where>>32)
	e.length = uint32(min(length, 1<<32-1))
}

func (e *frameEvent) at() record.Ref {
	return record.Ref{Packet: int64(e.where[0]) | int64(e.where[1]&0xff)<<32, Time: record.Time(e.time[0]) | record.Time(e.time[1])<<32,
		File: int32(int16(e.where[1] >> 8))}
}

func (e *frameEvent) size() string {
	if e.length == 1<<32-1 {
		return "4 GiB or more"
	}
	return record.Bytes(e.length)
}

func (e *frameEvent) dir() record.Dir { return record.Dir(e.where[1] >> 28) }

func (e *frameEvent) opcode() ws.Opcode { return ws.Opcode(e.where[1] >> 24 & 0xf) }
