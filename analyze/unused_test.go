package analyze

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// TestNothingAsked reads TLS connections on which nothing was asked for: whether
// something failed is told by who went first, and by what was said before.
func TestNothingAsked(t *testing.T) {
	for _, c := range []struct {
		file, keys string
		outcome    record.Outcome // "": not reported
		finding    string
	}{
		// curl checks the name after the handshake and leaves with close_notify; the server's FIN is on the wire before its own.
		{"checked-after-handshake.pcap", "", record.TLSFailed, "WS406"},
		// A server closes what its client opened in advance: its close_notify comes first, its FIN last.
		{"unused-server-closes.pcap", "", record.Opaque, "WS111"},
		// OpenSSL has decode_error for a FIN without close_notify, though the handshake was long over.
		{"unused-decode-error.pcap", "unused-decode-error.keys", "", ""},
		// Of a TLS connection begun before the capture only records are seen.
		{"tls-begun-before.pcap", "", record.Opaque, "WS104"},
		// A server that says unrecognized_name as a warning, and closes.
		{"warned-and-closed.pcap", "", record.TLSFailed, "WS409"},
		// Node.js offers h2 with others, and cannot read it when the server takes it.
		{"left-at-h2.pcap", "", record.TLSFailed, "WS414"},
		// A server that greets its clients first.
		{"wss-to-ssh.pcap", "", record.TLSFailed, "WS411"},
	} {
		o := Options{All: true}
		if c.keys != "" {
			o.Keys = readKeys(t, "testdata", c.keys)
		}
		g := analyzeFiles(t, o, "testdata/"+c.file)
		if c.outcome == "" {
			if len(g.Connections) != 0 {
				t.Errorf("%s: reported: %s", c.file, g.Connections[0].Verdict)
			}
			continue
		}
		if len(g.Connections) != 1 {
			t.Fatalf("%s: %d connections", c.file, len(g.Connections))
		}
		got := g.Connections[0]
		for _, f := range got.Findings[1:] {
			if f.Severity != record.Info {
				t.Errorf("%s: %s beside it", c.file, f.Title)
			}
		}
		if got.Outcome != c.outcome || len(got.Findings) == 0 || got.Findings[0].Code != c.finding {
			t.Errorf("%s: %s: %s %v, expected %s by %s", c.file, got.Verdict, got.Outcome, got.Findings, c.outcome, c.finding)
		}
	}
}

// TestCloseNotifyFirst: a server that waits for the client's close_notify in
// turn, as Python's SSL does, sends its FIN last, and yet it ended it.
func TestCloseNotifyFirst(t *testing.T) {
	for file, finding := range map[string]string{"notify-unanswered": "WS535", "notify-open": "WS701"} {
		g := analyzeFiles(t, Options{Keys: readKeys(t, "testdata", file+".keys")}, "testdata/"+file+".pcap")
		if len(g.Connections) != 1 {
			t.Fatalf("%s: %d connections", file, len(g.Connections))
		}
		c := g.Connections[0]
		if c.Fault != record.FaultServer || len(c.Findings) != 1 || c.Findings[0].Code != finding || c.TCP.EndedBy != "server" || c.TCP.EndedHow != "fin" {
			t.Errorf("%s: %s; ended by %s (%s), findings %v, expected %s", file, c.Verdict, c.TCP.EndedBy, c.TCP.EndedHow, c.Findings, finding)
		}
	}
}

// TestKeysOfAnotherRun gives healthy wss connections keys that do not fit, or
// only some of theirs: the key log is at fault then, never the connection.
func TestKeysOfAnotherRun(t *testing.T) {
	const folder = "../testdata/captures/tls"
	flip := func(line string) string {
		at := strings.LastIndexByte(line, ' ') + 1
		return line[:at] + strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return '0' + ('9' - r)
			}
			return r
		}, line[at:])
	}
	without := func(part string) func(string) string {
		return func(line string) string {
			if strings.Contains(line, part) {
				return ""
			}
			return line
		}
	}
	seen := map[string]int{}
	for _, e := range readManifest(t, folder) {
		if e.Later || e.Keylog == "" || len(e.Files) != 1 {
			continue
		}
		path := filepath.Join(folder, e.Files[0])
		for _, c := range analyzeFiles(t, Options{Keys: readKeys(t, folder, e.Keylog)}, path).Connections {
			if c.Outcome != record.ClosedClean || troubled(c) {
				seen[e.Name]++
			}
		}
		if seen[e.Name] > 0 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Keylog))
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(string) string{"others": flip, "no client": without("CLIENT_TRAFFIC_SECRET_0"), "no server": without("SERVER_TRAFFIC_SECRET_0"), "handshake": without("TRAFFIC_SECRET_0")} {
			lines := strings.Split(string(text), "\n")
			for i := range lines {
				lines[i] = change(lines[i])
			}
			keys := new(decrypt.Keys)
			if err := keys.AddKeyLog(strings.NewReader(strings.Join(lines, "\n")), e.Keylog); err != nil {
				t.Log(err)
			}
			for _, c := range analyzeFiles(t, Options{All: true, Keys: keys}, path).Connections {
				seen["all"]++
				for _, f := range c.Findings {
					if f.Severity != record.Info && f.Fault != record.FaultCapture {
						t.Errorf("%s, %s: %s %s", e.Name, name, f.Code, f.Title)
					}
				}
				if c.Outcome == record.TLSFailed || c.Outcome == record.NoResponse {
					t.Errorf("%s, %s: %s", e.Name, name, c.Outcome)
				}
			}
		}
	}
	if seen["all"] < 100 {
		t.Errorf("only %d connections", seen["all"])
	}
}
