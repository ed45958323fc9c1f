package analyze

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// whoActs says in words who has to act.
var whoActs = map[record.Fault]string{
	record.FaultClient:       "the client has to change",
	record.FaultServer:       "the server's side has to act",
	record.FaultIntermediary: "the device in between (proxy, load balancer or firewall) has to change",
	record.FaultNetwork:      "the network has to be looked at",
	record.FaultCapture:      "the capture cannot tell more",
	record.FaultUnknown:      "who has to act cannot be told from this capture",
}

// verdict is one sentence: what happened, who has to act.
func verdict(c *record.Connection) string {
	switch {
	case c.Outcome == record.ClosedClean:
		return healthyVerdict(c)
	case c.Outcome == record.Open:
		return openVerdict(c)
	case c.Outcome == record.Opaque:
		return opaqueVerdict(c)
	}
	what := plainOutcome(c)
	if len(c.Findings) > 0 && explains(c, &c.Findings[0]) {
		what = c.Findings[0].Title
	} else if c.Outcome == record.Incomplete {
		return incompleteVerdict(c)
	}
	text := strings.TrimSuffix(what, ".") + ": " + acts(c) + "."
	if c.Outcome == record.InvalidHandshake && c.WebSocket != nil && c.WebSocket.Messages.Client > 0 {
		text += " This client opened the WebSocket for all that (" + messages(c) + "); others refuse."
	}
	return text
}

// acts says who has to act. The product that answered may be the one that cut a
// silent connection, though it is no proxy.
func acts(c *record.Connection) string {
	if c.Fault == record.FaultClient && bareEnd(c) && known.Forwarded(c) {
		return "the proxy, or the client behind it, has to change"
	}
	if c.Fault == record.FaultUnknown && len(c.Findings) > 0 && c.Findings[0].Code == "WS717" {
		return "the owner of that limit has to act, this client or a device in between (proxy, load balancer or firewall)"
	}
	if c.Fault == record.FaultIntermediary && len(c.Findings) > 0 && c.Findings[0].Code == "WS716" && c.Facts != nil {
		product, proxy := known.ProductOf(c)
		switch by := c.Facts.TCP.EndBy; {
		case by == record.Client && !known.Forwarded(c):
			return "the owner of that timer has to act, this client or a device in between (proxy, load balancer or firewall)"
		case by == record.Server && product != known.Unknown && !proxy:
			return "the owner of that timer has to act, this server or a device in between (proxy, load balancer or firewall)"
		}
	}
	return whoActs[c.Fault]
}

// explains tells whether the first finding says why it ended so: an error, or the Close code that is only a warning.
func explains(c *record.Connection, f *record.Finding) bool {
	return f.Severity == record.Error || c.Outcome == record.ClosedError && f.Severity == record.Warning && strings.HasPrefix(f.Code, "WS7")
}

// incompleteVerdict says what the capture lacks, where that is known.
func incompleteVerdict(c *record.Connection) string {
	i := slices.IndexFunc(c.Findings, func(f record.Finding) bool { return f.Fault == record.FaultCapture })
	if i < 0 || c.Facts != nil && c.Facts.TCP.LetGo {
		return plainOutcome(c) + "."
	}
	return c.Findings[i].Title + ". What became of the connection cannot be told."
}

func healthyVerdict(c *record.Connection) string {
	var b strings.Builder
	if startedBefore(c) {
		b.WriteString("Closed")
	} else {
		b.WriteString("Opened and closed")
	}
	unanswered := slices.IndexFunc(c.Findings, func(f record.Finding) bool { return f.Code == "WS715" })
	if unanswered < 0 { // browsers call only that clean
		b.WriteString(" cleanly")
	}
	if c.Close != nil {
		fmt.Fprintf(&b, " by the %s", c.Close.By)
		if c.Close.Code != 0 {
			fmt.Fprintf(&b, " with code %d", c.Close.Code)
		} else if unanswered >= 0 {
			b.WriteString(" without a code")
		}
	}
	switch {
	case unanswered < 0 || c.Close == nil:
	case c.Findings[unanswered].Fault == c.Close.By.Fault():
		b.WriteString(", without waiting for an answer,")
	default:
		fmt.Fprintf(&b, ", which the %s did not answer,", c.Close.By.Other())
	}
	if startedBefore(c) {
		fmt.Fprintf(&b, " at the end of the %s that the capture holds, %s.", known.Seconds(time.Duration(c.DurationMS*1e6)), messages(c))
	} else {
		fmt.Fprintf(&b, " after %s, %s.", known.Seconds(time.Duration(c.DurationMS*1e6)), messages(c))
	}
	return b.String()
}

// startedBefore: how long it had been open is not in the capture.
func startedBefore(c *record.Connection) bool {
	return c.Facts != nil && c.Facts.TCP.LateStart && c.Facts.WS != nil && !c.Facts.WS.HandshakeSeen
}

func openVerdict(c *record.Connection) string {
	state := "Open and working"
	switch {
	case doubtful(c):
		state = "Open"
	case stalled(c) && !startedBefore(c):
		state = "Open, but with a receiver that reads no more,"
	}
	if startedBefore(c) {
		return fmt.Sprintf("%s in the %s that the capture holds, %s.", state, known.Seconds(time.Duration(c.DurationMS*1e6)), messages(c))
	}
	return fmt.Sprintf("%s when the capture ended, after %s, %s.", state, known.Seconds(time.Duration(c.DurationMS*1e6)), messages(c))
}

// doubtful: it stands, but a peer broke the protocol, did not answer a Ping or
// was said to be unreachable, and whether it works after that is not in the capture.
func doubtful(c *record.Connection) bool {
	return slices.ContainsFunc(c.Findings, func(f record.Finding) bool {
		return f.Code == "WS203" || f.Code == "WS614" || brokenFrame(f.Code)
	})
}

// stalled: a receiver stopped reading and did not begin again.
func stalled(c *record.Connection) bool {
	return slices.ContainsFunc(c.Findings, func(f record.Finding) bool { return f.Code == "WS209" }) && c.Facts != nil &&
		slices.ContainsFunc(c.Facts.TCP.Stalls, func(s record.Stall) bool { return !s.End.Seen() })
}

func messages(c *record.Connection) string {
	if c.WebSocket == nil {
		return "no message"
	}
	m := c.WebSocket.Messages
	from, noun := counted(c, record.Client, m.Client), plural(m.Client, "message")
	if from == unknownNumber {
		noun = "of messages"
	}
	return fmt.Sprintf("%s %s from the client and %s from the server", from, noun, counted(c, record.Server, m.Server))
}

const unknownNumber = "an unknown number"

// counted is how many messages a side sent, as far as the capture tells.
func counted(c *record.Connection, from record.Dir, n int64) string {
	if c.Facts != nil {
		if t := c.Facts.TLS; t != nil && t.Dark[from] {
			return unknownNumber
		}
		if slices.ContainsFunc(c.Facts.TCP.Gaps, func(g record.Gap) bool { return g.From == from && !g.Unacked }) {
			if n == 0 {
				return unknownNumber
			}
			return fmt.Sprintf("at least %d", n)
		}
	}
	return strconv.FormatInt(n, 10)
}

func plural(n int64, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// plainOutcome says what happened where no finding explains it.
func plainOutcome(c *record.Connection) string {
	switch c.Outcome {
	case record.ConnectFailed:
		return "No TCP connection came to be"
	case record.TunnelFailed:
		return "The forward proxy did not open the tunnel"
	case record.TLSFailed:
		return tlsFailure(c)
	case record.Rejected:
		if c.Response != nil {
			return strings.TrimSpace(fmt.Sprintf("The Upgrade request was answered with %d %s", c.Response.Status, c.Response.Reason))
		}
		return "The Upgrade request was refused"
	case record.NoResponse:
		return "The Upgrade request got no complete answer"
	case record.InvalidHandshake:
		return "The 101 answer breaks RFC 6455, so the client has to refuse it"
	case record.ProtocolError:
		return "A peer broke the WebSocket protocol"
	case record.ClosedError:
		if c.Close != nil {
			return fmt.Sprintf("The %s closed the WebSocket with code %d", c.Close.By, c.Close.Code)
		}
		return "The WebSocket was closed with an error"
	case record.ClosedAbnormal:
		return "The WebSocket ended without a Close frame"
	}
	if c.Facts != nil && c.Facts.TCP.LetGo {
		return "It was not followed to its end, for too many connections were open at once"
	}
	return "The capture does not hold enough of this connection to tell what became of it"
}

// traceHeaders carry an id that servers write into their logs.
var traceHeaders = []string{"X-Request-Id", "X-Correlation-Id", "X-Amzn-Trace-Id", "Traceparent", "X-B3-TraceId", "Cf-Ray", "X-Cloud-Trace-Context"}

// serverLog is a line to look for in the server's log.
func serverLog(c *record.Connection) string {
	r := c.Facts.Upgrade
	line := make([]byte, 0, 512) // on the stack
	line = append(r.RequestRef.Time.Std().AppendFormat(line, "2006-01-02T15:04:05.000Z"), ' ')
	line = c.Client.AppendTo(line)
	if forwarded, ok := r.Request.Get("X-Forwarded-For"); ok {
		line = append(append(line, " for "...), forwarded...)
	}
	line = append(append(line, ` "`...), c.Request.Method...)
	line = append(append(line, ' '), c.Request.Target...)
	line = append(append(append(line, ' '), c.Request.Version...), '"')
	if c.Response != nil && c.Response.Status != 0 {
		line = strconv.AppendInt(append(line, ' '), int64(c.Response.Status), 10)
	}
	for _, name := range traceHeaders {
		id, ok := r.Request.Get(name)
		if !ok && r.Response != nil {
			id, ok = r.Response.Get(name)
		}
		if ok {
			line = append(append(line, ' '), strings.ToLower(name)...)
			line = append(append(line, '='), id...)
		}
	}
	return string(line)
}
