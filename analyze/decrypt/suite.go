package decrypt

import (
	"crypto"
	_ "crypto/md5" // the hashes that suites name
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

type cipherKind uint8

const (
	gcm cipherKind = iota
	chacha
	ccm
	ccm8
	cbcAES
	cbc3DES
)

// suite is what decryption needs to know of a cipher suite.
type suite struct {
	kind   cipherKind
	keyLen int
	mac    crypto.Hash // of CBC suites
	hash   crypto.Hash // of the PRF of TLS 1.2, of HKDF in TLS 1.3
}

// suiteOf reads a suite's parameters from its name, which RFC 5246 appendix C
// and RFC 8446 appendix B.4 build by one pattern. ok is false for ciphers that
// cannot be decrypted here (RC4, Camellia, ARIA, SM4 and the like).
func suiteOf(id tls.CipherSuite) (s suite, ok bool) {
	name := strings.TrimPrefix(id.String(), "TLS_")
	if _, after, found := strings.Cut(name, "_WITH_"); found {
		name = after
	}
	for _, c := range ciphers {
		rest, found := strings.CutPrefix(name, c.name)
		if !found {
			continue
		}
		mac, found := hashes[strings.TrimPrefix(rest, "_")]
		if !found {
			return suite{}, false
		}
		s = suite{kind: c.kind, keyLen: c.keyLen, hash: crypto.SHA256}
		if c.kind >= cbcAES {
			s.mac = mac
		}
		// RFC 5289 section 3: suites that end in SHA384 use it in the PRF.
		if mac == crypto.SHA384 {
			s.hash = mac
		}
		return s, true
	}
	return suite{}, false
}

// ciphers are ordered so that no name is hidden by one that begins it.
var ciphers = []struct {
	name   string
	kind   cipherKind
	keyLen int
}{
	{"AES_128_GCM", gcm, 16}, {"AES_256_GCM", gcm, 32}, {"CHACHA20_POLY1305", chacha, 32},
	{"AES_128_CCM_8", ccm8, 16}, {"AES_256_CCM_8", ccm8, 32}, {"AES_128_CCM", ccm, 16}, {"AES_256_CCM", ccm, 32},
	{"AES_128_CBC", cbcAES, 16}, {"AES_256_CBC", cbcAES, 32}, {"3DES_EDE_CBC", cbc3DES, 24},
}

var hashes = map[string]crypto.Hash{
	"": crypto.SHA256, "MD5": crypto.MD5, "SHA": crypto.SHA1, "SHA256": crypto.SHA256, "SHA384": crypto.SHA384,
}
