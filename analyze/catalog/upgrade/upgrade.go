// Package upgrade holds the rules about the opening handshake over HTTP: the
// request, the answer, and how the two fit (RFC 6455 section 4, RFC 9110,
// RFC 9112, RFC 7692).
//
// Most callers need only Rules.
package upgrade

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS501, WS502, WS503, WS504, WS505, WS506, WS507, WS508, WS509, WS510,
	WS521, WS522, WS523, WS524, WS525, WS526, WS527, WS528, WS529, WS530, WS531, WS532, WS533, WS534, WS535, WS536, WS537,
	WS540, WS541, WS542, WS543, WS544, WS545, WS546, WS547, WS548, WS549, WS550, WS551,
	WS560, WS561, WS562,
}

// statusCodes are the findings of an answer that refuses, and of none at all:
// whatever is wrong with the request explains them.
var statusCodes = []string{"WS521", "WS522", "WS523", "WS524", "WS525", "WS526", "WS527", "WS528", "WS529", "WS530", "WS531", "WS532",
	"WS533", "WS534", "WS535"}

// endCodes are the findings of how a client leaves that fails the handshake on
// an answer of 101.
var endCodes = []string{"WS205", "WS616", "WS701"}

// requestOf returns the handshake where all of its HTTP/1 request is there:
// what it lacks was not sent. Over HTTP/2 (RFC 8441) other rules hold.
func requestOf(c *record.Connection) *record.UpgradeFacts {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.H2 != nil {
		return nil
	}
	u := c.Facts.Upgrade
	if u.Request == nil || u.RequestCut || u.Request.Truncated {
		return nil
	}
	return u
}

// extendedConnect is requestOf for HTTP/2.
func extendedConnect(c *record.Connection) *record.UpgradeFacts {
	if c.Facts == nil || c.Facts.H2 == nil || c.Facts.Upgrade == nil {
		return nil
	}
	if u := c.Facts.Upgrade; u.Request != nil && !u.RequestCut && !u.Request.Truncated {
		return u
	}
	return nil
}

// switchedOf returns the handshake where an answer of 101 (HTTP/1) is there as
// a whole.
func switchedOf(c *record.Connection) *record.UpgradeFacts {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.H2 != nil {
		return nil
	}
	u := c.Facts.Upgrade
	if u.Response == nil || u.Response.Status != 101 || u.ResponseCut || u.Response.Truncated {
		return nil
	}
	return u
}

// acceptedOf is switchedOf, or the 200 that opens a WebSocket over HTTP/2.
func acceptedOf(c *record.Connection) *record.UpgradeFacts {
	if c.Facts == nil || c.Facts.Upgrade == nil {
		return nil
	}
	if c.Facts.H2 == nil {
		return switchedOf(c)
	}
	u := c.Facts.Upgrade
	if u.Response == nil || u.Response.Status/100 != 2 || u.ResponseCut {
		return nil
	}
	return u
}

// refusal is the status of the final answer where it refuses, else 0. An
// answer that the connection's end cut short is no answer.
func refusal(c *record.Connection) int {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil {
		return 0
	}
	u := c.Facts.Upgrade
	status := u.Response.Status
	switch {
	case u.ResponseCut && !u.CutByCapture, status < 200:
		return 0
	case c.Facts.H2 != nil && status/100 == 2:
		return 0
	}
	return status
}

// unanswered returns the handshake where a request is there and not one byte
// of a final answer, and the capture is not to blame.
func unanswered(c *record.Connection) *record.UpgradeFacts {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.WS != nil {
		return nil
	}
	u := c.Facts.Upgrade
	if u.Request == nil || u.RequestCut && !unfinished(c) || u.Response != nil || u.ResponseCut || u.NotHTTP != nil || u.TLSAnswer {
		return nil
	}
	if c.Facts.TLS != nil && c.Facts.TLS.Dark[record.Server] { // there may be an answer that could not be read
		return nil
	}
	if c.Facts.TCP.OneWay || c.Facts.CaptureDrops && c.Facts.TCP.GapBytes[record.Server] > 0 {
		return nil
	}
	for i := range c.Facts.TCP.Gaps {
		if g := &c.Facts.TCP.Gaps[i]; g.From == record.Server && !g.Unacked {
			return nil
		}
	}
	return u
}

// unfinished: the client never sent the empty line that ends the request's head,
// and the capture lacks nothing of what it sent. RFC 9112 section 2.1: the
// fields are followed by "an empty line indicating the end of the header section".
func unfinished(c *record.Connection) bool {
	u, t := c.Facts.Upgrade, &c.Facts.TCP
	return u.Request != nil && u.RequestCut && !u.CutByCapture && !c.Facts.CaptureDrops && t.CutShort == 0 &&
		t.GapBytes[record.Client] == 0 && t.Sides[record.Client].Unacked == 0 && t.End.Seen()
}

const (
	neverEnded = " does not end: its head lacks the empty line (CR LF CR LF)"
	endTheHead = "Let the client end the head of its request with an empty line: look at what it writes, and whether something between it and the server takes the line off."
)

// hasUpgrade tells whether a request lists websocket in Upgrade.
func hasUpgrade(u *record.UpgradeFacts) bool {
	value, _ := u.Request.Get("Upgrade")
	return strings.EqualFold(value, "websocket") || u.Request.HasToken("Upgrade", "websocket")
}

// connects tells whether a request lists upgrade in Connection.
func connects(u *record.UpgradeFacts) bool {
	value, _ := u.Request.Get("Connection")
	return strings.EqualFold(value, "upgrade") || u.Request.HasToken("Connection", "upgrade")
}

// fine tells that a request is all that RFC 6455 section 4.2.1 asks for, so
// that a refusal is not its fault.
func fine(c *record.Connection, u *record.UpgradeFacts) bool {
	if u.Request == nil || u.RequestCut {
		return false
	}
	if c.Facts.H2 != nil {
		return true
	}
	version, _ := u.Request.Get("Sec-WebSocket-Version")
	key, _ := u.Request.Get("Sec-WebSocket-Key")
	return u.Request.Method == "GET" && u.Request.Version == "HTTP/1.1" && hasUpgrade(u) && connects(u) && version == "13" &&
		u.Request.Count("Sec-WebSocket-Key") == 1 && rule.KeyValid(key) && u.Request.Count("Host") == 1
}

// target is the request's method and path; the query may hold secrets.
func target(u *record.UpgradeFacts) string {
	if u.Request == nil {
		return "the request"
	}
	path, _, query := strings.Cut(u.Request.Target, "?")
	if i := strings.Index(path, "://"); i >= 0 && strings.Contains(path[i+3:], "@") {
		_, rest, _ := strings.Cut(path[i+3:], "@")
		path = path[:i+3] + rest
	}
	path = known.Clip(path)
	if query {
		path += "?…"
	}
	return known.Clip(u.Request.Method) + " " + path
}

// requestField is the packet with the request's first field of this name, or
// the request's first packet.
func requestField(u *record.UpgradeFacts, name string) record.Ref {
	for i := range u.Request.Fields {
		if strings.EqualFold(u.Request.Fields[i].Name, name) && i < len(u.RequestLines) {
			return u.RequestLines[i]
		}
	}
	return u.RequestRef
}

// responseField is the same of the response.
func responseField(u *record.UpgradeFacts, name string) record.Ref {
	for i := range u.Response.Fields {
		if strings.EqualFold(u.Response.Fields[i].Name, name) && i < len(u.ResponseLines) {
			return u.ResponseLines[i]
		}
	}
	return u.ResponseRef
}

// forwarder is the request's field by which a proxy says that it passed the
// request on; empty if there is none.
func forwarder(u *record.UpgradeFacts) string {
	if name, value := known.Forwarder(u.Request); name != "" {
		return name + ": " + known.Clip(value)
	}
	return ""
}

// statusLine is "426 Upgrade Required".
func statusLine(u *record.UpgradeFacts) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", u.Response.Status, known.Clip(u.Response.Reason)))
}

// join writes several values of a field in one line.
func join(values []string) string { return strings.Join(values, ", ") }

// statusCode is the status as text.
func statusCode(u *record.UpgradeFacts) string { return fmt.Sprint(u.Response.Status) }
