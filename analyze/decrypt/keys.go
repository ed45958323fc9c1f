package decrypt

import (
	"sync"
	"sync/atomic"
)

// MaxSecrets is the number of key log lines whose secrets are kept.
const MaxSecrets = 1 << 22

// label is the kind of a TLS 1.3 secret that a key log names.
type label uint8

const (
	clientEarly label = iota
	clientHandshake
	serverHandshake
	clientTraffic
	serverTraffic
	labels
)

// secrets are what key logs say of one client random.
type secrets struct {
	master    []byte // TLS 1.2 and below
	premaster []byte
	traffic   [labels][]byte // TLS 1.3
}

// Keys are the secrets of any number of connections. The zero value is empty
// and ready; all methods may be called at the same time from anywhere, and
// secrets may be added while sessions use it.
type Keys struct {
	mu       sync.RWMutex
	clients  map[[32]byte]secrets
	rsa      map[[8]byte][]byte // start of the encrypted premaster secret → premaster secret
	sessions map[string][]byte  // session ID → master secret
	count    int
	// hasPremaster: some client has a premaster secret (lines PMS_CLIENT_RANDOM).
	hasPremaster bool
	added        atomic.Uint64
}

// Len is the number of secrets held.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.count
}

// String says how many secrets there are, and nothing of them.
func (k *Keys) String() string { return "TLS secrets" }

// GoString keeps %#v from printing secrets.
func (k *Keys) GoString() string { return "decrypt.Keys" }

// generation changes whenever secrets were added.
func (k *Keys) generation() uint64 {
	if k == nil {
		return 0
	}
	return k.added.Load()
}

// find returns what is known of a client random.
func (k *Keys) find(random *[32]byte) (secrets, bool) {
	if k == nil {
		return secrets{}, false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.clients[*random]
	return s, ok
}

// bySession finds a master secret by session ID (lines "RSA Session-ID:…").
func (k *Keys) bySession(id []byte) []byte {
	if k == nil || len(id) == 0 {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.sessions[string(id)]
}

// byRSA finds a premaster secret by the encrypted one.
func (k *Keys) byRSA(encrypted []byte) []byte {
	if k == nil || len(encrypted) < 8 {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.rsa[[8]byte(encrypted)]
}

// premasters tells whether a premaster secret is known at all: only then do
// sessions need their handshake's transcript.
func (k *Keys) premasters() bool {
	if k == nil {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if len(k.rsa) > 0 {
		return true
	}
	return k.hasPremaster
}
