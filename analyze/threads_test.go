package analyze

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
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
