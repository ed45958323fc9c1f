package analyze

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// How often, and how much, a run looks at connections that are not over.
const (
	lookEvery = int64(200 * time.Millisecond)
	// maxWalked bounds the flows that one look passes; the next goes on from there.
	maxWalked = 1 << 16
	// maxUrgent and maxRoutine bound the records that one look makes: of
	// connections that open or end, and of those that go on.
	maxUrgent  = 512
	maxRoutine = 64
)

// Live is what a run does while its source still grows.
type Live struct {
	// Tick is the error with which the source says that no packet came, but
	// time passed: Packet.Clock is the time. Timers run by it.
	Tick error
	// Progress is shown connections before they are final, as they would be
	// judged if the capture ended now: whenever they open, fail or end, and
	// about once a second while they go on. Its record belongs to it.
	Progress func(Snapshot)
	// Follow is called with each look, and before a connection is given up, and
	// answers whether there are new TLS secrets among Options.Keys; nil if
	// there will be none.
	Follow func() bool
}

// Snapshot is a connection before it is final. What judges it is what judges
// it in the end; it may still change.
type Snapshot struct {
	*record.Connection
	// Over: nothing more is to be expected of it.
	Over bool
	// Clock is the time to which it was judged, Active when its last packet came.
	Clock, Active record.Time
}

func (o *Options) follow() func() bool {
	if o.Live == nil {
		return nil
	}
	return o.Live.Follow
}

// live is what an engine keeps for Options.Live.
type live struct {
	*Live
	judge *judge // its own: what is only shown leaves no trace in the result
	o     Options
	clock int64 // the latest time that is known to have passed
	next  int64 // when to look again
}

func (l *live) init(o Options) {
	l.Live, l.o, l.next = o.Live, o, math.MaxInt64
	if o.Live != nil {
		l.next = 0
	}
}

func (l *live) ticks(err error) bool { return l.Live != nil && err == l.Tick }

// look lets timers run, takes new keys and shows what changed.
func (e *engine) look(clock int64) {
	l := &e.live
	e.table.Advance(clock)
	e.flush()
	l.clock = max(l.clock, clock)
	if clock < l.next {
		return
	}
	l.next = clock + lookEvery
	if l.Follow != nil && l.Follow() {
		e.tracker.Retry()
	}
	if l.Progress == nil {
		return
	}
	urgent, routine := maxUrgent, maxRoutine
	e.table.Walk(maxWalked, func(f *reassembly.Flow) {
		due, first := e.tracker.Due(f, clock)
		left := &routine
		if first {
			left = &urgent
		}
		if !due || *left == 0 {
			return
		}
		*left--
		over := f.Over()
		e.tracker.Peek(f, clock, func(c *record.Connection) { e.show(c, over) })
	})
}

// show judges a record by what is known now.
func (e *engine) show(c *record.Connection, over bool) {
	l, k := &e.live, e.collect
	if l.judge == nil {
		l.judge = newJudge(k.judge.rules)
	}
	if c.RecognizedBy == record.ByNothing {
		if c.Facts.Opaque && !l.o.All {
			return
		}
		if _, known := k.endpoints[c.Server]; known && !c.Facts.Opaque {
			c.RecognizedBy = record.BySameEndpoint
		}
	}
	l.judge.connection(c, l.o, nil)
	if l.o.Keep != nil && !l.o.Keep(c) {
		return
	}
	s := Snapshot{Connection: c, Over: over || c.Facts.TCP.End.Seen(), Clock: record.Time(l.clock), Active: c.Facts.Last.Time}
	if !s.Over {
		goesOn(c)
	}
	c.Facts = nil
	l.Progress(s)
}

// meanwhile turns what is said of a capture's end into what is true before it.
var meanwhile = strings.NewReplacer("the capture ended after", "it has been waiting for", "when the capture ended, after", "for",
	"it was still open when the capture ended", "it is open")

// goesOn takes back what is only said because the judgement is made as if the
// capture ended now.
func goesOn(c *record.Connection) {
	c.Findings = slices.DeleteFunc(c.Findings, func(f record.Finding) bool { return f.Code == "WS105" })
	c.Verdict = meanwhile.Replace(c.Verdict)
	for i := range c.Findings {
		c.Findings[i].Title = meanwhile.Replace(c.Findings[i].Title)
		for k := range c.Findings[i].Evidence {
			c.Findings[i].Evidence[k].Note = meanwhile.Replace(c.Findings[i].Evidence[k].Note)
		}
	}
}

// lastKeys takes the TLS secrets that came since the last look.
func (e *engine) lastKeys() {
	if l := &e.live; l.Live != nil && l.Follow != nil && l.Follow() {
		e.tracker.Retry()
	}
}
