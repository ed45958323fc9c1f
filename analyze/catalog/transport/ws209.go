package transport

import (
	"fmt"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS209 = &rule.Rule{
	Code: "WS209", Slug: "receiver-stalled", Family: "transport", Since: "1.0.0",
	Title:    "A receiver kept its window at zero for 3 s or more",
	Severity: record.Warning, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "One side advertised a receive window of zero for seconds: its buffer is full, and it asked the other to stop sending.",
		Why:  "The application does not read its socket. Messages for it pile up at the sender, which runs out of memory or drops the client, and Pings to it are not even sent.",
		How:  "The window field of its segments is zero, the other side's window probes are answered with zero, and no segment that opens the window comes for the time named.",
		Alike: "A debugger's breakpoint, a suspended process (a page in the background, SIGSTOP), a blocked event loop and backpressure that an application applies on purpose look the same. " +
			"Short zero windows of less than three seconds are normal under load.",
		Fix: "Look at what the receiver did: a blocked event loop, a slow database, a paused stream that was never resumed. On the sender's side, limit what is queued for one client (bufferedAmount) and drop or slow down clients that do not read.",
	},
	References: []string{"RFC 9293 section 3.8.6.1", "RFC 6429"},
	Explains:   []string{"WS614", "WS615"},
	Needs:      rule.Trouble,
	Check:      checkStalled,
}

const longStall = 3 * time.Second

func checkStalled(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || len(t.Stalls) == 0 {
		return
	}
	var longest *record.Stall
	for i := range t.Stalls {
		if s := &t.Stalls[i]; s.Length >= longStall && (longest == nil || s.Length > longest.Length) {
			longest = s
		}
	}
	if longest == nil {
		return
	}
	title := fmt.Sprintf("%s kept its window at zero for %s: it did not read its socket", known.SideFirst(c, longest.From), known.Seconds(longest.Length))
	f := rule.Found{
		Fault:    longest.From.Fault(),
		Remedy:   "Find out what kept the " + longest.From.String() + " from reading: a blocked event loop, a paused stream, a suspended page; limit what the " + longest.From.Other().String() + " queues for one peer.",
		Evidence: []record.Evidence{r.At(longest.Begin, "the window is zero from here on")},
	}
	if longest.End.Seen() {
		f.Evidence = append(f.Evidence, r.At(longest.End, "the window opens"))
	} else {
		title += " and never opened it again"
	}
	f.Title = title
	r.Add(f)
}
