package tls

import "sync"

const (
	headerLength = 5
	alertLength  = 2
	// maxPlaintext is the limit of RFC 8446 section 5.1: "The length MUST NOT
	// exceed 2^14 bytes."
	maxPlaintext = 1 << 14
	// MaxRecord is the longest payload that is taken for one of a record: RFC
	// 5246 section 6.2.3 allows 2^14 + 2048. A longer one is no TLS.
	MaxRecord = maxPlaintext + 2048
	// smallBuffer is the size up to which a direction keeps its own buffer for
	// an incomplete record; a larger one comes from a pool and goes back.
	smallBuffer = 4096
)

// Record is one record. Its fragment belongs to the parser, or is part of the
// bytes it was fed, and is valid until the next call of Feed.
type Record struct {
	Type    ContentType
	Version Version
	// Length is the payload's length in bytes as the header says.
	Length int
	// Offset is where the record's header begins, counted in bytes from the
	// start of the stream; bytes missing in gaps of known length count.
	Offset int64
	// Fragment is the payload; nil when it was skipped or bytes are missing.
	Fragment []byte
	// Missing is the number of payload bytes lost in gaps.
	Missing int
	// Resync marks the first record found after a gap that swallowed a header:
	// its header is plausible, not certain.
	Resync bool
	// SSLv2 marks a ClientHello in the SSL 2.0 format; Fragment begins with the
	// message type.
	SSLv2 bool
	// Violation is RecordTooLong, EmptyRecord or NoViolation.
	Violation Violation
}

// EventKind says what Feed came upon.
type EventKind uint8

const (
	// NeedMore: all bytes are consumed, the next record is not complete.
	NeedMore EventKind = iota
	// RecordDone: Event.Record is complete.
	RecordDone
	// NotTLS: at Event.Record.Offset something begins that is no record. The
	// parser consumes and ignores the rest of the stream.
	NotTLS
)

// Event is what Feed came upon.
type Event struct {
	Kind   EventKind
	Record Record
}

type recordState uint8

const (
	inHeader recordState = iota
	inPayload
	hunting
	dead
)

// RecordParser splits the ordered bytes of one direction into records. The
// zero value is ready for the start of a stream. It buffers an incomplete
// record only, and not even that while SkipPayload is set.
type RecordParser struct {
	// SkipPayload makes records whose header comes after it was set pass by
	// without their payload: counted, never copied. Alert records of two bytes
	// keep theirs, for such an alert is not encrypted.
	SkipPayload bool
	// AllowSSLv2 takes a ClientHello in the SSL 2.0 format as first record.
	AllowSSLv2 bool

	state   recordState
	keep    bool
	resync  bool
	sslv2   bool
	have    uint8 // bytes of header that are filled
	header  [headerLength]byte
	typ     ContentType
	version Version
	length  int32
	rest    int32 // payload bytes still to come
	missing int32
	start   int64
	offset  int64
	buf     []byte
	small   []byte // what buf is otherwise, while it is pooled
	pooled  *[MaxRecord]byte
}

var recordBuffers = sync.Pool{New: func() any { return new([MaxRecord]byte) }}

// Offset is the place in the stream of the next byte to be fed.
func (p *RecordParser) Offset() int64 { return p.offset }

// Dead tells whether the stream turned out to be something else than TLS.
func (p *RecordParser) Dead() bool { return p.state == dead }

// Pending is how much of an incomplete record has been seen: the header's
// bytes, then the payload's, and the payload's whole length once the header
// is known (-1 before).
func (p *RecordParser) Pending() (header, payload, length int) {
	if p.state == inPayload {
		return headerLength, int(p.length - p.rest), int(p.length)
	}
	return int(p.have), 0, -1
}

// Release gives up the buffer. The record that is incomplete, if any, will
// come without its fragment.
func (p *RecordParser) Release() {
	p.keep = false
	p.unpool()
	p.buf = nil
}

func (p *RecordParser) unpool() {
	if p.pooled != nil {
		recordBuffers.Put(p.pooled)
		p.pooled = nil
		p.buf, p.small = p.small, nil
	}
}

// Pass is a short cut for bytes that lie amid a payload: it consumes all of b
// and returns true, or nothing and false.
func (p *RecordParser) Pass(b []byte) bool {
	if p.state != inPayload || int(p.rest) <= len(b) {
		return false
	}
	if p.keep {
		p.store(b)
	}
	p.rest -= int32(len(b))
	p.offset += int64(len(b))
	return true
}

// PassData is a short cut for a record of application_data whose payload is
// skipped and which ends in b. It consumes the record's n bytes, or nothing
// when ok is false; length is that of its payload. Feed does the same with
// more to say.
func (p *RecordParser) PassData(b []byte) (n, length int, ok bool) {
	if p.state == inPayload {
		n = int(p.rest)
		if n > len(b) || p.keep || p.resync || p.missing != 0 || p.typ != ApplicationData {
			return 0, 0, false
		}
		p.offset += int64(n)
		p.rest, p.state = 0, inHeader
		return n, int(p.length), true
	}
	if p.state != inHeader || p.have != 0 || !p.SkipPayload || p.resync || len(b) < headerLength ||
		b[0] != byte(ApplicationData) || !plausible(b) {
		return 0, 0, false
	}
	length = int(b[3])<<8 | int(b[4])
	if n = headerLength + length; n > len(b) {
		return 0, 0, false
	}
	p.version = Version(b[1])<<8 | Version(b[2])
	p.offset += int64(n)
	return n, length, true
}

// WholeData is a short cut for a record of application_data that lies in b
// from its header to its end. It consumes the record's n bytes, or nothing when
// ok is false. Feed does the same with more to say.
func (p *RecordParser) WholeData(b []byte) (n int, ok bool) {
	if p.state != inHeader || p.have != 0 || p.SkipPayload || p.resync || len(b) < headerLength ||
		b[0] != byte(ApplicationData) || !plausible(b) {
		return 0, false
	}
	if n = headerLength + (int(b[3])<<8 | int(b[4])); n > len(b) {
		return 0, false
	}
	if p.pooled != nil {
		p.unpool()
	}
	p.version = Version(b[1])<<8 | Version(b[2])
	p.offset += int64(n)
	return n, true
}

// Feed takes the next bytes of the stream up to the end of one record. It
// returns how many it consumed; call it again with the rest until it answers
// NeedMore. It keeps no reference to b beyond the event it returns.
func (p *RecordParser) Feed(b []byte) (n int, ev Event) {
	if p.state == inPayload {
		return p.payload(b, 0)
	}
	if p.pooled != nil {
		p.unpool()
	}
	switch p.state {
	case dead:
		p.offset += int64(len(b))
		return len(b), Event{}
	case hunting:
		n = p.hunt(b)
		if p.state == hunting {
			return n, Event{}
		}
		return p.payload(b[n:], n)
	}
	if p.have == 0 && len(b) >= headerLength && plausible(b) {
		p.start = p.offset
		p.begin(b)
		p.offset += headerLength
		return p.payload(b[headerLength:], headerLength)
	}
	return p.slowHeader(b)
}

// slowHeader collects a header that came in pieces, and judges one that is
// not plausible.
func (p *RecordParser) slowHeader(b []byte) (n int, ev Event) {
	if p.have == 0 {
		p.start = p.offset
	}
	n = copy(p.header[p.have:], b)
	p.have += uint8(n)
	p.offset += int64(n)
	ssl2 := p.AllowSSLv2 && p.start == 0 && p.header[0]&0x80 != 0
	if p.have < headerLength {
		// A first byte that begins no record is known at once.
		if p.have > 0 && !validType(p.header[0]) && !ssl2 {
			return p.notTLS(b, n)
		}
		return n, Event{}
	}
	switch {
	case plausible(p.header[:]):
		p.begin(p.header[:])
	case ssl2 && plausibleSSLv2(p.header[:]):
		p.beginSSLv2()
	default:
		return p.notTLS(b, n)
	}
	return p.payload(b[n:], n)
}

// plausibleSSLv2: a ClientHello in the format of SSL 2.0, which old clients sent
// to servers of any version, begins with a length of two bytes with the top bit
// set, the type 1 and the version (RFC 5246, appendix E.2).
func plausibleSSLv2(h []byte) bool {
	v := Version(h[3])<<8 | Version(h[4])
	return h[2] == 1 && (v == SSL20 || v >= SSL30 && v <= TLS12)
}

// notTLS gives the stream up, or, after a record that was only guessed at,
// goes back to looking for one.
func (p *RecordParser) notTLS(b []byte, n int) (int, Event) {
	if p.resync {
		p.state, p.resync = hunting, true
		m, ev := p.Feed(b[n:])
		return n + m, ev
	}
	p.state = dead
	p.Release()
	p.offset += int64(len(b) - n)
	return len(b), Event{Kind: NotTLS, Record: Record{Offset: p.start, Violation: NotTLSRecord}}
}

// begin takes a whole header.
func (p *RecordParser) begin(h []byte) {
	p.typ = ContentType(h[0])
	p.version = Version(h[1])<<8 | Version(h[2])
	p.length = int32(h[3])<<8 | int32(h[4])
	p.rest, p.missing, p.have = p.length, 0, 0
	p.keep = !p.SkipPayload || p.typ == AlertRecord && p.length == alertLength
	p.buf = p.buf[:0]
	p.state = inPayload
}

func (p *RecordParser) beginSSLv2() {
	p.typ, p.version = Handshake, Version(p.header[3])<<8|Version(p.header[4])
	p.length = int32(p.header[0]&0x7f)<<8 | int32(p.header[1])
	p.rest, p.missing, p.have = max(p.length-3, 0), 0, 0
	p.keep, p.sslv2 = true, true
	p.buf = append(p.buf[:0], p.header[2:]...)
	p.state = inPayload
}

// payload consumes from b, of which before bytes of the caller's slice were
// consumed already.
func (p *RecordParser) payload(b []byte, before int) (int, Event) {
	if int(p.rest) > len(b) {
		if p.keep {
			p.store(b)
		}
		p.rest -= int32(len(b))
		p.offset += int64(len(b))
		return before + len(b), Event{}
	}
	n := int(p.rest)
	ev := Event{Kind: RecordDone, Record: Record{
		Type: p.typ, Version: p.version, Length: int(p.length), Offset: p.start,
		Missing: int(p.missing), Resync: p.resync, SSLv2: p.sslv2,
	}}
	if p.keep {
		ev.Record.Fragment = p.fragment(b[:n])
	}
	if p.length == 0 || p.length > maxPlaintext {
		ev.Record.Violation = p.lengthViolation()
	}
	p.offset += int64(n)
	p.rest, p.state, p.resync, p.sslv2 = 0, inHeader, false, false
	return before + n, ev
}

// fragment joins what is buffered with the rest of the payload.
func (p *RecordParser) fragment(rest []byte) []byte {
	if len(p.buf) == 0 {
		if rest == nil {
			return []byte{}
		}
		return rest
	}
	p.store(rest)
	return p.buf
}

func (p *RecordParser) lengthViolation() Violation {
	switch {
	case p.length == 0 && p.typ != ApplicationData:
		return EmptyRecord
	case p.length > maxPlaintext && p.typ != ApplicationData && p.typ != Handshake && p.typ != AlertRecord:
		return RecordTooLong
	}
	return NoViolation
}

// store buffers part of a payload. The buffer grows with what has come, not
// with what the header claims.
func (p *RecordParser) store(b []byte) {
	need := len(p.buf) + len(b)
	switch {
	case need <= cap(p.buf):
	case need <= smallBuffer && (p.length <= smallBuffer || need < 1024):
		grown := make([]byte, len(p.buf), min(smallBuffer, max(512, 2*need)))
		copy(grown, p.buf)
		p.buf = grown
	default:
		p.pooled = recordBuffers.Get().(*[MaxRecord]byte)
		p.small = p.buf[:0]
		p.buf = p.pooled[:copy(p.pooled[:], p.buf)]
	}
	p.buf = append(p.buf, b...)
}

func validType(t byte) bool { return t >= byte(ChangeCipherSpec) && t <= byte(Heartbeat) }

// plausible tells whether h, at least five bytes, is a header of SSL 3.0 or
// later.
func plausible(h []byte) bool {
	_ = h[4]
	return validType(h[0]) && h[1] == 3 && h[2] <= 4 && int(h[3])<<8|int(h[4]) <= MaxRecord
}
