package analyze

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// inPieces is a little-endian pcap of Ethernet with the payload of TCP segments
// in pieces of the given size, the last of which is the rest.
func inPieces(whole []byte, size, most int) []byte {
	const header, perRecord, ip, tcp = 24, 16, 14, 34
	split := bytes.Clone(whole[:header])
	for at := header; at+perRecord <= len(whole); {
		next := at + perRecord + int(binary.LittleEndian.Uint32(whole[at+8:]))
		if next > len(whole) {
			break
		}
		head, frame := whole[at:at+perRecord], whole[at+perRecord:next]
		at = next
		if len(frame) < tcp+20 || frame[12] != 8 || frame[13] != 0 || frame[ip] != 0x45 || frame[ip+9] != 6 ||
			binary.LittleEndian.Uint32(head[12:]) != uint32(len(frame)) {
			split = append(append(split, head...), frame...)
			continue
		}
		end := ip + int(binary.BigEndian.Uint16(frame[ip+2:]))
		begin := tcp + int(frame[tcp+12]>>4)*4
		for from, n := begin, 0; ; n++ {
			to := min(from+size, end)
			if n == most {
				to = end
			}
			piece := append(bytes.Clone(frame[:begin]), frame[from:to]...)
			binary.BigEndian.PutUint16(piece[ip+2:], uint16(len(piece)-ip))
			binary.BigEndian.PutUint16(piece[ip+4:], 0) // copies would no longer be copies
			binary.BigEndian.PutUint32(piece[tcp+4:], binary.BigEndian.Uint32(frame[tcp+4:])+uint32(from-begin))
			if to < end {
				piece[tcp+13] &^= 1 // FIN
			}
			record := bytes.Clone(head)
			binary.LittleEndian.PutUint32(record[8:], uint32(len(piece)))
			binary.LittleEndian.PutUint32(record[12:], uint32(len(piece)))
			split = append(append(split, record...), piece...)
			if from = to; from >= end {
				break
			}
		}
	}
	return split
}

// TestInPieces: where TCP cuts the streams into segments says nothing of them.
func TestInPieces(t *testing.T) {
	paths, _ := filepath.Glob("../testdata/captures/plain/*.pcap")
	tried := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil || len(b) > 8<<10 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 && binary.LittleEndian.Uint32(b) != 0xa1b23c4d || b[20] != 1 {
			continue
		}
		whole, ok := analyzeBytes(t, inPieces(b, 1<<16, 0), 0)
		if !ok || len(whole.Connections) == 0 {
			continue
		}
		tried++
		for _, size := range []int{1, 7} {
			pieces, ok := analyzeBytes(t, inPieces(b, size, 40), 0)
			if !ok || len(pieces.Connections) != len(whole.Connections) {
				t.Errorf("%s by %d bytes: other connections", filepath.Base(path), size)
				continue
			}
			for i, c := range pieces.Connections {
				want := whole.Connections[i]
				if c.Outcome != want.Outcome || c.Fault != want.Fault || c.Phase != want.Phase || alarms(c) != alarms(want) {
					t.Errorf("%s by %d bytes: %s, %s: %s, want %s, %s: %s", filepath.Base(path), size, c.Outcome, c.Fault, alarms(c), want.Outcome, want.Fault, alarms(want))
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d captures tried", tried)
	}
}

// alarms are the findings of a connection that count segments do not change.
func alarms(c *record.Connection) (slugs string) {
	for _, f := range c.Findings {
		if f.Severity != record.Info && f.Slug != "high-packet-loss" {
			slugs += " " + f.Slug
		}
	}
	return slugs
}

// TestInPiecesWithoutHandshake: a line cut where "HTTP/1.1" begins is no response.
func TestInPiecesWithoutHandshake(t *testing.T) {
	const path = "../testdata/captures/roads/squid-ws-ok.client.pcap"
	b := without(t, path, handshakeIn(t, path)...)
	for _, size := range []int{1 << 16, len("CONNECT app.test:80 ")} {
		if c := onlyConnection(t, inPieces(b, size, 3)); c.Outcome != record.ClosedClean || c.Tunnel == nil {
			t.Errorf("by %d bytes: %s: %s", size, c.Outcome, c.Verdict)
		}
	}
}

// handshakeIn is the first three packets of the first connection.
func handshakeIn(t *testing.T, path string) []int {
	first := int(analyzeFiles(t, Options{}, path).Connections[0].FirstPacket)
	return []int{first, first + 1, first + 2}
}
