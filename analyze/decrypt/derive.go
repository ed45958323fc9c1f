package decrypt

import (
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"hash"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

const (
	masterLength = 48
)

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446 section
// 7.1).
func expandLabel(h crypto.Hash, secret []byte, label string, length int) []byte {
	full := "tls13 " + label
	info := make([]byte, 0, 4+len(full))
	info = append(info, byte(length>>8), byte(length), byte(len(full)))
	info = append(info, full...)
	info = append(info, 0)
	out, err := hkdf.Expand(h.New, secret, string(info), length)
	if err != nil {
		// Only lengths above 255 hashes fail; those asked for are constants.
		return make([]byte, length)
	}
	return out
}

// nextGeneration is the secret after a KeyUpdate (RFC 8446 section 7.2).
func nextGeneration(h crypto.Hash, secret []byte) []byte {
	return expandLabel(h, secret, "traffic upd", h.Size())
}

// prf is the pseudorandom function of TLS 1.2 (RFC 5246 section 5) or of TLS
// 1.0 and 1.1 (RFC 2246 section 5).
func prf(v tls.Version, h crypto.Hash, secret []byte, label string, seed []byte, length int) []byte {
	seed = append([]byte(label), seed...)
	out := make([]byte, length)
	if v >= tls.TLS12 {
		pHash(out, h, secret, seed)
		return out
	}
	// "The secret is partitioned into two halves S1 and S2 with the possibility
	// of one shared byte".
	half := (len(secret) + 1) / 2
	pHash(out, crypto.MD5, secret[:half], seed)
	other := make([]byte, length)
	pHash(other, crypto.SHA1, secret[len(secret)-half:], seed)
	for i := range out {
		out[i] ^= other[i]
	}
	return out
}

func pHash(out []byte, h crypto.Hash, secret, seed []byte) {
	mac := hmac.New(h.New, secret)
	a := sum(mac, seed)
	for len(out) > 0 {
		out = out[copy(out, sum(mac, a, seed)):]
		a = sum(mac, a)
	}
}

func sum(mac hash.Hash, parts ...[]byte) []byte {
	mac.Reset()
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// masterFromPremaster is RFC 5246 section 8.1, or with a session hash RFC
// 7627 section 4.
func masterFromPremaster(v tls.Version, h crypto.Hash, premaster, clientRandom, serverRandom, sessionHash []byte) []byte {
	if sessionHash != nil {
		return prf(v, h, premaster, "extended master secret", sessionHash, masterLength)
	}
	return prf(v, h, premaster, "master secret", join(clientRandom, serverRandom), masterLength)
}

// sessionHash is the hash of a handshake's messages as the PRF of its version
// hashes them (RFC 7627 section 3).
func sessionHash(v tls.Version, h crypto.Hash, transcript []byte) []byte {
	if v >= tls.TLS12 {
		return digest(h, transcript)
	}
	return join(digest(crypto.MD5, transcript), digest(crypto.SHA1, transcript))
}

func digest(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

func join(a, b []byte) []byte { return append(append(make([]byte, 0, len(a)+len(b)), a...), b...) }
