package track

import (
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/h2"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// h2Stream is one stream that is, or may be, a WebSocket.
type h2Stream struct {
	l    *h2Layer
	id   uint32
	a    *attempt
	slot slot
	pulse

	request, response *http1.Head
	ended             [2]record.Ref // END_STREAM, by who sent it
	reset             *record.H2Reset
	closed            bool // nothing more is read of it
	answerLost        bool // the answer may be in a gap
	early             []byte
	earlyAt           []piece
	guess             *guess // the request is not in the capture: whether these are frames

	window [2]h2.Window  // by who sends DATA
	full   [2]record.Ref // since when it is used up
	stalls []record.Stall
}

// asksWebSocket tells by what a request for a WebSocket is recognised; byNothing if
// it is none. "The :protocol pseudo-header field MUST be included in the CONNECT
// request, and it MUST have a value of 'websocket'" (RFC 8441, section 5). In a
// late capture either may be unknowable.
func asksWebSocket(b *h2.Block) sign {
	method, hasMethod := b.Get(":method")
	protocol, hasProtocol := b.Get(":protocol")
	traced := false
	for i := range b.Fields {
		traced = traced || strings.HasPrefix(b.Fields[i].Name, "sec-websocket-")
	}
	unknown := b.Unknown > 0
	switch {
	case hasProtocol && strings.EqualFold(protocol, "websocket"),
		!hasProtocol && unknown && traced && (!hasMethod || method == "CONNECT"):
		return byExtendedConnect
	case method == "GET" && traced:
		// The handshake of HTTP/1.1, which HTTP/2 has no use for.
		return byUpgrade
	}
	return byNothing
}

// requestHead is the head that HTTP/1.1 would have: "The Host information is
// conveyed as part of the :authority pseudo-header field" (RFC 8441, section 5).
// cut tells that the target could not be decoded.
func requestHead(b *h2.Block) (head *http1.Head, cut bool) {
	head = newHead(http1.Request, b)
	head.Method, _ = b.Get(":method")
	if head.Method == "" && b.Unknown > 0 {
		head.Method = "CONNECT"
	}
	path, ok := b.Get(":path")
	head.Target = path
	if authority, known := b.Get(":authority"); known {
		head.Fields = append(head.Fields, http1.Field{Name: "Host", Value: authority})
	}
	addFields(head, b)
	return head, !ok && (b.Unknown > 0 || b.Truncated)
}

func responseHead(b *h2.Block) *http1.Head {
	head := newHead(http1.Response, b)
	status, _ := b.Get(":status")
	if n, err := strconv.Atoi(status); err == nil && len(status) == 3 {
		head.Status = n
	}
	addFields(head, b)
	return head
}

func newHead(kind http1.Kind, b *h2.Block) *http1.Head {
	return &http1.Head{Kind: kind, Version: "HTTP/2", Fields: make([]http1.Field, 0, len(b.Fields)), Truncated: b.Truncated || b.Unknown > 0}
}

func addFields(head *http1.Head, b *h2.Block) {
	for i := range b.Fields {
		f := &b.Fields[i]
		if f.Unknown || f.Name == "" || f.Name[0] == ':' {
			continue
		}
		head.Fields = append(head.Fields, http1.Field{Name: f.Name, Value: f.Value})
	}
}

// answer takes a response's header block.
func (st *h2Stream) answer(b *h2.Block) {
	l, a := st.l, st.a
	head := responseHead(b)
	if head.Status >= 100 && head.Status < 200 && head.Status != 101 {
		a.interim++
		return
	}
	st.touch(l.dir, l.at)
	a.answered = true
	st.response = head
	a.answers(l.s.conn.t, seenIn(l.blockPieces()))
	if head.Status == 0 {
		// 200 is in the static table: what cannot be decoded is another status.
		a.responseCut, a.responseLost = true, b.Unknown > 0 || b.Truncated
	}
	// Any 2xx answer to CONNECT opens the tunnel (RFC 9110 section 9.3.6), which RFC
	// 8441 makes the WebSocket.
	if head.Status/100 == 2 && (st.request == nil || st.request.Method == "CONNECT") {
		st.open(newWSLayer(l.s.conn.t, a, head))
		return
	}
	st.early, st.earlyAt = nil, nil
}

// open begins to read frames.
func (st *h2Stream) open(ws *wsLayer) {
	st.a.ws = ws
	early, at := st.early, st.earlyAt
	st.early, st.earlyAt = nil, nil
	client := st.slot.conn.side(record.Client)
	for ref, b := range perPacket(early, at) {
		ws.data(&st.slot, client, ref, b)
	}
}

// data takes DATA of the direction at hand.
func (st *h2Stream) data(b []byte) {
	l, a := st.l, st.a
	st.touch(l.dir, l.at)
	switch {
	case a.ws != nil:
		a.ws.data(&st.slot, st.slot.conn.side(l.dir), l.at, b)
	case st.guess != nil, st.answerLost && st.response == nil:
		st.lookLate(b)
	case l.dir == record.Server && st.response != nil:
		a.more(l.s.conn.t).keepBody(l.at, b)
	case l.dir == record.Client && st.response == nil:
		st.holdEarly(b)
	}
}

// holdEarly keeps what the client sends before the answer.
func (st *h2Stream) holdEarly(b []byte) {
	st.a.more(st.slot.conn.t).keepEarly(st.l.at, len(b))
	if room := maxEarly - len(st.early); room > 0 {
		st.earlyAt = append(st.earlyAt, piece{int64(len(st.early)), st.l.at})
		st.early = append(st.early, b[:min(room, len(b))]...)
	}
}

// missing takes bytes of the direction at hand that are not in the capture.
func (st *h2Stream) missing(n int64) {
	side := st.slot.conn.side(st.l.dir)
	switch {
	case st.closed && st.a.ws != nil:
		st.a.ws.damaged[st.l.dir] = true // a gap is found late: what it swallowed may have come before the end
	case st.closed:
	case st.a.ws != nil:
		st.a.ws.missing(&st.slot, side, st.l.at, n)
	case st.guess != nil:
		st.guess.restart(side)
	}
}

// sends takes the length of a DATA frame off the window.
func (st *h2Stream) sends(h *h2.Header) {
	l := st.l
	st.window[l.dir].Sent(h.Length)
	if !st.full[l.dir].Seen() && !h.EndsStream() && (st.window[l.dir].Exhausted() || l.window[l.dir].Exhausted()) {
		st.full[l.dir] = l.at
	}
}

// maxH2Stalls bounds the stalls kept of one stream.
const maxH2Stalls = 16

// grant looks whether a sender may go on. Short waits are nothing to keep.
func (st *h2Stream) grant(sender record.Dir) {
	full := st.full[sender]
	if !full.Seen() || st.window[sender].Exhausted() || st.l.window[sender].Exhausted() {
		return
	}
	st.full[sender] = record.Ref{}
	if length := st.l.at.Time.Sub(full.Time); int64(length) >= minPause && len(st.stalls) < maxH2Stalls && !st.closed {
		st.stalls = append(st.stalls, record.Stall{From: sender.Other(), Begin: full, End: st.l.at, Length: length})
	}
}

// close ends the reading of the stream.
func (st *h2Stream) close() {
	if st.closed {
		return
	}
	st.closed = true
	st.early, st.earlyAt = nil, nil
	if st.guess != nil {
		st.forget()
	}
	if st.a.ws != nil {
		st.a.ws.close(&st.slot)
	}
	if st.response == nil && st.answerLost && st.a.ws == nil {
		st.a.responseCut, st.a.responseLost = true, true
	}
}
