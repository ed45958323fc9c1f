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
	var a Assembler
	a.Begin(h, k)
	a.Lines(raw)
	a.End(strings.HasSuffix(raw, "\n\r\n") || strings.HasSuffix(raw, "\n\n"))
}

// Assembler is ParseHead of a head that comes in stretches, of which some were
// parsed before.
type Assembler struct{ b builder }

// Begin starts a head with the memory of an earlier one.
func (a *Assembler) Begin(h *Head, k Kind) {
	*h = Head{Kind: k, Fields: h.Fields[:0], Violations: h.Violations[:0]}
	a.b = builder{h: h}
}

// Lines adds the next lines. Each has its end, but for the last of a head that is cut.
func (a *Assembler) Lines(text string) {
	a.b.text = text
	a.b.some()
	a.b.base += len(text)
}

// Line adds a line for which PlainField gave the field.
func (a *Assembler) Line(text string, f *Field) {
	h := a.b.h
	if a.b.base == 0 || len(h.Fields) >= MaxFields {
		a.Lines(text)
		return
	}
	at := a.b.base
	a.b.base += len(text)
	h.Fields = append(h.Fields, Field{Name: f.Name, Value: f.Value, Start: int64(at), End: int64(a.b.base)})
	h.sieve |= nameBit(f.Name)
}

// End ends the head. It is whole if its empty line has come.
func (a *Assembler) End(whole bool) {
	h := a.b.h
	if whole {
		a.b.judgeFraming()
	}
	h.End = int64(a.b.base)
	h.Truncated = h.Truncated || !whole
}

// PlainField parses a field line that has the form which RFC 9112 asks for, so
// that it means the same in any head; its Start and End are not set.
func PlainField(line string) (f Field, ok bool) {
	b := builder{h: &Head{}, text: line, base: 1}
	if b.plainField(0) != len(line) {
		return f, false
	}
	f = b.h.Fields[0]
	return Field{Name: f.Name, Value: f.Value}, true
}
