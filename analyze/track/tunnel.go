package track

import (
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/socks"
	"github.com/wsleuth/wsleuth/reassembly"
)

// Kinds of tunnels, as the report names them.
const (
	kindConnect = "http-connect"
	kindSOCKS4  = "socks4"
	kindSOCKS4a = "socks4a"
	kindSOCKS5  = "socks5"
)

// maxTarget bounds what is kept of a target: a host name has at most 253
// characters.
const maxTarget = 300

// unanswered is how long a client must have waited before the absence of the
// proxy's answer means anything.
const unanswered = time.Second

// quickClose is how soon after its opening the end of a tunnel that the client
// has not used yet is no idle timeout.
const quickClose = 5 * time.Second

// tunnel is the way through a forward proxy, as far as it was seen. A
// connection has one; a proxy behind the proxy has another, with outer.
type tunnel struct {
	kind   string
	target string
	outer  *tunnel
	rounds int // CONNECT requests, this one included

	// CONNECT: the heads as on the wire.
	request, response     string
	requestAt, responseAt []piece
	body                  []byte
	bodyAt                record.Ref
	status                int

	socks               *socks.Session
	greeting, asked     record.Ref // the client's first message and its request
	selected, confirmed record.Ref // the proxy's choice or refusal of a method, its other answers

	strange   []byte // an answer of another protocol
	strangeAt record.Ref

	opened, assumed bool
	openedAt        record.Ref
	bytes           [2]int64 // inside, by direction
	within          uint8    // depth of its slot
}

// refused: the proxy said no.
func (t *tunnel) refused() bool {
	if t.socks != nil {
		return t.socks.State() == socks.Refused
	}
	return !t.opened && t.status != 0
}

// keepStrange adds to an answer of another protocol, up to what is kept of one.
func (t *tunnel) keepStrange(s *slot, at record.Ref, b []byte) {
	if !t.strangeAt.Seen() {
		t.strangeAt = at
	}
	if t.strange = append(t.strange, b[:min(len(b), maxNotHTTP-len(t.strange))]...); len(t.strange) == maxNotHTTP {
		s.dismiss()
	}
}

// idle: the tunnel is open and nothing has come from beyond it yet.
func (t *tunnel) idle() bool { return t != nil && t.opened && t.bytes[record.Server] == 0 }

// open puts the tunnel into the place of the layer that negotiated it; what
// follows is read as the beginning of a connection.
func (t *tunnel) open(s *slot, at record.Ref, late bool) {
	t.opened, t.openedAt = true, at
	if s.depth >= maxDepth {
		s.dismiss()
		return
	}
	l := &tunnelLayer{tunnel: t, inner: slot{conn: s.conn, scheme: schemeWS, depth: s.depth + 1, tls: s.tls}}
	l.inner.layer = &opening{late: late}
	t.within = l.inner.depth
	s.layer = l
}

// tunnelLayer hands on what goes through a tunnel, and counts it.
type tunnelLayer struct {
	tunnel *tunnel
	inner  slot
}

func (l *tunnelLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	l.tunnel.bytes[s.conn.dir(from)] += int64(len(b))
	l.inner.layer.data(&l.inner, from, at, b)
}

func (l *tunnelLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	l.tunnel.bytes[s.conn.dir(from)] += n
	l.inner.layer.missing(&l.inner, from, at, n)
}

func (l *tunnelLayer) end(s *slot, from reassembly.Side, at record.Ref) {
	l.inner.layer.end(&l.inner, from, at)
}

func (l *tunnelLayer) close(s *slot) { l.inner.layer.close(&l.inner) }

// nest makes t the connection's tunnel. One that was refused before on the
// same stream was only an earlier round.
func (c *conn) nest(s *slot, t *tunnel) {
	if o := c.tunnel(); o != nil {
		switch {
		case o.opened && !o.assumed && o.within <= s.depth:
			t.outer = o
		default:
			t.outer = o.outer
			t.rounds += o.rounds
		}
	}
	c.rare().tunnel = t
}

// asksConnect takes a CONNECT request; its answer is awaited.
func (h *httpLayer) asksConnect(s *slot, p *http1.Parser) {
	t := &tunnel{kind: kindConnect, rounds: 1, request: string(p.Raw()), requestAt: h.keep(record.Client, p)}
	_, rest, _ := strings.Cut(t.request, " ")
	t.target = cleanTarget(strings.FieldsFunc(rest, func(r rune) bool { return r <= ' ' }))
	s.conn.nest(s, t)
	x := h.own()
	x.connect, x.refusal = t, nil
}

// cleanTarget is the authority that a request asks for, without what must not
// be shown.
func cleanTarget(words []string) string {
	if len(words) == 0 {
		return ""
	}
	target := words[0]
	if i := strings.LastIndexByte(target, '@'); i >= 0 {
		target = target[i+1:]
	}
	return target[:min(len(target), maxTarget)]
}

// answersConnect takes the final response to CONNECT. "Any 2xx (Successful)
// response indicates that the sender (and all inbound proxies) will switch to
// tunnel mode immediately after the response header section" (RFC 9110,
// section 9.3.6).
func (h *httpLayer) answersConnect(s *slot, p *http1.Parser, status int) {
	t := h.connect
	h.connect = nil
	t.response, t.responseAt, t.status = string(p.Raw()), h.keep(record.Server, p), status
	if status/100 != 2 {
		h.refusal = t
		p.SetBody(p.ResponseBody("CONNECT"))
		h.releaseEarly(s)
		return
	}
	p.SetBody(http1.NoBody, 0)
	h.enter(s, t, final(t.responseAt), false)
}

// enter goes over to the tunnel's inside.
func (h *httpLayer) enter(s *slot, t *tunnel, at record.Ref, late bool) {
	if h.latest != nil { // an Upgrade request before it was not the last word
		s.conn.drop(h.latest)
	}
	t.open(s, at, late || h.earlyLost)
	h.releaseEarly(s)
}

// losesConnect takes a gap where the answer to CONNECT is awaited: what
// follows tells whether the tunnel opened.
func (h *httpLayer) losesConnect(s *slot, at record.Ref, p *http1.Parser) {
	t := h.connect
	h.connect = nil
	if head := p.Partial(); p.InHead() && head != nil && head.Status >= 200 {
		t.status = head.Status
		if t.status/100 != 2 {
			h.releaseEarly(s)
			return
		}
		t.responseAt = h.keep(record.Server, p)
	}
	t.assumed = true
	h.enter(s, t, at, true)
}

// challenges names the schemes that a refusal offers, without their parameters.
func challenges(response *http1.Head) []string {
	var schemes []string
	for _, name := range [...]string{"Proxy-Authenticate", "WWW-Authenticate"} {
		for _, item := range response.List(name) {
			scheme, _, _ := strings.Cut(strings.TrimSpace(item), " ")
			if scheme != "" && !strings.ContainsAny(scheme, "=\",") && len(schemes) < 8 {
				schemes = append(schemes, scheme[:min(len(scheme), 32)])
			}
		}
		if len(schemes) > 0 {
			break
		}
	}
	return schemes
}

// carries tells whether the tunnel belongs to an attempt: one that was refused
// has nothing to do with a later request to the proxy itself.
func (t *tunnel) carries(a *attempt) bool {
	return t.opened || a.request == "" && a.response == "" && a.ws == nil
}

// fill adds the tunnel to a record.
func (t *tunnel) fill(r *record.Connection, facts *record.Facts) {
	f := t.facts(&facts.TCP)
	facts.Tunnel = f
	r.Tunnel = &record.Tunnel{Kind: t.kind, Proxy: r.Server.String(), Target: t.target, Status: t.status, Packet: f.ResponseRef.Packet}
	if t.outer != nil {
		r.Tunnel.Proxy = t.outer.target
	}
	if t.socks != nil && t.socks.HasReply {
		r.Tunnel.Reply = f.ReplyName
	}
	if r.Tunnel.Packet == 0 {
		r.Tunnel.Packet = f.RequestRef.Packet
	}
}

func (t *tunnel) facts(tcp *record.TCPFacts) *record.TunnelFacts {
	f := &record.TunnelFacts{Kind: t.kind, Target: t.target, Rounds: t.rounds, Opened: t.opened, OpenedRef: t.openedAt, Assumed: t.assumed,
		Body: t.body, BodyRef: t.bodyAt, ClientBytes: t.bytes[record.Client], ServerBytes: t.bytes[record.Server], Strange: t.strange, StrangeRef: t.strangeAt}
	if t.outer != nil {
		f.Through = t.outer.target
	}
	if t.socks != nil {
		t.socksFacts(f, tcp)
	} else {
		t.connectFacts(f)
	}
	end := tcp.End
	switch {
	case f.ResponseRef.Seen():
		end = f.ResponseRef
	case t.strangeAt.Seen():
		end = t.strangeAt
	}
	if end.Seen() && f.RequestLast.Seen() {
		f.Waited = max(0, end.Time.Sub(f.RequestLast.Time))
	}
	byProxy := tcp.End.Seen() && tcp.EndBy == record.Server
	soon := tcp.End.Time.Sub(t.openedAt.Time) < quickClose
	f.Closed = t.idle() && !t.assumed && byProxy && (t.bytes[record.Client] > 0 || soon)
	return f
}

func (t *tunnel) connectFacts(f *record.TunnelFacts) {
	f.Request = http1.ParseHead(http1.Request, t.request)
	f.RequestRef, f.RequestLast = first(t.requestAt), final(t.requestAt)
	f.ResponseRef = first(t.responseAt)
	if f.Request != nil {
		if credentials, ok := f.Request.Get("Proxy-Authorization"); ok {
			f.AuthSent, _, _ = strings.Cut(strings.TrimSpace(credentials), " ")
			f.AuthSent = f.AuthSent[:min(len(f.AuthSent), 32)]
		}
	}
	if len(t.response) == 0 {
		return
	}
	f.Response = http1.ParseHead(http1.Response, string(t.response))
	if f.Response != nil && !t.opened {
		f.AuthOffered = challenges(f.Response)
		f.AuthRefused = t.status == 407 || t.status == 401
	}
}

// tells whether a connection without a WebSocket is reported because of its
// tunnel: it was refused, or the proxy closed it before it was of any use, or
// never answered.
func (t *tunnel) tells(f *record.TunnelFacts, tcp *record.TCPFacts) bool {
	switch {
	case t.refused(), f.Closed, len(t.strange) > 0 && t.socks == nil:
		return true
	case len(t.strange) > 0:
		return http1.LooksResponse(t.strange) == http1.Yes
	case t.opened, tcp.OneWay, !tcp.End.Seen(), tcp.GapBytes[record.Server] > 0, tcp.CutShort > 0, t.socks != nil && !t.socks.HasMethod && !t.onlyGreets(tcp):
		return false
	}
	return tcp.EndBy == record.Server || f.Waited >= unanswered
}

// onlyGreets: what the client sent is a SOCKS5 greeting to the byte, or a whole
// SOCKS4 request, and not the beginning of something that looks like one.
func (t *tunnel) onlyGreets(tcp *record.TCPFacts) bool {
	s := t.socks
	if s.Version == 4 {
		return s.HasRequest && s.Command == socks.Connect && tcp.Sides[record.Server].Bytes == 0
	}
	for _, m := range s.Methods {
		if m != socks.NoAuth && m != socks.UserPassword && m != socks.GSSAPI {
			return false
		}
	}
	return len(s.Methods) > 0 && tcp.Sides[record.Client].Bytes == int64(2+len(s.Methods))
}

// closedTunnel reports a connection that did not get beyond its forward proxy.
func (t *Tracker) closedTunnel(f *reassembly.Flow, c *conn, order int64, last bool) bool {
	if c == nil || c.tunnel() == nil || c.tunnel().opened && !c.tunnel().idle() {
		return false
	}
	a := &attempt{}
	if c.tunnel().opened {
		a.tls = c.tls()
	}
	r := t.build(f, c, a, last)
	if !c.tunnel().tells(r.Facts.Tunnel, &r.Facts.TCP) {
		t.Recycle(r.Facts)
		return false
	}
	t.o.Emit(r, order)
	return true
}
