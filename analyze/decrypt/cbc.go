package decrypt

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"hash"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// cbc is the protection of block cipher suites (RFC 5246 section 6.2.3.2),
// with the MAC inside or, after encrypt_then_mac, outside (RFC 7366).
//
// In TLS 1.0 each record's IV is the last block of the record before it. When
// that one was not seen, the record cannot be checked, so it is lost, too.
type cbc struct {
	block    cipher.Block
	mode     cipher.BlockMode
	mac      hash.Hash
	macLen   int
	size     int
	explicit bool // the IV stands in the record (TLS 1.1 and later)
	etm      bool
	ivKnown  bool
	iv       [16]byte
	header   [13]byte
	sum      [64]byte
}

func newCBC(p params, block cipher.Block, keys directionKeys) *cbc {
	c := &cbc{
		block: block, size: block.BlockSize(),
		mac: hmac.New(p.suite.mac.New, keys.mac), macLen: p.suite.mac.Size(),
		explicit: p.version >= tls.TLS11, etm: p.encryptThenMAC, ivKnown: true,
	}
	copy(c.iv[:], keys.iv)
	c.mode = cipher.NewCBCDecrypter(block, c.iv[:c.size])
	return c
}

func (c *cbc) lost() { c.ivKnown = false }

func (c *cbc) after(fragment []byte) {
	if c.explicit {
		return
	}
	last := len(fragment)
	if c.etm {
		last -= c.macLen
	}
	if c.ivKnown = last >= c.size; c.ivKnown {
		copy(c.iv[:c.size], fragment[last-c.size:last])
	}
}

func (c *cbc) open(dst []byte, seq uint64, r *tls.Record) ([]byte, bool) {
	body := r.Fragment
	if c.etm {
		n := len(body) - c.macLen
		// RFC 7366 section 3: the MAC covers IV and ciphertext.
		if n < 0 || !c.checkMAC(seq, r, body[:n], body[n:]) {
			return nil, false
		}
		body = body[:n]
	}
	plain, ok := c.decrypt(dst, body)
	if !ok {
		return nil, false
	}
	if c.etm {
		return plain, true
	}
	n := len(plain) - c.macLen
	if n < 0 || !c.checkMAC(seq, r, plain[:n], plain[n:]) {
		clear(plain)
		return nil, false
	}
	return plain[:n], true
}

// decrypt takes off IV, encryption and padding.
func (c *cbc) decrypt(dst, body []byte) ([]byte, bool) {
	if c.explicit {
		if len(body) < c.size {
			return nil, false
		}
		copy(c.iv[:], body[:c.size])
		body = body[c.size:]
	} else if !c.ivKnown {
		return nil, false
	}
	if len(body) == 0 || len(body)%c.size != 0 || len(body) > cap(dst) {
		return nil, false
	}
	c.mode.(interface{ SetIV([]byte) }).SetIV(c.iv[:c.size])
	plain := dst[:len(body)]
	c.mode.CryptBlocks(plain, body)
	// "Each uint8 in the padding data vector MUST be filled with the padding
	// length value."
	pad := int(plain[len(plain)-1]) + 1
	if pad > len(plain) {
		return nil, false
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad-1 {
			return nil, false
		}
	}
	return plain[:len(plain)-pad], true
}

func (c *cbc) checkMAC(seq uint64, r *tls.Record, content, want []byte) bool {
	macHeader(&c.header, seq, r, len(content))
	c.mac.Reset()
	c.mac.Write(c.header[:])
	c.mac.Write(content)
	return subtle.ConstantTimeCompare(c.mac.Sum(c.sum[:0]), want) == 1
}
