package path

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS902 = &rule.Rule{
	Code: "WS902", Slug: "lost-on-path", Family: "path", Since: "1.0.0",
	Title:    "Packets sent at one vantage point never arrived at the other",
	Severity: record.Warning, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "The connection is in two captures. What left one of them did not come in at the other: a SYN-ACK, the request, its answer, or data segments.",
		Why:  "The loss lies between the two vantage points, in one direction, and not at either end. If the same packet never passes however often it is sent, something drops it on purpose or by its size; if some pass and some do not, the path loses at random.",
		How: "The views are joined by addresses and initial sequence numbers, and bytes and segments are compared for each direction. The receiver's capture goes on long enough after the packet, and neither capture misses a stretch that the peer acknowledged. " +
			"For random loss, at least three segments that were sent again must be missing at the receiver.",
		Alike: "Segmentation offload makes the numbers of packets differ at the two ends: so bytes are compared, and segments only if they have the same size at both. A capture that drops packets looks the same; its drop counter tells.",
		Fix: "Whatever never passes: look for a firewall or filter between the two that knows the content (Upgrade: websocket), or if only large packets are lost, for a link with a smaller MTU and blocked ICMP. " +
			"Random loss: look at interface errors, duplex, a full link or bad radio between the two, in the direction that is named.",
	},
	References:    []string{"RFC 9293 section 3.8.1", "RFC 2923 section 2.1", "RFC 8899"},
	CheckRelation: checkPathLoss,
}

func checkPathLoss(x *record.Relation, r *rule.Reporter) {
	p := x.Path
	if p == nil || len(p.Lost) == 0 || len(p.Forged) > 0 {
		return // who answers with a RST in the other's name has taken the packet
	}
	var f rule.Found
	for i, loss := range p.Lost {
		sender, receiver := sides(p, loss.From)
		text := fmt.Sprintf("%d %s of the %s were lost between %s and %s", loss.Packets, loss.What, loss.From, sender, receiver)
		if loss.Never {
			text = fmt.Sprintf("The %s's %s left %s and never arrived at %s", loss.From, strings.TrimPrefix(loss.What, "the "), sender, receiver)
			if loss.Bytes > 0 {
				text += " (" + record.Bytes(loss.Bytes) + ")"
			}
		}
		if i == 0 {
			f.Title = text
		} else {
			f.Title += "; " + lower(text)
		}
		f.Evidence = append(f.Evidence, r.At(loss.At, "%s", also("sent here, missing in "+receiver, p)))
		if loss.Never && loss.Passed > 0 && loss.Largest > loss.Passed {
			f.Remedy = fmt.Sprintf("Segments of up to %d bytes pass, one of %d does not: look for a link with a smaller MTU between the two, and let ICMP 'fragmentation needed' through.", loss.Passed, loss.Largest)
		}
	}
	f.Title += " (" + ends(p) + ")"
	if f.Remedy == "" {
		f.Remedy = "Look at the devices between the two vantage points, in the direction that is named; a capture on each side of one shows whether it is the one."
	}
	if p.EndsEarly {
		f.Confidence = record.Likely
	}
	r.Add(f)
}

func lower(s string) string {
	if s != "" && s[0] >= 'A' && s[0] <= 'Z' {
		return string(s[0]-'A'+'a') + s[1:]
	}
	return s
}
