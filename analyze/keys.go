package analyze

import (
	"hash/maphash"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxKeys bounds the handshakes whose keys are remembered, to tell a replayed
// answer; the latest are kept.
const maxKeys = 1 << 16

// answers remembers by hash which answer each handshake demands. Nearly no
// capture holds a replayed answer: they are only put in order when one is
// looked for.
type answers struct {
	ring []*[answerChunk]answer // of the handshake number n at n % maxKeys
	n    uint32                 // how many there were
	byIt map[uint64]uint32      // the first with it; nil: nothing was looked for so far
	seed maphash.Seed
}

// answerChunk is how many answers get memory at once: a ring that grew by
// copying would cost more than it holds.
const answerChunk = 1 << 10

type answer struct {
	hash    uint64
	request record.Ref
	first   int64 // as connName has it
	stream  int64
	file    int32
}

// add keeps the answer that a handshake's key demands.
func (a *answers) add(c *record.Connection, u *record.UpgradeFacts) {
	if u.WantAccept == "" {
		return
	}
	if a.ring == nil {
		a.seed = maphash.MakeSeed()
	}
	name := connOf(c)
	x := answer{hash: maphash.String(a.seed, u.WantAccept), request: u.RequestRef, first: name.Packet, stream: name.Stream, file: -1}
	if len(c.Facts.Files) > 1 {
		x.file = name.File
	}
	at := a.n % maxKeys
	if int(at/answerChunk) == len(a.ring) {
		a.ring = append(a.ring, new([answerChunk]answer))
	}
	place := a.at(at)
	if a.byIt != nil && a.n >= maxKeys && a.byIt[place.hash] == at {
		delete(a.byIt, place.hash)
	}
	*place = x
	a.n++
	if a.byIt != nil {
		a.order(at)
	}
}

func (a *answers) at(i uint32) *answer { return &a.ring[i/answerChunk][i%answerChunk] }

func (a *answers) order(at uint32) {
	if _, known := a.byIt[a.at(at).hash]; !known {
		a.byIt[a.at(at).hash] = at
	}
}

// of is the handshake whose key demands the answer.
func (a *answers) of(accept string) (found record.OtherConnection, ok bool) {
	if a.n == 0 {
		return found, false
	}
	if a.byIt == nil {
		kept := min(a.n, maxKeys)
		a.byIt = make(map[uint64]uint32, kept)
		for i := range kept {
			a.order((a.n - kept + i) % maxKeys)
		}
	}
	at, ok := a.byIt[maphash.String(a.seed, accept)]
	if !ok {
		return found, false
	}
	x := a.at(at)
	return record.OtherConnection{ID: connName(x.file, x.first, x.stream), Ref: x.request}, true
}
