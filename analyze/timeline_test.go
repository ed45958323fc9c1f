package analyze

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// began are connections by the second in which they began; the odd ones failed.
func began(seconds ...float64) *timeline {
	t := new(timeline)
	for i, s := range seconds {
		t.add(record.Time(s*float64(time.Second)), i%2 == 1)
	}
	return t
}

func outlineOf(t *timeline) string {
	var list []string
	for _, x := range t.intervals() {
		list = append(list, fmt.Sprintf("%v-%v:%d/%d", x.From.Sub(0), x.To.Sub(0), x.Failed, x.Connections))
	}
	return strings.Join(list, " ")
}

func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name  string
		began []float64
		want  string
	}{
		{"none", nil, ""},
		{"one", []float64{7.9}, "7s-8s:0/1"},
		{"as long as may be", []float64{0, 59.9}, "0s-1s:0/1 59s-1m0s:1/1"},
		{"an interval more", []float64{0, 60}, "0s-2s:0/1 1m0s-1m2s:1/1"},
		{"across the bounds of wider ones", []float64{1, 60.5}, "1s-2s:0/1 1m0s-1m1s:1/1"},
		{"added up", []float64{0, 1, 1.5, 100, 3}, "0s-2s:1/3 2s-4s:0/1 1m40s-1m42s:1/1"},
		{"an hour", []float64{0, 3599, 63.9}, "0s-1m4s:0/2 59m44s-1h0m48s:1/1"},
		{"before 1970", []float64{-0.5, 0.5}, "-1s-0s:0/1 0s-1s:1/1"},
	} {
		if got := outlineOf(began(c.began...)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTimelinesAddUp: parts of a capture give what the whole gives, in any order.
func TestTimelinesAddUp(t *testing.T) {
	var starts []float64
	for i := range 500 {
		starts = append(starts, float64(i*i%977)*0.7)
	}
	want := outlineOf(began(starts...))
	if n := strings.Count(want, " ") + 1; n < maxIntervals/2 || n > maxIntervals {
		t.Fatalf("%d intervals: %s", n, want)
	}
	backwards := new(timeline)
	for i := range slices.Backward(starts) {
		backwards.add(record.Time(starts[i]*float64(time.Second)), i%2 == 1)
	}
	if got := outlineOf(backwards); got != want {
		t.Errorf("backwards: %s, want %s", got, want)
	}
	for parts := 2; parts < 8; parts++ {
		list := make([]timeline, parts)
		for i, s := range starts {
			list[i%parts].add(record.Time(s*float64(time.Second)), i%2 == 1)
		}
		for first := range parts {
			var joined timeline
			for i := range parts {
				joined.merge(&list[(first+i)%parts])
			}
			if got := outlineOf(&joined); got != want {
				t.Errorf("%d parts, from %d on: %s, want %s", parts, first, got, want)
			}
		}
	}
}

// TestTimelineOfAnyTimes: the times of a capture may be nonsense.
func TestTimelineOfAnyTimes(t *testing.T) {
	var x timeline
	for _, at := range []record.Time{math.MinInt64, math.MaxInt64, 0, -1} {
		x.add(at, false)
	}
	list := x.intervals()
	if len(list) < 2 || len(list) > maxIntervals {
		t.Fatalf("%d intervals", len(list))
	}
	for i, at := range list {
		if at.From >= at.To || i > 0 && at.From < list[i-1].To {
			t.Errorf("%v to %v after %v", at.From, at.To, list[max(i, 1)-1].To)
		}
	}
}

// TestTimelineCountsStoriesOnce: another hop of a handshake is no connection of its own.
func TestTimelineCountsStoriesOnce(t *testing.T) {
	s := newSummary()
	findings := []record.Finding{{Severity: record.Error, Code: "WS401", Slug: "slug"}}
	s.add(&record.Connection{ID: "1", RecognizedBy: record.ByUpgrade, Findings: findings}, "")
	s.add(&record.Connection{ID: "2", RecognizedBy: record.ByUpgrade, Findings: findings, HopOf: "1"}, "")
	s.add(&record.Connection{ID: "3", RecognizedBy: record.ByNothing, Findings: findings, Facts: &record.Facts{}}, "")
	if got, want := outlineOf(&s.times), "0s-1s:1/1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
