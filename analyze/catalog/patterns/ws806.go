package patterns

import (
	"fmt"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS806 = &rule.Rule{
	Code: "WS806", Slug: "mass-disconnect", Family: "patterns", Since: "1.0.0",
	Title:    "Many open connections were ended by the server's side at one moment",
	Severity: record.Warning, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "Five or more WebSockets to one endpoint that had been open were ended within one second by the server's side: by Close frames, FIN or RST.",
		Why:  "All these users lost their connection at once, and all come back at once. This is a restart, a deployment, a crash or a reload of a proxy, and not the fault of any of the connections.",
		How: "At least half of the connections that were open at the endpoint ended, and five times as many as usual in a second there: an endpoint that ends many short connections all the time is not reported. " +
			"Closes with code 1000 (normal closure) are not counted. Codes 1001 and 1012 say that the server went away on purpose; no Close frame at all speaks of a crash, of a killed process, or of a proxy that was reloaded.",
		Alike: "An idle timeout cuts connections together that fell silent together. A network path that breaks shows RSTs or silence, and more endpoints than one.",
		Fix: "If it was planned, let the server close with 1012 or 1001, a few connections at a time, and let clients wait a random time before they come back. If not, look at the server's and the proxy's log at that second. " +
			"nginx, HAProxy and Caddy can keep old connections after a reload (worker_shutdown_timeout, hard-stop-after, stream_close_delay).",
	},
	References:    []string{"RFC 6455 section 7.4.1", "IANA WebSocket Close Code Number Registry", "RFC 6455 section 7.2.3"},
	CheckRelation: checkBurst,
}

func checkBurst(x *record.Relation, r *rule.Reporter) {
	b := x.Burst
	if b == nil || x.Total < 5 {
		return
	}
	f := rule.Found{Title: fmt.Sprintf("%s of %d open connections to %s were ended by its side %s (%s)",
		atLeast(x, x.Total), b.Open, b.Server, within(b.Duration), listed(b.Closes)),
		Remedy: "Look at the log of the server, and of a proxy before it, at this second for a restart, a crash or a reload; close with 1012 in small groups where it was planned."}
	for i, at := range b.At {
		note := "ended"
		if i == len(b.At)-1 && x.Total > len(b.At) {
			note = "the last of them"
		}
		f.Evidence = append(f.Evidence, r.At(at, "%s", note))
	}
	r.Add(f)
}

func within(d time.Duration) string {
	if d < time.Millisecond {
		return "at the same moment"
	}
	return "within " + known.Seconds(d)
}
