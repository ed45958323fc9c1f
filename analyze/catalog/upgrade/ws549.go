package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS549 = &rule.Rule{
	Code: "WS549", Slug: "slow-handshake", Family: "upgrade", Since: "1.0.0",
	Title:    "The response came 3 s or more after the request",
	Severity: record.Warning, Fault: record.FaultServer,
	Text: rule.Text{
		Seen:  "The answer to the handshake took 3 seconds or more from the request to its last byte.",
		Why:   "Users wait that long for a connection, and a little more makes clients give up: Python websockets after 10 s, Firefox after 20 s.",
		How:   "The time between the last packet of the request and the last one of the answer's header block, at the place of capture.",
		Alike: "Retransmissions on a lossy path add to the time, and so does a proxy that first has to wake or find a server. A backlog of connections makes all of them slow at the same time.",
		Fix:   "Find what the server does before it answers: authentication against a slow service, a blocked event loop, too few workers. Answer the handshake first and do the rest after it.",
	},
	References: []string{"RFC 6455 section 4.1"},
	Needs:      rule.Remarkable,
	Check:      checkSlow,
}

func checkSlow(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil {
		return
	}
	u := c.Facts.Upgrade
	if !u.RequestLast.Seen() || !u.ResponseRef.Seen() || u.ResponseCut {
		return
	}
	end := u.ResponseLast
	if !end.Seen() {
		end = u.ResponseRef
	}
	took := end.Time.Sub(u.RequestLast.Time)
	if took < rule.SlowHandshake {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	f := rule.Found{
		Title:  known.Who(c) + " took " + known.Seconds(took) + " to answer " + target(u),
		Remedy: "Find what the server does before it answers the handshake: a slow login, a blocked event loop, too few workers.",
		Evidence: []record.Evidence{r.At(u.RequestLast, "the request is complete"),
			r.At(end, "the answer is complete %s later", known.Seconds(took))},
	}
	if began := u.ResponseRef.Time.Sub(u.RequestLast.Time); took-began >= rule.SlowHandshake {
		f.Title += ": the answer began after " + known.Seconds(began) + " and came in pieces"
		f.Remedy = "Let the server send the whole header block at once: it stopped in the middle. If it did not, look for losses on the path."
		f.Evidence = append(f.Evidence, r.At(u.ResponseRef, "the answer begins"))
	}
	r.Add(f)
}
