package closing

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var WS713 = &rule.Rule{
	Code: "WS713", Slug: "close-code-invalid", Family: "closing", Since: "1.0.0",
	Title:    "A Close frame carries a code that must not be sent",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A Close frame carries a code that RFC 6455 forbids on the wire: below 1000, 1004 to 1006, 1015, an unassigned one up to 2999, or above 4999.",
		Why:   "The receiver treats the Close as a protocol error and reports 1002 or 1006; the reason that was meant is lost.",
		How:   "The code is the first two bytes of the Close frame's payload.",
		Alike: "1005, 1006 and 1015 are what libraries report locally when there was no code; an application that passes such a value on to its next close call puts it on the wire. A code in the wrong byte order looks like a random number.",
		Fix:   "Close with 1000, 1001, 1008 or 1011, or with a code of your own from 4000 to 4999; map 1005 and 1006 to one of these before passing them on.",
	},
	References: []string{"RFC 6455 section 7.4.1", "RFC 6455 section 7.4.2", "https://www.iana.org/assignments/websocket"},
	Explains:   []string{"WS702", "WS704", "WS715", "WS701", "WS205"},
	Needs:      rule.CloseCode,
	Check:      checkCode,
}

// RFC 6455 section 7.4.1: 1005, 1006 and 1015 "MUST NOT be set as a status code
// in a Close control frame by an endpoint"; section 7.4.2 leaves 0-999 unused.
func checkCode(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.WS == nil || c.Facts.WS.FirstClose == nil {
		return
	}
	w := c.Facts.WS
	first := w.FirstClose
	for _, x := range []*record.ControlFrame{first, w.Closes[first.Dir.Other()]} {
		if x == nil || !x.HasCode || x.Code > 0xffff || ws.ValidCloseCode(uint16(x.Code)) {
			continue
		}
		did := "closed"
		if x != first {
			did = "answered the Close frame"
		}
		f := rule.Found{
			Title:      fmt.Sprintf("%s %s with %d, %s", known.FramesOfFirst(c, x.Dir), did, x.Code, whyInvalid(x)),
			Fault:      x.Dir.Fault(),
			SeenByUser: sawBroken(c, x.Dir, known.SawCloseCodeBad, fmt.Sprint(x.Code)),
			Remedy:     "Let the " + x.Dir.String() + " close with 1000, 1001, 1008, 1011 or a code from 4000 to 4999.",
			Evidence:   []record.Evidence{r.At(x.Ref, "Close %d of the %s", x.Code, x.Dir)},
		}
		r.Add(f)
		return // an echo of it is no second fault
	}
}

func whyInvalid(x *record.ControlFrame) string {
	code := x.Code
	switch high, low := code>>8, code&0xff; {
	case digit(high) && digit(low) && len(x.Reason) >= 2 && digit(int(x.Reason[0])) && digit(int(x.Reason[1])):
		return fmt.Sprintf("which is how the text '%c%c%s' begins: a code is a number of two bytes", high, low, x.Reason[:2])
	}
	switch {
	case code == 1005, code == 1006, code == 1015:
		return "which is for local use only and must not be sent"
	case code == 1004:
		return "which is reserved"
	case code < 1000:
		return "below 1000, where no codes are"
	case code > 4999:
		return "above 4999, where no codes are"
	}
	return "which no specification defines"
}

func digit(b int) bool { return b >= '0' && b <= '9' }
