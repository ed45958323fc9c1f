package known

import (
	"bytes"
	"strings"
	"testing"
)

// TestPhrases holds Find against the obvious way, for every text that is
// looked for, at every place of a page and in any case.
func TestPhrases(t *testing.T) {
	for name, p := range map[string]*Phrases{"pages": filterTexts[inBody], "bodies": bodyPhrases, "few": NewPhrases("abcd", "", "bcde", "cdef0")} {
		slow := func(page string) int {
			for i, text := range p.texts {
				if text != "" && strings.Contains(strings.ToLower(page), text) {
					return i
				}
			}
			return -1
		}
		pages := []string{"", "abc", "aabcd", "xxBCDEfg", "cdef0abcd", "ABCDE", strings.Repeat("abc", 100), "<html><body>404 Not Found</body></html>"}
		for i, text := range p.texts {
			other := p.texts[(i+7)%len(p.texts)]
			pages = append(pages, text, "<p>"+strings.ToUpper(text), other+text, text[:len(text)/2]+text, text[:max(0, len(text)-1)])
		}
		for _, page := range pages {
			if got, want := p.Find([]byte(page)), slow(page); got != want {
				t.Errorf("%s: Find(%q) = %d, expected %d", name, page, got, want)
			}
		}
	}
	page := bytes.Repeat([]byte("<p>An ordinary page. "), 20)
	if n := testing.AllocsPerRun(100, func() { filterTexts[inBody].Find(page) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
