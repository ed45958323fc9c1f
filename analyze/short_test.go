package analyze

import (
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/reassembly"
)

// counter is a sink that wants no texts.
type counter struct{ gathered }

func (c *counter) Connection(*record.Connection) error { return nil }
func (c *counter) Wants(*record.Connection) bool       { return false }
func (c *counter) Events() bool                        { return false }

// newShort makes what follows, judges and counts connections that nobody wants to read of.
func newShort() *talk {
	collect, files := newCollector(Options{}, catalog.All(), new(counter)), []string{"a"}
	var tracker *track.Tracker
	emit := func(c *record.Connection, order int64) {
		tracker.Fill(c)
		collect.add(c, order)
	}
	tracker = track.New(track.Options{Emit: emit, Files: func() []string { return files },
		Encapsulation: func(int32) []string { return nil }, End: func(int32, record.Time) record.Ref { return record.Ref{} }})
	collect.recycle = tracker.Recycle
	return &talk{table: reassembly.New(reassembly.Options{Handler: tracker})}
}

// short is the n-th connection that opens, says a few words and closes.
func (k *talk) short(n int) {
	k.port = uint16(1024 + n%60000)
	k.seq = [2]uint32{uint32(n) * 100000, uint32(n) * 70000}
	k.open()
	for range 3 {
		k.send(0, ack|psh, clientFrame)
		k.send(1, ack|psh, serverFrame)
	}
	k.send(0, ack|psh, []byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8})
	k.send(1, ack|psh, []byte{0x88, 2, 3, 0xe8})
	k.send(0, ack|fin, nil)
	k.send(1, ack|fin, nil)
	k.send(0, ack, nil)
}

// TestShortConnectionsReuseMemory: beside its heads and its name, a short
// connection costs no memory of its own, once there were some.
func TestShortConnectionsReuseMemory(t *testing.T) {
	const warm, most = 2000, 4
	k, n := newShort(), 0
	one := func() { n++; k.short(n) }
	for range warm {
		one()
	}
	if got := testing.AllocsPerRun(2000, one); got > most {
		t.Errorf("%.1f allocations per connection, expected at most %d", got, most)
	}
}

// BenchmarkShortConnections is the cost of whole connections that open, say a few words and close, judged and counted.
func BenchmarkShortConnections(b *testing.B) {
	k := newShort()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		k.short(n)
	}
}
