package catalog

import (
	"bufio"
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/catalogue.tsv
var catalogue string

// row is a line of the catalogue: what is public of a rule.
type row struct{ code, slug, severity, fault string }

func table(t *testing.T) []row {
	t.Helper()
	var rows []row
	for s := bufio.NewScanner(strings.NewReader(catalogue)); s.Scan(); {
		if f := strings.Split(s.Text(), "\t"); len(f) == 5 && f[0] != "code" {
			rows = append(rows, row{f[0], f[1], f[2], f[3]})
		}
	}
	if len(rows) < 100 {
		t.Fatalf("the catalogue has %d rows, expected more than 100", len(rows))
	}
	return rows
}

func TestRulesAreTheCatalogue(t *testing.T) {
	want := table(t)
	var got []row
	for _, r := range All() {
		got = append(got, row{r.Code, r.Slug, string(r.Severity), string(r.Fault)})
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s %s: no rule of severity %s and fault %s", w.code, w.slug, w.severity, w.fault)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s %s: not in the catalogue as %s, %s", g.code, g.slug, g.severity, g.fault)
		}
	}
}

func TestRulesAreInOrder(t *testing.T) {
	rules := All()
	for i := 1; i < len(rules); i++ {
		if rules[i].Code <= rules[i-1].Code {
			t.Errorf("%s stands behind %s", rules[i].Code, rules[i-1].Code)
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	codes := map[string]bool{}
	for _, row := range table(t) {
		codes[row.code] = true
	}
	for _, r := range All() {
		for _, part := range []string{r.Title, r.Text.Seen, r.Text.Why, r.Text.How, r.Text.Alike, r.Text.Fix, r.Since, r.Family} {
			if strings.TrimSpace(part) == "" {
				t.Errorf("%s: a part of its text is empty", r.Code)
			}
		}
		if len(r.References) == 0 {
			t.Errorf("%s has no reference", r.Code)
		}
		if strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: the title ends with a full stop", r.Code)
		}
		for _, code := range r.Explains {
			if !codes[code] || code == r.Code {
				t.Errorf("%s explains %s, which is no other finding", r.Code, code)
			}
		}
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(r.Source()))); err != nil {
			t.Errorf("%s: its source: %v", r.Code, err)
		}
		if r.Family != "patterns" && r.Family != "path" && (r.Check == nil) == (r.CheckCapture == nil) {
			t.Errorf("%s must have one check", r.Code)
		}
	}
}

// TestRulesAreListed: a rule in a file that no list names would never run.
func TestRulesAreListed(t *testing.T) {
	files, err := filepath.Glob("*/ws[0-9]*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rule files: %v", err)
	}
	declares := regexp.MustCompile(`(?m)^var (WS\d+) = &rule\.Rule\{`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := declares.FindAllStringSubmatch(string(source), -1)
		if len(names) != 1 {
			t.Errorf("%s declares %d rules, expected one", file, len(names))
			continue
		}
		if Find(names[0][1]) == nil {
			t.Errorf("%s: %s is not in the list of its family", file, names[0][1])
		}
	}
}

func TestFind(t *testing.T) {
	for _, name := range []string{"WS501", "ws501", "upgrade-header-missing", "Upgrade-Header-Missing"} {
		if r := Find(name); r == nil || r.Code != "WS501" {
			t.Errorf("Find(%q) = %v", name, r)
		}
	}
	if r := Find("WS000"); r != nil {
		t.Errorf("Find(WS000) = %s", r.Code)
	}
}

func TestEveryFamilyHasATitle(t *testing.T) {
	for _, r := range All() {
		if !slices.ContainsFunc(familyTitles, func(f [2]string) bool { return f[0] == r.Family }) {
			t.Errorf("%s: family %q has no title", r.Code, r.Family)
		}
	}
}
