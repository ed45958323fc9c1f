package link

import "encoding/binary"

// Bits of the 802.11 frame control field (IEEE 802.11, 9.2.4.1), first and
// second byte, and of the QoS control field.
const (
	wlanTypeMask   = 0x0c
	wlanTypeData   = 0x08
	wlanNoData     = 0x40 // of a data frame's subtype
	wlanQoS        = 0x80 // of a data frame's subtype
	wlanBothDS     = 0x03 // to and from the distribution system: four addresses
	wlanProtected  = 0x40
	wlanOrder      = 0x80 // a QoS frame has an HT control field
	wlanAggregated = 0x80 // QoS control: the body is an A-MSDU
	wlanHeaderLen  = 24
	fcsLen         = 4
)

// wlan decodes an 802.11 frame. Of aggregated frames (A-MSDU) the first is
// taken. The frame check sequence needs no care here: it lies behind the IP
// length.
func (d *Decoder) wlan(v view, padded bool, ip *IP) Status {
	if len(v.b) < 2 {
		return TooShort
	}
	control, flags := v.b[0], v.b[1]
	if control&wlanTypeMask != wlanTypeData || control&wlanNoData != 0 || flags&wlanProtected != 0 {
		return NotIP
	}
	size := wlanHeaderLen
	if flags&wlanBothDS == wlanBothDS {
		size += 6
	}
	aggregated := false
	if control&wlanQoS != 0 {
		if len(v.b) < size+2 {
			return TooShort
		}
		aggregated = v.b[size]&wlanAggregated != 0
		size += 2
		if flags&wlanOrder != 0 {
			size += 4
		}
	}
	if padded {
		size = (size + 3) &^ 3
	}
	if len(v.b) < size {
		return TooShort
	}
	if v.b[22]&0x0f != 0 {
		return NotIP // a later fragment of an 802.11 frame has no header of its own
	}
	v = v.from(size)
	if aggregated {
		// Each subframe: destination, source, length, then what Ethernet has.
		if len(v.b) < ethernetHeaderLen {
			return TooShort
		}
		v = v.from(ethernetHeaderLen).within(int(binary.BigEndian.Uint16(v.b[12:])))
	}
	return d.llc(v, ip)
}

// Bits of a radiotap header (radiotap.org): presence words and flags field.
const (
	radiotapTSFT    = 1 << 0
	radiotapFlags   = 1 << 1
	radiotapMore    = 1 << 31
	radiotapFCS     = 0x10
	radiotapDatapad = 0x20
)

// radiotap decodes the header that precedes 802.11 frames and tells of a
// frame check sequence behind the frame and of padding inside it.
func (d *Decoder) radiotap(v view, ip *IP) Status {
	if len(v.b) < 8 {
		return TooShort
	}
	length := int(binary.LittleEndian.Uint16(v.b[2:]))
	if v.b[0] != 0 || length < 8 {
		return Malformed
	}
	if length > len(v.b) {
		return TooShort
	}
	flags := flagsOfRadiotap(v.b[:length])
	v = v.from(length)
	if flags&radiotapFCS != 0 && v.wire() >= fcsLen {
		v = v.limit(v.wire() - fcsLen)
	}
	return d.wlan(v, flags&radiotapDatapad != 0, ip)
}

// flagsOfRadiotap returns the flags field of a header, 0 if it has none.
func flagsOfRadiotap(header []byte) byte {
	first := binary.LittleEndian.Uint32(header[4:])
	if first&radiotapFlags == 0 {
		return 0
	}
	at := 4
	for word := first; ; word = binary.LittleEndian.Uint32(header[at:]) {
		at += 4
		if word&radiotapMore == 0 {
			break
		}
		if at+4 > len(header) {
			return 0
		}
	}
	if first&radiotapTSFT != 0 {
		// "Fields are strictly ordered" and aligned to their size, from the
		// start of the header: the time stamp has 8 bytes.
		at = (at+7)&^7 + 8
	}
	if at >= len(header) {
		return 0
	}
	return header[at]
}
