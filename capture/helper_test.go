package capture

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// got is a packet that outlives the next one.
type got struct {
	number, time, clock  int64
	file, vantage, iface int32
	link                 LinkType
	length               int
	data                 string
}

func gotten(p *Packet) got {
	return got{p.Number, p.Time, p.Clock, p.File, p.Vantage, p.Interface, p.LinkType, p.Length, string(p.Data)}
}

// collect reads a source to its end, which must be io.EOF.
func collect(t testing.TB, s Source) []got {
	t.Helper()
	var packets []got
	var p Packet
	for {
		err := s.Next(&p)
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, gotten(&p))
	}
}

// read opens paths and gives their packets and facts.
func read(t testing.TB, o Options, paths ...string) ([]got, []*FileInfo) {
	t.Helper()
	s, err := Open(context.Background(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	packets := collect(t, s)
	infos := s.Files()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return packets, infos
}

// readBytes reads a capture from a stream, packet by packet and in batches,
// which has to give the same.
func readBytes(t testing.TB, data []byte) ([]got, *FileInfo) {
	t.Helper()
	packets, infos := read(t, Options{Stdin: bytes.NewReader(data)}, "-")
	for _, size := range []int{1, 2, 7} {
		again, facts := readBatches(t, data, size)
		if !slices.Equal(again, packets) || !reflect.DeepEqual(facts, infos) {
			t.Errorf("in batches of %d: packets %+v, facts %+v; one by one: %+v, %+v", size, again, facts[0], packets, infos[0])
		}
	}
	return packets, infos[0]
}

func readBatches(t testing.TB, data []byte, size int) ([]got, []*FileInfo) {
	t.Helper()
	s, err := Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(data)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var packets []got
	batch := make([]Packet, size)
	for {
		n, err := s.(Batcher).Batch(batch)
		for _, p := range batch[:n] {
			packets = append(packets, gotten(&p))
		}
		if err == io.EOF {
			return packets, s.Files()
		}
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
	}
}

// write makes files of a directory and gives their paths.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// packers compress; there is no bzip2 among them, for Go only reads it.
var packers = []struct {
	name string
	wrap func(io.Writer) (io.WriteCloser, error)
}{
	{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }},
	{"zstd", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }},
	{"xz", func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }},
	{"lz4", func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	}},
}

func pack(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	for _, p := range packers {
		if p.name != name {
			continue
		}
		var b bytes.Buffer
		w, err := p.wrap(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	t.Fatalf("no packer %s", name)
	return nil
}

// pcapOf is a little-endian capture of Ethernet with one packet for each
// time, in ns; the packets' data tell them apart.
func pcapOf(label string, times ...int64) []byte {
	f := pcapFile{magic: magicNano, nano: true}
	b := f.header(1)
	for i, at := range times {
		data := label + ":" + itoa(int64(i+1))
		b = append(b, f.record(at, len(data), []byte(data))...)
	}
	return b
}
