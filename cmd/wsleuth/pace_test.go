package main

import "testing"

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want uint64 // by how much the heap may grow, in MB
	}{{0, 12}, {1 << 20, 12}, {10 << 20, 12}, {80 << 20, 20}, {400 << 20, 100}} {
		if got := max(c.live, smallestHeap) * uint64(growth(c.live)) / 100 >> 20; got != c.want {
			t.Errorf("%d MB in use may grow by %d MB, want %d", c.live>>20, got, c.want)
		}
	}
}
