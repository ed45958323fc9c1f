package analyze

import (
	"bytes"
	"encoding/binary"
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
	compareThreads(t, name, func(n int) *gathered {
		o.Threads = n
		return analyzeFiles(t, o, files...)
	})
}

// compareThreads holds that a run with any number of threads gives the same report.
func compareThreads(t *testing.T, name string, run func(threads int) *gathered) {
	t.Helper()
	var one []byte
	for _, n := range []int{1, 2, 5} {
		got, err := json.Marshal(run(n).Report)
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

// TestThreadsKeep: the same of one file, whose packets are not copied for the
// goroutines that follow them, but stay in the buffers that they were read into.
func TestThreadsKeep(t *testing.T) {
	files, _ := filepath.Glob("../testdata/captures/plain/*.pcap*")
	file := ethernetOf(t, files)
	if len(file) < 1<<20 {
		t.Fatalf("%d bytes: the first buffer holds most of it", len(file))
	}
	compareThreads(t, "one file", func(n int) *gathered {
		src, err := capture.Open(t.Context(), []string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		k, g := &littleKeeper{Keeper: src.(capture.Keeper)}, new(gathered)
		if _, err := Run(t.Context(), k, Options{Threads: n, All: true}, g); err != nil {
			t.Fatal(err)
		}
		if n > 1 && k.spent < 100 {
			t.Errorf("%d threads: only %d rounds", n, k.spent)
		}
		return g
	})
}

// littleKeeper reads into small buffers behind the first.
type littleKeeper struct {
	capture.Keeper
	spent int
}

func (k *littleKeeper) Keep(spent func([]byte) []byte) {
	k.Keeper.Keep(func(buf []byte) []byte {
		k.spent++
		buf = spent(buf)
		return buf[:min(len(buf), 3000)]
	})
}

// ethernetOf makes one capture of the Ethernet packets of several.
func ethernetOf(t *testing.T, files []string) []byte {
	t.Helper()
	src, err := capture.Open(t.Context(), files, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	const ethernet, nano = 1, 0xa1b23c4d
	le := binary.LittleEndian
	b := le.AppendUint32(nil, nano)
	b = le.AppendUint32(b, 2|4<<16)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(le.AppendUint32(b, 1<<18), ethernet)
	var p capture.Packet
	for {
		if err := src.Next(&p); err == io.EOF {
			return b
		} else if err != nil {
			t.Fatal(err)
		}
		if p.LinkType != ethernet {
			continue
		}
		for _, v := range []int64{p.Time / 1e9, p.Time % 1e9, int64(len(p.Data)), int64(p.Length)} {
			b = le.AppendUint32(b, uint32(v))
		}
		b = append(b, p.Data...)
	}
}
