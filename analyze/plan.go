package analyze

import (
	"math/bits"

	"github.com/wsleuth/wsleuth/analyze/rule"
)

// plan tells which rules to run over a connection. Few of a hundred have what
// they need, so it goes by what is there.
type plan struct {
	rules    []*rule.Rule // those that judge connections
	always   ruleSet      // those that need nothing
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
		if r.Needs == 0 {
			p.always.add(i)
			continue
		}
		first := r.Needs & -r.Needs
		p.needed |= first
		p.by[bits.TrailingZeros64(uint64(first))].add(i)
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

// due are the rules that have the first of what they need; nearly all need one thing.
func (p *plan) due(there rule.Needs) ruleSet {
	due := p.always
	for seen := uint64(p.needed & there); seen != 0; seen &= seen - 1 {
		by := &p.by[bits.TrailingZeros64(seen)]
		due[0] |= by[0]
		due[1] |= by[1]
	}
	return due
}
