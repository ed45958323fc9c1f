package http1

import "bytes"

// maxChunkDigits bounds a chunk's size below 2^60 bytes.
const maxChunkDigits = 15

// feedData takes bytes of a body as they are.
func (p *Parser) feedData(b []byte) (int, Event) {
	if len(b) == 0 {
		return 0, More
	}
	if p.state != inStream {
		b = b[:min(int64(len(b)), p.left)]
		p.left -= int64(len(b))
		p.dataTaken()
	}
	p.view = b
	return len(b), BodyData
}

// dataTaken goes on where the counted bytes end.
func (p *Parser) dataTaken() {
	switch {
	case p.left > 0:
	case p.state == inBody:
		p.state = bodyDone
	case p.state == chunkData:
		p.state, p.tail = chunkEnd, 0
	}
}

// feedChunk reads what surrounds the data of chunks (RFC 9112 section 7.1).
func (p *Parser) feedChunk(b []byte) (int, Event) {
	switch p.state {
	case chunkSize:
		return p.feedChunkSize(b), More
	case chunkExt:
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return len(b), More
		}
		p.sizeDone()
		return i + 1, More
	case chunkEnd:
		return p.feedChunkEnd(b), More
	}
	return p.feedTrailer(b), More
}

// feedChunkSize reads 1*HEXDIG, with the white space around it that some
// senders write.
func (p *Parser) feedChunkSize(b []byte) int {
	for i, c := range b {
		switch v := hexValue(c); {
		case v >= 0 && p.digits < maxChunkDigits && p.tail == 0:
			p.left = p.left<<4 | int64(v)
			p.digits++
		case c == '\n' && p.digits > 0:
			p.sizeDone()
			return i + 1
		case c == ';' && p.digits > 0:
			p.state = chunkExt
			return i + 1
		case (c == ' ' || c == '\t') && p.digits == 0:
		case (c == ' ' || c == '\t' || c == '\r') && p.digits > 0:
			p.tail = 1 // no digit may follow
		default:
			p.state = chunkWrong
			return i
		}
	}
	return len(b)
}

// sizeDone goes on behind the line of a chunk's size.
func (p *Parser) sizeDone() {
	p.state, p.digits, p.tail = chunkData, 0, 0
	if p.left == 0 {
		p.state = trailer
	}
}

// feedChunkEnd reads the line end behind a chunk's data.
func (p *Parser) feedChunkEnd(b []byte) int {
	for i, c := range b {
		switch {
		case c == '\r' && p.tail == 0:
			p.tail = 1
		case c == '\n':
			p.state, p.left, p.digits, p.tail = chunkSize, 0, 0, 0
			return i + 1
		default:
			p.state = chunkWrong
			return i
		}
	}
	return len(b)
}

// feedTrailer skips trailer fields up to the empty line.
func (p *Parser) feedTrailer(b []byte) int {
	for pos := 0; pos < len(b); {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			p.measureLine(b[pos:])
			return len(b)
		}
		empty := p.lineEmpty(b[pos : pos+i+1])
		pos += i + 1
		p.tail = 0
		if empty {
			p.state = bodyDone
			return pos
		}
	}
	return len(b)
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
