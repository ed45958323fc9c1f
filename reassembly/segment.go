package reassembly

import (
	"encoding/binary"
	"math/bits"

	"github.com/wsleuth/wsleuth/capture/link"
)

// Control bits (RFC 9293, 3.1).
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

const minHeader = 20

// segment is what the table needs to know of a TCP segment.
type segment struct {
	at       At
	clock    int64
	data     []byte // payload as far as it was captured
	n        uint32 // payload bytes on the wire
	seq, ack uint32
	tsval    uint32
	print    uint32 // fingerprint: equal for copies of one packet
	window   uint16
	id       uint16
	mss      uint16
	flags    uint8
	ttl      uint8
	v6       bool
	hasTS    bool
	network  int32
	shown    int32 // Encapsulation
}

func (s *segment) is(f uint8) bool { return s.flags&f != 0 }

// end is the sequence number after the payload.
func (s *segment) end() uint32 { return s.seq + s.n }

// bare: a segment that only acknowledges.
func (s *segment) bare() bool { return s.n == 0 && s.flags&(flagSYN|flagFIN|flagRST) == 0 }

// parse decodes the TCP header of ip; false: there is none, or it contradicts itself.
func (s *segment) parse(ip *link.IP) bool {
	b := ip.Payload
	if len(b) < minHeader {
		return false
	}
	header, total := int(b[12]>>4)*4, len(b)+max(ip.Missing, 0)
	if header < minHeader || header > total {
		return false
	}
	s.seq, s.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	s.flags = b[13]
	s.window = binary.BigEndian.Uint16(b[14:])
	s.n = uint32(total - header)
	s.data = b[min(header, len(b)):]
	s.id, s.ttl, s.v6 = ip.ID, ip.TTL, ip.V6
	s.network, s.shown = ip.Network, ip.Encapsulation
	s.mss, s.hasTS, s.tsval = 0, false, 0
	// RFC 7323, appendix A: the layout of options that nearly everybody uses.
	const recommended, timestamps = minHeader + 12, optionNone<<24 | optionNone<<16 | optionTimestamps<<8 | 10
	if header == recommended && len(b) >= recommended && binary.BigEndian.Uint32(b[minHeader:]) == timestamps {
		s.hasTS, s.tsval = true, binary.BigEndian.Uint32(b[minHeader+4:])
	} else if header > minHeader {
		s.options(b[minHeader:min(header, len(b))])
	}
	s.print = s.fingerprint()
	return true
}

// Kinds of TCP options (RFC 9293, 3.1; RFC 7323).
const (
	optionEnd        = 0
	optionNone       = 1
	optionMSS        = 2
	optionTimestamps = 8
)

func (s *segment) options(b []byte) {
	for i := 0; i < len(b); {
		kind := b[i]
		if kind == optionNone {
			i++
			continue
		}
		if kind == optionEnd || i+1 == len(b) {
			return
		}
		n := int(b[i+1])
		if n < 2 || n > len(b)-i {
			return
		}
		if kind == optionMSS && n == 4 {
			s.mss = binary.BigEndian.Uint16(b[i+2:])
		} else if kind == optionTimestamps && n == 10 {
			s.hasTS, s.tsval = true, binary.BigEndian.Uint32(b[i+2:])
		}
		i += n
	}
}

// fingerprint folds what copies of a packet share: all but TTL and what the
// link layer added. ECN bits may change on the way and are left out.
func (s *segment) fingerprint() uint32 {
	hi, lo := bits.Mul64(uint64(s.seq)<<32|uint64(s.ack)^0x9e3779b97f4a7c15,
		uint64(s.n)<<32|uint64(s.window)<<16|uint64(s.id)^0xd1b54a32d192ed03)
	hi ^= lo ^ uint64(s.tsval)<<8 ^ uint64(s.flags&0x3f)
	hi *= 0x94d049bb133111eb
	return uint32(hi>>32) | 1
}
