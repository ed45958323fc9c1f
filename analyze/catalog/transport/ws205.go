package transport

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS205 = &rule.Rule{
	Code: "WS205", Slug: "reset-while-open", Family: "transport", Since: "1.0.0",
	Title:    "A RST ended the WebSocket while it was open, without a Close frame before it",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The WebSocket was open, nobody had sent a Close frame or a FIN, and a TCP reset ended it.",
		Why:  "Both applications learn only that the connection is gone: clients report code 1006 without a reason, and messages on their way are lost.",
		How:  "The first packet that ended the connection is a RST, and no Close frame stands before it in the capture. A RST after a Close frame or after the sender's own FIN is routine and not named.",
		Alike: "A device on the path can send a RST in the name of either side: WS206 says so where the RST does not fit its alleged sender. " +
			"A process that was killed or that closed its socket with unread data, SO_LINGER with zero, and a proxy that drops a tunnel all look the same. After a silence, see WS716.",
		Fix: "Look at the log of the side that sent the RST at this moment: a crash, an out-of-memory kill, a deploy, a forced close. Let servers close with a Close frame (1001 or 1012) when they stop. " +
			"If that side knows nothing of it, capture on both sides to find the device between them.",
	},
	References: []string{"RFC 9293 section 3.5.2", "RFC 6455 section 7.1.5", "RFC 6455 section 7.2.2"},
	Explains:   []string{"WS616"},
	Needs:      rule.Reset,
	Check:      checkResetWhileOpen,
}

func checkResetWhileOpen(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || t.EndHow != "rst" {
		return
	}
	if c.Facts.WS == nil && c.Facts.TLS != nil && c.Facts.TLS.Likeness != nil {
		checkResetInTheDark(c, t, r)
		return
	}
	if c.Facts.WS == nil || c.Facts.WS.FirstClose != nil {
		return
	}
	if c.Outcome == record.InvalidHandshake || c.Facts.H2 != nil && h2Ended(c.Facts.H2) {
		return
	}
	x := ending(t)
	if x == nil || x.AfterOwnFIN || x.AfterOtherFIN {
		return
	}
	f := rule.Found{Fault: resetFault(t)}
	if f.Fault != record.FaultIntermediary {
		f.Confidence = record.Likely
	}
	if r.Enough(f) {
		return
	}
	f.Title = resetBy(c, t, f.Fault) + " the open WebSocket after " + known.Seconds(t.End.Time.Sub(c.Facts.WS.OpenedRef.Time)) + ", without a Close frame"
	f.SeenByUser = known.UserSaw(c, known.SawResetOpen)
	f.Remedy = resetRemedy(c, t)
	f.Evidence = []record.Evidence{r.At(x.Ref, "%s%s", howReset(x, f.Fault), afterData(t))}
	if x.AnswersData && t.LastData.Seen() {
		f.Evidence = append(f.Evidence, r.At(t.LastData, "the data of the %s that it answers", t.LastDataFrom))
	}
	r.Add(f)
}

// checkResetInTheDark is for what looks like a WebSocket inside TLS that cannot
// be read: a Close frame before the RST would be a short record just before it.
func checkResetInTheDark(c *record.Connection, t *record.TCPFacts, r *rule.Reporter) {
	x, tls := ending(t), c.Facts.TLS
	if x == nil || x.AfterOwnFIN || x.AfterOtherFIN || t.OneWay || tls.LikelyCloseNotify[0].Seen() || tls.LikelyCloseNotify[1].Seen() {
		return
	}
	f := rule.Found{
		Title: resetBy(c, t, resetFault(t)) + " the encrypted connection, probably an open WebSocket, " + known.Seconds(t.End.Time.Sub(tls.Likeness.AnswerRef.Time)) + " after it opened, without a close_notify",
		Fault: resetFault(t), SeenByUser: known.UserSaw(c, known.SawResetOpen), Confidence: record.Possible, NextStep: known.KeyLogStep(c),
		Remedy:   resetRemedy(c, t),
		Evidence: []record.Evidence{r.At(x.Ref, "%s, %s after the last record", howReset(x, resetFault(t)), known.Seconds(t.End.Time.Sub(tls.LastAppData.Time)))},
	}
	if t.End.Time.Sub(tls.LastAppData.Time) > closeBefore || f.Fault == record.FaultIntermediary {
		f.Confidence = record.Likely
	}
	r.Add(f)
}

func resetRemedy(c *record.Connection, t *record.TCPFacts) string {
	look := "Look at the log of " + known.Side(c, t.EndBy) + " at this moment (crash, kill, deploy, forced close)"
	switch {
	case known.OneHost(c): // nothing stands between, and there is no other side to capture at
		return look + "."
	case atHome(t, t.EndBy):
		return look + "; if it knows nothing of a reset, a firewall on its host or right before it sent it."
	}
	return look + "; if it knows nothing of a reset, capture on both sides."
}

// closeBefore is how long before a RST a Close frame would have come.
const closeBefore = 500 * time.Millisecond

// h2Ended: the stream ended before the TCP connection did.
func h2Ended(h *record.H2Facts) bool {
	return h.Reset != nil || h.EndStream[record.Client].Seen() || h.EndStream[record.Server].Seen()
}

// afterData says how long the connection was quiet before its end; data that
// came behind a RST which nobody heeded says nothing.
func afterData(t *record.TCPFacts) string {
	if !t.LastData.Seen() || t.End.Before(t.LastData) {
		return ""
	}
	return ", " + known.Seconds(t.End.Time.Sub(t.LastData.Time)) + " after the last data"
}
