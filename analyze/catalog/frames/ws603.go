package frames

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS603 = &rule.Rule{
	Code: "WS603", Slug: "reserved-bits", Family: "frames", Since: "1.0.0",
	Title:    "A reserved bit is set that no negotiated extension defines",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A frame has RSV1, RSV2 or RSV3 set, and the extensions that the handshake negotiated give that bit no meaning in this frame.",
		Why:  "The receiver must fail the connection, usually with 1002. RSV1 without permessage-deflate means that a compressed message reached a peer that does not expect compression.",
		How:  "The bits are in the frame's first byte; what was negotiated stands in the Sec-WebSocket-Extensions of the 101. With permessage-deflate RSV1 may stand in the first frame of a message only, never in a continuation or a control frame.",
		Alike: "A proxy that takes Sec-WebSocket-Extensions out of the 101 on its way to the client makes an honest server look guilty: its own view negotiated compression, the client's did not. Compare with a capture before the proxy. " +
			"Bytes that are no frames at all set such bits, too, see WS612.",
		Fix: "If the client offered permessage-deflate and the 101 does not select it, look for the proxy that removed the field, or turn compression off at the server. Otherwise correct the sender's framing.",
	},
	References: []string{"RFC 6455 section 5.2", "RFC 7692 section 6"},
	Explains:   failures,
	Needs:      rule.BadFrames,
	Check:      checkReservedBits,
}

// RFC 6455 section 5.2: "MUST be 0 unless an extension is negotiated that
// defines meanings for non-zero values. If a nonzero value is received and none
// of the negotiated extensions defines the meaning of such a nonzero value, the
// receiving endpoint MUST _Fail the WebSocket Connection_."
func checkReservedBits(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(w *record.WSFacts, v *record.Violation) rule.Found {
		f := rule.Found{
			Title:      "set " + bits(v.Header.RSV) + " in " + frameName(v) + ", " + negotiated(w, v),
			Remedy:     "Correct the framing of the " + v.Dir.String() + ".",
			SeenByUser: known.UserSaw(c, known.SawReservedBits),
		}
		if v.Header.RSV != ws.RSV1 {
			f.SeenByUser = known.UserSaw(c, known.SawReserved23, strings.Join(bitNames(v.Header.RSV), " set, ")+" set")
		}
		if takenOff(c, w, v) {
			f.Title += " though the client offered permessage-deflate"
			f.Remedy = "Look for a proxy that takes Sec-WebSocket-Extensions out of the 101, or turn permessage-deflate off at the server (Node ws: perMessageDeflate: false)."
			f.NextStep = "Capture between the server and the proxy in front of it: does the 101 there select permessage-deflate?"
		}
		return f
	}, ws.ReservedBits)
}

// takenOff tells that the client asked for the compression that the server uses,
// and only the 101 does not say so.
func takenOff(c *record.Connection, w *record.WSFacts, v *record.Violation) bool {
	return v.Header.RSV == ws.RSV1 && !w.Deflate && v.Dir == record.Server && deflateOffered(c)
}

func bits(rsv uint8) string {
	names := bitNames(rsv)
	if len(names) == 3 {
		return "RSV1, RSV2 and RSV3"
	}
	return strings.Join(names, " and ")
}

func bitNames(rsv uint8) (names []string) {
	for i, bit := range []uint8{ws.RSV1, ws.RSV2, ws.RSV3} {
		if rsv&bit != 0 {
			names = append(names, fmt.Sprintf("RSV%d", i+1))
		}
	}
	return names
}

func negotiated(w *record.WSFacts, v *record.Violation) string {
	switch {
	case !w.HandshakeSeen:
		return "which RFC 6455 and permessage-deflate leave undefined"
	case w.Extensions == "":
		return "but no extension was negotiated"
	case v.Header.RSV == ws.RSV1 && w.Deflate:
		return "where permessage-deflate does not allow it"
	}
	return "which " + known.Quote(w.Extensions) + " does not define"
}

func deflateOffered(c *record.Connection) bool {
	u := c.Facts.Upgrade
	return u != nil && u.Request != nil && u.Request.HasToken("Sec-WebSocket-Extensions", "permessage-deflate") ||
		u != nil && u.Request != nil && strings.Contains(strings.Join(u.Request.Values("Sec-WebSocket-Extensions"), ","), "permessage-deflate")
}
