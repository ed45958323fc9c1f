package h2

// Limits on what a Parser holds.
const (
	// MaxBlock is how much is collected of one header block; of a longer one
	// nothing is decoded, and the dynamic table is unknown from there on.
	MaxBlock = 128 << 10
	// MaxDebug is how much is kept of the debug data of a GOAWAY.
	MaxDebug = 256
	// MaxSettings is how many parameters are read from one SETTINGS frame.
	MaxSettings = 64

	maxSmall     = settingLen * MaxSettings
	defaultFrame = 1 << 14 // initial value of SETTINGS_MAX_FRAME_SIZE
)

// Options of a Parser.
type Options struct {
	// FromClient: the direction begins with the preface.
	FromClient bool
	// Late: the direction's beginning is not in the capture. The parser looks
	// for the first frame, and the dynamic table's former entries are unknown.
	Late bool
}

// Observer gets what a Parser sees. Pointers and slices are valid only during
// the call; strings stay.
type Observer interface {
	// Frame gets every frame header, before the payload.
	Frame(p *Parser, h *Header)
	// Data gets the payload of a DATA frame, without padding, in pieces.
	Data(p *Parser, h *Header, b []byte)
	// DataMissing tells that n bytes of a DATA frame are not in the capture.
	DataMissing(p *Parser, h *Header, n int64)
	// Block gets a whole header block; h is the HEADERS or PUSH_PROMISE frame
	// that began it.
	Block(p *Parser, h *Header, block *Block)
	// EndStream tells that the sender's side of the stream has ended, after
	// the DATA or Block that says so.
	EndStream(p *Parser, h *Header)
	// Settings gets the parameters of a SETTINGS frame without ACK.
	Settings(p *Parser, h *Header, list []Setting)
	// Reset gets a RST_STREAM.
	Reset(p *Parser, h *Header, code ErrorCode)
	// GoAway gets a GOAWAY; debug is its first MaxDebug bytes of debug data.
	GoAway(p *Parser, h *Header, last uint32, code ErrorCode, debug []byte)
	// Window gets a WINDOW_UPDATE.
	Window(p *Parser, h *Header, increment uint32)
	// Violation gets each breach with its position in the stream; h is the
	// frame in which it was noticed, nil before the first.
	Violation(p *Parser, v Violation, at int64, h *Header)
	// Lost tells that frames are missing in the capture: any stream of this
	// direction may lack bytes.
	Lost(p *Parser)
}

// state says what the next byte is.
type state uint8

const (
	inPreface state = iota
	inHeader
	inPrefix  // pad length, priority or promised stream before the content
	inContent // content and the padding behind it
	hunting
	dead
)

// Parser reads one direction. The zero Parser is not ready: Init it.
type Parser struct {
	off     int64
	state   state
	client  bool
	late    bool
	first   bool // no frame was seen yet
	have    uint8
	head    [HeaderLen]byte
	frame   Header
	prefix  uint8  // bytes of it still to come
	content uint32 // bytes still to come
	padding uint32
	small   []byte // prefix, or the payload of a short frame
	max     uint32 // frame size that the receiver allows

	hpack     table
	block     []byte
	blockHead Header
	promised  uint32
	inBlock   bool
	tooLong   bool
	fields    Block
	settings  []Setting
	hunt      hunt

	// Resyncs counts how often frames were found again after a gap.
	Resyncs int
}

// Init makes p ready for the first byte of a direction.
func (p *Parser) Init(o Options) {
	*p = Parser{client: o.FromClient, late: o.Late, first: true, max: defaultFrame, state: inHeader}
	p.hpack.init(o.Late)
	switch {
	case o.Late:
		p.state = hunting
	case o.FromClient:
		p.state = inPreface
	}
}

// FromClient reports whether the parser reads the client's bytes.
func (p *Parser) FromClient() bool { return p.client }

// Offset is the position in the stream of the next byte to be read.
func (p *Parser) Offset() int64 { return p.off }

// Dead reports whether the direction is no HTTP/2, or its frames were not
// found again after a gap.
func (p *Parser) Dead() bool { return p.state == dead }

// TableKnown reports whether the whole dynamic table is known, so that every
// field of a valid header block can be decoded.
func (p *Parser) TableKnown() bool { return !p.hpack.lost }

// InFrame reports whether the bytes so far end inside a frame.
func (p *Parser) InFrame() bool {
	return p.state == inPrefix || p.state == inContent || p.state == inHeader && p.have > 0
}

// Obey applies the other side's SETTINGS to this direction.
func (p *Parser) Obey(list []Setting) {
	for _, s := range list {
		switch s.ID {
		case HeaderTableSize:
			p.hpack.allow(s.Value)
		case MaxFrameSize:
			p.max = max(p.max, s.Value)
		}
	}
}

// Feed takes the next bytes of the direction, all of them, and tells obs what
// is in them. b is not kept.
func (p *Parser) Feed(obs Observer, b []byte) {
	for len(b) > 0 {
		switch p.state {
		case inPreface:
			b = p.feedPreface(obs, b)
		case inHeader:
			b = p.feedHeader(obs, b)
		case inPrefix:
			b = p.feedPrefix(obs, b)
		case inContent:
			b = p.feedContent(obs, b)
		case hunting:
			b = p.feedHunt(obs, b)
		default:
			p.off += int64(len(b))
			return
		}
	}
}

func (p *Parser) feedPreface(obs Observer, b []byte) []byte {
	rest := Preface[p.off:]
	n := min(len(b), len(rest))
	for i := range n {
		if b[i] != rest[i] {
			obs.Violation(p, BadPreface, p.off+int64(i), nil)
			p.state = dead
			return b
		}
	}
	p.off += int64(n)
	if p.off == int64(len(Preface)) {
		p.state = inHeader
	}
	return b[n:]
}

func (p *Parser) feedHeader(obs Observer, b []byte) []byte {
	n := copy(p.head[p.have:], b)
	p.have += uint8(n)
	p.off += int64(n)
	if p.have == HeaderLen {
		p.have = 0
		p.begin(obs)
	}
	return b[n:]
}

// begin judges a frame header and prepares for its payload.
func (p *Parser) begin(obs Observer) {
	p.frame = readHeader(p.head[:], p.off-HeaderLen)
	h := &p.frame
	if p.first && !p.late && !p.firstFrame(obs) {
		return
	}
	p.first = false
	p.judge(obs)
	p.interrupt(obs)
	obs.Frame(p, h)
	p.prefix, p.padding, p.content = prefixLen(h), 0, h.Length
	p.small = p.small[:0]
	p.state = inContent
	if p.prefix > 0 {
		p.state = inPrefix
		if uint32(p.prefix) > h.Length {
			p.violate(obs, BadLength)
			p.prefix, p.state = 0, inContent
		}
		p.content -= uint32(p.prefix)
	}
	if h.Length == 0 {
		p.end(obs)
	}
}

// firstFrame checks what begins a direction, and whether it is HTTP/2 at all.
func (p *Parser) firstFrame(obs Observer) bool {
	h := &p.frame
	if h.Type == Settings {
		return true
	}
	if !plausible(h, p.head[5], defaultFrame) {
		obs.Violation(p, NotHTTP2, h.Offset, h)
		p.state = dead
		return false
	}
	p.violate(obs, FirstNotSettings)
	return true
}

func (p *Parser) violate(obs Observer, v Violation) { obs.Violation(p, v, p.frame.Offset, &p.frame) }

// prefixLen is the length of the fields before the content.
func prefixLen(h *Header) (n uint8) {
	if h.Type != Data && h.Type != Headers && h.Type != PushPromise {
		return 0
	}
	if h.Has(Padded) {
		n++
	}
	switch {
	case h.Type == Headers && h.Has(Weighted):
		n += 5
	case h.Type == PushPromise:
		n += 4
	}
	return n
}

// judge names what is wrong with a frame header.
func (p *Parser) judge(obs Observer) {
	h := &p.frame
	if h.Length > p.max && !p.late {
		p.violate(obs, FrameTooLarge)
	}
	switch needsStream(h.Type) {
	case always:
		if h.Stream == 0 {
			p.violate(obs, StreamMissing)
		}
	case never:
		if h.Stream != 0 {
			p.violate(obs, StreamUnexpected)
		}
	}
	if h.Type == Settings && h.Has(Ack) && h.Length > 0 {
		p.violate(obs, AckWithPayload)
	} else if !fitting(h) {
		p.violate(obs, BadLength)
	}
}

// need says whether a frame of a type names a stream.
type need uint8

const (
	either need = iota
	always
	never
)

func needsStream(t Type) need {
	switch t {
	case Data, Headers, Priority, RSTStream, PushPromise, Continuation:
		return always
	case Settings, Ping, GoAway, Origin, PriorityUpdate:
		return never
	}
	return either
}

// fitting tells whether the length is one that the type can have.
func fitting(h *Header) bool {
	switch h.Type {
	case RSTStream, WindowUpdate:
		return h.Length == 4
	case Priority:
		return h.Length == 5
	case Ping:
		return h.Length == 8
	case Settings:
		return h.Length%settingLen == 0 && (!h.Has(Ack) || h.Length == 0)
	case GoAway:
		return h.Length >= 8
	}
	return h.Length >= uint32(prefixLen(h))
}

// interrupt checks that a header block is continued and nothing else is. What
// it lacks is missing in the dynamic table, too.
func (p *Parser) interrupt(obs Observer) {
	h := &p.frame
	continues := h.Type == Continuation
	switch {
	case p.inBlock && (!continues || h.Stream != p.blockHead.Stream):
		p.violate(obs, ContinuationExpected)
	case !p.inBlock && continues:
		if p.TableKnown() {
			p.violate(obs, ContinuationAlone)
		}
	default:
		return
	}
	p.dropBlock()
}

func (p *Parser) dropBlock() {
	p.inBlock = false
	p.hpack.lose()
}

func (p *Parser) feedPrefix(obs Observer, b []byte) []byte {
	n := min(len(b), int(p.prefix))
	p.small = append(p.small, b[:n]...)
	p.prefix -= uint8(n)
	p.off += int64(n)
	if p.prefix == 0 {
		p.state = inContent
		p.prefixDone(obs)
		if p.content+p.padding == 0 {
			p.end(obs)
		}
	}
	return b[n:]
}

func (p *Parser) prefixDone(obs Observer) {
	h := &p.frame
	rest := p.small
	if h.Has(Padded) {
		p.padding = uint32(rest[0])
		rest = rest[1:]
		if p.padding > p.content {
			p.violate(obs, BadPadding)
			p.padding = p.content
		}
		p.content -= p.padding
	}
	if h.Type == PushPromise {
		p.promised = be32(rest) &^ reserved
	}
}

func (p *Parser) feedContent(obs Observer, b []byte) []byte {
	n := min(len(b), int(p.content))
	if n > 0 {
		p.take(obs, b[:n])
		p.content -= uint32(n)
	} else {
		n = min(len(b), int(p.padding))
		p.padding -= uint32(n)
	}
	p.off += int64(n)
	if p.content+p.padding == 0 {
		p.end(obs)
	}
	return b[n:]
}

// take uses a piece of the content.
func (p *Parser) take(obs Observer, b []byte) {
	switch p.frame.Type {
	case Data:
		obs.Data(p, &p.frame, b)
	case Headers, PushPromise, Continuation:
		p.collect(b)
	case RSTStream, Settings, GoAway, WindowUpdate:
		room := maxSmall - len(p.small)
		p.small = append(p.small, b[:min(len(b), room)]...)
	}
}

// collect adds a piece to the header block.
func (p *Parser) collect(b []byte) {
	if p.frame.Type != Continuation && !p.inBlock {
		p.beginBlock()
	}
	if !p.inBlock || p.tooLong {
		return
	}
	if len(p.block)+len(b) > MaxBlock {
		p.tooLong = true
		return
	}
	p.block = append(p.block, b...)
}

func (p *Parser) beginBlock() {
	p.inBlock, p.tooLong, p.blockHead, p.block = true, false, p.frame, p.block[:0]
}

// end uses a frame whose payload is complete.
func (p *Parser) end(obs Observer) {
	p.state = inHeader
	h := &p.frame
	switch h.Type {
	case Data:
		if h.Has(EndStream) {
			obs.EndStream(p, h)
		}
	case Headers, PushPromise:
		if !p.inBlock {
			p.beginBlock()
		}
		p.endBlock(obs)
	case Continuation:
		p.endBlock(obs)
	default:
		p.endSmall(obs)
	}
}

func (p *Parser) endSmall(obs Observer) {
	h, b := &p.frame, p.small
	switch {
	case h.Type == Settings && !h.Has(Ack):
		p.settings = ParseSettings(p.settings[:0], b)
		for _, s := range p.settings {
			if s.invalid() {
				p.violate(obs, BadSetting)
			}
		}
		obs.Settings(p, h, p.settings)
	case h.Type == RSTStream && len(b) >= 4:
		obs.Reset(p, h, ErrorCode(be32(b)))
	case h.Type == WindowUpdate && len(b) >= 4:
		n := be32(b) &^ reserved
		if n == 0 {
			p.violate(obs, ZeroIncrement)
		}
		obs.Window(p, h, n)
	case h.Type == GoAway && len(b) >= 8:
		obs.GoAway(p, h, be32(b)&^reserved, ErrorCode(be32(b[4:])), b[8:min(len(b), 8+MaxDebug)])
	}
}

// endBlock decodes the header block if this frame was its last.
func (p *Parser) endBlock(obs Observer) {
	if !p.inBlock || !p.frame.Has(EndHeaders) {
		return
	}
	p.inBlock = false
	f := &p.fields
	*f = Block{Fields: f.Fields[:0], Promised: p.promised}
	if p.tooLong {
		f.Truncated = true
		p.hpack.lose()
	} else {
		p.hpack.decode(p.block, f, func(v Violation) { obs.Violation(p, v, p.blockHead.Offset, &p.blockHead) })
	}
	if cap(p.block) > keptBlock {
		p.block = nil
	}
	p.promised = 0
	obs.Block(p, &p.blockHead, f)
	clear(f.Fields)
	if p.blockHead.EndsStream() {
		obs.EndStream(p, &p.blockHead)
	}
}

// keptBlock is the largest buffer for header blocks that is kept for the next.
const keptBlock = 8 << 10
