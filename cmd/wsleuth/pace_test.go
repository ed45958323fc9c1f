package main

import "testing"

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want uint64 // by how much the heap may grow, in MB
	}{{0, 20}, {1 << 20, 20}, {10 << 20, 20}, {80 << 20, 20}, {400 << 20, 100}} {
		if got := max(c.live, smallestHeap) * uint64(growth(c.live)) / 100 >> 20; got != c.want {
			t.Errorf("%d MB in use may grow by %d MB, want %d", c.live>>20, got, c.want)
		}
	}
}
