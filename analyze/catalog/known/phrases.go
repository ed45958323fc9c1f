package known

import "math"

// Phrases finds which of many texts stands in a page, in one pass and without
// memory: almost no page has one. In it, ASCII letters may have any case.
type Phrases struct {
	texts []string // in lower case; empty ones are never found
	heads []uint32 // the first four bytes of each
	least int      // the length of the shortest
	sieve [1 << 6]uint64
}

// headBytes is how many bytes a text must have at least.
const headBytes = 4

// NewPhrases takes texts in lower case, of four bytes or more; empty ones keep
// a place that is never found.
func NewPhrases(texts ...string) *Phrases {
	p := &Phrases{texts: texts, heads: make([]uint32, len(texts)), least: math.MaxInt}
	for i, text := range texts {
		if text == "" {
			continue
		}
		p.least = min(p.least, len(text))
		for _, b := range []byte(text[:headBytes]) {
			p.heads[i] = p.heads[i]<<8 | uint32(b)
		}
		word, bit := sieveAt(p.heads[i])
		p.sieve[word] |= bit
	}
	return p
}

// sieveAt is the place of four bytes in the sieve: multiplied by 2^32 over the
// golden ratio, all of them decide.
func sieveAt(head uint32) (word, bit uint64) {
	h := head * 0x9E3779B1 >> 20
	return uint64(h >> 6), 1 << (h & 63)
}

// Find returns the place of the first of the texts that stands in the page, -1
// if none does.
func (p *Phrases) Find(page []byte) int { return find(p, page) }

// FindString is Find in a string.
func (p *Phrases) FindString(page string) int { return find(p, page) }

func find[T string | []byte](p *Phrases, page T) int {
	best, head := len(p.texts), uint32(0)
	for i := range len(page) - p.least + headBytes { // behind that, none can begin
		head = head<<8 | uint32(lower(page[i]))
		word, bit := sieveAt(head)
		if p.sieve[word]&bit == 0 || i < headBytes-1 {
			continue
		}
		for k := range p.heads[:best] {
			if p.heads[k] == head && p.texts[k] != "" && beginsFold(page[i-headBytes+1:], p.texts[k]) {
				best = k
				break
			}
		}
	}
	if best == len(p.texts) {
		return -1
	}
	return best
}

// In returns that text as the page has it; empty if there is none.
func (p *Phrases) In(page []byte) string {
	if i := p.Find(page); i >= 0 {
		text := p.texts[i]
		for !beginsFold(page, text) {
			page = page[1:]
		}
		return string(page[:len(text)])
	}
	return ""
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b |= 0x20
	}
	return b
}

// beginsFold tells whether b begins with text, which is in lower case.
func beginsFold[T string | []byte](b T, text string) bool {
	if len(b) < len(text) {
		return false
	}
	for i := range len(text) {
		if lower(b[i]) != text[i] {
			return false
		}
	}
	return true
}

// containsFold tells whether s contains text, which is in lower case, in any
// case of ASCII letters.
func containsFold(s, text string) bool {
	for i := 0; i+len(text) <= len(s); i++ {
		if beginsFold(s[i:], text) {
			return true
		}
	}
	return false
}

// PhrasesOf makes Phrases of what is in a table.
func PhrasesOf[T any](table []T, text func(*T) string) *Phrases {
	texts := make([]string, len(table))
	for i := range table {
		texts[i] = text(&table[i])
	}
	return NewPhrases(texts...)
}
