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
	facts := &record.Facts{Files: t.o.Files(), First: ref(f.First()), Last: ref(f.Last()), TCP: tcpFacts(f), Preceding: a.preceding}
	r := &record.Connection{Client: unmapped(f.Addr(f.Client)), Server: unmapped(f.Addr(f.Client.Other())), Facts: facts,
		RecognizedBy: a.by, Transport: a.transport, Scheme: a.scheme, Encapsulation: t.o.Encapsulation(f.Encapsulation)}
	if r.RecognizedBy == "" {
		r.RecognizedBy = record.ByNothing
	}
	facts.Vantage = f.Vantage
	facts.EndOfCapture = last && !facts.TCP.End.Seen()
	facts.CaptureEnd = facts.Last
	if last {
		facts.CaptureEnd = t.o.End(f.Vantage)
	}
	end := facts.TCP.End
	if !end.Seen() {
		end = facts.Last
	}
	c.silenceFacts(&facts.TCP, end)
	for i := range facts.TCP.Stalls {
		if s := &facts.TCP.Stalls[i]; !s.End.Seen() {
			s.Length = facts.CaptureEnd.Time.Sub(s.Begin.Time)
		}
	}
	a.fill(r, facts)
	if c != nil && c.tunnel != nil && c.tunnel.carries(a) {
		c.tunnel.fill(r, facts)
	}
	if c != nil && c.proxy != nil {
		fillProxy(c.proxy, r, facts)
	}
	if a.tls != nil {
		a.tls.fill(r, facts)
		facts.TLSFailed, facts.Opaque = a.failed, a.opaque
	}
	t.number(r, facts)
	r.TCP = tcpRecord(&facts.TCP)
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
	family := "ip"
	if r.Client.Addr().Is6() {
		family = "ipv6"
	}
	r.Filter = fmt.Sprintf("%s.addr==%s && tcp.port==%d && %s.addr==%s && tcp.port==%d && frame.number>=%d",
		family, r.Client.Addr(), r.Client.Port(), family, r.Server.Addr(), r.Server.Port(), f.First.Packet)
	if f.Last.File != f.First.File {
		if int(f.Last.File) < len(f.Files) {
			r.LastCapture = f.Files[f.Last.File]
		}
		return
	}
	r.Filter += fmt.Sprintf(" && frame.number<=%d", f.Last.Packet)
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func tcpRecord(t *record.TCPFacts) *record.TCP {
	c, s := &t.Sides[record.Client], &t.Sides[record.Server]
	r := &record.TCP{Retransmissions: c.Retransmissions + s.Retransmissions, ClientBytes: c.Bytes, ServerBytes: s.Bytes, EndedHow: t.EndHow}
	if t.HandshakeRTT > 0 {
		ms := record.Millis(t.HandshakeRTT)
		r.HandshakeMS = &ms
	}
	if t.EndHow != "" {
		r.EndedBy = t.EndBy.String()
	}
	return r
}

// fill adds what the attempt's own layers saw.
func (a *attempt) fill(r *record.Connection, facts *record.Facts) {
	request, response := a.heads()
	if request == nil && response == nil && a.ws == nil {
		r.Scheme, r.Transport = "", ""
		return
	}
	if request != nil || response != nil {
		facts.Upgrade = a.upgradeFacts(request, response, facts)
		if request != nil {
			r.Request = &record.Request{Method: request.Method, Target: request.Target, Version: request.Version,
				Headers: headers(request), Packet: facts.Upgrade.RequestRef.Packet}
			r.Host, _ = request.Get("Host")
			if r.Host != "" && !a.requestCut {
				r.URL = r.Scheme + "://" + r.Host + originForm(request.Target)
			}
		}
		if response != nil && !(a.responseCut && response.Status == 0) {
			r.Response = &record.Response{Status: response.Status, Reason: response.Reason, Version: response.Version,
				Headers: headers(response), Packet: facts.Upgrade.ResponseRef.Packet, BodyExcerpt: string(a.body)}
			if facts.Upgrade.RequestRef.Seen() {
				r.Response.LatencyMS = record.Millis(facts.Upgrade.ResponseRef.Time.Sub(facts.Upgrade.RequestLast.Time))
			}
		}
	}
	if a.ws != nil {
		a.ws.fill(r, facts)
	}
}

func headers(h *http1.Head) record.Headers {
	list := make(record.Headers, len(h.Fields))
	for i := range h.Fields {
		list[i] = [2]string{h.Fields[i].Name, h.Fields[i].Value}
	}
	return list
}

// originForm gives the path and query of a target in absolute form.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	if _, rest, ok := strings.Cut(target, "://"); ok {
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return target
}

func (a *attempt) upgradeFacts(request, response *http1.Head, facts *record.Facts) *record.UpgradeFacts {
	tcp := &facts.TCP
	u := &record.UpgradeFacts{Request: request, RequestRef: first(a.requestAt), RequestLast: final(a.requestAt), RequestCut: a.requestCut,
		Response: response, ResponseRef: first(a.responseAt), ResponseLast: final(a.responseAt), ResponseCut: a.responseCut,
		CutByCapture: a.requestLost || a.responseLost, NotHTTP: a.notHTTP, NotHTTPRef: a.notHTTPAt, Interim: a.interim,
		Body: a.body, BodyRef: a.bodyAt, EarlyData: a.early, EarlyDataRef: a.earlyAt, TLSAnswer: a.tlsAnswer}
	if request != nil {
		u.RequestLines = lines(request, a.requestAt)
		u.Absolute = !strings.HasPrefix(request.Target, "/") && strings.Contains(request.Target, "://")
		if key, ok := request.Get("Sec-WebSocket-Key"); ok {
			u.WantAccept = http1.AcceptFor(strings.TrimSpace(key))
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
		u.ResponseLines = lines(response, a.responseAt)
		if request != nil && !a.requestCut && response.Status == 101 {
			u.BadExtensions = badExtensions(request, response)
		}
		u.BodyEncoding, _ = response.Get("Content-Encoding")
	}
	return u
}

// lines names the packet of each field line.
func lines(h *http1.Head, pieces []piece) []record.Ref {
	refs := make([]record.Ref, len(h.Fields))
	for i := range h.Fields {
		refs[i] = pieceAt(pieces, h.Fields[i].Start)
	}
	return refs
}

func (l *wsLayer) fill(r *record.Connection, facts *record.Facts) {
	f := l.facts()
	facts.WS = f
	w := &record.WebSocket{Subprotocol: f.Subprotocol, Extensions: f.Extensions}
	w.Messages = record.PerSide{Client: f.Messages[record.Client], Server: f.Messages[record.Server]}
	w.Bytes = record.PerSide{Client: f.Bytes[record.Client], Server: f.Bytes[record.Server]}
	w.Frames.Client, w.Frames.Server = f.Frames[record.Client], f.Frames[record.Server]
	for d := range f.Pings {
		if f.Pings[d].Median > 0 && w.PingMS == nil {
			ms := record.Millis(f.Pings[d].Median)
			w.PingMS = &ms
		}
	}
	r.WebSocket = w
	if close := f.FirstClose; close != nil {
		r.Close = &record.Close{By: close.Dir, Code: close.Code, HasCode: close.HasCode, Reason: close.Reason, Packet: close.Ref.Packet}
		for i := range facts.TCP.Resets {
			facts.TCP.Resets[i].AfterClose = facts.TCP.Resets[i].Ref.Time >= close.Ref.Time
		}
	}
	r.Facts.Story = l
}

// Events is the story that the frames tell.
func (l *wsLayer) Events() []record.Event {
	head, tail, between := l.frameEvents()
	events := make([]record.Event, 0, len(head)+len(tail)+1)
	add := func(list []frameEvent) {
		for i := range list {
			e := &list[i]
			events = append(events, record.Event{Packet: e.at.Packet, Time: e.at.Time, File: e.at.File, From: e.dir.String(),
				What: e.opcode.String(), Text: strconv.FormatUint(e.length, 10) + " bytes"})
		}
	}
	add(head)
	if between > 0 {
		last := head[len(head)-1].at
		events = append(events, record.Event{Packet: last.Packet, Time: last.Time, File: last.File, What: "frames", Text: fmt.Sprintf("%d more frames", between)})
	}
	add(tail)
	return events
}
