package capture

import (
	"bytes"
	"math"
	"math/bits"
	"net/netip"
)

// Options of pcapng blocks (draft-ietf-opsawg-pcapng, 3.5 and 4).
const (
	optEnd     = 0
	optComment = 1

	shbHardware    = 2
	shbOS          = 3
	shbApplication = 4

	ifName        = 2
	ifDescription = 3
	ifTsresol     = 9
	ifFilter      = 11
	ifOS          = 12
	ifFCSLen      = 13
	ifTsoffset    = 14
	ifHardware    = 15

	isbEndTime = 3
	isbIfDrop  = 5
	isbOSDrop  = 7

	nameEnd  = 0
	nameIPv4 = 1
	nameIPv6 = 2
)

// section reads the byte order of a section header, on which its own length
// depends, and begins a new list of interfaces.
func (d *pcapng) section(b []byte) bool {
	switch d.u32(b[8:]) {
	case byteOrderMagic:
	case bits.ReverseBytes32(byteOrderMagic):
		d.swapped = !d.swapped
	default:
		d.r.corrupt(d.r.w.offset(), "a section header has the byte-order magic %#x", d.u32(b[8:]))
		return false
	}
	d.first = len(d.ifs)
	return true
}

// meta reads a block that has no packet.
func (d *pcapng) meta(kind, length uint32) bool {
	at := d.r.w.offset()
	body, ok := d.body(length)
	if !ok {
		return false
	}
	switch kind {
	case blockSection:
		return d.sectionBody(body, at)
	case blockInterface:
		return d.interfaceBody(body, at)
	case blockStatistics:
		d.statistics(body)
	case blockNames:
		d.names(body)
	case blockSecrets:
		d.secrets(body, at)
	}
	return true
}

// body gives a block without its frame. A long one is copied piece by piece,
// so that no more is allocated than the file has; one that is longer than all
// that is kept comes back empty.
func (d *pcapng) body(length uint32) ([]byte, bool) {
	if length <= maxBuffered {
		b, ok := d.hold(length)
		if !ok {
			return nil, false
		}
		return b[8 : len(b)-4], true
	}
	w := &d.r.w
	w.pos += 8
	n := int(length) - blockFrame
	d.rest, d.length = int64(n)+4, length
	if n > maxSecrets {
		return nil, true
	}
	var body []byte
	for len(body) < n {
		if !w.need(1) {
			d.r.ended("a block")
			return nil, false
		}
		take := min(n-len(body), w.have())
		body = append(body, w.buf[w.pos:w.pos+take]...)
		w.pos += take
	}
	d.rest = 4
	return body, true
}

// options calls f for each option of a list.
func (d *pcapng) options(b []byte, f func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, n := d.u16(b), int(d.u16(b[2:]))
		if code == optEnd || n > len(b)-4 {
			return
		}
		f(code, b[4:4+n])
		b = b[min(4+(n+3)&^3, len(b)):]
	}
}

func (d *pcapng) sectionBody(b []byte, at int64) bool {
	const fixed = 16
	if len(b) < fixed {
		d.r.corrupt(at, "a section header of %d bytes is too short", len(b)+blockFrame)
		return false
	}
	if major := d.u16(b[4:]); major != 1 {
		d.r.corrupt(at, "a section states version %d.%d of pcapng instead of 1.0", major, d.u16(b[6:]))
		return false
	}
	info := d.r.info
	d.options(b[fixed:], func(code uint16, value []byte) {
		switch code {
		case optComment:
			first(&info.Comment, value)
		case shbHardware:
			first(&info.Hardware, value)
		case shbOS:
			first(&info.OS, value)
		case shbApplication:
			first(&info.Application, value)
		}
	})
	return true
}

func first(s *string, value []byte) {
	if *s == "" {
		*s = text(value)
	}
}

func (d *pcapng) interfaceBody(b []byte, at int64) bool {
	const fixed = 8
	if len(b) < fixed {
		d.r.corrupt(at, "an interface description of %d bytes is too short", len(b)+blockFrame)
		return false
	}
	if len(d.ifs) >= maxInterfaces {
		d.r.corrupt(at, "the file describes more than %d interfaces", maxInterfaces)
		return false
	}
	i := ngInterface{link: LinkType(d.u16(b)), snap: d.u32(b[4:])}
	about := Interface{LinkType: i.link, SnapLen: clampInt(i.snap)}
	tsresol, offset := byte(6), int64(0)
	d.options(b[fixed:], func(code uint16, value []byte) {
		switch {
		case code == ifTsresol && len(value) >= 1:
			tsresol = value[0]
		case code == ifTsoffset && len(value) >= 8:
			offset = int64(d.u64(value))
		case code == ifFCSLen && len(value) >= 1:
			d.r.info.FCSLen = int(value[0])
		case code == ifName:
			about.Name = text(value)
		case code == ifDescription:
			about.Description = text(value)
		case code == ifFilter && len(value) >= 1 && value[0] == 0: // 0: a filter string
			about.Filter = text(value[1:])
		case code == ifOS:
			about.OS = text(value)
		case code == ifHardware:
			about.Hardware = text(value)
		case code == optComment:
			first(&about.Comment, value)
		}
	})
	i.clock = newTick(tsresol, offset)
	d.ifs = append(d.ifs, i)
	d.r.info.Interfaces = append(d.r.info.Interfaces, about)
	d.r.info.SnapLen = max(d.r.info.SnapLen, about.SnapLen)
	return true
}

// statistics keeps the end of the capture and the drop counts of an interface
// statistics block, which count from the start of the capture: the last block
// has the sum.
func (d *pcapng) statistics(b []byte) {
	const fixed = 12
	if len(b) < fixed || uint64(d.u32(b)) >= uint64(len(d.ifs)-d.first) {
		return
	}
	i := &d.ifs[d.first+int(d.u32(b))]
	d.options(b[fixed:], func(code uint16, value []byte) {
		if len(value) < 8 || d.u64(value) == math.MaxUint64 { // all ones: unknown
			return
		}
		switch code {
		case isbEndTime: // "in the same format of the timestamp field defined in the Enhanced Packet Block"
			if t, ok := i.clock.nanoseconds(uint64(d.u32(value))<<32 | uint64(d.u32(value[4:]))); ok {
				d.r.info.Ended = max(d.r.info.Ended, t)
			}
		case isbIfDrop:
			i.ifDrop, i.stated = d.u64(value), true
		case isbOSDrop:
			i.osDrop, i.stated = d.u64(value), true
		}
	})
}

// names keeps the records of a name resolution block (draft, 4.5): an
// address, and names that each end with a zero byte.
func (d *pcapng) names(b []byte) {
	for len(b) >= 4 {
		kind, n := d.u16(b), int(d.u16(b[2:]))
		if kind == nameEnd || n > len(b)-4 {
			return
		}
		value := b[4 : 4+n]
		b = b[min(4+(n+3)&^3, len(b)):]
		size := 4
		if kind == nameIPv6 {
			size = 16
		}
		if kind != nameIPv4 && kind != nameIPv6 || len(value) < size {
			continue
		}
		addr, _ := netip.AddrFromSlice(value[:size])
		for _, name := range bytes.Split(value[size:], []byte{0}) {
			if len(name) > 0 && !d.keepName(addr, name) {
				return
			}
		}
	}
}

func (d *pcapng) keepName(addr netip.Addr, name []byte) bool {
	if len(d.r.info.Names) >= maxNames {
		d.limit(limitNames, "the file resolves more than %d names: the others are left out", maxNames)
		return false
	}
	d.r.info.Names = append(d.r.info.Names, NameRecord{Addr: addr, Name: text(name)})
	return true
}

// secrets keeps a decryption secrets block (draft, 4.7).
func (d *pcapng) secrets(b []byte, at int64) {
	const fixed = 8
	n := 0
	if len(b) >= fixed {
		n = int(min(d.u32(b[4:]), maxSecrets+1))
	}
	switch {
	case b == nil || d.secretBytes+n > maxSecrets:
		d.limit(limitSecrets, "the file holds more than %d MiB of decryption secrets: the others are left out", maxSecrets>>20)
		return
	case len(b) < fixed || n > len(b)-fixed:
		d.limit(limitDamaged, "the decryption secrets block at byte %d is damaged: it is left out", at)
		return
	}
	d.secretBytes += n
	d.r.info.Secrets = append(d.r.info.Secrets, Secret{Type: d.u32(b), Data: bytes.Clone(b[fixed : fixed+n]), Packet: d.r.number + 1})
}

const (
	limitNames = iota
	limitSecrets
	limitDamaged
)

// limit reports, once, that something of the file is left out.
func (d *pcapng) limit(which int, format string, args ...any) {
	if d.reached[which] {
		return
	}
	d.reached[which] = true
	d.r.note(LimitReached, format, args...)
}
