package h2

// MaxHunt is how many bytes after a gap are looked through for a frame before
// the direction is given up as Dead.
const MaxHunt = 1 << 20

// hunt is the search for frames after a gap.
type hunt struct {
	seen int    // bytes looked through
	held []byte // may be the beginning of a frame that later packets complete
}

// maxHeld bounds what is held.
const maxHeld = 16 << 10

// Gap tells that n bytes of the stream are not in the capture. Inside the
// content of a DATA frame the parser goes on behind them and returns true.
// Otherwise frame headers or header blocks are among what is lost: it looks
// for the next frame in what is fed from now on, taking each Feed's beginning
// for the likeliest place (feed it by packets), takes the dynamic table for
// unknown, and returns false.
func (p *Parser) Gap(obs Observer, n int64) bool {
	if n <= 0 {
		return true
	}
	if p.state == dead || p.state == hunting {
		p.off += n
		p.hunt.held = nil
		return p.state == dead
	}
	if p.state == inContent {
		n -= p.skipLost(obs, n)
		if n == 0 {
			return true
		}
	}
	p.off += n
	p.state, p.have, p.inBlock, p.hunt, p.late = hunting, 0, false, hunt{}, true
	p.hpack.lose()
	obs.Lost(p)
	return false
}

// skipLost takes up to n lost bytes as payload of the frame under way and
// returns how many. Of frames other than DATA, whatever they said is lost.
func (p *Parser) skipLost(obs Observer, n int64) int64 {
	part := min(n, int64(p.content))
	pad := min(n-part, int64(p.padding))
	p.content -= uint32(part)
	p.padding -= uint32(pad)
	p.off += part + pad
	if p.frame.Type == Data {
		if part > 0 {
			obs.DataMissing(p, &p.frame, part)
		}
		if p.content+p.padding == 0 {
			p.end(obs)
		}
		return part + pad
	}
	if part > 0 {
		p.damage()
	}
	if p.content+p.padding == 0 {
		p.state = inHeader
		if part == 0 {
			p.end(obs)
		}
	}
	return part + pad
}

// damage makes nothing of the frame under way but its length.
func (p *Parser) damage() {
	switch p.frame.Type {
	case Headers, PushPromise, Continuation:
		p.dropBlock()
	}
	p.frame.Type = 0xFF
}

// feedHunt looks for frames in b.
func (p *Parser) feedHunt(obs Observer, b []byte) []byte {
	if n := len(p.hunt.held); n > 0 {
		p.hunt.held = append(p.hunt.held, b...)
		if w := walk(p.hunt.held, p.max); w.frames >= 3 || w.frames >= 1 && w.exact {
			b = p.hunt.held
			p.off -= int64(n)
			p.found()
			return b
		}
	}
	i := findFrame(b, p.max)
	if i < 0 {
		p.hold(b)
		p.off += int64(len(b))
		p.hunt.seen += len(b)
		if p.hunt.seen > MaxHunt {
			p.hunt.held, p.state = nil, dead
		}
		return nil
	}
	p.off += int64(i)
	p.found()
	return b[i:]
}

// found ends the search.
func (p *Parser) found() {
	p.hunt.held = nil
	p.state = inHeader
	p.Resyncs++
}

// hold keeps what may be the beginning of a frame.
func (p *Parser) hold(b []byte) {
	if held := p.hunt.held; len(held) > 0 && len(held) <= maxHeld && !walk(held, p.max).broken {
		return
	}
	p.hunt.held = nil
	if len(b) <= maxHeld && !walk(b, p.max).broken {
		p.hunt.held = append(p.hunt.held, b...)
	}
}

// findFrame looks for a place in b from where frames follow one another, and
// returns -1 if there is none that convinces. A connection preface may come
// first where a capture lost only its handshake.
func findFrame(b []byte, limit uint32) int {
	if len(b) >= len(Preface) && Looks(b) == Yes {
		return len(Preface)
	}
	for i := range b {
		w := walk(b[i:], limit)
		if w.frames >= 3 || w.frames >= 2 && w.exact || i == 0 && w.frames >= 1 && w.exact {
			return i
		}
	}
	return -1
}

// maxWalk bounds the frames that one walk looks at.
const maxWalk = 8

// walked is what walk saw.
type walked struct {
	frames int  // that lie whole in the bytes
	exact  bool // the bytes end where the last of them does
	broken bool // something is no frame
}

// walk goes through the frames that b begins with.
func walk(b []byte, limit uint32) (w walked) {
	for w.frames < maxWalk {
		if len(b) < HeaderLen {
			w.exact = len(b) == 0
			return w
		}
		h := readHeader(b, 0)
		if !plausible(&h, b[5], limit) {
			return walked{broken: true}
		}
		b = b[HeaderLen:]
		if uint32(len(b)) < h.Length {
			return w
		}
		b = b[h.Length:]
		w.frames++
	}
	return w
}

// allowedFlags are the flags that a type defines.
var allowedFlags = [...]Flags{Data: EndStream | Padded, Headers: EndStream | EndHeaders | Padded | Weighted, Priority: 0, RSTStream: 0,
	Settings: Ack, PushPromise: EndHeaders | Padded, Ping: Ack, GoAway: 0, WindowUpdate: 0, Continuation: EndHeaders, PriorityUpdate: 0}

// plausible judges a frame header as strictly as hardly any sender breaks it;
// high is the byte with the reserved bit.
func plausible(h *Header, high byte, limit uint32) bool {
	if h.Length > limit || high&0x80 != 0 || int(h.Type) >= len(typeNames) || typeNames[h.Type] == "" ||
		h.Flags&^allowedFlags[h.Type] != 0 || !fitting(h) {
		return false
	}
	switch needsStream(h.Type) {
	case always:
		if h.Stream == 0 {
			return false
		}
	case never:
		if h.Stream != 0 {
			return false
		}
	}
	// Zeros in other protocols would be empty DATA frames.
	empty := h.Length == 0 && !h.Has(EndStream)
	return !empty || h.Type == Settings || h.Type == Continuation
}

// Probe tells whether one direction of a stream, from any packet's beginning
// on, is a row of HTTP/2 frames.
type Probe struct {
	Frames int   // whole frames so far, one after the other
	Bytes  int64 // fed since the beginning or the last Reset
	Broken bool  // something that is no sound frame came; nothing is read after it
	left   uint32
	have   uint8
	head   [HeaderLen]byte
}

// Reset begins anew.
func (p *Probe) Reset() { *p = Probe{} }

// Feed takes the next bytes.
func (p *Probe) Feed(b []byte) {
	p.Bytes += int64(len(b))
	for len(b) > 0 && !p.Broken {
		if p.left > 0 {
			n := min(len(b), int(p.left))
			b = b[n:]
			if p.left -= uint32(n); p.left == 0 {
				p.Frames++
			}
			continue
		}
		n := copy(p.head[p.have:], b)
		b = b[n:]
		if p.have += uint8(n); p.have < HeaderLen {
			return
		}
		p.have = 0
		h := readHeader(p.head[:], 0)
		p.Broken = !plausible(&h, p.head[5], defaultFrame)
		if p.left = h.Length; h.Length == 0 {
			p.Frames++
		}
	}
}

// Recognise tells whether two directions are HTTP/2: enough frames in a row
// that each of them is next to impossible elsewhere.
func Recognise(a, b *Probe) bool {
	if a.Broken || b.Broken {
		return false
	}
	if a.Bytes > 0 && b.Bytes > 0 {
		return a.Frames > 0 && b.Frames > 0 && a.Frames+b.Frames >= 3
	}
	return a.Frames+b.Frames >= 4
}
