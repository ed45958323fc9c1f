package closing

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS717 = &rule.Rule{
	Code: "WS717", Slug: "lifetime-limit", Family: "closing", Since: "1.0.0",
	Title:    "The connection was cut, in the middle of traffic, at an age that a timer explains",
	Severity: record.Warning, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "Messages were still going to and fro when the connection was cut without a Close frame, and its age is a round number of seconds.",
		Why:  "Something limits how long a connection may live, busy or not. Pings do not help: every user is thrown out at this age.",
		How:  "The time from the handshake to the FIN or RST is 30 s or more and a multiple of 10 s, with data less than 3 s before.",
		Alike: "Chance: one connection in twenty-five ends so near such an age. An application's own limit (a token's lifetime) usually sends a Close frame first. Several connections cut at the same age (WS803) settle it. " +
			"A proxy that was reloaded cuts connections of every age at one moment instead (WS806).",
		Fix: "Find the limit: a route or backend timeout that counts the whole request (Google Cloud load balancing, Cloud Run, Envoy's max_stream_duration, a Kubernetes ingress with a request timeout), a proxy's lifetime or shutdown setting. " +
			"Raise it for this route, and let clients reconnect without losing messages, for some limits are fixed.",
	},
	References: []string{"https://cloud.google.com/run/docs/triggering/websockets", "https://docs.aws.amazon.com/apigateway/ (WebSocket quotas)", "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts"},
	Explains:   []string{"WS701", "WS205", "WS616"},
	Needs:      rule.NoClose,
	Check:      checkLifetime,
}

func checkLifetime(c *record.Connection, r *rule.Reporter) {
	end, ok := cutOf(c)
	if !ok || r.Has("WS716") || r.Has("WS206") || r.Has("WS208") {
		return
	}
	age, ok := lifetime(c, end)
	if !ok {
		return
	}
	product, _ := known.ProductOf(c)
	f := rule.Found{Confidence: record.Possible, Severity: record.Error, Fault: limiter(c, end)} // of a connection that was cut it is the cause
	fits := known.LifetimeTimers(age, product)
	if len(fits) > 0 && end.by == record.Server {
		f.Confidence = record.Likely
	}
	if r.Enough(f) {
		return
	}
	f.Title = fmt.Sprintf("%s cut the connection (%s) at an age of %s, in the middle of traffic", known.SideFirst(c, end.by), end.how, known.Seconds(age))
	f.Remedy = "Look for a limit of " + wholeSeconds(age.Round(lifetimeStep)) + " on whole requests or connections at the proxies in front of this server, and raise it for this route."
	f.SeenByUser = known.UserSaw(c, known.SawAbnormal)
	f.Evidence = []record.Evidence{r.At(c.Facts.WS.OpenedRef, "the WebSocket opens"), r.At(c.Facts.TCP.LastData, "data just before the end"),
		r.At(end.at, "%s of the %s", end.how, end.by)}
	if len(fits) > 0 {
		f.Title += ", consistent with " + known.TimerNames(fits)
	}
	if f.Fault == record.FaultUnknown {
		f.Remedy = "Look whether " + known.Side(c, end.by) + " ends connections itself after " + wholeSeconds(age.Round(lifetimeStep)) + "; if not, look for such a limit at the proxies behind that address, and raise it for this route."
	}
	r.Add(f)
}
