package analyze

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// tunnelFailed: the forward proxy did not open the tunnel, or closed it before
// it was of any use.
func tunnelFailed(f *record.Facts) bool {
	return f.Tunnel != nil && (!f.Tunnel.Opened || f.Tunnel.Closed)
}

// tunnel tells what a forward proxy was asked and what it answered, and what a
// load balancer said of the client.
func (s *story) tunnel() {
	if p := s.c.Facts.Proxy; p != nil {
		text := fmt.Sprintf("version %d", p.Version)
		if p.Client != "" {
			text += fmt.Sprintf(", %s to %s", p.Client, p.Server)
		}
		if len(p.TLVs) > 0 {
			text += ", with " + strings.Join(p.TLVs, ", ")
		}
		s.add(p.Ref, "client", "proxy-header", "%s", text)
	}
	t := s.c.Facts.Tunnel
	if t == nil {
		return
	}
	text := t.Kind
	switch {
	case t.Request != nil:
		text = "CONNECT " + t.Target
	case t.Target != "":
		text += " to " + t.Target
	}
	if t.Rounds > 1 {
		text += fmt.Sprintf(", request %d on this connection", t.Rounds)
	}
	s.add(t.RequestRef, "client", "tunnel-request", "%s", text)
	switch {
	case t.Response != nil:
		s.add(t.ResponseRef, "proxy", "tunnel-response", "%d %s", t.Response.Status, t.Response.Reason)
	case t.ReplyName != "":
		s.add(t.ResponseRef, "proxy", "tunnel-response", "%s", t.ReplyName)
	case t.AuthRefused:
		s.add(t.ResponseRef, "proxy", "tunnel-response", "authentication refused")
	}
}
