package http1

// state is where a Parser stands in its direction of the stream.
type state uint8

const (
	inHead     state = iota // before or within a head
	headDone                // SetBody is due
	inBody                  // left bytes of a counted body
	inStream                // a body until close
	chunkSize               // within the hexadecimal digits of a chunk's size
	chunkExt                // behind the size, up to the end of its line
	chunkData               // left bytes of a chunk
	chunkEnd                // the line end behind a chunk's data
	trailer                 // trailer fields
	bodyDone                // MessageDone is due
	notHTTP                 // sticky
	seeking                 // behind a gap: looking for a start line
	chunkWrong              // BadBody is due
)

// Parser follows one direction of an HTTP/1.x connection. The zero value reads
// requests; Init chooses. It keeps bytes only while a head is split over
// several feeds, at most MaxHead of them.
type Parser struct {
	view    []byte // the complete head or the body bytes of the last event
	buf     []byte // a head that is split over feeds
	head    *Head  // built by Head, for the last HeadDone
	left    int64  // bytes left of a counted body or a chunk
	offset  int64  // stream offset of the next byte
	start   int64  // stream offset of the head's start line
	blank   int64  // stream offset of the first empty line before it
	skipped int64  // bytes of the head beyond MaxHead
	framing framing
	line    int32 // where the current line of the head starts in buf
	kind    Kind
	state   state
	digits  uint8 // of a chunk's size
	tail    uint8 // of a line whose bytes are not kept: see measureLine
	started bool  // the start line is complete
	blanks  bool  // an empty line preceded the start line
	resync  bool  // the head being read was found by seeking
}

// Init makes p read a new stream of kind k from offset 0. A buffer is kept.
func (p *Parser) Init(k Kind) {
	*p = Parser{kind: k, buf: p.buf[:0]}
}

// Kind tells which direction p reads.
func (p *Parser) Kind() Kind { return p.kind }

// Offset is the stream offset of the next byte to be fed.
func (p *Parser) Offset() int64 { return p.offset }

// Feed takes bytes from the front of b and tells how many, and what they
// completed. Call it with the rest until it returns More, which means that all
// were taken, or NotHTTP. An empty b is fine: MessageDone may be due. Bytes of
// b are referred to until the next call only.
func (p *Parser) Feed(b []byte) (n int, ev Event) {
	if p.state == headDone {
		p.defaultBody()
	}
	p.view, p.head = nil, nil
	if p.state != inHead {
		p.dropBuffer()
	}
	n, ev = p.feed(b)
	return n, ev
}

func (p *Parser) feed(b []byte) (total int, ev Event) {
	for {
		n, ev := p.step(b)
		b = b[n:]
		p.offset += int64(n)
		total += n
		if ev != More || (len(b) == 0 && !p.due()) {
			return total, ev
		}
	}
}

// due tells that an event waits that needs no bytes.
func (p *Parser) due() bool { return p.state == bodyDone || p.state == chunkWrong }

// step goes on in the current state. With More it took all of b or changed the
// state.
func (p *Parser) step(b []byte) (int, Event) {
	switch p.state {
	case inHead:
		return p.feedHead(b)
	case inBody, inStream, chunkData:
		return p.feedData(b)
	case chunkSize, chunkExt, chunkEnd, trailer:
		return p.feedChunk(b)
	case bodyDone:
		p.beginHead(false)
		return 0, MessageDone
	case chunkWrong:
		p.state = seeking
		return 0, BadBody
	case seeking:
		return p.feedSeek(b)
	}
	return 0, NotHTTP
}

// beginHead starts afresh before a start line.
func (p *Parser) beginHead(resync bool) {
	p.state, p.started, p.blanks, p.resync = inHead, false, false, resync
	p.line, p.skipped, p.tail = 0, 0, 0
	p.framing = framing{}
	p.dropBuffer()
}

func (p *Parser) dropBuffer() {
	if cap(p.buf) > keptBuffer {
		p.buf = nil
	}
	p.buf = p.buf[:0]
}

// defaultBody stands in for a SetBody that the caller left out.
func (p *Parser) defaultBody() {
	if p.kind == Request {
		p.SetBody(p.RequestBody())
	} else {
		p.SetBody(p.ResponseBody(""))
	}
}

// SetBody tells what follows the head just parsed; length counts for Counted
// only. Without it the next Feed assumes RequestBody, or ResponseBody of a GET.
func (p *Parser) SetBody(kind BodyKind, length int64) {
	if p.state != headDone {
		return
	}
	p.left, p.digits, p.tail = 0, 0, 0
	switch {
	case kind == Chunked:
		p.state = chunkSize
	case kind == UntilClose:
		p.state = inStream
	case kind == Counted && length > 0:
		p.state, p.left = inBody, length
	default:
		p.state = bodyDone
	}
}

// Gap says that the next n bytes of the stream are missing. Within a counted
// body, a chunk or a body until close they are skipped, and Gap returns true.
// Elsewhere what was begun is given up (Partial has what came of a head,
// before Gap is called) and the parser looks for the next start line.
func (p *Parser) Gap(n int64) bool {
	if n <= 0 {
		return true
	}
	if p.state == headDone {
		p.defaultBody()
	}
	p.offset += n
	p.view, p.head = nil, nil
	switch {
	case p.state == inStream:
		return true
	case p.state == inBody && n <= p.left, p.state == chunkData && n <= p.left:
		p.left -= n
		p.dataTaken()
		return true
	case p.state == notHTTP:
		return false
	}
	p.beginHead(false)
	p.state = seeking
	return false
}

// End says that the stream ended. It returns MessageDone where that completes
// a message, CutShort within one, NotHTTP if that was found, or More between
// messages.
func (p *Parser) End() Event {
	if p.state == headDone {
		p.defaultBody()
	}
	switch p.state {
	case inHead:
		if p.InHead() {
			return CutShort
		}
		return More
	case inStream, bodyDone:
		p.beginHead(false)
		return MessageDone
	case notHTTP:
		return NotHTTP
	case seeking:
		return More
	}
	return CutShort
}

// InHead tells that a head has begun and is not complete.
func (p *Parser) InHead() bool { return p.state == inHead && (len(p.buf) > 0 || p.skipped > 0) }

// Pending is how many bytes of an incomplete head have come.
func (p *Parser) Pending() int64 {
	if !p.InHead() {
		return 0
	}
	return int64(len(p.buf)) + p.skipped
}

// Held returns the bytes kept of an incomplete head, or those that NotHTTP
// speaks of. They are the parser's: valid until the next Feed.
func (p *Parser) Held() []byte {
	if p.state != inHead && p.state != notHTTP {
		return nil
	}
	return p.buf
}

// Seeking tells that the parser lost the framing and looks for a start line.
func (p *Parser) Seeking() bool { return p.state == seeking }

// Body returns the body bytes of the last BodyData, without the chunked
// coding. They are the caller's: a slice of what was fed.
func (p *Parser) Body() []byte {
	if p.state == headDone {
		return nil
	}
	return p.view
}
