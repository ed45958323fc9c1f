package correlate

import (
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Bounds below which no series is worth a rule's look. The rule has the
// threshold; these keep the search short.
const (
	minAttempts = 5
	// maxGap ends a series: after it the client has started anew.
	maxGap = 2 * time.Minute
	// shortLived is the longest life of a WebSocket whose end counts as a failing attempt.
	shortLived = 5 * time.Second
)

// series finds attempts of one client at one URL that failed one after the other.
func (b *finder) series() {
	if !b.any.series {
		return
	}
	many := map[group][]*Digest{}
	b.set.each(func(d *Digest) {
		if n := b.often.count(d.groupHash()); d.flags&hop == 0 && n >= minAttempts {
			list, known := many[d.group()]
			if !known {
				list = make([]*Digest, 0, n)
			}
			many[d.group()] = append(list, d)
		}
	})
	var found []record.Relation
	for _, list := range many {
		slices.SortFunc(list, byStart)
		for len(list) > 0 {
			n := runLength(list)
			if n >= minAttempts {
				if r, kept := b.relation(slices.Clone(list[:n])); kept {
					r.Series = b.describeSeries(list[:n])
					found = append(found, r)
				}
			}
			list = list[max(n, 1):]
		}
	}
	sortRelations(found, func(r *record.Relation) record.Ref { return r.Series.First })
	b.found = append(b.found, found...)
}

// runLength is how many attempts at the head of the list failed one after the
// other: each began when the one before had failed, as one program does that
// tries again, and none succeeded.
func runLength(list []*Digest) int {
	n := 0
	for i, d := range list {
		if d.flags&failed == 0 || d.flags&opened != 0 && d.age() > shortLived {
			break
		}
		if i > 0 {
			before := list[i-1]
			if d.started < before.ended || time.Duration(d.started-before.started) > maxGap {
				break
			}
		}
		n++
	}
	return n
}

func (b *finder) describeSeries(list []*Digest) *record.Series {
	head := list[0]
	s := &record.Series{Client: b.set.addr(head.from()), Server: b.set.addrPort(head.to()), URL: b.set.urls[head.url],
		First: head.start(), Last: list[len(list)-1].start(), Unidentified: true}
	gaps := make([]time.Duration, 0, len(list)-1)
	how := map[string]int{}
	for i, d := range list {
		how[d.how()]++
		s.Unidentified = s.Unidentified && d.flags&nameless != 0
		if i > 0 {
			gaps = append(gaps, time.Duration(d.started-list[i-1].started))
		}
		if i < 4 {
			s.Attempts = append(s.Attempts, d.start())
		}
	}
	s.Outcomes = counts(how)
	s.Early, s.Late, s.Median = median(gaps[:min(3, len(gaps))]), median(gaps[len(gaps)-(len(gaps)+2)/3:]), median(gaps)
	s.Gaps = gaps
	if len(gaps) > record.MaxGaps {
		s.Gaps = append(slices.Clone(gaps[:record.MaxGaps/2]), gaps[len(gaps)-record.MaxGaps/2:]...)
	}
	return s
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
