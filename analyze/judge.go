package analyze

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// judge runs the catalogue and says what it comes to: findings with the cause
// first, the fault, one sentence. Judges share nothing that changes: each may
// have a goroutine of its own.
type judge struct {
	rules    []*rule.Rule
	byCode   map[string]*rule.Rule
	used     map[string]*rule.Rule // but for those of fired
	plan     plan
	found    []int   // the place in the plan of each finding's rule
	fired    ruleSet // those that ever found anything
	reporter *rule.Reporter
	story    story
	// storyless: the sink has no use for the story of what failed.
	storyless bool
}

func newJudge(rules []*rule.Rule) *judge {
	j := &judge{rules: rules, byCode: map[string]*rule.Rule{}, used: map[string]*rule.Rule{}, plan: newPlan(rules), reporter: rule.NewReporter(nil)}
	for _, r := range rules {
		j.byCode[r.Code] = r
	}
	return j
}

// connection fills in everything that is a judgement. With wants, the texts
// are only made if it asks for them, when outcome, fault and the findings' codes
// are known.
func (j *judge) connection(c *record.Connection, o Options, wants func(*record.Connection) bool) {
	j.decide(c, wants != nil)
	j.explain(c, o, wants)
}

// decide says how far the connection came and how it ended; with findings, what
// was found, without texts and until the next judgement.
func (j *judge) decide(c *record.Connection, findings bool) {
	there := rule.Of(c)
	if c.Phase, c.Outcome = outcome(c, there); findings {
		j.run(c, there, true)
	}
}

// explain adds the texts to what was decided, if wanted.
func (j *judge) explain(c *record.Connection, o Options, wants func(*record.Connection) bool) {
	if wants != nil && !wants(c) {
		return
	}
	describe(c)
	hidden := redact(c, o)
	j.run(c, rule.Of(c), false)
	c.NextStep = j.nextStep(c.Findings)
	c.Verdict = verdict(c)
	if c.Facts.Upgrade != nil && c.Facts.Upgrade.Request != nil && c.Outcome != record.ClosedClean && c.Outcome != record.Open {
		c.ServerLog = serverLog(c)
	}
	if o.Events || !j.storyless && grave(c.Findings) {
		c.Events = j.story.tell(c)
	}
	hidden.apply(c)
}

// run runs the rules whose needs are there; bare leaves out all texts.
func (j *judge) run(c *record.Connection, there rule.Needs, bare bool) {
	c.ResetBy = resetBy(c)
	c.Facts.Bare = bare
	j.reporter.Reset(c.Facts.Files, bare)
	j.found = j.found[:0]
	for i, due := range j.plan.due(there) {
		for ; due != 0; due &= due - 1 {
			place := i*64 + bits.TrailingZeros64(due)
			r := j.plan.rules[place]
			if r.Needs&^there != 0 {
				continue
			}
			j.reporter.Run(r, c)
			for len(j.found) < j.reporter.Len() {
				j.found = append(j.found, place)
			}
		}
	}
	c.Findings = j.settle(c, j.reporter.Findings())
	c.Fault = fault(c)
	if c.ResetBy != "" && slices.ContainsFunc(c.Findings, func(f record.Finding) bool { return f.Code == "WS206" }) {
		c.ResetBy = string(record.FaultIntermediary)
	}
}

func (j *judge) capture(c *record.Capture) {
	j.reporter.Reset([]string{c.File}, false)
	for _, r := range j.rules {
		j.reporter.RunCapture(r, c)
	}
	c.Findings = append(c.Findings, j.reporter.Findings()...)
	for _, r := range j.reporter.Rules() {
		j.use(r)
	}
}

// nextStep is what would tell more of the cause; failing that, of what no other
// finding explains.
func (j *judge) nextStep(findings []record.Finding) string {
	for i := range findings {
		if f := &findings[i]; f.CausedBy == "" {
			if f.Code == "WS105" && findings[0].Severity == record.Error && findings[0].Confidence == record.Certain {
				continue // a longer capture tells no more of the cause
			}
			if step := j.reporter.NextStep(f.Code); step != "" {
				return step
			}
		}
	}
	return ""
}

func (j *judge) title(code string) string { return j.byCode[code].Title }

// noFindings is an empty list: null in JSON would be none.
var noFindings = []record.Finding{}

// settle sets severities by the outcome, names what is a consequence of what,
// and puts the cause first.
func (j *judge) settle(c *record.Connection, findings []record.Finding) []record.Finding {
	if len(findings) == 0 {
		return noFindings
	}
	survived := c.Outcome == record.ClosedClean || c.Outcome == record.Open
	for i := range findings {
		j.fired.add(j.found[i])
		f := &findings[i]
		if !survived {
			continue
		}
		if f.Severity == record.Error {
			f.Severity = record.Warning
		}
		if !strings.HasPrefix(f.Code, "WS7") {
			f.SeenByUser = "" // it went well; only how it was closed is shown to a user
		}
	}
	if len(findings) == 1 {
		return findings
	}
	for i := range findings {
		findings[i].CausedBy = j.causeOf(findings, i, survived)
	}
	sort(findings)
	return findings
}

// sort puts a few findings in order and leaves those of one rank as they are.
func sort(findings []record.Finding) {
	for i := range findings {
		for k := i; k > 0 && rank(&findings[k]) < rank(&findings[k-1]); k-- {
			findings[k], findings[k-1] = findings[k-1], findings[k]
		}
	}
}

// use notes a rule whose text the report must carry.
func (j *judge) use(r *rule.Rule) {
	if j.used[r.Code] == nil {
		j.used[r.Code] = r
	}
}

// told are the rules whose text the report must carry, by code.
func (j *judge) told() map[string]*rule.Rule {
	for i, r := range j.plan.rules {
		if j.fired.has(i) {
			j.use(r)
		}
	}
	return j.used
}

// brokenFrame: the finding is of bytes that break RFC 6455's framing.
func brokenFrame(code string) bool { return code >= "WS601" && code <= "WS612" }

// causeOf is the code of the finding that explains findings[i], if one does. A
// frame that breaks the protocol explains nothing of a connection that survived it.
func (j *judge) causeOf(findings []record.Finding, i int, survived bool) string {
	this, explains := j.found[i], j.plan.explains
	for k, other := range j.found {
		if survived && brokenFrame(findings[k].Code) {
			continue
		}
		if k != i && explains[other].has(this) && !explains[this].has(other) && weight(findings[k].Severity) <= weight(findings[i].Severity) {
			return findings[k].Code
		}
	}
	return ""
}

func weight(s record.Severity) int {
	switch s {
	case record.Error:
		return 0
	case record.Warning:
		return 1
	}
	return 2
}

// rank sorts findings: causes before consequences, grave ones before others.
func rank(f *record.Finding) int {
	r := 2 * weight(f.Severity)
	if f.CausedBy != "" {
		r++
	}
	return r
}

func grave(findings []record.Finding) bool {
	return slices.ContainsFunc(findings, func(f record.Finding) bool { return f.Severity != record.Info })
}

// resetBy says whose RST ended the connection: no routine one (after a FIN, a
// Close frame or a refusing answer, or in answer to a SYN).
func resetBy(c *record.Connection) string {
	t := &c.Facts.TCP
	if t.EndHow != "rst" {
		return ""
	}
	if c.Facts.WS != nil && c.Facts.WS.FirstClose != nil || c.Outcome == record.Rejected {
		return ""
	}
	for i := range t.Resets {
		r := &t.Resets[i]
		if r.Ref == t.End && (r.AnswersSYN || r.AfterOwnFIN || r.AfterOtherFIN) {
			return ""
		}
	}
	return t.EndBy.String()
}

// fault is that of the cause: who has to act.
func fault(c *record.Connection) record.Fault {
	switch c.Outcome {
	case record.ClosedClean, record.Open:
		return record.FaultNone
	}
	if len(c.Findings) > 0 && explains(c, &c.Findings[0]) {
		return c.Findings[0].Fault
	}
	if c.Outcome == record.Incomplete && !c.Facts.TCP.LetGo {
		return record.FaultCapture
	}
	return record.FaultUnknown
}
