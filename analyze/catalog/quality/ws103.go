package quality

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS103 = &rule.Rule{
	Code: "WS103", Slug: "one-direction-only", Family: "quality", Since: "1.0.0",
	Title:    "Only one direction of the TCP connection is in the capture",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The capture holds what one side sent and nothing of the other, though both must have spoken.",
		Why:   "Whether a request was answered, a Ping met its Pong or a Close was returned cannot be told: an answer that is not in the file is not missing on the wire.",
		How:   "The side that is there acknowledges bytes that the file does not hold, or goes on as only an answer lets it.",
		Alike: "A server that never answers leaves acknowledgements of its own, or none that its client could go on with; such connections are not meant.",
		Fix:   "Mirror both directions of the port (SPAN: both, or both TAP outputs), capture where asymmetric routes meet, and do not filter with 'src' alone.",
	},
	References: []string{"RFC 9293 section 3.4", "https://wiki.wireshark.org/CaptureSetup/Ethernet"},
	Explains:   []string{"WS102"},
	Needs:      rule.Flaws,
	Check:      checkOneWay,
}

func checkOneWay(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || !c.Facts.TCP.OneWay {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	d := c.Facts.TCP.OneWayDir
	r.Add(rule.Found{
		Title:    fmt.Sprintf("Only the packets of the %s are in the capture, none of the %s", d, d.Other()),
		Remedy:   "Capture both directions: mirror rx and tx of the port, and use a filter without 'src' or 'dst' alone.",
		NextStep: "Capture both directions of the connection.",
		Evidence: []record.Evidence{r.At(c.Facts.First, "first packet of the %s; none of the %s follows", d, d.Other())},
	})
}
