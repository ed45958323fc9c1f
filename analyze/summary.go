package analyze

import (
	"cmp"
	"maps"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
)

// maxExamples is how many connections a cause names.
const maxExamples = 3

// summary counts the whole as connections become final.
type summary struct {
	record.Summary
	causes map[string]*record.Cause
	times  timeline
}

func newSummary() summary {
	return summary{causes: map[string]*record.Cause{},
		Summary: record.Summary{ByOutcome: map[string]int64{}, ByFinding: map[string]int64{}}}
}

// add counts a connection. cause is the code of the finding that explains its
// end, where that stands at another hop of the same story.
func (s *summary) add(c *record.Connection, cause string) {
	if c.RecognizedBy == record.ByNothing && c.Facts.Opaque {
		return // counted where it was found
	}
	if c.HopOf != "" {
		return
	}
	if c.RecognizedBy == record.ByNothing {
		s.Unidentified++
		return
	}
	s.Connections++
	s.ByOutcome[string(c.Outcome)]++
	s.times.add(c.Started, fails(c))
	for i := range c.Findings {
		f := &c.Findings[i]
		s.ByFinding[f.Slug]++
		if i == 0 && f.Severity == record.Error {
			if cause == "" {
				cause = f.Code
			}
			s.cause(c, cause)
		}
	}
}

// cause counts a connection under the finding that explains its end.
func (s *summary) cause(c *record.Connection, code string) {
	cause := s.causes[code]
	if cause == nil {
		cause = &record.Cause{Code: code, First: c.Started, Last: c.Ended}
		s.causes[code] = cause
	}
	cause.Connections++
	cause.First, cause.Last = min(cause.First, c.Started), max(cause.Last, c.Ended)
	if len(cause.Examples) < maxExamples {
		cause.Examples = append(cause.Examples, c.ID)
	}
}

func (s *summary) addCapture(c *record.Capture) {
	for i := range c.Findings {
		s.ByFinding[c.Findings[i].Slug]++
	}
}

// result ranks the causes by the connections that they explain.
func (s *summary) result(counts track.Counts, titles func(code string) string) record.Summary {
	s.OpaqueTLS += counts.Opaque
	s.OtherTCPConnections = counts.Other
	s.Causes = []record.Cause{}
	for _, code := range slices.Sorted(maps.Keys(s.causes)) {
		cause := s.causes[code]
		cause.Title, cause.Of = titles(code), s.Connections
		s.Causes = append(s.Causes, *cause)
	}
	slices.SortStableFunc(s.Causes, func(a, b record.Cause) int { return cmp.Compare(b.Connections, a.Connections) })
	s.Timeline = s.times.intervals()
	return s.Summary
}

// pattern counts a finding about several connections.
func (s *summary) pattern(p *record.Pattern) { s.ByFinding[p.Slug]++ }
