package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxFilter bounds what is typed as a filter.
const maxFilter = 100

// key takes a key press.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if name == "ctrl+c" {
		return tea.Quit
	}
	switch {
	case m.typing:
		m.typed(name, k.Text)
		return nil
	case m.saving:
		return m.save(name)
	}
	m.message = ""
	if name == "q" {
		return tea.Quit
	}
	if m.story != nil {
		m.storyKey(name)
		return nil
	}
	m.tableKey(name)
	return nil
}

// typed takes a key while the filter is typed.
func (m *Model) typed(name, text string) {
	switch name {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(m.filter)
		m.filter = m.filter[:len(m.filter)-n]
	default:
		if len(m.filter)+len(text) <= maxFilter {
			m.filter += text
		}
	}
	m.look()
}

// matches tells whether a connection is shown: all words of the filter are in
// what is known of it.
func (m *Model) matches(c *Connection) bool {
	if m.filter == "" {
		return true
	}
	texts := []string{stateNames[m.state(c)], c.ID, c.Client.String(), c.Server.String(), c.DNSName, c.URL, c.Host, string(c.Outcome), c.Verdict}
	for i := range c.Findings {
		texts = append(texts, c.Findings[i].Code, c.Findings[i].Slug)
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, word := range strings.Fields(strings.ToLower(m.filter)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

func (m *Model) tableKey(name string) {
	at, last := max(m.at(), 0), len(m.rows)-1
	switch name {
	case "up", "k":
		at--
	case "down", "j":
		at++
	case "pgup":
		at -= m.lines()
	case "pgdown":
		at += m.lines()
	case "home", "g":
		at = 0
	case "end", "G":
		at = last
	case "enter", "right":
		if c := m.current(); c != nil {
			m.story, m.scroll = []string{}, 0
			m.retell()
		}
	case "/":
		m.typing = true
	case "esc":
		m.filter = ""
		m.look()
	case "s":
		m.saving = m.o.Save != nil && m.all > 0
	}
	if last >= 0 {
		m.chosen = m.rows[min(max(at, 0), last)].ID
	}
}

func (m *Model) storyKey(name string) {
	switch name {
	case "up", "k":
		m.scroll--
	case "down", "j":
		m.scroll++
	case "pgup":
		m.scroll -= m.page()
	case "pgdown", "space":
		m.scroll += m.page()
	case "home", "g":
		m.scroll = 0
	case "end", "G":
		m.scroll = len(m.story)
	case "s":
		m.saving = m.o.Save != nil
	case "esc", "enter", "left", "backspace":
		m.story, m.scroll = nil, 0
		return
	}
	m.scroll = max(min(m.scroll, m.lastScroll()), 0)
}

// save takes the answer to what is to be saved.
func (m *Model) save(name string) tea.Cmd {
	m.saving = false
	kind := SaveReport
	switch name {
	case "r", "enter":
	case "e":
		kind = SaveEvidence
	default:
		return nil
	}
	all, chosen := m.feed.Connections(), (*record.Connection)(nil)
	if c := m.current(); c != nil {
		chosen = c.Connection
	}
	save := m.o.Save
	m.message = "saving ..."
	return func() tea.Msg {
		where, err := save(kind, all, chosen)
		return saved{where, err}
	}
}
