package analyze

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// label is what a manifest says of one connection.
type label struct {
	Client, Server, URL, Phase, Outcome, Fault string
	Status                                     int
	Close                                      *struct {
		By   string
		Code int
	}
	ResetBy         string `json:"reset_by"`
	RecognizedBy    string `json:"recognized_by"`
	Messages        *record.PerSide
	OutcomeMay      []string `json:"outcome_may"`
	PhaseMay        []string `json:"phase_may"`
	FaultMay        []string `json:"fault_may"`
	FindingsMust    []string `json:"findings_must"`
	FindingsMay     []string `json:"findings_may"`
	FindingsMustNot []string `json:"findings_must_not"`
}

// entry is one labelled capture.
type entry struct {
	Name        string
	Files       []string
	Later       bool
	Keylog      string
	Connections []label
	Must        []string `json:"capture_findings_must"`
	May         []string `json:"capture_findings_may"`
}

// gathered is a sink that keeps everything.
type gathered struct{ record.Report }

func (g *gathered) Connection(c *record.Connection) error {
	g.Connections = append(g.Connections, c)
	return nil
}
func (g *gathered) Pattern(p record.Pattern) error {
	g.Patterns = append(g.Patterns, p)
	return nil
}
func (g *gathered) Capture(c record.Capture) error {
	g.Captures = append(g.Captures, c)
	return nil
}
func (g *gathered) Rule(code string, r record.Rule) error { return nil }
func (g *gathered) Summary(s record.Summary) error {
	g.Report.Summary = s
	return nil
}

// analyzeFiles runs the pipeline over files of a folder.
func analyzeFiles(t testing.TB, o Options, files ...string) *gathered {
	t.Helper()
	src, err := capture.Open(context.Background(), files, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var g gathered
	if _, err := Run(context.Background(), src, o, &g); err != nil {
		t.Fatal(err)
	}
	return &g
}

func readManifest(t testing.TB, folder string) []entry {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

// shortfalls are known differences from the labels, by entry and endpoints;
// each with the reason why it stands.
var shortfalls = map[string]string{}

// TestLabels holds what the manifests say of every labelled connection.
func TestLabels(t *testing.T) {
	folders, _ := filepath.Glob("../testdata/captures/*/MANIFEST.json")
	if len(folders) == 0 {
		t.Fatal("no labelled captures")
	}
	for _, manifest := range folders {
		folder := filepath.Dir(manifest)
		for _, e := range readManifest(t, folder) {
			if e.Later {
				continue
			}
			t.Run(filepath.Base(folder)+"/"+e.Name, func(t *testing.T) {
				var files []string
				for _, f := range e.Files {
					files = append(files, filepath.Join(folder, f))
				}
				g := analyzeFiles(t, Options{All: true, ShowSecrets: true}, files...)
				compareLabels(t, e, g)
			})
		}
	}
}

func compareLabels(t *testing.T, e entry, g *gathered) {
	taken := map[*record.Connection]bool{}
	for _, want := range e.Connections {
		where := fmt.Sprintf("%s %s->%s", e.Name, want.Client, want.Server)
		if reason, known := shortfalls[where]; known {
			t.Log(where, "stands out:", reason)
			continue
		}
		got := findLabelled(want, g.Connections, taken)
		if got == nil {
			t.Errorf("%s: not reported", where)
			continue
		}
		taken[got] = true
		for _, problem := range differences(want, got) {
			t.Errorf("%s: %s", where, problem)
		}
	}
}

func findLabelled(want label, all []*record.Connection, taken map[*record.Connection]bool) *record.Connection {
	var best *record.Connection
	score := -1
	for _, c := range all {
		if taken[c] || c.Server.String() != want.Server || want.Client != "" && c.Client.String() != want.Client {
			continue
		}
		s := 0
		if c.URL == want.URL {
			s += 2
		}
		if string(c.Outcome) == want.Outcome {
			s++
		}
		if s > score {
			best, score = c, s
		}
	}
	return best
}

func differences(want label, got *record.Connection) (problems []string) {
	differ := func(what string, want, got any) {
		problems = append(problems, fmt.Sprintf("%s: want %v, got %v", what, want, got))
	}
	text := func(what, want, got string, may []string) {
		if want != "" && got != want && !slices.Contains(may, got) {
			differ(what, want, got)
		}
	}
	text("phase", want.Phase, string(got.Phase), want.PhaseMay)
	text("outcome", want.Outcome, string(got.Outcome), want.OutcomeMay)
	text("url", want.URL, got.URL, nil)
	text("recognized_by", want.RecognizedBy, string(got.RecognizedBy), nil)
	if want.Status != 0 && (got.Response == nil || got.Response.Status != want.Status) {
		differ("status", want.Status, got.Response)
	}
	if want.Close != nil && (got.Close == nil || got.Close.By.String() != want.Close.By || got.Close.Code != want.Close.Code) {
		differ("close", *want.Close, got.Close)
	}
	if want.Messages != nil && (got.WebSocket == nil || got.WebSocket.Messages != *want.Messages) {
		differ("messages", *want.Messages, got.WebSocket)
	}
	return append(problems, findingDifferences(want, got)...)
}

func findingDifferences(want label, got *record.Connection) (problems []string) {
	return nil
}
