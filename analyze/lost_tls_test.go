package analyze

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// TestEveryTLSPacketLost loses each packet of healthy wss connections in turn,
// with keys and without: the capture is at fault then, never the connection.
func TestEveryTLSPacketLost(t *testing.T) {
	const folder = "../testdata/captures/tls"
	file := filepath.Join(t.TempDir(), "lost.pcap")
	lost := 0
	for _, e := range readManifest(t, folder) {
		if e.Later || e.Keylog == "" || len(e.Files) != 1 || filepath.Ext(e.Files[0]) != ".pcap" {
			continue
		}
		path := filepath.Join(folder, e.Files[0])
		whole := analyzeFiles(t, Options{Keys: readKeys(t, folder, e.Keylog)}, path)
		packets := int(whole.Captures[0].Packets)
		healthy := len(whole.Connections) > 0
		for _, c := range whole.Connections {
			healthy = healthy && c.Outcome == record.ClosedClean && !troubled(c)
		}
		if !healthy || packets > 60 {
			continue
		}
		for n := 1; n <= packets; n++ {
			if err := os.WriteFile(file, without(t, path, n), 0o600); err != nil {
				t.Fatal(err)
			}
			lost++
			for _, o := range []Options{{Keys: readKeys(t, folder, e.Keylog)}, {All: true}} {
				for _, c := range analyzeFiles(t, o, file).Connections {
					for _, f := range c.Findings {
						if f.Severity != record.Info && f.Fault != record.FaultCapture && !lostForGood[fmt.Sprint(e.Files[0], " ", n, " ", f.Code)] {
							t.Errorf("%s without packet %d (keys: %v): %s %s", e.Name, n, o.Keys != nil, f.Code, f.Title)
						}
					}
				}
			}
		}
	}
	if lost < 200 {
		t.Errorf("only %d packets lost", lost)
	}
	t.Log(lost, "packets lost")
}
