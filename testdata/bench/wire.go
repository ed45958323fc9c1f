package main

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// segmentSize is how much a TCP segment with the timestamps option carries in
// an Ethernet frame.
const segmentSize = 1448

// packets puts packets behind one another in a pcap file.
type packets struct {
	now  int64 // µs since 1970
	id   uint16
	buf  []byte
	emit func([]byte)
}

func pcapHeader() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint32(b, 2|4<<16)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, 262144)
	return le.AppendUint32(b, 1) // Ethernet
}

// wire is a TCP connection in memory whose segments become packets.
type wire struct {
	mu     sync.Mutex
	out    *packets
	port   uint16
	seq    [2]uint32
	unread [2]int // segments that the other side has not acknowledged
	ends   [2]*wireEnd
	count  func(record int) // told of each write once the handshake is done
}

// wireEnd is what TLS takes for its connection: writes become segments, and
// what the peer reads while the handshake lasts.
type wireEnd struct {
	net.Conn // nil: nothing else is used
	wire     *wire
	side     int
	pending  []byte
	r        *io.PipeReader
	w        *io.PipeWriter
}

const (
	flagFIN = 1 << iota
	flagSYN
	_
	flagPSH
	flagACK
)

func newWire(out *packets, port int) *wire {
	c := &wire{out: out, port: uint16(port), seq: [2]uint32{1000, 5000}}
	for side := range 2 {
		c.ends[side] = &wireEnd{wire: c, side: side}
	}
	for side := range 2 {
		c.ends[1-side].r, c.ends[side].w = io.Pipe()
	}
	c.segment(0, flagSYN, nil)
	c.segment(1, flagSYN|flagACK, nil)
	c.segment(0, flagACK, nil)
	return c
}

// established ends the handshake: nothing is read any more, each write is one
// record, and records wait until flush.
func (c *wire) established(count func(int)) { c.count = count }

func (e *wireEnd) Write(b []byte) (int, error) {
	e.pending = append(e.pending, b...)
	if e.wire.count != nil {
		e.wire.count(len(b))
		return len(b), nil
	}
	e.wire.flush(e.side)
	return e.w.Write(b)
}

func (e *wireEnd) Read(b []byte) (int, error)       { return e.r.Read(b) }
func (e *wireEnd) SetWriteDeadline(time.Time) error { return nil }

// flush sends what is pending in segments; every second one is acknowledged.
func (c *wire) flush(side int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.ends[side]
	for b := e.pending; len(b) > 0; {
		n := min(len(b), segmentSize)
		flags := byte(flagACK)
		if n == len(b) {
			flags |= flagPSH
		}
		c.segment(side, flags, b[:n])
		if c.unread[side]++; c.unread[side] == 2 {
			c.segment(1-side, flagACK, nil)
		}
		b = b[n:]
	}
	e.pending = e.pending[:0]
}

// end sends a FIN, which the other side acknowledges.
func (c *wire) end(side int) {
	c.segment(side, flagFIN|flagACK, nil)
	c.segment(1-side, flagACK, nil)
}

// segment writes one packet: Ethernet, IPv4 and TCP with timestamps.
func (c *wire) segment(side int, flags byte, payload []byte) {
	const record, ethernet, ip, tcp = 16, 14, 20, 32
	o := c.out
	o.now += 20
	o.id++
	c.unread[1-side] = 0
	length := ethernet + ip + tcp + len(payload)
	be, le := binary.BigEndian, binary.LittleEndian
	b := le.AppendUint32(o.buf[:0], uint32(o.now/1e6))
	b = le.AppendUint32(b, uint32(o.now%1e6))
	b = le.AppendUint32(b, uint32(length))
	b = le.AppendUint32(b, uint32(length))
	b = append(b, 2, 0, 0, 0, 0, byte(2-side), 2, 0, 0, 0, 0, byte(1+side), 8, 0)

	// Each client is a host of its own.
	addrs := [2][4]byte{{198, 18, byte(c.port >> 8), byte(c.port)}, {203, 0, 113, 10}}
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, uint16(ip+tcp+len(payload)))
	b = be.AppendUint16(b, o.id)
	b = append(b, 0x40, 0, 64, 6, 0, 0)
	b = append(b, addrs[side][:]...)
	b = append(b, addrs[1-side][:]...)
	header := b[record+ethernet:]
	be.PutUint16(header[10:], ^sum(0, header))

	ports := [2]uint16{c.port, 443}
	ack := uint32(0)
	if flags&flagACK != 0 {
		ack = c.seq[1-side]
	}
	b = be.AppendUint16(b, ports[side])
	b = be.AppendUint16(b, ports[1-side])
	b = be.AppendUint32(b, c.seq[side])
	b = be.AppendUint32(b, ack)
	b = append(b, tcp/4<<4, flags, 0xfd, 0xe8, 0, 0, 0, 0, 1, 1, 8, 10)
	b = be.AppendUint32(b, uint32(o.now/1000)+uint32(side)*7777)
	b = be.AppendUint32(b, uint32(o.now/1000)+uint32(1-side)*7777)
	b = append(b, payload...)
	segment := b[record+ethernet+ip:]
	pseudo := sum(6+uint32(tcp+len(payload)), header[12:20])
	be.PutUint16(segment[16:], ^sum(uint32(pseudo), segment))

	c.seq[side] += uint32(len(payload))
	if flags&(flagSYN|flagFIN) != 0 {
		c.seq[side]++
	}
	o.buf = b
	o.emit(b)
}

// sum is the Internet checksum (RFC 1071), not yet inverted.
func sum(s uint32, b []byte) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
