package quality

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS108 = &rule.Rule{
	Code: "WS108", Slug: "capture-drops", Family: "quality", Since: "1.0.0",
	Title:    "The capture says that packets were dropped while it was taken",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The file's own statistics say that the kernel or the interface dropped packets.",
		Why:   "What is missing in the file may have been on the wire: gaps, unanswered requests and missing Close frames must be read with care.",
		How:   "pcapng files carry interface statistics; the count of drops in them is not zero.",
		Alike: "Nothing else: the number comes from the program that captured. Files in pcap format cannot say so and may lack packets all the same.",
		Fix:   "Use a larger buffer (dumpcap -B 64, tcpdump -B 65536), a capture filter, a faster disk, and no name resolution while capturing (-n).",
	},
	References:   []string{"https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/ (Interface Statistics Block)"},
	CheckCapture: checkDrops,
}

func checkDrops(c *record.Capture, r *rule.Reporter) {
	if c.Drops == 0 {
		return
	}
	r.Add(rule.Found{
		Title:    fmt.Sprintf("%d packet%s dropped while the capture was taken (%d are in it)", c.Drops, map[bool]string{true: " was", false: "s were"}[c.Drops == 1], c.Packets),
		Remedy:   "Capture again with a larger buffer (dumpcap -B 64) and a capture filter.",
		Evidence: []record.Evidence{byteAt(c, 0, fmt.Sprintf("the interface statistics of this file count %d drops", c.Drops))},
	})
}
