package quality

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS106 = &rule.Rule{
	Code: "WS106", Slug: "file-cut-short", Family: "quality", Since: "1.0.0",
	Title:    "The capture file ends in the middle of a record",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The file could not be read to a proper end: its last record or block is incomplete, or bytes in it make no sense.",
		Why:   "Everything after that byte is lost. Connections that seem open at the end may have ended in the missing part.",
		How:   "Each record says how long it is; the file has fewer bytes than that. The byte at which reading stopped is named.",
		Alike: "A full disk, a copy that was interrupted, a capture that was killed or is still being written do this. A file that was transferred in text mode is damaged in many places.",
		Fix:   "Copy the file again and compare its size with the original; stop captures with SIGINT or SIGTERM, so that they write their last record; use dumpcap -b or tcpdump -C for long ones.",
	},
	References:   []string{"https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/", "https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/"},
	CheckCapture: checkFileCut,
}

func checkFileCut(c *record.Capture, r *rule.Reporter) {
	if c.Facts == nil {
		return
	}
	for i := range c.Facts.Problems {
		p := &c.Facts.Problems[i]
		what := ""
		switch p.Kind {
		case "read error":
			if c.Format == "" {
				r.Add(rule.Found{Title: "The file could not be opened: nothing of it is in this report", Remedy: "Look at its name and at who may read it.",
					Evidence: []record.Evidence{byteAt(c, 0, known.Clip(p.Text))}})
				return
			}
			what = "cannot be read any further"
		case "cut short":
			what = "ends in the middle of a record"
		case "corrupt":
			what = "cannot be read any further"
		default:
			continue
		}
		f := rule.Found{
			Title:    fmt.Sprintf("The file %s at byte %d, after packet %d", what, p.Offset, p.Packet),
			Remedy:   "Copy the file again and compare sizes; stop captures with SIGINT, so that they end with a whole record.",
			Evidence: []record.Evidence{byteAt(c, p.Offset, known.Clip(p.Text))},
		}
		r.Add(f)
		return
	}
}
