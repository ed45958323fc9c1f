package analyze

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

var update = flag.Bool("update", false, "write the golden files anew")

// glance is what a run said of one connection.
type glance struct {
	record.Connection
	silence  time.Duration
	likeness record.Confidence
	library  string
	findings []string // those about ends, timers and the path
}

// glances is a sink that looks at the facts while they are valid.
type glances struct {
	gathered
	seen []glance
}

// outside are the findings that rest on what is seen from outside of TLS.
var outside = []string{"WS201", "WS202", "WS203", "WS205", "WS206", "WS207", "WS208", "WS209", "WS716"}

func (g *glances) Connection(c *record.Connection) error {
	s := glance{Connection: *c, silence: c.Facts.TCP.Silence}
	if t := c.Facts.TLS; t != nil {
		if t.Likeness != nil {
			s.likeness = t.Likeness.Confidence
		}
		_, s.library = known.HelloEngines(t.Hello)
	}
	for i := range c.Findings {
		if code := c.Findings[i].Code; slices.Contains(outside, code) {
			s.findings = append(s.findings, code)
		}
	}
	slices.Sort(s.findings)
	g.seen = append(g.seen, s)
	return nil
}

func look(t *testing.T, folder string, e entry, o Options) []glance {
	t.Helper()
	var files []string
	for _, f := range e.Files {
		files = append(files, filepath.Join(folder, f))
	}
	src, err := capture.Open(context.Background(), files, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var g glances
	if _, err := Run(context.Background(), src, o, &g); err != nil {
		t.Fatal(err)
	}
	return g.seen
}

// enoughMessages is how many messages a WebSocket must have carried to be
// expected to be recognised without keys.
const enoughMessages = 4

// TestWithoutKeys reads every capture that has a key log with and without it:
// WebSockets are recognised by their outside and ordinary HTTPS is not, and
// what is said of ends and timers stays the same.
func TestWithoutKeys(t *testing.T) {
	var http1, ofTLS tally
	ordinary := 0
	rows := map[string]*tally{}
	folders, _ := filepath.Glob("../testdata/captures/*/MANIFEST.json")
	for _, manifest := range folders {
		folder := filepath.Dir(manifest)
		for _, e := range readManifest(t, folder) {
			if e.Keylog == "" || e.Later {
				continue
			}
			o := Options{All: true, Keys: readKeys(t, folder, e.Keylog)}
			open := look(t, folder, e, o)
			for _, dark := range look(t, folder, e, Options{All: true}) {
				if dark.TLS == nil || dark.TLS.Decrypted {
					continue
				}
				where := fmt.Sprintf("%s %s->%s", e.Name, dark.Client, dark.Server)
				i := slices.IndexFunc(open, func(c glance) bool {
					return c.Client == dark.Client && c.Server == dark.Server && c.FirstPacket == dark.FirstPacket
				})
				like := dark.RecognizedBy == record.ByTLSFingerprint
				switch {
				case i < 0: // decrypted, and no WebSocket
					ordinary++
					if like {
						t.Errorf("%s: ordinary HTTPS is taken for a WebSocket", where)
					}
				case open[i].Outcome == record.ClosedClean && dark.Outcome != record.Opaque:
					t.Errorf("%s: %s without keys, and it was healthy", where, dark.Outcome)
				case open[i].WebSocket != nil && open[i].Response != nil && open[i].Response.Status/100 <= 2:
					m := open[i].WebSocket.Messages
					row := row(rows, e, &open[i], &dark)
					if m.Client+m.Server >= enoughMessages {
						row.add(like)
						if open[i].Transport == "http/1.1" {
							http1.add(like)
						}
						if filepath.Base(folder) == "tls" {
							ofTLS.add(like)
						}
					} else if like {
						row.fewer++
					}
					if like {
						compareDark(t, where, &open[i], &dark)
					}
				}
			}
		}
	}
	// Inside HTTP/2 streams look alike: a WebSocket there is like any stream of small messages.
	t.Logf("with at least %d messages: %d of %d WebSockets over HTTP/1.1 recognised, with those over HTTP/2 %d of %d in the folder tls; %d ordinary connections", enoughMessages,
		http1.recognised, http1.of, ofTLS.recognised, ofTLS.of, ordinary)
	if http1.of < 50 || http1.recognised*100 < http1.of*95 || ofTLS.recognised*100 < ofTLS.of*80 {
		t.Errorf("recognised %v over HTTP/1.1, expected 95 %%; %v in the folder tls, expected 80 %%", http1, ofTLS)
	}
	if ordinary < 10 {
		t.Errorf("only %d ordinary connections", ordinary)
	}
	golden(t, "testdata/recognised.tsv", table(rows))
}

// row is the place of a connection in the table of who is recognised.
func row(rows map[string]*tally, e entry, open, dark *glance) *tally {
	client, server, _ := strings.Cut(e.MadeWith, ";")
	key := strings.Join([]string{client, strings.TrimSpace(server), dark.library, strings.Join(dark.TLS.ALPNOffered, " "), dark.TLS.Version, open.Transport}, "\t")
	if rows[key] == nil {
		rows[key] = new(tally)
	}
	return rows[key]
}

// tally counts WebSockets with enough messages that were recognised, all of
// them, and recognised ones with fewer messages.
type tally struct{ recognised, of, fewer int }

func (n *tally) add(like bool) {
	n.of++
	if like {
		n.recognised++
	}
}

func table(rows map[string]*tally) string {
	var lines []string
	for key, n := range rows {
		lines = append(lines, fmt.Sprintf("%s\t%d of %d\t%d", key, n.recognised, n.of, n.fewer))
	}
	slices.Sort(lines)
	return "client\tserver\tTLS library by its ClientHello\tALPN offered\tTLS\ttransport\trecognised, with at least 4 messages\trecognised, with fewer\n" + strings.Join(lines, "\n") + "\n"
}

// compareDark holds that the outside tells the same with and without keys.
func compareDark(t *testing.T, where string, open, dark *glance) {
	t.Helper()
	if open.TCP.EndedBy != dark.TCP.EndedBy || open.TCP.EndedHow != dark.TCP.EndedHow || open.ResetBy != dark.ResetBy {
		t.Errorf("%s: ended by %s %s (reset by %q) with keys, by %s %s (%q) without", where, open.TCP.EndedBy, open.TCP.EndedHow, open.ResetBy,
			dark.TCP.EndedBy, dark.TCP.EndedHow, dark.ResetBy)
	}
	if (open.silence - dark.silence).Abs() > 5*time.Millisecond {
		t.Errorf("%s: silence %v with keys, %v without", where, open.silence, dark.silence)
	}
	if !slices.Equal(open.findings, dark.findings) {
		t.Errorf("%s: %v with keys, %v without", where, open.findings, dark.findings)
	}
	if dark.Outcome != record.Opaque || dark.Phase != record.PhaseTLS || dark.URL != "" || dark.WebSocket != nil {
		t.Errorf("%s: %s %s %s: more is said than can be known", where, dark.Outcome, dark.Phase, dark.URL)
	}
	if !strings.Contains(dark.Verdict, "key log") || dark.NextStep == "" {
		t.Errorf("%s: verdict %q, next step %q", where, dark.Verdict, dark.NextStep)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is stale: run the test with -update and look at what changed\n%s", name, got)
	}
}

// TestKeysStaySecret: no secret of a key log is in a result, even one that
// shows all else.
func TestKeysStaySecret(t *testing.T) {
	const folder = "../testdata/captures/tls"
	secrets := 0
	for _, e := range readManifest(t, folder) {
		if e.Keylog == "" || e.Later {
			continue
		}
		var files []string
		for _, f := range e.Files {
			files = append(files, filepath.Join(folder, f))
		}
		g := analyzeFiles(t, Options{All: true, Events: true, ShowSecrets: true, Keys: readKeys(t, folder, e.Keylog)}, files...)
		result, err := json.Marshal(g.Report)
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(filepath.Join(folder, e.Keylog))
		if err != nil {
			t.Fatal(err)
		}
		lower := bytes.ToLower(result)
		for line := range strings.Lines(string(log)) {
			if fields := strings.Fields(line); len(fields) == 3 {
				secrets++
				if bytes.Contains(lower, []byte(strings.ToLower(fields[2]))) {
					t.Errorf("%s: a secret of the key log is in the result", e.Name)
				}
			}
		}
	}
	if secrets < 100 {
		t.Errorf("only %d secrets", secrets)
	}
}
