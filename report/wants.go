package report

import (
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// sampled is how many connections of one code and fault are looked at in full
// for the remedies that they need. If all have the same one, the others are counted with them.
const sampled = 100

var _ record.Selective = (*Table)(nil)

// Wants implements record.Selective: only what will be shown is wanted in full.
func (v *view) Wants(c *record.Connection) bool {
	class, main := classify(c)
	switch class {
	case healthy:
		return v.counts[failed] == 0 && len(v.fine) < maxRows
	case warned:
		return v.counts[failed] == 0 && len(v.fine) < maxRows || v.newWarning(c)
	case failed:
		return !v.tellsHop(c) && (len(v.failed) < maxRows || !v.causes.settled(c, main))
	case undecided:
		return len(v.unclear) < maxRows
	case unidentified:
		return v.newCase(c, main)
	}
	return false
}

// Events implements record.Selective: a table tells no story.
func (t *Table) Events() bool { return false }

// maxCases is how many findings of unidentified connections are explained.
const maxCases = 5

// newCase: no unidentified connection with this finding, or this outcome without
// one, was kept yet.
func (v *view) newCase(c *record.Connection, i int) bool {
	return len(v.cases) < maxCases && !slices.ContainsFunc(v.cases, func(e example) bool { return caseName(e) == caseName(example{c, i}) })
}

// caseText is what happened in a case and what to do, or what would tell it.
func caseText(e example) string {
	c := e.connection
	text := sentence(c.Verdict)
	if remedy := e.of().Remedy; remedy != "" {
		text += " " + sentence(remedy)
	}
	if c.Fault == record.FaultUnknown && c.NextStep != "" {
		text += " " + sentence(c.NextStep)
	}
	return text
}

func caseName(e example) string {
	if f := e.of(); f.Code != "" {
		return f.Code + " " + f.Slug
	}
	return string(e.connection.Outcome)
}

func (v *view) newWarning(c *record.Connection) bool {
	for i := range c.Findings {
		if f := &c.Findings[i]; f.Severity == record.Warning && f.CausedBy == "" && !v.warnings.settled(c, i) {
			return true
		}
	}
	return false
}

// familyOf is the key of all groups of a finding's code and fault.
func familyOf(f *record.Finding) causeKey {
	key := causeKey{code: f.Code, fault: f.Fault}
	if key.code == "" {
		key.code = f.Slug
	}
	return key
}

// settled: enough connections with this finding were seen, and all need the
// same remedy.
func (s *causes) settled(c *record.Connection, i int) bool {
	return s.families[familyOf(s.findingOf(c, i))].settled()
}

func (f *family) settled() bool { return f != nil && f.groups == 1 && f.first.count >= sampled }

// findingOf is the finding at place i, with the side that has to act on the
// connection, which both hops of a proxy may have told; the outcome stands for none.
// It is good until the next call.
func (s *causes) findingOf(c *record.Connection, i int) *record.Finding {
	if i >= 0 {
		if f := &c.Findings[i]; c.Fault == f.Fault || c.Fault == "" || c.Fault == record.FaultNone {
			return f
		}
		s.ending = c.Findings[i]
		s.ending.Fault = c.Fault
		return &s.ending
	}
	s.ending = record.Finding{Fault: c.Fault, Slug: string(c.Outcome)}
	return &s.ending
}
