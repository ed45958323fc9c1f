package catalog

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/rule"
)

var update = flag.Bool("update", false, "write FINDINGS.md anew")

func TestReferenceIsFresh(t *testing.T) {
	want := reference()
	if *update {
		if err := os.WriteFile("FINDINGS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("FINDINGS.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(have), "\r\n", "\n") != want {
		t.Error("FINDINGS.md is stale: run go generate ./analyze/catalog")
	}
}

// familyTitles are the families' names for people, in the order of their codes.
var familyTitles = [][2]string{
	{"quality", "What the capture cannot show"}, {"transport", "TCP and the path"}, {"tunnel", "Forward proxies"}, {"tls", "TLS"},
	{"upgrade", "The opening handshake"}, {"frames", "Frames and messages"}, {"closing", "How it ended"},
	{"patterns", "Relations between connections"}, {"path", "Several vantage points"},
}

// reference is FINDINGS.md: every rule with its explanation, in Markdown.
func reference() string {
	var b strings.Builder
	b.WriteString("# Findings\n\nGenerated from the rules by `go generate ./analyze/catalog`; `wsleuth explain CODE` prints the same text.\n")
	rules := All()
	for _, family := range familyTitles {
		var list []*rule.Rule
		for _, r := range rules {
			if r.Family == family[0] {
				list = append(list, r)
			}
		}
		if len(list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| code | slug | severity | fault | fires when |\n| --- | --- | --- | --- | --- |\n", family[1])
		for _, r := range list {
			fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s |\n", r.Code, strings.ToLower(r.Code), r.Slug, r.Severity, r.Fault, strings.ReplaceAll(r.Title, "|", "\\|"))
		}
		for _, r := range list {
			entry(&b, r)
		}
	}
	return b.String()
}

// entry writes one rule.
func entry(b *strings.Builder, r *rule.Rule) {
	fmt.Fprintf(b, "\n<a id=\"%s\"></a>\n### %s %s\n\n%s. Severity %s, fault %s, since %s.\n", strings.ToLower(r.Code), r.Code, r.Slug, strings.TrimSuffix(r.Title, "."), r.Severity, r.Fault, r.Since)
	for i, part := range []string{r.Text.Seen, r.Text.Why, r.Text.How, r.Text.Alike, r.Text.Fix} {
		fmt.Fprintf(b, "\n**%s.** %s\n", rule.Headings[i], strings.TrimSpace(part))
	}
	if len(r.Explains) > 0 {
		fmt.Fprintf(b, "\n**Explains.** %s\n", strings.Join(r.Explains, ", "))
	}
	fmt.Fprintf(b, "\n**References.** %s. **Decided in** `%s`.\n", strings.Join(r.References, "; "), r.Source())
}
