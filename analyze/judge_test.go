package analyze

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
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

// TestRulesKeepTheirWord holds of every labelled connection what package ruletest
// holds of the rules' own cases, and that what rules need leaves most of them out.
func TestRulesKeepTheirWord(t *testing.T) {
	left, all := 0, 0
	rules := catalog.All()
	for _, c := range labelledFacts(t, "*") {
		ruletest.Run(t, rules, c)
		there := rule.Of(c)
		for _, each := range rules {
			if all++; each.Needs&^there != 0 {
				left++
			}
		}
	}
	if left < all*2/3 {
		t.Errorf("%d of %d checks are left out: needs that leave so few out are not worth their while", left, all)
	}
}

// TestUsualConnectionsAreJudgedWithoutMemory: most that are refused, closed or
// cut cost none, as long as nobody wants their texts.
func TestUsualConnectionsAreJudgedWithoutMemory(t *testing.T) {
	j := newJudge(catalog.All())
	free := map[record.Outcome]int{}
	for _, c := range labelledFacts(t, "plain") {
		if testing.AllocsPerRun(10, func() { j.run(c, rule.Of(c), true) }) == 0 {
			free[c.Outcome]++
		}
	}
	for _, o := range []record.Outcome{record.ClosedClean, record.ClosedAbnormal, record.Rejected, record.ConnectFailed, record.NoResponse, record.Open} {
		if free[o] < 5 {
			t.Errorf("only %d connections with outcome %s are judged without memory", free[o], o)
		}
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
