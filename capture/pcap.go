package capture

import (
	"encoding/binary"
	"math/bits"
)

// The magic numbers of pcap files (draft-ietf-opsawg-pcap, 4) and of the
// formats made from it.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // Kuznetzov's libpcap: longer record headers
	magicIxiaHW   = 0x1c0001ac // Ixia: nanoseconds, four more bytes of file header
	magicIxiaSW   = 0x1c0001ab // the same with microseconds
)

const (
	pcapHeader       = 24
	pcapRecord       = 16
	pcapModifiedMore = 8
	ixiaHeaderMore   = 4
)

// maxFraction is the greatest fraction of a second that does not make a record
// corrupt. It is that of nanoseconds for microseconds, too: some writers carry no
// over, some mix the units up.
const maxFraction = 1_000_000_000

// pcap reads the records of a pcap file.
type pcap struct {
	r       *reader
	swapped bool
	unit    int64 // ns per unit of the fraction
	record  int   // length of a record header
	link    LinkType
	limit   uint32 // of the captured length
	minor   uint16
	started bool
	usual   bool  // held may read records
	skip    int64 // of the packet before: what is beyond maxData
}

// newPcap gives the decoder if the window begins with a magic number of pcap.
func newPcap(r *reader) *pcap {
	d := &pcap{r: r, unit: 1, record: pcapRecord}
	magic := binary.LittleEndian.Uint32(r.w.buf[r.w.pos:])
	if !d.knows(magic) {
		d.swapped = true
		if !d.knows(bits.ReverseBytes32(magic)) {
			return nil
		}
	}
	return d
}

func (d *pcap) knows(magic uint32) bool {
	switch magic {
	case magicMicro, magicIxiaSW:
		d.unit = 1000
	case magicNano, magicIxiaHW:
	case magicModified:
		d.unit, d.record = 1000, pcapRecord+pcapModifiedMore
	default:
		return false
	}
	return true
}

func (d *pcap) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if d.swapped {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// start reads the file header.
func (d *pcap) start() bool {
	d.started = true
	w := &d.r.w
	if !w.need(pcapHeader) {
		d.r.ended("its header")
		return false
	}
	h := w.buf[w.pos:][:pcapHeader]
	major, minor := uint16(d.u32(h[4:])), uint16(d.u32(h[4:])>>16)
	if d.swapped {
		major, minor = minor, major
	}
	if major != 2 {
		d.r.corrupt(w.offset()+4, "the file header states version %d.%d of pcap instead of 2.4", major, minor)
		return false
	}
	d.minor = minor
	d.usual = !d.swapped && minor >= 4
	d.header(d.u32(h[16:]), d.u32(h[20:]))
	w.pos += pcapHeader
	if magic := d.u32(h); magic == magicIxiaHW || magic == magicIxiaSW {
		if !w.need(ixiaHeaderMore) {
			d.r.ended("its header")
			return false
		}
		w.pos += ixiaHeaderMore
	}
	return true
}

func (d *pcap) header(snap, network uint32) {
	// draft-ietf-opsawg-pcap, 4: "FCS len (4 bits)", the number of 16-bit
	// words of FCS, means something if the P bit is set.
	const linkMask, fcsPresent, fcsShift = 0x03ffffff, 0x04000000, 28
	d.link = LinkType(network & linkMask)
	if network&fcsPresent != 0 {
		d.r.info.FCSLen = int(network>>fcsShift) * 2
	}
	d.limit = packetLimit(d.link)
	d.r.info.SnapLen = clampInt(snap)
	d.r.info.Interfaces = []Interface{{LinkType: d.link, SnapLen: clampInt(snap)}}
}

// clampInt makes a length of the file fit for an int of 32 bits.
func clampInt(v uint32) int { return int(min(v, 1<<31-1)) }

// held reads the next record if it lies in the window and is as nearly all are.
func (d *pcap) held(p *Packet) bool {
	w := &d.r.w
	b := w.buf[w.pos:w.end]
	if !d.usual || d.skip > 0 || len(b) < pcapRecord {
		return false
	}
	frac, captured, length := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if captured > min(d.limit, maxData) || length >= 1<<31 || frac > maxFraction || captured|length == 0 {
		return false
	}
	n := d.record + int(captured)
	if n > len(b) {
		return false
	}
	p.Time = int64(binary.LittleEndian.Uint32(b))*1_000_000_000 + int64(frac)*d.unit
	p.Interface, p.LinkType, p.Length = 0, d.link, int(length)
	p.Data = b[d.record:n:n]
	w.pos += n
	return true
}

func (d *pcap) next(p *Packet) bool {
	if d.held(p) {
		return true
	}
	w := &d.r.w
	if d.skip > 0 || !d.started {
		if !d.between() {
			return false
		}
	}
	if !w.need(d.record) {
		d.r.ended("")
		return false
	}
	h := w.buf[w.pos:][:pcapRecord]
	sec := binary.LittleEndian.Uint32(h)
	frac := binary.LittleEndian.Uint32(h[4:])
	captured := binary.LittleEndian.Uint32(h[8:])
	length := binary.LittleEndian.Uint32(h[12:])
	if d.swapped {
		sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
		captured, length = bits.ReverseBytes32(captured), bits.ReverseBytes32(length)
	}
	if d.minor < 4 && captured > length {
		// Until version 2.3 the two lengths stood the other way round.
		captured, length = length, captured
	}
	if captured > d.limit || length >= 1<<31 || frac > maxFraction || captured|length == 0 {
		if d.absurd(sec, frac, captured, length) {
			return false
		}
	}
	n := d.record + min(int(captured), maxData)
	if !w.need(n) {
		d.r.ended("the record of packet " + itoa(d.r.number+1))
		return false
	}
	p.Time = int64(sec)*1_000_000_000 + int64(frac)*d.unit
	p.Interface = 0
	p.LinkType = d.link
	p.Length = int(length)
	p.Data = w.buf[w.pos+d.record : w.pos+n : w.pos+n]
	w.pos += n
	if captured > maxData {
		d.skip = int64(captured) - maxData
	}
	return true
}

// between does what is to be done before a record is read.
func (d *pcap) between() bool {
	if !d.started {
		return d.start()
	}
	n := d.skip
	d.skip = 0
	if !d.r.w.discard(n) {
		d.r.ended("the record of packet " + itoa(d.r.number))
		return false
	}
	return true
}

// absurd says what is wrong with a record header. A packet of no bytes at all
// is odd but possible.
func (d *pcap) absurd(sec, frac, captured, length uint32) bool {
	at, number := d.r.w.offset(), d.r.number+1
	switch {
	case captured > d.limit:
		d.r.corrupt(at, "the record header of packet %d states %d captured bytes, the limit is %d", number, captured, d.limit)
	case length >= 1<<31:
		d.r.corrupt(at, "the record header of packet %d states a length of %d bytes", number, length)
	case frac > maxFraction:
		d.r.corrupt(at, "the record header of packet %d has a time stamp with a fraction of %d", number, frac)
	case sec|frac == 0:
		d.r.corrupt(at, "zero bytes stand where packet %d should begin: the disk was full, or the machine went down while it was written", number)
	case sec == magicMicro || sec == magicNano:
		d.r.corrupt(at, "another capture file begins behind packet %d: join files with mergecap instead of cat, or name them all", number-1)
	default:
		return false
	}
	return true
}

func (d *pcap) flush() {
	if d.r.number > 0 {
		d.r.uses(d.link)
		d.r.info.Interfaces[0].Packets = d.r.number
	}
}
