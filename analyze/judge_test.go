package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// factsOf is a sink that keeps connections with their facts.
type factsOf struct {
	gathered
	all []*record.Connection
}

func (s *factsOf) Connection(c *record.Connection) error {
	kept := *c
	s.all = append(s.all, &kept)
	c.Facts = new(record.Facts) // to be recycled in their place
	return nil
}

// labelledFacts are the connections of every labelled capture.
func labelledFacts(t testing.TB, folders string) []*record.Connection {
	t.Helper()
	var s factsOf
	manifests, _ := filepath.Glob("../testdata/captures/" + folders + "/MANIFEST.json")
	for _, manifest := range manifests {
		folder := filepath.Dir(manifest)
		for _, e := range readManifest(t, folder) {
			var files []string
			for _, f := range e.Files {
				files = append(files, filepath.Join(folder, f))
			}
			analyzeInto(t, Options{All: true, ShowSecrets: true, Keys: readKeys(t, folder, e.Keylog)}, &s, files...)
		}
	}
	if len(s.all) < 100 {
		t.Fatalf("only %d labelled connections", len(s.all))
	}
	return s.all
}

// TestNeedsAreKept: no rule finds anything where what it says it needs is not
// there, so leaving it out then changes nothing (the families hold the same of
// their own cases); and what is decided before texts are wanted is what the
// texts then say.
func TestNeedsAreKept(t *testing.T) {
	left, ran := 0, 0
	rules := catalog.All()
	r := rule.NewReporter(nil)
	for _, c := range labelledFacts(t, "*") {
		there := rule.Of(c)
		var sum [2]string
		for i, bare := range []bool{true, false} {
			c.Facts.Bare = bare
			r.Reset(c.Facts.Files, bare)
			for _, each := range rules {
				before := len(r.Findings())
				r.Run(each, c)
				if each.Needs&^there == 0 {
					ran++
					continue
				}
				left++
				if len(r.Findings()) > before {
					t.Errorf("%s (%s) fires at %s %s, where what it needs is not there", each.Code, each.Slug, c.ID, c.URL)
				}
			}
			for _, f := range r.Findings() {
				sum[i] += fmt.Sprintln(f.Code, f.Severity, f.Fault, f.Confidence)
			}
		}
		if sum[0] != sum[1] {
			t.Errorf("%s %s: without texts\n%swith them\n%s", c.ID, c.URL, sum[0], sum[1])
		}
	}
	if left < 2*ran {
		t.Errorf("%d checks are left out, %d run: needs that leave so little out are not worth their while", left, ran)
	}
}

// BenchmarkJudge is the cost of judging one connection without texts, by outcome.
func BenchmarkJudge(b *testing.B) {
	byOutcome := map[record.Outcome][]*record.Connection{}
	for _, c := range labelledFacts(b, "plain") {
		byOutcome[c.Outcome] = append(byOutcome[c.Outcome], c)
	}
	for _, o := range slices.SortedFunc(maps.Keys(byOutcome), cmp.Compare) {
		list := byOutcome[o]
		b.Run(string(o), func(b *testing.B) {
			b.ReportAllocs()
			j := newJudge(catalog.All())
			for i := 0; b.Loop(); i++ {
				c := list[i%len(list)]
				there := rule.Of(c)
				c.Phase, c.Outcome = outcome(c, there)
				j.run(c, there, true)
			}
		})
	}
}
