package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS615 = &rule.Rule{
	Code: "WS615", Slug: "slow-pong", Family: "frames", Since: "1.0.0",
	Title:    "A Pong came 2 s or more after its Ping",
	Severity: record.Info, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "A Pong came, but two seconds or more after its Ping.",
		Why:   "Keep-alive timers of 5 to 20 seconds come near; and whatever delayed the Pong delays messages, too: users feel it as lag.",
		How:   "Pings and Pongs are paired by their payload, and the longest time between them is named.",
		Alike: "Lost packets that were sent again delay a Pong (see WS207), as does a large message in front of it, a receiver that stalled (WS209), or a client in the background or on a sleeping phone. A blocked event loop is the commonest.",
		Fix:   "Look at what the side that answered late did then: long synchronous work in its event loop, garbage collection, swapping. Raise keep-alive timeouts well above the longest pause that is normal.",
	},
	References: []string{"RFC 6455 section 5.5.3"},
	Needs:      rule.Remarkable,
	Check:      checkSlowPong,
}

func checkSlowPong(c *record.Connection, r *rule.Reporter) {
	w := framesOf(c)
	if w == nil || w.Pings[0].Slowest < rule.SlowPong && w.Pings[1].Slowest < rule.SlowPong {
		return
	}
	for d := range w.Pings {
		p := &w.Pings[d]
		if p.Slowest < rule.SlowPong {
			continue
		}
		by := record.Dir(d)
		r.Add(rule.Found{
			Title:    fmt.Sprintf("%s answered a Ping only after %s", known.FramesOfFirst(c, by.Other()), known.Seconds(p.Slowest)),
			Fault:    by.Other().Fault(),
			Remedy:   "Find out what kept the " + by.Other().String() + " busy then, and keep keep-alive timeouts well above such pauses.",
			Evidence: []record.Evidence{r.At(p.SlowestPing, "Ping of the %s", by), r.At(p.SlowestPong, "its Pong")},
		})
	}
}
