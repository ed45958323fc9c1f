package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// States of a connection, in the order in which they are shown.
const (
	failed = iota
	opening
	open
	closing
	closed
	states
)

var stateNames = [states]string{"FAILED", "opening", "open", "closing", "closed"}

// state is what a connection is shown as.
func (m *Model) state(c *Connection) int {
	switch {
	case m.o.Failed(c.Connection):
		return failed
	case c.Over:
		return closed
	case c.Outcome == record.Open, c.Outcome == record.Opaque:
		return open
	case c.Phase == record.PhaseClosed:
		return closing
	}
	return opening
}

// sort puts the failing first, and within a state the latest.
func (m *Model) sort() {
	slices.SortStableFunc(m.rows, func(a, b *Connection) int {
		return cmp.Or(cmp.Compare(m.state(a), m.state(b)), cmp.Compare(b.Started, a.Started), strings.Compare(b.ID, a.ID))
	})
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	lines := m.table
	if m.story != nil {
		lines = m.storyLines
	}
	v := tea.NewView(strings.Join(m.fit(lines()), "\n"))
	v.AltScreen = true
	return v
}

// fit makes each line fit the screen's width, and the lines its height.
func (m *Model) fit(lines []string) []string {
	lines = lines[:min(len(lines), m.height)]
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], m.width, "…")
	}
	return lines
}

// verdictLines is how many lines below the table tell of the row under the cursor.
const verdictLines = 3

// lines is how many rows fit.
func (m *Model) lines() int { return max(m.height-verdictLines-4, 1) }

func (m *Model) table() []string {
	lines := []string{m.headline(), m.paint(bold, m.row("STATE", "AGE", "MESSAGES", "RTT", "CONNECTION", "WHY"))}
	at, room := m.at(), m.lines()
	m.top = max(min(m.top, len(m.rows)-room), 0)
	if at >= 0 {
		m.top = min(max(m.top, at-room+1), at)
	}
	for i := m.top; i < min(m.top+room, len(m.rows)); i++ {
		lines = append(lines, m.connection(m.rows[i], i == at))
	}
	if len(m.rows) == 0 {
		lines = append(lines, m.empty())
	}
	for len(lines) < room+2 {
		lines = append(lines, "")
	}
	lines = append(lines, strings.Repeat("─", m.width))
	verdict := make([]string, verdictLines)
	if c := m.current(); c != nil {
		text := fmt.Sprintf("#%s %s > %s: %s", c.ID, c.Client, c.Server, c.Verdict)
		for i, line := range strings.Split(ansi.Wrap(m.o.Clean(text), m.width, ""), "\n") {
			if i < verdictLines {
				verdict[i] = line
			}
		}
	}
	return append(append(lines, verdict...), m.bottom("↑↓ move  enter story  / filter  s save  q quit with the report"))
}

func (m *Model) empty() string {
	if m.all > 0 {
		return "  Nothing fits the filter; esc clears it."
	}
	return "  Waiting for WebSocket connections ..."
}

// headline counts what there is.
func (m *Model) headline() string {
	text := "wsleuth live " + m.o.Clean(m.o.Title) + ": "
	var parts []string
	for state, n := range m.counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ToLower(stateNames[state])))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no connections yet"}
	}
	text += strings.Join(parts, ", ") + fmt.Sprintf("; %d packets", m.status.Packets)
	if m.status.Lost > 0 {
		text += m.paint(red, fmt.Sprintf(", %d LOST", m.status.Lost))
	}
	return text
}

// bottom is the last line: what is asked, what happened, or the keys.
func (m *Model) bottom(keys string) string {
	switch {
	case m.typing:
		return "filter: " + m.o.Clean(m.filter) + "█  (enter keeps it, esc clears it)"
	case m.saving:
		return "save: r the report of all connections (JSON)   e the packets of this one   esc nothing"
	case m.message != "":
		return m.message
	case m.filter != "":
		return m.paint(bold, "filter: "+m.o.Clean(m.filter)) + "  " + keys
	}
	return m.paint(faint, keys)
}

// fixedColumns is the width of all columns but the last two, and the gaps.
const fixedColumns = 36

// narrow is the width below which a URL goes without its scheme.
const narrow = 120

// row lays out the columns.
func (m *Model) row(state, age, messages, rtt, to, why string) string {
	target := max(min((m.width-fixedColumns)/2, 60), 16)
	return fmt.Sprintf("  %s %s %s %s %s %s", pad(state, 7), left(age, 6), left(messages, 9), left(rtt, 7), pad(to, target), why)
}

func (m *Model) connection(c *Connection, under bool) string {
	state := m.state(c)
	age := m.age(c)
	line := m.row(stateNames[state], age, m.messages(c), rtt(c), m.target(c), m.why(c, state))
	switch {
	case under:
		return m.paint(reverse, "> "+ansi.Truncate(line[2:], m.width-2, "…"))
	case state == failed:
		return m.paint(red, ansi.Truncate(line, m.width, "…"))
	}
	return line
}

// age is how long it has lasted, or had.
func (m *Model) age(c *Connection) string {
	end := c.Ended
	if !c.Over {
		end = max(end, record.Time(m.o.Now().UnixNano()))
	}
	return short(end.Sub(c.Started))
}

// short is a duration in at most six columns.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 100*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// messages counts those of both directions: from the client, from the server.
func (m *Model) messages(c *Connection) string {
	if c.WebSocket == nil {
		return "-"
	}
	return count(c.WebSocket.Messages.Client) + "/" + count(c.WebSocket.Messages.Server)
}

func count(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprint(n)
	case n < 10_000_000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprintf("%dM", n/1_000_000)
}

// rtt is the median of Ping to Pong, else the round trip of the handshake.
func rtt(c *Connection) string {
	ms := 0.0
	switch {
	case c.WebSocket != nil && c.WebSocket.PingMS != nil:
		ms = *c.WebSocket.PingMS
	case c.TCP != nil && c.TCP.HandshakeMS != nil:
		ms = *c.TCP.HandshakeMS
	default:
		return "-"
	}
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.0f s", ms/1000)
}

func (m *Model) target(c *Connection) string {
	if c.URL != "" {
		url := m.o.Clean(c.URL)
		if _, rest, ok := strings.Cut(url, "://"); ok && m.width < narrow {
			url = rest
		}
		return url
	}
	if name := cmp.Or(c.Host, c.DNSName); name != "" {
		return m.o.Clean(name) + " (" + c.Server.String() + ")"
	}
	return c.Server.String()
}

// why is the verdict in a few words.
func (m *Model) why(c *Connection, state int) string {
	for i := range c.Findings {
		if f := &c.Findings[i]; f.Severity != record.Info {
			return f.Code + " " + strings.ReplaceAll(m.o.Clean(f.Slug), "-", " ")
		}
	}
	switch {
	case state == opening:
		return string(c.Phase)
	case state >= closing && c.Close != nil && c.Close.HasCode:
		return fmt.Sprintf("%d %s", c.Close.Code, m.o.Clean(c.Close.Reason))
	case state == failed:
		return string(c.Outcome)
	}
	return ""
}

func (m *Model) storyLines() []string {
	lines := []string{m.paint(bold, m.storyTitle())}
	lines = append(lines, m.story[m.scroll:min(m.scroll+m.page(), len(m.story))]...)
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	return append(lines, m.bottom("↑↓ scroll  esc back  s save  q quit with the report"))
}

func (m *Model) storyTitle() string {
	c := m.current()
	if c == nil {
		return ""
	}
	more := ""
	if hidden := len(m.story) - m.scroll - m.page(); hidden > 0 {
		more = fmt.Sprintf("  (%d more lines)", hidden)
	}
	return fmt.Sprintf("#%s %s, %s%s", c.ID, stateNames[m.state(c)], m.age(c), more)
}

// Paints.
const (
	bold    = "1"
	faint   = "2"
	red     = "31"
	reverse = "7"
)

// paint colours a text. The cursor is seen without colours: it has a mark.
func (m *Model) paint(with, text string) string {
	if !m.o.Color {
		return text
	}
	return "\x1b[" + with + "m" + text + "\x1b[m"
}

// pad makes s as wide as a column; left does so on the left.
func pad(s string, columns int) string {
	s = ansi.Truncate(s, columns, "…")
	return s + strings.Repeat(" ", columns-ansi.StringWidth(s))
}

func left(s string, columns int) string {
	s = ansi.Truncate(s, columns, "…")
	return strings.Repeat(" ", columns-ansi.StringWidth(s)) + s
}
