package analyze

import (
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// TestPlanLeavesOutWhatLacksItsNeeds: whatever is there, a rule is due if all that
// it needs is; one that needs more than one thing may be due without.
func TestPlanLeavesOutWhatLacksItsNeeds(t *testing.T) {
	p := newPlan(catalog.All())
	for there := range sets(p.rules) {
		due := p.due(there)
		for i, r := range p.rules {
			whole, single := r.Needs&^there == 0, r.Needs&(r.Needs-1) == 0
			if due.has(i) != whole && (whole || single) {
				t.Errorf("%s needs %b: due is %v where %b is there", r.Code, r.Needs, due.has(i), there)
			}
		}
	}
}

// sets are nothing, all, each thing alone, and all but that.
func sets(rules []*rule.Rule) map[rule.Needs]bool {
	list := map[rule.Needs]bool{0: true, ^rule.Needs(0): true}
	for _, r := range rules {
		for one := rule.Needs(1); one != 0; one <<= 1 {
			if r.Needs&one != 0 {
				list[one], list[^one] = true, true
			}
		}
	}
	return list
}

func TestPlanKnowsWhatExplainsWhat(t *testing.T) {
	p := newPlan([]*rule.Rule{{Code: "A", Check: never, Explains: []string{"B", "none"}}, {Code: "file"}, {Code: "B", Check: never}})
	if len(p.rules) != 2 || !p.explains[0].has(1) || p.explains[1].has(0) || p.explains[0].has(0) {
		t.Errorf("%d rules, explained %b", len(p.rules), p.explains)
	}
}

func never(*record.Connection, *rule.Reporter) {}
