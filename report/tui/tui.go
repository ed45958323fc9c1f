// Package tui is the live view: a row for each WebSocket connection, those that
// fail on top, the story of one of them behind Enter.
//
// Most callers need only a [Feed], which takes connections as they change from
// any goroutine, and [New], whose model a Bubble Tea program runs. The package
// knows results only; what it needs of the world around it is in [Options].
package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Connection is a connection as it stands.
type Connection struct {
	*record.Connection
	// Over: nothing more is to be expected of it.
	Over bool
	// Active is when its last packet came.
	Active record.Time
}

// Status is what the capture as a whole has come to.
type Status struct {
	Packets int64
	Lost    uint64
}

// Options are what the view needs from outside. Clean, Story and Failed must be
// set.
type Options struct {
	// Title says where packets come from.
	Title string
	// Location is where times are; nil means UTC.
	Location *time.Location
	// Color allows colours; nothing depends on them.
	Color bool
	// Now is the clock; time.Now if it is nil.
	Now func() time.Time
	// Clean makes a text of the capture safe for a terminal.
	Clean func(string) string
	// Story tells of one connection in lines of at most width columns, which
	// are safe for a terminal.
	Story func(c *record.Connection, width int) []string
	// Failed tells whether a connection counts as failed.
	Failed func(*record.Connection) bool
	// Save saves the connections, and answers where; chosen is the one under
	// the cursor. nil if nothing can be saved.
	Save func(kind SaveKind, all []*record.Connection, chosen *record.Connection) (string, error)
	// Status is asked with each refresh; nil if there is none.
	Status func() Status
}

// SaveKind says what is to be saved.
type SaveKind int

const (
	SaveReport   SaveKind = iota // of all connections
	SaveEvidence                 // the packets of one
)

// refreshEvery is how often the view looks at its feed.
const refreshEvery = 200 * time.Millisecond

// refresh says that it is time to look at the feed.
type refresh struct{}

func soon() tea.Cmd { return tea.Tick(refreshEvery, func(time.Time) tea.Msg { return refresh{} }) }

// saved is what came of saving.
type saved struct {
	where string
	err   error
}

// Model is the view.
type Model struct {
	o      Options
	feed   *Feed
	status Status
	rows   []*Connection // in the order in which they are shown
	all    int           // connections before the filter
	counts [states]int   // by state
	chosen string        // the ID under the cursor
	top    int           // the first row on the screen
	width  int
	height int

	filter  string
	typing  bool // the filter is being typed
	saving  bool // what to save is being asked
	message string

	story  []string // of the chosen connection; nil: the table is shown
	scroll int
}

// New makes a view of what feed takes.
func New(feed *Feed, o Options) *Model {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	return &Model{o: o, feed: feed, width: 80, height: 24}
}

var _ tea.Model = (*Model)(nil)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	m.look()
	return soon()
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 1), max(msg.Height, 1)
		m.retell()
	case refresh:
		m.look()
		return m, soon()
	case saved:
		m.message = "saved " + m.o.Clean(msg.where)
		if msg.err != nil {
			m.message = "not saved: " + m.o.Clean(msg.err.Error())
		}
	case tea.KeyPressMsg:
		return m, m.key(msg)
	}
	return m, nil
}

// look takes what changed.
func (m *Model) look() {
	if m.o.Status != nil {
		m.status = m.o.Status()
	}
	all := m.feed.snapshot()
	m.all, m.counts = len(all), [states]int{}
	m.rows = m.rows[:0]
	for _, c := range all {
		m.counts[m.state(c)]++
		if m.matches(c) {
			m.rows = append(m.rows, c)
		}
	}
	m.sort()
	if m.at() < 0 && len(m.rows) > 0 {
		m.chosen = m.rows[0].ID
	}
	m.retell()
}

// at is the place of the cursor among the rows, -1 if it is on none.
func (m *Model) at() int {
	for i, c := range m.rows {
		if c.ID == m.chosen {
			return i
		}
	}
	return -1
}

// current is the connection under the cursor, nil if there is none.
func (m *Model) current() *Connection {
	if i := m.at(); i >= 0 {
		return m.rows[i]
	}
	return nil
}

// retell tells the story again, if one is shown and its connection changed.
func (m *Model) retell() {
	c := m.current()
	if m.story == nil || c == nil {
		return
	}
	m.story = m.o.Story(c.Connection, m.width)
	m.scroll = min(m.scroll, m.lastScroll())
}

func (m *Model) lastScroll() int { return max(len(m.story)-m.page(), 0) }

// page is how many lines of a story are shown.
func (m *Model) page() int { return max(m.height-2, 1) }
