package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Explain writes the catalogue's text of one code.
func Explain(w io.Writer, code string, rule record.Rule, o Options) error {
	p := newPage(w, o)
	p.heading(code+" "+rule.Slug, bold)
	p.paragraph(0, sentence(rule.Title), plain)
	p.blank()
	p.labelled("Severity", string(rule.Severity))
	who := actor(rule.Fault)
	if rule.Fault == record.FaultUnknown {
		who = "depends on the case"
	}
	p.labelled("Has to act", who)
	p.labelled("Decided in", rule.Source)
	for _, paragraph := range strings.Split(rule.Explanation, "\n\n") {
		heading, text, found := strings.Cut(paragraph, "\n")
		if !found { // a paragraph further of the same part
			p.blank()
			p.paragraph(2, paragraph, plain)
			continue
		}
		p.heading(heading, bold)
		p.paragraph(2, text, plain)
	}
	if len(rule.References) > 0 {
		p.heading("References", bold)
		for _, r := range rule.References {
			p.paragraph(2, r, plain)
		}
	}
	return p.flush()
}

// ExplainList writes the codes with their titles, family by family.
func ExplainList(w io.Writer, rules map[string]record.Rule, o Options) error {
	p := newPage(w, o)
	codes := make([]string, 0, len(rules))
	for code := range rules {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	var rows [][]string
	for _, code := range codes {
		r := rules[code]
		rows = append(rows, []string{code, r.Slug, string(r.Severity), r.Title})
	}
	p.grid([]column{{title: "CODE", max: 6}, {title: "FINDING", max: 32}, {title: "SEVERITY", max: 8}, {title: "FIRES WHEN"}}, rows, nil)
	p.blank()
	p.paragraph(0, "wsleuth explain CODE tells all about one.", plain)
	return p.flush()
}

// Suggest gives the codes and slugs that a mistyped name may have meant, the nearest first.
func Suggest(name string, rules map[string]record.Rule) []string {
	type near struct {
		name string
		far  int
	}
	name = strings.ToLower(strings.TrimSpace(name))
	var list []near
	for code, r := range rules {
		far := distance(name, r.Slug)
		if len(name) >= 3 && strings.Contains(r.Slug, name) {
			far = 0
		}
		if far <= max(2, len(name)/4) {
			list = append(list, near{r.Slug, far})
		}
		if digits := strings.TrimLeft(name, "ws-_ "); len(digits) == 3 && strings.HasSuffix(code, digits) {
			list = append(list, near{code, 0})
		} else if far := distance(name, strings.ToLower(code)); far <= 1 {
			list = append(list, near{code, far})
		}
	}
	slices.SortFunc(list, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	var names []string
	for _, n := range list[:min(len(list), 5)] {
		names = append(names, n.name)
	}
	return names
}

// distance counts the insertions, deletions and exchanges of bytes that make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			above := row[j]
			row[j] = min(row[j]+1, row[j-1]+1, diagonal+btoi(a[i-1] != b[j-1]))
			diagonal = above
		}
	}
	return row[len(b)]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
