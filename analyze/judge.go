package analyze

import (
	"cmp"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// judge runs the catalogue and says what it comes to: findings with the cause
// first, the fault, one sentence. Judges share nothing that changes: each may
// have a goroutine of its own.
type judge struct {
	rules    []*rule.Rule
	checks   []check // of the rules that judge connections
	byCode   map[string]*rule.Rule
	used     map[string]*rule.Rule
	reporter *rule.Reporter
	story    story
}

// check is a rule beside what it needs: most are passed over without a look at the rule.
type check struct {
	needs rule.Needs
	rule  *rule.Rule
}

func newJudge(rules []*rule.Rule) *judge {
	j := &judge{rules: rules, byCode: map[string]*rule.Rule{}, used: map[string]*rule.Rule{}, reporter: rule.NewReporter(nil)}
	for _, r := range rules {
		j.byCode[r.Code] = r
		if r.Check != nil {
			j.checks = append(j.checks, check{r.Needs, r})
		}
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
	c.NextStep = j.reporter.NextStep()
	c.Verdict = verdict(c)
	if c.Facts.Upgrade != nil && c.Facts.Upgrade.Request != nil && c.Outcome != record.ClosedClean && c.Outcome != record.Open {
		c.ServerLog = serverLog(c)
	}
	if o.Events || grave(c.Findings) {
		c.Events = j.story.tell(c)
	}
	hidden.apply(c)
}

// run runs the rules whose needs are there; bare leaves out all texts.
func (j *judge) run(c *record.Connection, there rule.Needs, bare bool) {
	c.ResetBy = resetBy(c)
	c.Facts.Bare = bare
	j.reporter.Reset(c.Facts.Files, bare)
	for i := range j.checks {
		if x := &j.checks[i]; x.needs&^there == 0 {
			j.reporter.Run(x.rule, c)
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
	by := j.reporter.Rules()
	for i := range findings {
		f := &findings[i]
		j.use(by[i])
		if survived && f.Severity == record.Error {
			f.Severity = record.Warning
		}
	}
	if len(findings) == 1 {
		return findings
	}
	for i := range findings {
		findings[i].CausedBy = causeOf(findings, by, i)
	}
	slices.SortStableFunc(findings, func(a, b record.Finding) int { return cmp.Compare(rank(&a), rank(&b)) })
	return findings
}

// use notes a rule whose text the report must carry.
func (j *judge) use(r *rule.Rule) {
	if j.used[r.Code] == nil {
		j.used[r.Code] = r
	}
}

// causeOf is the code of the finding that explains findings[i], if one does; by
// gives the rule of each.
func causeOf(findings []record.Finding, by []*rule.Rule, i int) string {
	for k := range findings {
		if k != i && weight(findings[k].Severity) <= weight(findings[i].Severity) && slices.Contains(by[k].Explains, by[i].Code) &&
			!slices.Contains(by[i].Explains, by[k].Code) {
			return by[k].Code
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
	if len(c.Findings) > 0 && c.Findings[0].Severity == record.Error {
		return c.Findings[0].Fault
	}
	if c.Outcome == record.Incomplete {
		return record.FaultCapture
	}
	return record.FaultUnknown
}
