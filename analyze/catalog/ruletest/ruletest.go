// Package ruletest runs rules over a test's connection, and holds what every rule
// must keep. Only tests import it.
package ruletest

import (
	"fmt"
	"strings"
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

// Case is what one rule is to say of a connection. Without Title it stays silent;
// what else is empty is not compared.
type Case struct {
	Code, Name string
	Change     func(*record.Connection) // nil: none
	Title      string                   // part of the title
	Remedy     string                   // part of the remedy
	Fault      record.Fault
	Severity   record.Severity
	Confidence record.Confidence
}

// Cases checks each case on a connection of its own, and that they cover rules,
// but for those whose codes are excepted.
func Cases(t *testing.T, rules []*rule.Rule, cases []Case, healthy func(testing.TB) *record.Connection, except ...string) {
	for _, x := range cases {
		t.Run(x.Code+"/"+x.Name, func(t *testing.T) {
			c := healthy(t)
			if x.Change != nil {
				x.Change(c)
			}
			x.Check(t, rules, c)
		})
	}
	Covered(t, rules, cases, except...)
}

// Secrets are what cases put into heads and targets, and no finding may show.
var Secrets = []string{"hunter2", "aHVudGVyMg"}

// maxTitle is how many bytes of a title still read as one sentence.
const maxTitle = 300

// Check runs all rules over c and compares what the one of x found.
func (x Case) Check(t testing.TB, rules []*rule.Rule, c *record.Connection) {
	t.Helper()
	r := Run(t, rules, c)
	var f *record.Finding
	for i := range r.Findings() {
		if each := &r.Findings()[i]; each.Code == x.Code && f == nil {
			f = each
		}
	}
	switch {
	case x.Title == "" && f != nil:
		t.Fatalf("fires: %s", f.Title)
	case x.Title == "":
		return
	case f == nil:
		t.Fatalf("silent; found %v", r.Findings())
	}
	if !strings.Contains(f.Title, x.Title) {
		t.Errorf("title %q, expected it to contain %q", f.Title, x.Title)
	}
	if !strings.Contains(f.Remedy, x.Remedy) {
		t.Errorf("remedy %q, expected it to contain %q", f.Remedy, x.Remedy)
	}
	if x.Fault != "" && f.Fault != x.Fault {
		t.Errorf("fault %s, expected %s", f.Fault, x.Fault)
	}
	if x.Severity != "" && f.Severity != x.Severity {
		t.Errorf("severity %s, expected %s", f.Severity, x.Severity)
	}
	if x.Confidence != "" && f.Confidence != x.Confidence {
		t.Errorf("confidence %s, expected %s", f.Confidence, x.Confidence)
	}
	wellFormed(t, f)
}

// wellFormed holds what every finding promises.
func wellFormed(t testing.TB, f *record.Finding) {
	t.Helper()
	if strings.HasSuffix(f.Title, ".") || strings.ContainsAny(f.Title, "\r\n") || len(f.Title) > maxTitle {
		t.Errorf("title is not the beginning of a sentence without its full stop: %q", f.Title)
	}
	if len(f.Evidence) == 0 || f.Remedy == "" && f.Severity != record.Info {
		t.Errorf("no evidence or no remedy: %+v", f)
	}
	all := f.Title + f.Remedy + f.SeenByUser
	for _, e := range f.Evidence {
		if e.Packet == 0 || e.Capture == "" || e.Note == "" {
			t.Errorf("evidence %+v", e)
		}
		all += e.Note
	}
	for _, bad := range append(Secrets, "%!", "%d") {
		if strings.Contains(all, bad) {
			t.Errorf("%q in %q", bad, all)
		}
	}
}

// Covered holds that each rule has a case in which it fires and one in which it
// stays silent. except are codes of rules that are tested elsewhere.
func Covered(t testing.TB, rules []*rule.Rule, cases []Case, except ...string) {
	t.Helper()
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, code := range except {
		fires[code], silent[code] = true, true
	}
	for _, w := range cases {
		fires[w.Code] = fires[w.Code] || w.Title != ""
		silent[w.Code] = silent[w.Code] || w.Title == ""
	}
	for _, r := range rules {
		if r.Check != nil && (!fires[r.Code] || !silent[r.Code]) {
			t.Errorf("%s lacks a firing (%v) or a silent (%v) case", r.Code, fires[r.Code], silent[r.Code])
		}
	}
}

// Free holds that rules find nothing in c, and allocate nothing for it: every
// rule sees every connection, and most are healthy.
func Free(t testing.TB, rules []*rule.Rule, c *record.Connection) {
	t.Helper()
	r := rule.NewReporter(c.Facts.Files)
	allocs := testing.AllocsPerRun(100, func() {
		for _, each := range rules {
			r.Run(each, c)
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations for a healthy connection", allocs)
	}
	if len(r.Findings()) > 0 {
		t.Errorf("healthy: %v", r.Findings())
	}
}

// Benchmark times all rules over c.
func Benchmark(b *testing.B, rules []*rule.Rule, c *record.Connection) {
	b.ReportAllocs()
	r := rule.NewReporter(c.Facts.Files)
	for b.Loop() {
		for _, each := range rules {
			r.Run(each, c)
		}
	}
}
