package ws

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// frame builds one; key 0 means not masked.
func frame(b0 byte, key uint32, payload string) []byte {
	b := []byte{b0, 0}
	switch n := len(payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if key == 0 {
		return append(b, payload...)
	}
	return append(b, masked(b, key, payload)...)
}

// masked sets the mask bit of the header b and gives key and payload.
func masked(b []byte, key uint32, payload string) []byte {
	b[1] |= 0x80
	k := binary.BigEndian.AppendUint32(nil, key)
	out := append([]byte{}, k...)
	for i := range len(payload) {
		out = append(out, payload[i]^k[i&3])
	}
	return out
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// transcript writes down what a Parser tells.
type transcript struct{ strings.Builder }

func (t *transcript) Frame(p *Parser, h *Header) {
	fmt.Fprintf(t, "frame %d %v fin=%v rsv=%d masked=%v len=%d size=%d\n", h.Offset, h.Opcode, h.Fin, h.RSV, h.Masked, h.Length, h.Size)
}

func (t *transcript) Message(p *Parser, m *Message) {
	fmt.Fprintf(t, "message %d %v wire=%d size=%d frames=%d", m.Offset, m.Opcode, m.Wire, m.Size, m.Frames)
	for _, f := range []struct {
		on   bool
		name string
	}{{m.Compressed, "compressed"}, {m.Damaged, "damaged"}, {m.Unchecked, "unchecked"}, {m.Uninflated, "uninflated"}} {
		if f.on {
			t.WriteString(" " + f.name)
		}
	}
	t.WriteByte('\n')
}

func (t *transcript) Control(p *Parser, h *Header, payload []byte) {
	fmt.Fprintf(t, "control %d %v %q\n", h.Offset, h.Opcode, payload)
}

func (t *transcript) Violation(p *Parser, v Violation, at int64, h *Header) {
	fmt.Fprintf(t, "violation %d %v in %d\n", at, v, h.Offset)
}

// run feeds the pieces to a new Parser.
func run(o Options, pieces ...[]byte) (string, *Parser) {
	var t transcript
	p := new(Parser)
	p.Init(o)
	for _, b := range pieces {
		p.Feed(&t, b)
	}
	return t.String(), p
}

func TestHello(t *testing.T) {
	got, p := run(Options{FromClient: true}, frame(0x81, 0x37fa213d, "Hello"))
	want := "frame 0 text fin=true rsv=0 masked=true len=5 size=6\nmessage 0 text wire=5 size=5 frames=1\n"
	if got != want || p.Messages != 1 || p.Violations() != 0 {
		t.Errorf("got %s", got)
	}
}
