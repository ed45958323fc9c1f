package main

import "testing"

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want uint64 // by how much the heap may grow, in MB
	}{{0, 12}, {1 << 20, 12}, {10 << 20, 12}, {80 << 20, 20}, {400 << 20, 100}} {
		if got := max(c.live, smallestHeap) * uint64(growth(c.live, growthPercent)) / 100 >> 20; got != c.want {
			t.Errorf("%d MB in use may grow by %d MB, want %d", c.live>>20, got, c.want)
		}
	}
}

// When all was read, a large heap grows less than before.
func TestGrowthClosing(t *testing.T) {
	if while, closing := growth(400<<20, growthPercent), growth(400<<20, closingPercent); closing >= while || growth(1<<20, closingPercent) < 100 {
		t.Errorf("%d %% and then %d %%", while, closing)
	}
}
