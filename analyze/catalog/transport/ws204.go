package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS204 = &rule.Rule{
	Code: "WS204", Slug: "reset-before-response", Family: "transport", Since: "1.0.0",
	Title:    "A RST ended the connection after the Upgrade request and before any response",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The Upgrade request went out whole, and a TCP reset came back instead of a response.",
		Why:  "The client cannot tell a crash from a refusal: it only reports that the connection was reset before the handshake was complete.",
		How:  "The request is in the capture, no byte of a response is, and the first packet that ended the connection is a RST.",
		Alike: "A firewall or an intrusion prevention system that dislikes the request resets it in the server's name: where the RST does not fit the server's other packets, WS206 says so. " +
			"A server that closes with unread data in its buffer resets as well, without any intent. A client that gave up waiting and reset is not this but WS534.",
		Fix: "Look at the server's log and for crashes at this time. A process that closes its socket before it has read the request, a proxy whose backend died, and SO_LINGER with zero all do this. " +
			"If the server did not send the RST, capture there as well.",
	},
	References: []string{"RFC 9293 section 3.5.2", "RFC 6455 section 4.1"},
	Needs:      rule.Reset | rule.Handshake,
	Check:      checkResetBeforeResponse,
}

func checkResetBeforeResponse(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || t.EndHow != "rst" || c.Facts.WS != nil || c.Facts.Upgrade == nil {
		return
	}
	if h := c.Facts.H2; h != nil && (h.GoAway != nil || h.Reset != nil || h.SettingsRef.Seen() && !h.ConnectEnabled) {
		return // WS560 to WS562 say more
	}
	if c.Facts.TLS != nil && c.Facts.TLS.Dark[record.Server] {
		return
	}
	u := c.Facts.Upgrade
	if u.Request == nil || u.Response != nil || u.ResponseCut || u.NotHTTP != nil || u.TLSAnswer || t.OneWay {
		return
	}
	x := ending(t)
	_, forged := forgery(t)
	if x == nil || x.AfterOwnFIN || x.AfterOtherFIN || t.EndBy == record.Client && !forged {
		return
	}
	f := rule.Found{Fault: resetFault(t)}
	if !forged {
		f.Confidence = record.Likely
	}
	if r.Enough(f) {
		return
	}
	f.Title = fmt.Sprintf("%s the connection %s after the Upgrade request, without a response", resetBy(c, t, f.Fault), known.Seconds(t.End.Time.Sub(u.RequestLast.Time)))
	f.SeenByUser = known.UserSaw(c, known.SawResetUnanswered)
	sender := "something on the path"
	switch {
	case forged:
	case atHome(t, record.Server):
		sender = "a firewall on its host or right before it"
	default:
		f.NextStep = known.CaptureAt(c, "the server as well: it shows whether the server sent this RST.")
	}
	f.Remedy = "Look at the log of " + c.Server.String() + " and for a crash at that moment; if it knows nothing of the request, " + sender + " sent the RST."
	f.Evidence = []record.Evidence{r.At(u.RequestRef, "the Upgrade request"), r.At(x.Ref, "%s", howReset(x, f.Fault))}
	r.Add(f)
}
