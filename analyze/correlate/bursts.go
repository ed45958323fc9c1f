package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Bounds of ends at one moment. A busy endpoint ends connections all the time:
// only what stands out of that counts.
const (
	minBurst   = 5
	burstTime  = time.Second
	settled    = 300 * time.Millisecond // a connection that was open for less was no standing one
	burstPart  = 2                      // at least one in so many of the open ones ends
	burstRatio = 5                      // so many times the usual rate
)

// bursts finds, for each endpoint, a moment at which its side ended many open
// connections.
func (b *finder) bursts() {
	chosen := b.gather(func(t *tally) int {
		if t.mass < minBurst {
			return 0
		}
		return t.total
	}, func(d *Digest) bool { return d.flags&opened != 0 })
	var found []record.Relation
	for _, t := range chosen {
		list := t.list
		t.list = nil
		members, open := burst(list)
		if members == nil {
			continue
		}
		at := slices.Clone(members)
		if r, kept := b.relation(members); kept {
			r.Burst = describeBurst(b.set.addrPort(t.server), at, open)
			found = append(found, r)
		}
	}
	sortRelations(found, func(r *record.Relation) record.Ref { return r.Burst.At[0] })
	b.found = append(b.found, found...)
}

// ends: the server's side ended a standing connection, other than by saying
// that it is done.
func ends(d *Digest) bool {
	return d.flags&byServerSide != 0 && d.flags&stillOpen == 0 && d.close != 1000 && d.age() >= settled
}

// burst is the largest burst of ends, in order, and how many connections were
// open when it began.
func burst(list []*Digest) (members []*Digest, open int) {
	var ended []*Digest
	first, last := list[0].opened, list[0].ended
	for _, d := range list {
		if ends(d) {
			ended = append(ended, d)
		}
		first, last = min(first, d.opened), max(last, d.ended)
	}
	slices.SortFunc(ended, func(a, b *Digest) int {
		if c := cmp.Compare(a.ended, b.ended); c != 0 {
			return c
		}
		return byStart(a, b)
	})
	left, from, to := 0, 0, 0
	for right := range ended {
		for time.Duration(ended[right].ended-ended[left].ended) > burstTime {
			left++
		}
		if right-left > to-from {
			from, to = left, right
		}
	}
	if to-from+1 < minBurst {
		return nil, 0
	}
	members = ended[from : to+1]
	begin := members[0].ended
	// Those that opened after the burst began were not standing then.
	members = slices.DeleteFunc(slices.Clone(members), func(d *Digest) bool { return d.opened >= begin })
	for _, d := range list {
		if d.opened < begin && (d.ended >= begin || d.flags&stillOpen != 0) {
			open++
		}
	}
	elsewhere := len(ended) - (to - from + 1)
	usual := float64(elsewhere) / max(1, time.Duration(last-first-int64(burstTime)).Seconds())
	if len(members) < minBurst || len(members)*burstPart < open || float64(len(members)) < burstRatio*usual {
		return nil, 0
	}
	return members, open
}

func describeBurst(server netip.AddrPort, at []*Digest, open int) *record.Burst {
	b := &record.Burst{Server: server, Open: open, Duration: time.Duration(at[len(at)-1].ended - at[0].ended)}
	how, clients := map[string]int{}, map[addrKey]bool{}
	for i, d := range at {
		if i < 4 || i == len(at)-1 {
			b.At = append(b.At, d.end())
		}
		if d.close != 0 {
			how[d.closed()]++
		} else {
			how["without a Close frame"]++
		}
		clients[d.from()] = true
	}
	b.Closes, b.Clients = counts(how), len(clients)
	return b
}
