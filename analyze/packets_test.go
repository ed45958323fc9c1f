package analyze

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/capture"
)

// sheet is a capture in the making: a pcap file of raw IP packets.
type sheet struct {
	b   []byte
	now time.Duration // since the capture's beginning
	n   int64         // packets
}

const linkRaw = 101

func newSheet() *sheet {
	var s sheet
	for _, x := range []uint32{0xa1b23c4d, 4<<16 | 2, 0, 0, 1 << 18, linkRaw} { // nanoseconds; version 2.4, written as two halves
		s.b = binary.LittleEndian.AppendUint32(s.b, x)
	}
	binary.LittleEndian.PutUint16(s.b[4:], 2)
	binary.LittleEndian.PutUint16(s.b[6:], 4)
	return &s
}

// packet adds an IP packet a millisecond after the one before.
func (s *sheet) packet(from, to netip.Addr, protocol, ttl byte, payload []byte) {
	s.now += time.Millisecond
	s.n++
	var ip []byte
	if from.Is4() {
		ip = append(ip, 0x45, 0, 0, 0, 0, byte(s.n), 0x40, 0, ttl, protocol, 0, 0)
		binary.BigEndian.PutUint16(ip[2:], uint16(20+len(payload)))
	} else {
		ip = append(ip, 0x60, 0, 0, 0, 0, 0, protocol, ttl)
		binary.BigEndian.PutUint16(ip[4:], uint16(len(payload)))
	}
	ip = append(append(ip, from.AsSlice()...), to.AsSlice()...)
	ip = append(ip, payload...)
	at := 1_700_000_000*time.Second + s.now
	for _, x := range []uint32{uint32(at / time.Second), uint32(at % time.Second), uint32(len(ip)), uint32(len(ip))} {
		s.b = binary.LittleEndian.AppendUint32(s.b, x)
	}
	s.b = append(s.b, ip...)
}

func (s *sheet) udp(from, to string, payload []byte) {
	a, b := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	head := make([]byte, 8)
	binary.BigEndian.PutUint16(head, a.Port())
	binary.BigEndian.PutUint16(head[2:], b.Port())
	binary.BigEndian.PutUint16(head[4:], uint16(8+len(payload)))
	s.packet(a.Addr(), b.Addr(), 17, 64, append(head, payload...))
}

// wait lets time pass.
func (s *sheet) wait(d time.Duration) { s.now += d }

// file writes the capture into a file of that name.
func (s *sheet) file(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, s.b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pcapng is the capture as a pcapng file, with a name resolution block before
// the packet of a number (counted from 0; the number of packets: at the end).
func (s *sheet) pcapng(at int, name string, addrs ...string) []byte {
	var out []byte
	block := func(kind uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		out = binary.LittleEndian.AppendUint32(out, kind)
		out = binary.LittleEndian.AppendUint32(out, uint32(12+len(body)))
		out = append(out, body...)
		out = binary.LittleEndian.AppendUint32(out, uint32(12+len(body)))
	}
	names := func() {
		var body []byte
		for _, a := range addrs {
			addr := netip.MustParseAddr(a)
			kind := uint16(1) // nrb_record_ipv4
			if addr.Is6() {
				kind = 2
			}
			value := append(addr.AsSlice(), name+"\x00"...)
			body = binary.LittleEndian.AppendUint16(body, kind)
			body = binary.LittleEndian.AppendUint16(body, uint16(len(value)))
			body = append(body, value...)
			for len(body)%4 != 0 {
				body = append(body, 0)
			}
		}
		block(4, append(body, 0, 0, 0, 0)) // nrb_record_end
	}
	block(0x0a0d0d0a, []byte{0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255})
	block(1, []byte{linkRaw, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0}) // if_tsresol: nanoseconds
	n := 0
	for b := s.b[24:]; len(b) > 0; n++ {
		if n == at {
			names()
		}
		length := binary.LittleEndian.Uint32(b[8:])
		ns := uint64(binary.LittleEndian.Uint32(b))*1e9 + uint64(binary.LittleEndian.Uint32(b[4:]))
		body := binary.LittleEndian.AppendUint32(nil, 0)
		for _, x := range []uint32{uint32(ns >> 32), uint32(ns), length, length} {
			body = binary.LittleEndian.AppendUint32(body, x)
		}
		block(6, append(body, b[16:16+length]...))
		b = b[16+length:]
	}
	if n == at {
		names()
	}
	return out
}

// run analyses the capture.
func (s *sheet) run(t *testing.T) *gathered {
	t.Helper()
	g, ok := analyzeBytes(t, s.b, 0)
	if !ok {
		t.Fatal("no capture")
	}
	return g
}

// flow is one TCP connection on a sheet; side 0 is the client.
type flow struct {
	*sheet
	ends [2]netip.AddrPort
	seq  [2]uint32
	ttl  [2]byte
}

func (s *sheet) flow(client, server string) *flow {
	return &flow{s, [2]netip.AddrPort{netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)}, [2]uint32{uint32(s.n)*7919 + 1000, uint32(s.n)*104729 + 9000}, [2]byte{64, 64}}
}

func (f *flow) segment(side int, flags byte, payload string) {
	b := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(b, f.ends[side].Port())
	binary.BigEndian.PutUint16(b[2:], f.ends[1-side].Port())
	binary.BigEndian.PutUint32(b[4:], f.seq[side])
	if flags&ack != 0 {
		binary.BigEndian.PutUint32(b[8:], f.seq[1-side])
	}
	b[12], b[13] = 5<<4, flags
	binary.BigEndian.PutUint16(b[14:], 64000)
	f.seq[side] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		f.seq[side]++
	}
	f.packet(f.ends[side].Addr(), f.ends[1-side].Addr(), 6, f.ttl[side], append(b, payload...))
}

func (f *flow) connect() *flow {
	f.segment(0, syn, "")
	f.segment(1, syn|ack, "")
	f.segment(0, ack, "")
	return f
}

// refused is a SYN and the RST that answers it.
func (f *flow) refused() {
	f.segment(0, syn, "")
	f.segment(1, rst|ack, "")
}

// say sends bytes and has them acknowledged.
func (f *flow) say(side int, parts ...string) *flow {
	for _, p := range parts {
		f.segment(side, psh|ack, p)
		f.segment(1-side, ack, "")
	}
	return f
}

func (f *flow) close() {
	f.segment(0, fin|ack, "")
	f.segment(1, fin|ack, "")
	f.segment(0, ack, "")
}

// sheets analyses several captures together.
func sheets(t *testing.T, files ...*sheet) *gathered {
	t.Helper()
	var paths []string
	for i, s := range files {
		paths = append(paths, s.file(t, string(rune('a'+i))+".pcap"))
	}
	src, err := capture.Open(context.Background(), paths, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var g gathered
	if _, err := Run(context.Background(), src, Options{All: true}, &g); err != nil {
		t.Fatal(err)
	}
	return &g
}

// upgrade is the request for a WebSocket with a key, and the answer to it.
func upgradeRequest(host, target, key string, fields ...string) string {
	var b bytes.Buffer
	b.WriteString("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n")
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}
