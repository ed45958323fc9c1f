package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// block is the memory of one connection's facts. There are many connections
// and their facts are looked at once: so blocks are used again.
type block struct {
	facts     record.Facts
	record    *report
	handshake *handshake // nil: the connection did not come so far
	conn      *conn      // whose facts they are; nil if it is not to be used again
	attempt   *attempt   // whose part is still to be filled in
}

// report is a record with what it refers to. It is the sink's if the sink wants it.
type report struct {
	record.Connection
	closed record.Close
}

// handshake is the memory for what is known of an opening handshake and what followed.
type handshake struct {
	upgrade           record.UpgradeFacts
	ws                record.WSFacts
	request, response http1.Head
	lines             [2][]record.Ref
}

// maxFreeBlocks bounds the blocks that wait for use: many are under way at once
// where another goroutine judges them, or where many connections end together.
const maxFreeBlocks = 1 << 10

// usualRequest and usualResponse are how many fields such a head has at most, as a rule.
const usualRequest, usualResponse = 16, 8

// block has no facts, and a record that is still to be overwritten.
func (t *Tracker) block() *block {
	n := len(t.blocks)
	if n == 0 {
		b := &block{record: new(report)}
		b.facts.Memory = b
		return b
	}
	b := t.blocks[n-1]
	t.blocks = t.blocks[:n-1]
	b.reset()
	if b.record == nil {
		b.record = new(report)
	}
	return b
}

func (t *Tracker) handshake() *handshake {
	n := len(t.handshakes)
	if n == 0 {
		h := new(handshake)
		h.request.Fields, h.response.Fields = make([]http1.Field, 0, usualRequest), make([]http1.Field, 0, usualResponse)
		return h
	}
	h := t.handshakes[n-1]
	t.handshakes = t.handshakes[:n-1]
	return h
}

// Recycle takes back the facts of a connection that nobody looks at any more.
func (t *Tracker) Recycle(facts *record.Facts) {
	b, ok := facts.Memory.(*block)
	if !ok {
		return
	}
	if b.conn != nil {
		t.pool.giveBack(b.conn)
		b.conn = nil
	}
	b.attempt = nil
	if !facts.Bare {
		b.record = nil // it belongs to the sink now
	}
	if b.handshake != nil && len(t.handshakes) < maxFreeBlocks {
		t.handshakes = append(t.handshakes, b.handshake)
	}
	b.handshake = nil
	if len(t.blocks) < maxFreeBlocks {
		t.blocks = append(t.blocks, b)
	}
}

// reset keeps the memory of what failing connections have. It is called when a
// block is to be filled, for it is the filling that needs it in the cache.
func (b *block) reset() {
	resets, sent := b.facts.TCP.Resets[:0], b.facts.TCP.Retransmissions[:0]
	b.facts = record.Facts{}
	b.facts.Memory = b
	b.facts.TCP.Resets, b.facts.TCP.Retransmissions = resets, sent
}

// headsOf parses the heads of an attempt into memory; nil where there is none.
func (t *Tracker) headsOf(a *attempt, m *handshake) (request, response *http1.Head) {
	if a.h2 != nil {
		return a.h2.request, a.h2.response
	}
	if a.request != "" {
		t.parseHead(&m.request, http1.Request, a.request)
		request = &m.request
	}
	if a.response != "" {
		t.parseHead(&m.response, http1.Response, a.response)
		response = &m.response
	}
	return request, response
}
