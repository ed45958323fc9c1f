package analyze

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
	"github.com/wsleuth/wsleuth/reassembly"
)

// talk makes the packets of one TCP connection, without the link layer.
type talk struct {
	table  *reassembly.Table
	number int64
	seq    [2]uint32
	port   uint16
	buf    [1500]byte
	p      capture.Packet
	ip     link.IP
}

const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

var talkAddr = [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}

// send sends a segment from side 0, the client, or 1, a millisecond after the last.
func (k *talk) send(side int, flags byte, payload []byte) {
	k.number++
	b := k.buf[:20+len(payload)]
	ports := [2]uint16{k.port, 80}
	binary.BigEndian.PutUint16(b, ports[side])
	binary.BigEndian.PutUint16(b[2:], ports[1-side])
	binary.BigEndian.PutUint32(b[4:], k.seq[side])
	binary.BigEndian.PutUint32(b[8:], k.seq[1-side])
	b[12], b[13] = 5<<4, flags
	binary.BigEndian.PutUint16(b[14:], 64000)
	copy(b[20:], payload)
	k.seq[side] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		k.seq[side]++
	}
	k.p = capture.Packet{Number: k.number, Time: k.number * 1e6, Clock: k.number * 1e6, Length: len(b), Data: b}
	k.ip = link.IP{Protocol: link.ProtocolTCP, TTL: 64, ID: uint16(k.number), Payload: b}
	k.ip.SetAddrs(talkAddr[side], talkAddr[1-side])
	k.table.Packet(&k.p, &k.ip)
}

// newTalk opens a WebSocket over the whole pipeline behind the link layer.
func newTalk() *talk {
	tracker := track.New(track.Options{Emit: func(*record.Connection, int64) {}, Files: func() []string { return []string{"a"} },
		Encapsulation: func(int32) []string { return nil }, End: func(int32, record.Time) record.Ref { return record.Ref{} }})
	k := &talk{table: reassembly.New(reassembly.Options{Handler: tracker}), seq: [2]uint32{1000, 9000}, port: 40000}
	k.open()
	return k
}

// open does the handshakes of TCP and WebSocket.
func (k *talk) open() {
	k.send(0, syn, nil)
	k.send(1, syn|ack, nil)
	k.send(0, ack, nil)
	k.send(0, ack|psh, []byte("GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	k.send(1, ack|psh, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"))
}

var (
	clientFrame = append([]byte{0x81, 0x80 | 5, 1, 2, 3, 4}, 'h'^1, 'e'^2, 'l'^3, 'l'^4, 'o'^1)
	serverFrame = []byte("\x81\x05hello")
)

// TestHotPathAllocatesNothing: a packet with frames costs no memory, from the
// flow table to the frames' parser.
func TestHotPathAllocatesNothing(t *testing.T) {
	k := newTalk()
	exchange := func() {
		k.send(0, ack|psh, clientFrame)
		k.send(1, ack|psh, serverFrame)
	}
	for range 100 {
		exchange()
	}
	if n := testing.AllocsPerRun(2000, exchange); n != 0 {
		t.Errorf("%.2f allocations per exchange of two frames", n)
	}
}

// BenchmarkFrames is the cost of a packet with one small frame behind the link layer.
func BenchmarkFrames(b *testing.B) {
	k := newTalk()
	b.ReportAllocs()
	b.SetBytes(int64(len(clientFrame) + len(serverFrame) + 2*54))
	for b.Loop() {
		k.send(0, ack|psh, clientFrame)
		k.send(1, ack|psh, serverFrame)
	}
}
