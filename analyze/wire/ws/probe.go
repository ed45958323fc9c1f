package ws

// Probe tries whether bytes of one direction, whose handshake was not
// captured, are WebSocket frames. It needs no Init and does not need to know
// which side it reads: frames of a client are masked, so the Probe whose
// Masked is set has read the client.
//
// Give every direction a Probe of its own and Feed it the stream, the first 64
// KiB at most. A capture may begin inside a frame: when a Probe is Broken and
// has no Frames to speak of, Reset it and start it again with a later packet,
// which will often begin with a frame; Offset tells where in the fed bytes its
// first frame lies. Recognise combines what two of them saw.
type Probe struct {
	Frames     int   // well-formed frames so far, one after the other
	Finals     int   // of them, those with FIN
	Bytes      int64 // fed since the beginning or the last Reset
	Masked     bool  // of all frames; meaningful after the first header
	Broken     bool  // something that is no sound frame came; nothing is read after it
	Compressed bool  // a first frame of a message had RSV1
	Text       int64 // payload bytes that were checked to be UTF-8

	head    Header
	left    uint64
	part    [14]byte
	long    int // frames whose length takes more than seven bits
	have    uint8
	state   uint8 // of the UTF-8 automaton
	message probeMessage
	check   bool // the message under way is uncompressed text
	started bool // a header was seen
	closed  bool // a Close frame was
}

type probeMessage uint8

const (
	probeUnknown probeMessage = iota // the bytes may have begun inside a message
	probeInside
	probeBetween
)

// MaxProbe is as much as is worth feeding to a Probe.
const MaxProbe = 64 << 10

// MinRun is how many frames of one direction alone make a WebSocket.
const MinRun = 8

// Reset makes p ready to start again at later bytes.
func (p *Probe) Reset() { *p = Probe{} }

// AtBoundary reports whether the bytes so far end where a frame ends.
func (p *Probe) AtBoundary() bool { return p.started && !p.Broken && p.left == 0 && p.have == 0 }

// Feed takes the next bytes.
func (p *Probe) Feed(b []byte) {
	p.Bytes += int64(len(b))
	for len(b) > 0 && !p.Broken {
		if p.left > 0 {
			b = p.payload(b)
			continue
		}
		b = p.header(b)
	}
}

func (p *Probe) header(b []byte) []byte {
	for len(b) > 0 {
		p.part[p.have] = b[0]
		p.have++
		b = b[1:]
		if p.have == 2 && !p.plausible() {
			p.Broken = true
			return nil
		}
		if p.have < 2 || int(p.have) < headerSize(p.part[1]) {
			continue
		}
		readHeader(&p.head, p.part[:p.have])
		p.have = 0
		p.begin()
		return b
	}
	return nil
}

// plausible judges the first two bytes of a header.
func (p *Probe) plausible() bool {
	masked := p.part[1]&0x80 != 0
	if p.started && masked != p.Masked {
		return false
	}
	return plausibleStart(p.part[0], p.part[1], masked)
}

func (p *Probe) begin() {
	h := &p.head
	p.Masked, p.started = h.Masked, true
	p.left = h.Length
	if !plausibleLength(h) || !p.follow(h) {
		p.Broken = true
		return
	}
	if p.left == 0 {
		p.end()
	}
}

// follow judges a frame by those before it.
func (p *Probe) follow(h *Header) bool {
	switch {
	case h.Opcode.IsControl():
		again := h.Opcode == Close && p.closed
		p.closed = p.closed || h.Opcode == Close
		return !again && (h.Opcode != Close || h.Length != 1)
	case p.closed:
		return false
	case h.Opcode == Continuation:
		if p.message == probeBetween {
			return false
		}
		p.check = p.check && p.message == probeInside
	default:
		if p.message == probeInside {
			return false
		}
		p.check = h.Opcode == Text && h.RSV == 0
		p.Compressed = p.Compressed || h.RSV == RSV1
		p.state = utf8Accept
	}
	p.message = probeInside
	if h.Fin {
		p.message = probeBetween
	}
	return true
}

func (p *Probe) payload(b []byte) []byte {
	n := int(min(uint64(len(b)), p.left))
	if h := &p.head; p.check && !h.Opcode.IsControl() {
		state, _ := checkText(p.state, keyWord(h, h.Length-p.left), b[:n])
		if state == utf8Reject {
			p.Broken = true
			return nil
		}
		p.state = state
		p.Text += int64(n)
	}
	p.left -= uint64(n)
	if p.left == 0 {
		p.end()
	}
	return b[n:]
}

func (p *Probe) end() {
	h := &p.head
	if h.Fin && p.check && !h.Opcode.IsControl() && p.state != utf8Accept {
		p.Broken = true
		return
	}
	p.Frames++
	if h.Length > 125 {
		p.long++
	}
	if h.Fin {
		p.Finals++
	}
}

// Recognition is what Recognise concludes.
type Recognition uint8

// The conclusions.
const (
	NotYet      Recognition = iota // more bytes may tell
	IsWebSocket                    // the Probe whose Masked is set has the client's bytes
	NotFrames                      // a Probe is Broken
)

// Recognise says whether a and b have seen the two directions of a WebSocket.
// A direction without payload has an unfed Probe; that it carries bare
// acknowledgements, so that the lone other side talks to somebody, is for the
// caller to see to.
//
// Many protocols parse as frames for a while, some as hundreds of unmasked
// ones: so both directions have to be sound and exactly one of them masked, or
// one alone has to have MinRun frames; and the frames have to be of the kind
// that ends messages or have long lengths, since zeros and the lengths of other
// protocols read as short fragments.
func Recognise(a, b *Probe) Recognition {
	if a.Broken || b.Broken {
		return NotFrames
	}
	switch {
	case a.Bytes > 0 && b.Bytes > 0:
		if a.started && b.started && a.Masked == b.Masked {
			return NotFrames
		}
		if a.Frames > 0 && b.Frames > 0 && a.Finals+b.Finals > 0 &&
			(a.AtBoundary() && b.AtBoundary() || a.Frames+b.Frames >= MinRun) {
			return IsWebSocket
		}
		return NotYet
	case b.Bytes > 0:
		a = b
	}
	if a.Frames >= MinRun && (a.Finals*4 >= a.Frames || a.long*2 >= a.Frames) {
		return IsWebSocket
	}
	return NotYet
}
