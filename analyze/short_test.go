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

// BenchmarkShortConnections is the cost of whole connections that open, say a few words and close, judged and counted.
func BenchmarkShortConnections(b *testing.B) {
	collect := newCollector(Options{}, catalog.All(), new(counter))
	tracker := track.New(track.Options{Emit: collect.add, Files: func() []string { return []string{"a"} },
		Encapsulation: func(int32) []string { return nil }, End: func(int32) record.Ref { return record.Ref{} }})
	collect.recycle = tracker.Recycle
	k := &talk{table: reassembly.New(reassembly.Options{Handler: tracker})}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
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
}
