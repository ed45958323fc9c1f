// Package ruletest runs rules over a test's connection, and holds what every rule
// must keep. Only tests import it.
package ruletest

import (
	"fmt"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Run runs all rules over c. It is an error if one finds anything where what it
// says it needs is not there (then leaving it out would change the result), or
// if what is found without texts is not what is found with them.
func Run(t testing.TB, rules []*rule.Rule, c *record.Connection) *rule.Reporter {
	t.Helper()
	there := rule.Of(c)
	brief := rule.NewReporter(nil)
	brief.Reset(c.Facts.Files, true)
	full := rule.NewReporter(c.Facts.Files)
	for _, r := range []*rule.Reporter{brief, full} {
		c.Facts.Bare = r == brief
		for _, each := range rules {
			before := len(r.Findings())
			r.Run(each, c)
			if len(r.Findings()) > before && each.Needs&^there != 0 {
				t.Errorf("%s (%s) fires at %s, where what it needs is not there", each.Code, each.Slug, c.ID)
			}
		}
	}
	if got, want := judgements(brief), judgements(full); got != want {
		t.Errorf("%s: without texts\n%swith texts\n%s", c.ID, got, want)
	}
	return full
}

// judgements is what findings say without their texts.
func judgements(r *rule.Reporter) (s string) {
	for _, f := range r.Findings() {
		s += fmt.Sprintln(f.Code, f.Severity, f.Fault, f.Confidence)
	}
	return s
}
