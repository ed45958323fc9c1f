package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS611 = &rule.Rule{
	Code: "WS611", Slug: "data-after-close", Family: "frames", Since: "1.0.0",
	Title:    "A peer sent data frames after its Close frame",
	Severity: record.Warning, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A side sent its Close frame and then went on sending messages.",
		Why:   "The receiver ignores what comes after a Close: these messages are lost, and their sender believes that they were sent. Some receivers report an error.",
		How:   "Data frames of the same side follow its Close frame in its stream. Data that the other side still sends until it has answered the Close is normal and not meant.",
		Alike: "Two writers on one connection, one of which closes while the other still sends, do this under load only. A capture that holds packets twice is corrected before this is judged.",
		Fix:   "Send the Close frame through the same queue as the messages, as the last one, and stop accepting new messages once the connection is closing.",
	},
	References: []string{"RFC 6455 section 5.5.1", "RFC 6455 section 7.1.3"},
	Needs:      rule.BadFrames,
	Check:      checkDataAfterClose,
}

// RFC 6455 section 5.5.1: "The application MUST NOT send any more data frames
// after sending a Close frame."
func checkDataAfterClose(c *record.Connection, r *rule.Reporter) {
	w := framesOf(c)
	if w == nil || w.DataAfterClose == [2]int{} {
		return
	}
	for d, n := range w.DataAfterClose {
		if n == 0 || w.Closes[d] == nil {
			continue
		}
		f := rule.Found{
			Title:    fmt.Sprintf("%s sent %d data frame%s after its own Close frame", known.FramesOfFirst(c, record.Dir(d)), n, known.Plural(n)),
			Fault:    record.Dir(d).Fault(),
			Remedy:   "Let the " + record.Dir(d).String() + " send its Close frame as the last of its queue.",
			Evidence: []record.Evidence{r.At(w.Closes[d].Ref, "%s of the %s", closeName(w.Closes[d]), record.Dir(d))},
		}
		for i := range w.Violations {
			if v := &w.Violations[i]; v.Kind == ws.DataAfterClose && v.Dir == record.Dir(d) {
				f.Evidence = append(f.Evidence, r.At(v.Ref, "%s after it", frameName(v)))
			}
		}
		r.Add(f)
	}
}
