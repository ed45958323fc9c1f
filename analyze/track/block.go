package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// block is the memory of one connection's facts. There are many connections
// and their facts are looked at once: so blocks are used again.
type block struct {
	facts             record.Facts
	upgrade           record.UpgradeFacts
	ws                record.WSFacts
	request, response http1.Head
	lines             [2][]record.Ref
	record            *record.Connection
	conn              *conn // whose facts they are; nil if it is not to be used again
}

// maxFreeBlocks bounds the blocks that wait for use.
const maxFreeBlocks = 64

func (t *Tracker) block() *block {
	n := len(t.blocks)
	if n == 0 {
		b := &block{record: new(record.Connection)}
		b.facts.Memory = b
		return b
	}
	b := t.blocks[n-1]
	t.blocks = t.blocks[:n-1]
	if b.record == nil {
		b.record = new(record.Connection)
	} else {
		*b.record = record.Connection{}
	}
	return b
}

// Recycle takes back the facts of a connection that nobody looks at any more.
func (t *Tracker) Recycle(facts *record.Facts) {
	b, ok := facts.Memory.(*block)
	if ok && b.conn != nil {
		t.pool.giveBack(b.conn)
		b.conn = nil
	}
	if ok && !facts.Bare {
		b.record = nil // it belongs to the sink now
	}
	if ok && len(t.blocks) < maxFreeBlocks {
		b.facts = record.Facts{Memory: b}
		t.blocks = append(t.blocks, b)
	}
}

// headsInto parses the heads of an attempt into the block's memory; nil where
// there is none.
func (a *attempt) headsInto(b *block) (request, response *http1.Head) {
	if a.h2 != nil {
		return a.h2.request, a.h2.response
	}
	if a.request != "" {
		http1.ParseHeadInto(&b.request, http1.Request, a.request)
		request = &b.request
	}
	if a.response != "" {
		http1.ParseHeadInto(&b.response, http1.Response, a.response)
		response = &b.response
	}
	return request, response
}

// scratch is a block for heads that are looked at and forgotten.
func (t *Tracker) scratch() *block {
	if t.spare == nil {
		t.spare = new(block)
	}
	return t.spare
}
