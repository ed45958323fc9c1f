package quality

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS107 = &rule.Rule{
	Code: "WS107", Slug: "duplicate-packets", Family: "quality", Since: "1.0.0",
	Title:    "The same packets were captured more than once",
	Severity: record.Info, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "Packets of this connection are in the file twice: the same bytes with the same IP identification, some microseconds apart, perhaps with other MAC addresses or a TTL one less.",
		Why:   "Other tools show such copies as retransmissions and duplicate acknowledgements and make a healthy network look broken. Here copies are recognized and count once.",
		How:   "A retransmission has a new IP identification and comes after a timeout; a copy is the very same packet.",
		Alike: "A network that really duplicates packets (a loop, a faulty bridge) looks the same; then copies come over one interface and at odd distances.",
		Fix:   "Mirror one point of the path only, or capture on one interface instead of -i any; editcap -d removes the copies for other tools.",
	},
	References: []string{"https://www.wireshark.org/docs/man-pages/editcap.html (-d)"},
	Needs:      rule.Flaws,
	Check:      checkDuplicates,
}

func checkDuplicates(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.TCP.Duplicates == 0 {
		return
	}
	t := &c.Facts.TCP
	var f rule.Found
	if !t.FirstOriginal.Seen() {
		f.Confidence = record.Likely
	}
	if r.Enough(f) {
		return
	}
	f.Title = packets(t.Duplicates) + " of the connection " + were(t.Duplicates) + " captured more than once (not counted twice here)"
	if t.FirstOriginal.Seen() {
		f.Evidence = append(f.Evidence, r.At(t.FirstDuplicate, "a copy of packet %d", t.FirstOriginal.Packet), r.At(t.FirstOriginal, "the packet first seen"))
	} else {
		f.Title = packets(t.Duplicates) + " of the connection " + were(t.Duplicates) + " captured more than once, or came later than what was sent again instead (not counted as loss here)"
		f.Evidence = append(f.Evidence, r.At(t.FirstDuplicate, "it brings bytes that were captured before, and by its IP identification it was sent before the last packet"))
	}
	r.Add(f)
}
