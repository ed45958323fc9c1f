package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS207 = &rule.Rule{
	Code: "WS207", Slug: "high-packet-loss", Family: "transport", Since: "1.0.0",
	Title:    "At least 3 data segments, and 2 % of all, were sent again",
	Severity: record.Warning, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "A noticeable share of the data segments had to be sent again.",
		Why:  "Every lost segment holds up all messages behind it until it has been sent again, for 200 ms and more: messages come in bursts, Pongs come late, and timers run out that would not have.",
		How: "Data segments that were sent again are counted against all data segments of both sides. A segment that fills a gap late counts, for it was lost before the capture point. " +
			"Reordered segments, copies made by the capture, keep-alives and window probes do not count.",
		Alike: "A capture on a busy host that drops packets shows gaps, not retransmissions. Segments sent again too early (spurious retransmissions on a path with a varying delay) count as well, though nothing was lost. " +
			"A handful of retransmissions in a short connection says little: three are needed at least.",
		Fix: "Look for the hop that loses packets: errors and drops on interfaces (ip -s link), duplex mismatches, Wi-Fi, an overloaded VPN or a policer. Captures at both ends tell on which way and between which points packets vanish.",
	},
	References: []string{"RFC 6298", "RFC 9293 section 3.8.1", "RFC 5681"},
	Explains:   []string{"WS615"},
	Needs:      rule.Trouble,
	Check:      checkLoss,
}

// A share alone would cry loss over one of nine segments.
const (
	lossSegments = 3
	lossShare    = 50 // one in fifty
)

func checkLoss(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || t.Sides[0].Retransmissions+t.Sides[1].Retransmissions < lossSegments {
		return
	}
	var again, all int64
	var by [2]int64
	for d := range t.Sides {
		by[d] = t.Sides[d].Retransmissions - t.Sides[d].Resized
		if s := &t.Sides[d]; s.Unacked > 0 { // sent in vain at the end: another finding's
			by[d] = max(0, by[d]-int64(max(s.UnackedSent-1, s.UnackedAgain, 0)))
		}
		again += by[d]
		all += t.Sides[d].DataSegments
	}
	if again < lossSegments || again*lossShare < all {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	f := rule.Found{
		Title: fmt.Sprintf("%d of %d data segments (%.0f %%) were sent again: %d by the client, %d by the server", again, all,
			100*float64(again)/float64(max(all, 1)), by[record.Client], by[record.Server]),
		Remedy: "Look for drops and errors on the interfaces of the path (ip -s link), Wi-Fi, VPN, policers; captures at both ends show where packets vanish.",
	}
	for i := range t.Retransmissions {
		if i == 3 {
			break
		}
		x := &t.Retransmissions[i]
		note := fmt.Sprintf("data of the %s, sent again", x.From)
		if x.Original.Seen() {
			note += fmt.Sprintf(" %s after packet %d", known.Seconds(x.Ref.Time.Sub(x.Original.Time)), x.Original.Packet)
		}
		f.Evidence = append(f.Evidence, r.At(x.Ref, "%s", note))
	}
	if len(f.Evidence) == 0 {
		f.Evidence = append(f.Evidence, r.At(c.Facts.First, "first packet of the connection"))
	}
	r.Add(f)
}
