package decrypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// ccmMode is CCM (RFC 3610) as TLS uses it: nonces of twelve bytes, so a
// length field of three. It only opens.
type ccmMode struct {
	block cipher.Block
	tag   int
	// The arrays live here because what is passed to an interface escapes.
	mac, counter, stream [16]byte
}

const ccmNonce = 12

var (
	errOpen = errors.New("record does not open")
	errSeal = errors.New("CCM here only opens")
)

func newCCM(block cipher.Block, tag int) *ccmMode { return &ccmMode{block: block, tag: tag} }

func (c *ccmMode) NonceSize() int { return ccmNonce }
func (c *ccmMode) Overhead() int  { return c.tag }

// Seal is part of cipher.AEAD, but nothing here encrypts.
func (c *ccmMode) Seal(_, _, _, _ []byte) []byte { panic(errSeal) }

func (c *ccmMode) Open(dst, nonce, sealed, ad []byte) ([]byte, error) {
	n := len(sealed) - c.tag
	if n < 0 || len(nonce) != ccmNonce || n >= 1<<24 || len(ad) >= 0xff00 {
		return nil, errOpen
	}
	start := len(dst)
	dst = append(dst, sealed[:n]...)
	plain := dst[start:]
	c.begin(nonce, ad, n)
	for i := 0; i < n; i += 16 {
		end := min(i+16, n)
		c.next()
		subtle.XORBytes(plain[i:end], plain[i:end], c.stream[:])
		subtle.XORBytes(c.mac[:], c.mac[:], plain[i:end])
		c.block.Encrypt(c.mac[:], c.mac[:])
	}
	// The tag is encrypted with counter zero.
	c.counter[13], c.counter[14], c.counter[15] = 0, 0, 0
	c.block.Encrypt(c.stream[:], c.counter[:])
	subtle.XORBytes(c.mac[:], c.mac[:], c.stream[:])
	if subtle.ConstantTimeCompare(c.mac[:c.tag], sealed[n:]) != 1 {
		clear(plain)
		return nil, errOpen
	}
	return dst, nil
}

// begin is RFC 3610 section 2.2 up to the message, and the counter of 2.3.
func (c *ccmMode) begin(nonce, ad []byte, n int) {
	const lengthField = 15 - ccmNonce
	c.mac = [16]byte{0: byte(0x40 | (c.tag-2)/2<<3 | lengthField - 1)}
	if len(ad) == 0 {
		c.mac[0] &^= 0x40
	}
	copy(c.mac[1:], nonce)
	c.mac[13], c.mac[14], c.mac[15] = byte(n>>16), byte(n>>8), byte(n)
	c.counter = [16]byte{0: lengthField - 1}
	copy(c.counter[1:], nonce)
	c.block.Encrypt(c.mac[:], c.mac[:])
	if len(ad) == 0 {
		return
	}
	c.mac[0] ^= byte(len(ad) >> 8)
	c.mac[1] ^= byte(len(ad))
	at := 2
	for _, x := range ad {
		if at == 16 {
			c.block.Encrypt(c.mac[:], c.mac[:])
			at = 0
		}
		c.mac[at] ^= x
		at++
	}
	c.block.Encrypt(c.mac[:], c.mac[:])
}

// next steps the counter and makes the next block of key stream.
func (c *ccmMode) next() {
	for i := 15; i > ccmNonce; i-- {
		if c.counter[i]++; c.counter[i] != 0 {
			break
		}
	}
	c.block.Encrypt(c.stream[:], c.counter[:])
}
