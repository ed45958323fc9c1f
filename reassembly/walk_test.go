package reassembly

import "testing"

// TestWalk: every flow is met once in a walk that passes all, each time from
// elsewhere; shorter walks meet all in turn.
func TestWalk(t *testing.T) {
	table := New(Options{})
	const flows = 100
	for range flows {
		table.slab.get()
	}
	starts := map[uint32]bool{}
	for range 10 {
		met := map[uint32]int{}
		table.Walk(flows, func(f *Flow) {
			if len(met) == 0 {
				starts[f.id] = true
			}
			met[f.id]++
		})
		if len(met) != flows {
			t.Fatalf("%d flows met", len(met))
		}
	}
	if len(starts) < 5 {
		t.Errorf("walks began at %v", starts)
	}
	met := map[uint32]int{}
	for range flows / 10 {
		table.Walk(10, func(f *Flow) { met[f.id]++ })
	}
	if len(met) != flows {
		t.Errorf("%d flows met in steps", len(met))
	}
}
