// Package frames holds the rules about frames and messages: what breaks
// RFC 6455 section 5 or RFC 7692, and what is allowed but harms.
//
// Most callers need only Rules.
package frames

import (
	"fmt"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS601, WS602, WS603, WS604, WS605, WS606, WS607, WS608, WS609, WS610, WS611, WS612, WS613, WS614, WS615, WS616, WS617,
}

// failures are the findings of how the other side leaves after a frame that
// breaks the protocol.
var failures = []string{"WS205", "WS535", "WS616", "WS701", "WS702", "WS703", "WS704", "WS705", "WS706", "WS708", "WS715"}

// framesOf returns what was seen of the frames where they are frames at all.
func framesOf(c *record.Connection) *record.WSFacts {
	if c.Facts == nil || c.Facts.WS == nil || c.Facts.WS.NotWebSocket != nil {
		return nil
	}
	return c.Facts.WS
}

// breaches reports the violations of some kinds, one finding for each side
// that broke the rule. describe gives the title's end for a case: what was
// found and what was expected.
func breaches(c *record.Connection, r *rule.Reporter, describe func(*record.WSFacts, *record.Violation) rule.Found, kinds ...ws.Violation) {
	w := framesOf(c)
	if w == nil || len(w.Violations) == 0 {
		return
	}
	var done [2]bool
	for i := range w.Violations {
		v := &w.Violations[i]
		if done[v.Dir] || !slices.Contains(kinds, v.Kind) {
			continue
		}
		done[v.Dir] = true
		brief := briefly(c, w, v)
		if r.Enough(brief) {
			continue
		}
		f := describe(w, v)
		f.Title = known.FramesOfFirst(c, v.Dir) + " " + f.Title
		if v.Count > 1 {
			f.Title += fmt.Sprintf(" (the first of %d such frames)", v.Count)
		}
		f.Fault, f.Confidence = brief.Fault, brief.Confidence
		if v.Dir == record.Client {
			f.SeenByUser = sawReaction(c)
		}
		f.Evidence = append(f.Evidence, r.At(v.Ref, "%s frame of the %s at byte %d of its stream: %s", v.Header.Opcode, v.Dir, v.Offset, v.Kind))
		f.Evidence = append(f.Evidence, reaction(c, r, v)...)
		r.Add(f)
	}
}

// briefly is the finding of a breach without its texts.
func briefly(c *record.Connection, w *record.WSFacts, v *record.Violation) rule.Found {
	f := rule.Found{Fault: v.Dir.Fault()}
	if w.Damaged[v.Dir] || w.ByFrames || v.Kind == ws.ReservedBits && takenOff(c, w, v) {
		f.Confidence = record.Likely
	}
	return f
}

// survived: the frame was tolerated.
func survived(c *record.Connection) bool {
	return c.Outcome == record.ClosedClean || c.Outcome == record.Open
}

// sawReaction is what the user of a client saw whose own frame broke the
// protocol: what the server made of it.
func sawReaction(c *record.Connection) string {
	t, close := &c.Facts.TCP, c.Facts.WS.FirstClose
	switch {
	case close != nil && close.Dir == record.Server && close.HasCode:
		return known.UserSaw(c, known.SawCloseCode, fmt.Sprint(close.Code))
	case close == nil && t.EndBy == record.Server && t.EndHow == "rst":
		return known.UserSaw(c, known.SawResetOpen)
	case close == nil && t.EndBy == record.Server && t.EndHow == "fin":
		return known.UserSaw(c, known.SawAbnormal)
	}
	return ""
}

// reaction is what the other side did next, where it ended the connection.
func reaction(c *record.Connection, r *rule.Reporter, v *record.Violation) []record.Evidence {
	other := v.Dir.Other()
	if close := c.Facts.WS.Closes[other]; close != nil && close.Ref.Time >= v.Ref.Time && close == c.Facts.WS.FirstClose {
		if survived(c) { // it may have closed for a reason of its own
			return []record.Evidence{r.At(close.Ref, "the %s later sends %s", other, closeName(close))}
		}
		return []record.Evidence{r.At(close.Ref, "the %s answers with %s", other, closeName(close))}
	}
	t := &c.Facts.TCP
	if c.Facts.WS.FirstClose == nil && t.End.Seen() && t.EndBy == other && t.End.Time >= v.Ref.Time {
		return []record.Evidence{r.At(t.End, "the %s ends the connection (%s)", other, record.EndName(t.EndHow))}
	}
	return nil
}

func closeName(f *record.ControlFrame) string {
	if !f.HasCode {
		return "a Close frame without a code"
	}
	return fmt.Sprintf("Close %d", f.Code)
}

// frameName is "a text frame of 12 bytes".
func frameName(v *record.Violation) string {
	article := "a "
	if v.Header.Opcode.IsReserved() {
		article = "a frame with "
		return fmt.Sprintf("%s%s, %s", article, v.Header.Opcode, record.Bytes(v.Header.Length))
	}
	return fmt.Sprintf("%s%s frame of %s", article, v.Header.Opcode, record.Bytes(v.Header.Length))
}
