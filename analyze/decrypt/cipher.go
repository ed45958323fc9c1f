package decrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// recordCipher opens the records of one direction under one key. open must
// not change fragment; the plaintext lies in dst's array. It is tried with
// several sequence numbers where some were lost, so it must not remember
// anything: what chains records is told by after.
type recordCipher interface {
	open(dst []byte, seq uint64, r *tls.Record) (plain []byte, ok bool)
	// after says that a record has passed, opened or not; fragment is nil when
	// it was not seen whole.
	after(fragment []byte)
	// lost says that an unknown number of records was not seen.
	lost()
}

// unchained is for ciphers whose records stand alone.
type unchained struct{}

func (unchained) after([]byte) {}
func (unchained) lost()        {}

// aead13 is the record protection of TLS 1.3 (RFC 8446 section 5.2).
type aead13 struct {
	unchained
	aead  cipher.AEAD
	iv    [12]byte
	nonce [12]byte
	ad    [5]byte
}

func newAEAD13(s suite, secret []byte) (*aead13, bool) {
	if s.kind >= cbcAES { // a suite of TLS 1.2
		return nil, false
	}
	aead, err := newAEAD(s.kind, expandLabel(s.hash, secret, "key", s.keyLen))
	if err != nil {
		return nil, false
	}
	c := &aead13{aead: aead}
	copy(c.iv[:], expandLabel(s.hash, secret, "iv", len(c.iv)))
	return c, true
}

func (c *aead13) open(dst []byte, seq uint64, r *tls.Record) ([]byte, bool) {
	xorNonce(&c.nonce, &c.iv, seq)
	c.ad = [5]byte{byte(r.Type), byte(r.Version >> 8), byte(r.Version), byte(r.Length >> 8), byte(r.Length)}
	plain, err := c.aead.Open(dst[:0], c.nonce[:], r.Fragment, c.ad[:])
	return plain, err == nil
}

// xorNonce is RFC 8446 section 5.3: the sequence number, padded to the left,
// is XORed with the IV.
func xorNonce(nonce, iv *[12]byte, seq uint64) {
	*nonce = *iv
	tail := nonce[4:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^seq)
}

// aead12 is the protection of AEAD suites in TLS 1.2 (RFC 5246 section
// 6.2.3.3): with eight bytes of nonce in the record for GCM and CCM (RFC 5288,
// RFC 6655), with none for ChaCha20 (RFC 7905).
type aead12 struct {
	unchained
	aead     cipher.AEAD
	explicit int
	iv       [12]byte
	nonce    [12]byte
	ad       [13]byte
}

func newAEAD12(kind cipherKind, key, iv []byte) (*aead12, bool) {
	aead, err := newAEAD(kind, key)
	if err != nil {
		return nil, false
	}
	c := &aead12{aead: aead, explicit: 8}
	if kind == chacha {
		c.explicit = 0
	}
	copy(c.iv[:], iv)
	return c, true
}

func (c *aead12) open(dst []byte, seq uint64, r *tls.Record) ([]byte, bool) {
	sealed := len(r.Fragment) - c.explicit
	length := sealed - c.aead.Overhead()
	if length < 0 {
		return nil, false
	}
	if c.explicit > 0 {
		copy(c.nonce[:4], c.iv[:4])
		copy(c.nonce[4:], r.Fragment[:8])
	} else {
		xorNonce(&c.nonce, &c.iv, seq)
	}
	macHeader(&c.ad, seq, r, length)
	plain, err := c.aead.Open(dst[:0], c.nonce[:], r.Fragment[c.explicit:], c.ad[:])
	return plain, err == nil
}

// macHeader is what TLS 1.2 and below authenticate before a record's content.
func macHeader(h *[13]byte, seq uint64, r *tls.Record, length int) {
	binary.BigEndian.PutUint64(h[:8], seq)
	h[8], h[9], h[10] = byte(r.Type), byte(r.Version>>8), byte(r.Version)
	h[11], h[12] = byte(length>>8), byte(length)
}

func newAEAD(kind cipherKind, key []byte) (cipher.AEAD, error) {
	if kind == chacha {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	switch kind {
	case ccm:
		return newCCM(block, 16), nil
	case ccm8:
		return newCCM(block, 8), nil
	}
	return cipher.NewGCM(block)
}

// newCipher12 makes the cipher of one direction from the key block (RFC 5246
// section 6.3).
func newCipher12(p params, keys directionKeys) (recordCipher, bool) {
	switch p.suite.kind {
	case cbcAES, cbc3DES:
		newBlock := aes.NewCipher
		if p.suite.kind == cbc3DES {
			newBlock = des.NewTripleDESCipher
		}
		block, err := newBlock(keys.key)
		if err != nil {
			return nil, false
		}
		return newCBC(p, block, keys), true
	}
	return newAEAD12(p.suite.kind, keys.key, keys.iv)
}

// params are what a handshake below TLS 1.3 settled.
type params struct {
	suite          suite
	version        tls.Version
	encryptThenMAC bool
}

// directionKeys are one direction's part of the key block.
type directionKeys struct{ mac, key, iv []byte }

// keyBlock cuts the key block of RFC 5246 section 6.3.
func keyBlock(p params, master, clientRandom, serverRandom []byte) (client, server directionKeys) {
	macLen, ivLen := 0, 4 // RFC 5288 section 3: a salt of four bytes
	switch p.suite.kind {
	case chacha:
		ivLen = 12
	case cbcAES:
		macLen, ivLen = p.suite.mac.Size(), aes.BlockSize
	case cbc3DES:
		macLen, ivLen = p.suite.mac.Size(), des.BlockSize
	}
	block := prf(p.version, p.suite.hash, master, "key expansion", join(serverRandom, clientRandom), 2*(macLen+p.suite.keyLen+ivLen))
	cut := func(n int) []byte {
		part := block[:n:n]
		block = block[n:]
		return part
	}
	client.mac, server.mac = cut(macLen), cut(macLen)
	client.key, server.key = cut(p.suite.keyLen), cut(p.suite.keyLen)
	client.iv, server.iv = cut(ivLen), cut(ivLen)
	return client, server
}
