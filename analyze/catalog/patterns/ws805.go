package patterns

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS805 = &rule.Rule{
	Code: "WS805", Slug: "one-backend-fails", Family: "patterns", Since: "1.0.0",
	Title:    "The failures concentrate on one server while its siblings succeed",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "Several servers answer the same URL, or one proxy sends the same path to several servers. Connections to one of them fail nearly always, connections to the others nearly never, at the same time.",
		Why:  "To users this is a failure that comes and goes: every third attempt fails, and a reload helps. Neither the URL nor the client nor the proxy's configuration is at fault, or all would fail.",
		How: "Connections are grouped by host and path, or behind a proxy by the proxy's address and the path, and counted by the server's address. At least three connections to one server failed, four in five or more of all; " +
			"of the connections to its siblings at most one in ten did, and one of them worked within a minute of the failures. Failures whose fault is the client's do not count, but a 404 does. A connection that was refused belongs to what the same address asks of the servers at the same port.",
		Alike: "A new version that is rolled out server by server looks like this for a while. So does a proxy that sends users with a certain cookie to one server, if that cookie is the trouble.",
		Fix:   "Take the server out of the pool, then look at its log at the times of the failures. Give the proxy a health check that makes a WebSocket handshake, not only a TCP connection, so that it does this by itself next time.",
	},
	References:    []string{"https://nginx.org/en/docs/http/load_balancing.html#nginx_load_balancing_health_checks", "https://docs.haproxy.org/2.8/configuration.html#5.2-check"},
	CheckRelation: checkBackends,
}

func checkBackends(x *record.Relation, r *rule.Reporter) {
	b := x.Backends
	if b == nil {
		return
	}
	f := rule.Found{Title: fmt.Sprintf("%d of %d connections to %s failed (%s), but only %d of %d to %s",
		b.Fail, b.All, b.Bad, listed(b.How), b.OthersFail, b.OthersN, addresses(b.Others)),
		Remedy: "Take " + b.Bad.String() + " out of the pool and look at its log; check the pool's health with a WebSocket handshake."}
	if b.OthersFail == 0 {
		f.Title = fmt.Sprintf("%d of %d connections to %s failed (%s), but none of %d to %s", b.Fail, b.All, b.Bad, listed(b.How), b.OthersN, addresses(b.Others))
	}
	for _, at := range b.At {
		f.Evidence = append(f.Evidence, r.At(at, "a connection to %s fails", b.Bad))
	}
	f.Evidence = append(f.Evidence, r.At(b.Works, "one to a sibling works"))
	r.Add(f)
}

// addresses names a few servers.
func addresses(list []netip.AddrPort) string {
	const most = 3
	var names []string
	for i, a := range list {
		if i == most {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d others", len(list)-most)
		}
		names = append(names, a.String())
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
