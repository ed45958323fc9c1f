// Package rule says what a rule is: one entry of the catalogue, with its text
// and its check, and holds the Reporter, which alone creates findings.
//
// Most callers need only Rule; a check needs Reporter.Add and Reporter.At.
package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Rule is one entry of the catalogue. Code and Slug are public names that are
// never reused.
type Rule struct {
	Code     string
	Slug     string
	Family   string // folder below analyze/catalog
	Title    string // what the finding says of any case: the condition in plain words
	Severity record.Severity
	Fault    record.Fault
	Text     Text
	// References are sections of standards and official documentation.
	References []string
	// Explains lists the codes of findings that are only consequences of this
	// one where both stand at one connection.
	Explains []string
	Since    string

	// Needs is all that must be there of a connection for Check to find anything.
	Needs Needs
	// Check judges a connection, CheckCapture a file, CheckRelation what several
	// connections have in common (analyze/correlate finds it). A rule has one of them.
	Check         func(*record.Connection, *Reporter)
	CheckCapture  func(*record.Capture, *Reporter)
	CheckRelation func(*record.Relation, *Reporter)
}

// Text is the explanation under fixed headings, in plain words for the person paged at night.
type Text struct {
	Seen  string // What was seen
	Why   string // Why it matters
	How   string // How we know
	Alike string // What else looks like this
	Fix   string // How to fix
}

// Headings are the fixed headings of an explanation, in order.
var Headings = [5]string{"What was seen", "Why it matters", "How we know", "What else looks like this", "How to fix"}

// Explanation is the whole text as plain paragraphs with headings.
func (r *Rule) Explanation() string {
	var b strings.Builder
	for i, part := range []string{r.Text.Seen, r.Text.Why, r.Text.How, r.Text.Alike, r.Text.Fix} {
		if i > 0 {
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "%s\n%s", Headings[i], strings.TrimSpace(part))
	}
	return b.String()
}

// Source is the file that decides the finding.
func (r *Rule) Source() string {
	return "analyze/catalog/" + r.Family + "/" + strings.ToLower(r.Code) + ".go"
}

// Record is the rule as a report carries it.
func (r *Rule) Record() record.Rule {
	return record.Rule{Slug: r.Slug, Title: r.Title, Severity: r.Severity, Fault: r.Fault,
		Explanation: r.Explanation(), References: r.References, Source: r.Source()}
}

// Found is what is particular to one case. Empty Fault, Severity and
// Confidence mean the rule's default and certain.
type Found struct {
	// Title is one line with the facts of this case, a clause that can begin a sentence:
	// "nginx/1.22.1 at 10.0.0.5:80 answered 426 Upgrade Required".
	Title      string
	Fault      record.Fault
	Severity   record.Severity
	Confidence record.Confidence
	Remedy     string // what to do here, concretely
	SeenByUser string // what the browser or the library printed
	NextStep   string // where the capture cannot tell: what would
	Evidence   []record.Evidence
}

// Reporter creates findings for one connection or capture.
type Reporter struct {
	rule     *Rule
	files    []string
	findings []record.Finding // in memory that is used again
	by       []*Rule          // the rule of each finding
	steps    []nextStep
	bare     bool
}

// nextStep is what a finding would have captured next.
type nextStep struct{ code, text string }

// NewReporter makes a reporter for a connection whose files have these names by Ref.File.
func NewReporter(files []string) *Reporter { return &Reporter{files: files} }

// Reset makes the reporter ready for another connection. bare leaves the texts
// and the evidence out of its findings. The findings of the last one are
// overwritten if they were bare.
func (r *Reporter) Reset(files []string, bare bool) {
	*r = Reporter{files: files, bare: bare, findings: r.findings[:0], by: r.by[:0]}
}

// Run runs one rule's check on a connection.
func (r *Reporter) Run(rule *Rule, c *record.Connection) {
	if rule.Check != nil {
		r.rule = rule
		rule.Check(c, r)
	}
}

// RunCapture runs one rule's check on a file.
func (r *Reporter) RunCapture(rule *Rule, c *record.Capture) {
	if rule.CheckCapture != nil {
		r.rule = rule
		rule.CheckCapture(c, r)
	}
}

// RunRelation runs one rule's check on a relation.
func (r *Reporter) RunRelation(rule *Rule, x *record.Relation) {
	if rule.CheckRelation != nil {
		r.rule = rule
		rule.CheckRelation(x, r)
	}
}

// Has tells whether an earlier rule of the catalogue has found code here: rules
// run in the catalogue's order.
func (r *Reporter) Has(code string) bool {
	for i := range r.findings {
		if r.findings[i].Code == code {
			return true
		}
	}
	return false
}

// At is evidence in one packet. The note says what a reader sees there.
func (r *Reporter) At(ref record.Ref, format string, args ...any) record.Evidence {
	if r.bare {
		return record.Evidence{}
	}
	note := format
	if len(args) > 0 {
		note = fmt.Sprintf(format, args...)
	}
	return record.Evidence{Capture: r.File(ref.File), Packet: ref.Packet, Time: ref.Time, Note: note}
}

// File is the name of a file by its place.
func (r *Reporter) File(i int32) string {
	if int(i) < len(r.files) {
		return r.files[i]
	}
	return ""
}

// Add creates a finding of the running rule, to which the list of evidence belongs from then on.
func (r *Reporter) Add(f Found) {
	finding := r.decide(&f)
	if r.bare {
		return
	}
	finding.Title = cmp.Or(f.Title, finding.Title)
	finding.Remedy, finding.SeenByUser = f.Remedy, f.SeenByUser
	finding.Evidence = slices.Clip(slices.DeleteFunc(f.Evidence, func(e record.Evidence) bool { return e.Packet == 0 && e.Offset == nil }))
	if len(finding.Evidence) == 0 {
		finding.Evidence = nil
	}
	if f.NextStep != "" {
		r.steps = append(r.steps, nextStep{finding.Code, f.NextStep})
	}
}

// Enough adds what was found if no texts are wanted, and tells so: a check
// that has decided asks it before it makes its texts.
func (r *Reporter) Enough(f Found) bool {
	if r.bare {
		r.decide(&f)
	}
	return r.bare
}

// decide creates a finding without its texts. It is good until the next one.
func (r *Reporter) decide(f *Found) *record.Finding {
	is := r.rule
	r.by = append(r.by, is)
	r.findings = append(r.findings, record.Finding{Code: is.Code, Slug: is.Slug, Title: is.Title,
		Severity: is.Severity, Fault: is.Fault, Confidence: record.Certain})
	finding := &r.findings[len(r.findings)-1]
	if f.Severity != "" {
		finding.Severity = f.Severity
	}
	if f.Fault != "" {
		finding.Fault = f.Fault
	}
	if f.Confidence != "" {
		finding.Confidence = f.Confidence
	}
	return finding
}

// Findings is what was found so far, in the order of the rules.
func (r *Reporter) Findings() []record.Finding {
	if r.bare {
		return r.findings
	}
	return slices.Clone(r.findings)
}

// Len is how many findings there are.
func (r *Reporter) Len() int { return len(r.findings) }

// Rules gives the rule of each of the Findings.
func (r *Reporter) Rules() []*Rule { return r.by }

// NextStep is the next step that the finding of this code named.
func (r *Reporter) NextStep(code string) string {
	for _, s := range r.steps {
		if s.code == code {
			return s.text
		}
	}
	return ""
}
