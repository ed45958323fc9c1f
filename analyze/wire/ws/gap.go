package ws

// MaxHunt is how many bytes after a gap are looked through for the beginning
// of a frame before the direction is given up as Dead.
const MaxHunt = 1 << 20

// Gap tells that n bytes of the stream are not in the capture. Inside the
// payload of a frame the parser goes on behind them, with the message marked
// Damaged, and returns true. Otherwise frame headers are among what is lost:
// the parser looks for the next frame in what is fed from now on, taking each
// Feed's beginning for the likeliest place (feed it by packets), and returns
// false. What was under way is given up without a verdict.
func (p *Parser) Gap(obs Observer, n int64) bool {
	if n <= 0 {
		return true
	}
	if p.flags&(dead|hunting) != 0 {
		p.off += n
		if p.underway != nil {
			p.held = nil
		}
		return false
	}
	p.begin()
	defer p.suspend()
	if p.left > 0 {
		n -= p.skipLost(obs, n)
		if n == 0 {
			return true
		}
	}
	if p.is(inMessage) {
		p.abandon()
	}
	p.releaseStream()
	p.have = 0
	p.off += n
	p.hunted, p.held = 0, nil
	p.set(unknownMessage|lostHistory|hunting, true)
	return false
}

// skipLost takes up to n lost bytes as payload of the frame under way and
// returns how many.
func (p *Parser) skipLost(obs Observer, n int64) int64 {
	if uint64(n) > p.left {
		n = int64(p.left)
	}
	switch p.sink {
	case sinkMessage:
		p.msg.Wire += uint64(n)
		p.msg.Damaged = true
		if p.check == checkInflate {
			p.dropInflate()
		}
		p.check = checkNothing
	case sinkControl:
		p.set(controlDamaged, true)
	}
	p.left -= uint64(n)
	p.off += n
	if p.left == 0 {
		p.endFrame(obs, nil)
	}
	return n
}

// lost takes bytes while there is no frame: for good, or until one is found.
func (p *Parser) lost(b []byte) []byte {
	if p.is(dead) {
		p.off += int64(len(b))
		return nil
	}
	masked := p.is(fromClient)
	if n := len(p.held); n > 0 {
		p.held = append(p.held, b...)
		if convinces(0, walkFrames(p.held, masked), masked) {
			p.off -= int64(n)
			b = p.held
			p.found()
			return b
		}
	}
	if i := findFrame(b, masked); i >= 0 {
		p.off += int64(i)
		p.found()
		return b[i:]
	}
	p.hold(b, masked)
	p.off += int64(len(b))
	if uint64(p.hunted)+uint64(len(b)) > MaxHunt {
		p.held = nil
		p.set(dead, true)
		return nil
	}
	p.hunted += uint32(len(b))
	return nil
}

// found ends the search.
func (p *Parser) found() {
	p.held = nil
	p.set(hunting, false)
	o := p.odds()
	o.resyncs++
	o.trusted = p.numFrames() + soundFrames
}

// maxHeld bounds the bytes kept of a packet and those behind it that together
// may be one frame.
const maxHeld = 16 << 10

// hold keeps what may be the beginning of a frame that later packets complete.
func (p *Parser) hold(b []byte, masked bool) {
	if len(p.held) > 0 && len(p.held) <= maxHeld && !walkFrames(p.held, masked).broken {
		return
	}
	p.held = nil
	if len(b) <= maxHeld && !walkFrames(b, masked).broken {
		p.held = append(p.held, b...)
	}
}

// soundFrames is how many frames after a guess prove that it was right.
const soundFrames = 32

// doubtful: where the frames begin was guessed not long ago. A peer that breaks
// the rules in the few frames after a gap is far rarer than payload that looks
// like frames for a while.
func (p *Parser) doubtful() bool {
	return p.odd != nil && p.odd.trusted > 0 && p.numFrames() < p.odd.trusted
}

func (p *Parser) numFrames() (n uint32) {
	for _, f := range p.frames {
		n += f
	}
	return n
}

// misled tells that a header shows a guess to be wrong, and goes on looking.
func (p *Parser) misled(h *Header, b []byte) bool {
	if !p.doubtful() || p.is(otherExtension) ||
		plausibleStart(b[0], b[1], p.is(fromClient)) && plausibleLength(h) && (h.RSV == 0 || p.mayHaveRSV(h)) {
		return false
	}
	if p.is(inMessage) {
		p.abandon()
	}
	p.releaseStream()
	p.left = 0
	p.set(unknownMessage|lostHistory|hunting, true)
	return true
}

// About one in twenty places in random bytes looks like a frame, with the next
// where it ends, and a packet has a thousand places: within it, as opposed to
// its beginning, only this many frames one after the other convince.
const (
	manyFrames  = 7
	exactFrames = 4 // the last of which ends where the packet does
)

// findFrame looks for a place in b from where frames follow one another, and
// returns -1 if there is none that convinces.
func findFrame(b []byte, masked bool) int {
	for i := range b {
		w := walkFrames(b[i:], masked)
		if convinces(i, w, masked) {
			return i
		}
	}
	return -1
}

// convinces tells whether the frames that were seen at a place in a packet are enough.
func convinces(place int, w walk, masked bool) bool {
	switch {
	case w.broken:
		return false
	case w.frames >= manyFrames, w.frames >= exactFrames && w.exact:
		return true
	case place > 0:
		return false
	case w.frames >= 1 && w.exact, w.frames >= 3:
		return true
	case masked:
		// A key taken from within masked text makes text of text: only a
		// whole frame convinces.
		return w.frames >= 1 && w.text >= 32
	}
	return w.text >= 16
}

// walk is what walkFrames saw.
type walk struct {
	frames int  // that lie whole in the bytes
	text   int  // payload bytes that were checked to be UTF-8
	exact  bool // the bytes end where a frame does
	broken bool
}

// maxTextLook bounds the payload that is checked to be text, for every place in
// a packet may look like the beginning of a long one.
const maxTextLook = 256

// maxWalk bounds the frames that one walk looks at.
const maxWalk = 8

// walkFrames goes through the frames that b begins with, as far as a sound
// sender might have sent them.
func walkFrames(b []byte, masked bool) (w walk) {
	var h Header
	for w.frames < maxWalk {
		if len(b) == 0 {
			w.exact = true
			return w
		}
		if len(b) < 2 {
			return w
		}
		size := headerSize(b[1])
		if !plausibleStart(b[0], b[1], masked) {
			w.broken = true
			return w
		}
		if len(b) < size {
			return w
		}
		readHeader(&h, b[:size])
		if !plausibleLength(&h) {
			w.broken = true
			return w
		}
		b = b[size:]
		n := uint64(len(b))
		payload := b[:min(n, h.Length)]
		if h.Opcode == Text && h.RSV == 0 {
			payload = payload[:min(len(payload), maxTextLook)]
			state, _ := checkText(utf8Accept, keyWord(&h, 0), payload)
			if state == utf8Reject || state != utf8Accept && h.Fin && uint64(len(payload)) == h.Length {
				w.broken = true
				return w
			}
			w.text += len(payload)
		}
		if n < h.Length {
			return w
		}
		b = b[h.Length:]
		w.frames++
	}
	return w
}

// plausibleStart judges the first two bytes of a header as strictly as hardly
// any sender breaks them, RSV1 allowed for permessage-deflate.
func plausibleStart(b0, b1 byte, masked bool) bool {
	fin, op, n := b0&0x80 != 0, Opcode(b0&0xF), b1&0x7F
	switch {
	case op.IsReserved(), b0>>4&(RSV2|RSV3) != 0, (b1&0x80 != 0) != masked:
		return false
	case op.IsControl():
		return fin && n <= MaxControlPayload && b0>>4&RSV1 == 0
	case op == Continuation && b0>>4&RSV1 != 0:
		return false
	}
	// Fragments without payload that end nothing are possible and unheard of;
	// zeros in other protocols would be such.
	return fin || n != 0
}

// maxPlausible is the longest frame that counts as one where it is not yet
// known whether bytes are frames at all.
const maxPlausible = 1 << 26

func plausibleLength(h *Header) bool {
	extended := h.Size
	if h.Masked {
		extended -= 4
	}
	return h.Length <= maxPlausible &&
		(extended != 4 || h.Length >= 126) && (extended != 10 || h.Length >= 1<<16)
}
