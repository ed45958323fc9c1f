package upgrade

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS548 = &rule.Rule{
	Code: "WS548", Slug: "data-before-101", Family: "upgrade", Since: "1.0.0",
	Title:    "The client sent bytes after its request before the 101 arrived",
	Severity: record.Warning, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The client sent more bytes after its Upgrade request and did not wait for the 101.",
		Why:   "Frames may only be sent once the connection is open. A server or proxy that reads the bytes as part of an HTTP request refuses the connection or mixes it up (request smuggling); lenient ones let it pass.",
		How:   "The bytes follow the request's empty line in the stream, in a packet before the one with the 101.",
		Alike: "A hixie-76 handshake has eight bytes of key there (WS507). A request with a body has a Content-Length or Transfer-Encoding, whose bytes do not count.",
		Fix:   "Let the client send its first frame only after it has read and checked the 101.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 5.1"},
	Needs:      rule.OddRequest,
	Check:      checkEarlyData,
}

// RFC 6455 section 4.1: "Once the client's opening handshake has been sent,
// the client MUST wait for a response from the server before sending any
// further data."
func checkEarlyData(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.EarlyData == 0 || c.Facts.H2 != nil {
		return
	}
	u := c.Facts.Upgrade
	if u.Request == nil || u.RequestCut || hixie(u) != "" {
		return
	}
	// That the answer came later is only certain where it is in the capture, or
	// where none came.
	if u.Response == nil && len(u.NotHTTP) == 0 && unanswered(c) == nil {
		return
	}
	f := rule.Found{
		Title:    fmt.Sprintf("The client sent %d byte%s after its request without waiting for the answer", u.EarlyData, known.Plural(u.EarlyData)),
		Remedy:   "Let the client wait for the 101 before it sends frames.",
		Evidence: []record.Evidence{r.At(u.EarlyDataRef, "%d byte%s of the client before any answer", u.EarlyData, known.Plural(u.EarlyData))},
	}
	if u.ResponseRef.Seen() {
		f.Evidence = append(f.Evidence, r.At(u.ResponseRef, "the answer"))
	}
	r.Add(f)
}
