package patterns

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS802 = &rule.Rule{
	Code: "WS802", Slug: "polling-fallback", Family: "patterns", Since: "1.0.0",
	Title:    "A client went on with long polling after its WebSocket failed",
	Severity: record.Warning, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "An attempt at a WebSocket failed, and afterwards the same client sent ordinary HTTP requests to the same endpoint that carry the messages instead: long polling or streaming of Engine.IO (Socket.IO), SockJS or SignalR.",
		Why: "The application works, so that nobody complains, but each message costs a whole request, messages come later, and behind several servers without sticky sessions the polling breaks in ways of its own. " +
			"A slow or expensive service is often just this.",
		How: "The libraries mark their requests: transport=polling with EIO= in the query (Engine.IO), paths that end in /SERVER/SESSION/xhr_streaming and the like (SockJS), transport=longPolling or an id= after /negotiate (SignalR). " +
			"Such requests before the attempt are normal, for Engine.IO and SignalR begin with them; two or more after it are the fallback.",
		Alike: "A client that tries the WebSocket again later and succeeds is not reported. Where the capture ends soon after the failure, an upgrade that would still have come is not seen.",
		Fix: "Find out why the WebSocket failed: the finding at that connection says it, most often a proxy that does not pass Upgrade on. Then the library upgrades by itself. " +
			"If polling is what you want behind several servers, make sessions sticky.",
	},
	References:    []string{"RFC 6202 section 2", "https://socket.io/docs/v4/how-it-works/", "https://github.com/sockjs/sockjs-client#readme"},
	CheckRelation: checkFallback,
}

var familyNames = map[string]string{"engine.io": "Engine.IO (Socket.IO)", "socket.io": "Socket.IO", "sockjs": "SockJS", "signalr": "SignalR"}

func checkFallback(x *record.Relation, r *rule.Reporter) {
	p := x.Fallback
	if p == nil {
		return
	}
	failure := "its WebSocket failed"
	if p.FailedStatus != 0 {
		failure = fmt.Sprintf("its WebSocket was answered %d", p.FailedStatus)
	}
	f := rule.Found{Title: fmt.Sprintf("%s client %s went on with %s at %s after %s", familyNames[p.Family], p.Client, transport(p.Transport), p.Server, failure),
		Remedy:   "Mend what made the WebSocket fail: see the finding at that connection. The library upgrades by itself then.",
		Evidence: []record.Evidence{r.At(p.Failed, "the attempt fails"), r.At(p.First, "%s goes on", transport(p.Transport)), r.At(p.Last, "and on")}}
	r.Add(f)
}

func transport(name string) string {
	switch name {
	case "", "polling", "longPolling":
		return "long polling"
	}
	return name
}
