package reassembly

// Walk calls fn for up to n flows of the table, to look at connections before
// they are over. It goes on where the last walk ended; one that passes all
// begins elsewhere each time, so that callers who stop caring amid it are fair.
// fn must not call back into the table.
func (t *Table) Walk(n int, fn func(*Flow)) {
	high := t.slab.high
	if n >= int(high) {
		t.walked += high / 7
	}
	for range min(n, int(high)) {
		if t.walked++; t.walked > high {
			t.walked = 1
		}
		if f := t.slab.at(t.walked); f.id != 0 {
			fn(f)
		}
	}
}

// Over tells whether the connection is over as far as can be seen now: both
// sides sent a FIN, or one a RST that the other heeded.
func (f *Flow) Over() bool { return f.ended() }
