package analyze

import (
	"math/bits"

	"github.com/wsleuth/wsleuth/analyze/rule"
)

// plan tells which rules to run over a connection. Few of a hundred have all
// that they need, so it strikes out at once, for each thing that is not there,
// all the rules that need it.
type plan struct {
	rules    []*rule.Rule // those that judge connections
	all      ruleSet
	needed   rule.Needs
	by       [64]ruleSet // by need: the rules that need it
	explains []ruleSet   // by rule: those whose findings it explains
}

// ruleSet is a set of a plan's rules, by their place.
type ruleSet [2]uint64

func (s *ruleSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *ruleSet) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

func newPlan(rules []*rule.Rule) plan {
	var p plan
	places := map[string]int{}
	for _, r := range rules {
		if r.Check == nil {
			continue
		}
		i := len(p.rules)
		p.rules = append(p.rules, r)
		places[r.Code] = i
		p.all.add(i)
		p.needed |= r.Needs
		for need := uint64(r.Needs); need != 0; need &= need - 1 {
			p.by[bits.TrailingZeros64(need)].add(i)
		}
	}
	p.explains = make([]ruleSet, len(p.rules))
	for i, r := range p.rules {
		for _, code := range r.Explains {
			if place, ok := places[code]; ok {
				p.explains[i].add(place)
			}
		}
	}
	return p
}

// due are the rules that have all that they need.
func (p *plan) due(there rule.Needs) ruleSet {
	due := p.all
	for lacks := uint64(p.needed &^ there); lacks != 0; lacks &= lacks - 1 {
		without := &p.by[bits.TrailingZeros64(lacks)]
		for i := range due {
			due[i] &^= without[i]
		}
	}
	return due
}
