package tunnel

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS305 = &rule.Rule{
	Code: "WS305", Slug: "tunnel-closed", Family: "tunnel", Since: "1.0.0",
	Title:    "The proxy opened the tunnel and closed it before the server's first byte",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The forward proxy said that the tunnel is open, and then ended the connection before a single byte had come back from the server's side.",
		Why:  "For the client this looks like a server that hangs up without a word. The cause lies at the proxy or behind it: the client did nothing wrong that could be seen.",
		How:  "The proxy's positive answer, what the client sent into the tunnel, and the FIN or RST from the proxy's side are shown. No byte came from beyond the tunnel in between.",
		Alike: "A tunnel that was opened in advance and not used ends in this way after the proxy's idle timeout; this is only a finding if the client had sent something, or the end came within seconds. " +
			"The proxy only hands on what the server did: a server that accepts and closes at once looks the same from here.",
		Fix: "Look at the proxy's log for this tunnel: how many bytes came from the server, and who closed. Then look at the server behind it: TLS port or not, its own limits, a firewall that ends connections by name (SNI) between the two.",
	},
	References: []string{"RFC 9110 section 9.3.6", "RFC 1928 section 6"},
	Explains:   []string{"WS204", "WS401", "WS402", "WS534", "WS535", "WS537"},
	Needs:      rule.Tunnel,
	Check:      checkClosed,
}

func checkClosed(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Tunnel == nil || !c.Facts.Tunnel.Closed {
		return
	}
	t := c.Facts.Tunnel
	tcp := &c.Facts.TCP
	who, product := proxy(c)
	opened := "the proxy opens the tunnel"
	if t.Response != nil {
		opened = "the proxy answers " + answer(t) + ": the tunnel is open"
	}
	f := rule.Found{
		Title: fmt.Sprintf("%s opened the tunnel to %s and closed it after %s, before the server's first byte", who, target(t), known.Seconds(max(0, tcp.End.Time.Sub(t.OpenedRef.Time)))),
		Remedy: "Look at the proxy's log for this tunnel (" + tunnelLog(product) + ") and, from the proxy's host, at what the server at " + target(t) +
			" does with a connection: it probably accepts and closes at once, or a firewall between the two ends it.",
		NextStep:   "Capture at the proxy, on the side of the server: who ends that connection first?",
		SeenByUser: known.UserSaw(c, known.SawClosedUnanswered),
		Evidence:   exchange(r, t, opened),
	}
	if tcp.EndHow == "rst" {
		f.SeenByUser = known.UserSaw(c, known.SawResetUnanswered)
	}
	switch {
	case c.Facts.Upgrade != nil && c.Facts.Upgrade.Request != nil:
		f.Evidence = append(f.Evidence, r.At(c.Facts.Upgrade.RequestRef, "the client's Upgrade request goes into the tunnel"))
	case c.Facts.TLS != nil && c.Facts.TLS.ClientHello.Seen():
		f.Title += "; the client had sent its ClientHello"
		f.Evidence = append(f.Evidence, r.At(c.Facts.TLS.ClientHello, "the client's ClientHello goes into the tunnel"))
	}
	f.Evidence = append(f.Evidence, r.At(tcp.End, "%s from the proxy's side, no byte from beyond the tunnel", strings.ToUpper(tcp.EndHow)))
	r.Add(f)
}

func tunnelLog(product known.Product) string {
	if product == known.Squid {
		return "Squid: TCP_TUNNEL in access.log, with the bytes that went to the client"
	}
	return "bytes from the server, and who closed"
}
