package analyze

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// describe fills in what a report says of a connection, from its facts.
func describe(c *record.Connection) {
	f := c.Facts
	c.TCP = tcpRecord(&f.TCP)
	if h := f.H2; h != nil {
		c.TCP.EndedHow, c.TCP.EndedBy = h.TCPEndHow, ""
		if h.TCPEndHow != "" {
			c.TCP.EndedBy = h.TCPEndBy.String()
		}
	}
	c.Filter = filter(c)
	if f.Upgrade != nil {
		describeUpgrade(c, f.Upgrade)
	}
	if f.WS != nil {
		c.WebSocket = webSocketRecord(f.WS)
	}
}

func describeUpgrade(c *record.Connection, u *record.UpgradeFacts) {
	if h := u.Request; h != nil {
		c.Request = &record.Request{Method: h.Method, Target: h.Target, Version: h.Version, Headers: headers(h), Packet: u.RequestRef.Packet}
		c.Host, _ = h.Get("Host")
		if c.Host != "" && !u.RequestCut {
			c.URL = c.Scheme + "://" + c.Host + originForm(h.Target)
		}
	}
	if h := u.Response; h != nil && !(u.ResponseCut && h.Status == 0) {
		c.Response = &record.Response{Status: h.Status, Reason: h.Reason, Version: h.Version, Headers: headers(h),
			Packet: u.ResponseRef.Packet, BodyExcerpt: string(u.Body)}
		if u.RequestRef.Seen() {
			c.Response.LatencyMS = record.Millis(max(0, u.ResponseRef.Time.Sub(u.RequestLast.Time))) // an answer may come before its request
		}
	}
}

// filter is the Wireshark display filter that shows the connection.
func filter(c *record.Connection) string {
	family := "ip"
	if c.Client.Addr().Is6() {
		family = "ipv6"
	}
	b := make([]byte, 0, 256) // on the stack
	for i, side := range [...]netip.AddrPort{c.Client, c.Server} {
		if i > 0 {
			b = append(b, " && "...)
		}
		b = append(append(b, family...), ".addr=="...)
		b = side.Addr().AppendTo(b)
		b = strconv.AppendUint(append(b, " && tcp.port=="...), uint64(side.Port()), 10)
	}
	b = strconv.AppendInt(append(b, " && frame.number>="...), c.FirstPacket, 10)
	if c.LastCapture == "" {
		b = strconv.AppendInt(append(b, " && frame.number<="...), c.LastPacket, 10)
	}
	return string(b)
}

func webSocketRecord(f *record.WSFacts) *record.WebSocket {
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
	return w
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
