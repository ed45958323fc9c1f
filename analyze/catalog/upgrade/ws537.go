package upgrade

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS537 = &rule.Rule{
	Code: "WS537", Slug: "response-cut-short", Family: "upgrade", Since: "1.0.0",
	Title:    "The response's header block is incomplete when the connection ends",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "The answer to the handshake began, but the connection ended before the empty line that ends its header block.",
		Why:   "The client never got a whole answer and fails. The program that answered stopped in the middle: it crashed, was killed, or writes its answer by hand and forgot the last line.",
		How:   "The header block lacks its empty line, and the connection's end follows. No byte is missing in the capture.",
		Alike: "A device on the path that resets a connection as soon as it sees the first segment of the answer leaves the same picture; the reset's own traits tell (WS206).",
		Fix:   "Read the server's log for a crash at this time. If the server writes its response itself, let it end every line with CR LF and the block with an empty line.",
	},
	References: []string{"RFC 9112 section 2.1", "RFC 9112 section 8"},
	Explains:   []string{"WS204", "WS535", "WS540", "WS543"},
	Needs:      rule.Unanswered,
	Check:      checkCutShort,
}

func checkCutShort(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil {
		return
	}
	u := c.Facts.Upgrade
	end := c.Facts.TCP.End
	if !u.ResponseCut || u.CutByCapture || u.Request == nil || !end.Seen() {
		return
	}
	how := map[string]string{"fin": "FIN", "rst": "RST"}[c.Facts.TCP.EndHow]
	if how == "" {
		how = "end"
	}
	f := rule.Found{
		Title:      known.Endpoint(c) + " began an answer to " + target(u) + " whose header block was not complete when the connection ended (" + how + " of the " + c.Facts.TCP.EndBy.String() + ")",
		Remedy:     "Look for a crash of the server at this time; if it writes its answer itself, the empty line at the end of the header block is missing.",
		SeenByUser: known.UserSaw(c, known.SawResponseCut),
		Evidence:   []record.Evidence{r.At(u.ResponseRef, "the answer begins"), r.At(end, "%s of the %s", how, c.Facts.TCP.EndBy)},
	}
	if c.Facts.TCP.EndBy == record.Server {
		f.Fault = record.FaultServer
	}
	r.Add(f)
}
