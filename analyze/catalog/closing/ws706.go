package closing

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS706 = &rule.Rule{
	Code: "WS706", Slug: "close-message-too-big", Family: "closing", Since: "1.0.0",
	Title:    "Closed with 1009 (message too big)",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "A side closed with 1009: a message is larger than it accepts.",
		Why:  "The limit is the receiver's own, so the message fails here and passes elsewhere; it will be refused again at every try.",
		How:  "The code stands in the Close frame; the peer's message before it, or the frame whose header announced its length, is named.",
		Alike: "A limit on the size after inflating is hit by a small compressed message, too. Amazon API Gateway closes with 1009 on frames above 32 KB and messages above 128 KB. " +
			"A frame with a nonsensical length (WS609) is answered with 1009 by some.",
		Fix: "Raise the receiver's limit (Node ws maxPayload, gorilla SetReadLimit, Python websockets max_size, Spring setMaxTextMessageBufferSize, nginx has none) or split the data into smaller messages.",
	},
	References: []string{"RFC 6455 section 7.4.1", "RFC 6455 section 10.4"},
	Explains:   []string{"WS715", "WS616"},
	Needs:      rule.CloseCode,
	Check:      check1009,
}

func check1009(c *record.Connection, r *rule.Reporter) {
	closedWith(c, r, 1009, func(x *record.ControlFrame) rule.Found {
		sender := x.Dir.Other()
		w := c.Facts.WS
		f := rule.Found{
			Remedy: "Raise the message limit of " + known.FramesOf(c, x.Dir) + ", or let the " + sender.String() + " split its data into smaller messages."}
		if x.Dir == record.Client { // else it saw the code
			f.SeenByUser = known.UserSaw(c, known.SawTooBig)
		}
		if w.LargestRef[sender].Seen() && w.Largest[sender] > 0 {
			f.Title = fmt.Sprintf("the largest message of the %s has %s", sender, record.Bytes(w.Largest[sender]))
			f.Evidence = append(f.Evidence, r.At(w.LargestRef[sender], "the largest message of the %s, %s", sender, record.Bytes(w.Largest[sender])))
		}
		return f
	})
}
