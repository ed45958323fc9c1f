package ws

import "encoding/binary"

// The first byte of a message of one frame that is not compressed.
const (
	plainText   = 0x80 | byte(Text)
	plainBinary = 0x80 | byte(Binary)
)

// unplain are the states in which a message has to be judged by more than its
// own bytes.
const unplain = otherExtension | inMessage | unknownMessage | closed | controlOpen | dead | hunting

// plain is the hot path: sound messages of one frame, not compressed, that lie
// whole in b. It does what the other methods do for them and returns what it
// leaves to those.
func (p *Parser) plain(obs Observer, b []byte) []byte {
	for len(b) >= 2 && (b[0] == plainText || b[0] == plainBinary) && b[1]>>7 == byte(p.flags&fromClient) {
		size, n := 2, int(b[1]&0x7F)
		if n > 125 {
			if n == 127 || len(b) < 4 {
				break
			}
			if size, n = 4, int(binary.BigEndian.Uint16(b[2:])); n < 126 {
				break
			}
		}
		var key uint32
		if p.flags&fromClient != 0 {
			if len(b) < size+4 {
				break
			}
			key = binary.LittleEndian.Uint32(b[size:])
			size += 4
		}
		if len(b)-size < n {
			break
		}
		if b[0] == plainText {
			if state, _ := checkText(utf8Accept, uint64(key)<<32|uint64(key), b[size:size+n]); state != utf8Accept {
				break
			}
		}
		p.tellPlain(obs, Opcode(b[0]&0xF), key, size, n)
		b = b[size+n:]
	}
	return b
}

// tellPlain counts and tells a message of n bytes behind a header of size bytes.
func (p *Parser) tellPlain(obs Observer, opcode Opcode, key uint32, size, n int) {
	h, m := &p.shared.head, &p.shared.msg
	// Field by field: a copy of what was stored a moment ago in other pieces
	// makes the processor wait.
	*h = Header{}
	*m = Message{}
	h.Offset, h.Length, h.Opcode, h.Size = p.off, uint64(n), opcode, uint8(size)
	h.Masked, h.Fin = p.flags&fromClient != 0, true
	binary.LittleEndian.PutUint32(h.Key[:], key)
	m.Offset, m.Wire, m.Size, m.Frames, m.Opcode = p.off, uint64(n), uint64(n), 1, opcode
	p.frames[opcode]++
	if p.flags&fromClient != 0 {
		p.countKey(key)
	}
	p.off += int64(size)
	obs.Frame(p, h)
	p.off += int64(n)
	p.Messages++
	p.MessageBytes += uint64(n)
	obs.Message(p, m)
	p.LargestMessage = max(p.LargestMessage, uint64(n))
}
