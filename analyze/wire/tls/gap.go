package tls

// Gap says that the next n bytes of the stream are missing; n < 0 when their
// number is not known, as at the start of a capture that began late. It
// returns true when the gap lies within the payload of one record: that record
// comes with Missing set and the next one is where its header says. Otherwise
// the parser looks for the next plausible header.
func (p *RecordParser) Gap(n int64) bool {
	if n == 0 || p.state == dead {
		return true
	}
	if n > 0 {
		p.offset += n
		if p.state == inPayload && n <= int64(p.rest) {
			p.rest -= int32(n)
			p.missing += int32(n)
			p.keep = false
			return true
		}
	}
	p.state, p.have, p.resync, p.sslv2 = hunting, 0, true, false
	p.keep = false
	return false
}

// hunt looks for a header in b, and in the up to four bytes before it that
// are kept in p.header. It returns how many bytes of b it consumed. The
// result is the same however the stream is cut: nothing beyond the five bytes
// is looked at, and a wrong guess shows when the next header is none.
func (p *RecordParser) hunt(b []byte) int {
	for i, c := range b {
		if p.have == headerLength {
			copy(p.header[:], p.header[1:])
			p.have--
		}
		p.header[p.have] = c
		p.have++
		if p.have == headerLength && p.probable() {
			p.offset += int64(i + 1)
			p.start = p.offset - headerLength
			p.begin(p.header[:])
			return i + 1
		}
	}
	p.offset += int64(len(b))
	return len(b)
}

// probable is plausible and more: the version seen before or the one that
// RFC 8446 section 5.1 freezes for all records of TLS 1.3, and a payload that
// is not empty.
func (p *RecordParser) probable() bool {
	h := p.header[:]
	if !plausible(h) || h[0] == byte(Heartbeat) {
		return false
	}
	v := Version(h[1])<<8 | Version(h[2])
	if v != TLS12 && v != p.version {
		return false
	}
	n := int(h[3])<<8 | int(h[4])
	switch ContentType(h[0]) {
	case ChangeCipherSpec:
		return n == 1
	case AlertRecord:
		return n == 2 || n >= minProtected && n <= 512
	case ApplicationData:
		return n >= minProtected
	}
	return n > 0
}

// minProtected is the least length of a protected record: a content type and
// the shortest tag, eight bytes of CCM-8 (RFC 8446 section 5.2).
const minProtected = 9
