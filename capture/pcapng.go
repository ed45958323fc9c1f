package capture

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng, 10.1).
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockPacket     = 2 // obsolete
	blockSimple     = 3
	blockNames      = 4
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 10
)

const byteOrderMagic = 0x1a2b3c4d

// Limits of pcapng files.
const (
	// blockFrame is what each block has beside its body: type, length and
	// length again.
	blockFrame = 12
	// maxBlock is the length above which a block is taken for corrupt.
	maxBlock = maxHugePacket + 16<<20
	// maxBuffered is the length up to which blocks are held whole in the
	// window: the largest packet and 64 KiB of options.
	maxBuffered = maxData + 64<<10
	// maxInterfaces bounds the interfaces of all sections of a file.
	maxInterfaces = 1 << 16
	// maxSecrets bounds the bytes of all decryption secrets of a file: half
	// a million TLS sessions.
	maxSecrets = 64 << 20
	// maxNames bounds the addresses and names kept of a file.
	maxNames = 1 << 16
)

// pcapng reads the blocks of a pcapng file.
type pcapng struct {
	r       *reader
	swapped bool
	first   int           // place in ifs of the section's first interface
	ifs     []ngInterface // of all sections
	rest    int64         // bytes left of a block of which only a part was held
	length  uint32        // of that block

	secretBytes int
	reached     [3]bool // limits that were already reported
}

type ngInterface struct {
	link    LinkType
	snap    uint32
	clock   tick
	packets int64
	// Drops: by the last statistics block, or else by obsolete packet blocks.
	ifDrop, osDrop, pbDrop uint64
	stated, pbStated       bool
}

// newPcapng gives the decoder if the window begins with a section header.
func newPcapng(r *reader) *pcapng {
	if binary.LittleEndian.Uint32(r.w.buf[r.w.pos:]) != blockSection {
		return nil
	}
	if r.w.need(blockFrame) {
		if order := binary.LittleEndian.Uint32(r.w.buf[r.w.pos+8:]); order != byteOrderMagic && order != bits.ReverseBytes32(byteOrderMagic) {
			return nil
		}
	}
	return &pcapng{r: r}
}

func (d *pcapng) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if d.swapped {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (d *pcapng) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if d.swapped {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (d *pcapng) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if d.swapped {
		v = bits.ReverseBytes64(v)
	}
	return v
}

func (d *pcapng) next(p *Packet) bool {
	w := &d.r.w
	for {
		if d.rest > 0 && !d.leave() {
			return false
		}
		if !w.need(blockFrame) {
			d.r.ended("")
			return false
		}
		b := w.buf[w.pos:w.end]
		kind := d.u32(b)
		if kind == blockSection && !d.section(b) {
			return false
		}
		length := d.u32(b[4:])
		if length < blockFrame || length > maxBlock {
			d.r.corrupt(w.offset(), "a block of type %#x states a length of %d bytes", kind, length)
			return false
		}
		found, ok := d.block(kind, length, p)
		if !ok {
			return false
		}
		if found {
			return true
		}
	}
}

// block reads one block; found means that it has a packet, which is now in p.
func (d *pcapng) block(kind, length uint32, p *Packet) (found, ok bool) {
	switch kind {
	case blockEnhanced, blockPacket, blockSimple:
		ok := d.packet(kind, length, p)
		return ok, ok
	case blockSection, blockInterface, blockStatistics, blockNames, blockSecrets:
		return false, d.meta(kind, length)
	}
	d.rest, d.length = int64(length), length
	return false, true
}

// leave passes over the rest of a block and compares its two lengths.
func (d *pcapng) leave() bool {
	w := &d.r.w
	if !w.discard(d.rest-4) || !w.need(4) {
		d.r.ended("a block")
		return false
	}
	d.rest = 0
	if again := d.u32(w.buf[w.pos:]); again != d.length {
		d.r.corrupt(w.offset(), "a block states lengths of %d bytes in front and of %d behind", d.length, again)
		return false
	}
	w.pos += 4
	return true
}

// hold makes a block of up to maxBuffered bytes available and checks it; the
// block is consumed, but stays in the window until the next call.
func (d *pcapng) hold(length uint32) ([]byte, bool) {
	w := &d.r.w
	n := int(length)
	if !w.need(n) {
		d.r.ended("a block")
		return nil, false
	}
	b := w.buf[w.pos : w.pos+n]
	if again := d.u32(b[n-4:]); again != length {
		d.r.corrupt(w.offset(), "a block states lengths of %d bytes in front and of %d behind", length, again)
		return nil, false
	}
	w.pos += n
	return b, true
}

// packet reads an enhanced, simple or obsolete packet block.
func (d *pcapng) packet(kind, length uint32, p *Packet) bool {
	header := enhancedHeader
	if kind == blockSimple {
		header = simpleHeader
	}
	at := d.r.w.offset()
	if length < uint32(header)+4 {
		d.r.corrupt(at, "a packet block of %d bytes is too short", length)
		return false
	}
	var b []byte
	if length <= maxBuffered {
		var ok bool
		if b, ok = d.hold(length); !ok {
			return false
		}
	} else {
		w := &d.r.w
		held := int64(header + maxData)
		if !w.need(int(held)) {
			d.r.ended("a block")
			return false
		}
		b = w.buf[w.pos : w.pos+int(held)]
		w.pos += int(held)
		d.rest, d.length = int64(length)-held, length
	}
	if kind == blockSimple {
		return d.simple(b, length, at, p)
	}
	return d.enhanced(b, kind, length, at, p)
}

const (
	enhancedHeader = 28 // also of the obsolete packet block
	simpleHeader   = 12
)

// enhanced reads an enhanced packet block (draft, 4.3) or an obsolete one
// (draft, appendix A). They differ in how wide the interface's number is.
func (d *pcapng) enhanced(b []byte, kind, length uint32, at int64, p *Packet) bool {
	id := d.u32(b[8:])
	if kind == blockPacket {
		id = uint32(d.u16(b[8:]))
	}
	if uint64(id) >= uint64(len(d.ifs)-d.first) {
		d.r.corrupt(at, "packet %d is of interface %d, which the section does not describe", d.r.number+1, id)
		return false
	}
	place := d.first + int(id)
	i := &d.ifs[place]
	captured := d.u32(b[20:])
	if captured > length-enhancedHeader-4 {
		d.r.corrupt(at, "packet %d states %d captured bytes in a block of %d", d.r.number+1, captured, length)
		return false
	}
	if kind == blockPacket {
		if drops := d.u16(b[10:]); drops != math.MaxUint16 {
			i.pbDrop, i.pbStated = i.pbDrop+uint64(drops), true
		}
	}
	stamp := uint64(d.u32(b[12:]))<<32 | uint64(d.u32(b[16:]))
	if i.clock.simple && stamp < i.clock.limit {
		p.Time = int64(stamp) * i.clock.unit
	} else if t, ok := i.clock.nanoseconds(stamp); ok {
		p.Time = t
	} else {
		d.r.noTime(p)
	}
	i.packets++
	if i.packets == 1 {
		d.r.uses(i.link)
	}
	end := enhancedHeader + min(int(captured), maxData)
	p.Interface = int32(place)
	p.LinkType = i.link
	p.Length = clampInt(d.u32(b[24:]))
	p.Data = b[enhancedHeader:end:end]
	return true
}

// simple reads a simple packet block (draft, 4.4). It has no time: the packet
// gets that of the one in front of it.
func (d *pcapng) simple(b []byte, length uint32, at int64, p *Packet) bool {
	if len(d.ifs) == d.first {
		d.r.corrupt(at, "packet %d is of interface 0, which the section does not describe", d.r.number+1)
		return false
	}
	i := &d.ifs[d.first]
	original := d.u32(b[8:])
	// "the SnapLen value MUST be used to determine the size of the Packet
	// Data field length": it is the least of the three.
	captured := min(original, length-simpleHeader-4)
	if i.snap > 0 {
		captured = min(captured, i.snap)
	}
	i.packets++
	if i.packets == 1 {
		d.r.uses(i.link)
	}
	end := simpleHeader + min(int(captured), maxData)
	d.r.noTime(p)
	p.Interface = int32(d.first)
	p.LinkType = i.link
	p.Length = clampInt(original)
	p.Data = b[simpleHeader:end:end]
	return true
}

// flush brings the drops and the packets per interface up to date.
func (d *pcapng) flush() {
	info := d.r.info
	info.Drops, info.DropsKnown = 0, false
	for n := range d.ifs {
		i := &d.ifs[n]
		info.Interfaces[n].Packets = i.packets
		switch {
		case i.stated:
			info.Drops += i.ifDrop + i.osDrop
		case i.pbStated:
			info.Drops += i.pbDrop
		}
		info.DropsKnown = info.DropsKnown || i.stated || i.pbStated
	}
}
