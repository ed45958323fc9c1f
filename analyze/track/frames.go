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

// wsLayer reads the frames of both directions.
type wsLayer struct {
	// What every packet touches lies together.
	at          record.Ref // the packet whose bytes are being fed
	frames      int
	masked      int
	closes      [2]*record.ControlFrame
	dir         record.Dir
	dead        [2]bool // no longer fed
	openingLen  [2]uint8
	late        bool
	deflate     bool
	lastMessage [2]record.Ref
	parser      [2]ws.Parser           // by direction
	tail        [keptFrames]frameEvent // the last frames, a ring

	story        [keptFrames]frameEvent // the first ones
	a            *attempt
	opened       record.Ref
	subprotocol  string
	extensions   string
	begin        [2]record.Ref // first bytes of each direction
	opening      [2][16]byte   // and what they were
	firstMessage [2]record.Ref
	largestAt    [2]record.Ref
	violations   []record.Violation
	firstClose   *record.ControlFrame
	closing      [2]record.ControlFrame // the memory of closes
	afterClose   [2]int
	ended        [2]bool
	damaged      [2]bool
	midFrame     [2]bool // the stream ended inside a frame
	midMessage   [2]bool // or a message
	notWebSocket record.Dir
	notFrames    bool
	uninflated   int
	weakMask     record.Ref
	pings        *pings
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
	l.a, l.opened = a, first(a.responseAt)
	options := [2]ws.Options{{FromClient: true, Inflaters: t.inflaters}, {Inflaters: t.inflaters}}
	if response != nil {
		l.subprotocol, _ = response.Get("Sec-WebSocket-Protocol")
		l.negotiate(response, &options)
	}
	for d := range l.parser {
		l.parser[d].Init(options[d])
	}
	return l
}

// lateWSLayer reads frames whose handshake is not in the capture.
func lateWSLayer(t *Tracker, a *attempt, at record.Ref, compressed bool) *wsLayer {
	l := &wsLayer{a: a, opened: at, late: true, deflate: compressed}
	for d := range l.parser {
		o := ws.Options{FromClient: d == int(record.Client), Late: true, Inflaters: t.inflaters}
		o.Deflate = &ws.DeflateParams{Assumed: true}
		l.parser[d].Init(o)
	}
	return l
}

// negotiate reads the extensions that the server selected.
func (l *wsLayer) negotiate(response *http1.Head, options *[2]ws.Options) {
	const field = "Sec-WebSocket-Extensions"
	l.extensions, _ = response.Get(field)
	if d, ok := http1.PlainDeflate(l.extensions, true); ok && response.Count(field) == 1 {
		l.inflate(&d, options)
		return
	}
	values := response.Values(field)
	l.extensions = joinList(values)
	list, _ := http1.ParseExtensions(values)
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

func (l *wsLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	d := s.conn.dir(from)
	s.conn.touch(d, at)
	l.at, l.dir = at, d
	if l.dead[d] {
		return
	}
	if d == record.Client && l.openingLen[d] == 0 && l.a.request == "" && at.Before(l.opened) {
		if b = l.belated(at, b); len(b) == 0 {
			return
		}
	}
	if have := l.openingLen[d]; have < uint8(len(l.opening[d])) {
		if have == 0 {
			l.begin[d] = at
		}
		l.openingLen[d] += uint8(copy(l.opening[d][have:], b))
		if have == 0 && !l.late && foreign(b) {
			l.notFrames, l.notWebSocket, l.dead[d] = true, d, true
			return
		}
	}
	l.parser[d].Feed(l, b)
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
	l.a.request, l.a.requestAt = string(b[:end]), append(l.a.requestAt[:0], piece{0, at})
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
	d := l.dir
	l.frames++
	event := &l.tail[(l.frames-1)%keptFrames]
	if l.frames <= keptFrames {
		event = &l.story[l.frames-1]
	}
	*event = frameEvent{time: l.at.Time, packet: l.at.Packet, length: uint32(min(h.Length, 1<<32-1)), file: int16(l.at.File), dir: d, opcode: h.Opcode}
	if d == record.Client && h.Masked {
		if l.masked++; p.WeakKey() && !l.weakMask.Seen() {
			l.weakMask = l.at
		}
	}
	if l.closes[d] != nil && !h.Opcode.IsControl() {
		l.afterClose[d]++
	}
}

// Message implements ws.Observer.
func (l *wsLayer) Message(p *ws.Parser, m *ws.Message) {
	d := l.dir
	if !l.lastMessage[d].Seen() {
		l.firstMessage[d] = l.at
	}
	l.lastMessage[d] = l.at
	if m.Size > p.LargestMessage {
		l.largestAt[d] = l.at
	}
	if m.Uninflated && !m.Damaged && p.Exceeded() {
		l.uninflated++
	}
}

// Control implements ws.Observer.
func (l *wsLayer) Control(p *ws.Parser, h *ws.Header, payload []byte) {
	switch h.Opcode {
	case ws.Close:
		status := ws.ParseClose(payload)
		frame := &l.closing[l.dir]
		if l.closes[l.dir] != nil {
			frame = new(record.ControlFrame)
		}
		*frame = record.ControlFrame{Ref: l.at, Dir: l.dir, Code: int(status.Code), HasCode: status.HasCode, Reason: status.Reason, Length: int(h.Length)}
		if l.closes[l.dir] == nil {
			l.closes[l.dir] = frame
		}
		if l.firstClose == nil || frame.Ref.Before(l.firstClose.Ref) {
			l.firstClose = frame
		}
	case ws.Ping:
		l.ping(payload)
	case ws.Pong:
		l.pong(payload)
	}
}

func (l *wsLayer) ping(payload []byte) {
	if l.pings == nil {
		l.pings = &pings{}
	}
	f := &l.pings.facts[l.dir]
	f.Sent++
	if waiting := l.pings.waiting[l.dir]; len(waiting) < maxPings {
		l.pings.waiting[l.dir] = append(waiting, ping{sum(payload), l.at})
	}
}

// pong pairs the Pong with its Ping. "If an endpoint receives a Ping frame and
// has not yet sent Pong frame(s) in response to previous Ping frame(s), the
// endpoint MAY elect to send a Pong frame for only the most recently processed
// Ping frame." (RFC 6455, section 5.5.3): so it answers earlier ones as well.
func (l *wsLayer) pong(payload []byte) {
	if l.pings == nil {
		return
	}
	by := l.dir.Other()
	waiting := l.pings.waiting[by]
	want := sum(payload)
	for i := len(waiting) - 1; i >= 0; i-- {
		if waiting[i].payload != want {
			continue
		}
		f := &l.pings.facts[by]
		f.Answered += i + 1
		rtt := l.at.Time.Sub(waiting[i].at.Time)
		if rtt > f.Slowest {
			f.Slowest, f.SlowestPing, f.SlowestPong = rtt, waiting[i].at, l.at
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
	for i := range l.violations {
		if f := &l.violations[i]; f.Kind == v && f.Dir == l.dir {
			f.Count++
			return
		}
	}
	l.violations = append(l.violations, record.Violation{Kind: v, Dir: l.dir, Ref: l.at, Offset: at, Header: *h, Count: 1,
		First: p.Offset() == 0 || h.Offset == 0})
}

func (l *wsLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	d := s.conn.dir(from)
	l.at, l.dir = at, d
	l.damaged[d] = true
	if !l.dead[d] {
		l.parser[d].Gap(l, n)
	}
}

func (l *wsLayer) end(s *slot, from reassembly.Side, at record.Ref) {
	l.ended[s.conn.dir(from)] = true
}

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
		return l.story[:l.frames], nil, 0
	}
	turn := l.frames % keptFrames
	if l.frames < 2*keptFrames {
		return l.story[:], l.tail[:turn], 0
	}
	tail = append(slices.Clone(l.tail[turn:]), l.tail[:turn]...)
	return l.story[:], tail, l.frames - 2*keptFrames
}

// facts puts together what rules judge.
func (l *wsLayer) facts(f *record.WSFacts) {
	*f = record.WSFacts{}
	f.OpenedRef, f.HandshakeSeen, f.ByFrames = l.opened, !l.late, l.late
	f.Subprotocol, f.Extensions, f.Deflate = l.subprotocol, l.extensions, l.deflate
	f.FirstMessage, f.LastMessage, f.LargestRef, f.Uninflated = l.firstMessage, l.lastMessage, l.largestAt, l.uninflated
	f.Violations, f.Damaged = l.violations, l.damaged
	f.Closes, f.FirstClose, f.DataAfterClose = l.closes, l.firstClose, l.afterClose
	f.MaskedFrames, f.FirstWeakMask = l.masked, l.weakMask
	for d := range l.parser {
		p, n := &l.parser[d], &f.Frames[d]
		n.Text, n.Binary, n.Continuation = int64(p.Count(ws.Text)), int64(p.Count(ws.Binary)), int64(p.Count(ws.Continuation))
		n.Ping, n.Pong, n.Close = int64(p.Count(ws.Ping)), int64(p.Count(ws.Pong)), int64(p.Count(ws.Close))
		f.Messages[d], f.Bytes[d], f.Largest[d] = int64(p.Messages), int64(p.MessageBytes), int64(p.LargestMessage)
		f.MidFrame[d] = l.midFrame[d] && !l.damaged[d]
		f.MidMessage[d] = (l.midMessage[d] || l.midFrame[d]) && !l.damaged[d]
	}
	f.WeakZeroMasks, f.WeakSameMasks = int(l.parser[record.Client].ZeroKeys), int(l.parser[record.Client].SameKeys)
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
	foreign, from := l.notFrames, l.notWebSocket
	if !foreign && !l.late {
		for d := range l.parser {
			broken := 0
			for _, v := range l.violations {
				if v.Dir == record.Dir(d) && v.Header.Offset == 0 && v.Kind <= ws.LengthTopBit {
					broken++
				}
			}
			if (broken >= 3 || broken == 2 && printable(l.opening[d][:l.openingLen[d]])) && l.parser[d].Messages == 0 {
				foreign, from = true, record.Dir(d)
			}
		}
	}
	if foreign {
		f.NotWebSocket = l.opening[from][:l.openingLen[from]]
		f.NotWebSocketDir, f.NotWebSocketRef = from, l.begin[from]
	}
}

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
