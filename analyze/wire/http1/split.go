package http1

import "bytes"

// feedHead reads lines of a head until the empty line that ends it.
func (p *Parser) feedHead(b []byte) (int, Event) {
	if len(p.buf) > 0 || p.skipped > 0 {
		return p.feedSplitHead(b)
	}
	from := 0 // where the start line begins
	for pos := 0; ; {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			p.start = p.offset + int64(from)
			return p.holdHead(b, from, pos)
		}
		line, at := b[pos:pos+i+1], pos-from
		pos += i + 1
		if p.started && classes[line[0]]&telling == 0 && pos-from <= MaxHead {
			p.framing.otherField()
			continue
		}
		switch p.takeLine(line, at, pos-from <= MaxHead) {
		case lineBlank:
			p.sawBlank(p.offset + int64(from))
			from = pos
		case lineWrong:
			return p.wrongStart(from)
		case lineLast:
			p.start = p.offset + int64(from)
			p.skipped = int64(max(0, pos-from-MaxHead))
			p.headComplete(b[from:min(pos, from+MaxHead)])
			return pos, HeadDone
		}
	}
}

// headComplete offers a head to the caller.
func (p *Parser) headComplete(head []byte) {
	p.view, p.state = head, headDone
	if !p.started {
		p.startLine(head) // longer than MaxHead
	}
}

// sawBlank notes an empty line before the start line.
func (p *Parser) sawBlank(at int64) {
	if !p.blanks {
		p.blanks, p.blank = true, at
	}
}

// wrongStart ends a head that is none. While resynchronizing that only means
// to look further.
func (p *Parser) wrongStart(n int) (int, Event) {
	if p.resync {
		p.beginHead(false)
		p.state = seeking
		return n, More
	}
	p.state = notHTTP
	return n, NotHTTP
}

// holdHead keeps the incomplete head b[from:], whose current line starts at
// b[pos].
func (p *Parser) holdHead(b []byte, from, pos int) (int, Event) {
	if from == len(b) {
		return len(b), More
	}
	if !p.started && looksStart(p.kind, b[from:]) == No {
		return p.wrongStart(from)
	}
	p.tail = 0
	p.line = int32(min(pos-from, MaxHead))
	p.hold(b[from:pos])
	p.tail = 0
	p.hold(b[pos:])
	return len(b), More
}

// hold keeps bytes of a head up to MaxHead and counts the others.
func (p *Parser) hold(b []byte) {
	room := MaxHead - len(p.buf)
	if p.skipped == 0 && len(b) <= room {
		p.buf = append(p.buf, b...)
	} else {
		p.buf = append(p.buf, b[:min(room, len(b))]...)
		p.skipped += int64(len(b) - min(room, len(b)))
	}
	p.measureLine(b)
}

// measureLine keeps in tail what is needed to know an empty line without its
// bytes: 0 nothing yet, 1 a lone CR, 2 anything else.
func (p *Parser) measureLine(b []byte) {
	switch {
	case len(b) == 0 || p.tail == 2:
	case p.tail == 0 && len(b) == 1 && b[0] == '\r':
		p.tail = 1
	default:
		p.tail = 2
	}
}

// lineEmpty tells whether the line that ends with rest, a line feed included,
// is empty.
func (p *Parser) lineEmpty(rest []byte) bool {
	return (p.tail == 0 && (len(rest) == 1 || (len(rest) == 2 && rest[0] == '\r'))) ||
		(p.tail == 1 && len(rest) == 1)
}

// feedSplitHead goes on with a head of which bytes are held.
func (p *Parser) feedSplitHead(b []byte) (int, Event) {
	for pos := 0; pos < len(b); {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			return p.holdMore(b, pos)
		}
		rest := b[pos : pos+i+1]
		before, empty := len(p.buf), p.lineEmpty(rest)
		p.hold(rest)
		pos += i + 1
		verdict := lineTaken
		if p.skipped == 0 {
			verdict = p.takeLine(p.buf[p.line:], int(p.line), true)
		} else if empty {
			verdict = lineLast
		}
		p.line, p.tail = int32(len(p.buf)), 0
		switch verdict {
		case lineBlank:
			p.sawBlank(p.start)
			p.dropBuffer()
			p.line = 0
			return pos, More
		case lineWrong:
			p.buf = p.buf[:before]
			return p.wrongStart(0)
		case lineLast:
			p.headComplete(p.buf)
			return pos, HeadDone
		}
	}
	return len(b), More
}

// holdMore keeps b[pos:], the next part of a line.
func (p *Parser) holdMore(b []byte, pos int) (int, Event) {
	before := len(p.buf)
	p.hold(b[pos:])
	if !p.started && before <= decided && looksStart(p.kind, p.buf) == No {
		p.buf = p.buf[:before]
		return p.wrongStart(pos)
	}
	return len(b), More
}

// feedSeek looks for a start line where a message may begin: at the front of
// what is fed (a segment) and behind line ends.
func (p *Parser) feedSeek(b []byte) (int, Event) {
	for pos := 0; pos < len(b); {
		if p.resumesAt(b[pos:]) {
			p.beginHead(true)
			return pos, More
		}
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			break
		}
		pos += i + 1
	}
	return len(b), More
}
