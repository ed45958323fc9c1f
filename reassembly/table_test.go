package reassembly

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
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

// touched is a handler that is told what is touched.
type touched struct {
	transcript
	apps []uint32
}

func (h *touched) Touch(apps []uint32) { h.apps = append(h.apps, apps...) }

// TestToucher: the handler hears of the flows that it knows.
func TestToucher(t *testing.T) {
	h := &touched{}
	table, x := New(Options{Handler: h}), newTraffic()
	x.open(table, 1)
	f := table.slab.at(1)
	f.App = 7
	table.Touch([]uint64{12345, FlowHash(&x.ip, 0)})
	table.Close()
	if !slices.Equal(h.apps, []uint32{7, 7}) {
		t.Errorf("told of %v", h.apps)
	}
}

func TestShare(t *testing.T) {
	l := Limits{Flows: 10, Waiting: 100, WaitingPerFlow: 30}.Share(4)
	if l.Flows != 2 || l.Tombstones != DefaultTombstones/4 || l.Waiting != 30 || l.WaitingPerFlow != 30 || l.Idle != DefaultIdle {
		t.Errorf("%+v", l)
	}
}

// TestTombs: the oldest go first, a connection that comes again takes its
// place, and what is over takes none.
func TestTombs(t *testing.T) {
	var x tombs
	x.init(5)
	flow := func(n int64) (*Flow, uint64) {
		f := &Flow{}
		f.clock = n
		return f, uint64(n%7+1) * 64 << 10 // all want the same place
	}
	var want []uint64
	for n := range int64(1000) {
		f, hash := flow(n)
		x.add(f, hash, n, 4)
		if i := slices.Index(want, hash); i < 0 {
			want = append(want, hash)
		}
		for len(want) > 5 || x.used < len(want) {
			want = want[1:]
		}
		for i := range uint64(7) {
			hash := (i + 1) * 64 << 10
			if _, e := x.find(hash); (e != nil) != slices.Contains(want, hash) {
				t.Fatalf("after %d: %x known %v", n, hash, e != nil)
			}
		}
	}
	if x.used > 5 || x.used == 0 || len(x.ring) != firstTombs {
		t.Errorf("%d of %d", x.used, len(x.ring))
	}
}
