package analyze

import (
	"cmp"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
)

// maxExamples is how many connections a cause names.
const maxExamples = 3

// maxCodes is how many codes there can be: WS000 to WS999.
const maxCodes = 1000

// summary counts the whole as connections become final.
type summary struct {
	record.Summary
	outcomes []outcomeCount
	codes    *[maxCodes]codeCount
	times    timeline
	limits   limits
}

type outcomeCount struct {
	outcome record.Outcome
	n       int64
}

// codeCount is what is counted of one code.
type codeCount struct {
	slug  string
	n     int64         // findings
	cause *record.Cause // nil: it explains no connection's end
}

func newSummary() summary {
	return summary{codes: new([maxCodes]codeCount), Summary: record.Summary{ByOutcome: map[string]int64{}, ByFinding: map[string]int64{}}}
}

// code is where a code is counted; a test holds that each has its own place.
func (s *summary) code(code string) *codeCount {
	n := uint(0)
	for i := len("WS"); i < len(code); i++ {
		n = n*10 + uint(code[i]-'0')
	}
	return &s.codes[n%maxCodes]
}

// found counts a finding.
func (s *summary) found(code, slug string) *codeCount {
	x := s.code(code)
	if x.n++; x.n == 1 {
		x.slug = slug
	}
	return x
}

// add counts a connection. cause is the code of the finding that explains its
// end, where that stands at another hop of the same story.
func (s *summary) add(c *record.Connection, cause string) {
	if c.RecognizedBy == record.ByNothing && c.Facts.Opaque {
		return // counted where it was found
	}
	s.limits.add(c.Facts)
	if c.HopOf != "" {
		return
	}
	if c.RecognizedBy == record.ByNothing {
		s.Unidentified++
		return
	}
	s.Connections++
	s.outcome(c.Outcome)
	failed := fails(c)
	s.times.add(c.Started, failed)
	for i := range c.Findings {
		x := s.found(c.Findings[i].Code, c.Findings[i].Slug)
		switch {
		case i > 0 || !failed:
		case cause == "":
			x.explains(c, c.Findings[i].Code)
		default:
			s.code(cause).explains(c, cause)
		}
	}
}

func (s *summary) outcome(o record.Outcome) {
	for i := range s.outcomes {
		if s.outcomes[i].outcome == o {
			s.outcomes[i].n++
			return
		}
	}
	s.outcomes = append(s.outcomes, outcomeCount{o, 1})
}

// explains counts a connection under the finding that explains its end.
func (x *codeCount) explains(c *record.Connection, code string) {
	cause := x.cause
	if cause == nil {
		cause = &record.Cause{Code: code, First: c.Started, Last: c.Ended}
		x.cause = cause
	}
	cause.Connections++
	cause.First, cause.Last = min(cause.First, c.Started), max(cause.Last, c.Ended)
	if len(cause.Examples) < maxExamples {
		cause.Examples = append(cause.Examples, c.ID)
	}
}

func (s *summary) addCapture(c *record.Capture) {
	for i := range c.Findings {
		s.found(c.Findings[i].Code, c.Findings[i].Slug)
	}
}

// result ranks the causes by the connections that they explain.
func (s *summary) result(counts track.Counts, titles func(code string) string) record.Summary {
	s.OpaqueTLS += counts.Opaque
	s.OtherTCPConnections = counts.Other
	s.Causes = []record.Cause{}
	for i := range s.codes {
		x := &s.codes[i]
		if x.n > 0 {
			s.ByFinding[x.slug] = x.n
		}
		if cause := x.cause; cause != nil {
			cause.Title, cause.Of = titles(cause.Code), s.Connections
			s.Causes = append(s.Causes, *cause)
		}
	}
	for _, x := range s.outcomes {
		s.ByOutcome[string(x.outcome)] = x.n
	}
	slices.SortStableFunc(s.Causes, func(a, b record.Cause) int { return cmp.Compare(b.Connections, a.Connections) })
	s.Timeline = s.times.intervals()
	s.Limits = s.limits.sentences()
	return s.Summary
}

// pattern counts a finding about several connections.
func (s *summary) pattern(p *record.Pattern) { s.found(p.Code, p.Slug) }
