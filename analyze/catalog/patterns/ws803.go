package patterns

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS803 = &rule.Rule{
	Code: "WS803", Slug: "same-age-at-death", Family: "patterns", Since: "1.0.0",
	Title:    "Several connections were cut at the same age, or after the same silence",
	Severity: record.Warning, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "Three or more WebSockets to one endpoint ended without a Close frame after the same time, to a tenth of a second: either since the last message of any kind, or since they opened. They ended at different moments.",
		Why: "Crashes and bad networks do not keep time. Something on the way counts: an idle timeout, if the time is that of the silence, or a limit on the age of a connection. " +
			"It will cut every connection that lives, or is silent, that long.",
		How: "The times of all connections to the endpoint that were cut are compared. A cluster counts only if it stands out: at least a tenth of all cuts, as many as half of those within a second around it, and at three moments at least. " +
			"Known defaults of products that fit are named; they are a hint and no proof.",
		Alike: "A client or test that ends its connections itself after a fixed time, without a Close frame, looks the same from the server's side. Connections that were opened together and ended together have the same age by chance: those are not counted.",
		Fix: "Against an idle timeout send something more often than that: a Ping from either side every 20 to 30 seconds counts as traffic for every proxy that passes WebSocket frames. " +
			"Or raise the limit where it is set (nginx proxy_read_timeout, HAProxy timeout tunnel, the load balancer's idle timeout). Against a limit of age let the client reconnect at once and resume.",
	},
	References:    []string{"RFC 6455 section 5.5.2", "RFC 9293 section 3.8.4"},
	Explains:      nil,
	CheckRelation: checkSameTime,
}

func checkSameTime(x *record.Relation, r *rule.Reporter) {
	c := x.Cuts
	if c == nil || x.Total < 3 {
		return
	}
	what, timers := "at the same age, ", known.LifetimeTimers(c.After, known.Unknown)
	if c.Silent {
		what, timers = "after the same silence, ", known.IdleTimers(c.After, known.Unknown)
	}
	f := rule.Found{Title: fmt.Sprintf("%s of %d cut connections to %s ended %s%s", atLeast(x, x.Total), c.Of, c.Server, what, known.Seconds(c.After.Round(10*time.Millisecond))),
		Confidence: record.Likely}
	if least, most := known.Seconds(c.Min), known.Seconds(c.Max); least != most {
		f.Title += " (" + least + " to " + most + ")"
	}
	if names := known.TimerNames(timers); names != "" {
		f.Title += ", consistent with " + names
	}
	if c.Silent {
		f.Remedy = fmt.Sprintf("Send a Ping from either side more often than every %s, or raise the idle timeout at the device that cuts.", known.Seconds(c.After.Round(100*time.Millisecond)))
	} else {
		f.Remedy = "Find the device that limits the age of connections to " + known.Seconds(c.After.Round(100*time.Millisecond)) + " and raise the limit, or let the client reconnect and resume."
	}
	if c.ByClient && c.Named == 0 {
		f.Confidence = record.Possible
		f.Remedy = "Look whether the clients end connections themselves after that time. If they do not: " + strings.ToLower(f.Remedy[:1]) + f.Remedy[1:]
	}
	for _, at := range c.At {
		f.Evidence = append(f.Evidence, r.At(at, "cut"))
	}
	r.Add(f)
}
