package analyze

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// thirdParty holds captures of other projects' test suites; they are not ours
// to copy, so the tests read them where they lie.
const thirdParty = "../../shared/captures/thirdparty"

// foreign is what the manifest there says beside the labels.
type foreign struct {
	entry
	Kind     string
	Expected struct {
		WebSockets  int `json:"websocket_connections"`
		Connections []foreignConnection
	}
}

type foreignConnection struct {
	Client, Server string
	Certainty      string
	Handshake      string `json:"handshake_outcome"`
	CloseOutcome   string `json:"close_outcome"`
	FirstClose     string `json:"first_close_from"`
	Request        *struct{ Frame int64 }
	Response       *struct {
		Frame  int64
		Status int
	}
	ClientFrames struct{ Frames map[string]int64 } `json:"client_frames"`
	ServerFrames struct{ Frames map[string]int64 } `json:"server_frames"`
	End          *struct {
		Kind, By string
		Frame    int64
	} `json:"tcp_end_first"`
}

func readForeign(t *testing.T) []foreign {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(thirdParty, "MANIFEST.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the captures of third parties are not here: " + thirdParty)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []foreign
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no captures in the manifest")
	}
	return all
}

func (e *foreign) paths() (paths []string) {
	for _, f := range e.Files {
		paths = append(paths, filepath.Join(thirdParty, filepath.FromSlash(f)))
	}
	return paths
}

// TestThirdPartyWebSockets holds the labels and the fuller facts of the
// captures with WebSocket traffic.
func TestThirdPartyWebSockets(t *testing.T) {
	seen := 0
	for _, e := range readForeign(t) {
		if !strings.HasPrefix(e.Name, "websocket/") {
			continue
		}
		seen++
		t.Run(e.Name, func(t *testing.T) {
			g := analyzeFiles(t, Options{All: true, ShowSecrets: true, Events: true}, e.paths()...)
			compareLabels(t, e.entry, g)
			websockets := slices.DeleteFunc(slices.Clone(g.Connections), func(c *record.Connection) bool { return c.WebSocket == nil })
			if len(websockets) != e.Expected.WebSockets {
				t.Errorf("%d WebSockets, want %d", len(websockets), e.Expected.WebSockets)
			}
			for i := range e.Expected.Connections {
				compareForeign(t, &e.Expected.Connections[i], websockets)
			}
			unjustified(t, e.entry, g)
		})
	}
	if seen == 0 {
		t.Error("no entry begins with websocket/")
	}
}

func compareForeign(t *testing.T, want *foreignConnection, all []*record.Connection) {
	t.Helper()
	i := slices.IndexFunc(all, func(c *record.Connection) bool {
		return c.Client.String() == want.Client && c.Server.String() == want.Server && (want.Request == nil || c.Request != nil && c.Request.Packet == want.Request.Frame)
	})
	if i < 0 {
		t.Errorf("%s->%s: not reported", want.Client, want.Server)
		return
	}
	c := all[i]
	differ := func(what string, want, got any) {
		t.Errorf("connection %s: %s: want %v, got %v", c.ID, what, want, got)
	}
	if r := want.Response; r != nil && (c.Response == nil || c.Response.Status != r.Status || c.Response.Packet != r.Frame) {
		differ("answer", *r, c.Response)
	}
	if got, bad := c.Outcome == record.InvalidHandshake, want.Handshake == "accept_mismatch"; got != bad {
		differ("handshake", want.Handshake, c.Outcome)
	}
	for d, frames := range [2]map[string]int64{want.ClientFrames.Frames, want.ServerFrames.Frames} {
		compareFrames(t, c, record.Dir(d), frames)
	}
	if first := want.FirstClose; first != "" && (c.Close == nil || c.Close.By.String() != first) || first == "" && c.Close != nil {
		differ("first Close frame", first, c.Close)
	}
	if e := want.End; e != nil && want.Certainty == "certain" {
		if !strings.EqualFold(c.TCP.EndedHow, e.Kind) || c.TCP.EndedBy != e.By {
			differ("end of TCP", *e, c.TCP.EndedHow+" of the "+c.TCP.EndedBy)
		}
		if !slices.ContainsFunc(c.Events, func(event record.Event) bool { return event.Packet == e.Frame && event.From == e.By }) {
			t.Errorf("connection %s: no event tells of packet %d, where it ended", c.ID, e.Frame)
		}
	}
}

// compareFrames holds the frames that one side sent, by opcode.
func compareFrames(t *testing.T, c *record.Connection, d record.Dir, want map[string]int64) {
	t.Helper()
	f := [...]record.FrameCounts{c.WebSocket.Frames.Client, c.WebSocket.Frames.Server}[d]
	got := map[string]int64{"text": f.Text, "bin": f.Binary, "ping": f.Ping, "pong": f.Pong, "close": f.Close}
	for opcode, n := range got {
		if n != want[opcode] {
			t.Errorf("connection %s: %s frames of the %s: want %d, got %d", c.ID, opcode, d, want[opcode], n)
		}
	}
}

// unjustified reports errors and warnings that the labels neither demand nor allow.
func unjustified(t *testing.T, e entry, g *gathered) {
	t.Helper()
	taken := map[*record.Connection]bool{}
	for _, want := range e.Connections {
		c := findLabelled(want, g.Connections, taken)
		if c == nil {
			continue
		}
		taken[c] = true
		for _, f := range c.Findings {
			if f.Severity != record.Info && !slices.Contains(want.FindingsMust, f.Slug) && !slices.Contains(want.FindingsMay, f.Slug) && !trueBeside[e.Name+" "+f.Slug] {
				t.Errorf("connection %s: %s is not in the labels: %s", c.ID, f.Slug, f.Title)
			}
		}
	}
}

// trueBeside are findings that the labels, made by rule, forgot, and that the bytes prove.
var trueBeside = map[string]bool{
	// Sec-WebSocket-Key: c3VyaWNhdGEtdGVzdC1rZXkh is "suricata-test-key!", 18 bytes.
	"websocket/suricata-websocket-control-frag bad-key": true,
}

// TestThirdPartyFiles reads every file there: each ends in a report or in an
// error that says what the file is, and nothing without a WebSocket is called one.
func TestThirdPartyFiles(t *testing.T) {
	for _, e := range readForeign(t) {
		if strings.HasPrefix(e.Name, "websocket/") {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			for _, path := range e.paths() {
				g, err := tryAnalyze(path)
				if err != nil {
					if text := err.Error(); !strings.Contains(text, filepath.Base(path)) || !strings.Contains(text, ": ") {
						t.Errorf("the error does not say what the file is: %v", err)
					}
					continue
				}
				for _, c := range g.Connections {
					if c.RecognizedBy == record.ByUpgrade || c.RecognizedBy == record.ByFrames || c.RecognizedBy == record.ByExtendedConnect {
						t.Errorf("connection %s taken for a WebSocket by %s: %s", c.ID, c.RecognizedBy, c.Verdict)
					}
					if c.Verdict == "" {
						t.Errorf("connection %s has no verdict", c.ID)
					}
				}
			}
		})
	}
}

func tryAnalyze(path string) (*gathered, error) {
	src, err := capture.Open(context.Background(), []string{path}, capture.Options{Stdin: bytes.NewReader(nil)})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	g := &gathered{}
	_, err = Run(context.Background(), src, Options{All: true, Events: true}, g)
	return g, err
}
