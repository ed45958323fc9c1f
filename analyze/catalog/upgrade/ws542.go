package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS542 = &rule.Rule{
	Code: "WS542", Slug: "accept-replayed", Family: "upgrade", Since: "1.0.0",
	Title:    "Sec-WebSocket-Accept is the one for another key in the capture: a cache replayed an old response",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen:  "The 101's Sec-WebSocket-Accept is wrong for this request, but right for the key of an earlier connection in the same capture.",
		Why:   "Something between client and server stored the answer to an earlier handshake and sent it again. The server may never have seen this request. Every client but the first fails.",
		How:   "The value was compared with those that the other keys of the capture demand; a match by chance is as good as impossible (160 bits).",
		Alike: "A client that uses one key for all its connections would make a replay look right, so it is not found. A key that a proxy replaced is told from a replay by the order in time.",
		Fix:   "Exclude WebSocket paths from the cache of the proxy or content network, and let it pipe or tunnel them.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 1.3", "RFC 9111 section 3"},
	Explains:   append([]string{"WS541"}, endCodes...),
	Needs:      rule.OddAnswer,
	Check:      checkReplayed,
}

func checkReplayed(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.KeyElsewhere == nil {
		return
	}
	u := switchedOf(c)
	if u == nil || u.Response.Status != 101 || !replayed(c, u) {
		return
	}
	accept, ok := u.Response.Get("Sec-WebSocket-Accept")
	if !ok || accept == u.WantAccept {
		return
	}
	other := c.Facts.KeyElsewhere
	product, _ := known.ProductOf(c)
	f := rule.Found{
		Title:      known.Who(c) + " answered 101 with the Sec-WebSocket-Accept of connection " + other.ID + ": a cache replayed an old response",
		Remedy:     known.Remedy(product, known.CachedHandshake),
		SeenByUser: known.UserSaw(c, known.SawAcceptWrong),
		Evidence: []record.Evidence{r.At(responseField(u, "Sec-WebSocket-Accept"), "Sec-WebSocket-Accept: %s, expected %s", known.Clip(accept), known.Clip(u.WantAccept)),
			r.At(other.Ref, "the key that the value fits")},
	}
	r.Add(f)
}
