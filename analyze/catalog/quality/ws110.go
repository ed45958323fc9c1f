package quality

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS110 = &rule.Rule{
	Code: "WS110", Slug: "time-goes-backwards", Family: "quality", Since: "1.0.0",
	Title:    "Packets are not in time order",
	Severity: record.Info, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "A packet's time is earlier than that of the packet before it in the file.",
		Why:   "Times between packets may be wrong around this place, and with them latencies, silences and who was first.",
		How:   "The times of successive records are compared. Packets are put into order within a small window before they are judged.",
		Alike: "Captures on several CPUs or interfaces write packets slightly out of order; a clock that was set while capturing (NTP, a suspended machine) makes one large jump; files joined without sorting jump at the seam.",
		Fix:   "reordercap sorts a file; mergecap (without -a) merges several by time. Let clocks be slewed, not stepped, while capturing.",
	},
	References:   []string{"https://www.wireshark.org/docs/man-pages/reordercap.html", "https://www.wireshark.org/docs/man-pages/mergecap.html"},
	CheckCapture: checkBackwards,
}

func checkBackwards(c *record.Capture, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Backwards == 0 {
		return
	}
	ref := c.Facts.BackwardsFirst
	f := rule.Found{
		Title:  fmt.Sprintf("%d of %d packets %s an earlier time than the packet before", c.Facts.Backwards, c.Packets, map[bool]string{true: "has", false: "have"}[c.Facts.Backwards == 1]),
		Remedy: "reordercap puts the file in order; look for a clock that was set while capturing.",
	}
	if ref.Seen() {
		f.Evidence = append(f.Evidence, record.Evidence{Capture: c.File, Packet: ref.Packet, Time: ref.Time, Note: "earlier than the packet before it"})
	} else {
		f.Evidence = append(f.Evidence, byteAt(c, 0, "packets of this file are not in time order"))
	}
	r.Add(f)
}
