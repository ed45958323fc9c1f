package track

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"github.com/wsleuth/wsleuth/reassembly"
)

// The story of a connection keeps its first and its last frames.
const (
	keptFrames = 8  // of each
	maxPings   = 64 // Pings that may wait for their Pong
	maxRTTs    = 63 // round trips kept for the median
)

// wsLayer reads the frames of both directions. Hundreds of thousands may be
// open at once: what few need lies apart.
type wsLayer struct {
	// What every frame touches fills this cache line and the two of a direction.
	t *Tracker
	a *attempt
	// story is the first keptFrames frames, and a ring of the last ones.
	story   []frameEvent
	closing *closing // nil: no Close frame was seen
	frames  uint32
	masked  uint32
	began   [2]uint8 // noBytes, noMessage or hasMessage
	dead    [2]bool  // no longer fed
	late    bool
	deflate bool
	apart   bool // beside is the layer's own

	parser [2]frameParser // by direction

	firstMessage [2]mark
	largestAt    [2]mark
	*beside      // else it is the tracker's empty one, which is for reading
	damaged      [2]bool
	midFrame     [2]bool // the stream ended inside a frame
	midMessage   [2]bool // or a message
	notWebSocket record.Dir
	notFrames    bool
}

// beside is what fewer need: see wsLayer.own.
type beside struct {
	pings    *pings
	start    *start // nil: each direction that has bytes has a message
	oddities *oddities
}

// own is the place for what fewer need.
func (l *wsLayer) own() *beside {
	if !l.apart {
		l.beside, l.apart = l.t.pool.besides.get(), true
	}
	return l.beside
}

// frameParser reads one direction.
type frameParser struct {
	ws.Parser
	lastMessage mark
}

// How far a direction has come.
const (
	noBytes uint8 = iota
	noMessage
	hasMessage
)

// current is the bytes that are being fed.
type current struct {
	at  record.Ref
	dir record.Dir
}

// closing is the Close frames, the first of each direction.
type closing struct {
	of     [2]*record.ControlFrame
	first  *record.ControlFrame
	memory [2]record.ControlFrame
	after  [2]int // data frames that followed
}

// start is how the directions begin, in which no message came yet.
type start struct {
	at    [2]record.Ref
	bytes [2][16]byte
	have  [2]uint8
}

// oddities is what few connections have.
type oddities struct {
	opened     record.Ref // of a late layer
	violations []record.Violation
	uninflated int
	weakMask   record.Ref
}

// pings pairs Pings with Pongs, by who sent the Ping.
type pings struct {
	waiting [2][]ping
	facts   [2]record.PingFacts
	rtts    [2][]time.Duration
}

type ping struct {
	payload uint64 // a hash
	at      record.Ref
}

func newWSLayer(t *Tracker, a *attempt, response *http1.Head) *wsLayer {
	l := t.pool.frames.get()
	l.t, l.a, l.beside = t, a, &t.noBeside
	options := [2]ws.Options{{FromClient: true, Inflaters: t.inflaters}, {Inflaters: t.inflaters}}
	if response != nil {
		l.negotiate(response, &options)
	}
	for d := range l.parser {
		l.parser[d].Init(options[d])
	}
	return l
}

// lateWSLayer reads frames whose handshake is not in the capture.
func lateWSLayer(t *Tracker, a *attempt, at record.Ref, compressed bool) *wsLayer {
	l := t.pool.frames.get()
	l.t, l.a, l.beside, l.late, l.deflate = t, a, &t.noBeside, true, compressed
	l.odd().opened = at
	for d := range l.parser {
		o := ws.Options{FromClient: d == int(record.Client), Late: true, Inflaters: t.inflaters}
		o.Deflate = &ws.DeflateParams{Assumed: true}
		l.parser[d].Init(o)
	}
	return l
}

func (l *wsLayer) odd() *oddities {
	if l.oddities == nil {
		l.own().oddities = l.t.pool.oddities.get()
	}
	return l.oddities
}

// opened is the 101, or the first frame.
func (l *wsLayer) opened() record.Ref {
	if l.late {
		return l.oddities.opened
	}
	return l.a.responseAt.ref()
}

const extensionsField = "Sec-WebSocket-Extensions"

// negotiate reads the extensions that the server selected.
func (l *wsLayer) negotiate(response *http1.Head, options *[2]ws.Options) {
	selected, _ := response.Get(extensionsField)
	if d, ok := http1.PlainDeflate(selected, true); ok && response.Count(extensionsField) == 1 {
		l.inflate(&d, options)
		return
	}
	list, _ := http1.ParseExtensions(response.Values(extensionsField))
	for _, e := range list {
		if e.Name != "permessage-deflate" {
			options[0].OtherExtension, options[1].OtherExtension = true, true
			continue
		}
		if l.deflate {
			continue
		}
		d, _ := http1.ParseDeflate(e, true)
		l.inflate(&d, options)
	}
}

// negotiated are the subprotocol and the extensions that the server selected.
func negotiated(response *http1.Head) (subprotocol, extensions string) {
	subprotocol, _ = response.Get("Sec-WebSocket-Protocol")
	extensions, ok := response.Get(extensionsField)
	if ok && response.Count(extensionsField) > 1 {
		extensions = joinList(response.Values(extensionsField))
	}
	return subprotocol, extensions
}

func (l *wsLayer) inflate(d *http1.Deflate, options *[2]ws.Options) {
	l.deflate = true
	options[record.Client].Deflate = &ws.DeflateParams{NoContextTakeover: d.ClientNoContextTakeover, WindowBits: uint8(d.ClientMaxWindowBits)}
	options[record.Server].Deflate = &ws.DeflateParams{NoContextTakeover: d.ServerNoContextTakeover, WindowBits: uint8(d.ServerMaxWindowBits)}
}

func joinList(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	var b bytes.Buffer
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v)
	}
	return b.String()
}

// touch reads from each line of memory that a frame needs.
func (l *wsLayer) touch() uint32 {
	c, s := &l.parser[0], &l.parser[1]
	return l.frames + c.Messages + s.Messages + uint32(c.lastMessage.time) + uint32(s.lastMessage.time)
}

func (l *wsLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	d := s.conn.dir(from)
	s.conn.touch(d, at)
	if l.dead[d] {
		return
	}
	l.t.now = current{at, d}
	if l.began[d] != hasMessage {
		l.begin(b)
		return
	}
	l.parser[d].Feed(l, b)
}

// begin feeds a direction in which no message came yet.
func (l *wsLayer) begin(b []byte) {
	if len(b) == 0 {
		return
	}
	at, d := l.t.now.at, l.t.now.dir
	if d == record.Client && l.began[d] == noBytes && l.a.request == "" && at.Before(l.opened()) {
		if b = l.belated(at, b); len(b) == 0 {
			return
		}
	}
	if l.began[d] == noBytes && !l.late && foreign(b) {
		l.notFrames, l.notWebSocket, l.dead[d] = true, d, true
	} else {
		l.parser[d].Feed(l, b)
	}
	if l.parser[d].Messages == 0 {
		l.began[d] = noMessage
		l.remember(at, d, b)
		return
	}
	l.began[d] = hasMessage
	if l.start != nil && l.began[d.Other()] != noMessage {
		l.t.pool.starts.put(l.start)
		l.start = nil
	}
}

// remember keeps how a direction begins.
func (l *wsLayer) remember(at record.Ref, d record.Dir, b []byte) {
	if l.start == nil {
		l.own().start = l.t.pool.starts.get()
	}
	x := l.start
	if x.have[d] == 0 {
		x.at[d] = at
	}
	x.have[d] += uint8(copy(x.bytes[d][x.have[d]:], b))
}

// belated takes the request that comes after its answer, because it was held
// back for a gap before it, and returns what follows it.
func (l *wsLayer) belated(at record.Ref, b []byte) []byte {
	if l.late || http1.Looks(b) != http1.Yes {
		return b
	}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return nil // only a part of it: the capture's loss
	}
	end += len("\r\n\r\n")
	l.a.request = l.t.keepHead(b[:end])
	l.a.asks(l.t, seenAt{one: markOf(at)})
	return b[end:]
}

// foreign: what begins like this was never meant to be frames. A frame of text
// begins with a byte above 0x80 or below 0x10.
func foreign(b []byte) bool {
	return http1.Looks(b) == http1.Yes || http1.LooksResponse(b) == http1.Yes ||
		len(b) >= 3 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3 && b[2] <= 4 ||
		len(b) >= 2 && b[0] == '<' && (b[1] == '!' || b[1] == 'h' || b[1] == 'H' || b[1] == '?')
}

// Frame implements ws.Observer.
func (l *wsLayer) Frame(p *ws.Parser, h *ws.Header) {
	now := &l.t.now
	l.event().set(&now.at, now.dir, h.Opcode, h.Length)
	if now.dir == record.Client && h.Masked {
		if l.masked++; p.WeakKey() {
			l.weakKey()
		}
	}
	if l.closing != nil && l.closing.of[now.dir] != nil && !h.Opcode.IsControl() {
		l.closing.after[now.dir]++
	}
}

// event is the place of the next frame in the story.
func (l *wsLayer) event() *frameEvent {
	i := int(l.frames)
	l.frames++
	if i >= 2*keptFrames {
		i = keptFrames + i%keptFrames
	}
	if i == len(l.story) {
		if i == cap(l.story) {
			l.story = l.t.pool.longer(l.story)
		}
		l.story = l.story[:i+1]
	}
	return &l.story[i]
}

func (l *wsLayer) weakKey() {
	if o := l.odd(); !o.weakMask.Seen() {
		o.weakMask = l.t.now.at
	}
}

// Message implements ws.Observer.
func (l *wsLayer) Message(p *ws.Parser, m *ws.Message) {
	d, at := l.t.now.dir, markOf(l.t.now.at)
	last := &l.parser[d].lastMessage
	if !last.seen() {
		l.firstMessage[d] = at
	}
	*last = at
	if m.Size > p.LargestMessage {
		l.largestAt[d] = at
	}
	if m.Uninflated && !m.Damaged && p.Exceeded() {
		l.odd().uninflated++
	}
}

// Control implements ws.Observer.
func (l *wsLayer) Control(p *ws.Parser, h *ws.Header, payload []byte) {
	switch h.Opcode {
	case ws.Close:
		l.closes(h, payload)
	case ws.Ping:
		l.ping(payload)
	case ws.Pong:
		l.pong(payload)
	}
}

// closes takes a Close frame.
func (l *wsLayer) closes(h *ws.Header, payload []byte) {
	if l.closing == nil {
		l.closing = l.t.pool.closings.get()
	}
	c, now := l.closing, &l.t.now
	status := ws.ParseClose(payload)
	frame := &c.memory[now.dir]
	if c.of[now.dir] != nil {
		frame = new(record.ControlFrame)
	}
	*frame = record.ControlFrame{Ref: now.at, Dir: now.dir, Code: int(status.Code), HasCode: status.HasCode, Reason: status.Reason, Length: int(h.Length)}
	if c.of[now.dir] == nil {
		c.of[now.dir] = frame
	}
	if c.first == nil || frame.Ref.Before(c.first.Ref) {
		c.first = frame
	}
}

func (l *wsLayer) ping(payload []byte) {
	if l.pings == nil {
		l.own().pings = &pings{}
	}
	now := &l.t.now
	f := &l.pings.facts[now.dir]
	f.Sent++
	waiting := l.pings.waiting[now.dir]
	if len(waiting) == maxPings {
		// A Pong may answer the latest only; the first is the evidence.
		waiting = waiting[:1+copy(waiting[1:], waiting[2:])]
	}
	l.pings.waiting[now.dir] = append(waiting, ping{sum(payload), now.at})
}

// pong pairs the Pong with its Ping. "If an endpoint receives a Ping frame and
// has not yet sent Pong frame(s) in response to previous Ping frame(s), the
// endpoint MAY elect to send a Pong frame for only the most recently processed
// Ping frame." (RFC 6455, section 5.5.3): so it answers earlier ones as well.
func (l *wsLayer) pong(payload []byte) {
	if l.pings == nil {
		return
	}
	now := &l.t.now
	by := now.dir.Other()
	waiting := l.pings.waiting[by]
	want := sum(payload)
	for i := len(waiting) - 1; i >= 0; i-- {
		if waiting[i].payload != want {
			continue
		}
		f := &l.pings.facts[by]
		f.Answered += i + 1
		rtt := now.at.Time.Sub(waiting[i].at.Time)
		if rtt > f.Slowest {
			f.Slowest, f.SlowestPing, f.SlowestPong = rtt, waiting[i].at, now.at
		}
		if len(l.pings.rtts[by]) < maxRTTs {
			l.pings.rtts[by] = append(l.pings.rtts[by], rtt)
		}
		l.pings.waiting[by] = waiting[:copy(waiting, waiting[i+1:])]
		return
	}
}

// sum is FNV-1a with the length: it only has to tell the Pings of one connection apart.
func sum(payload []byte) uint64 {
	h := uint64(14695981039346656037) + uint64(len(payload))
	for len(payload) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(payload)) * 1099511628211
		payload = payload[8:]
	}
	for _, b := range payload {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// Violation implements ws.Observer.
func (l *wsLayer) Violation(p *ws.Parser, v ws.Violation, at int64, h *ws.Header) {
	o, now := l.odd(), &l.t.now
	for i := range o.violations {
		if f := &o.violations[i]; f.Kind == v && f.Dir == now.dir {
			f.Count++
			return
		}
	}
	o.violations = append(o.violations, record.Violation{Kind: v, Dir: now.dir, Ref: now.at, Offset: at, Header: *h, Count: 1,
		First: p.Offset() == 0 || h.Offset == 0})
}

func (l *wsLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	d := s.conn.dir(from)
	l.t.now = current{at, d}
	l.damaged[d] = true
	if !l.dead[d] {
		l.parser[d].Gap(l, n)
	}
}

func (l *wsLayer) end(*slot, reassembly.Side, record.Ref) {}

func (l *wsLayer) close(s *slot) {
	l.mark()
	for d := range l.parser {
		l.parser[d].Release()
	}
}

// mark notes where the streams end if nothing more comes. Release forgets it.
func (l *wsLayer) mark() {
	for d := range l.parser {
		if p := &l.parser[d]; !p.Dead() && !l.dead[d] {
			l.midFrame[d], l.midMessage[d] = p.Mid()
		}
	}
}

// frameEvents is the story: the first and the last frames, in order, and how
// many stand between them.
func (l *wsLayer) frameEvents() (head, tail []frameEvent, between int) {
	if l.frames <= keptFrames {
		return l.story, nil, 0
	}
	head, tail = l.story[:keptFrames], l.story[keptFrames:]
	if l.frames <= 2*keptFrames {
		return head, tail, 0
	}
	turn := int(l.frames % keptFrames)
	tail = append(slices.Clone(tail[turn:]), tail[:turn]...)
	return head, tail, int(l.frames) - 2*keptFrames
}

// facts puts together what rules judge.
func (l *wsLayer) facts(f *record.WSFacts, response *http1.Head) {
	*f = record.WSFacts{}
	f.OpenedRef, f.HandshakeSeen, f.ByFrames, f.Deflate = l.opened(), !l.late, l.late, l.deflate
	if !l.late && response != nil {
		f.Subprotocol, f.Extensions = negotiated(response)
	}
	f.MaskedFrames, f.Damaged = int(l.masked), l.damaged
	if o := l.oddities; o != nil {
		f.Violations, f.FirstWeakMask, f.Uninflated = o.violations, o.weakMask, o.uninflated
	}
	if c := l.closing; c != nil {
		f.Closes, f.FirstClose, f.DataAfterClose = c.of, c.first, c.after
	}
	for d := range l.parser {
		p, n := &l.parser[d], &f.Frames[d]
		n.Text, n.Binary, n.Continuation = int64(p.Count(ws.Text)), int64(p.Count(ws.Binary)), int64(p.Count(ws.Continuation))
		n.Ping, n.Pong, n.Close = int64(p.Count(ws.Ping)), int64(p.Count(ws.Pong)), int64(p.Count(ws.Close))
		f.FirstMessage[d], f.LastMessage[d], f.LargestRef[d] = l.firstMessage[d].ref(), p.lastMessage.ref(), l.largestAt[d].ref()
		f.Messages[d], f.Bytes[d], f.Largest[d] = int64(p.Messages), int64(p.MessageBytes), int64(p.LargestMessage)
		f.MidFrame[d] = l.midFrame[d] && !l.damaged[d]
		f.MidMessage[d] = (l.midMessage[d] || l.midFrame[d]) && !l.damaged[d]
	}
	f.WeakZeroMasks, f.WeakSameMasks = int(l.parser[record.Client].ZeroKeys()), int(l.parser[record.Client].SameKeys())
	l.foreignFacts(f)
	l.pingFacts(f)
	if head, tail, _ := l.frameEvents(); len(tail) > 0 {
		f.LastFrame = tail[len(tail)-1].at()
	} else if len(head) > 0 {
		f.LastFrame = head[len(head)-1].at()
	}
}

// foreignFacts says whether what follows the 101 is no WebSocket at all: it
// begins like another protocol, or its very first frame breaks several rules at once.
func (l *wsLayer) foreignFacts(f *record.WSFacts) {
	if l.start == nil {
		return
	}
	foreign, from := l.notFrames, l.notWebSocket
	if !foreign && !l.late {
		for d := range l.parser {
			broken := 0
			for _, v := range f.Violations {
				if v.Dir == record.Dir(d) && v.Header.Offset == 0 && v.Kind <= ws.LengthTopBit {
					broken++
				}
			}
			if (broken >= 3 || broken == 2 && printable(l.start.of(d))) && l.parser[d].Messages == 0 {
				foreign, from = true, record.Dir(d)
			}
		}
	}
	if foreign {
		f.NotWebSocket = l.start.of(int(from))
		f.NotWebSocketDir, f.NotWebSocketRef = from, l.start.at[from]
	}
}

func (x *start) of(d int) []byte { return x.bytes[d][:x.have[d]] }

// printable: it begins with eight bytes of plain text.
func printable(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	for _, c := range b[:8] {
		if c > 0x7e || c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

func (l *wsLayer) pingFacts(f *record.WSFacts) {
	if l.pings == nil {
		return
	}
	for d := range l.pings.facts {
		p := l.pings.facts[d]
		if waiting := l.pings.waiting[d]; len(waiting) > 0 {
			p.Unanswered = p.Sent - p.Answered
			p.FirstUnanswered, p.LastUnanswered = waiting[0].at, waiting[len(waiting)-1].at
		}
		if rtts := l.pings.rtts[d]; len(rtts) > 0 {
			slices.Sort(rtts)
			p.Median = rtts[len(rtts)/2]
		}
		f.Pings[d] = p
	}
}
