package tui

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/wsleuth/wsleuth/analyze/record"
)

const second = record.Time(time.Second)

// now is what time it is in these tests.
const now = 1000 * second

func isFailed(c *record.Connection) bool {
	return len(c.Findings) > 0 && c.Findings[0].Severity == record.Error
}

func connection(id int, outcome record.Outcome, code string) Connection {
	handshake := 1.25
	c := &record.Connection{ID: fmt.Sprint(id), Client: netip.MustParseAddrPort("192.0.2.1:4000"), Server: netip.MustParseAddrPort("192.0.2.2:80"),
		URL: fmt.Sprintf("ws://app.test/%d", id), Outcome: outcome, Phase: record.PhaseUpgrade, Verdict: fmt.Sprintf("Verdict on %d.", id),
		Started: now - record.Time(id)*second, Ended: now, TCP: &record.TCP{HandshakeMS: &handshake}}
	if code != "" {
		c.Findings = []record.Finding{{Code: code, Slug: "some-cause", Severity: record.Error}}
	}
	return Connection{Connection: c, Over: outcome != record.Open && outcome != record.Incomplete, Active: c.Ended}
}

func model(feed *Feed) *Model {
	return New(feed, Options{
		Title: "lo", Failed: isFailed, Now: func() time.Time { return now.Std() },
		Clean: func(s string) string { return strings.ReplaceAll(s, "\x1b", "?") },
		Story: func(c *record.Connection, width int) []string {
			var lines []string
			for i := range 40 {
				lines = append(lines, fmt.Sprintf("story of %s, line %d", c.ID, i))
			}
			return append(lines, strings.Repeat("=", width))
		},
		Save: func(kind SaveKind, all []*record.Connection, chosen *record.Connection) (string, error) {
			if kind == SaveEvidence {
				return "", errors.New("no packets of " + chosen.ID)
			}
			return fmt.Sprintf("%d in file", len(all)), nil
		},
	})
}

// full is a feed with one connection of each kind.
func full() *Feed {
	f := NewFeed(isFailed)
	open := connection(3, record.Open, "")
	open.WebSocket = &record.WebSocket{Messages: record.PerSide{Client: 12, Server: 34}}
	closing := connection(5, record.ClosedClean, "")
	closing.Over, closing.Phase, closing.Close = false, record.PhaseClosed, &record.Close{By: record.Client, Code: 1000, HasCode: true}
	f.Put(connection(1, record.ClosedClean, ""))
	f.Put(connection(2, record.Incomplete, ""))
	f.Put(open)
	f.Put(closing)
	f.Put(connection(4, record.Rejected, "WS525"))
	return f
}

// screen is what is shown, without colours.
func screen(m *Model) string { return ansi.Strip(m.View().Content) }

// press sends keys.
func press(t *testing.T, m *Model, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if _, cmd := m.Update(keyOf(k)); cmd != nil {
			if msg := cmd(); msg != nil {
				m.Update(msg)
			}
		}
	}
}

func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{"up": tea.KeyUp, "down": tea.KeyDown, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace,
		"pgdown": tea.KeyPgDown, "end": tea.KeyEnd}
	if code, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func TestTable(t *testing.T) {
	m := model(full())
	m.Init()
	want := []string{
		"wsleuth live lo: 1 failed, 1 opening, 1 open, 1 closing, 1 closed; 0 packets",
		"  STATE      AGE  MESSAGES     RTT CONNECTION             WHY",
		"> FAILED   4.0 s         -  1.2 ms app.test/4             WS525 some cause",
		"  opening  2.0 s         -  1.2 ms app.test/2             upgrade",
		"  open     3.0 s     12/34  1.2 ms app.test/3             ",
		"  closing  5.0 s         -  1.2 ms app.test/5             1000 ",
		"  closed   1.0 s         -  1.2 ms app.test/1             ",
	}
	got := strings.Split(screen(m), "\n")
	for i, line := range want {
		if got[i] != line {
			t.Errorf("line %d:\n%q\nwant\n%q", i, got[i], line)
		}
	}
	if len(got) != 24 {
		t.Errorf("%d lines", len(got))
	}
	if !strings.Contains(screen(m), "#4 192.0.2.1:4000 > 192.0.2.2:80: Verdict on 4.") {
		t.Error("no verdict below the table")
	}
}

// The cursor stays on its connection when others come and go before it.
func TestCursorStays(t *testing.T) {
	feed := full()
	m := model(feed)
	m.Init()
	press(t, m, "down", "down")
	if c := m.current(); c.ID != "3" {
		t.Fatalf("the cursor is on %s", c.ID)
	}
	feed.Put(connection(2, record.Rejected, "WS525"))
	feed.Put(connection(9, record.Rejected, "WS501"))
	m.Update(refresh{})
	if c := m.current(); c.ID != "3" || m.at() != 3 {
		t.Errorf("the cursor is on %s, row %d", c.ID, m.at())
	}
}

func TestFilter(t *testing.T) {
	m := model(full())
	m.Init()
	press(t, m, "/", "w", "s", "5", "2", "5")
	if s := screen(m); !strings.Contains(s, "filter: ws525█") || strings.Contains(s, "app.test/3") || !strings.Contains(s, "> FAILED") {
		t.Errorf("filtered:\n%s", s)
	}
	press(t, m, "x")
	if s := screen(m); !strings.Contains(s, "Nothing fits") {
		t.Errorf("filtered by nonsense:\n%s", s)
	}
	press(t, m, "backspace", "enter")
	if s := screen(m); !strings.Contains(s, "> FAILED") || !strings.Contains(s, "filter: ws525  ") {
		t.Errorf("kept filter:\n%s", s)
	}
	press(t, m, "esc")
	if s := screen(m); !strings.Contains(s, "app.test/3") {
		t.Errorf("filter cleared:\n%s", s)
	}
}

func TestStory(t *testing.T) {
	feed := full()
	m := model(feed)
	m.Init()
	press(t, m, "enter")
	if s := screen(m); !strings.Contains(s, "story of 4, line 0\n") || !strings.Contains(s, "(19 more lines)") {
		t.Errorf("story:\n%s", s)
	}
	press(t, m, "down", "pgdown")
	if s := screen(m); strings.Contains(s, "line 0\n") || !strings.Contains(s, strings.Repeat("=", 80)) {
		t.Errorf("scrolled to its end:\n%s", s)
	}
	press(t, m, "esc")
	if s := screen(m); !strings.Contains(s, "STATE") {
		t.Errorf("back:\n%s", s)
	}
}

func TestSave(t *testing.T) {
	m := model(full())
	m.Init()
	press(t, m, "s")
	if s := screen(m); !strings.Contains(s, "save: r the report") {
		t.Errorf("asked:\n%s", s)
	}
	press(t, m, "r")
	if s := screen(m); !strings.Contains(s, "saved 5 in file") {
		t.Errorf("report:\n%s", s)
	}
	press(t, m, "s", "e")
	if s := screen(m); !strings.Contains(s, "not saved: no packets of 4") {
		t.Errorf("evidence:\n%s", s)
	}
}

// Every size is survived, and no line is wider than the screen.
func TestSizes(t *testing.T) {
	feed := full()
	hostile := connection(7, record.Rejected, "WS525")
	hostile.URL, hostile.Verdict = "ws://\x1b[2J漢字漢字漢字漢字漢字漢字漢字/", strings.Repeat("very long ", 100)
	feed.Put(hostile)
	m := model(feed)
	m.Init()
	for _, story := range []bool{false, true} {
		if story {
			press(t, m, "enter")
		}
		for _, size := range [][2]int{{1, 1}, {10, 3}, {40, 10}, {80, 24}, {200, 60}} {
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) > size[1] {
				t.Errorf("%v: %d lines", size, len(lines))
			}
			for _, line := range lines {
				if w := ansi.StringWidth(line); w > size[0] || strings.Contains(line, "\x1b[2J") {
					t.Errorf("%v: %d columns: %q", size, w, line)
				}
			}
		}
	}
}

// A feed forgets what ended well before what failed.
func TestFeedLimit(t *testing.T) {
	f := NewFeed(isFailed)
	f.Put(connection(1, record.Rejected, "WS525"))
	f.Put(connection(2, record.Open, ""))
	for id := 3; id < 3*maxRows; id++ {
		f.Put(connection(id, record.ClosedClean, ""))
	}
	if n := len(f.list); n > maxRows+maxRows/4 {
		t.Errorf("%d connections", n)
	}
	for id, at := range f.byID {
		if f.list[at].ID != id {
			t.Fatalf("%s is not at %d", id, at)
		}
	}
	if f.list[0].ID != "1" || f.list[1].ID != "2" {
		t.Errorf("what failed or is open went first: %s, %s", f.list[0].ID, f.list[1].ID)
	}
}

// A result without texts leaves those that are there.
func TestFeedBare(t *testing.T) {
	f := full()
	bare := connection(3, record.ClosedClean, "")
	bare.Verdict = ""
	f.Put(bare)
	if c := f.list[f.byID["3"]]; c.Verdict != "Verdict on 3." || !c.Over {
		t.Errorf("%+v", c)
	}
}

// TestProgram runs the view as a program: what is fed shows, and q ends it.
func TestProgram(t *testing.T) {
	feed := NewFeed(isFailed)
	p := teatest.NewTestModel(t, model(feed), teatest.WithInitialTermSize(80, 24))
	see := func(text string) {
		t.Helper()
		teatest.WaitFor(t, p.Output(), func(b []byte) bool { return bytes.Contains(b, []byte(text)) }, teatest.WithDuration(20*time.Second))
	}
	see("Waiting for WebSocket connections")
	feed.Put(connection(4, record.Rejected, "WS525"))
	see("WS525")
	p.Send(keyOf("enter"))
	see("story of 4, line 0")
	p.Type("q")
	p.WaitFinished(t, teatest.WithFinalTimeout(20*time.Second))
}
