package analyze

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

// TestThreads: the report is the same, byte for byte, however many goroutines
// follow the connections.
func TestThreads(t *testing.T) {
	manifests, _ := filepath.Glob("../testdata/captures/*/MANIFEST.json")
	for _, manifest := range manifests {
		folder := filepath.Dir(manifest)
		var all []string
		for _, e := range readManifest(t, folder) {
			var files []string
			for _, f := range e.Files {
				files = append(files, filepath.Join(folder, f))
			}
			sameForThreads(t, filepath.Base(folder)+"/"+e.Name, Options{All: true, Events: true, Keys: readKeys(t, folder, e.Keylog)}, files)
			all = append(all, files...)
		}
		sameForThreads(t, "all of "+filepath.Base(folder), Options{All: true}, all[:min(len(all), 200)])
	}
}

// ender notes how many connections the sink had when the source had no more packets.
type ender struct {
	capture.Source
	sink  *gathered
	given int
}

func (e *ender) Next(p *capture.Packet) error {
	err := e.Source.Next(p)
	if err == io.EOF {
		e.given = len(e.sink.Connections)
	}
	return err
}

// TestOneThreadGivesAtOnce: what a slow stream shows to be final is not held
// back until more of it comes.
func TestOneThreadGivesAtOnce(t *testing.T) {
	src, err := capture.Open(t.Context(), []string{"../testdata/captures/plain/backoff-503.client.pcap"}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	e := &ender{Source: src, sink: new(gathered)}
	if _, err := Run(t.Context(), e, Options{Threads: 1}, e.sink); err != nil {
		t.Fatal(err)
	}
	if e.given == 0 || e.given == len(e.sink.Connections) {
		t.Errorf("%d of %d connections were given before the last packet", e.given, len(e.sink.Connections))
	}
}

func sameForThreads(t *testing.T, name string, o Options, files []string) {
	t.Helper()
	var one []byte
	for _, n := range []int{1, 2, 5} {
		o.Threads = n
		got, err := json.Marshal(analyzeFiles(t, o, files...).Report)
		switch {
		case err != nil:
			t.Fatal(err)
		case n == 1:
			one = got
		case !bytes.Equal(one, got):
			t.Errorf("%s: %d threads give another report than one", name, n)
		}
	}
}
