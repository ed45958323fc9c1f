package upgrade

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/h2"
)

var WS562 = &rule.Rule{
	Code: "WS562", Slug: "h2-goaway", Family: "upgrade", Since: "1.0.0",
	Title:    "The HTTP/2 connection ended with GOAWAY while the WebSocket was in use",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "One side sent GOAWAY on the HTTP/2 connection while the WebSocket's stream was still in use, and the WebSocket then ended without a Close frame, or was never answered.",
		Why:  "GOAWAY announces the end of the whole connection. A server that restarts, reloads its configuration or limits a connection's age lets ordinary requests end first; a WebSocket does not end by itself, so it is cut.",
		How:  "The GOAWAY frame names its error code and the last stream that its sender has taken on. It came before the stream's end, and no Close frame is in the capture.",
		Alike: "Clients send GOAWAY when they leave; after the WebSocket's end that is routine and not named. A WebSocket that closes with a Close frame after GOAWAY, such as 1001, ended as it should. " +
			"Where much time lies between the GOAWAY and the end, something else may have ended it.",
		Fix: "Before a restart or a reload, let the application close its WebSockets with 1001 or 1012, and let the proxy wait for them (nginx: worker_shutdown_timeout; Envoy: the drain time). Let clients reconnect with growing delays. " +
			"A stream above the named last one was not processed and may be asked for again at once.",
	},
	References: []string{"RFC 9113 section 6.8", "RFC 9113 section 7", "RFC 8441 section 5"},
	Explains:   []string{"WS204", "WS205", "WS534", "WS535", "WS561", "WS616", "WS701"},
	Needs:      rule.HTTP2,
	Check:      checkGoAway,
}

// soonAfter is how soon after a GOAWAY an end is surely its consequence.
const soonAfter = 5 * time.Second

func checkGoAway(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.H2 == nil || c.Facts.H2.GoAway == nil || c.Facts.Upgrade == nil && c.Facts.WS == nil {
		return
	}
	h, u, w := c.Facts.H2, c.Facts.Upgrade, c.Facts.WS
	x, end := h.GoAway, c.Facts.TCP.End
	if !end.Seen() || x.Ref.Time > end.Time || u != nil && x.Ref.Time < u.RequestRef.Time {
		return
	}
	if w != nil && w.FirstClose != nil || w == nil && (u.Response != nil || u.ResponseCut) {
		return
	}
	f := rule.Found{Fault: blamedBy(x).Fault()}
	if strings.Contains(x.Debug, "too_many_pings") {
		f.Fault = x.Dir.Other().Fault()
	}
	if end.Time.Sub(x.Ref.Time) > soonAfter {
		f.Confidence = record.Likely
	}
	if r.Enough(f) {
		return
	}
	code := x.Name
	if x.Debug != "" {
		code += " (" + known.Quote(x.Debug) + ")"
	}
	f.Title = known.SideFirst(c, x.Dir) + " ended the HTTP/2 connection with GOAWAY " + code
	ended := "the end of the WebSocket, without a Close frame"
	if w != nil {
		f.Title += fmt.Sprintf(" while the WebSocket on stream %d was open, %s after it opened", h.Stream, known.Seconds(x.Ref.Time.Sub(w.OpenedRef.Time)))
		f.SeenByUser = known.UserSaw(c, known.SawAbnormal)
	} else {
		f.Title += " instead of an answer to " + target(u)
		ended = "the end of the connection, without an answer"
	}
	f.Remedy = goAwayRemedy(c, x)
	f.Evidence = []record.Evidence{r.At(x.Ref, "GOAWAY of the %s: %s, last stream %d", x.Dir, x.Name, x.Last), r.At(end, "%s", ended)}
	r.Add(f)
}

func goAwayRemedy(c *record.Connection, x *record.H2Reset) string {
	side := known.Side(c, x.Dir)
	switch {
	case strings.Contains(x.Debug, "too_many_pings"):
		return "Let the client send HTTP/2 PINGs less often, or let " + side + " allow more."
	case x.Dir == record.Client:
		return "Let the client close its WebSockets with a Close frame before it ends the HTTP/2 connection."
	case h2.ErrorCode(x.Code) == h2.NoError:
		text := "Look whether " + side + " was restarted, reloaded or limits a connection's age or requests (nginx: keepalive_time, keepalive_requests; Envoy: max_connection_duration)"
		if c.Facts.WS == nil {
			return text + "; let the client try again."
		}
		return text + "; let the application send Close 1001 before."
	}
	return "Look in the log of " + side + " for the reason of " + x.Name + " at this second."
}
