package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"testing"
	"unsafe"
)

// TestSizes: hundreds of thousands of WebSockets may be open at once, and each
// has one of these. The limits are sizes in which Go allocates.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name      string
		size, max uintptr
	}{
		{"conn", unsafe.Sizeof(conn{}), 256},
		{"wsLayer", unsafe.Sizeof(wsLayer{}), 384},
		{"frameEvent", unsafe.Sizeof(frameEvent{}), 20},
		{"httpLayer", unsafe.Sizeof(httpLayer{}), 448},
	} {
		if c.size > c.max {
			t.Errorf("%s takes %d bytes; %d are meant to do", c.name, c.size, c.max)
		}
	}
}

// What is packed comes back.
func TestFrameEvent(t *testing.T) {
	for _, want := range []record.Ref{{}, {Packet: 1<<40 - 1, Time: 1<<63 - 1, File: 1<<15 - 1}, {Packet: 1 << 32, Time: 1 << 32, File: 1}, {Packet: 1<<32 - 1, Time: -1, File: 0}} {
		for _, dir := range []record.Dir{record.Client, record.Server} {
			for _, opcode := range []ws.Opcode{ws.Continuation, ws.Text, ws.Pong, 15} {
				var e frameEvent
				e.set(&want, dir, opcode, 1<<40)
				if e.at() != want || e.dir() != dir || e.opcode() != opcode || e.length != 1<<32-1 {
					t.Errorf("%+v %v %v came back as %+v %v %v of %d bytes", want, dir, opcode, e.at(), e.dir(), e.opcode(), e.length)
				}
			}
		}
	}
}
