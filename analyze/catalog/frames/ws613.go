package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS613 = &rule.Rule{
	Code: "WS613", Slug: "large-message", Family: "frames", Since: "1.0.0",
	Title:    "A message is 1 MiB or larger (a common limit of receivers)",
	Severity: record.Info, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A single message has 1 MiB or more.",
		Why: "Many receivers limit messages: Python websockets and aiohttp to 1 MiB and 4 MiB, Engine.IO to 1 MB, Amazon API Gateway to 128 KB, and they close with 1009 beyond it. " +
			"Large messages also block Pings and everything else on the connection while they are sent.",
		How:   "The sizes of the message's frames are added up, after inflating where it is compressed.",
		Alike: "Large messages are legal: this is a hint, not a fault.",
		Fix:   "If the connection was closed with 1009, raise the receiver's limit or split the data into smaller messages; else nothing needs to be done.",
	},
	References: []string{"RFC 6455 section 10.4", "RFC 6455 section 7.4.1"},
	Needs:      rule.Remarkable,
	Check:      checkLarge,
}

func checkLarge(c *record.Connection, r *rule.Reporter) {
	w := framesOf(c)
	if w == nil || w.Largest[0] < rule.LargeMessage && w.Largest[1] < rule.LargeMessage {
		return
	}
	for d, n := range w.Largest {
		if n >= rule.LargeMessage {
			r.Add(rule.Found{
				Title:    fmt.Sprintf("%s sent a message of %.1f MiB", known.FramesOfFirst(c, record.Dir(d)), float64(n)/(1<<20)),
				Fault:    record.Dir(d).Fault(),
				Evidence: []record.Evidence{r.At(w.LargestRef[d], "the message's end (%d bytes)", n)},
			})
		}
	}
}
