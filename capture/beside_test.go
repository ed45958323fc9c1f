package capture

import (
	"encoding/binary"
	"testing"
)

// ipv4TCP is a TCP packet in Ethernet: with this number of hops left, this IP
// identification, and a TCP checksum that depends on where it was captured.
func ipv4TCP(hops, id, checksum byte, payload string) []byte {
	ip := []byte{0x45, 0, 0, byte(40 + len(payload)), 0, id, 0x40, 0, hops, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum>>16+sum&0xffff))
	tcp := []byte{0x9c, 0x40, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 1, 0, 0, checksum, 0, 0}
	return append(append(append(make([]byte, 12), 8, 0), append(ip, tcp...)...), payload...)
}

func TestMarkOf(t *testing.T) {
	v6 := append([]byte{0x60, 1, 2, 3, 0, 20, 6, 64}, append(make([]byte, 32), ipv4TCP(64, 1, 1, "")[34:]...)...)
	far6 := append([]byte(nil), v6...)
	far6[7] = 60
	one := ipv4TCP(64, 1, 1, "x")
	for _, c := range []struct {
		name string
		a, b []byte
		same bool
	}{
		{"behind a router, its checksum filled in", one, ipv4TCP(63, 1, 9, "x"), true},
		{"behind another link header", one, append([]byte{0, 0, 3, 4, 0, 6, 0, 0}, one...), true},
		{"padded", one, append(append([]byte(nil), one...), 0, 0, 0), true},
		{"sent again", one, ipv4TCP(64, 2, 1, "x"), false},
		{"IPv6 behind a router", v6, far6, true},
	} {
		x, _, ok := markOf(c.a)
		y, _, also := markOf(c.b)
		if !ok || !also || (x == y) != c.same {
			t.Errorf("%s: %x (%v) and %x (%v)", c.name, x, ok, y, also)
		}
	}
	for _, other := range [][]byte{nil, make([]byte, 100), one[:40], []byte("a text in which the letter E stands for 0x45, and much else besides, as long as a packet")} {
		if _, _, ok := markOf(other); ok {
			t.Errorf("%q has a mark", other)
		}
	}
}

func TestKeyOf(t *testing.T) {
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a:80\r\nsec-websocket-key:  0123456789012345678901==\r\n\r\n": "0123456789012345678901==",
		"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n":                "",
		"GET / HTTP/1.1\r\nSec-WebSocket-Key: 01234567890":                                     "",
		"GET / HTTP/1.1\r\nHost: a\xff\xfe:80\r\n\r\n":                                         "",
		"HTTP/1.1 101 X\r\nSec-WebSocket-Key: 0123456789012345678901==\r\n\r\n":                "",
	} {
		if key := keyOf([]byte(text)); key != want {
			t.Errorf("%q: %q", text, key)
		}
	}
}

// TestClocksApart: two files of the same packets, or of one handshake, were
// taken at two places, however far their times are apart; a few copies at the
// end of one and the beginning of the next are a mirror port's.
func TestClocksApart(t *testing.T) {
	request := "GET / HTTP/1.1\r\nSec-WebSocket-Key: 0123456789012345678901==\r\n\r\n"
	every := func(step, from int64, packets ...[]byte) []byte {
		f := pcapFile{magic: magicNano, nano: true}
		b := f.header(1)
		for i, data := range packets {
			b = append(b, f.record(from+int64(i)*step, len(data), data)...)
		}
		return b
	}
	file := func(from int64, packets ...[]byte) []byte { return every(ms, from, packets...) }
	elsewhere := func(p []byte) []byte {
		p[34]++ // the client's port
		return p
	}
	near := func(n byte) []byte { return ipv4TCP(64, n, 1, "") }
	far := func(n byte) []byte { return ipv4TCP(63, n, 2, "") }
	for _, c := range []struct {
		name          string
		first, second []byte
		places        int
	}{
		{"the same packets", file(0, near(1), near(2), near(3)), file(120*second, far(1), far(2), far(3)), 2},
		{"a few copies", file(0, near(1), near(2), near(3)), file(120*second, near(2), near(3), near(4)), 1},
		{"rotated between packets and their copies", every(1000, 0, near(1), near(2), near(3)), every(1000, 50_000, far(1), far(2), far(3)), 1},
		{"rotated in the middle of a proxy's handshake", file(0, near(1), ipv4TCP(64, 2, 1, request)), file(120*second, ipv4TCP(63, 7, 2, "\r\n"+request), near(8)), 1},
		{"keep-alives without identification", file(0, near(0), near(0), near(0)), file(120*second, near(0), near(0), near(0)), 1},
		{"other packets", file(0, near(1), near(2), near(3)), file(120*second, near(4), near(5), near(6)), 1},
		{"a handshake before and behind a proxy", file(0, ipv4TCP(64, 1, 1, request)), file(120*second, elsewhere(ipv4TCP(63, 7, 2, "\r\n"+request))), 2},
	} {
		for _, names := range [][2]string{{"client", "server"}, {"host1", "host2"}} {
			_, infos := read(t, Options{}, write(t, map[string][]byte{names[0]: c.first, names[1]: c.second}))
			if places := int(max(infos[0].Vantage, infos[1].Vantage)) + 1; places != c.places {
				t.Errorf("%s, %v: %d places, want %d", c.name, names, places, c.places)
			}
		}
	}
}

// TestTwoOutlets: a tap gives one file for each direction, which are one place,
// read side by side; two files with both directions, or with the same, are not.
func TestTwoOutlets(t *testing.T) {
	there := func(id byte) []byte { return ipv4TCP(64, id, 1, "") }
	back := func(id byte) []byte {
		p := ipv4TCP(64, id, 1, "")
		p[14+15], p[14+19] = 2, 1 // the last bytes of the addresses; the sum stays
		copy(p[34:], []byte{0, 80, 0x9c, 0x40})
		return p
	}
	file := func(at int64, packets ...[]byte) []byte {
		f := pcapFile{magic: magicNano, nano: true}
		b := f.header(1)
		for i, data := range packets {
			b = append(b, f.record(at+int64(i)*10*ms, len(data), data)...)
		}
		return b
	}
	for _, c := range []struct {
		name          string
		first, second []byte
		places        int
	}{
		{"a direction each", file(0, there(1), there(2), there(3)), file(5*ms, back(1), back(2), back(3)), 1},
		{"a direction each, the second at the end of the first", file(0, there(1), there(2), there(3), there(4), there(5), there(6), there(7)), file(55*ms, back(1), back(2), back(3)), 1},
		{"both directions in one", file(0, there(1), back(2), there(3)), file(5*ms, back(4), back(5), back(6)), 2},
		{"both directions in the other", file(0, there(1), there(2), there(3)), file(5*ms, back(4), there(5), back(6)), 2},
		{"the same direction", file(0, there(1), there(2), there(3)), file(5*ms, there(4), there(5), there(6)), 2},
	} {
		for _, names := range [][2]string{{"in", "out"}, {"tap1", "tap2"}} {
			packets, infos := read(t, Options{}, write(t, map[string][]byte{names[0]: c.first, names[1]: c.second}))
			if places := int(max(infos[0].Vantage, infos[1].Vantage)) + 1; places != c.places {
				t.Errorf("%s, %v: %d places, want %d", c.name, names, places, c.places)
			}
			for i := 1; i < len(packets); i++ {
				if packets[i].time < packets[i-1].time {
					t.Errorf("%s, %v: packet %d is out of order", c.name, names, i)
				}
			}
		}
	}
}
