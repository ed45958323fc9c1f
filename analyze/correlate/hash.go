package correlate

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Hashes are the same in every run, so that what several runs remember can be
// added up. They read eight bytes at a time: every connection has some hashed.
const (
	hashSeed  uint64 = 14695981039346656037
	hashPrime uint64 = 0x9e3779b97f4a7c15
)

func mix(h, x uint64) uint64 {
	high, low := bits.Mul64(h^x, hashPrime)
	return high ^ low ^ hashSeed
}

// hashString goes on from h with a string and its length, so that strings one
// after the other do not run together.
func hashString[T string | []byte](h uint64, s T) uint64 {
	h = mix(h, uint64(len(s)))
	for len(s) >= 8 {
		h = mix(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	var rest uint64
	for i := range len(s) {
		rest |= uint64(s[i]) << (8 * i)
	}
	return mix(h, rest)
}

func hashAddr(a [16]byte) uint64 {
	return mix(mix(hashSeed, binary.LittleEndian.Uint64(a[:8])), binary.LittleEndian.Uint64(a[8:]))
}

// HashText is a key for comparing texts, never 0.
func HashText[T string | []byte](s T) uint64 { return max(1, hashString(hashSeed, s)) }

// HashTarget is HashText of a request target in origin form.
func HashTarget(target string) uint64 {
	p, query := split(target)
	if query != "" {
		return max(1, hashString(hashString(hashSeed, p), query))
	}
	return HashText(p)
}

// HashTargetBytes is HashTarget without a string.
func HashTargetBytes(target []byte) uint64 {
	if len(target) == 0 || target[0] != '/' {
		return HashTarget(string(target))
	}
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		return max(1, hashString(hashString(hashSeed, target[:i]), target[i:]))
	}
	return HashText(target)
}

// HashURL is a key for comparing what handshakes ask for, without the query.
func HashURL(host, target string) uint64 { return hashString(hashString(hashSeed, host), path(target)) }

// endpoint is an address and port without pointers.
type endpoint struct {
	addr [16]byte
	port uint16
}

func endpointOf(a netip.AddrPort) endpoint { return endpoint{a.Addr().As16(), a.Port()} }

func (e endpoint) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port)
}

// sieve counts by hash, for a first look at which of many keys are frequent:
// it may count too much, never too little.
type sieve []uint32

// newSieve makes room for so many keys.
func newSieve(n int) sieve { return make(sieve, 1<<bits.Len(uint(max(16, n)))) }

// add counts, and says how many there are now.
func (s sieve) add(hash uint64) int {
	at := &s[hash&uint64(len(s)-1)]
	*at++
	return int(*at)
}

func (s sieve) count(hash uint64) int { return int(s[hash&uint64(len(s)-1)]) }
