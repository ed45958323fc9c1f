package ws

import (
	"encoding/binary"

	"github.com/wsleuth/wsleuth/analyze/wire/ws/inflate"
)

// Options say what the handshake has settled for one direction.
type Options struct {
	// FromClient: the bytes are the client's, so frames have to be masked.
	FromClient bool
	// Deflate is what permessage-deflate was negotiated to for this direction,
	// or nil. The server_ parameters are those of what the server sends.
	Deflate *DeflateParams
	// OtherExtension: an extension that is not known here was negotiated, so
	// that neither reserved bits and opcodes nor payloads can be judged.
	OtherExtension bool
	// Late: the bytes begin somewhere in the connection, at the start of a
	// frame: the first may be a continuation, and what compressed messages
	// refer back to is unknown.
	Late bool
	// Inflaters are shared by all Parsers that one goroutine feeds; nil makes
	// new ones, which are dear.
	Inflaters *Inflaters
}

// Parser reads one direction. The zero value needs Init. It is not safe for
// concurrent use, and small: hundreds of thousands may be open at once.
type Parser struct {
	Messages       uint32 // complete data messages
	ZeroKeys       uint32 // frames masked with a key of zero
	SameKeys       uint32 // frames in the longest run of frames with one and the same key
	Resyncs        uint32 // times that frames were found again after a gap
	MessageBytes   uint64 // Size of all complete messages
	WireBytes      uint64 // payload bytes of data frames, as sent
	LargestMessage uint64 // the largest Size
	FirstBreach    int64  // position of the first violation, if there is one

	frames [6]uint32
	head   Header // the frame under way, or the last one
	msg    Message
	off    int64  // of the next byte
	left   uint64 // payload bytes of the frame that are still to come

	shared  *Inflaters
	stream  *inflate.Stream          // compression state that outlives a Feed
	control *[MaxControlPayload]byte // of a control frame that is split over Feeds

	breaches Violations
	keyRun   uint32
	lastKey  uint32
	hunted   uint32   // bytes looked through for a frame since the last gap
	part     [14]byte // of a header
	have     uint8    // bytes in part
	kept     uint8    // bytes in control
	text     uint8    // state of the UTF-8 automaton
	check    check
	sink     sink
	deflate  DeflateParams
	flags    flags
}

// flags are the Parser's booleans, packed.
type flags uint16

const (
	fromClient flags = 1 << iota
	hasDeflate
	otherExtension
	inMessage      // a data message has begun and not ended
	unknownMessage // whether one has is unknown
	lostHistory    // what compressed messages refer back to is unknown
	closed         // a Close frame was seen
	controlDamaged // the control frame under way lost bytes to a gap
	controlOpen    // a control frame came without FIN
	dead
	hunting
	seenKey
	exceeded    // a limit on inflating was met
	usesCurrent // the compression state lies in shared memory until the end of Feed
)

// check says what is done with the payload of the data message under way.
type check uint8

const (
	checkNothing check = iota
	checkUTF8
	checkInflate
)

// sink says where the payload of the frame under way goes.
type sink uint8

const (
	sinkSkip sink = iota
	sinkMessage
	sinkControl
)

// Init makes p ready for the first byte of a direction. It may be used again
// after Release.
func (p *Parser) Init(o Options) {
	*p = Parser{shared: o.Inflaters}
	if p.shared == nil {
		p.shared = NewInflaters(nil)
	}
	p.set(fromClient, o.FromClient)
	p.set(otherExtension, o.OtherExtension)
	p.set(unknownMessage|lostHistory, o.Late)
	if o.Deflate != nil {
		p.deflate = *o.Deflate
		p.set(hasDeflate, true)
	}
}

func (p *Parser) is(f flags) bool { return p.flags&f != 0 }

func (p *Parser) set(f flags, on bool) {
	if on {
		p.flags |= f
	} else {
		p.flags &^= f
	}
}

// FromClient reports whether the parser reads the client's bytes.
func (p *Parser) FromClient() bool { return p.is(fromClient) }

// Count gives the number of frames with the opcode; reserved ones count none.
func (p *Parser) Count(o Opcode) uint32 {
	if o.IsReserved() {
		return 0
	}
	return p.frames[frameIndex(o)]
}

func frameIndex(o Opcode) uint8 {
	if o.IsControl() {
		return uint8(o) - 5
	}
	return uint8(o)
}

// Violations gives the kinds of violations so far.
func (p *Parser) Violations() Violations { return p.breaches }

// Offset is the position in the stream of the next byte to be fed.
func (p *Parser) Offset() int64 { return p.off }

// Closed reports whether a Close frame was seen.
func (p *Parser) Closed() bool { return p.is(closed) }

// Dead reports whether the parser has lost the frames for good, after a length
// with its top bit set or a gap behind which it found no frame. It goes on
// counting bytes only.
func (p *Parser) Dead() bool { return p.is(dead) }

// Exceeded reports whether the limit on inflating was met in this direction,
// so that some messages were inflated without checking what is in them.
func (p *Parser) Exceeded() bool { return p.is(exceeded) }

// Mid reports whether the bytes so far end inside a frame, and inside a data
// message (between its frames too).
func (p *Parser) Mid() (inFrame, inMsg bool) {
	return p.left > 0 || p.have > 0, p.is(inMessage)
}

// Feed takes the next bytes of the direction, all of them, and tells obs what
// is in them. b is not kept.
func (p *Parser) Feed(obs Observer, b []byte) {
	for len(b) > 0 {
		switch {
		case p.left > 0:
			b = p.feedPayload(obs, b)
		case p.flags&(dead|hunting) != 0:
			b = p.lost(b)
		default:
			b = p.feedHeader(obs, b)
		}
	}
	if p.stream != nil || p.is(usesCurrent) {
		p.park()
	}
}

// feedHeader takes the bytes of a frame header, and begins the frame once it
// has them all.
func (p *Parser) feedHeader(obs Observer, b []byte) []byte {
	if p.have == 0 && len(b) >= 2 {
		if size := headerSize(b[1]); len(b) >= size {
			p.head.Offset = p.off
			p.off += int64(size)
			p.beginFrame(obs, b[:size])
			return b[size:]
		}
	}
	if p.have == 0 {
		p.head.Offset = p.off
	}
	need := 2
	if p.have >= 2 {
		need = headerSize(p.part[1])
	}
	n := copy(p.part[p.have:need], b)
	p.have += uint8(n)
	p.off += int64(n)
	if p.have >= 2 {
		if size := headerSize(p.part[1]); int(p.have) == size {
			p.have = 0
			p.beginFrame(obs, p.part[:size])
		}
	}
	return b[n:]
}

// headerSize gives a header's size from its second byte.
func headerSize(b1 byte) int {
	size := 2
	switch b1 & 0x7F {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if b1&0x80 != 0 {
		size += 4
	}
	return size
}

// readHeader reads all of h but its Offset from exactly the header's bytes.
func readHeader(h *Header, b []byte) {
	h.Fin = b[0]&0x80 != 0
	h.RSV = b[0] >> 4 & 7
	h.Opcode = Opcode(b[0] & 0xF)
	h.Masked = b[1]&0x80 != 0
	h.Size = uint8(len(b))
	switch n := b[1] & 0x7F; n {
	case 126:
		h.Length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		h.Length = binary.BigEndian.Uint64(b[2:])
	default:
		h.Length = uint64(n)
	}
	h.Key = [4]byte{}
	if h.Masked {
		h.Key = [4]byte(b[len(b)-4:])
	}
}

func (p *Parser) breach(obs Observer, v Violation, at int64) {
	if p.breaches == 0 {
		p.FirstBreach = at
	}
	p.breaches |= 1 << v
	obs.Violation(p, v, at, &p.head)
}

// beginFrame reads a header, judges it and chooses where the payload goes.
func (p *Parser) beginFrame(obs Observer, b []byte) {
	h := &p.head
	readHeader(h, b)
	p.left = h.Length
	if !h.Opcode.IsReserved() {
		p.frames[frameIndex(h.Opcode)]++
	}
	p.countKey(h)
	obs.Frame(p, h)
	p.judgeHeader(obs, h)
	switch {
	case p.is(dead):
		return
	case h.Opcode.IsReserved():
		p.sink = sinkSkip
	case h.Opcode.IsControl():
		p.sink = sinkControl
		p.set(controlDamaged, false)
		p.kept = 0
	default:
		p.beginData(obs, h)
	}
	if p.left == 0 {
		p.endFrame(obs, nil)
	}
}

// countKey keeps what tells a weak mask: keys of zero, and keys used again.
// "The masking key needs to be unpredictable" (RFC 6455, section 5.3).
func (p *Parser) countKey(h *Header) {
	if !h.Masked {
		return
	}
	key := binary.LittleEndian.Uint32(h.Key[:])
	if key == 0 {
		p.ZeroKeys++
	}
	if key == p.lastKey && p.is(seenKey) {
		p.keyRun++
	} else {
		p.keyRun = 1
	}
	p.lastKey = key
	p.flags |= seenKey
	p.SameKeys = max(p.SameKeys, p.keyRun)
}

// judgeHeader names what RFC 6455, section 5, forbids in a header by itself.
func (p *Parser) judgeHeader(obs Observer, h *Header) {
	if h.Masked != p.is(fromClient) {
		if h.Masked {
			p.breach(obs, MaskedServerFrame, h.Offset)
		} else {
			p.breach(obs, UnmaskedClientFrame, h.Offset)
		}
	}
	if h.RSV != 0 && !p.is(otherExtension) && !p.mayHaveRSV(h) {
		p.breach(obs, ReservedBits, h.Offset)
	}
	if h.Opcode.IsReserved() && !p.is(otherExtension) {
		p.breach(obs, ReservedOpcode, h.Offset)
	}
	extended := h.Size // without the key
	if h.Masked {
		extended -= 4
	}
	if extended == 4 && h.Length < 126 || extended == 10 && h.Length < 1<<16 {
		p.breach(obs, LengthNotMinimal, h.Offset)
	}
	if h.Length>>63 != 0 {
		p.breach(obs, LengthTopBit, h.Offset)
		p.left = 0
		p.set(dead, true)
		return
	}
	if h.Opcode.IsControl() && !h.Opcode.IsReserved() {
		if !h.Fin {
			p.breach(obs, FragmentedControl, h.Offset)
			p.set(controlOpen, true)
		}
		if h.Length > MaxControlPayload {
			p.breach(obs, OversizedControl, h.Offset)
		}
	}
}

// mayHaveRSV reports whether permessage-deflate explains the reserved bits.
// RFC 7692, section 6: "An endpoint MUST NOT set the "Per-Message Compressed"
// bit of control frames and non-first fragments of a data message."
func (p *Parser) mayHaveRSV(h *Header) bool {
	return p.is(hasDeflate) && h.RSV == RSV1 && (h.Opcode == Text || h.Opcode == Binary)
}

// beginData puts a data frame into its message.
func (p *Parser) beginData(obs Observer, h *Header) {
	p.sink = sinkMessage
	if p.is(closed) {
		p.breach(obs, DataAfterClose, h.Offset)
	}
	if h.Opcode != Continuation {
		if p.is(inMessage) {
			p.breach(obs, InterruptedMessage, h.Offset)
			p.abandon()
		}
		p.beginMessage(h)
		return
	}
	switch {
	case p.is(inMessage):
		p.msg.Frames++
	case p.is(unknownMessage):
		p.beginMessage(h)
	case p.is(controlOpen):
		// The rest of a fragmented control frame, which has been named.
		p.sink = sinkSkip
		p.set(controlOpen, !h.Fin)
	default:
		p.breach(obs, OrphanContinuation, h.Offset)
		p.sink = sinkSkip
	}
}

func (p *Parser) beginMessage(h *Header) {
	p.msg = Message{Offset: h.Offset, Opcode: h.Opcode, Frames: 1}
	p.set(inMessage, true)
	p.set(unknownMessage|controlOpen, false)
	p.text = utf8Accept
	switch {
	case p.is(otherExtension), h.Opcode == Continuation:
		p.check, p.msg.Unchecked = checkNothing, true
	case h.RSV&RSV1 != 0 && p.is(hasDeflate):
		p.msg.Compressed = true
		p.check = checkInflate
		p.beginInflate()
	case h.RSV != 0:
		p.check, p.msg.Unchecked = checkNothing, true
	case h.Opcode == Text:
		p.check = checkUTF8
	default:
		p.check = checkNothing
	}
	if h.Opcode == Continuation {
		p.set(lostHistory, true)
	}
}

// feedPayload takes payload bytes of the frame under way.
func (p *Parser) feedPayload(obs Observer, b []byte) []byte {
	n := len(b)
	if uint64(n) > p.left {
		n = int(p.left)
	}
	chunk := b[:n]
	pos := p.head.Length - p.left
	whole := pos == 0 && uint64(n) == p.head.Length
	p.left -= uint64(n)
	switch p.sink {
	case sinkMessage:
		p.msg.Wire += uint64(n)
		switch p.check {
		case checkUTF8:
			p.checkText(obs, pos, chunk)
		case checkInflate:
			p.inflate(obs, pos, chunk)
		}
	case sinkControl:
		if !whole || n > MaxControlPayload {
			p.keepControl(pos, chunk)
		}
	}
	p.off += int64(n)
	if p.left == 0 {
		if whole {
			p.endFrame(obs, chunk)
		} else {
			p.endFrame(obs, nil)
		}
	}
	return b[n:]
}

func (p *Parser) checkText(obs Observer, pos uint64, chunk []byte) {
	state, bad := checkText(p.text, keyWord(&p.head, pos), chunk)
	p.text = state
	if state == utf8Reject {
		p.check = checkNothing
		p.breach(obs, InvalidUTF8, p.off+int64(bad))
	}
}

// keepControl keeps payload of a control frame that came in pieces.
func (p *Parser) keepControl(pos uint64, chunk []byte) {
	if p.is(controlDamaged) || p.kept == MaxControlPayload {
		return
	}
	if p.control == nil {
		p.control = p.shared.takeControl()
	}
	chunk = chunk[:min(len(chunk), MaxControlPayload-int(p.kept))]
	unmask(p.control[p.kept:], keyWord(&p.head, pos), chunk)
	p.kept += uint8(len(chunk))
}

// endFrame follows the last byte of a frame; whole is its payload, as sent, if
// it came in one piece.
func (p *Parser) endFrame(obs Observer, whole []byte) {
	switch p.sink {
	case sinkMessage:
		p.WireBytes += p.head.Length
		if p.head.Fin {
			p.endMessage(obs)
		}
	case sinkControl:
		p.endControl(obs, whole)
	}
}

func (p *Parser) endMessage(obs Observer) {
	m := &p.msg
	switch p.check {
	case checkInflate:
		p.endInflate(obs)
	case checkUTF8:
		m.Size = m.Wire
		if p.text != utf8Accept {
			p.breach(obs, InvalidUTF8, p.off)
		}
	default:
		if !m.Compressed || m.Uninflated {
			m.Size = m.Wire
		}
	}
	p.set(inMessage, false)
	p.Messages++
	p.MessageBytes += m.Size
	p.LargestMessage = max(p.LargestMessage, m.Size)
	obs.Message(p, m)
}

// abandon drops the message under way.
func (p *Parser) abandon() {
	if p.check == checkInflate {
		p.dropInflate()
	}
	p.check = checkNothing
	p.set(inMessage, false)
}

func (p *Parser) endControl(obs Observer, whole []byte) {
	payload := p.shared.control[:0]
	switch {
	case p.control != nil:
		payload = append(payload, p.control[:p.kept]...)
		p.shared.giveControl(p.control)
		p.control = nil
	case len(whole) > 0:
		payload = payload[:len(whole)]
		unmask(payload, keyWord(&p.head, 0), whole)
	}
	h := &p.head
	if h.Opcode == Close {
		if v, broken := closeBreach(payload); broken && uint64(len(payload)) == h.Length && !p.is(otherExtension) {
			p.breach(obs, v, h.Offset)
		}
		p.set(closed, true)
	}
	obs.Control(p, h, payload)
}

// Release gives back what p holds of the shared Inflaters. It has to be called
// when the connection is over; p must not be fed after it. Counters stay.
func (p *Parser) Release() {
	if p.control != nil {
		p.shared.giveControl(p.control)
		p.control = nil
	}
	p.releaseStream()
	p.set(dead, true)
	p.left, p.have = 0, 0
}
