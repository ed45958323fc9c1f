package analyze

import (
	"bytes"
	"runtime"
	"slices"
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
	// roundBytes is about what is dealt out at once: enough that handing over
	// costs nothing, little enough to stay in a core's cache.
	roundBytes = 256 << 10
	// roundsAhead bounds the rounds under way.
	roundsAhead = 4
	// chunkEvents bounds the events handed over at once, chunksAhead how many
	// such chunks wait: with the end of a capture thousands of connections end.
	chunkEvents = 64
	chunksAhead = 4
)

// dealt is a packet as it is handed to a shard: in one cache line, what the
// shard cannot find in the packet's own bytes.
type dealt struct {
	// data is the packet from its IP header on; nil: it is among hand.others.
	data        []byte
	hash        uint64 // reassembly.FlowHash
	time, clock int64
	number      int64
	origin      int32 // its place in hand.origins
	extra       int32 // link.IP.Encapsulation, or the place in hand.others
}

// origin is where packets come from.
type origin struct{ file, vantage int32 }

// hand is what one shard gets of a round.
type hand struct {
	packets []dealt
	origins []origin
	others  []link.IP // of packets that cannot be decoded on their own
	clock   int64     // of the round's last packet
}

// next is the place of another packet.
func (h *hand) next(o origin) *dealt {
	n := len(h.origins)
	if n == 0 || h.origins[n-1] != o {
		h.origins = append(h.origins, o)
		n++
	}
	if len(h.packets) == cap(h.packets) {
		h.packets = slices.Grow(h.packets, 1)
	}
	h.packets = h.packets[:len(h.packets)+1]
	d := &h.packets[len(h.packets)-1]
	d.origin = int32(n - 1)
	return d
}

// packet is a packet in a trial or for the collector.
type packet struct {
	p  capture.Packet
	ip link.IP
}

// round is a stretch of the capture.
type round struct {
	hands  []hand   // of the shards
	names  []packet // of the collector: packets that tell names
	bytes  []byte   // what packets lie in that the source did not keep
	size   int      // of bytes, and of what is known beside them
	kept   []byte   // what the others lie in: the source's buffer
	caught chan struct{}
}

// copied is b where it stays.
func (r *round) copied(b []byte) []byte {
	n := len(r.bytes)
	r.bytes = append(r.bytes, b...) // if it moves, what came before stays where it was
	return r.bytes[n:len(r.bytes):len(r.bytes)]
}

// add hands packet p to a shard.
func (r *round) add(shard int, p *capture.Packet, ip *link.IP, hash uint64, kept bool) {
	h := &r.hands[shard]
	d := h.next(origin{p.File, p.Vantage})
	d.hash, d.time, d.clock, d.number = hash, p.Time, p.Clock, p.Number
	if at := ip.Plain; at > 0 {
		if d.data, d.extra = p.Data[at-1:], ip.Encapsulation; !kept {
			d.data = r.copied(d.data)
		}
		return
	}
	h.others = append(h.others, *ip)
	d.data, d.extra = nil, int32(len(h.others)-1)
	if !kept {
		o := &h.others[d.extra]
		o.Payload = r.copied(ip.Payload)
	}
}

// addName hands p to the collector.
func (r *round) addName(p *capture.Packet, ip *link.IP, kept bool) {
	r.names = append(r.names, packet{*p, *ip})
	x := &r.names[len(r.names)-1]
	if x.p.Data = nil; !kept {
		x.ip.Payload = r.copied(ip.Payload)
	}
}

func (r *round) clear() {
	for i := range r.hands {
		h := &r.hands[i]
		h.packets, h.origins, h.others = h.packets[:0], h.origins[:0], h.others[:0]
	}
	r.names, r.bytes, r.size, r.caught = r.names[:0], r.bytes[:0], 0, nil
}

// shards follow the connections of one capture.
type shards struct {
	all     []*shard
	collect *collector
	rounds  chan *round // to the collector, in order
	free    chan *round
	cur     *round
	clock   int64
	kept    bool // the source keeps packets until the round is over
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
	packets []packet
	shards  int // that there would be
	length  int // of all packets, bytes
	keys    bool
}

// add keeps another packet, and tells whether that is enough.
func (t *trial) add(p *capture.Packet, ip *link.IP) bool {
	x := packet{*p, *ip}
	x.p.Data, x.ip.Payload = nil, bytes.Clone(ip.Payload)
	if ip.Plain > 0 {
		x.p.Data = bytes.Clone(p.Data)
		x.ip.DecodePlain(x.p.Data[ip.Plain-1:], ip.Encapsulation)
	}
	t.packets = append(t.packets, x)
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
		s.all = append(s.all, newShard(int32(i), o, k.o.limits.Share(n)))
	}
	k.recycle = func(f *record.Facts) { s.all[f.Shard].giveBack(f) }
	s.cur = <-s.free
	for _, x := range s.all {
		s.ended.Go(x.run)
	}
	s.ended.Go(s.gather)
	return s
}

// keep spares the copies of packets if the source can leave them alone.
func (s *shards) keep(src capture.Source) {
	k, ok := src.(capture.Keeper)
	if !ok {
		return
	}
	s.kept = true
	k.Keep(func(buf []byte) []byte {
		s.cur.kept = buf
		s.deal()
		if s.cur.kept == nil {
			s.cur.kept = make([]byte, roundBytes)
		}
		return s.cur.kept
	})
}

// packet deals out the next packet of the capture.
func (s *shards) packet(p *capture.Packet, ip *link.IP) {
	r := s.cur
	s.clock = p.Clock
	if s.tellsName(ip) {
		r.addName(p, ip, s.kept)
	}
	var hash, shard uint64
	if s.byHosts {
		hash, shard = reassembly.Hashes(ip, p.Vantage)
	} else {
		hash = reassembly.FlowHash(ip, p.Vantage)
		shard = hash
	}
	if hash != 0 || ip.Protocol == link.ProtocolTCP {
		r.add(reassembly.Shard(shard, len(s.all)), p, ip, hash, s.kept)
	}
	if r.size += len(ip.Payload) + int(unsafe.Sizeof(dealt{})); !s.kept && r.size >= roundBytes {
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
	s.handOver()
	s.cur = <-s.free
}

func (s *shards) handOver() {
	r := s.cur
	for i, x := range s.all {
		r.hands[i].clock = s.clock
		x.in <- &r.hands[i]
	}
	s.rounds <- r
}

// settle waits until all that was dealt is judged: what follows may change what
// every goroutine reads. It goes on with the same round, for the packets that
// follow may lie in the same buffer.
func (s *shards) settle() {
	caught := make(chan struct{})
	s.cur.caught = caught
	s.handOver()
	<-caught
}

// finish closes the tables and waits for the last connection.
func (s *shards) finish() (counts track.Counts) {
	s.handOver()
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
