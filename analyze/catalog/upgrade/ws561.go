package upgrade

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/h2"
)

var WS561 = &rule.Rule{
	Code: "WS561", Slug: "h2-stream-reset", Family: "upgrade", Since: "1.0.0",
	Title:    "The WebSocket's HTTP/2 stream was reset before it had ended",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "One side sent RST_STREAM on the WebSocket's stream: before any answer came, or while the WebSocket was open and nobody had sent a Close frame.",
		Why:  "The other streams of the connection live on, but this WebSocket is gone at once, with code 1006 and without a reason. The error code is all that the sender says.",
		How: "The RST_STREAM frame names the stream and the error code. CANCEL is a side that wants no more, INTERNAL_ERROR a failure of its sender, REFUSED_STREAM a request that was not processed and may be repeated, " +
			"ENHANCE_YOUR_CALM a limit, PROTOCOL_ERROR, FLOW_CONTROL_ERROR and FRAME_SIZE_ERROR something that the other side did wrong.",
		Alike: "RST_STREAM(NO_ERROR) or (CANCEL) after Close frames, after the stream's end or after a refusing answer is routine and not named. " +
			"A client whose page is left or whose tab is closed cancels its streams without a Close frame. A client that gave up waiting for an answer is WS534.",
		Fix: "Look at the log of the side that sent the reset, at this second. For a proxy: its timeouts and the state of the server behind it. For ENHANCE_YOUR_CALM: its limits on streams, resets and pings.",
	},
	References: []string{"RFC 9113 section 5.4.2", "RFC 9113 section 6.4", "RFC 9113 section 7", "RFC 8441 section 5"},
	Explains:   []string{"WS616", "WS209", "WS701"},
	Needs:      rule.HTTP2,
	Check:      checkStreamReset,
}

// RFC 8441 section 5: "RST exceptions are represented with the RST_STREAM frame
// [...] with the CANCEL error code".
func checkStreamReset(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.H2 == nil || c.Facts.H2.Reset == nil || c.Facts.Upgrade == nil && c.Facts.WS == nil {
		return
	}
	h, u, w := c.Facts.H2, c.Facts.Upgrade, c.Facts.WS
	x := h.Reset
	switch {
	case w != nil && (w.FirstClose != nil || streamEnded(h)):
		return
	case w == nil && h.Late:
		return // its answer may be among what the capture lost
	case w == nil && (u.Response != nil || u.ResponseCut || r.Has("WS534")):
		return
	}
	stall := known.Starved(h, x.Dir.Other())
	f := rule.Found{Fault: resetBlame(x, stall)}
	if r.Enough(f) {
		return
	}
	who := known.SideFirst(c, x.Dir)
	if w != nil {
		f.Title = fmt.Sprintf("%s reset the WebSocket's HTTP/2 stream %d with %s %s after it opened, without a Close frame", who, h.Stream, x.Name, known.Seconds(x.Ref.Time.Sub(w.OpenedRef.Time)))
		f.SeenByUser = known.UserSaw(c, known.SawAbnormal)
	} else {
		f.Title = fmt.Sprintf("%s reset HTTP/2 stream %d with %s instead of an answer to %s", who, h.Stream, x.Name, target(u))
	}
	f.Remedy = resetRemedy(c, x)
	f.Evidence = []record.Evidence{r.At(x.Ref, "RST_STREAM of the %s on stream %d: %s", x.Dir, h.Stream, x.Name)}
	known.AddStall(r, &f, stall)
	r.Add(f)
}

// streamEnded: one side had ended the stream before the reset, which is then
// how the other is told to stop. An error code says more than that.
func streamEnded(h *record.H2Facts) bool {
	switch h2.ErrorCode(h.Reset.Code) {
	case h2.NoError, h2.Cancel, h2.StreamClosed:
	default:
		return h.EndStream[0].Seen() && h.EndStream[1].Seen()
	}
	for _, end := range h.EndStream {
		if end.Seen() && end.Time <= h.Reset.Ref.Time {
			return true
		}
	}
	return false
}

// resetBlame: the sender of a reset, but for codes that complain of the peer.
func resetBlame(x *record.H2Reset, stall *record.Stall) record.Fault {
	if stall != nil {
		return stall.From.Fault()
	}
	return blamedBy(x).Fault()
}

// blamedBy is the side at which an error code points.
func blamedBy(x *record.H2Reset) record.Dir {
	switch h2.ErrorCode(x.Code) {
	case h2.ProtocolError, h2.FlowControlError, h2.FrameSizeError, h2.StreamClosed, h2.CompressionError, h2.InadequateSecurity, h2.HTTP11Required:
		return x.Dir.Other()
	}
	return x.Dir
}

// resetRemedy says what to do about an error code.
func resetRemedy(c *record.Connection, x *record.H2Reset) string {
	side := known.Side(c, x.Dir)
	switch h2.ErrorCode(x.Code) {
	case h2.RefusedStream:
		return "The request was not processed and may be sent again; look at the limit on concurrent streams at " + side + ", and whether it was shutting down."
	case h2.EnhanceYourCalm:
		return "Look at the limits of " + side + " on streams, resets, pings and header sizes; let the client ask less often."
	case h2.HTTP11Required:
		return "Let the client use HTTP/1.1 for WebSockets (offer only http/1.1 in ALPN): " + side + " wants that."
	case h2.InadequateSecurity:
		return "Let client and server agree on TLS 1.2 or later with a cipher suite that HTTP/2 takes (RFC 9113 section 9.2), or let the client use HTTP/1.1 for WebSockets."
	case h2.ProtocolError, h2.FlowControlError, h2.FrameSizeError, h2.StreamClosed, h2.CompressionError:
		return "Look in the log of " + side + " for what it found wrong with the frames of the " + x.Dir.Other().String() + "."
	case h2.Cancel:
		return "Look at the log of " + side + " at this second (a timeout, a page that was left, a request that was aborted); let it send a Close frame before it cancels a stream."
	}
	return "Look at the log of " + side + " at this second: " + x.Name + " is a failure of its own, or of the server behind it."
}
