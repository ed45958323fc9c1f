package quality

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS101 = &rule.Rule{
	Code: "WS101", Slug: "packets-cut-short", Family: "quality", Since: "1.0.0",
	Title:    "Packets of the connection were cut by the capture's snapshot length",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "Packets of this connection were longer on the wire than in the file: the capture kept only their beginning.",
		Why:   "Headers, frames or messages beyond the cut cannot be judged. What is said of this connection rests on what is left.",
		How:   "Each record of a capture says how long the packet was and how much of it was kept; here it kept less than the TCP payload needs.",
		Alike: "Nothing else does: the connection itself is not to blame. Packets may also have been cut later, by editcap -s or by an anonymizing tool.",
		Fix:   "Capture again with the whole packet: tcpdump -s 0, dumpcap without -s, tshark without -s.",
	},
	References: []string{"https://www.tcpdump.org/manpages/tcpdump.1.html (-s)", "https://www.wireshark.org/docs/man-pages/dumpcap.html (-s)"},
	Needs:      rule.Flaws,
	Check:      checkCut,
}

func checkCut(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.TCP.CutShort == 0 {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	t := &c.Facts.TCP
	r.Add(rule.Found{
		Title:    packets(t.CutShort) + " of the connection " + were(t.CutShort) + " cut by the snapshot length, " + record.Bytes(t.CutBytes) + " " + are(t.CutBytes) + " missing",
		Remedy:   "Capture again with tcpdump -s 0 (or dumpcap without -s).",
		NextStep: "Capture again without a snapshot length (tcpdump -s 0).",
		Evidence: []record.Evidence{r.At(t.FirstCut, "first packet that is shorter in the file than on the wire")},
	})
}
