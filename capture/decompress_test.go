package capture

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// bzip2Capture is pcapOf("x", 1, 2, 3), packed by bzip2.
const bzip2Capture = "425a68393141592653596be96e36000022cc98fe00381400020040200010000000a000314c0013412424f44c8f24e5c8971fc908195ba48864435308e2a55fe15deefa2ee48a70a120d7d2dc6c"

func packed(t testing.TB) map[string][]byte {
	t.Helper()
	raw := pcapOf("x", 1, 2, 3)
	bz, err := hex.DecodeString(bzip2Capture)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][]byte{"bzip2": bz}
	for _, p := range packers {
		m[p.name] = pack(t, p.name, raw)
	}
	return m
}

func TestCompression(t *testing.T) {
	want, _ := readBytes(t, pcapOf("x", 1, 2, 3))
	for name, data := range packed(t) {
		t.Run(name, func(t *testing.T) {
			packets, info := readBytes(t, data)
			if !slices.Equal(packets, want) || info.Compression != name || info.Problems != nil || info.Bytes != int64(len(data)) {
				t.Errorf("from a stream: %+v, facts %+v", packets, info)
			}
			// The name says something else.
			dir := write(t, map[string][]byte{"capture.pcap": data})
			packets, infos := read(t, Options{}, dir)
			if !slices.Equal(packets, want) || infos[0].Compression != name || infos[0].Problems != nil {
				t.Errorf("from a file: %+v, facts %+v", packets, infos[0])
			}
		})
	}
}

func TestCompressionTwice(t *testing.T) {
	want, _ := readBytes(t, pcapOf("x", 1, 2, 3))
	for name, data := range packed(t) {
		packets, info := readBytes(t, pack(t, "gzip", data))
		if !slices.Equal(packets, want) || info.Compression != "gzip" || info.Problems != nil {
			t.Errorf("%s in gzip: %+v, facts %+v", name, packets, info)
		}
	}
}

func TestSeveralMembers(t *testing.T) {
	raw := pcapOf("x", 1, 2, 3)
	want, _ := readBytes(t, raw)
	for _, p := range packers {
		data := append(pack(t, p.name, raw[:50]), pack(t, p.name, raw[50:])...)
		packets, info := readBytes(t, data)
		if !slices.Equal(packets, want) || info.Problems != nil {
			t.Errorf("%s: %+v, problems %+v", p.name, packets, info.Problems)
		}
	}
}

// RFC 8878, 3.1.2: skippable frames, with which pzstd begins.
func TestSkippableFrame(t *testing.T) {
	raw := pcapOf("x", 1, 2, 3)
	data := append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), pack(t, "zstd", raw)...)
	if packets, info := readBytes(t, data); len(packets) != 3 || info.Compression != "zstd" || info.Problems != nil {
		t.Errorf("%+v, facts %+v", packets, info)
	}
}

// A wrong checksum at the end costs no packet.
func TestChecksum(t *testing.T) {
	data := pack(t, "gzip", pcapOf("x", 1, 2, 3))
	data[len(data)-8]++
	packets, info := readBytes(t, data)
	if len(packets) != 3 || len(info.Problems) != 1 || info.Problems[0].Kind != Corrupt || info.Problems[0].Packet != 3 {
		t.Errorf("%d packets, problems %+v", len(packets), info.Problems)
	}
}

// gzip ignores zero bytes behind the data, as tapes and disks leave them.
func TestPadding(t *testing.T) {
	data := append(pack(t, "gzip", pcapOf("x", 1, 2, 3)), make([]byte, 512)...)
	packets, info := readBytes(t, data)
	if len(packets) != 3 || info.Problems != nil {
		t.Errorf("%d packets, problems %+v", len(packets), info.Problems)
	}
	packets, info = readBytes(t, append(data, "more than a header of rubbish"...))
	if len(packets) != 3 || len(info.Problems) != 1 || info.Problems[0].Kind != Corrupt {
		t.Errorf("rubbish behind it: %d packets, problems %+v", len(packets), info.Problems)
	}
}

// Compressed data cut anywhere gives a prefix of the packets.
func TestCompressedCut(t *testing.T) {
	raw := benchCapture(6000)
	want, _ := readBytes(t, raw)
	for _, p := range packers {
		t.Run(p.name, func(t *testing.T) {
			data := pack(t, p.name, raw)
			best := 0
			for n := 64; n < len(data); n += len(data)/20 + 1 {
				s, err := openBytes(data[:n])
				if err != nil {
					continue
				}
				packets, info := collect(t, s), s.Files()[0]
				s.Close()
				if !isPrefix(packets, want) {
					t.Fatalf("cut at %d: %d packets that are no prefix", n, len(packets))
				}
				if len(packets) < len(want) && (len(info.Problems) != 1 || info.Problems[0].Kind != CutShort || info.Problems[0].Packet != int64(len(packets))) {
					t.Fatalf("cut at %d: %d packets, problems %+v", n, len(packets), info.Problems)
				}
				best = max(best, len(packets))
			}
			if best == 0 {
				t.Error("no packet of a cut file was read")
			}
		})
	}
}

func isPrefix(a, b []got) bool { return len(a) <= len(b) && slices.Equal(a, b[:len(a)]) }

// A file of some bytes that asks for gigabytes is refused.
func TestXZDictionary(t *testing.T) {
	data := pack(t, "xz", pcapOf("x", 1))
	// The header of the first block: size, flags, filter 0x21, 1 byte of
	// properties, the dictionary's size.
	at := bytes.Index(data, []byte{0x21, 1})
	data[at+2] = 40
	_, err := openBytes(data)
	if err == nil || !strings.Contains(err.Error(), "dictionary") {
		t.Errorf("error %v", err)
	}
}

func FuzzCompressed(f *testing.F) {
	for _, data := range packed(f) {
		f.Add(data)
		f.Add(data[:len(data)*2/3])
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkAny(t, data) })
}
