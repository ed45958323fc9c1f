package analyze

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
	"github.com/wsleuth/wsleuth/reassembly"
)

// Several cores share a capture: one goroutine reads and decodes, and deals the
// packets out by a hash of their connection's addresses; each shard follows its
// connections with a table and a tracker of its own; one more goroutine takes
// what they found in the order of the capture. That order does not depend on
// the number of shards, so neither does the result.

const (
	// maxShards bounds the shards; reading and judging keep no more busy.
	maxShards = 8
	// usefulShards is how many are used unless the user says otherwise, where
	// the first trialPackets packets have smallPacket bytes at most on average:
	// reading and copying large ones takes longer than following them, but for
	// those that are to be decrypted.
	usefulShards = 4
	trialPackets = 512
	smallPacket  = 320
	// roundBytes bounds what is dealt out at once: enough that handing over
	// costs nothing, little enough to stay in a core's cache.
	roundBytes = 256 << 10
	// roundsAhead bounds the rounds under way.
	roundsAhead = 4
	// chunkEvents bounds the events handed over at once, chunksAhead how many
	// such chunks wait: with the end of a capture thousands of connections end.
	chunkEvents = 64
	chunksAhead = 4
)

// dealt is a packet as it is handed to a shard.
type dealt struct {
	p    capture.Packet
	ip   link.IP
	hash uint64 // reassembly.FlowHash
}

// hand is what one receiver gets of a round.
type hand struct {
	packets []dealt
	bytes   []byte // what their payloads lie in
	clock   int64  // of the round's last packet
	round   *round
}

func (h *hand) add(p *capture.Packet, ip *link.IP, hash uint64) {
	n := len(h.bytes)
	h.bytes = append(h.bytes, ip.Payload...)
	h.packets = append(h.packets, dealt{*p, *ip, hash})
	d := &h.packets[len(h.packets)-1]
	// If bytes moves, what came before stays where it was.
	d.p.Data, d.ip.Payload = nil, h.bytes[n:len(h.bytes):len(h.bytes)]
}

// round is a stretch of the capture.
type round struct {
	hands  []hand       // of the shards
	names  hand         // of the collector: packets that tell names
	users  atomic.Int32 // who still reads it
	caught chan struct{}
	size   int
}

// shards follow the connections of one capture.
type shards struct {
	all     []*shard
	collect *collector
	rounds  chan *round // to the collector, in order
	free    chan *round
	cur     *round
	clock   int64
	named   bool // names were looked up
	byHosts bool // all connections between two hosts go to one shard
	failed  atomic.Bool
	ended   sync.WaitGroup
}

// shardsFor is how many shards serve.
func shardsFor(o Options) int {
	n := o.Threads
	switch {
	case o.Live != nil:
		return 1 // what goes on is looked at from without
	case n <= 0:
		n = min(runtime.GOMAXPROCS(0), usefulShards)
	}
	return min(n, maxShards)
}

// trial is the beginning of a capture.
type trial struct {
	hand
	shards int // that there would be
	length int // of all packets, bytes
	keys   bool
}

// add keeps another packet, and tells whether that is enough.
func (t *trial) add(p *capture.Packet, ip *link.IP) bool {
	t.hand.add(p, ip, 0)
	t.length += p.Length
	return len(t.packets) >= trialPackets
}

// pays tells whether several shards are of use.
func (t *trial) pays() bool {
	return len(t.packets) >= trialPackets && (t.keys || t.length <= smallPacket*len(t.packets))
}

// startShards makes n shards, whose trackers and tables are alike but for what
// they are told of.
func startShards(n int, o track.Options, k *collector) *shards {
	// A TLS session may be resumed by another connection of its hosts, whose
	// secrets are then the first one's.
	s := &shards{collect: k, byHosts: o.Keys.Len() > 0, rounds: make(chan *round, roundsAhead), free: make(chan *round, roundsAhead)}
	for range roundsAhead {
		s.free <- &round{hands: make([]hand, n)}
	}
	for i := range n {
		s.all = append(s.all, newShard(int32(i), o, k.o.limits.Share(n), s.release))
	}
	k.recycle = func(f *record.Facts) { s.all[f.Shard].giveBack(f) }
	s.cur = <-s.free
	for _, x := range s.all {
		s.ended.Go(x.run)
	}
	s.ended.Go(s.gather)
	return s
}

// packet deals out the next packet of the capture.
func (s *shards) packet(p *capture.Packet, ip *link.IP) {
	r := s.cur
	s.clock = p.Clock
	if s.tellsName(ip) {
		r.names.add(p, ip, 0)
	}
	var hash, shard uint64
	if s.byHosts {
		hash, shard = reassembly.Hashes(ip, p.Vantage)
	} else {
		hash = reassembly.FlowHash(ip, p.Vantage)
		shard = hash
	}
	if hash != 0 || ip.Protocol == link.ProtocolTCP {
		r.hands[reassembly.Shard(shard, len(s.all))].add(p, ip, hash)
	}
	if r.size += len(ip.Payload) + int(unsafe.Sizeof(dealt{})); r.size >= roundBytes {
		s.deal()
	}
}

// tellsName: DNS over UDP, and from the first look-up on what may follow it.
// DNS over TCP comes from the shards.
func (s *shards) tellsName(ip *link.IP) bool {
	lookUp := looksUp(ip)
	s.named = s.named || lookUp
	return lookUp && ip.Protocol == link.ProtocolUDP || s.named && follows(ip)
}

// deal hands the round over and begins the next.
func (s *shards) deal() {
	r := s.cur
	r.users.Store(int32(len(s.all) + 1))
	for i, x := range s.all {
		r.hands[i].clock, r.hands[i].round = s.clock, r
		x.in <- &r.hands[i]
	}
	r.names.round = r
	s.rounds <- r
	s.cur = <-s.free
}

// settle waits until all that was dealt is judged: what follows may change what
// every goroutine reads.
func (s *shards) settle() {
	s.cur.caught = make(chan struct{})
	caught := s.cur.caught
	s.deal()
	<-caught
}

// finish closes the tables and waits for the last connection.
func (s *shards) finish() (counts track.Counts) {
	s.deal()
	for _, x := range s.all {
		close(x.in)
	}
	close(s.rounds)
	s.ended.Wait()
	for _, x := range s.all {
		counts.Other += x.tracker.Other
		counts.Opaque += x.tracker.Opaque
		s.collect.sum.limits.letGo += x.table.Counters.LetGo
	}
	return counts
}

// release is called by each of a round's users when it needs it no more.
func (s *shards) release(r *round) {
	if r.users.Add(-1) > 0 {
		return
	}
	for i := range r.hands {
		r.hands[i].clear()
	}
	r.names.clear()
	r.size, r.caught = 0, nil
	s.free <- r
}

func (h *hand) clear() { h.packets, h.bytes = h.packets[:0], h.bytes[:0] }
