package reassembly

// TouchBatch is how many packets Touch is best called for at once: the
// processor overlaps that many waits for memory.
const TouchBatch = 16

// Touch brings what the table knows of the next few packets' connections into
// the processor's cache. It changes nothing; FlowHash gives the hashes. With
// many connections at once, most of a packet's cost is to wait for that memory.
func (t *Table) Touch(hashes []uint64) {
	var ids [TouchBatch]uint32
	mask := t.index.mask
	hashes = hashes[:min(len(hashes), TouchBatch)]
	for i, h := range hashes {
		ids[i] = t.index.slots[uint32(h)&mask].id
	}
	var sum uint32
	for _, id := range ids[:len(hashes)] {
		if id != 0 {
			f := t.slab.at(id)
			sum += uint32(f.clock) + f.half[0].next + f.half[1].next + f.half[0].sample + f.half[1].sample
		}
	}
	t.touched = sum
}
