package reassembly

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// reader is a handler that cares for every flow.
type reader struct{ bytes, closed int64 }

func (r *reader) Data(f *Flow, _ Side, _ At, b []byte)    { f.App = 1; r.bytes += int64(len(b)) }
func (r *reader) Missing(*Flow, Side, At, int64, GapKind) {}
func (r *reader) End(*Flow, Side, At, EndKind)            {}
func (r *reader) Closed(f *Flow, order int64, last bool)  { r.closed++ }

// traffic makes segments without allocating.
type traffic struct {
	p   capture.Packet
	ip  link.IP
	buf [1480]byte
}

func (x *traffic) at(d int64) *traffic {
	x.p.Number++
	x.p.Time += d
	x.p.Clock = x.p.Time
	return x
}

func newTraffic() *traffic {
	x := &traffic{}
	x.p.Time = testTime
	x.ip.Protocol, x.ip.TTL = link.ProtocolTCP, 64
	x.buf[12] = 5 << 4
	return x
}

// segment of flow n, from the client (dir 0) or the server.
func (x *traffic) segment(n uint32, dir int, flags byte, seq, ack uint32, size int) *traffic {
	client := netip.AddrFrom4([4]byte{10, byte(n >> 24), byte(n >> 16), byte(n >> 8)})
	server := netip.AddrFrom4([4]byte{10, 255, 0, 1})
	cport, sport := uint16(1024+n&0xff), uint16(443)
	x.ip.SetAddrs(client, server)
	if dir == 1 {
		x.ip.SetAddrs(server, client)
		cport, sport = sport, cport
	}
	x.ip.ID++
	binary.BigEndian.PutUint16(x.buf[0:], cport)
	binary.BigEndian.PutUint16(x.buf[2:], sport)
	binary.BigEndian.PutUint32(x.buf[4:], seq)
	binary.BigEndian.PutUint32(x.buf[8:], ack)
	x.buf[13] = flags
	binary.BigEndian.PutUint16(x.buf[14:], 65535)
	x.ip.Payload = x.buf[:20+size]
	return x
}

func (x *traffic) to(t *Table) { t.Packet(&x.p, &x.ip) }

// exchange opens flow n.
func (x *traffic) open(t *Table, n uint32) {
	x.at(1000).segment(n, 0, flagSYN, 99, 0, 0).to(t)
	x.at(1000).segment(n, 1, flagSYN|flagACK, 499, 100, 0).to(t)
	x.at(1000).segment(n, 0, flagACK, 100, 500, 0).to(t)
}

func TestNoAllocations(t *testing.T) {
	table, x := New(Options{Handler: &reader{}}), newTraffic()
	x.open(table, 1)
	seq, ack := uint32(100), uint32(500)
	for _, c := range []struct {
		name string
		fn   func()
	}{
		{"in order", func() {
			x.at(1e6).segment(1, 0, flagACK, seq, ack, 100).to(table)
			seq += 100
			x.at(1e6).segment(1, 1, flagACK, ack, seq, 200).to(table)
			ack += 200
			x.at(1e6).segment(1, 0, flagACK, seq, ack, 0).to(table)
		}},
		{"keep-alive", func() {
			x.at(1e9).segment(1, 0, flagACK, seq-1, ack, 0).to(table)
			x.at(1e6).segment(1, 1, flagACK, ack, seq, 0).to(table)
		}},
	} {
		if n := testing.AllocsPerRun(500, c.fn); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func TestFlowSize(t *testing.T) {
	// With its place in the index (8 bytes, a third to three quarters full after growing).
	if n := unsafe.Sizeof(Flow{}); n > 448 {
		t.Errorf("a flow takes %d bytes", n)
	} else {
		t.Logf("a flow takes %d bytes", n)
	}
}

func BenchmarkInOrder(b *testing.B) {
	table, x := New(Options{Handler: &reader{}}), newTraffic()
	x.open(table, 1)
	seq, ack := uint32(100), uint32(500)
	b.ReportAllocs()
	for i := 0; i < b.N; i += 2 {
		x.at(1e5).segment(1, 0, flagACK, seq, ack, 1000).to(table)
		seq += 1000
		x.at(1e5).segment(1, 1, flagACK, ack, seq, 0).to(table)
	}
}

func BenchmarkManyFlows(b *testing.B) {
	const flows = 4096
	table, x := New(Options{Handler: &reader{}}), newTraffic()
	for n := range uint32(flows) {
		x.open(table, n)
	}
	b.ReportAllocs()
	for i := range b.N {
		n := uint32(i*2654435761) % flows
		x.at(1e4).segment(n, 0, flagACK, 100+uint32(i)*0, 500, 0).to(table)
	}
}

func BenchmarkWholeConnections(b *testing.B) {
	r := &reader{}
	table, x := New(Options{Handler: r}), newTraffic()
	b.ReportAllocs()
	for i := range b.N {
		n := uint32(i)
		x.at(1e6)
		x.open(table, n)
		x.at(1000).segment(n, 0, flagACK, 100, 500, 300).to(table)
		x.at(1000).segment(n, 1, flagACK, 500, 400, 900).to(table)
		x.at(1000).segment(n, 0, flagACK|flagFIN, 400, 1400, 0).to(table)
		x.at(1000).segment(n, 1, flagACK|flagFIN, 1400, 401, 0).to(table)
		x.at(1000).segment(n, 0, flagACK, 401, 1401, 0).to(table)
	}
	b.ReportMetric(8, "packets/op")
}

func BenchmarkDisorder(b *testing.B) {
	table, x := New(Options{Handler: &reader{}}), newTraffic()
	x.open(table, 1)
	seq := uint32(100)
	b.ReportAllocs()
	for range b.N {
		x.at(1e5).segment(1, 0, flagACK, seq+1000, 500, 1000).to(table)
		x.at(1e5).segment(1, 0, flagACK, seq, 500, 1000).to(table)
		seq += 2000
		x.at(1e5).segment(1, 1, flagACK, 500, seq, 0).to(table)
	}
}

// BenchmarkMillionFlows has a million connections open at once.
func BenchmarkMillionFlows(b *testing.B) {
	if testing.Short() {
		b.Skip()
	}
	const flows = 1_000_000
	table, x := New(Options{Handler: &reader{}}), newTraffic()
	for n := range uint32(flows) {
		x.open(table, n)
	}
	if table.Len() != flows {
		b.Fatal(table.Len())
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		n := uint32(i*2654435761) % flows
		x.at(1000).segment(n, 0, flagACK, 100, 500, 0).to(table)
	}
}
