package capture

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"
)

// TestKeep: packets stay as they were handed out until their buffer is spent,
// and are the same whatever buffers are read into.
func TestKeep(t *testing.T) {
	raw := benchCapture(5000)
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	want, _ := read(t, Options{}, path)
	for name, open := range map[string]func() (Source, error){
		"file": func() (Source, error) { return Open(context.Background(), []string{path}, Options{Hash: true}) },
		"stream": func() (Source, error) {
			return Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(raw)})
		},
		"halves": func() (Source, error) {
			return Open(context.Background(), []string{"-"}, Options{Stdin: iotest.HalfReader(bytes.NewReader(raw))})
		},
	} {
		for _, size := range []int{0, 100, 1 << 14, 1 << 20} {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			kept, spent := keepAll(t, s, size)
			if !slices.Equal(kept, want) {
				t.Errorf("%s, buffers of %d bytes: %d packets, want %d, or other ones", name, size, len(kept), len(want))
			}
			if spent < 2 {
				t.Errorf("%s, buffers of %d bytes: %d were spent", name, size, spent)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// keepAll reads s to its end, and looks at packets when their buffer is spent.
func keepAll(t *testing.T, s Source, size int) (all []got, spent int) {
	t.Helper()
	var waiting []Packet
	look := func() {
		for _, p := range waiting {
			all = append(all, gotten(&p))
		}
		waiting = waiting[:0]
	}
	s.(Keeper).Keep(func(buf []byte) []byte {
		look()
		if spent++; size == 0 {
			return buf
		}
		own := make([]byte, size)
		for i := range own {
			own[i] = 0xff
		}
		return own
	})
	for {
		var p Packet
		if err := s.Next(&p); err == io.EOF {
			look()
			return all, spent
		} else if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, p)
	}
}
