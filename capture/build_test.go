package capture

import (
	"encoding/binary"
	"slices"
)

// pcapFile builds pcap files. The zero value is little-endian in
// microseconds.
type pcapFile struct {
	big   bool
	magic uint32 // default magicMicro
	minor uint16 // default 4
	nano  bool   // the fraction is of nanoseconds
	more  int    // bytes behind the record header's 16
}

func (f pcapFile) order() binary.AppendByteOrder {
	if f.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (f pcapFile) header(network uint32) []byte {
	o, magic, minor := f.order(), f.magic, f.minor
	if magic == 0 {
		magic = magicMicro
	}
	if minor == 0 {
		minor = 4
	}
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, minor)
	b = o.AppendUint32(b, 0) // time zone
	b = o.AppendUint32(b, 0) // accuracy
	b = o.AppendUint32(b, 65535)
	return o.AppendUint32(b, network)
}

// record has its time in nanoseconds.
func (f pcapFile) record(ns int64, length int, data []byte) []byte {
	o, unit := f.order(), int64(1000)
	if f.nano {
		unit = 1
	}
	b := o.AppendUint32(nil, uint32(ns/1e9))
	b = o.AppendUint32(b, uint32(ns%1e9/unit))
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, uint32(length))
	b = append(b, make([]byte, f.more)...)
	return append(b, data...)
}

// ngFile builds pcapng blocks; the zero value is little-endian.
type ngFile struct{ big bool }

func (f ngFile) order() binary.AppendByteOrder { return pcapFile{big: f.big}.order() }

func (f ngFile) u16(v ...uint16) (b []byte) {
	for _, v := range v {
		b = f.order().AppendUint16(b, v)
	}
	return b
}

func (f ngFile) u32(v ...uint32) (b []byte) {
	for _, v := range v {
		b = f.order().AppendUint32(b, v)
	}
	return b
}

func (f ngFile) u64(v uint64) []byte { return f.order().AppendUint64(nil, v) }

func pad4(b []byte) []byte {
	b = slices.Clip(b)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func (f ngFile) block(kind uint32, body ...[]byte) []byte {
	b := pad4(slices.Concat(body...))
	n := uint32(len(b) + blockFrame)
	return slices.Concat(f.u32(kind, n), b, f.u32(n))
}

func (f ngFile) option(code uint16, value []byte) []byte {
	return slices.Concat(f.u16(code, uint16(len(value))), pad4(value))
}

func (f ngFile) section(options ...[]byte) []byte {
	return f.block(blockSection, f.u32(byteOrderMagic), f.u16(1, 0), f.u64(1<<64-1), slices.Concat(options...))
}

func (f ngFile) iface(link uint16, snap uint32, options ...[]byte) []byte {
	return f.block(blockInterface, f.u16(link, 0), f.u32(snap), slices.Concat(options...))
}

// packet is an enhanced packet block; stamp is in units of the interface.
func (f ngFile) packet(id uint32, stamp uint64, length int, data []byte, options ...[]byte) []byte {
	return f.block(blockEnhanced, f.u32(id, uint32(stamp>>32), uint32(stamp), uint32(len(data)), uint32(length)), pad4(data), slices.Concat(options...))
}

func (f ngFile) obsolete(id, drops uint16, stamp uint64, length int, data []byte) []byte {
	return f.block(blockPacket, f.u16(id, drops), f.u32(uint32(stamp>>32), uint32(stamp), uint32(len(data)), uint32(length)), pad4(data))
}

func (f ngFile) simple(length int, data []byte) []byte {
	return f.block(blockSimple, f.u32(uint32(length)), pad4(data))
}
