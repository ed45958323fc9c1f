package track

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// BenchmarkFrames is an open WebSocket's share of a packet: one frame of 180
// bytes, from either side, of as many connections in turn.
func BenchmarkFrames(b *testing.B) {
	for _, open := range []int{1, 500, 5000} {
		b.Run(fmt.Sprint(open), func(b *testing.B) {
			t := New(Options{Emit: func(*record.Connection, int64) {}})
			flows := make([]*reassembly.Flow, open)
			at := reassembly.At{Packet: 1, Time: 1e18}
			for i := range flows {
				flows[i] = &reassembly.Flow{ClientBy: reassembly.ClientBySYN}
				for side, head := range [2]string{benchRequest, benchResponse} {
					at.Packet++
					t.Data(flows[i], reassembly.Side(side), at, []byte(head))
				}
			}
			client, server := benchFrame(true, 174), benchFrame(false, 176)
			b.ReportAllocs()
			r := rand.New(rand.NewSource(1))
			order := make([]uint16, 1<<16)
			for i := range order {
				order[i] = uint16(r.Intn(open))
			}
			for i := 0; b.Loop(); i++ {
				at.Packet++
				at.Time += 1000
				f := flows[order[i&(1<<16-1)]]
				if i&1 == 0 {
					binary.LittleEndian.PutUint32(client[4:], asciiKey(uint32(i)+1))
					t.Data(f, 0, at, client)
				} else {
					t.Data(f, 1, at, server)
				}
			}
			for _, f := range flows {
				if l := t.conns[f.App].attempts()[0].ws; l == nil || l.oddities != nil {
					b.Fatal("no sound frames")
				}
			}
		})
	}
}

// asciiKey is a masking key for each of 2^28 numbers, under which ASCII stays ASCII.
func asciiKey(n uint32) uint32 {
	return n&0x7F | n<<1&0x7F00 | n<<2&0x7F0000 | n<<3&0x7F000000
}

const (
	benchRequest  = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	benchResponse = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// benchFrame is a frame of text.
func benchFrame(masked bool, n int) []byte {
	text := strings.Repeat(`{"type":"tick"}`, n)[:n]
	b := []byte{0x81, 126, byte(n >> 8), byte(n)}
	if !masked {
		return append(b, text...)
	}
	b[1] |= 0x80
	b = append(b, 0, 0, 0, 0)
	return append(b, text...)
}
