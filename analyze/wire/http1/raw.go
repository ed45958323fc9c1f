package http1

import "strings"

// Raw returns the bytes of the complete head that HeadDone speaks of, or of
// the incomplete one, as they came. They are valid until the next Feed.
func (p *Parser) Raw() []byte {
	if p.state == headDone {
		return p.view
	}
	return p.Held()
}

// HeadStart is the stream offset of the first byte of the head that Raw
// returns.
func (p *Parser) HeadStart() int64 { return p.start }

// ParseHead parses the bytes that Raw returned; offsets count from their
// beginning. A head without its empty line is Truncated, and its form is not
// judged. The head refers to raw.
func ParseHead(k Kind, raw string) *Head {
	h := &Head{Fields: make([]Field, 0, min(strings.Count(raw, "\n"), MaxFields))}
	ParseHeadInto(h, k, raw)
	return h
}

// ParseHeadInto is ParseHead with the memory of an earlier head.
func ParseHeadInto(h *Head, k Kind, raw string) {
	whole := strings.HasSuffix(raw, "\n\r\n") || strings.HasSuffix(raw, "\n\n")
	*h = Head{Kind: k, Fields: h.Fields[:0], Violations: h.Violations[:0]}
	b := builder{h: h, text: raw}
	b.lines(whole)
	h.End = int64(len(raw))
	h.Truncated = h.Truncated || !whole
}
