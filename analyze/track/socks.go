package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/socks"
	"github.com/wsleuth/wsleuth/reassembly"
)

// backlog is what came too early to be read, in its order.
type backlog struct {
	bytes  []byte
	chunks []chunk
}

// add keeps bytes for later; it returns false at the limit.
func (l *backlog) add(from reassembly.Side, at record.Ref, b []byte) bool {
	if len(l.bytes)+len(b) > maxEarly {
		return false
	}
	start := len(l.bytes)
	l.bytes = append(l.bytes, b...)
	l.chunks = append(l.chunks, chunk{from, at, start, len(l.bytes)})
	return true
}

// release hands what was kept to the layer that now reads the slot.
func (l *backlog) release(s *slot) {
	kept := *l
	*l = backlog{}
	for _, k := range kept.chunks {
		s.layer.data(s, k.from, k.at, kept.bytes[k.start:k.end])
	}
}

// socksLayer follows the negotiation with a SOCKS proxy.
type socksLayer struct {
	tunnel     *tunnel
	session    socks.Session
	clientDone bool
	early      backlog // what the client sent beyond its request
}

func newSOCKSLayer(s *slot) *socksLayer {
	l := &socksLayer{}
	l.tunnel = &tunnel{kind: kindSOCKS5, socks: &l.session}
	s.conn.nest(s, l.tunnel)
	return l
}

func (l *socksLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	if s.conn.dir(from) == record.Client {
		l.client(s, from, at, b)
		return
	}
	t := l.tunnel
	if len(t.strange) > 0 {
		t.keepStrange(s, at, b)
		return
	}
	had := l.session.HasReply || l.session.HasAuthStatus
	n, _ := l.session.FeedServer(b)
	if l.session.HasMethod && !t.selected.Seen() {
		t.selected = at
	}
	if !had && (l.session.HasReply || l.session.HasAuthStatus) || l.session.HasReply && !t.opened {
		t.confirmed = at
	}
	switch l.session.State() {
	case socks.Open:
		t.open(s, at, false)
		l.early.release(s)
		if n < len(b) {
			s.layer.data(s, from, at, b[n:])
		}
	case socks.Refused:
		s.dismiss()
	case socks.Broken, socks.Opaque:
		if !l.session.HasMethod && l.session.Version == 5 && http1.LooksResponse(b) != http1.No { // HTTP is spoken here
			l.early = backlog{}
			t.keepStrange(s, at, b)
			return
		}
		l.giveUp(s)
	}
}

func (l *socksLayer) client(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	t := l.tunnel
	if len(t.strange) > 0 {
		return
	}
	if !t.greeting.Seen() {
		t.greeting = at
	}
	if !l.clientDone {
		n, done := l.session.FeedClient(b)
		b, l.clientDone = b[n:], done
		if l.session.HasRequest && !t.asked.Seen() {
			t.asked, t.target = at, l.session.Target[:min(len(l.session.Target), maxTarget)]
		}
		switch {
		case l.session.Version == 4 && l.session.Named:
			t.kind = kindSOCKS4a
		case l.session.Version == 4:
			t.kind = kindSOCKS4
		}
		if l.session.State() == socks.Broken || l.session.HasRequest && l.session.Command != socks.Connect {
			l.giveUp(s)
			return
		}
	}
	if len(b) > 0 && !l.early.add(from, at, b) {
		l.giveUp(s)
	}
}

// giveUp: it is no SOCKS after all, or none that can be followed.
func (l *socksLayer) giveUp(s *slot) {
	if s.conn.tunnel() == l.tunnel {
		s.conn.rare().tunnel = l.tunnel.outer
	}
	l.early = backlog{}
	s.dismiss()
}

func (l *socksLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	s.conn.rare().tunnel = l.tunnel.outer
	s.layer = &opening{late: true}
}

func (l *socksLayer) end(s *slot, from reassembly.Side, at record.Ref) {
	if s.conn.dir(from) == record.Server {
		l.session.EndServer()
		if l.session.State() == socks.Refused && !l.tunnel.confirmed.Seen() {
			l.tunnel.confirmed = at
		}
	}
}

func (l *socksLayer) close(*slot) {}

// socksFacts says what the negotiation came to. User names and passwords stay
// behind.
func (t *tunnel) socksFacts(f *record.TunnelFacts, tcp *record.TCPFacts) {
	s := t.socks
	f.RequestRef = t.asked
	if !t.asked.Seen() {
		f.RequestRef = t.greeting
	}
	f.RequestLast = f.RequestRef
	for _, m := range s.Methods {
		if len(f.AuthOffered) < 16 {
			f.AuthOffered = append(f.AuthOffered, m.String())
		}
	}
	if s.Version == 5 && s.HasMethod && s.Method != socks.NoAuth && s.Method != socks.NoAcceptable {
		f.AuthSent = s.Method.String()
	}
	switch {
	case s.HasMethod && s.Method == socks.NoAcceptable:
		f.AuthRefused, f.ResponseRef = true, t.selected
	case s.HasAuthStatus && s.AuthStatus != 0:
		f.AuthRefused, f.ResponseRef = true, t.confirmed
	case s.Version == 5 && s.HasAuth && !s.HasAuthStatus && tcp.End.Seen() && tcp.EndBy == record.Server:
		// "If the server returns a `failure' (STATUS value other than X'00')
		// status, it MUST close the connection" (RFC 1929): some only do that.
		f.AuthRefused, f.ResponseRef = true, tcp.End
	case s.HasReply:
		f.ResponseRef = t.confirmed
	}
	if s.HasReply {
		f.Reply, f.ReplyName = int(s.Reply), s.Reply.String()
	}
}
