package tui

import (
	"slices"
	"sync"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxRows bounds the connections that are kept: the oldest of those that ended
// well go first, then those that failed, then any.
const maxRows = 2000

// Feed holds the connections that a view shows. Its methods may be called from
// any goroutine; they never wait for the view.
type Feed struct {
	mu     sync.Mutex
	failed func(*record.Connection) bool
	byID   map[string]int // places in list
	list   []Connection   // in the order of their coming
}

// NewFeed makes a Feed; failed is that of Options.
func NewFeed(failed func(*record.Connection) bool) *Feed {
	return &Feed{failed: failed, byID: map[string]int{}}
}

// Put takes a connection as it stands now; its record must not change any more.
func (f *Feed) Put(c Connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i, known := f.byID[c.ID]; known {
		if c.Verdict == "" { // the texts were not made again
			c.Connection = f.list[i].Connection
		}
		f.list[i] = c
		return
	}
	if c.Verdict == "" {
		return
	}
	f.byID[c.ID] = len(f.list)
	f.list = append(f.list, c)
	if len(f.list) > maxRows+maxRows/4 {
		f.shrink()
	}
}

// shrink leaves maxRows connections.
func (f *Feed) shrink() {
	drop := len(f.list) - maxRows
	for _, may := range []func(*Connection) bool{
		func(c *Connection) bool { return c.Over && !f.failed(c.Connection) },
		func(c *Connection) bool { return c.Over },
		func(*Connection) bool { return true },
	} {
		f.list = slices.DeleteFunc(f.list, func(c Connection) bool {
			if drop == 0 || !may(&c) {
				return false
			}
			drop--
			return true
		})
	}
	clear(f.byID)
	for i := range f.list {
		f.byID[f.list[i].ID] = i
	}
}

// snapshot is what there is now.
func (f *Feed) snapshot() []*Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*Connection, len(f.list))
	for i := range f.list {
		c := f.list[i]
		all[i] = &c
	}
	return all
}

// Connections are those that the feed holds, in the order of their coming.
func (f *Feed) Connections() []*record.Connection {
	var all []*record.Connection
	for _, c := range f.snapshot() {
		all = append(all, c.Connection)
	}
	return all
}
