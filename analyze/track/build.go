package track

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/reassembly"
)

// build puts together the record of one attempt, when its flow has ended. c is
// nil for a flow that never carried a byte.
func (t *Tracker) build(f *reassembly.Flow, c *conn, a *attempt, last bool) *record.Connection {
	r := t.outline(f, c, a, last)
	t.Fill(r)
	return r
}

// Fill adds to an emitted record what its attempt's own layers saw, unless that is there.
func (t *Tracker) Fill(r *record.Connection) {
	if b := r.Facts.Memory.(*block); b.attempt != nil {
		a := b.attempt
		b.attempt, b.handshake = nil, t.handshake()
		a.fill(t, b, r)
	}
}

// outline is build without what Fill adds, unless more depends on that.
func (t *Tracker) outline(f *reassembly.Flow, c *conn, a *attempt, last bool) *record.Connection {
	b := t.block()
	facts := &b.facts
	facts.Files, facts.First, facts.Last, facts.Preceding = t.o.Files(), ref(f.First()), ref(f.Last()), int(a.preceding)
	tcpFacts(&facts.TCP, f)
	r := &b.record.Connection
	*r = record.Connection{}
	r.Client, r.Server, r.Facts = unmapped(f.Addr(f.Client)), unmapped(f.Addr(f.Client.Other())), facts
	r.RecognizedBy, r.Transport, r.Scheme = signs[a.by], transports[a.transport], schemes[a.scheme]
	if f.Encapsulation != 0 {
		r.Encapsulation = t.o.Encapsulation(f.Encapsulation)
	}
	facts.Vantage = f.Vantage
	facts.EndOfCapture = last && !facts.TCP.End.Seen()
	facts.CaptureEnd = facts.Last
	if last {
		facts.CaptureEnd = t.o.End(f.Vantage, facts.Last.Time)
	}
	if a.tls != nil {
		a.tls.whoEnded(&facts.TCP)
	}
	end := facts.TCP.End
	if !end.Seen() {
		end = facts.Last
	}
	if c != nil {
		c.silenceFacts(&facts.TCP, end)
		facts.Samples = c.samples()
	}
	for i := range facts.TCP.Stalls {
		if s := &facts.TCP.Stalls[i]; !s.End.Seen() {
			s.Length = facts.CaptureEnd.Time.Sub(s.Begin.Time)
		}
	}
	if a.h2 != nil {
		a.h2.narrow(facts)
	}
	if a.request == "" && a.response == "" && a.h2 == nil && a.ws == nil {
		r.Scheme, r.Transport = "", ""
	} else {
		b.attempt = a
	}
	if a.tls != nil || a.h2 != nil || c != nil && (c.tunnel() != nil || c.few != nil) {
		t.Fill(r)
	}
	if c != nil && c.tunnel() != nil && c.tunnel().carries(a) {
		c.tunnel().fill(r, facts)
	}
	if c != nil && c.proxy() != nil {
		fillProxy(c.proxy(), r, facts)
	}
	if a.tls != nil {
		a.tls.fill(r, facts)
		a.tls.darken(facts)
		facts.TLSFailed, facts.Opaque = a.failed, a.opaque
	}
	t.number(r, facts)
	if a.h2 != nil {
		a.h2.number(r, facts)
	}
	return r
}

// number names the connection by its packets.
func (t *Tracker) number(r *record.Connection, f *record.Facts) {
	r.FirstPacket, r.LastPacket = f.First.Packet, f.Last.Packet
	r.Started, r.Ended = f.First.Time, f.Last.Time
	r.DurationMS = record.Millis(f.Last.Time.Sub(f.First.Time))
	r.ID = strconv.FormatInt(f.First.Packet, 10)
	if len(f.Files) > 1 {
		r.ID = strconv.Itoa(int(f.First.File)+1) + ":" + r.ID
	}
	if int(f.First.File) < len(f.Files) {
		r.Capture = f.Files[f.First.File]
	}
	if f.Last.File != f.First.File && int(f.Last.File) < len(f.Files) {
		r.LastCapture = f.Files[f.Last.File]
	}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// fill adds what the attempt's own layers saw.
func (a *attempt) fill(t *Tracker, b *block, r *record.Connection) {
	request, response := t.headsOf(a, b.handshake)
	if request == nil && response == nil && a.ws == nil {
		r.Scheme, r.Transport = "", ""
		return
	}
	if request != nil || response != nil {
		b.facts.Upgrade = &b.handshake.upgrade
		a.upgradeFacts(b, request, response)
	}
	if a.ws != nil {
		a.ws.fill(b, r)
	}
}

// lastField is the name of a head's last field: a cut may go through its value.
func lastField(h *http1.Head) string {
	if len(h.Fields) == 0 {
		return ""
	}
	return h.Fields[len(h.Fields)-1].Name
}

func (a *attempt) upgradeFacts(b *block, request, response *http1.Head) {
	facts, tcp, u, m := &b.facts, &b.facts.TCP, &b.handshake.upgrade, b.handshake
	*u = record.UpgradeFacts{}
	u.Request, u.RequestRef, u.RequestLast, u.RequestCut = request, a.requestAt.ref(), a.requestSeen().last(), a.requestCut
	u.Response, u.ResponseRef, u.ResponseLast, u.ResponseCut = response, a.responseAt.ref(), a.responseSeen().last(), a.responseCut
	u.CutByCapture, u.Interim = a.requestLost || a.responseLost, int(a.interim)
	if x := a.further; x != nil {
		u.NotHTTP, u.NotHTTPRef, u.TLSAnswer, u.Body, u.BodyRef = x.notHTTP, x.notHTTPAt, x.tlsAnswer, x.body, x.bodyAt
		u.EarlyData, u.EarlyDataRef = x.early, x.earlyAt
	}
	if request != nil {
		u.RequestLines = lines(&m.lines[0], request, a.requestSeen().pieces)
		u.Absolute = !strings.HasPrefix(request.Target, "/") && strings.Contains(request.Target, "://")
		if key, ok := request.Get("Sec-WebSocket-Key"); ok && !(a.requestCut && strings.EqualFold(lastField(request), "Sec-WebSocket-Key")) {
			accept := ""
			if response != nil {
				accept, _ = response.Get("Sec-WebSocket-Accept")
			}
			u.WantAccept = http1.AcceptLike(strings.TrimSpace(key), accept)
		}
		c := &tcp.Sides[record.Client]
		u.RequestSent = 1
		for _, x := range tcp.Retransmissions {
			if x.From == record.Client && x.Original.Packet == u.RequestRef.Packet && x.Original.File == u.RequestRef.File {
				u.RequestSent++
			}
		}
		u.RequestAcked = c.Unacked == 0 || c.UnackedFirst.Time > u.RequestLast.Time || response != nil
		if !u.RequestAcked {
			u.RequestSent = max(u.RequestSent, c.UnackedSent)
		}
		end := tcp.End
		if !end.Seen() {
			end = facts.CaptureEnd
		}
		u.Waited = max(0, end.Time.Sub(u.RequestLast.Time))
	}
	if response != nil {
		u.ResponseLines = lines(&m.lines[1], response, a.responseSeen().pieces)
		if request != nil && !a.requestCut && (response.Status == 101 || a.h2 != nil && a.ws != nil && !request.Truncated) {
			if u.ExtensionsFit = fitsPlainly(request, response); !u.ExtensionsFit {
				u.BadExtensions = badExtensions(request, response)
			}
		}
		u.BodyEncoding, _ = response.Get("Content-Encoding")
	}
}

// lines names the packet of each field line, in memory that is used again; of a
// head in one packet, none.
func lines(memory *[]record.Ref, h *http1.Head, pieces *[]piece) []record.Ref {
	if pieces == nil {
		return nil
	}
	refs := (*memory)[:0]
	for i := range h.Fields {
		refs = append(refs, pieceAt(*pieces, h.Fields[i].Start))
	}
	*memory = refs
	return refs
}

func (l *wsLayer) fill(b *block, r *record.Connection) {
	facts, f := &b.facts, &b.handshake.ws
	var response *http1.Head
	if u := facts.Upgrade; u != nil {
		response = u.Response
	}
	l.facts(f, response)
	facts.WS, facts.Story = f, l
	if close := f.FirstClose; close != nil {
		r.Close = &b.record.closed
		*r.Close = record.Close{By: close.Dir, Code: close.Code, HasCode: close.HasCode, Reason: close.Reason, Packet: close.Ref.Packet}
		for i := range facts.TCP.Resets {
			facts.TCP.Resets[i].AfterClose = !facts.TCP.Resets[i].Ref.Before(close.Ref)
		}
	}
}

// Events appends the story that the frames tell.
func (l *wsLayer) Events(events []record.Event) []record.Event {
	head, tail, between := l.frameEvents()
	add := func(list []frameEvent) {
		for i := range list {
			e := &list[i]
			at := e.at()
			events = append(events, record.Event{Packet: at.Packet, Time: at.Time, File: at.File, From: e.dir().String(),
				What: e.opcode().String(), Text: e.size()})
		}
	}
	add(head)
	if between > 0 {
		last, more := head[len(head)-1].at(), "1 more frame"
		if between > 1 {
			more = fmt.Sprintf("%d more frames", between)
		}
		events = append(events, record.Event{Packet: last.Packet, Time: last.Time, File: last.File, What: "frames", Text: more})
	}
	add(tail)
	return events
}
