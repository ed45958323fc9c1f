package analyze

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// snapped is a little-endian pcap as a capture with a snapshot length has it.
func snapped(t *testing.T, path string, most uint32) []byte {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header, perRecord = 24, 16
	cut := bytes.Clone(whole[:header])
	for at := header; at+perRecord <= len(whole); {
		kept := binary.LittleEndian.Uint32(whole[at+8:])
		next := at + perRecord + int(kept)
		cut = append(cut, whole[at:at+perRecord]...)
		binary.LittleEndian.PutUint32(cut[len(cut)-perRecord+8:], min(kept, most))
		cut = append(cut, whole[at+perRecord:at+perRecord+int(min(kept, most))]...)
		at = next
	}
	return cut
}

// TestTLSCutShort: where the snapshot length hides a handshake, nothing says
// that it failed.
func TestTLSCutShort(t *testing.T) {
	const folder = "../testdata/captures/tls"
	file := filepath.Join(t.TempDir(), "cut.pcap")
	seen := 0
	for _, e := range readManifest(t, folder) {
		if e.Later || e.Keylog == "" || len(e.Files) != 1 || filepath.Ext(e.Files[0]) != ".pcap" {
			continue
		}
		healthy := slices.IndexFunc(e.Connections, func(c label) bool { return c.Outcome != string(record.ClosedClean) }) < 0
		for _, most := range []uint32{96, 256, 1000} {
			if err := os.WriteFile(file, snapped(t, filepath.Join(folder, e.Files[0]), most), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, c := range analyzeFiles(t, Options{All: true, Keys: readKeys(t, folder, e.Keylog)}, file).Connections {
				if !healthy {
					continue
				}
				seen++
				if c.Outcome == record.TLSFailed {
					t.Errorf("%s cut to %d bytes: %s", e.Name, most, c.Verdict)
				}
				for _, f := range c.Findings {
					if f.Severity != record.Info && f.Fault != record.FaultCapture && f.Code != "WS413" {
						t.Errorf("%s cut to %d bytes: %s %s", e.Name, most, f.Code, f.Title)
					}
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d connections", seen)
	}
}
