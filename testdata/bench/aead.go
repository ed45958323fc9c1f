package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// ringSize is how many bytes of records of one size are opened in a circle:
// about what a block of a capture holds that has just been read.
const ringSize = 1 << 20

// aeadChild opens as many records of the same suites and sizes as a capture
// has, with nothing around it, and prints the time that this took: SUMS.
func aeadChild(args []string) error {
	if len(args) != 1 {
		return errors.New("child-aead SUMS")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var sums wssSums
	if err := json.Unmarshal(text, &sums); err != nil {
		return err
	}
	var total usage
	for _, k := range sums.Records {
		u, err := k.open()
		if err != nil {
			return err
		}
		total.CPU += u.CPU
		total.Wall += u.Wall
	}
	return json.NewEncoder(os.Stdout).Encode(total)
}

// open opens Count records of the kind.
func (k recordKind) open() (u usage, err error) {
	var key [32]byte
	rand.Read(key[:])
	a, err := k.aead(key[:])
	if err != nil {
		return u, err
	}
	const header, explicitNonce = 5, 8
	sealed := k.Length - header
	if !k.TLS13 && !k.ChaCha {
		sealed -= explicitNonce
	}
	if sealed < a.Overhead() {
		return u, fmt.Errorf("no record of this suite has %d bytes", k.Length)
	}
	aad := make([]byte, 13) // RFC 5246 section 6.2.3.3
	if k.TLS13 {
		aad = aad[:header] // RFC 8446 section 5.2
	}
	ring := make([][]byte, max(ringSize/sealed, 1))
	var nonce [12]byte
	for i := range ring {
		binary.BigEndian.PutUint64(nonce[4:], uint64(i))
		ring[i] = a.Seal(nil, nonce[:], make([]byte, sealed-a.Overhead()), aad)
	}
	out := make([]byte, 0, sealed)
	before := ownCPU()
	began := time.Now()
	for i := int64(0); i < k.Count; i++ {
		at := i % int64(len(ring))
		binary.BigEndian.PutUint64(nonce[4:], uint64(at))
		if _, err := a.Open(out, nonce[:], ring[at], aad); err != nil {
			return u, err
		}
	}
	after := ownCPU()
	return usage{CPU: after - before, Wall: time.Since(began)}, nil
}

func (k recordKind) aead(key []byte) (cipher.AEAD, error) {
	if k.ChaCha {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
