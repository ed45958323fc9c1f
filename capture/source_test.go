package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func openBytes(data []byte) (Source, error) {
	return Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(data)})
}

// samples are small files of each format.
func samples() map[string][]byte {
	f, ng := pcapFile{}, ngFile{big: true}
	return map[string][]byte{
		"pcap": slices.Concat(f.header(1), f.record(1000, 5, []byte("first")), f.record(2000, 9, []byte("second"))),
		"pcapng": slices.Concat(ng.section(ng.option(optComment, []byte("hi"))), ng.iface(1, 0, ng.option(ifTsresol, []byte{9})),
			ng.packet(0, 1, 5, []byte("first")), ng.block(blockSecrets, ng.u32(SecretsTLSKeyLog, 4), []byte("abcd")),
			ng.block(blockNames, ng.option(nameIPv4, []byte("\x0a\x00\x00\x01n\x00"))), ng.simple(2, []byte("se")),
			ng.block(blockStatistics, ng.u32(0, 0, 0), ng.option(isbIfDrop, ng.u64(1))), ng.block(77, []byte("????")),
			ng.obsolete(0, 1, 3, 3, []byte("obs"))),
	}
}

// A file cut at any byte gives the packets that are whole, and says that it
// was cut unless that was between records.
func TestCutAnywhere(t *testing.T) {
	for name, data := range samples() {
		want, _ := readBytes(t, data)
		clean := 0
		for n := 4; n < len(data); n++ {
			packets, info := readBytes(t, data[:n])
			if !isPrefix(packets, want) {
				t.Fatalf("%s cut at %d: %+v", name, n, packets)
			}
			switch {
			case len(info.Problems) == 0:
				clean++
			case len(info.Problems) > 1 || info.Problems[0].Kind != CutShort || info.Problems[0].Offset > int64(n):
				t.Fatalf("%s cut at %d: problems %+v", name, n, info.Problems)
			}
		}
		if limit := map[string]int{"pcap": 2, "pcapng": 8}[name]; clean != limit {
			t.Errorf("%s: cut between records %d times, want %d", name, clean, limit)
		}
	}
}

// oneByte gives a byte at a time.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// How the bytes come in makes no difference.
func TestSplit(t *testing.T) {
	for name, data := range samples() {
		want, wantInfo := readBytes(t, data)
		packets, infos := read(t, Options{Stdin: oneByte{bytes.NewReader(data)}}, "-")
		if !slices.Equal(packets, want) || infos[0].Packets != wantInfo.Packets {
			t.Errorf("%s byte by byte: %+v, want %+v", name, packets, want)
		}
		dir := write(t, map[string][]byte{"x": data})
		if packets, _ := read(t, Options{}, filepath.Join(dir, "x")); !slices.Equal(packets, want) {
			t.Errorf("%s from a file: %+v, want %+v", name, packets, want)
		}
	}
	// Records that lie across the end of the buffer.
	data := benchCapture(3000)
	want, _ := readBytes(t, data)
	packets, _ := read(t, Options{}, write(t, map[string][]byte{"x": data}))
	if len(want) != 3000 || !slices.Equal(packets, want) {
		t.Errorf("%d packets from a file, %d from a stream", len(packets), len(want))
	}
}

// A packet is handed out when it has arrived, not when a buffer is full.
func TestStreamIsLive(t *testing.T) {
	r, w := io.Pipe()
	data := pcapOf("x", 1, 2)
	half := len(data) - 19
	go w.Write(data[:half])
	s, err := Open(context.Background(), []string{"-"}, Options{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var p Packet
	if err := s.Next(&p); err != nil || string(p.Data) != "x:1" {
		t.Fatalf("first packet %q, %v", p.Data, err)
	}
	go func() { w.Write(data[half:]); w.Close() }()
	if err := s.Next(&p); err != nil || string(p.Data) != "x:2" {
		t.Fatalf("second packet %q, %v", p.Data, err)
	}
	if err := s.Next(&p); err != io.EOF {
		t.Fatalf("end: %v", err)
	}
}

// A stream in which nothing comes can be given up.
func TestCancel(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go w.Write(pcapOf("x", 1))
	s, err := Open(ctx, []string{"-"}, Options{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var p Packet
	if err := s.Next(&p); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Next(&p); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
	if problems := s.Files()[0].Problems; problems != nil {
		t.Errorf("cancelling is a problem of the file: %+v", problems)
	}
	if _, err := Open(ctx, []string{"-"}, Options{Stdin: r}); !errors.Is(err, context.Canceled) {
		t.Errorf("opening after cancelling: %v", err)
	}
}

// Closing early stops the decompression.
func TestCloseEarly(t *testing.T) {
	dir := write(t, map[string][]byte{"a": pack(t, "gzip", benchCapture(20_000)), "b": pack(t, "zstd", benchCapture(20_000))})
	for _, path := range []string{dir, filepath.Join(dir, "a")} {
		s, err := Open(context.Background(), []string{path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if err := s.Next(&p); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s.Close()
		if err := s.Next(&p); err == nil || err == io.EOF {
			t.Errorf("Next after Close: %v", err)
		}
	}
}

func TestProgressAndHash(t *testing.T) {
	data := pack(t, "gzip", benchCapture(2000))
	bad := append(pcapOf("x", 1), bytes.Repeat([]byte{0xff}, 600_000)...) // corrupt: not read to its end for the packets
	dir := write(t, map[string][]byte{"a": data, "b": bad})
	var progress Progress
	_, infos := read(t, Options{Progress: &progress, Hash: true}, dir)
	if n := int64(len(data) + len(bad)); progress.BytesTotal.Load() != n || progress.BytesRead.Load() != n || progress.Packets.Load() != 2001 {
		t.Errorf("%d of %d bytes, %d packets", progress.BytesRead.Load(), progress.BytesTotal.Load(), progress.Packets.Load())
	}
	for _, info := range infos {
		stored, err := os.ReadFile(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(stored); info.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: hash %q", info.Name, info.SHA256)
		}
	}
}

func TestPaths(t *testing.T) {
	dir := write(t, map[string][]byte{
		"in/a.pcap": pcapOf("a", 1), "in/b.cap": pcapOf("b", 2), "in/notes.txt": []byte("hello\n"), "in/sub/c.pcap": pcapOf("c", 3),
		"d[1].pcap": pcapOf("d", 4), "empty.pcap": nil, "none.pcap": pcapOf("n"), "page.html": []byte("<!DOCTYPE html><p>"),
	})
	if err := os.Link(filepath.Join(dir, "in/a.pcap"), filepath.Join(dir, "in/longer-name.pcap")); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		name  string
		paths []string
		data  string // of the packets
		files string
		warns int
	}{
		{"file", []string{"in/a.pcap"}, "a:1", "a.pcap", 0},
		{"directory", []string{"in"}, "a:1 b:1", "a.pcap b.cap", 1},
		{"glob", []string{"in/*.?ap"}, "b:1", "b.cap", 0},
		{"glob of all", []string{"in/*"}, "a:1 b:1 c:1", "a.pcap b.cap c.pcap notes.txt", 1},
		{"a name like a glob", []string{"d[1].pcap"}, "d:1", "d[1].pcap", 0},
		{"twice", []string{"in/b.cap", "in/b.cap", "./in/../in/b.cap", "in"}, "a:1 b:1", "a.pcap b.cap", 1},
		{"one bad", []string{"empty.pcap", "in/a.pcap"}, "a:1", "a.pcap empty.pcap", 1},
		{"missing", []string{"missing", "in/a.pcap", "nothing*"}, "a:1", "a.pcap missing nothing*", 2},
		{"no packets", []string{"none.pcap", "in/a.pcap"}, "a:1", "a.pcap none.pcap", 0},
		{"only no packets", []string{"none.pcap"}, "", "none.pcap", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var paths, data, files []string
			for _, p := range c.paths {
				paths = append(paths, dir+"/"+p)
			}
			warns := 0
			packets, infos := read(t, Options{Warn: func(err error) {
				var fe *FileError
				if !errors.As(err, &fe) {
					t.Errorf("warning %v is no FileError", err)
				}
				warns++
			}}, paths...)
			for _, p := range packets {
				data = append(data, p.data)
				if int(p.file) >= len(infos) || infos[p.file].Packets == 0 {
					t.Errorf("packet of file %d", p.file)
				}
			}
			for _, info := range infos {
				files = append(files, filepath.Base(info.Name))
			}
			if strings.Join(data, " ") != c.data || strings.Join(files, " ") != c.files || warns != c.warns {
				t.Errorf("packets %q, files %q, %d warnings; want %q, %q, %d", data, files, warns, c.data, c.files, c.warns)
			}
		})
	}
}

func TestNothingToRead(t *testing.T) {
	dir := write(t, map[string][]byte{"empty.pcap": nil, "a/page": []byte("<html>"), "b/.keep": nil})
	if err := os.Mkdir(filepath.Join(dir, "void"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{"empty.pcap"}, {"a"}, {"empty.pcap", "a"}, {"missing"}, {"void"}, {"*.nothing"}, nil} {
		var full []string
		for _, p := range paths {
			full = append(full, filepath.Join(dir, p))
		}
		s, err := Open(context.Background(), full, Options{})
		var fe *FileError
		if s != nil || !errors.Is(err, ErrNoCapture) || paths != nil && !errors.As(err, &fe) {
			t.Errorf("%v: %v", paths, err)
		}
	}
	if _, err := Open(context.Background(), []string{"-"}, Options{}); err == nil {
		t.Error("no standard input, and no error")
	}
}

// checkAny reads whatever it gets twice, in different ways, with one result.
func checkAny(t *testing.T, data []byte) {
	s, err := openBytes(data)
	if err != nil {
		var fe *FileError
		if !errors.As(err, &fe) || fe.What == "" {
			t.Fatalf("error %v", err)
		}
		return
	}
	packets := collect(t, s)
	info := s.Files()[0]
	s.Close()
	if info.Packets != int64(len(packets)) || info.Format == "" {
		t.Fatalf("%d packets, facts %+v", len(packets), info)
	}
	again, _ := read(t, Options{Stdin: oneByte{bytes.NewReader(data)}}, "-")
	if !slices.Equal(packets, again) {
		t.Fatalf("%d packets, byte by byte %d", len(packets), len(again))
	}
}

func FuzzSource(f *testing.F) {
	for _, data := range samples() {
		f.Add(data)
		f.Add(data[:len(data)-3])
	}
	f.Add(pcapOf("x", 1, 2, 3))
	f.Add(pcapFile{magic: magicModified}.header(1))
	f.Add(pcapFile{magic: magicIxiaHW}.header(1))
	f.Fuzz(func(t *testing.T, data []byte) { checkAny(t, data) })
}

func TestAllocations(t *testing.T) {
	ng := ngFile{}
	enhanced := slices.Concat(ng.section(), ng.iface(1, 0), bytes.Repeat(ng.packet(0, 1, 900, make([]byte, 900)), 3000))
	dir := write(t, map[string][]byte{"pcap": benchCapture(3000), "pcapng": enhanced, "gzip": pack(t, "gzip", benchCapture(3000)), "merge/1": pcapOf("x", make([]int64, 3000)...), "merge/2": pcapOf("y", 2*second)})
	for _, name := range []string{"pcap", "pcapng", "gzip", "merge"} {
		s, err := Open(context.Background(), []string{filepath.Join(dir, name)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if n := testing.AllocsPerRun(2000, func() {
			if err := s.Next(&p); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per packet", name, n)
		}
		s.Close()
	}
}
