package report

import (
	"fmt"
	"strings"
	"unicode"
)

// markdownText makes text from a capture harmless within Markdown: no markup,
// no HTML, and on GitHub and GitLab no mention, reference or link. What is
// written looks as it was.
func markdownText(s string) string {
	s = Clean(s)
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case c == '@' || c == '#': // a comment keeps the name behind it from being mentioned
			b.WriteByte('\\')
			b.WriteByte(c)
			b.WriteString("<!-- -->")
		case strings.IndexByte("\\`*_[]|~$", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == ':' && strings.HasPrefix(s[i:], "://"): // no automatic link
			b.WriteString("<!-- -->:")
		case c == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www"):
			b.WriteString("<!-- -->.")
		case i == 0 && strings.IndexByte("-+=", c) >= 0: // lists, rules, headings
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '.' && i > 0 && isDigit(s[i-1]) && strings.Trim(s[:i], "0123456789") == "": // ordered lists
			b.WriteString("\\.")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// markdownCode is text from a capture as a code span; within a table it needs inTable.
func markdownCode(s string, inTable bool) string {
	s = Clean(s)
	if s == "" {
		return ""
	}
	if inTable { // GFM, section 4.10: "It is possible to include a pipe in a cell's content by escaping it, including inside other inline spans"
		s = strings.ReplaceAll(s, `\|`, `|`)
		s = strings.ReplaceAll(s, "|", `\|`)
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return fence + s + fence
}

// longestRun is the length of the longest run of c in s.
func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// markdownBlock is text of several lines as a fenced block.
func markdownBlock(kind string, lines []string) string {
	longest := 2
	for _, line := range lines {
		longest = max(longest, longestRun(line, '`'))
	}
	fence := strings.Repeat("`", longest+1)
	return fence + kind + "\n" + strings.Join(lines, "\n") + "\n" + fence + "\n"
}

// mermaidWidth is how long a text in a diagram may be.
const mermaidWidth = 64

// mermaidText is text for a diagram. Mermaid has a syntax of its own, and what
// it draws becomes HTML: everything that could mean something is a dot, for
// the exact text stands beside the diagram.
func mermaidText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,/_=()?'-:", r) {
			return r
		}
		return '·'
	}, Clean(s))
	return shorten(s, mermaidWidth)
}

// mermaid draws steps as a sequence diagram.
func mermaid(l *ladder) string {
	var lines []string
	for i, name := range l.names {
		lines = append(lines, fmt.Sprintf("    participant P%d as %s", i, mermaidText(name)))
	}
	for _, s := range l.steps {
		text := mermaidText(s.label())
		if s.packet != 0 && s.what != "silence" {
			text = fmt.Sprintf("%s (packet %d, %s)", text, s.packet, s.after)
		}
		switch {
		case s.span:
			lines = append(lines, fmt.Sprintf("    Note over P0,P%d: %s", len(l.names)-1, text))
		case s.from == s.to:
			lines = append(lines, fmt.Sprintf("    Note over P%d: %s", s.from, text))
		case s.lost:
			lines = append(lines, fmt.Sprintf("    P%d-xP%d: %s", s.from, s.to, text))
		default:
			lines = append(lines, fmt.Sprintf("    P%d->>P%d: %s", s.from, s.to, text))
		}
		if s.broke != "" {
			lines = append(lines, fmt.Sprintf("    Note over P0,P%d: HERE - %s", len(l.names)-1, mermaidText(s.broke)))
		}
	}
	return "```mermaid\nsequenceDiagram\n" + strings.Join(lines, "\n") + "\n```\n"
}
