package track

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// keptHead is a head as on the wire, behind a byte that says whether headLines
// packed it; empty if there is none.
type keptHead string

const (
	wholeHead byte = iota
	packedHead
)

// manyConns is the number of connections from which on their heads are packed:
// those of a short one are not worth it.
const manyConns = 1 << 13

func (t *Tracker) keepHead(head []byte) keptHead {
	l := &t.heads
	if len(head) == 0 {
		return ""
	}
	if len(t.conns)-len(t.free) < manyConns {
		l.packed = append(append(l.packed[:0], wholeHead), head...)
	} else {
		l.packed = l.pack(append(l.packed[:0], packedHead), head)
	}
	return keptHead(l.packed)
}

// parseHead is http1.ParseHeadInto of a head that was kept.
func (t *Tracker) parseHead(h *http1.Head, kind http1.Kind, k keptHead) {
	if text := string(k[1:]); k[0] == packedHead {
		t.heads.into(h, kind, text)
	} else {
		http1.ParseHeadInto(h, kind, text)
	}
}

// Limits of headLines.
const (
	// maxLines bounds the lines that are known, shortestLine and longestLine
	// their length.
	maxLines                  = 1 << 12
	shortestLine, longestLine = 8, 256
	// lineSlots is the size of the table that finds them, of which lineTries
	// places are looked at: a line that has none there is not known.
	lineSlots = 2 * maxLines
	lineTries = 4
)

// headLines makes heads short while they are kept: hundreds of thousands of
// WebSockets may be open, and their heads say nearly the same, line by line.
// A line that came twice is kept once, with the field in it, and stands in a
// head by its number; of others, the name of the field, or the path before the
// query, may.
type headLines struct {
	lines  []headLine // from firstLine on; nil before the first head
	slots  []lineSlot // lineSlots
	packed []byte     // memory for one head that is kept
	text   []byte
}

// headLine is a line that is known, or how lines begin.
type headLine struct {
	text         string
	whole, plain bool // it is a whole line; it always means this field
	field        http1.Field
	next         uint16 // the line that followed it the last time: mostly it does again
}

// Before a request's and a response's first line stand two that are empty.
const (
	beforeRequest uint16 = iota
	beforeResponse
	firstLine
)

// lineSlot leads from a hash to a line.
type lineSlot struct {
	hash uint32
	line uint16 // its number; 0: it came once
}

// A packed head is a row of literals, a byte that is the length less one and as
// many bytes, and of numbers of lines, two bytes of which the highest bit is set.
const (
	lineMark   = 0x80
	maxLiteral = lineMark
)

// pack adds a head to out.
func (l *headLines) pack(out, head []byte) []byte {
	if l.lines == nil {
		l.lines, l.slots = make([]headLine, firstLine), make([]lineSlot, lineSlots)
	}
	before := beforeRequest
	if len(head) > 0 && head[0] == 'H' {
		before = beforeResponse
	}
	from := 0 // of what is not yet in out
	for at := 0; at < len(head); {
		known := l.lines[before].next
		n := len(l.lines[known].text)
		if known == 0 || n > len(head)-at || string(head[at:at+n]) != l.lines[known].text {
			known, n = l.find(head[at:], at == 0)
			if known > 0 && l.lines[known].whole {
				l.lines[before].next = known
			}
		}
		if known > 0 {
			out = append(appendLiteral(out, head[from:at]), lineMark|byte(known>>8), byte(known))
			from, before = at+len(l.lines[known].text), known
		}
		at += n
	}
	return appendLiteral(out, head[from:])
}

func appendLiteral(out, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), maxLiteral)
		out = append(append(out, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return out
}

// find gives the number of the line at hand, or of how it begins, and its length.
func (l *headLines) find(head []byte, first bool) (known uint16, n int) {
	line := head
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		line = head[:i+1]
	}
	if known = l.number(line); known == 0 {
		end := byte(':')
		if first {
			end = '?'
		}
		if i := bytes.IndexByte(line, end); i >= 0 {
			known = l.number(line[:i+1])
		}
	}
	return known, len(line)
}

// number is that of a line, which may become known by this; 0 if it is not.
func (l *headLines) number(line []byte) uint16 {
	if len(line) < shortestLine || len(line) > longestLine {
		return 0
	}
	hash := lineHash(line)
	var free *lineSlot
	for i := range uint32(lineTries) {
		s := &l.slots[(hash+i)%lineSlots]
		switch {
		case s.line == 0 && (free == nil || s.hash == hash):
			free = s
		case s.line > 0 && s.hash == hash && l.lines[s.line].text == string(line):
			return s.line
		}
	}
	switch {
	case free == nil:
	case free.hash != hash:
		free.hash = hash
	case len(l.lines) < maxLines:
		free.line = uint16(len(l.lines))
		l.learn(string(line))
		return free.line
	}
	return 0
}

func (l *headLines) learn(text string) {
	line := headLine{text: text, whole: strings.HasSuffix(text, "\n")}
	if line.whole {
		line.field, line.plain = http1.PlainField(text)
	}
	l.lines = append(l.lines, line)
}

// lineHash reads the beginning, the middle and the end of a line, which has
// shortestLine bytes at least.
func lineHash(b []byte) uint32 {
	middle := len(b)/2 - 4
	h := binary.LittleEndian.Uint64(b)*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(b[len(b)-8:])
	h = (h^h>>32)*0xd6e8feb86659fd93 ^ binary.LittleEndian.Uint64(b[middle:middle+8]) ^ uint64(len(b))
	return uint32(h * 0x9e3779b97f4a7c15 >> 32)
}

// into parses a packed head as http1.ParseHeadInto does the head. Of the lines that
// are known whole nothing has to be made: text is what stands between them.
func (l *headLines) into(h *http1.Head, kind http1.Kind, packed string) {
	text := l.between(packed)
	var a http1.Assembler
	a.Begin(h, kind)
	n, lines := 0, 0
	for len(packed) > 0 {
		if c := packed[0]; c < lineMark {
			n += int(c) + 1
			packed = packed[c+2:]
			continue
		}
		line := l.referred(packed)
		packed = packed[2:]
		if !line.whole {
			n += len(line.text)
			continue
		}
		if n > 0 {
			a.Lines(text[:n])
			text, n = text[n:], 0
		}
		if lines++; line.plain {
			a.Line(line.text, &line.field)
		} else {
			a.Lines(line.text)
		}
	}
	a.Lines(text)
	a.End(strings.HasSuffix(text, "\n\r\n") || strings.HasSuffix(text, "\n\n") || lines > 0 && (text == "\r\n" || text == "\n"))
}

// between is the text that stands between lines which are known whole.
func (l *headLines) between(packed string) string {
	text := l.text[:0]
	for len(packed) > 0 {
		if c := packed[0]; c < lineMark {
			text = append(text, packed[1:c+2]...)
			packed = packed[c+2:]
			continue
		}
		if line := l.referred(packed); !line.whole {
			text = append(text, line.text...)
		}
		packed = packed[2:]
	}
	l.text = text
	return string(text)
}

func (l *headLines) referred(packed string) *headLine {
	return &l.lines[uint16(packed[0]&^lineMark)<<8|uint16(packed[1])]
}
