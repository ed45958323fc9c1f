package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var saved = []string{"mixed", "healthy", "nothing", "storm", "hostile", "undecided"}

func render(t *testing.T, name, format string, o Options) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	o.Tool = record.Tool{Name: "wsleuth", Version: "1.2.3"}
	r, err := New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(f, r); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run go test -update if that is meant. Got:\n%s", path, got)
	}
}

func TestTable(t *testing.T) {
	for _, name := range saved {
		for _, columns := range []int{80, 120} {
			t.Run(fmt.Sprintf("%s-%d", name, columns), func(t *testing.T) {
				got := render(t, name, "table", Options{Width: columns})
				golden(t, fmt.Sprintf("%s.%d.table.golden", name, columns), got)
				for _, line := range strings.Split(got, "\n") {
					if width(line) > columns && !copied(line) {
						t.Errorf("wider than %d: %q", columns, line)
					}
				}
			})
		}
	}
}

// copied tells whether a line is one that people copy, which is never broken.
func copied(line string) bool {
	for _, label := range []string{"Wireshark", "Server's log", "Read more"} {
		if strings.HasPrefix(line, "  "+label) {
			return true
		}
	}
	return false
}

func TestMarkdown(t *testing.T) {
	for _, name := range saved {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".markdown.golden", render(t, name, "markdown", Options{}))
		})
	}
}

func TestCSV(t *testing.T) {
	for _, name := range saved {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".csv.golden", render(t, name, "csv", Options{}))
		})
	}
}

func TestHTML(t *testing.T) {
	for _, name := range saved {
		t.Run(name, func(t *testing.T) {
			got := render(t, name, "html", Options{})
			for _, part := range []struct{ open, shut, source string }{{"<script>", "</script>", "script-src"}, {"<style>", "</style>", "style-src"}} {
				_, rest, found := strings.Cut(got, part.open)
				text, after, _ := strings.Cut(rest, part.shut)
				if !found || strings.Contains(after, part.open) {
					t.Fatalf("the page has not one %s", part.open)
				}
				if want := part.source + " &#39;" + strings.ReplaceAll(hashSource(text), "+", "&#43;") + "&#39;"; !strings.Contains(got, want) {
					t.Errorf("the policy does not allow the page's own %s: %s", part.open, want)
				}
				got = strings.Replace(got, text, "", 1) // what a golden shows is the result
			}
			_, got, _ = strings.Cut(got, "<meta name=\"viewport\"")
			golden(t, name+".html.golden", got)
		})
	}
}

// A code of an application is no error of WebSocket, but the application may mean one.
func TestApplicationCodes(t *testing.T) {
	var out strings.Builder
	table := NewTable(&out, Options{Width: 200})
	for i := range 4 {
		c := sample(i)
		c.Outcome, c.Fault = record.ClosedClean, record.FaultNone
		c.Close = &record.Close{By: record.Server, HasCode: true, Code: 4401, Reason: "Unauthorized"}
		c.Findings = []record.Finding{{Code: "WS712", Slug: "close-application-code", Severity: record.Info, Title: "The server closed with 4401 'Unauthorized'"}}
		switch i {
		case 2:
			c.Close.Code, c.Findings = 3001, nil
		case 3: // one of so many that its finding is not told in full
			c.Close = &record.Close{By: record.Client, HasCode: true, Code: 4999, Reason: "bye"}
			c.Findings[0].Title = "Closed with a code from 3000 to 4999"
		}
		table.Connection(c)
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "Closed by the application: The server closed with 4401 'Unauthorized' (2 connections closed so).") || strings.Contains(got, "3001.") ||
		!strings.Contains(got, "Closed by the application: The client closed with 4999 'bye'. What") {
		t.Error(got)
	}
}

// What has no finding is told by its verdict, further hops are told from
// connections, and nobody is sent to another place for packets that are here.
func TestTableTells(t *testing.T) {
	silent := sample(1)
	silent.Outcome, silent.RecognizedBy, silent.Fault, silent.Findings = record.TLSFailed, record.ByNothing, record.FaultUnknown, nil
	silent.Verdict, silent.NextStep = "The TLS connection was never used.", "Ask the client's log"
	fine, hop := sample(2), sample(3)
	fine.Outcome, fine.Findings = record.ClosedClean, nil
	hop.Outcome, hop.Findings, hop.HopOf = record.ClosedClean, nil, fine.ID
	unread := record.Capture{File: "a.pcap", Packets: 9, Findings: []record.Finding{{Code: "WS109", Severity: record.Warning, Title: "The link type 147 cannot be decoded"}}}
	for name, c := range map[string]struct {
		connections []*record.Connection
		capture     record.Capture
		want, never string
	}{
		"no finding":    {[]*record.Connection{silent}, record.Capture{}, "tls-failed (" + silent.ID + "): The TLS connection was never used. Ask the client's log.", ""},
		"a further hop": {[]*record.Connection{fine, hop}, record.Capture{}, ", hop of " + fine.ID, ""},
		"not decoded":   {nil, unread, "of the 9 packets none that can be decoded belongs to a TCP connection", "Capture on the interface"},
	} {
		var out strings.Builder
		table := NewTable(&out, Options{Width: 200})
		for _, x := range c.connections {
			table.Connection(x)
		}
		table.Capture(c.capture)
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, c.want) || c.never != "" && strings.Contains(got, c.never) {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// What would tell is said once for those of which the same is lacking, and a
// headline of health points to what the connections show together.
func TestTableTellsOnce(t *testing.T) {
	var out strings.Builder
	table := NewTable(&out, Options{Width: 200})
	for i := range 3 {
		c := sample(i)
		c.Outcome, c.Findings, c.NextStep = record.Incomplete, nil, "Capture both directions."
		table.Connection(c)
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "Capture both directions."); n != 1 {
		t.Errorf("the next step is told %d times:\n%s", n, out.String())
	}
	v := newView()
	c := sample(1)
	c.Outcome, c.Findings = record.ClosedClean, nil
	v.Connection(c)
	v.Pattern(record.Pattern{Code: "WS806", Severity: record.Warning})
	if said := v.headline(); len(said) != 2 || said[1].text != "Taken together they give 1 warning: see below." {
		t.Errorf("headline %q", said)
	}
}
