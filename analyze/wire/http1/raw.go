package http1

import "bytes"

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
// judged.
func ParseHead(k Kind, raw []byte) *Head {
	p := Parser{kind: k}
	whole := bytes.HasSuffix(raw, []byte("\n\r\n")) || bytes.HasSuffix(raw, []byte("\n\n"))
	h := p.build(raw, whole)
	h.End = int64(len(raw))
	h.Truncated = h.Truncated || !whole
	return h
}
