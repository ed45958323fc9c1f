package decrypt

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

func unhexString(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRFC8448 checks traffic keys of RFC 8448 section 3.
func TestRFC8448(t *testing.T) {
	for _, x := range []struct{ name, secret, key, iv string }{
		{"server handshake", "b6 7b 7d 69 0c c1 6c 4e 75 e5 42 13 cb 2d 37 b4 e9 c9 12 bc de d9 10 5d 42 be fd 59 d3 91 ad 38",
			"3f ce 51 60 09 c2 17 27 d0 f2 e4 e8 6e e4 03 bc", "5d 31 3e b2 67 12 76 ee 13 00 0b 30"},
		{"client handshake", "b3 ed db 12 6e 06 7f 35 a7 80 b3 ab f4 5e 2d 8f 3b 1a 95 07 38 f5 2e 96 00 74 6a 0e 27 a5 5a 21",
			"db fa a6 93 d1 76 2c 5b 66 6a f5 d9 50 25 8d 01", "5b d3 c7 1b 83 6e 0b 76 bb 73 26 5f"},
		{"server application", "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43",
			"9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56", "cf 78 2b 88 dd 83 54 9a ad f1 e9 84"},
		{"client application", "9e 40 64 6c e7 9a 7f 9d c0 5a f8 88 9b ce 65 52 87 5a fa 0b 06 df 00 87 f7 92 eb b7 c1 75 04 a5",
			"17 42 2d da 59 6e d5 d9 ac d8 90 e3 c6 3f 50 51", "5b 78 92 3d ee 08 57 90 33 e5 23 d9"},
	} {
		secret := unhexString(t, x.secret)
		if got := expandLabel(crypto.SHA256, secret, "key", 16); !bytes.Equal(got, unhexString(t, x.key)) {
			t.Errorf("%s: key %x", x.name, got)
		}
		if got := expandLabel(crypto.SHA256, secret, "iv", 12); !bytes.Equal(got, unhexString(t, x.iv)) {
			t.Errorf("%s: iv %x", x.name, got)
		}
	}
	// The first record of application data of the client.
	record := unhexString(t, `17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab 3f 2b 98 19
		a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d ea e6 3a ee bb 21 69 49 15 e4`)
	want := make([]byte, 50)
	for i := range want {
		want[i] = byte(i)
	}
	p, ok := suiteOf(0x1301)
	if !ok {
		t.Fatal("no suite")
	}
	rd := newReader13(p, unhexString(t, "9e 40 64 6c e7 9a 7f 9d c0 5a f8 88 9b ce 65 52 87 5a fa 0b 06 df 00 87 f7 92 eb b7 c1 75 04 a5"))
	r := &tls.Record{Type: tls.ApplicationData, Version: tls.TLS12, Length: 0x43, Fragment: record[5:]}
	plain, ok := rd.cipher.open(make([]byte, tls.MaxRecord), 0, r)
	if kind, content, typed := innerType(plain); !ok || !typed || kind != tls.ApplicationData || !bytes.Equal(content, want) {
		t.Errorf("opened %v: %x", ok, plain)
	}
	if _, ok := rd.cipher.open(make([]byte, tls.MaxRecord), 1, r); ok {
		t.Error("opens with a wrong sequence number")
	}
}

// TestCCM is example 3 of NIST SP 800-38C: a nonce of 12 bytes, a tag of 8.
func TestCCM(t *testing.T) {
	block, err := aes.NewCipher(unhexString(t, "404142434445464748494a4b4c4d4e4f"))
	if err != nil {
		t.Fatal(err)
	}
	c := newCCM(block, 8)
	nonce, ad := unhexString(t, "101112131415161718191a1b"), unhexString(t, "000102030405060708090a0b0c0d0e0f10111213")
	sealed := unhexString(t, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5 484392fbc1b09951")
	plain, err := c.Open(nil, nonce, sealed, ad)
	if want := unhexString(t, "202122232425262728292a2b2c2d2e2f3031323334353637"); err != nil || !bytes.Equal(plain, want) {
		t.Errorf("%x, %v", plain, err)
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := c.Open(nil, nonce, sealed, ad); err == nil {
			t.Errorf("opens with byte %d changed", i)
		}
		sealed[i] ^= 1
	}
	if _, err := c.Open(nil, nonce, sealed[:7], ad); err == nil {
		t.Error("opens without a tag")
	}
}

func TestSuites(t *testing.T) {
	for _, x := range []struct {
		id   tls.CipherSuite
		want suite
		ok   bool
	}{
		{0x1301, suite{gcm, 16, 0, crypto.SHA256}, true},
		{0x1302, suite{gcm, 32, 0, crypto.SHA384}, true},
		{0x1303, suite{chacha, 32, 0, crypto.SHA256}, true},
		{0x1304, suite{ccm, 16, 0, crypto.SHA256}, true},
		{0x1305, suite{ccm8, 16, 0, crypto.SHA256}, true},
		{0xC0AE, suite{ccm8, 16, 0, crypto.SHA256}, true},
		{0xC0AD, suite{ccm, 32, 0, crypto.SHA256}, true},
		{0xCCA8, suite{chacha, 32, 0, crypto.SHA256}, true},
		{0xC02F, suite{gcm, 16, 0, crypto.SHA256}, true},
		{0xC030, suite{gcm, 32, 0, crypto.SHA384}, true},
		{0xC028, suite{cbcAES, 32, crypto.SHA384, crypto.SHA384}, true},
		{0xC027, suite{cbcAES, 16, crypto.SHA256, crypto.SHA256}, true},
		{0x002F, suite{cbcAES, 16, crypto.SHA1, crypto.SHA256}, true},
		{0x000A, suite{cbc3DES, 24, crypto.SHA1, crypto.SHA256}, true},
		{0x0005, suite{}, false}, // RC4
		{0x0002, suite{}, false}, // NULL
		{0x0041, suite{}, false}, // Camellia
		{0x1306, suite{}, false},
		{0x0A0A, suite{}, false},
	} {
		got, ok := suiteOf(x.id)
		if ok != x.ok || got != x.want {
			t.Errorf("%s: %+v, %v", x.id, got, ok)
		}
	}
}
