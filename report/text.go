package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Clean makes text from a capture safe to print on one line of a terminal:
// control characters (ESC and C1 among them), invisible and bidirectional
// formatting characters, line separators and bytes that are not UTF-8 are
// written as escapes (\n, \x1b, \u202e). Printable text stays as it is.
func Clean(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if b := s[i]; b < 0x20 || b >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
			i++
			continue
		}
		writeRune(&b, r)
		i += n
	}
	return b.String()
}

func writeRune(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < 0x20 || r == 0x7f:
		fmt.Fprintf(b, `\x%02x`, r)
	case unicode.IsPrint(r) && !invisible(r):
		b.WriteRune(r)
	case r > 0xffff:
		fmt.Fprintf(b, `\U%08x`, r)
	default:
		fmt.Fprintf(b, `\u%04x`, r)
	}
}

// invisible tells whether a rune that Unicode counts as a letter, mark or
// symbol shows nothing: fillers, variation selectors, the blank of Braille.
func invisible(r rune) bool {
	switch {
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef, r >= 0x180b && r <= 0x180f:
		return true
	}
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return false
}

// cleanLines is Clean for text in which line breaks are meant: each line is
// cleaned, tabs are four spaces.
func cleanLines(s string) []string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\t", "    ")
	lines := strings.Split(strings.Trim(s, "\n"), "\n")
	for i := range lines {
		lines[i] = Clean(strings.TrimRight(lines[i], " \r"))
	}
	return lines
}

// width is how many columns of a terminal s takes.
func width(s string) int { return twwidth.Width(s) }

// wrap breaks a cleaned line at spaces so that none takes more than columns; a
// word that is longer is broken, but for a link: that would lead nowhere.
// Leading spaces are kept for all lines.
func wrap(line string, columns int) []string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	columns = max(columns, len(indent)+1)
	if width(line) <= columns {
		return []string{line}
	}
	var out []string
	current, used := indent, len(indent)
	flush := func() {
		out = append(out, strings.TrimRight(current, " "))
		current, used = indent, len(indent)
	}
	for _, word := range strings.Fields(line) {
		w := width(word)
		if used > len(indent) {
			if used+1+w > columns {
				flush()
			} else {
				current, used = current+" ", used+1
			}
		}
		link := strings.HasPrefix(strings.TrimLeft(word, "('"), "https://") && len(word) < maxLink
		for used+w > columns && !link { // longer than a whole line
			head := fitting(word, columns-used)
			if i := strings.LastIndexAny(head, "/?&=;,"); i > len(head)/2 { // URLs break well there
				head = head[:i+1]
			}
			current += head
			word = word[len(head):]
			w = width(word)
			flush()
		}
		current, used = current+word, used+w
	}
	if used > len(indent) {
		flush()
	}
	return out
}

// maxLink bounds the links that are not broken.
const maxLink = 200

// fitting is the longest beginning of word that fits into columns, at least one rune.
func fitting(word string, columns int) string {
	for i, r := range word {
		if end := i + utf8.RuneLen(r); width(word[:end]) > columns && i > 0 {
			return word[:i]
		}
	}
	return word
}

// shorten cuts a cleaned line to columns, with an ellipsis.
func shorten(s string, columns int) string {
	if width(s) <= columns || columns < 2 {
		return s
	}
	return fitting(s, columns-1) + "…"
}

// plural is "1 connection", "2 connections".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// number groups the digits of n in threes: 287,000.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
