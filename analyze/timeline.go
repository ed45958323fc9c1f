package analyze

import (
	"math"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxIntervals bounds a timeline: where it would be longer, its intervals
// become twice as long.
const maxIntervals = 60

// timeline counts connections, and those of them that failed, by when they
// began. Its intervals begin at multiples of their length, so that neither the
// order of the connections nor how they were parted matters.
type timeline struct {
	doubled uint                // how often the length was doubled; it begins with a second
	counts  [maxIntervals]share // of the intervals from first on
	first   int64               // the first interval's start, in units of its length
	n       int64               // how many intervals there are
}

// share is how many of a number of connections failed.
type share struct{ all, failed int64 }

func (s *share) add(x share) { *s = share{s.all + x.all, s.failed + x.failed} }

func (t *timeline) add(started record.Time, failed bool) {
	x := share{all: 1}
	if failed {
		x.failed = 1
	}
	second := int64(started) / int64(time.Second)
	if int64(started)%int64(time.Second) < 0 {
		second--
	}
	t.count(second, 0, x)
}

// merge adds what another timeline counts; the order does not matter.
func (t *timeline) merge(o *timeline) {
	for i := range o.n {
		if x := o.counts[i]; x.all > 0 {
			t.count(o.first+i, o.doubled, x)
		}
	}
}

// count adds to an interval of a length that was doubled so many times.
func (t *timeline) count(at int64, doubled uint, x share) {
	for t.doubled < doubled {
		t.double()
	}
	at >>= t.doubled - doubled
	if t.n == 0 {
		t.first, t.n = at, 1
	}
	if at < t.first || at-t.first >= t.n {
		at = t.widen(at)
	}
	t.counts[at-t.first].add(x)
}

// widen makes room for an interval, and gives its start as it is then.
func (t *timeline) widen(at int64) int64 {
	for max(t.first+t.n-1, at)-min(t.first, at) >= maxIntervals {
		t.double()
		at >>= 1
	}
	if by := t.first - at; by > 0 {
		copy(t.counts[by:], t.counts[:t.n])
		clear(t.counts[:by])
		t.first, t.n = at, t.n+by
	}
	t.n = max(t.n, at-t.first+1)
	return at
}

func (t *timeline) double() {
	last := t.first + t.n - 1
	for i := range t.n {
		x := t.counts[i]
		t.counts[i] = share{}
		t.counts[(t.first+i)>>1-t.first>>1].add(x) // it stands no further back
	}
	t.doubled, t.first = t.doubled+1, t.first>>1
	t.n = last>>1 - t.first + 1
}

// intervals are those in which a connection began, in order.
func (t *timeline) intervals() []record.Interval {
	var list []record.Interval
	for i := range t.n {
		if x := t.counts[i]; x.all > 0 {
			at := t.first + i
			list = append(list, record.Interval{From: secondsToTime(at << t.doubled), To: secondsToTime((at + 1) << t.doubled),
				Connections: x.all, Failed: x.failed})
		}
	}
	return list
}

// secondsToTime keeps to the times that there are: a capture may claim any.
func secondsToTime(s int64) record.Time {
	const most = math.MaxInt64 / int64(time.Second)
	return record.Time(min(max(s, -most), most) * int64(time.Second))
}
