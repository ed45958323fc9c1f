package reassembly

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// sorted collects what is known of each flow in the end.
type sorted struct {
	all    []string
	stream map[*Flow]string
}

func (r *sorted) Data(f *Flow, from Side, at At, b []byte) {
	f.App = uint32(len(b) & 1)
	r.stream[f] += fmt.Sprintf("%d:%d:%d ", from, at.Packet, len(b))
}
func (r *sorted) Missing(f *Flow, from Side, at At, n int64, why GapKind) {
	r.stream[f] += fmt.Sprintf("%d:%d:-%d ", from, at.Packet, n)
}
func (r *sorted) End(f *Flow, from Side, at At, how EndKind) {
	r.stream[f] += fmt.Sprintf("%d:%d:end%d ", from, at.Packet, how)
}
func (r *sorted) Closed(f *Flow, order int64, last bool) {
	if last {
		order = 0 // the end of the capture, as each table knows it
	}
	r.all = append(r.all, fmt.Sprint(f.First().Packet, " ", order, last, f.Addr(0), f.Addr(1), r.stream[f], describe(f)))
	delete(r.stream, f)
}

// TestShards: however many tables share the packets, and whenever their timers
// run, each connection comes out the same.
func TestShards(t *testing.T) {
	packets := manyPackets(6000)
	whole := shard(packets, 1, false)
	if len(whole) < 200 {
		t.Fatalf("only %d connections", len(whole))
	}
	for _, n := range []int{2, 5} {
		for _, tick := range []bool{false, true} {
			if got := shard(packets, n, tick); !slices.Equal(got, whole) {
				t.Errorf("%d shards: %d connections, %d in one; or others", n, len(got), len(whole))
			}
		}
	}
}

func shard(packets []sentPacket, n int, tick bool) []string {
	r := &sorted{stream: map[*Flow]string{}}
	tables := make([]*Table, n)
	for i := range tables {
		tables[i] = New(Options{Handler: r})
	}
	for i := range packets {
		x := &packets[i]
		h := FlowHash(&x.ip, 0)
		if h == 0 {
			continue
		}
		if tick {
			for _, table := range tables {
				table.Advance(x.p.Clock)
			}
		}
		tables[Shard(h, n)].PacketHashed(&x.p, &x.ip, h)
	}
	for _, table := range tables {
		table.Close()
	}
	slices.Sort(r.all)
	return r.all
}

// manyPackets is a muddle of connections: lost, repeated and late segments,
// RSTs, FINs, ICMP errors and addresses used again.
func manyPackets(n int) []sentPacket {
	r := rand.New(rand.NewPCG(7, 7))
	var out []sentPacket
	clock := testTime
	type state struct{ seq [2]uint32 }
	states := make([]state, 40)
	for i := range states {
		states[i].seq = [2]uint32{r.Uint32(), r.Uint32()}
	}
	for len(out) < n {
		c := r.IntN(len(states))
		s, d := &states[c], r.IntN(2)
		clock += int64(r.IntN(int(20 * time.Millisecond)))
		if r.IntN(500) == 0 {
			clock += int64(40 * time.Second)
		}
		h := make([]byte, 20, 40)
		ports := [2]uint16{uint16(2000 + c), 80}
		seq, flags, size := s.seq[d], byte(flagACK), r.IntN(15)
		switch r.IntN(30) {
		case 0, 1:
			s.seq[0] += 1 << 20
			d, seq, flags, size = 0, s.seq[0], flagSYN, 0
			s.seq[0]++
		case 2:
			seq -= uint32(r.IntN(40))
		case 3:
			seq += uint32(r.IntN(40))
		case 4:
			flags |= flagFIN
		case 5:
			flags |= flagRST
		case 6:
			s.seq[1] += 1 << 20
			d, seq, flags, size = 1, s.seq[1], flagSYN|flagACK, 0
			s.seq[1]++
		default:
			s.seq[d] += uint32(size)
		}
		binary.BigEndian.PutUint16(h, ports[d])
		binary.BigEndian.PutUint16(h[2:], ports[d^1])
		binary.BigEndian.PutUint32(h[4:], seq)
		binary.BigEndian.PutUint32(h[8:], s.seq[d^1])
		h[12], h[13], h[14] = 5<<4, flags, byte(r.IntN(9)*40)
		for i := range size {
			h = append(h, byte(seq)+byte(i))
		}
		addr := [2]netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(c)}), netip.AddrFrom4([4]byte{10, 1, 0, 1})}
		x := sentPacket{capture.Packet{Number: int64(len(out) + 1), Time: clock, Clock: clock},
			link.IP{Protocol: link.ProtocolTCP, TTL: 64, ID: uint16(len(out)), Payload: h}}
		x.ip.SetAddrs(addr[d], addr[d^1])
		if r.IntN(100) == 0 {
			q := append([]byte{3, 1, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 60, 6, 0, 0}, addr[d].AsSlice()...)
			q = append(append(q, addr[d^1].AsSlice()...), h...)
			x.ip = link.IP{Protocol: link.ProtocolICMP, Payload: q}
			x.ip.SetAddrs(netip.AddrFrom4([4]byte{10, 9, 9, 9}), addr[d])
		}
		out = append(out, x)
	}
	return out
}

func TestHashSymmetric(t *testing.T) {
	packets := manyPackets(400)
	seen := map[string]uint64{}
	for i := range packets {
		x := &packets[i].ip
		h := FlowHash(x, 1)
		if h == 0 {
			t.Fatalf("packet %d has no hash", i+1)
		}
		key := fmt.Sprint(min(x.Src().String(), x.Dst().String()), max(x.Src().String(), x.Dst().String()))
		if x.Protocol == link.ProtocolICMP {
			continue
		}
		if was, ok := seen[key]; ok && was != h {
			t.Errorf("two hashes for %s", key)
		}
		seen[key] = h
	}
	if FlowHash(&link.IP{Protocol: link.ProtocolUDP, Payload: make([]byte, 20)}, 0) != 0 {
		t.Error("UDP has a hash")
	}
}

// TestLimits: limits are kept, and reaching them is recorded.
func TestLimits(t *testing.T) {
	t.Run("flows", func(t *testing.T) {
		r := &sorted{stream: map[*Flow]string{}}
		table, x := New(Options{Handler: r, Limits: Limits{Flows: 100}}), newTraffic()
		for n := range uint32(1000) {
			x.at(1000).segment(n, 0, flagSYN, 99, 0, 0).to(table)
			if table.Len() > 100 {
				t.Fatal(table.Len())
			}
		}
		table.Close()
		if table.Counters.LetGo != 900 || len(r.all) != 1000 {
			t.Errorf("%d dropped, %d closed", table.Counters.LetGo, len(r.all))
		}
	})
	t.Run("waiting", func(t *testing.T) {
		r := &transcript{facts: true, app: 1}
		table, x := New(Options{Handler: r, Limits: Limits{WaitingPerFlow: 100 << 10}}), newTraffic()
		x.open(table, 1)
		for i := range uint32(60) {
			x.at(1000).segment(1, 0, flagACK, 200+1000*i, 500, 1000).to(table)
			if table.disorder.cost > 102<<10 {
				t.Fatal(table.disorder.cost)
			}
		}
		table.Close()
		want := "gap #4 from 0 0+100 limit\nlimit\n"
		if got := r.String(); len(got) < len(want) || got[len(got)-len(want):] != want {
			t.Errorf("%s", got)
		}
	})
}
