package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Bounds of ends that have their time in common: chance makes some of them
// agree, the more the more there are.
const (
	minCuts     = 3
	minAfter    = 3 * time.Second
	sameTime    = 100 * time.Millisecond
	neighbours  = time.Second // around a cluster: where there are as many, it is chance
	clusterPart = 10          // a cluster is at least this part of all cuts
	fewCuts     = 5           // a smaller cluster
	fewPart     = 4           // is at least this part: three of many agree by chance
	// apart: ends at one moment have another cause than their age.
	apart = 500 * time.Millisecond
)

// cuts finds, for each endpoint, connections that were cut after the same silence
// or at the same age.
func (b *finder) cuts() {
	chosen := b.gather(func(t *tally) int {
		if t.cut < minCuts {
			return 0
		}
		return t.cut
	}, func(d *Digest) bool { return d.flags&cutOff != 0 })
	var found []record.Relation
	for _, t := range chosen {
		list := t.list
		t.list = nil
		silent, aged := candidates(list)
		for i, some := range [2][]timed{silent, aged} {
			cluster := largest(some, len(list))
			if cluster == nil {
				continue
			}
			members := make([]*Digest, len(cluster))
			for k := range cluster {
				members[k] = cluster[k].d
			}
			if leave(members) {
				continue
			}
			if r, kept := b.relation(members); kept {
				r.Cuts = describeCuts(b.set.addrPort(t.server), cluster, members, i == 0, len(list))
				found = append(found, r)
			}
			break // what was silent for the same time has often the same age as well
		}
	}
	sortRelations(found, func(r *record.Relation) record.Ref { return r.Cuts.At[0] })
	b.found = append(b.found, found...)
}

// timed is a connection and the time after which it was cut.
type timed struct {
	d     *Digest
	after time.Duration
}

// leave: clients of several addresses end connections, and no timer explains
// it: they keep the same time by themselves. One address may be a proxy's, which
// is the client of the server behind it.
func leave(members []*Digest) bool {
	several := false
	for _, d := range members {
		if d.flags&byServerSide != 0 || d.flags&timer != 0 {
			return false
		}
		several = several || d.from() != members[0].from()
	}
	return several
}

// candidates are the connections that lived long enough for their time to mean anything.
func candidates(list []*Digest) (silent, aged []timed) {
	for _, d := range list {
		if s := time.Duration(d.silence); s >= minAfter {
			silent = append(silent, timed{d, s})
		} else if age := d.age(); age >= minAfter {
			aged = append(aged, timed{d, age})
		}
	}
	return silent, aged
}

// largest is the largest cluster of equal times that is no chance.
func largest(list []timed, all int) []timed {
	if len(list) < minCuts {
		return nil
	}
	slices.SortFunc(list, func(a, b timed) int {
		if c := cmp.Compare(a.after, b.after); c != 0 {
			return c
		}
		return byStart(a.d, b.d)
	})
	clusters := maximal(list)
	slices.SortStableFunc(clusters, func(a, b []timed) int { return cmp.Compare(len(b), len(a)) })
	for i, cluster := range clusters {
		if i == maxClusters || len(cluster) < minCuts || len(cluster)*clusterPart < all {
			break
		}
		if around := countWithin(list, cluster[0].after-neighbours, cluster[len(cluster)-1].after+neighbours); 2*len(cluster) >= around && spread(cluster) {
			return cluster
		}
	}
	return nil
}

// maxClusters bounds the clusters that are looked at, the largest first.
const maxClusters = 16

// maximal gives the stretches of a sorted list that lie within sameTime and
// are part of no longer one.
func maximal(list []timed) (clusters [][]timed) {
	left, done := 0, 0
	for right := range list {
		for list[right].after-list[left].after > sameTime {
			left++
		}
		if last := right+1 == len(list); (last || list[right+1].after-list[left].after > sameTime) && right+1 > done {
			clusters = append(clusters, list[left:right+1])
			done = right + 1
		}
	}
	return clusters
}

// countWithin counts the entries of a sorted list between two times.
func countWithin(list []timed, from, to time.Duration) int {
	by := func(x timed, d time.Duration) int { return cmp.Compare(x.after, d) }
	low, _ := slices.BinarySearchFunc(list, from, by)
	high, _ := slices.BinarySearchFunc(list, to+1, by)
	return high - low
}

// spread: the ends lie apart, at three moments at least.
func spread(cluster []timed) bool {
	ends := make([]int64, len(cluster))
	for i := range cluster {
		ends[i] = cluster[i].d.ended
	}
	slices.Sort(ends)
	moments, last := 1, ends[0]
	for _, at := range ends[1:] {
		if time.Duration(at-last) > apart {
			moments++
			last = at
		}
	}
	return moments >= minCuts
}

func describeCuts(server netip.AddrPort, cluster []timed, members []*Digest, silent bool, all int) *record.Cuts {
	c := &record.Cuts{Server: server, Silent: silent, Of: all, After: cluster[len(cluster)/2].after,
		Min: cluster[0].after, Max: cluster[len(cluster)-1].after}
	byClient := 0
	for i, d := range members {
		if i < 4 {
			c.At = append(c.At, d.end())
		}
		if d.flags&byClientSide != 0 {
			byClient++
		}
		if d.flags&timer != 0 {
			c.Named++
		}
	}
	c.ByClient = 2*byClient > len(members)
	return c
}
