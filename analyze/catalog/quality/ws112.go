package quality

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS112 = &rule.Rule{
	Code: "WS112", Slug: "keys-do-not-fit", Family: "quality", Since: "1.0.0",
	Title:    "A key is given for the TLS connection but its records fail to decrypt",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The key log has a line for this connection's ClientHello, but its secrets do not open the records.",
		Why:   "What the connection carried stays unknown, though keys were given: the result may look as if all were well.",
		How:   "Every TLS record is authenticated: a wrong secret fails at the first record.",
		Alike: "Bytes that are missing in the capture before that record, a line cut in the middle, a log that was edited, or a program that logs other secrets than it uses do this. TLS 1.3 needs handshake and traffic secrets of both sides.",
		Fix:   "Take capture and key log of the same run, let the log be written to its end, and give it unchanged. If the capture has gaps (WS102), capture again.",
	},
	References: []string{"RFC 9850", "RFC 8446 section 5.2"},
	Needs:      rule.TLS,
	Check:      checkWrongKeys,
}

func checkWrongKeys(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.TLS == nil || c.Facts.TLS.Keys != "do-not-fit" {
		return
	}
	t := c.Facts.TLS
	ref := t.KeysRef
	if !ref.Seen() {
		ref = t.ClientHello
	}
	r.Add(rule.Found{
		Title:    "The key log names the TLS connection" + sni(t) + ", but its secrets do not open the records",
		Remedy:   "Take capture and key log of the same run, unchanged and complete.",
		NextStep: "Capture again together with a fresh key log of the same run.",
		Evidence: []record.Evidence{r.At(ref, "first record that does not decrypt")},
	})
}
