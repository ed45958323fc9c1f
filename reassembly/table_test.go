package reassembly

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// Each file in testdata/segments holds a script (see script_test.go), a line
// "---", and what the handler saw and the facts of each connection.
func TestSegments(t *testing.T) {
	files, err := filepath.Glob("testdata/segments/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			script, want, ok := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n---\n")
			if !ok || !strings.HasPrefix(script, "# ") {
				t.Fatal("no description or no ---")
			}
			got := run(t, script, &transcript{facts: true, app: 1}, Limits{}, strings.Contains(script, "# IPv6"))
			if *update {
				if err := os.WriteFile(name, []byte(script+"\n---\n"+got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// TestTouch: Touch finds its way whatever the hashes, and allocates nothing.
func TestTouch(t *testing.T) {
	table, x := New(Options{}), newTraffic()
	var hashes []uint64
	for n := range uint32(2 * TouchBatch) {
		x.open(table, n)
		hashes = append(hashes, FlowHash(&x.ip, 0), uint64(n))
	}
	if n := testing.AllocsPerRun(10, func() { table.Touch(hashes); table.Touch(nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if table.Touch(hashes[:1]); table.touched == 0 {
		t.Error("the flow was not touched")
	}
}

func TestShare(t *testing.T) {
	l := Limits{Flows: 10, Waiting: 100, WaitingPerFlow: 30}.Share(4)
	if l.Flows != 2 || l.Tombstones != DefaultTombstones/4 || l.Waiting != 30 || l.WaitingPerFlow != 30 || l.Idle != DefaultIdle {
		t.Errorf("%+v", l)
	}
}
