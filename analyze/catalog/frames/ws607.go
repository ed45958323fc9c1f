package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS607 = &rule.Rule{
	Code: "WS607", Slug: "bad-fragmentation", Family: "frames", Since: "1.0.0",
	Title:    "A continuation without a start, or a new message inside an unfinished one",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A continuation frame came with no message to continue, or a new text or binary frame began before the last message had its final frame.",
		Why:  "The receiver cannot tell which bytes belong together and must fail the connection, usually with 1002.",
		How:  "All frames before it were read in order: the FIN bits say whether a message was open.",
		Alike: "Two threads that write to one connection without a lock interleave their messages so, and only under load. " +
			"Frames missing in the capture would look the same; gaps are tracked and then nothing is said of the message they cut.",
		Fix: "Let one writer at a time send a message with all its fragments (a lock or a queue per connection); only control frames may stand between the fragments.",
	},
	References: []string{"RFC 6455 section 5.4"},
	Explains:   append([]string{"WS608"}, failures...),
	Needs:      rule.BadFrames,
	Check:      checkFragmentation,
}

// RFC 6455 section 5.4: "The fragments of one message MUST NOT be interleaved
// between the fragments of another message unless an extension has been
// negotiated that can interpret the interleaving."
func checkFragmentation(c *record.Connection, r *rule.Reporter) {
	breaches(c, r, func(_ *record.WSFacts, v *record.Violation) rule.Found {
		if v.Kind == ws.OrphanContinuation {
			return rule.Found{
				Title:      fmt.Sprintf("sent a continuation frame of %s with no message to continue", record.Bytes(v.Header.Length)),
				Remedy:     "Correct the framing of the " + v.Dir.String() + ": a message's first frame has opcode 1 or 2; one writer at a time.",
				SeenByUser: known.UserSaw(c, known.SawContinuation),
			}
		}
		return rule.Found{
			Title:      "began a new message (" + v.Header.Opcode.String() + ") inside an unfinished one",
			Remedy:     "Let one writer at a time send in the " + v.Dir.String() + ": messages of two threads are interleaved.",
			SeenByUser: known.UserSaw(c, known.SawUnfinished),
		}
	}, ws.OrphanContinuation, ws.InterruptedMessage)
}
