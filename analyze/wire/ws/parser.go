package ws

import (
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
	// What every message touches lies together.
	off            int64  // of the next byte
	MessageBytes   uint64 // Size of all complete messages
	LargestMessage uint64 // the largest Size of those that the Observer was given before
	shared         *Inflaters
	*underway                      // nil between frames, outside of messages
	stream         *inflate.Stream // compression state that outlives a Feed
	Messages       uint32          // complete data messages
	lastKey        uint32
	frames         [6]uint32
	keyRun         uint32

	breaches Violations
	odd      *odd // nil: there is none of it
	flags    flags
	deflate  DeflateParams
}

// odd is what few directions have.
type odd struct {
	zeroKeys, sameKeys uint32
	resyncs            uint32
	trusted            uint32 // the number of frames after which a guess is trusted
}

func (p *Parser) odds() *odd {
	if p.odd == nil {
		p.odd = new(odd)
	}
	return p.odd
}

// ZeroKeys is how many frames were masked with a key of zero.
func (p *Parser) ZeroKeys() uint32 {
	if p.odd == nil {
		return 0
	}
	return p.odd.zeroKeys
}

// SameKeys is how many frames the longest run with one and the same key has.
func (p *Parser) SameKeys() uint32 {
	switch {
	case !p.is(seenKey):
		return 0
	case p.odd == nil:
		return 1
	}
	return max(1, p.odd.sameKeys)
}

// Resyncs is how often frames were found again after a gap.
func (p *Parser) Resyncs() uint32 {
	if p.odd == nil {
		return 0
	}
	return p.odd.resyncs
}

// underway is what is known of a frame, a message, or a search for them that
// has begun and not ended. Most Feeds end with what they began, and then use
// one that is shared.
type underway struct {
	left    uint64 // payload bytes of the frame that are still to come
	head    Header // the frame
	msg     Message
	control *[MaxControlPayload]byte // of a control frame that is split over Feeds
	held    []byte                   // may be the beginning of a frame: hunting
	hunted  uint32                   // bytes looked through for a frame since the last gap
	part    [14]byte                 // of a header
	have    uint8                    // bytes in part
	text    uint8                    // state of the UTF-8 automaton
	kept    uint8                    // bytes in control
	check   check
	sink    sink
}

// begin takes the shared memory for what a Feed finds, unless p has its own.
func (p *Parser) begin() {
	if p.underway == nil {
		p.underway = p.shared.underway
	}
}

// suspend ends a Feed: what is not complete is kept.
func (p *Parser) suspend() {
	w := p.underway
	if !p.is(dead) && (w.left > 0 || w.have > 0 || p.flags&(inMessage|hunting) != 0) {
		if w == p.shared.underway {
			p.shared.underway = p.shared.takeUnderway()
		}
		return
	}
	p.giveUnderway()
}

func (p *Parser) giveUnderway() {
	if w := p.underway; w != nil && w != p.shared.underway {
		p.shared.giveUnderway(w)
	}
	p.underway = nil
}

// flags are the Parser's booleans, packed.
type flags uint16

const (
	fromClient flags = 1 << iota // lowest: plain compares it with a frame's mask bit
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
	if p.underway == nil {
		return false, false
	}
	return p.left > 0 || p.have > 0, p.is(inMessage)
}

// Feed takes the next bytes of the direction, all of them, and tells obs what
// is in them. b is not kept.
func (p *Parser) Feed(obs Observer, b []byte) {
	if p.underway == nil && p.flags&unplain == 0 {
		b = p.plain(obs, b)
	}
	if len(b) == 0 {
		return
	}
	p.begin()
	for len(b) > 0 {
		switch {
		case p.left > 0:
			b = p.feedPayload(obs, b)
		case p.flags&(dead|hunting) != 0:
			b = p.lost(b)
		default:
			if p.have == 0 && p.flags&unplain == 0 {
				if b = p.plain(obs, b); len(b) == 0 {
					break
				}
			}
			b = p.feedHeader(obs, b)
		}
	}
	if p.stream != nil || p.is(usesCurrent) {
		p.park()
	}
	p.suspend()
}

// Release gives back what p holds of the shared Inflaters. It has to be called
// when the connection is over; p must not be fed after it. Counters stay.
func (p *Parser) Release() {
	if w := p.underway; w != nil {
		if w.control != nil {
			p.shared.giveControl(w.control)
		}
		*w = underway{}
		p.giveUnderway()
	}
	p.releaseStream()
	p.set(dead, true)
	p.set(inMessage|hunting, false)
}
