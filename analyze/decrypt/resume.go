package decrypt

import (
	"crypto/sha256"
	"slices"
	"sync"
)

// MaxResumptions is the number of sessions that Resumptions remembers.
const MaxResumptions = 4096

// Resumptions remembers the master secrets of sessions that may be resumed,
// for key logs that name a session's first connection only (TLS 1.2 and below;
// TLS 1.3 logs secrets of every connection). The zero value is ready, and may
// be shared by sessions and goroutines. What it knows depends on the order in
// which connections of one Options.Scope are fed.
type Resumptions struct {
	mu      sync.Mutex
	masters map[[sha256.Size]byte][]byte
	order   [][sha256.Size]byte // a ring, the oldest at next
	next    int
}

// sessionKey tells session IDs and tickets apart.
func sessionKey(kind byte, scope string, id []byte) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat([]byte{kind, byte(len(scope))}, []byte(scope), id))
}

const (
	byID     = 'i'
	byTicket = 't'
)

func (r *Resumptions) put(kind byte, scope string, id, master []byte) {
	if r == nil || len(id) == 0 || master == nil {
		return
	}
	key := sessionKey(kind, scope, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.masters == nil {
		r.masters = make(map[[sha256.Size]byte][]byte)
	}
	if _, known := r.masters[key]; !known {
		if len(r.order) < MaxResumptions {
			r.order = append(r.order, key)
		} else {
			delete(r.masters, r.order[r.next])
			r.order[r.next] = key
			r.next = (r.next + 1) % MaxResumptions
		}
	}
	r.masters[key] = master
}

func (r *Resumptions) get(kind byte, scope string, id []byte) []byte {
	if r == nil || len(id) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.masters[sessionKey(kind, scope, id)]
}
