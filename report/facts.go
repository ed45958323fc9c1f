package report

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// fact is one line that a reader may want to know of a connection. The text is as in the result: not cleaned.
type fact struct{ label, text string }

// layerFacts are what TCP, proxies and TLS did, as far as they are there.
func layerFacts(c *record.Connection, when clock) []fact {
	var facts []fact
	add := func(label, format string, args ...any) {
		facts = append(facts, fact{label, fmt.Sprintf(format, args...)})
	}
	if c.TCP != nil {
		add("TCP", "%s", tcpFacts(c))
	}
	if p := c.ProxyProtocol; p != nil {
		add("PROXY header", "version %d, client %s, server %s", p.Version, p.Client, p.Server)
	}
	if t := c.Tunnel; t != nil {
		add("Tunnel", "%s", tunnelFacts(t))
	}
	t := c.TLS
	if t == nil {
		return facts
	}
	add("TLS", "%s", tlsFacts(t))
	if cert := t.Certificate; cert != nil {
		add("Certificate", "%s, issued by %s, valid %s to %s, for %s", cert.Subject, cert.Issuer,
			when.date(cert.NotBefore), when.date(cert.NotAfter), strings.Join(cert.Names, " "))
	}
	return facts
}

func tcpFacts(c *record.Connection) string {
	t := c.TCP
	parts := []string{fmt.Sprintf("%s from the client, %s from the server", size(t.ClientBytes), size(t.ServerBytes))}
	if t.HandshakeMS != nil {
		parts = append(parts, "handshake "+span(*t.HandshakeMS))
	}
	if t.Retransmissions > 0 {
		parts = append(parts, plural(t.Retransmissions, "retransmission"))
	}
	if t.EndedHow != "" {
		by := ""
		if t.EndedBy != "" {
			by = " by " + t.EndedBy
		}
		if c.ResetBy == string(record.FaultIntermediary) {
			by = " by an intermediary, in the name of the " + t.EndedBy
		}
		parts = append(parts, "ended with "+record.EndName(t.EndedHow)+by)
	}
	return strings.Join(parts, ", ")
}

func tunnelFacts(t *record.Tunnel) string {
	text := fmt.Sprintf("%s through %s", t.Kind, t.Proxy)
	if t.Target != "" {
		text += " to " + t.Target
	}
	if t.Status != 0 {
		text += fmt.Sprintf(", answered %d", t.Status)
	}
	if t.Reply != "" {
		text += ", reply " + t.Reply
	}
	return text
}

func tlsFacts(t *record.TLS) string {
	text := strings.TrimSpace("TLS " + t.Version)
	for _, part := range []struct{ name, value string }{{"", t.CipherSuite}, {"SNI ", t.SNI}, {"ALPN offered ", strings.Join(t.ALPNOffered, " ")}, {"ALPN ", t.ALPN}} {
		if part.value != "" {
			text += ", " + part.name + part.value
		}
	}
	switch {
	case t.Decrypted:
		return text + ", decrypted"
	case t.Version == "":
		return text + ", no ServerHello seen"
	}
	return text + ", not decrypted"
}

// packetsOf says which packets of which files are a connection's.
func packetsOf(c *record.Connection) string {
	if c.LastCapture != "" {
		return fmt.Sprintf("%d of %s to %d of %s", c.FirstPacket, c.Capture, c.LastPacket, c.LastCapture)
	}
	return fmt.Sprintf("%d to %d of %s", c.FirstPacket, c.LastPacket, c.Capture)
}

func requestLine(r *record.Request) string {
	return fmt.Sprintf("%s %s %s", r.Method, r.Target, r.Version)
}

func statusLine(r *record.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", r.Version, r.Status, r.Reason))
}

// closeFacts is what the first Close frame said.
func closeFacts(cl *record.Close) string {
	text := "from the " + cl.By.String()
	if cl.HasCode {
		text += fmt.Sprintf(", code %d", cl.Code)
	}
	if cl.Reason != "" {
		text += fmt.Sprintf(", reason '%s'", cl.Reason)
	}
	return fmt.Sprintf("%s, packet %d", text, cl.Packet)
}
