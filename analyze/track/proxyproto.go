package track

import (
	"bytes"
	"net/netip"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/proxyproto"
	"github.com/wsleuth/wsleuth/analyze/wire/socks"
	"github.com/wsleuth/wsleuth/reassembly"
)

// classifyFront looks for what may stand before the protocol proper at the
// very beginning of a stream: a PROXY header or the negotiation with a SOCKS
// proxy.
func classifyFront(b []byte) proto {
	switch {
	case len(b) == 0:
		return protoOther
	case b[0] == 'P' && bytes.HasPrefix(b, []byte("PROXY ")), b[0] == '\r' && len(b) > 4 && b[4] == 0:
		if _, _, s := proxyproto.Parse(b); s == proxyproto.OK || s == proxyproto.More {
			return protoPROXY
		}
	case b[0] == 4 || b[0] == 5:
		switch socks.Looks(b) {
		case socks.Yes:
			return protoSOCKS
		case socks.Maybe:
			return protoMaybe
		}
	}
	return protoOther
}

// proxyLayer reads the PROXY header at the beginning of a connection.
type proxyLayer struct {
	held   []byte
	at     record.Ref
	answer backlog // what the server said meanwhile
}

func (l *proxyLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	if s.conn.dir(from) == record.Server {
		l.answer.add(from, at, b)
		return
	}
	if len(l.held) == 0 {
		l.at = at
	}
	known := len(l.held)
	if known > 0 {
		l.held = append(l.held, b...)
		b = l.held
	}
	h, n, status := proxyproto.Parse(b)
	switch {
	case status == proxyproto.OK:
		if s.conn.proxy() == nil {
			s.conn.rare().proxy = proxyFacts(&h, l.at)
			s.conn.proxy().EarlyAnswer = len(l.answer.chunks) > 0
		}
		s.depth++
		s.layer = &opening{}
		l.answer.release(s)
		if n < len(b) {
			s.layer.data(s, from, at, b[n:])
		}
	case status == proxyproto.More && len(b) <= proxyproto.MaxV2:
		if known == 0 {
			l.held = bytes.Clone(b)
		}
	default:
		s.dismiss()
	}
}

func (l *proxyLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	s.layer = &opening{late: true}
}

func (l *proxyLayer) end(*slot, reassembly.Side, record.Ref) {}

func (l *proxyLayer) close(*slot) {}

// maxTLVs bounds the list of vectors in the facts.
const maxTLVs = 32

func proxyFacts(h *proxyproto.Header, at record.Ref) *record.ProxyFacts {
	f := &record.ProxyFacts{Ref: at, Version: h.Version, Local: h.Local, Client: h.SourcePath, Server: h.DestinationPath}
	if h.Source.IsValid() {
		f.Client, f.Server = address(h.Source), address(h.Destination)
	}
	if h.Local {
		f.Client, f.Server = "", ""
	}
	for _, v := range h.TLVs[:min(len(h.TLVs), maxTLVs)] {
		f.TLVs = append(f.TLVs, v.Type.String())
	}
	f.Authority = h.Text(proxyproto.Authority)
	for _, v := range h.Violations {
		f.Violations = append(f.Violations, v.Code.String())
	}
	return f
}

func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// fillProxy adds the PROXY header to a record.
func fillProxy(f *record.ProxyFacts, r *record.Connection, facts *record.Facts) {
	facts.Proxy = f
	r.ProxyProtocol = &record.ProxyProtocol{Version: f.Version, Client: f.Client, Server: f.Server, Packet: f.Ref.Packet}
}

// answeredHeader keeps the answer of a server that took the PROXY header for a
// bad request, before the request behind it had come.
func (h *httpLayer) answeredHeader(s *slot, p *http1.Parser, status int) {
	if s.conn.proxy() == nil || status < 400 || h.done > 0 || len(h.pending) > 0 || h.orphan != "" {
		return
	}
	x := h.own()
	x.orphan, x.orphanAt = s.conn.t.keepHead(p.Raw()), h.seen(record.Server, p)
}

// claimOrphan gives the answer that came too early to the request that it refuses.
func (h *httpLayer) claimOrphan(s *slot, a *attempt) {
	if h.orphan == "" {
		return
	}
	a.response, a.answered = h.orphan, true
	a.answers(s.conn.t, h.orphanAt)
	h.orphan, h.orphanAt, h.upgrade = "", seenAt{}, nil
	s.conn.proxy().EarlyAnswer = true
}
