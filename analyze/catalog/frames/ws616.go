package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS616 = &rule.Rule{
	Code: "WS616", Slug: "message-cut-short", Family: "frames", Since: "1.0.0",
	Title:    "The connection ended inside a frame or a fragmented message",
	Severity: record.Warning, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "When the connection ended, one side had begun a frame or a fragmented message and not finished it.",
		Why:   "The message is lost: its receiver never gave it to the application. If its sender does not send it again after reconnecting, data is missing.",
		How:   "The header announces how long the frame is, and the FIN bit whether the message goes on; the stream ends before. Bytes that only the capture lacks are not meant.",
		Alike: "A receiver that closes in the middle of a message because it is too big (1009) leaves the same behind: then that is the cause and nothing is said here. A crash or kill of the sender in the middle of sending is the commonest.",
		Fix:   "Find out why the connection ended (the findings beside this one); let servers finish or abort messages before they close, and number messages so that a client can ask for what it missed.",
	},
	References: []string{"RFC 6455 section 5.4", "RFC 6455 section 7.1.1"},
	Needs:      rule.Remarkable,
	Check:      checkCutShort,
}

func checkCutShort(c *record.Connection, r *rule.Reporter) {
	w := framesOf(c)
	if w == nil || w.MidMessage == [2]bool{} && w.MidFrame == [2]bool{} || !c.Facts.TCP.End.Seen() {
		return
	}
	if w.FirstClose != nil || r.Has("WS208") || r.Has("WS211") || c.Outcome == record.InvalidHandshake {
		return
	}
	t := &c.Facts.TCP
	for d := range w.MidMessage {
		by := record.Dir(d)
		if !w.MidMessage[d] && !w.MidFrame[d] || w.Damaged[d] {
			continue
		}
		inside := "a fragmented message"
		if w.MidFrame[d] {
			inside = "a frame"
		}
		f := rule.Found{
			Title:    fmt.Sprintf("The connection ended inside %s of %s", inside, known.FramesOf(c, by)),
			Fault:    t.EndBy.Fault(),
			Remedy:   "The message is lost: find out why the connection ended, and have it sent again after reconnecting.",
			Evidence: []record.Evidence{r.At(t.Sides[d].LastData, "last data of the %s, in the middle of %s", by, inside), r.At(t.End, "%s of the %s", record.EndName(t.EndHow), t.EndBy)},
		}
		r.Add(f)
	}
}
