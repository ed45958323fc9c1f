package quality

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS104 = &rule.Rule{
	Code: "WS104", Slug: "started-mid-connection", Family: "quality", Since: "1.0.0",
	Title:    "The TCP handshake is not in the capture",
	Severity: record.Info, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The capture began when the connection was already open.",
		Why:   "What happened before is unknown: who connected, often the Upgrade itself, and with it subprotocol, extensions and compression. Ages are lower bounds.",
		How:   "No SYN and no SYN-ACK of the connection is in the file.",
		Alike: "A handshake that went another way (asymmetric routes) or was dropped by the capture looks the same. A file from the middle of a rotated series continues its predecessor: give all files together.",
		Fix:   "Start the capture before the client connects, or let the client reconnect while it runs. Of rotated captures, analyse all files at once.",
	},
	References: []string{"RFC 9293 section 3.5"},
	Needs:      rule.Flaws,
	Check:      checkLate,
}

func checkLate(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || !c.Facts.TCP.LateStart {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	title := "The capture began when the connection already stood: its TCP handshake is not there"
	if c.Facts.WS != nil && c.Facts.WS.ByFrames {
		title = "The capture began in the middle of the WebSocket: neither TCP handshake nor Upgrade are there"
	}
	f := rule.Found{Title: title, Evidence: []record.Evidence{r.At(c.Facts.First, "first packet of the connection, no SYN")}}
	if c.Outcome == record.Incomplete {
		f.NextStep = "Start the capture before the client connects, or give the earlier files of a rotated capture as well."
	}
	r.Add(f)
}
