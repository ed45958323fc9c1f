package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// TestCorpus reads files that tcpdump, dumpcap, editcap and the compressors'
// own programs wrote; the numbers are those of capinfos and tshark.
func TestCorpus(t *testing.T) {
	const first, last = 1795207777545174000, 1795207778684625000
	cases := []struct {
		file, format, compression string
		packets, bytes            int64 // bytes on the wire
		first, last               int64
		problem                   ProblemKind
	}{
		{"apache-no-wstunnel.client.pcap", "pcap", "", 17, 1828, 1795207799209172000, 1795207800326131000, 0},
		{"big-endian-nano.client.pcap", "pcap", "", 25, 2531, first, last, 0},
		{"cut-header.client.pcap", "pcap", "", 14, 1663, first, 1795207778351695000, CutShort},
		{"cut-record.client.pcap", "pcap", "", 16, 1806, first, 1795207778422008000, CutShort},
		{"empty.client.pcap", "pcap", "", 0, 0, 0, 0, 0},
		{"gz.client.pcap.gz", "pcap", "gzip", 25, 2531, first, last, 0},
		{"lz4.client.pcap.lz4", "pcap", "lz4", 25, 2531, first, last, 0},
		{"nanosecond.client.pcap", "pcap", "", 25, 2531, first + 123, last + 123, 0},
		{"pcapng-big-endian.client.pcapng", "pcapng", "", 25, 2531, first, last, 0},
		{"pcapng-cut.client.pcapng", "pcapng", "", 14, 1663, first, 1795207778351695000, CutShort},
		{"pcapng-drops.client.pcapng", "pcapng", "", 25, 2531, first, last, 0},
		{"pcapng-drops.client.pcapng.bz2", "pcapng", "bzip2", 25, 2531, first, last, 0},
		{"pcapng-gz.client.cap", "pcapng", "gzip", 25, 2531, first, last, 0},
		{"pcapng-two-interfaces.client.pcapng", "pcapng", "", 25, 2531, first, last, 0},
		{"rotated.client.0.pcap", "pcap", "", 32, 2737, 1795207782985133000, 1795207784742601000, 0},
		{"xz.client.pcap.xz", "pcap", "xz", 25, 2531, first, last, 0},
		{"zst.client.pcap.zst", "pcap", "zstd", 25, 2531, first, last, 0},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			packets, infos := read(t, Options{}, filepath.Join("testdata", c.file))
			info, wire := infos[0], int64(0)
			for _, p := range packets {
				wire += int64(p.length)
			}
			if info.Format != c.format || info.Compression != c.compression || info.Packets != c.packets || wire != c.bytes || info.First != c.first || info.Last != c.last {
				t.Errorf("%s %s, %d packets, %d bytes, from %d to %d; want %+v", info.Format, info.Compression, info.Packets, wire, info.First, info.Last, c)
			}
			if (c.problem == 0) != (info.Problems == nil) || c.problem != 0 && info.Problems[0].Kind != c.problem {
				t.Errorf("problems %+v, want %v", info.Problems, c.problem)
			}
			if drops := strings.Contains(c.file, "drops"); drops != (info.DropsKnown && info.Drops == 17) {
				t.Errorf("drops %d, known %t", info.Drops, info.DropsKnown)
			}
		})
	}
}

func TestCorpusMerged(t *testing.T) {
	packets, infos := read(t, Options{}, "testdata/rotated.client.?.pcap")
	if len(packets) != 98 || len(infos) != 3 || slices.ContainsFunc(packets, func(p got) bool { return p.vantage != 0 }) {
		t.Errorf("rotated: %d packets of %d files", len(packets), len(infos))
	}
	packets, infos = read(t, Options{}, "testdata/apache-no-wstunnel.*.pcap")
	if len(packets) != 28 || len(infos) != 2 || infos[0].Vantage == infos[1].Vantage {
		t.Errorf("client and server: %d packets of %d files", len(packets), len(infos))
	}
}

// TestShared reads the captures of the wider collection, if it is there, in
// two ways.
func TestShared(t *testing.T) {
	const dir = "../../shared/captures/thirdparty"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the collection of captures is not there: ", err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && len(data) < 100_000 {
			checkAny(t, data)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A disk that fails keeps what came before.
func TestReadError(t *testing.T) {
	bad := errors.New("input/output error")
	data := pcapOf("x", 1, 2, 3)
	for name, data := range map[string][]byte{"plain": data[:len(data)-1], "gzip": pack(t, "gzip", benchCapture(2000))} {
		stdin := io.MultiReader(bytes.NewReader(data[:len(data)-1]), iotest.ErrReader(bad))
		packets, infos := read(t, Options{Stdin: stdin}, "-")
		problems := infos[0].Problems
		if len(packets) < 2 || len(problems) != 1 || problems[0].Kind != ReadError || !errors.Is(problems[0].Err, bad) {
			t.Errorf("%s: %d packets, problems %+v", name, len(packets), problems)
		}
	}
	var fe *FileError
	if _, err := Open(t.Context(), []string{"-"}, Options{Stdin: iotest.ErrReader(bad)}); !errors.As(err, &fe) || fe.Kind != ReadError || !errors.Is(err, bad) {
		t.Errorf("at once: %v", err)
	}
}

// A file that goes away between the look at it and its turn is a problem of
// that file alone.
func TestVanished(t *testing.T) {
	dir := write(t, map[string][]byte{"a": pcapOf("a", 1), "b": pcapOf("b", 2*second), "c": pcapOf("c", 3*second)})
	warned := 0
	s, err := Open(context.Background(), []string{dir}, Options{Warn: func(error) { warned++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Skip(err)
	}
	packets, infos := collect(t, s), s.Files()
	if len(packets) != 2 || packets[1].file != 2 || warned != 1 || len(infos[1].Problems) != 1 || infos[1].Problems[0].Kind != ReadError {
		t.Errorf("packets %+v, %d warnings, files %+v", packets, warned, infos[1])
	}
}

func TestMergeCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := write(t, map[string][]byte{"a": benchCapture(5000), "b": benchCapture(5000)})
	s, err := Open(ctx, []string{dir}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cancel()
	var p Packet
	for err == nil {
		err = s.Next(&p)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(ctx, []string{dir}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("opening: %v", err)
	}
}
