package patterns

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS804 = &rule.Rule{
	Code: "WS804", Slug: "connection-limit", Family: "patterns", Since: "1.0.0",
	Title:    "A client holds as many WebSockets to one host as its limit allows, and then opens none",
	Severity: record.Warning, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "One browser had exactly as many WebSockets open to one host as it allows at once, never more, and opened no other for a while.",
		Why:   "Browsers limit how many WebSockets they open: Chromium 255 to one host, Firefox 200 in all. Beyond it new WebSocket calls wait or fail without a packet being sent, which looks like a dead server to the page.",
		How:   "The connections of one address with one User-Agent are counted over time. The number stood exactly at the browser's limit for two seconds or longer.",
		Alike: "A test that opens just that many. Several browsers with the same User-Agent behind one address add up to any number, but rarely stop at this one.",
		Fix:   "Let the page share one WebSocket instead of opening one per part or tab (a SharedWorker can hold it), and close those that are no longer needed: pages that were left often keep theirs.",
	},
	References:    []string{"https://chromium.googlesource.com/chromium/src/+/main/net/socket/client_socket_pool_manager.cc", "RFC 6455 section 4.1"},
	CheckRelation: checkFull,
}

func checkFull(x *record.Relation, r *rule.Reporter) {
	p := x.Full
	if p == nil {
		return
	}
	f := rule.Found{Title: fmt.Sprintf("%s at %s held %d WebSockets to %s, its limit, and opened no other for %s", p.Browser, p.Client, p.Most, where(p.URL, p.Server), known.Seconds(p.For)),
		Confidence: record.Likely,
		Remedy:     "Share one WebSocket between the parts of the page, and close those that are no longer needed.",
		Evidence:   []record.Evidence{r.At(p.At, "connection number %d begins", p.Most)}}
	if p.Until.Seen() {
		f.Evidence = append(f.Evidence, r.At(p.Until, "the number falls"))
	}
	r.Add(f)
}
