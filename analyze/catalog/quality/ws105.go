package quality

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS105 = &rule.Rule{
	Code: "WS105", Slug: "capture-ended-first", Family: "quality", Since: "1.0.0",
	Title:    "The capture ends while the connection is still in progress",
	Severity: record.Info, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "At the end of the capture the connection was still there: no FIN, no RST.",
		Why:   "How it ended, or whether an answer still came, is not known. A failure that the users saw later is not in this file.",
		How:   "The file's last packet comes before any packet that ends the connection.",
		Alike: "A connection whose end was dropped by the capture, or that died in silence long before, looks the same; where data was sent in vain at the end, WS208 says so.",
		Fix:   "Let the capture run until the failure has happened (with tcpdump -G or -C in a ring if it takes long), and give the later files as well.",
	},
	References: []string{"https://www.tcpdump.org/manpages/tcpdump.1.html (-G, -C, -W)"},
	Needs:      rule.Unended,
	Check:      checkEnded,
}

func checkEnded(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || !c.Facts.EndOfCapture && c.Outcome != record.Open {
		return
	}
	switch c.Outcome {
	case record.Open, record.Incomplete, record.NoResponse, record.Opaque, record.ClosedAbnormal:
	default:
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	f := rule.Found{Evidence: []record.Evidence{r.At(c.Facts.Last, "last packet of the connection: no end of it is in the capture")}}
	if c.Outcome == record.Open {
		f.Title = "The WebSocket is still open when the capture ends"
	} else {
		when, lacks := "right", "end of the connection"
		if rest := c.Facts.CaptureEnd.Time.Sub(c.Facts.Last.Time); rest > 0 {
			when = known.Seconds(rest)
		}
		if c.Outcome == record.Incomplete && c.Phase == record.PhaseUpgrade && c.Request != nil && c.Response == nil {
			lacks = "answer to the Upgrade request"
		}
		f.Title = "The capture ends " + when + " after the connection's last packet, without an " + lacks
		f.NextStep = "Let the capture run longer, until the connection has ended."
	}
	r.Add(f)
}
