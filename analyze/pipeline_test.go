package analyze

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// analyzeBytes runs the pipeline over a capture in memory; ok is false if it is none.
func analyzeBytes(t testing.TB, b []byte, threads int) (*gathered, bool) {
	t.Helper()
	src, err := capture.Open(context.Background(), []string{"-"}, capture.Options{Stdin: bytes.NewReader(b)})
	if err != nil {
		return nil, false
	}
	defer src.Close()
	var g gathered
	if _, err := Run(context.Background(), src, Options{All: true, Events: true, Threads: threads}, &g); err != nil {
		t.Fatal(err)
	}
	return &g, true
}

// connectionsOf is what a run says of connections, without the names of files.
func connectionsOf(t testing.TB, g *gathered, names ...string) string {
	t.Helper()
	text, err := json.MarshalIndent(g.Connections, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for _, name := range names {
		s = strings.ReplaceAll(s, name, "FILE")
	}
	return s
}

func TestFilePipeAndCompressedFileGiveTheSame(t *testing.T) {
	for _, name := range []string{"nginx-strips-upgrade.proxy.pcap", "net-loss-8.client.pcap", "cache-replays-101.client.pcap"} {
		path := filepath.Join("../testdata/captures/plain", name)
		plain, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(plain)
		z.Close()
		zipped := filepath.Join(t.TempDir(), "no-hint-in-the-name")
		if err := os.WriteFile(zipped, packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{All: true, Events: true}
		want := connectionsOf(t, analyzeFiles(t, o, path), path)
		bare := stripCapture(want)
		if got := connectionsOf(t, analyzeFiles(t, o, zipped), zipped); got != want {
			t.Errorf("%s: the compressed file gives another result", name)
		}
		g, ok := analyzeBytes(t, plain, 0)
		if !ok {
			t.Fatalf("%s: not read from a stream", name)
		}
		if got := connectionsOf(t, g); len(g.Connections) == 0 || stripCapture(got) != bare {
			t.Errorf("%s: the stream gives another result", name)
		}
	}
}

// stripCapture leaves out the lines that name files.
func stripCapture(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.Contains(line, `"capture"`) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// splitPcap cuts a little-endian pcap into n files of like size.
func splitPcap(t *testing.T, b []byte, n int) [][]byte {
	t.Helper()
	const header, record = 24, 16
	var starts []int
	for at := header; at+record <= len(b); {
		starts = append(starts, at)
		at += record + int(uint32(b[at+8])|uint32(b[at+9])<<8|uint32(b[at+10])<<16|uint32(b[at+11])<<24)
	}
	starts = append(starts, len(b))
	var parts [][]byte
	for i := range n {
		from, to := i*(len(starts)-1)/n, (i+1)*(len(starts)-1)/n
		parts = append(parts, append(bytes.Clone(b[:header]), b[starts[from]:starts[to]]...))
	}
	return parts
}

func TestRotatedFilesInAnyOrder(t *testing.T) {
	whole, err := os.ReadFile("../testdata/captures/plain/net-loss-8.client.pcap")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var paths []string
	for i, part := range splitPcap(t, whole, 3) {
		path := filepath.Join(dir, fmt.Sprintf("cap.pcap%d", i))
		if err := os.WriteFile(path, part, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	o := Options{All: true, Events: true}
	want := connectionsOf(t, analyzeFiles(t, o, paths...))
	for _, order := range [][3]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		if got := connectionsOf(t, analyzeFiles(t, o, paths[order[0]], paths[order[1]], paths[order[2]])); got != want {
			t.Errorf("order %v gives another result:\n%s", order, got)
		}
	}
	one := analyzeFiles(t, o, "../testdata/captures/plain/net-loss-8.client.pcap")
	three := analyzeFiles(t, o, paths...)
	if len(one.Connections) != len(three.Connections) {
		t.Fatalf("%d connections in one file, %d in three", len(one.Connections), len(three.Connections))
	}
	for i, c := range one.Connections {
		if r := three.Connections[i]; r.Outcome != c.Outcome || r.WebSocket.Messages != c.WebSocket.Messages || r.Verdict != c.Verdict {
			t.Errorf("rotated: %s %v, whole: %s %v", r.Verdict, r.WebSocket.Messages, c.Verdict, c.WebSocket.Messages)
		}
	}
}

// Of two captures with a long pause between them, the first ends where it ends.
func TestCaptureEndsAtAPause(t *testing.T) {
	const early, late = "../testdata/captures/plain/noresp-capture-ends.client.pcap", "../testdata/captures/plain/mass-killed.client.pcap"
	want := analyzeFiles(t, Options{}, early).Connections[0]
	for _, files := range [][]string{{early, late}, {late, early}} {
		i := slices.IndexFunc(analyzeFiles(t, Options{}, files...).Connections, func(c *record.Connection) bool {
			return c.Client == want.Client && c.Verdict == want.Verdict
		})
		if i < 0 {
			t.Errorf("%v: none of %s has the verdict %q", files, want.Client, want.Verdict)
		}
	}
}

// TestTruncationAtAnyByte: whatever is missing at the end, what was read is
// reported and nothing breaks.
func TestTruncationAtAnyByte(t *testing.T) {
	for _, name := range []string{"nginx-strips-upgrade.server.pcap", "ok-nginx.client.pcap"} {
		whole, err := os.ReadFile(filepath.Join("../testdata/captures/plain", name))
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(whole) {
			analyzeBytes(t, whole[:n], 0)
		}
	}
}

// FuzzPipeline feeds mutated captures through everything.
func FuzzPipeline(f *testing.F) {
	paths, _ := filepath.Glob("../testdata/captures/*/*.pcap*")
	seeds := 0
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && len(b) < 8<<10 {
			f.Add(b)
			seeds++
		}
	}
	if seeds < 50 {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		one, ok := analyzeBytes(t, b, 1)
		if !ok {
			return
		}
		three, _ := analyzeBytes(t, b, 3)
		x, err := json.Marshal(one.Report)
		y, err2 := json.Marshal(three.Report)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("three threads give another report than one:\n%s\n%s", y, x)
		}
	})
}

// BenchmarkPipeline measures the whole way from a capture to verdicts.
func BenchmarkPipeline(b *testing.B) {
	var files []string
	var size int64
	paths, _ := filepath.Glob("../testdata/captures/plain/*.pcap")
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			files = append(files, path)
			size += info.Size()
		}
	}
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		for _, path := range files {
			analyzeFiles(b, Options{}, path)
		}
	}
}
