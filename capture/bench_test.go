package capture

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// benchCapture is a capture of many packets of mixed lengths.
func benchCapture(packets int) []byte {
	f := pcapFile{}
	b := f.header(1)
	data := make([]byte, 1514)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	for i := range packets {
		n := []int{54, 66, 1514, 590}[i&3]
		b = append(b, f.record(int64(i)*1000, n, data[:n])...)
	}
	return b
}

func drain(b *testing.B, o Options, paths ...string) (packets int) {
	s, err := Open(context.Background(), paths, o)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var p Packet
	for {
		if err := s.Next(&p); err == io.EOF {
			return packets
		} else if err != nil {
			b.Fatal(err)
		}
		packets++
	}
}

func benchRead(b *testing.B, o Options, size int, paths ...string) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	packets := 0
	for b.Loop() {
		packets = drain(b, o, paths...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(packets), "ns/packet")
}

func BenchmarkRead(b *testing.B) {
	const packets = 100_000
	raw := benchCapture(packets)
	dir := b.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	plain := file("a.pcap", raw)
	b.Run("pcap", func(b *testing.B) { benchRead(b, Options{}, len(raw), plain) })
	b.Run("hash", func(b *testing.B) { benchRead(b, Options{Hash: true}, len(raw), plain) })
	b.Run("merge", func(b *testing.B) {
		benchRead(b, Options{}, 2*len(raw), plain, file("b.pcap", raw))
	})
	b.Run("stream", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			drain(b, Options{Stdin: bytes.NewReader(raw)}, "-")
		}
	})
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write(raw)
	g.Close()
	z, _ := zstd.NewWriter(&zs)
	z.Write(raw)
	z.Close()
	b.Run("gzip", func(b *testing.B) { benchRead(b, Options{}, len(raw), file("a.gz", gz.Bytes())) })
	b.Run("zstd", func(b *testing.B) { benchRead(b, Options{}, len(raw), file("a.zst", zs.Bytes())) })
}
