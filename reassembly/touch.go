package reassembly

// TouchBatch is how many packets Touch is best called for at once: the
// processor overlaps that many waits for memory.
const TouchBatch = 16

// Touch brings what the table, and its handler, know of the next few packets'
// connections into the processor's cache. It changes nothing; FlowHash gives the
// hashes. With many connections at once, most of a packet's cost is to wait for
// that memory.
func (t *Table) Touch(hashes []uint64) {
	var flows [TouchBatch]*Flow
	var ids [TouchBatch]uint32
	n, mask := 0, t.index.mask
	hashes = hashes[:min(len(hashes), TouchBatch)]
	for i, h := range hashes {
		ids[i] = t.index.slots[uint32(h)&mask].id
	}
	for _, id := range ids[:len(hashes)] {
		if id != 0 {
			flows[n] = t.slab.at(id)
			n++
		}
	}
	t.touch(flows[:n])
}

// touch does so for up to TouchBatch flows.
func (t *Table) touch(flows []*Flow) {
	sum := t.touched
	for i, f := range flows {
		sum += uint32(f.clock) + f.half[0].next + f.half[1].next + f.half[0].sample + f.half[1].sample
		t.apps[i] = f.App
	}
	t.touched = sum
	if t.toucher != nil {
		t.toucher.Touch(t.apps[:len(flows)])
	}
}

// touchDue does so for the next flows that are to be closed.
func (t *Table) touchDue(all []due) {
	var flows [TouchBatch]*Flow
	n := min(len(all), TouchBatch)
	for i := range n {
		flows[i] = all[i].flow
	}
	t.touchLast(flows[:n])
}

// touchLast does so for flows that are to be closed, of which the rest is needed, too.
func (t *Table) touchLast(flows []*Flow) {
	for _, f := range flows {
		t.touched += uint32(f.first.time) + f.next
	}
	t.touch(flows)
}
