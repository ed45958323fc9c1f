package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"
)

// Two captures of the same packets were taken at two places, whatever their
// times say: clocks differ. To see that, the packets at the beginning of each
// file are compared.
const (
	// maxBeside bounds the files that are compared: more are an archive.
	maxBeside = 8
	// markedPackets is how many packets of each are.
	markedPackets = 256
	// sharedPackets tell: a handshake, or a SYN that was sent three times.
	sharedPackets = 3
	// copyDelay is the time within which a mirror port or -i any copies a packet.
	copyDelay = int64(time.Millisecond)
	// maxLinkHeader is how far into a packet its IP header is looked for.
	maxLinkHeader = 40
)

// marked takes the marks of the packets at the beginning of a file.
func (c *candidate) marked(r *reader) {
	p := r.pkt
	for n := 1; ; n++ {
		if m, way, ok := markOf(p.Data); ok {
			c.marks = append(c.marks, seenMark{m, p.Time})
			c.ways = append(c.ways, way)
			if key := keyOf(p.Data); key != "" {
				c.keys = append(c.keys, key)
			}
		}
		if n == markedPackets || !r.next(&p) {
			break
		}
	}
	slices.SortFunc(c.marks, func(a, b seenMark) int { return cmp.Or(cmp.Compare(a.mark, b.mark), cmp.Compare(a.at, b.at)) })
	c.marks = slices.CompactFunc(c.marks, func(a, b seenMark) bool { return a.mark == b.mark })
}

// seenMark is the mark of a packet, and when the packet came.
type seenMark struct {
	mark uint64
	at   int64
}

// beside tells that two files hold the same packets, or the same handshake
// before and behind a proxy. What came at the same time is one capture's: its
// files may overlap, or end between a packet and its copy.
func beside(a, b *candidate) bool {
	x, y, shared := a.marks, b.marks, 0
	for len(x) > 0 && len(y) > 0 && shared < sharedPackets {
		switch {
		case x[0].mark < y[0].mark:
			x = x[1:]
		case x[0].mark > y[0].mark:
			y = y[1:]
		default:
			if d := x[0].at - y[0].at; d > copyDelay || d < -copyDelay {
				shared++
			}
			x, y = x[1:], y[1:]
		}
	}
	if shared == sharedPackets {
		return true
	}
	return slices.ContainsFunc(a.keys, func(key string) bool { return slices.Contains(b.keys, key) }) && !meet(a, b)
}

// meet tells that two files hold packets of the same connections. A file of a
// proxy's that was rotated in the middle of a handshake does.
func meet(a, b *candidate) bool {
	return slices.ContainsFunc(a.ways, func(w way) bool { return slices.Contains(b.ways, w) || slices.Contains(b.ways, way{w.to, w.from}) })
}

// way is where a TCP packet comes from and where it goes to, as hashes.
type way struct{ from, to uint64 }

// halves tells that two files hold one direction each of the same connections,
// as a tap with an outlet for each direction gives them.
func halves(a, b *candidate) bool {
	found := false
	for _, w := range a.ways {
		back := way{w.to, w.from}
		if slices.Contains(a.ways, back) || slices.Contains(b.ways, w) {
			return false
		}
		found = found || slices.Contains(b.ways, back)
	}
	return found && !slices.ContainsFunc(b.ways, func(w way) bool { return slices.Contains(b.ways, way{w.to, w.from}) })
}

// markOf is a hash of what a TCP packet keeps on its way: all of its IP header
// but the hops left and the checksum, and its TCP header but for the checksum,
// which a network card may fill in later. ok is false for other packets. The IP
// header is found by its own checksum, or by its length, behind any link header.
func markOf(b []byte) (mark uint64, w way, ok bool) {
	const ipv4Len, ipv6Len, tcpLen, protocolTCP = 20, 40, 20, 6
	for i := 0; i <= min(maxLinkHeader, len(b)-ipv4Len-tcpLen); i++ {
		switch h := b[i:]; {
		case h[0] == 0x45 && h[9] == protocolTCP && sums(h[:ipv4Len], len(h)):
			tcp := h[ipv4Len:]
			mark = hashOf(h[:8], h[9:10], h[12:ipv4Len], tcp[:16], tcp[18:tcpLenOf(tcp)])
			return mark, way{hashOf(h[12:16], tcp[:2]), hashOf(h[16:ipv4Len], tcp[2:4])}, true
		case h[0]>>4 == 6 && len(h) >= ipv6Len+tcpLen && h[6] == protocolTCP && fits(int(binary.BigEndian.Uint16(h[4:])), len(h)-ipv6Len):
			tcp := h[ipv6Len:]
			mark = hashOf(h[:7], h[8:ipv6Len], tcp[:16], tcp[18:tcpLenOf(tcp)])
			return mark, way{hashOf(h[8:24], tcp[:2]), hashOf(h[24:ipv6Len], tcp[2:4])}, true
		}
	}
	return 0, way{}, false
}

// tcpLenOf is how long a TCP header is that begins so, as far as it was
// captured. Its time stamps tell a keep-alive from the next.
func tcpLenOf(h []byte) int {
	const least, wordLen = 20, 4
	return min(max(int(h[12]>>4)*wordLen, least), len(h))
}

// keyOf is the key of a WebSocket's handshake in a packet, which is random
// (RFC 6455, section 4.1), but for that of the RFC's example.
func keyOf(b []byte) string {
	const name, size, example = "Sec-WebSocket-Key", 24, "dGhlIHNhbXBsZSBub25jZQ=="
	if !bytes.Contains(b, []byte("GET ")) {
		return ""
	}
	for {
		i := bytes.IndexByte(b, ':')
		if i < 0 {
			return ""
		}
		if i < len(name) || !bytes.EqualFold(b[i-len(name):i], []byte(name)) {
			b = b[i+1:]
			continue
		}
		key := bytes.TrimLeft(b[i+1:], " \t")
		if len(key) < size || string(key[:size]) == example {
			return ""
		}
		return string(key[:size])
	}
}

// sums: the checksum of an IPv4 header (RFC 1071) is right, or it was left to
// the network card and the length is right.
func sums(h []byte, have int) bool {
	if h[10] == 0 && h[11] == 0 {
		return fits(int(binary.BigEndian.Uint16(h[2:])), have)
	}
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(h[i])<<8 | uint32(h[i+1])
	}
	sum = sum>>16 + sum&0xffff
	return sum>>16+sum&0xffff == 0xffff
}

// fits: so many bytes stand in so many, with a little padding or a check sequence.
func fits(length, have int) bool { return length <= have && have <= length+8 }

// marking makes hashes of one run comparable.
var marking = maphash.MakeSeed()

func hashOf(parts ...[]byte) uint64 {
	var h maphash.Hash
	h.SetSeed(marking)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum64()
}
