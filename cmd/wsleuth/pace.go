package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// How far the heap may grow over what is in use before it is collected. Few
// packets leave garbage, so a small heap, which a percentage would collect all the time,
// is let alone; a large one is what limits the peak.
const (
	leastGrowth   = 12 << 20
	growthPercent = 25
	// closingPercent is for when all was read: connections that are over leave
	// more behind than what is kept of them takes.
	closingPercent = 10
)

// smallestHeap is what the runtime's minimum heap is for 100 %.
const smallestHeap = 4 << 20

// pacer sets the percentage after each collection.
type pacer struct {
	sync.Mutex
	live    [1]metrics.Sample
	percent int
	closing bool
}

// startPacer replaces the runtime's rule for when to collect.
func startPacer() *pacer {
	p := &pacer{percent: 100 * leastGrowth / smallestHeap}
	p.live[0].Name = "/gc/heap/live:bytes"
	debug.SetGCPercent(p.percent)
	p.wait()
	return p
}

// close lets the heap grow less from now on.
func (p *pacer) close() {
	p.Lock()
	p.closing = true
	p.Unlock()
	p.set()
}

// cycle lives until the next collection. It has a pointer, or it would share
// its memory with what lives longer.
type cycle struct{ _ *pacer }

// wait has set called after the next collection.
func (p *pacer) wait() {
	runtime.SetFinalizer(new(cycle), func(*cycle) {
		p.set()
		p.wait()
	})
}

func (p *pacer) set() {
	p.Lock()
	defer p.Unlock()
	metrics.Read(p.live[:])
	least := growthPercent
	if p.closing {
		least = closingPercent
	}
	if percent := growth(p.live[0].Value.Uint64(), least); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
}

// growth is the percentage for a heap of which this many bytes are in use.
func growth(live uint64, least int) int {
	return max(least, int(100*leastGrowth/max(live, smallestHeap)))
}
