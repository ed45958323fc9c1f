package patterns

import (
	"fmt"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS801 = &rule.Rule{
	Code: "WS801", Slug: "reconnect-storm", Family: "patterns", Since: "1.0.0",
	Title:    "A client tries again and again at the same URL, without waiting longer each time",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "One client made eight or more attempts at the same URL, one after the other, and each of them failed. The time from one attempt to the next did not grow.",
		Why: "The first failure is somebody else's; the storm is the client's own. Thousands of clients that do this together keep a server down that is coming up again, " +
			"fill connection tables and logs, and hide the first failure among its repetitions.",
		How: "Attempts count as one series if they come from one address (and one X-Forwarded-For and User-Agent, where these are seen), ask for one host and path, begin after the one before had failed, " +
			"and no attempt in between succeeded. The median of the last third of the gaps is compared with that of the first three: a client with back-off shows it growing.",
		Alike: "A monitoring probe that asks every few seconds looks like this while its target is down, and may be meant to. Several users behind one address with one kind of browser can look like one client if their attempts happen not to overlap. " +
			"Where no attempt came as far as a request, nothing says that the client wanted a WebSocket at all: then this is a warning.",
		Fix: "Let the client wait longer after each failure, up to a minute or so, with a random part, and start anew only after a connection has stayed up for a while (RFC 6455 section 7.2.3). " +
			"Most libraries have a setting for this: reconnectionDelayMax and randomizationFactor in Socket.IO, withAutomaticReconnect in SignalR. Then look at why the attempts fail: their own findings say it.",
	},
	References:    []string{"RFC 6455 section 7.2.3"},
	CheckRelation: checkStorm,
}

// stormy is how many attempts make a storm, and grows by how much their gaps
// grow where the client backs off.
const (
	stormy    = 8
	growsBy   = 1.5
	unhurried = time.Minute
)

// RFC 6455 section 7.2.3: "Should the first reconnect attempt fail, subsequent
// reconnect attempts SHOULD be delayed by increasingly longer amounts of time,
// using a method such as truncated binary exponential backoff."
func checkStorm(x *record.Relation, r *rule.Reporter) {
	s := x.Series
	if s == nil || x.Total < stormy || float64(s.Late) >= growsBy*float64(s.Early) || s.Median >= unhurried {
		return
	}
	f := rule.Found{Title: fmt.Sprintf("%s made %s failing attempts at %s in %s, one every %s, without waiting longer each time (%s)",
		s.Client, atLeast(x, x.Total), where(s.URL, s.Server), known.Seconds(s.Last.Time.Sub(s.First.Time)), known.Seconds(s.Median), listed(s.Outcomes)),
		Remedy: "Give the client a back-off: wait twice as long after each failure, up to a minute, with a random part. Why the attempts fail is said at each of them.",
	}
	if s.Unidentified {
		f.Severity, f.Confidence = record.Warning, record.Possible
		f.Title += "; no attempt came as far as asking for a WebSocket"
	}
	for i, at := range s.Attempts {
		note := "the first attempt"
		if i > 0 && i-1 < len(s.Gaps) {
			note = fmt.Sprintf("the next attempt, %s after the one before", known.Seconds(s.Gaps[i-1]))
		}
		f.Evidence = append(f.Evidence, r.At(at, "%s", note))
	}
	f.Evidence = append(f.Evidence, r.At(s.Last, "the last attempt of the series"))
	r.Add(f)
}
