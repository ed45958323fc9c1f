package track

import (
	"bytes"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/reassembly"
)

// maxEarly bounds what is held of a client that sends before the answer to its
// Upgrade request has come.
const maxEarly = 64 << 10

// maxPending bounds the requests on a connection that wait for their answer;
// pipelining beyond it makes answers be matched with no request.
const maxPending = 1 << 17

// httpLayer reads HTTP/1.1 in both directions until an Upgrade succeeds.
type httpLayer struct {
	exchanges
	pending []method        // requests without their final answer, in order
	seenIn  [2]headSeen     // of the head under way
	parser  [2]http1.Parser // by direction

	// Most connections need no more than this of pending: it lies here.
	ownPending [8]method
}

// exchanges is what an httpLayer knows beside what it keeps memory for.
type exchanges struct {
	first int // of pending
	done  int // complete exchanges

	// upgrade is the attempt whose answer is awaited; its request is the last of pending.
	upgrade *attempt
	latest  *attempt // the last attempt, answered or not
	refused bool     // the body now coming is that of latest's refusal
	silent  [2]bool  // nothing more is read of this direction
	// requestsLost: the capture lacks requests, so that answers cannot be told by their place.
	requestsLost bool
	apart        bool // aside is the layer's own
	*aside            // else it is the tracker's empty one, which is for reading
}

// aside is what few connections need: see httpLayer.own.
type aside struct {
	strange *attempt // whose answer is not HTTP
	early   []byte   // what the client sent since the Upgrade request
	earlyAt []piece

	connect   *tunnel // the CONNECT whose answer is awaited; its request is the last of pending
	refusal   *tunnel // whose refusal's body is now coming
	earlyLost bool    // the capture lacks some of what the client sent early
	// ahead is what the server sent in answer to bytes that the capture has further back.
	ahead    []byte
	aheadAt  []piece
	orphan   keptHead // an answer that came before any request
	orphanAt seenAt
}

// own is the place for what few connections need.
func (h *httpLayer) own() *aside {
	if !h.apart {
		h.aside, h.apart = new(aside), true
	}
	return h.aside
}

// method is what must be known of a request when its answer comes.
type method uint8

const (
	methodOther method = iota
	methodHEAD
	methodCONNECT
	methodUpgrade
	methodUpgradeHEAD // which RFC 6455 does not allow, but curl -I asks so
)

var methodNames = [...]string{"GET", "HEAD", "CONNECT", "GET", "HEAD"}

func (m method) upgrades() bool { return m >= methodUpgrade }

func newHTTPLayer(t *Tracker) *httpLayer {
	h := t.pool.https.get()
	h.aside = &t.noAside
	return h
}

func (h *httpLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	d := s.conn.dir(from)
	if h.upgrade != nil || h.latest != nil {
		s.conn.touch(d, at)
	}
	if d == record.Client && h.awaits() {
		h.holdEarly(s, at, b)
		return
	}
	if d == record.Server && h.isAhead(s, len(b)) {
		x := h.own()
		x.aheadAt = append(x.aheadAt, piece{int64(len(x.ahead)), at})
		x.ahead = append(x.ahead, b...)
		return
	}
	if d == record.Server && h.upgrade != nil {
		h.upgrade.answered = true
	}
	h.feed(s, d, at, b)
	if d == record.Client && len(h.ahead) > 0 && !h.awaitsRequest(s) {
		h.releaseAhead(s)
	}
}

// awaitsRequest: what the server sends now answers a request that has not come.
// Captures of several queues or processors hold answers before what they
// answer; the acknowledgement tells, which covers bytes further back.
func (h *httpLayer) awaitsRequest(s *slot) bool {
	return h.first >= len(h.pending) && s.conn.flow.Awaited(s.conn.side(record.Client))
}

// isAhead tells whether the server's next n bytes have to wait for a request.
func (h *httpLayer) isAhead(s *slot, n int) bool {
	if len(h.ahead)+n > maxEarly {
		h.releaseAhead(s)
		return false
	}
	return len(h.ahead) > 0 || h.awaitsRequest(s)
}

// releaseAhead reads what the server sent once its turn has come.
func (h *httpLayer) releaseAhead(s *slot) {
	if len(h.ahead) == 0 {
		return
	}
	ahead, at := h.ahead, h.aheadAt
	h.ahead, h.aheadAt = nil, nil
	for ref, b := range perPacket(ahead, at) {
		if s.layer == h {
			if h.upgrade != nil {
				h.upgrade.answered = true
			}
			h.feed(s, record.Server, ref, b)
		} else {
			s.layer.data(s, s.conn.side(record.Server), ref, b)
		}
	}
}

// feed pushes bytes through a parser, one event after the other.
func (h *httpLayer) feed(s *slot, d record.Dir, at record.Ref, b []byte) {
	p := &h.parser[d]
	if h.strange != nil && d == record.Server {
		h.strange.more(s.conn.t).keepNotHTTP(b)
	}
	if h.connect != nil && len(h.connect.strange) > 0 {
		if d == record.Server {
			h.connect.keepStrange(s, at, b)
		}
		return
	}
	for len(b) > 0 && !h.silent[d] {
		if s.layer != h {
			s.layer.data(s, s.conn.side(d), at, b) // what follows a 101
			return
		}
		if d == record.Client && h.awaits() {
			h.holdEarly(s, at, b)
			return
		}
		start := p.Offset()
		n, event := p.Feed(b)
		h.seenIn[d].note(start, at)
		fed := b
		b = b[n:]
		switch event {
		case http1.HeadDone:
			if d == record.Client {
				h.request(s, p)
			} else {
				h.response(s, p)
			}
			h.seenIn[d].reset()
		case http1.BodyData:
			h.seenIn[d].reset()
			h.body(s, d, at, p)
		case http1.MessageDone:
			h.seenIn[d].reset()
		case http1.NotHTTP:
			h.notHTTP(s, d, at, p, fed)
		default:
			if n == 0 {
				return
			}
		}
	}
}

// awaits: the client's next bytes can only be understood when the answer is there.
func (h *httpLayer) awaits() bool { return h.upgrade != nil || h.connect != nil }

// headSeen is where the pieces of a head were seen: mostly all in one packet.
type headSeen struct {
	offset int64 // of the first piece, in the stream
	one    mark
	others *[]piece // nil unless there are several
}

func (x *headSeen) reset() {
	x.one = mark{}
	if x.others != nil {
		*x.others = (*x.others)[:0]
	}
}

// note remembers in which packet the bytes of a head were seen.
func (x *headSeen) note(start int64, at record.Ref) {
	if !x.one.seen() {
		x.offset, x.one = start, markOf(at)
		return
	}
	if x.last().Packet == at.Packet {
		return
	}
	if x.others == nil {
		x.others = new([]piece)
	}
	if len(*x.others)+1 < http1.MaxHead>>6 {
		*x.others = append(*x.others, piece{start, at})
	}
}

// several: the head came in more than one packet.
func (x *headSeen) several() bool { return x.others != nil && len(*x.others) > 0 }

// last is the packet of the latest piece.
func (x *headSeen) last() record.Ref {
	if x.several() {
		return (*x.others)[len(*x.others)-1].at
	}
	return x.one.ref()
}

// keep copies where the head's pieces were seen, by offset in the head.
func (h *httpLayer) keep(d record.Dir, p *http1.Parser) (kept []piece) {
	x := &h.seenIn[d]
	if !x.one.seen() {
		return nil
	}
	kept = append(kept, piece{max(0, x.offset-p.HeadStart()), x.one.ref()})
	if x.several() {
		for _, at := range *x.others {
			kept = append(kept, piece{max(0, at.offset-p.HeadStart()), at.at})
		}
	}
	return kept
}

// seen is keep for an attempt.
func (h *httpLayer) seen(d record.Dir, p *http1.Parser) seenAt {
	if x := &h.seenIn[d]; x.one.seen() && !x.several() {
		return seenAt{one: x.one}
	}
	return seenIn(h.keep(d, p))
}

func (h *httpLayer) request(s *slot, p *http1.Parser) {
	kind := methodOther
	switch {
	case p.MethodIs("HEAD") && !p.Trace():
		kind = methodHEAD
	case p.MethodIs("CONNECT"):
		kind = methodCONNECT
		h.asksConnect(s, p)
	case p.Trace():
		kind = methodUpgrade
		if p.MethodIs("HEAD") {
			kind = methodUpgradeHEAD
		}
		a := s.conn.attempt()
		a.by, a.scheme, a.tls, a.transport, a.preceding = byUpgrade, s.scheme, s.tls, overHTTP1, int32(h.done)
		a.request = s.conn.t.keepHead(p.Raw())
		a.asks(s.conn.t, h.seen(record.Client, p))
		h.begin(s, a)
		h.claimOrphan(s, a)
		if h.requestsLost {
			h.first = len(h.pending) // a client that does not pipeline has had the answers to all others
		}
		s.conn.asked(a, p)
	default:
		s.conn.polled(p, final(h.keep(record.Client, p)))
	}
	if len(h.pending)-h.first < maxPending {
		if h.first > 64 && h.first > len(h.pending)/2 {
			h.pending = append(h.pending[:0], h.pending[h.first:]...)
			h.first = 0
		}
		h.pending = append(h.pending, kind)
	}
	p.SetBody(p.RequestBody())
}

// begin makes a the attempt of this stream. One TCP connection is one entry:
// a second Upgrade request takes the place of the first, which was refused.
func (h *httpLayer) begin(s *slot, a *attempt) {
	if h.latest != nil {
		a.attempts = h.latest.attempts + 1
		s.conn.drop(h.latest)
	}
	h.upgrade, h.latest = a, a
	h.refused = false
	s.conn.add(a)
	s.conn.touch(record.Client, a.requestSeen().last())
}

func (h *httpLayer) response(s *slot, p *http1.Parser) {
	kind, known := methodOther, h.first < len(h.pending)
	status := p.StatusCode()
	if !known && status >= 300 && h.answersUnfinished(s) {
		known = true
	}
	if known {
		kind = h.pending[h.first]
	}
	if status >= 100 && status < 200 && status != 101 {
		if h.upgrade != nil && kind.upgrades() {
			h.upgrade.interim++
		}
		p.SetBody(http1.NoBody, 0)
		return
	}
	if known {
		h.first++
		h.done++
	}
	switch {
	case kind.upgrades() && h.upgrade != nil && status == 0:
		h.notHTTP(s, record.Server, h.seen(record.Server, p).last(), p, p.Raw()) // "HTTP/1.1 OK"
		p.SetBody(http1.NoBody, 0)
	case kind.upgrades() && h.upgrade != nil:
		h.answer(s, p, status, kind)
	case status == 101 && kind == methodOther && p.Head().HasToken("Upgrade", "h2c"):
		p.SetBody(http1.NoBody, 0)
		s.layer = newH2Layer([2]bool{})
	case status == 101:
		h.orphan101(s, p, known)
	case kind == methodCONNECT && h.connect != nil:
		h.answersConnect(s, p, status)
	default:
		h.answeredHeader(s, p, status)
		h.refused = false
		if body, n := p.ResponseBody(methodNames[kind]); !known && status/100 == 2 && body == http1.UntilClose {
			p.SetBody(http1.NoBody, 0) // the request may have been CONNECT
		} else {
			p.SetBody(body, n)
		}
	}
}

// answersUnfinished: the server refused an Upgrade request whose head it has not
// got as a whole: it waited long enough (408), or the head is too large.
func (h *httpLayer) answersUnfinished(s *slot) bool {
	if h.requestsLost || !h.parser[record.Client].InHead() || !h.cutRequest(s, &h.parser[record.Client], false) {
		return false
	}
	h.silent[record.Client] = true
	return true
}

// answer takes the final response to the Upgrade request.
func (h *httpLayer) answer(s *slot, p *http1.Parser, status int, kind method) {
	a := h.upgrade
	h.upgrade = nil
	a.answered = true
	a.response = s.conn.t.keepHead(p.Raw())
	a.answers(s.conn.t, h.seen(record.Server, p))
	s.conn.touch(record.Server, a.responseSeen().last())
	if status != 101 {
		h.refused = true
		p.SetBody(p.ResponseBody(methodNames[kind]))
		h.releaseEarly(s)
		return
	}
	trace, plain := p.Trace(), !p.Extended()
	p.SetBody(http1.NoBody, 0)
	h.open(s, a, trace, plain)
}

// orphan101 takes a 101 whose request is not in the capture.
func (h *httpLayer) orphan101(s *slot, p *http1.Parser, known bool) {
	head, raw, at := p.Head(), s.conn.t.keepHead(p.Raw()), h.seen(record.Server, p)
	p.SetBody(http1.NoBody, 0) // Raw is gone now
	if known || !head.HasToken("Upgrade", "websocket") && !head.Has("Sec-WebSocket-Accept") {
		s.dismiss() // an upgrade to another protocol
		return
	}
	a := &attempt{by: byUpgrade, scheme: s.scheme, tls: s.tls, transport: overHTTP1, answered: true}
	a.response = raw
	a.answers(s.conn.t, at)
	s.conn.add(a)
	h.open(s, a, false, false)
}

// open hands the stream over to the frames, unless the 101 says that it is
// another protocol which was asked for. Of a plain one, that has a trace of
// WebSocket and no extensions, no more needs to be known.
func (h *httpLayer) open(s *slot, a *attempt, trace, plain bool) {
	if x := a.further; x != nil && x.early > 0 && a.responseSeen().last().Before(x.earlyAt) {
		x.early, x.earlyAt = 0, record.Ref{} // it came after the answer, which was only held back for a gap before it
	}
	var response *http1.Head
	if !trace || !plain {
		response = &s.conn.t.spare.response
		s.conn.t.parseHead(response, http1.Response, a.response)
	}
	if !trace && !response.HasToken("Upgrade", "websocket") && response.Has("Upgrade") && !a.asksForWebSocket(s.conn.t) {
		s.conn.drop(a)
		s.dismiss()
		return
	}
	a.ws = newWSLayer(s.conn.t, a, response)
	s.layer = a.ws
	h.releaseEarly(s)
	if s == &s.conn.root {
		s.conn.t.spent = h
	}
}

// asksForWebSocket: the request lists websocket in Upgrade, or is not there.
func (a *attempt) asksForWebSocket(t *Tracker) bool {
	if a.request == "" {
		return true
	}
	head := &t.spare.request
	t.parseHead(head, http1.Request, a.request)
	return head.HasToken("Upgrade", "websocket")
}

// holdEarly keeps what the client sends while it waits for the answer: frames,
// or the next request.
func (h *httpLayer) holdEarly(s *slot, at record.Ref, b []byte) {
	if a := h.upgrade; a != nil && !s.conn.flow.Awaited(s.conn.side(record.Server)) {
		a.more(s.conn.t).keepEarly(at, len(b))
	}
	if room := maxEarly - len(h.early); room > 0 {
		x := h.own()
		x.earlyAt = append(x.earlyAt, piece{int64(len(x.early)), at})
		x.early = append(x.early, b[:min(room, len(b))]...)
	}
}

// releaseEarly feeds what was held to the layer that now reads the stream.
func (h *httpLayer) releaseEarly(s *slot) {
	if len(h.early) == 0 {
		return
	}
	early, at := h.early, h.earlyAt
	h.early, h.earlyAt = nil, nil
	rest := 0
	if a := h.latest; a != nil && a.requestLost {
		// What follows a gap in the request is the rest of its head.
		rest = len(early)
		if i := bytes.Index(early, []byte("\r\n\r\n")); i >= 0 {
			rest = i + 4
		}
	}
	for ref, b := range perPacket(early, at) {
		skip := min(rest, len(b))
		rest, b = rest-skip, b[skip:]
		switch {
		case len(b) == 0:
		case s.layer == h:
			h.feed(s, record.Client, ref, b)
		default:
			s.layer.data(s, s.conn.side(record.Client), ref, b)
		}
	}
}

// body keeps the beginning of a refusal's body.
func (h *httpLayer) body(s *slot, d record.Dir, at record.Ref, p *http1.Parser) {
	if t := h.refusal; t != nil && d == record.Server {
		if len(t.body) == 0 {
			t.bodyAt = at
		}
		b := p.Body()
		t.body = append(t.body, b[:min(len(b), maxBody-len(t.body))]...)
		return
	}
	if d != record.Server || !h.refused || h.latest == nil {
		return
	}
	h.latest.more(s.conn.t).keepBody(at, p.Body())
}

// maxNotHTTP is how much is kept of an answer that is not HTTP.
const maxNotHTTP = 64

func (h *httpLayer) notHTTP(s *slot, d record.Dir, at record.Ref, p *http1.Parser, fed []byte) {
	h.silent[d] = true
	if a := h.upgrade; a != nil && d == record.Server {
		x := a.more(s.conn.t)
		x.keepNotHTTP(p.Held())
		x.keepNotHTTP(fed)
		x.notHTTPAt = at
		h.own().strange = a
		h.upgrade = nil
		return
	}
	if t := h.connect; t != nil && d == record.Server {
		t.keepStrange(s, at, append(p.Held()[:len(p.Held()):len(p.Held())], fed...))
		return
	}
	if len(s.conn.attempts()) == 0 {
		s.dismiss()
	}
}

// keepNotHTTP adds to an answer that is not HTTP.
func (x *further) keepNotHTTP(b []byte) {
	x.notHTTP = append(x.notHTTP, b[:min(len(b), maxNotHTTP-len(x.notHTTP))]...)
	x.tlsAnswer = len(x.notHTTP) >= 3 && x.notHTTP[0] == 0x15 && x.notHTTP[1] == 3
}

func (h *httpLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	d := s.conn.dir(from)
	if len(h.ahead) > 0 { // what it answers, or what goes with it, will not come
		if h.releaseAhead(s); s.layer != h {
			s.layer.missing(s, from, at, n)
			return
		}
	}
	p := &h.parser[d]
	if a := h.upgrade; a != nil {
		if d == record.Client {
			a.more(s.conn.t).early += int(min(n, maxEarly))
			return
		}
		h.cutResponse(s, a, p, s.conn.lost)
		h.upgrade = nil
		h.resume(s, a)
		return
	}
	if h.connect != nil {
		if d == record.Client {
			h.earlyLost = true
		} else {
			h.losesConnect(s, at, p)
		}
		return
	}
	if d == record.Server && p.InHead() && h.cut101(s, p) {
		return
	}
	if d == record.Client && p.InHead() && h.cutRequest(s, p, s.conn.lost) {
		h.silent[d] = true
		return
	}
	h.requestsLost = h.requestsLost || d == record.Client
	if !p.Gap(n) && d == record.Server {
		if h.refused = false; h.refusal != nil {
			h.refusal = nil
		}
	}
}

// resume goes on where the answer to the Upgrade request is lost: frames may
// follow it.
func (h *httpLayer) resume(s *slot, a *attempt) {
	s.layer = &opening{late: true, attempt: a, early: h.early, earlyAt: h.earlyAt}
	if h.early != nil {
		h.early, h.earlyAt = nil, nil
	}
}

// releaseEarly hands on what the client sent while its answer was awaited.
func (o *opening) releaseEarly(s *slot) {
	early, at := o.early, o.earlyAt
	o.early, o.earlyAt = nil, nil
	for ref, b := range perPacket(early, at) {
		s.layer.data(s, s.conn.side(record.Client), ref, b)
	}
}

// answersAgain: what was lost was an interim answer or that to an earlier
// request; the one to the Upgrade request only begins.
func (o *opening) answersAgain(s *slot, from reassembly.Side, at record.Ref, b []byte) bool {
	a := o.attempt
	if a == nil || a.response != "" || s.conn.dir(from) != record.Server || http1.LooksResponse(b) != http1.Yes {
		return false
	}
	a.responseCut, a.responseLost, a.answered = false, false, false
	h := newHTTPLayer(s.conn.t)
	h.upgrade, h.latest, h.pending = a, a, append(h.pending, methodUpgrade)
	if len(o.early) > 0 {
		x := h.own()
		x.early, x.earlyAt = o.early, o.earlyAt
	}
	s.layer = h
	h.data(s, from, at, b)
	return true
}

// cut101 makes an attempt of an answer of 101 that is cut where its request
// could not be told to be one.
func (h *httpLayer) cut101(s *slot, p *http1.Parser) bool {
	head := p.Partial()
	if head == nil || head.Status != 101 {
		return false
	}
	a := &attempt{by: byUpgrade, scheme: s.scheme, tls: s.tls, transport: overHTTP1}
	h.cutResponse(s, a, p, true)
	s.conn.add(a)
	h.resume(s, a)
	return true
}

// cutRequest makes an attempt of an Upgrade request whose head is incomplete.
func (h *httpLayer) cutRequest(s *slot, p *http1.Parser, byCapture bool) bool {
	head := p.Partial()
	if head == nil || h.silent[record.Client] || !http1.HasTrace(head) {
		return false
	}
	a := &attempt{by: byUpgrade, scheme: s.scheme, tls: s.tls, transport: overHTTP1, preceding: int32(h.done), requestCut: true, requestLost: byCapture}
	a.request = s.conn.t.keepHead(p.Raw())
	a.asks(s.conn.t, h.seen(record.Client, p))
	h.begin(s, a)
	h.pending = append(h.pending, methodUpgrade)
	return true
}

func (h *httpLayer) cutResponse(s *slot, a *attempt, p *http1.Parser, byCapture bool) {
	a.responseCut, a.responseLost, a.answered = true, byCapture, true
	a.response = s.conn.t.keepHead(p.Raw())
	a.answers(s.conn.t, h.seen(record.Server, p))
}

func (h *httpLayer) end(s *slot, from reassembly.Side, at record.Ref) {
	d := s.conn.dir(from)
	if d == record.Client && len(h.ahead) > 0 {
		if h.releaseAhead(s); s.layer != h {
			s.layer.end(s, from, at)
			return
		}
	}
	p := &h.parser[d]
	if d == record.Server && h.upgrade != nil && p.InHead() {
		h.cutResponse(s, h.upgrade, p, false)
		h.upgrade = nil
	}
	if d == record.Client && p.InHead() {
		h.cutRequest(s, p, false)
	}
	p.End()
}

func (h *httpLayer) close(s *slot) {
	if len(h.ahead) > 0 {
		if h.releaseAhead(s); s.layer != h {
			s.layer.close(s)
			return
		}
	}
	if p := &h.parser[record.Server]; h.upgrade != nil && p.InHead() {
		h.cutResponse(s, h.upgrade, p, false)
	}
	if p := &h.parser[record.Client]; p.InHead() {
		h.cutRequest(s, p, false)
	}
	if a := h.upgrade; a != nil && !a.answered && len(h.early) > 0 && s.conn.flow.Half(s.conn.side(record.Server)).Packets == 0 {
		// Only the client's direction is in the capture: it may have gone on to send frames.
		h.resume(s, a)
		s.layer.close(s)
	}
}
