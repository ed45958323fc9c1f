package correlate

import (
	"encoding/binary"
	"net/netip"
)

// addrKey is an address as digests of one set are compared by it: the bytes of
// one of IPv4, or wide and the number of one of IPv6 in the set.
type addrKey uint64

const wide addrKey = 1 << 32

// endKey is an addrKey and, above it, a port.
type endKey uint64

const portAt = 33

func (a addrKey) hash() uint64 { return mix(hashSeed, uint64(a)) }

func (e endKey) hash() uint64 { return mix(hashSeed, uint64(e)) }

// from is where the connection came from.
func (d *Digest) from() addrKey {
	a := addrKey(d.client)
	if d.flags&wideClient != 0 {
		a |= wide
	}
	return a
}

// to is where it went.
func (d *Digest) to() endKey {
	a := addrKey(d.server)
	if d.flags&wideServer != 0 {
		a |= wide
	}
	return endKey(a) | endKey(d.port)<<portAt
}

// wideAddrs are the addresses of IPv6, by number.
type wideAddrs struct {
	list   [][16]byte
	number map[[16]byte]uint32
}

func (w *wideAddrs) add(a [16]byte) uint32 {
	if n, known := w.number[a]; known {
		return n
	}
	if w.number == nil {
		w.number = map[[16]byte]uint32{}
	}
	n := uint32(len(w.list))
	w.number[a] = n
	w.list = append(w.list, a)
	return n
}

// short gives an address in four bytes.
func (s *Set) short(a netip.Addr) (short uint32, isWide bool) {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return binary.BigEndian.Uint32(b[:]), false
	}
	return s.wide.add(a.As16()), true
}

// locate gives a digest its addresses.
func (s *Set) locate(d *Digest, client, server netip.AddrPort) {
	var isWide bool
	if d.client, isWide = s.short(client.Addr()); isWide {
		d.flags |= wideClient
	}
	if d.server, isWide = s.short(server.Addr()); isWide {
		d.flags |= wideServer
	}
	d.port = server.Port()
}

func (s *Set) addr(a addrKey) netip.Addr {
	if a&wide != 0 {
		return netip.AddrFrom16(s.wide.list[uint32(a)])
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(a))
	return netip.AddrFrom4(b)
}

func (s *Set) addrPort(e endKey) netip.AddrPort {
	return netip.AddrPortFrom(s.addr(addrKey(e&(1<<portAt-1))), uint16(e>>portAt))
}
