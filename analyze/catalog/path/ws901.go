package path

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS901 = &rule.Rule{
	Code: "WS901", Slug: "reset-forged-on-path", Family: "path", Since: "1.0.0",
	Title:    "One vantage point received a RST that the other never sent",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The connection is in two captures. At one end a RST came in that bears the other end's address; in the capture near that other end no RST went out.",
		Why: "Neither client nor server ended this connection. Something between the two vantage points did, in the name of the other: a firewall's reject rule, an intrusion prevention or content filter, " +
			"a load balancer or NAT device that had forgotten the connection.",
		How: "The views are joined by addresses and initial sequence numbers (by these alone where addresses are translated). Which view is nearer to which end is told by the TTL and by the time that the SYN-ACK took. " +
			"The capture near the alleged sender has both directions, goes on beyond the moment of the RST, and holds none from it.",
		Alike: "A capture that lost packets may have lost the RST: then its drop counter says so, and this is not reported. A host behind the far vantage point is not in doubt: what it sends passes there.",
		Fix:   "Look for the device between the two vantage points; a capture on each of its sides narrows it down further. The RST's TTL tells how many hops away it was made. Then look at that device's log for this connection and its rule or timer.",
	},
	References:    []string{"RFC 9293 section 3.5.2", "RFC 3360", "https://www.icir.org/vern/papers/reset-injection.ndss09.pdf"},
	CheckRelation: checkForged,
}

func checkForged(x *record.Relation, r *rule.Reporter) {
	p := x.Path
	if p == nil || len(p.Forged) == 0 {
		return
	}
	first := p.Forged[0]
	sender, receiver := sides(p, first.From)
	f := rule.Found{Title: fmt.Sprintf("%s received a RST from the %s that %s shows it never sent (%s)", receiver, first.From, sender, ends(p)),
		Remedy: "Find the device between the two vantage points: a capture on each of its sides shows where the RST begins."}
	if len(p.Forged) > 1 {
		f.Title = fmt.Sprintf("Both ends received RSTs in the other's name that neither sent (%s)", ends(p))
	}
	for _, reset := range p.Forged {
		_, receiver := sides(p, reset.From)
		f.Evidence = append(f.Evidence, r.At(reset.At, "a RST from the %s comes in at %s, TTL %d", reset.From, receiver, reset.TTL))
		note := "the last packet here: no RST from the " + reset.From.String() + " before it"
		if reset.OtherWentOn {
			note = "the connection goes on here after that moment, without a RST from the " + reset.From.String()
		}
		f.Evidence = append(f.Evidence, r.At(reset.Elsewhere, "%s", also(note, p)))
	}
	if p.EndsEarly {
		f.Confidence = record.Likely
	}
	r.Add(f)
}
