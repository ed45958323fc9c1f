package ws

import "encoding/binary"

// feedHeader takes the bytes of a frame header, and begins the frame once it
// has them all.
func (p *Parser) feedHeader(obs Observer, b []byte) []byte {
	if p.have == 0 && len(b) >= 2 {
		if size := headerSize(b[1]); len(b) >= size {
			p.head.Offset = p.off
			p.off += int64(size)
			p.beginFrame(obs, b[:size])
			return b[size:]
		}
	}
	if p.have == 0 {
		p.head.Offset = p.off
	}
	need := 2
	if p.have >= 2 {
		need = headerSize(p.part[1])
	}
	n := copy(p.part[p.have:need], b)
	p.have += uint8(n)
	p.off += int64(n)
	if p.have >= 2 {
		if size := headerSize(p.part[1]); int(p.have) == size {
			p.have = 0
			p.beginFrame(obs, p.part[:size])
		}
	}
	return b[n:]
}

// headerSize gives a header's size from its second byte.
func headerSize(b1 byte) int {
	size := 2
	switch b1 & 0x7F {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if b1&0x80 != 0 {
		size += 4
	}
	return size
}

// readHeader reads all of h but its Offset from exactly the header's bytes.
func readHeader(h *Header, b []byte) {
	h.Fin = b[0]&0x80 != 0
	h.RSV = b[0] >> 4 & 7
	h.Opcode = Opcode(b[0] & 0xF)
	h.Masked = b[1]&0x80 != 0
	h.Size = uint8(len(b))
	switch n := b[1] & 0x7F; n {
	case 126:
		h.Length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		h.Length = binary.BigEndian.Uint64(b[2:])
	default:
		h.Length = uint64(n)
	}
	h.Key = [4]byte{}
	if h.Masked {
		h.Key = [4]byte(b[len(b)-4:])
	}
}

func (p *Parser) breach(obs Observer, v Violation, at int64) {
	if p.doubtful() {
		return
	}
	p.breaches |= 1 << v
	obs.Violation(p, v, at, &p.head)
}

// beginFrame reads a header, judges it and chooses where the payload goes.
func (p *Parser) beginFrame(obs Observer, b []byte) {
	h := &p.head
	readHeader(h, b)
	if p.misled(h, b) {
		return
	}
	p.left = h.Length
	if !h.Opcode.IsReserved() {
		p.frames[frameIndex(h.Opcode)]++
	}
	if h.Masked {
		p.countKey(binary.LittleEndian.Uint32(h.Key[:]))
	}
	obs.Frame(p, h)
	p.judgeHeader(obs, h)
	switch {
	case p.is(dead):
		return
	case h.Opcode.IsReserved():
		p.sink = sinkSkip
	case h.Opcode.IsControl():
		p.sink = sinkControl
		p.set(controlDamaged, false)
		p.kept = 0
	default:
		p.beginData(obs, h)
	}
	if p.left == 0 {
		p.endFrame(obs, nil)
	}
}

// countKey keeps what tells a weak mask: keys of zero, and keys used again.
// "The masking key needs to be unpredictable" (RFC 6455, section 5.3).
func (p *Parser) countKey(key uint32) {
	if key != p.lastKey && key != 0 && p.is(seenKey) {
		p.lastKey, p.keyRun = key, 1
		return
	}
	p.countWeak(key)
}

func (p *Parser) countWeak(key uint32) {
	if key == 0 {
		p.odds().zeroKeys++
	}
	if key == p.lastKey && p.is(seenKey) {
		p.keyRun++
	} else {
		p.keyRun = 1
	}
	p.lastKey = key
	p.flags |= seenKey
	if p.keyRun > 1 {
		p.odds().sameKeys = max(p.odds().sameKeys, p.keyRun)
	}
}

// WeakKey reports whether the last masked frame had a key of zero, or the key
// of the one before it.
func (p *Parser) WeakKey() bool {
	return p.is(seenKey) && (p.lastKey == 0 || p.keyRun > 1)
}

// judgeHeader names what RFC 6455, section 5, forbids in a header by itself.
func (p *Parser) judgeHeader(obs Observer, h *Header) {
	if h.Masked != p.is(fromClient) {
		if h.Masked {
			p.breach(obs, MaskedServerFrame, h.Offset)
		} else {
			p.breach(obs, UnmaskedClientFrame, h.Offset)
		}
	}
	if h.RSV != 0 && !p.is(otherExtension) && !p.mayHaveRSV(h) {
		p.breach(obs, ReservedBits, h.Offset)
	}
	if h.Opcode.IsReserved() && !p.is(otherExtension) {
		p.breach(obs, ReservedOpcode, h.Offset)
	}
	extended := h.Size // without the key
	if h.Masked {
		extended -= 4
	}
	if extended == 4 && h.Length < 126 || extended == 10 && h.Length < 1<<16 {
		p.breach(obs, LengthNotMinimal, h.Offset)
	}
	if h.Length>>63 != 0 {
		p.breach(obs, LengthTopBit, h.Offset)
		p.left = 0
		p.set(dead, true)
		return
	}
	if h.Opcode.IsControl() && !h.Opcode.IsReserved() {
		if !h.Fin {
			p.breach(obs, FragmentedControl, h.Offset)
			p.set(controlOpen, true)
		}
		if h.Length > MaxControlPayload {
			p.breach(obs, OversizedControl, h.Offset)
		}
	}
}

// mayHaveRSV reports whether permessage-deflate explains the reserved bits.
// RFC 7692, section 6: "An endpoint MUST NOT set the "Per-Message Compressed"
// bit of control frames and non-first fragments of a data message."
func (p *Parser) mayHaveRSV(h *Header) bool {
	return p.is(hasDeflate) && h.RSV == RSV1 && (h.Opcode == Text || h.Opcode == Binary)
}
