package reassembly

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// auditor checks what a handler may rely on. Every payload byte is the low
// byte of its sequence number, so that bytes out of place are noticed.
type auditor struct {
	t      *testing.T
	flows  map[*Flow]*audit
	closed int
}

type audit struct {
	pos   [2]int64
	seen  [2]int64
	first [2]byte
	known [2]bool
	reset [2]bool
	fin   [2]bool
}

func (a *auditor) of(f *Flow) *audit {
	v := a.flows[f]
	if v == nil {
		v = &audit{}
		a.flows[f] = v
	}
	return v
}

func (a *auditor) Data(f *Flow, from Side, at At, b []byte) {
	v := a.of(f)
	if len(b) == 0 || !at.Seen() || v.fin[from] {
		a.t.Fatalf("empty data, without a packet, or after FIN: %d %v", len(b), at)
	}
	if !v.known[from] {
		v.known[from], v.first[from] = true, b[0]-byte(v.pos[from])
	}
	for i, c := range b {
		if c != v.first[from]+byte(v.pos[from])+byte(i) {
			a.t.Fatalf("byte %d of side %d is out of place", v.pos[from]+int64(i), from)
		}
	}
	v.pos[from] += int64(len(b))
	v.seen[from] += int64(len(b))
	if len(b)%7 == 6 {
		f.App = 1
	}
	if len(b)%31 == 30 {
		f.Ignore = true
	}
}

func (a *auditor) Missing(f *Flow, from Side, at At, n int64, why GapKind) {
	v := a.of(f)
	if n <= 0 || v.fin[from] {
		a.t.Fatalf("missing %d, after FIN %v", n, v.fin[from])
	}
	v.pos[from] += n
}

func (a *auditor) End(f *Flow, from Side, at At, how EndKind) {
	v := a.of(f)
	switch how {
	case EndFIN:
		if v.fin[from] {
			a.t.Fatal("two FINs")
		}
		v.fin[from] = true
	case EndRST:
		if v.reset[from] {
			a.t.Fatal("two RSTs of one side")
		}
		v.reset[from] = true
	}
}

func (a *auditor) Closed(f *Flow, order int64, last bool) {
	v := a.of(f)
	a.closed++
	for s := Side(0); s < 2; s++ {
		h := f.Half(s)
		if !f.Ignore && h.Bytes != v.seen[s] {
			a.t.Fatalf("side %d: %d bytes, %d were handed on", s, h.Bytes, v.seen[s])
		}
		if f.half[s].wait != nil || h.Unacked < 0 || h.Packets < h.DataSegments {
			a.t.Fatalf("side %d: %+v", s, h)
		}
	}
	if f.Rare != nil && f.Rare.Conflicts != [2]uint32{} {
		a.t.Fatalf("a conflict of equal bytes: %v", f.Rare.FirstConflict)
	}
	delete(a.flows, f)
}

// Each segment takes eight bytes of the input: what it is, its place, its
// payload's length, the acknowledgement, and the time since the one before.
func FuzzTable(f *testing.F) {
	f.Add([]byte{})
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 8 {
		b := make([]byte, 200<<n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) { audited(t, in) })
}

func audited(t *testing.T, in []byte) {
	a := &auditor{t: t, flows: map[*Flow]*audit{}}
	limits := Limits{Flows: 6, Tombstones: 2, Waiting: 40 << 10, WaitingPerFlow: 20 << 10}
	table := New(Options{Handler: a, Limits: limits})
	clock, isn := testTime, [2]uint32{0xfffffe00, 1000}
	addr := [2]netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 1}), netip.AddrFrom4([4]byte{10, 0, 0, 2})}
	payload := make([]byte, 5000)
	for n := int64(1); len(in) >= 8; n++ {
		x := in[:8]
		in = in[8:]
		d := int(x[0] & 1)
		h := make([]byte, 20, 64)
		ports := [2]uint16{uint16(x[0] >> 6), 80}
		seq := isn[d] + uint32(x[1])*4 + uint32(x[7]>>6)
		ack := isn[d^1] + uint32(x[2])*4
		h[13] = flagACK
		switch x[3] & 31 {
		case 0, 1:
			h[13], seq = flagSYN, isn[d]
		case 2, 3:
			h[13], seq, ack = flagSYN|flagACK, isn[d], isn[d^1]+1
		case 4:
			h[13] |= flagFIN
		case 5:
			h[13] |= flagRST
		case 6:
			isn[d] += 100000
			h[13], seq = flagSYN, isn[d]
		case 7:
			seq += 1 << 28
		case 8:
			h[13] = x[7]
		}
		size := int(x[4]) * int(1+x[3]>>6)
		if x[5]&1 == 0 || h[13]&(flagSYN|flagRST) != 0 {
			size = 0
		}
		if x[5]&0xc0 == 0xc0 {
			size *= 4
		}
		for i := range size {
			payload[i] = byte(seq) + byte(i)
		}
		if size == 1 && h[13]&flagFIN == 0 {
			size = 2
			payload[1] = byte(seq) + 1
		}
		binary.BigEndian.PutUint16(h, ports[d])
		binary.BigEndian.PutUint16(h[2:], ports[d^1])
		binary.BigEndian.PutUint32(h[4:], seq)
		binary.BigEndian.PutUint32(h[8:], ack)
		h[12] = 5 << 4
		binary.BigEndian.PutUint16(h[14:], uint16(x[5]&2)<<8)
		h = append(h, payload[:size]...)
		cut := 0
		if x[5]&0x3c == 0x3c {
			cut = size / 3
		}
		clock += int64(x[6]) * int64(x[6]) * 100_000
		if x[6] > 250 {
			clock += 30e9
		}
		p := capture.Packet{Number: n, Time: clock, Clock: clock}
		ip := link.IP{Protocol: link.ProtocolTCP, TTL: 64, ID: uint16(n),
			Payload: h[:len(h)-cut], Missing: cut, Network: int32(x[7] >> 5 & 1)}
		ip.SetAddrs(addr[d], addr[d^1])
		table.Packet(&p, &ip)
		if table.Len() > 6 {
			t.Fatalf("%d flows", table.Len())
		}
		if table.disorder.cost > 60<<10 || table.disorder.cost < 0 {
			t.Fatalf("%d bytes wait", table.disorder.cost)
		}
	}
	table.Close()
	if table.Len() != 0 || len(a.flows) != 0 || table.disorder.cost != 0 || int64(a.closed) != table.Counters.Connections {
		t.Fatalf("after Close: %d flows, %d not closed, %d bytes, %d of %d closed", table.Len(), len(a.flows), table.disorder.cost, a.closed, table.Counters.Connections)
	}
}

// TestRandom plays what FuzzTable would, with a fixed seed.
func TestRandom(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		in := make([]byte, 8*(1+r.IntN(400)))
		for i := range in {
			in[i] = byte(r.Uint32())
		}
		// Small steps and few kinds of segments make longer connections.
		for i := 0; i+8 <= len(in); i += 8 {
			in[i] &= 0x47
			if r.IntN(10) > 0 {
				in[i+3] |= 0x10
				in[i+6] &= 0x1f
			}
		}
		audited(t, in)
	}
}
