package analyze

import (
	"maps"
	"math"
	"slices"
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
	doubled     uint            // how often the length was doubled; it begins with a second
	counts      map[int64]share // by the interval's start, in units of its length
	first, last int64           // the outermost of those
}

// share is how many of a number of connections failed.
type share struct{ all, failed int64 }

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
	for at, x := range o.counts {
		t.count(at, o.doubled, x)
	}
}

// count adds to an interval of a length that was doubled so many times.
func (t *timeline) count(at int64, doubled uint, x share) {
	for t.doubled < doubled {
		t.double()
	}
	at >>= t.doubled - doubled
	if len(t.counts) == 0 {
		t.counts, t.first, t.last = map[int64]share{}, at, at
	}
	for max(t.last, at)-min(t.first, at) >= maxIntervals {
		t.double()
		at >>= 1
	}
	t.first, t.last = min(t.first, at), max(t.last, at)
	sum := t.counts[at]
	t.counts[at] = share{sum.all + x.all, sum.failed + x.failed}
}

func (t *timeline) double() {
	wider := make(map[int64]share, len(t.counts))
	for at, x := range t.counts {
		sum := wider[at>>1]
		wider[at>>1] = share{sum.all + x.all, sum.failed + x.failed}
	}
	t.counts = wider
	t.doubled, t.first, t.last = t.doubled+1, t.first>>1, t.last>>1
}

// intervals are those in which a connection began, in order.
func (t *timeline) intervals() []record.Interval {
	var list []record.Interval
	for _, at := range slices.Sorted(maps.Keys(t.counts)) {
		x := t.counts[at]
		list = append(list, record.Interval{From: secondsToTime(at << t.doubled), To: secondsToTime((at + 1) << t.doubled),
			Connections: x.all, Failed: x.failed})
	}
	return list
}

// secondsToTime keeps to the times that there are: a capture may claim any.
func secondsToTime(s int64) record.Time {
	const most = math.MaxInt64 / int64(time.Second)
	return record.Time(min(max(s, -most), most) * int64(time.Second))
}
