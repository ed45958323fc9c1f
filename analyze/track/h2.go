package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/h2"
	"github.com/wsleuth/wsleuth/reassembly"
)

// maxH2Streams bounds the WebSocket streams of one HTTP/2 connection that are
// followed.
const maxH2Streams = 1 << 14

// h2Layer reads an HTTP/2 connection: each stream that a WebSocket asked for
// (RFC 8441) is an attempt of its own, all others are only counted.
type h2Layer struct {
	s       *slot
	at      record.Ref // the packet whose bytes are being fed
	dir     record.Dir
	chunk   []byte // those bytes
	parser  [2]h2.Parser
	streams map[uint32]*h2Stream
	list    []*h2Stream // in order

	blockAt    [2]record.Ref // where the latest header block began
	late       bool          // streams may be open whose request was not seen
	connect    bool
	settingsAt record.Ref
	goAway     [2]*record.H2Reset
	initial    [2]uint32 // window of new streams, by who sends DATA
	window     [2]h2.Window
	answered   uint32 // the latest stream that the server answered though none was known to ask
	other      int
	untracked  int
	guessed    int // bytes held for streams that may be WebSockets
}

// newH2Layer makes a layer for an HTTP/2 connection in cleartext or inside
// TLS; late says of each direction that its beginning is not in the capture.
func newH2Layer(late [2]bool) *h2Layer {
	l := &h2Layer{streams: map[uint32]*h2Stream{}, late: late[0] || late[1]}
	for d := range l.parser {
		l.parser[d].Init(h2.Options{FromClient: d == int(record.Client), Late: late[d]})
		l.initial[d] = h2.DefaultWindow
		if !l.late {
			l.window[d] = h2.NewWindow(h2.DefaultWindow)
		}
	}
	return l
}

func (l *h2Layer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	d := s.conn.dir(from)
	l.s, l.at, l.dir, l.chunk = s, at, d, b
	l.parser[d].Feed(l, b)
	l.chunk = nil
}

func (l *h2Layer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	d := s.conn.dir(from)
	l.s, l.at, l.dir = s, at, d
	l.parser[d].Gap(l, n)
}

func (l *h2Layer) end(s *slot, from reassembly.Side, at record.Ref) {
	d := s.conn.dir(from)
	for _, st := range l.list {
		if st.a.ws != nil && !st.closed {
			st.a.ws.end(&st.slot, s.conn.side(d), at)
		}
	}
}

func (l *h2Layer) close(s *slot) {
	for _, st := range l.list {
		st.close()
	}
}

// Frame implements h2.Observer.
func (l *h2Layer) Frame(p *h2.Parser, h *h2.Header) {
	switch h.Type {
	case h2.Headers:
		l.blockAt[l.dir] = l.at
	case h2.Data:
		l.window[l.dir].Sent(h.Length)
		if st := l.streams[h.Stream]; st != nil && st.a != nil {
			st.sends(h)
		}
	}
}

// Data implements h2.Observer.
func (l *h2Layer) Data(p *h2.Parser, h *h2.Header, b []byte) {
	st := l.streams[h.Stream]
	if st == nil && l.late {
		st = l.unknown(h.Stream)
	}
	if st != nil && !st.closed {
		st.data(b)
	}
}

// DataMissing implements h2.Observer.
func (l *h2Layer) DataMissing(p *h2.Parser, h *h2.Header, n int64) {
	if st := l.streams[h.Stream]; st != nil {
		st.missing(n)
	}
}

// Lost implements h2.Observer: what is missing may belong to any stream.
func (l *h2Layer) Lost(p *h2.Parser) {
	l.late = true
	l.window = [2]h2.Window{}
	for _, st := range l.list {
		st.window = [2]h2.Window{}
		st.missing(unknownLoss)
		if l.dir == record.Server && st.response == nil {
			st.answerLost = true
		}
	}
}

// Block implements h2.Observer.
func (l *h2Layer) Block(p *h2.Parser, h *h2.Header, b *h2.Block) {
	if h.Type != h2.Headers {
		return
	}
	st := l.streams[h.Stream]
	switch {
	case l.dir == record.Client && st == nil:
		l.request(h, b)
	case l.dir == record.Server && st != nil && !st.closed && st.response == nil:
		st.answer(b)
	case l.dir == record.Server && st == nil && h.Stream%2 == 1: // none that it pushes
		l.answered = max(l.answered, h.Stream)
	}
}

// request looks whether a new stream is a WebSocket.
func (l *h2Layer) request(h *h2.Header, b *h2.Block) {
	by := asksWebSocket(b)
	if by == byNothing {
		if !l.late || b.Unknown == 0 {
			l.other++
		}
		return
	}
	st := l.begin(h.Stream, by)
	if st == nil {
		return
	}
	st.request, st.a.requestCut = requestHead(b)
	st.a.requestLost = st.a.requestCut
	st.answerLost = h.Stream <= l.answered // it came before, while the client's bytes waited for a gap
	st.a.asks(l.s.conn.t, seenIn(l.blockPieces()))
	st.a.preceding = int32(l.other)
	st.touch(l.dir, l.at)
	if !st.a.requestCut {
		l.s.conn.askedOn(int64(h.Stream), st.request.Target, l.at)
	}
}

// blockPieces says in which packets the header block at hand was seen.
func (l *h2Layer) blockPieces() []piece {
	from := l.blockAt[l.dir]
	if from == l.at {
		return []piece{{0, l.at}}
	}
	return []piece{{0, from}, {1, l.at}}
}

// begin makes an attempt of a stream; nil if there are too many.
func (l *h2Layer) begin(id uint32, by sign) *h2Stream {
	st := l.enter(id)
	if st != nil {
		l.s.conn.add(st.a)
		st.a.by = by
	}
	return st
}

// enter makes a stream that is not yet an attempt.
func (l *h2Layer) enter(id uint32) *h2Stream {
	if len(l.list) >= maxH2Streams {
		l.untracked++
		return nil
	}
	st := &h2Stream{l: l, id: id, a: &attempt{scheme: l.s.scheme, tls: l.s.tls, transport: overHTTP2}}
	st.a.h2 = st
	st.slot = slot{conn: l.s.conn, scheme: l.s.scheme, depth: l.s.depth, tls: l.s.tls}
	if !l.late {
		st.window = [2]h2.Window{h2.NewWindow(l.initial[0]), h2.NewWindow(l.initial[1])}
	}
	l.streams[id] = st
	l.list = append(l.list, st)
	return st
}

// EndStream implements h2.Observer.
func (l *h2Layer) EndStream(p *h2.Parser, h *h2.Header) {
	st := l.streams[h.Stream]
	if st == nil || st.closed {
		return
	}
	if !st.ended[l.dir].Seen() {
		st.ended[l.dir] = l.at
		if st.a.ws != nil {
			st.a.ws.end(&st.slot, l.s.conn.side(l.dir), l.at)
		}
	}
	if st.ended[l.dir.Other()].Seen() {
		st.close()
	}
}

// Reset implements h2.Observer.
func (l *h2Layer) Reset(p *h2.Parser, h *h2.Header, code h2.ErrorCode) {
	st := l.streams[h.Stream]
	if st == nil || st.reset != nil {
		return
	}
	st.reset = &record.H2Reset{Ref: l.at, Dir: l.dir, Code: uint32(code), Name: code.String()}
	st.close()
}

// GoAway implements h2.Observer. A graceful end takes two: the first announces
// it, the second names the last stream; an error counts more than both.
func (l *h2Layer) GoAway(p *h2.Parser, h *h2.Header, last uint32, code h2.ErrorCode, debug []byte) {
	if x := l.goAway[l.dir]; x != nil && (x.Code != uint32(h2.NoError) || code == h2.NoError) {
		return
	}
	l.goAway[l.dir] = &record.H2Reset{Ref: l.at, Dir: l.dir, Code: uint32(code), Name: code.String(), Debug: string(debug), Last: last}
}

// Settings implements h2.Observer.
func (l *h2Layer) Settings(p *h2.Parser, h *h2.Header, list []h2.Setting) {
	peer := l.dir.Other()
	l.parser[peer].Obey(list)
	if l.dir == record.Server && !l.settingsAt.Seen() {
		l.settingsAt = l.at
	}
	for _, x := range list {
		switch x.ID {
		case h2.EnableConnectProtocol:
			if l.dir == record.Server && x.Value == 1 && !l.connect {
				l.connect, l.settingsAt = true, l.at
			}
		case h2.InitialWindowSize:
			for _, st := range l.list {
				st.window[peer].Resize(l.initial[peer], x.Value)
				st.grant(peer)
			}
			l.initial[peer] = x.Value
		}
	}
}

// Window implements h2.Observer.
func (l *h2Layer) Window(p *h2.Parser, h *h2.Header, n uint32) {
	peer := l.dir.Other()
	if h.Stream != 0 {
		if st := l.streams[h.Stream]; st != nil {
			st.window[peer].Update(n)
			st.grant(peer)
		}
		return
	}
	exhausted := l.window[peer].Exhausted()
	l.window[peer].Update(n)
	if exhausted {
		for _, st := range l.list {
			st.grant(peer)
		}
	}
}

// Violation implements h2.Observer.
func (l *h2Layer) Violation(p *h2.Parser, v h2.Violation, at int64, h *h2.Header) {
	if v != h2.NotHTTP2 && v != h2.BadPreface {
		return
	}
	for _, st := range l.list {
		if l.dir == record.Server && st.response == nil {
			x := st.a.more(st.slot.conn.t)
			x.notHTTP = append(x.notHTTP[:0], l.chunk[:min(len(l.chunk), maxNotHTTP)]...)
			x.notHTTPAt = l.at
		}
	}
	if len(l.s.conn.attempts()) == 0 {
		l.s.dismiss()
	}
}
