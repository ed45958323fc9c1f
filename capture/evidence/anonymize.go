package evidence

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
)

// Anonymizer maps addresses and names to others, the same ones for the same
// key. Addresses keep their common prefixes: two of one network stay in one
// network (Crypto-PAn: Xu, Fan, Ammar, Moon, "Prefix-Preserving IP Address
// Anonymization", 2002). It may be used from anywhere at the same time.
type Anonymizer struct {
	block cipher.Block
	pad   [16]byte
	key   [32]byte // of names and hardware addresses
	mutex sync.Mutex
	known map[netip.Addr]netip.Addr
}

// maxKnown bounds the addresses whose mapping is remembered; others are worked out again.
const maxKnown = 1 << 16

// NewAnonymizer makes the anonymizer of a secret, of which every byte counts.
func NewAnonymizer(secret []byte) *Anonymizer {
	key := derive(secret, "wsleuth anonymize addresses")
	a := newCryptoPAn(key)
	a.key = derive(secret, "wsleuth anonymize names")
	return a
}

func derive(secret []byte, use string) (key [32]byte) {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(use))
	mac.Sum(key[:0])
	return key
}

// newCryptoPAn takes a key as the paper has it: 16 bytes for AES, 16 for the pad.
func newCryptoPAn(key [32]byte) *Anonymizer {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	a := &Anonymizer{block: block, known: make(map[netip.Addr]netip.Addr)}
	block.Encrypt(a.pad[:], key[16:])
	return a
}

// Addr maps an address to another of its family. An IPv4 address within IPv6
// is mapped as IPv4; zones are left out.
func (a *Anonymizer) Addr(addr netip.Addr) netip.Addr {
	if !addr.IsValid() || addr.IsUnspecified() {
		return addr
	}
	addr = addr.Unmap().WithZone("")
	a.mutex.Lock()
	mapped, ok := a.known[addr]
	a.mutex.Unlock()
	if ok {
		return mapped
	}
	if addr.Is4() {
		b := addr.As4()
		a.bits(b[:])
		mapped = netip.AddrFrom4(b)
	} else {
		b := addr.As16()
		a.bits(b[:])
		mapped = netip.AddrFrom16(b)
	}
	a.mutex.Lock()
	if len(a.known) < maxKnown {
		a.known[addr] = mapped
	}
	a.mutex.Unlock()
	return mapped
}

// bits flips each bit of b by the first bit of the cipher of all bits before
// it, which are followed by those of the pad.
func (a *Anonymizer) bits(b []byte) {
	var in, out [16]byte
	var flips [16]byte
	for i := range len(b) * 8 {
		in = a.pad
		whole, rest := i/8, i%8
		copy(in[:whole], b)
		if rest > 0 {
			mask := byte(0xff) << (8 - rest)
			in[whole] = b[whole]&mask | a.pad[whole]&^mask
		}
		a.block.Encrypt(out[:], in[:])
		flips[whole] |= out[0] >> 7 << (7 - rest)
	}
	for i := range b {
		b[i] ^= flips[i]
	}
}

// letters are those of tokens: host names have no others.
const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

// Name maps a host name to a token of the same length with dots and hyphens at
// the same places, so that it can take the name's place in a packet. Upper case
// makes no difference.
func (a *Anonymizer) Name(name string) string {
	sum := a.sum("name", strings.ToLower(name))
	token := []byte(name)
	for i, c := range token {
		if i%sha256.Size == sha256.Size-1 {
			sum = a.sum("more", string(sum))
		}
		switch {
		case c == '.' || c == '-' || c == '_' || c == ':':
		case c >= '0' && c <= '9' || i == 0:
			token[i] = letters[int(sum[i%sha256.Size])%26]
		default:
			token[i] = letters[int(sum[i%sha256.Size])%len(letters)]
		}
	}
	return string(token)
}

// mac maps a hardware address in place to a locally administered one; group
// addresses stay, for they name nobody.
func (a *Anonymizer) mac(b []byte) {
	if len(b) != 6 || b[0]&1 != 0 || string(b) == "\x00\x00\x00\x00\x00\x00" {
		return
	}
	sum := a.sum("mac", string(b))
	copy(b, sum[:6])
	b[0] = b[0]&^3 | 2
}

func (a *Anonymizer) sum(kind, text string) []byte {
	mac := hmac.New(sha256.New, a.key[:])
	mac.Write([]byte(kind + "\x00" + text))
	return mac.Sum(nil)
}
