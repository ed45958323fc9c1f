package report

import (
	"errors"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// errNumber cannot come from a capture.
var errNumber = errors.New("cannot encode the result as JSON: a connection has a number that is none")

// connection writes a connection by the tags of record.Connection, which a
// test compares. Lists that the contract always has are never null. The bytes are
// valid until the next call.
func (j *jsonText) connection(c *record.Connection) ([]byte, error) {
	j.buf, j.bad = append(j.buf[:0], '{'), false
	j.identity(c)
	j.layers(c)
	if c.Request != nil {
		j.request(c.Request)
	}
	if c.Response != nil {
		j.response(c.Response)
	}
	if c.WebSocket != nil {
		j.webSocket(c.WebSocket)
	}
	if c.Close != nil {
		j.close(c.Close)
	}
	j.some("reset_by", c.ResetBy)
	j.some("server_log", c.ServerLog)
	if len(c.Events) > 0 {
		j.events(c.Events)
	}
	j.findings(c.Findings)
	j.end('}')
	if j.bad {
		return nil, errNumber
	}
	return j.buf, nil
}

func (j *jsonText) identity(c *record.Connection) {
	j.text("id", c.ID)
	j.address("client", c.Client)
	j.address("server", c.Server)
	j.some("dns_name", c.DNSName)
	j.count("dns_packet", c.DNSPacket)
	j.some("scheme", c.Scheme)
	j.some("url", c.URL)
	j.some("host", c.Host)
	j.some("transport", c.Transport)
	j.text("recognized_by", string(c.RecognizedBy))
	j.text("phase", string(c.Phase))
	j.text("outcome", string(c.Outcome))
	j.text("fault", string(c.Fault))
	j.text("verdict", c.Verdict)
	j.some("next_step", c.NextStep)
	j.time("started", c.Started)
	j.time("ended", c.Ended)
	j.decimal("duration_ms", c.DurationMS)
	j.text("capture", c.Capture)
	j.some("last_capture", c.LastCapture)
	j.number("first_packet", c.FirstPacket)
	j.number("last_packet", c.LastPacket)
	if len(c.Views) > 0 {
		j.list("views")
		for _, v := range c.Views {
			j.next()
			j.begin('{')
			j.text("capture", v.Capture)
			j.number("first_packet", v.FirstPacket)
			j.number("last_packet", v.LastPacket)
			j.end('}')
		}
		j.end(']')
	}
	j.some("hop_of", c.HopOf)
	j.text("wireshark_filter", c.Filter)
}

func (j *jsonText) layers(c *record.Connection) {
	if t := c.TCP; t != nil {
		j.object("tcp")
		j.measured("handshake_ms", t.HandshakeMS)
		j.number("retransmissions", t.Retransmissions)
		j.number("client_bytes", t.ClientBytes)
		j.number("server_bytes", t.ServerBytes)
		j.some("ended_by", t.EndedBy)
		j.some("ended_how", t.EndedHow)
		j.end('}')
	}
	if c.TLS != nil {
		j.tls(c.TLS)
	}
	if t := c.Tunnel; t != nil {
		j.object("tunnel")
		j.text("kind", t.Kind)
		j.text("proxy", t.Proxy)
		j.some("target", t.Target)
		j.count("status", int64(t.Status))
		j.some("reply", t.Reply)
		j.count("packet", t.Packet)
		j.end('}')
	}
	if p := c.ProxyProtocol; p != nil {
		j.object("proxy_protocol")
		j.number("version", int64(p.Version))
		j.some("client", p.Client)
		j.some("server", p.Server)
		j.count("packet", p.Packet)
		j.end('}')
	}
	j.texts("encapsulation", c.Encapsulation)
}

func (j *jsonText) tls(t *record.TLS) {
	j.object("tls")
	j.some("version", t.Version)
	j.some("cipher_suite", t.CipherSuite)
	j.some("sni", t.SNI)
	j.texts("alpn_offered", t.ALPNOffered)
	j.some("alpn", t.ALPN)
	j.boolean("decrypted", t.Decrypted)
	if c := t.Certificate; c != nil {
		j.object("certificate")
		j.text("subject", c.Subject)
		j.text("issuer", c.Issuer)
		j.texts("names", c.Names)
		j.time("not_before", c.NotBefore)
		j.time("not_after", c.NotAfter)
		j.some("key_type", c.KeyType)
		j.count("packet", c.Packet)
		j.end('}')
	}
	j.end('}')
}

func (j *jsonText) request(r *record.Request) {
	j.object("request")
	j.text("method", r.Method)
	j.text("target", r.Target)
	j.text("version", r.Version)
	j.headers(r.Headers)
	j.number("packet", r.Packet)
	j.end('}')
}

func (j *jsonText) response(r *record.Response) {
	j.object("response")
	j.number("status", int64(r.Status))
	j.some("reason", r.Reason)
	j.text("version", r.Version)
	j.headers(r.Headers)
	j.number("packet", r.Packet)
	j.decimal("latency_ms", r.LatencyMS)
	j.some("body_excerpt", r.BodyExcerpt)
	j.end('}')
}

func (j *jsonText) headers(fields record.Headers) {
	j.list("headers")
	for i := range fields {
		j.next()
		j.begin('[')
		j.quote(fields[i][0])
		j.next()
		j.quote(fields[i][1])
		j.end(']')
	}
	j.end(']')
}

func (j *jsonText) webSocket(w *record.WebSocket) {
	j.object("websocket")
	j.text("subprotocol", w.Subprotocol)
	j.text("extensions", w.Extensions)
	j.sides("messages", w.Messages)
	j.sides("bytes", w.Bytes)
	j.object("frames")
	j.frames("client", &w.Frames.Client)
	j.frames("server", &w.Frames.Server)
	j.end('}')
	j.measured("ping_ms", w.PingMS)
	j.end('}')
}

func (j *jsonText) sides(name string, n record.PerSide) {
	j.object(name)
	j.number("client", n.Client)
	j.number("server", n.Server)
	j.end('}')
}

func (j *jsonText) frames(name string, f *record.FrameCounts) {
	j.object(name)
	j.number("text", f.Text)
	j.number("binary", f.Binary)
	j.count("continuation", f.Continuation)
	j.number("ping", f.Ping)
	j.number("pong", f.Pong)
	j.number("close", f.Close)
	j.end('}')
}

// close writes the code only where there is one; 0 is a code, if an invalid one.
func (j *jsonText) close(c *record.Close) {
	j.object("close")
	j.text("by", c.By.String())
	if c.HasCode {
		j.number("code", int64(c.Code))
	}
	j.some("reason", c.Reason)
	j.number("packet", c.Packet)
	j.end('}')
}

func (j *jsonText) events(events []record.Event) {
	j.list("events")
	for i := range events {
		e := &events[i]
		j.next()
		j.begin('{')
		j.some("capture", e.Capture)
		j.number("packet", e.Packet)
		j.time("time", e.Time)
		j.some("from", e.From)
		j.text("what", e.What)
		j.some("text", e.Text)
		j.end('}')
	}
	j.end(']')
}

func (j *jsonText) findings(findings []record.Finding) {
	j.list("findings")
	for i := range findings {
		f := &findings[i]
		j.next()
		j.begin('{')
		j.text("code", f.Code)
		j.text("slug", f.Slug)
		j.text("severity", string(f.Severity))
		j.text("fault", string(f.Fault))
		j.text("confidence", string(f.Confidence))
		j.text("title", f.Title)
		j.some("caused_by", f.CausedBy)
		j.some("remedy", f.Remedy)
		j.some("seen_by_user", f.SeenByUser)
		j.evidence(f.Evidence)
		j.end('}')
	}
	j.end(']')
}

func (j *jsonText) evidence(list []record.Evidence) {
	j.list("evidence")
	for i := range list {
		e := &list[i]
		j.next()
		j.begin('{')
		j.text("capture", e.Capture)
		j.count("packet", e.Packet)
		if e.Offset != nil {
			j.number("offset", *e.Offset)
		}
		if e.Time != 0 {
			j.time("time", e.Time)
		}
		j.text("note", e.Note)
		j.end('}')
	}
	j.end(']')
}
