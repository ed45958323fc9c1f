package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/wsleuth/wsleuth/analyze"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/report"
	"github.com/wsleuth/wsleuth/report/tui"
)

// screen shows the live view while the analysis runs beside it.
type screen struct {
	*liveRun
	feed    *tui.Feed
	packets atomic.Int64
	lost    atomic.Uint64
}

// show runs the analysis of src under the live view, until either ends.
func (s *liveRun) show(ctx context.Context, src capture.Source, o analyze.Options) (analyze.Stats, error) {
	m := &screen{liveRun: s, feed: tui.NewFeed(report.Failed)}
	view, err := m.options()
	if err != nil {
		return analyze.Stats{}, err
	}
	program := tea.NewProgram(tui.New(m.feed, view), tea.WithInput(s.stdin), tea.WithOutput(s.stdout), tea.WithoutSignalHandler())
	o.Live.Progress = func(c analyze.Snapshot) {
		m.feed.Put(tui.Connection{Connection: c.Connection, Over: c.Over, Active: c.Active})
	}
	src = &countingSource{Source: src, screen: m}
	s.quietly(program)
	var stats analyze.Stats
	done := make(chan error, 1)
	go func() {
		defer func() { // a panic must not leave the terminal as it is
			if r := recover(); r != nil {
				program.ReleaseTerminal()
				panic(r)
			}
		}()
		var err error
		stats, err = analyze.Run(context.WithoutCancel(ctx), src, o, &screenSink{Sink: s.renderer, feed: m.feed})
		program.Quit()
		done <- err
	}()
	leave := context.AfterFunc(ctx, program.Quit)
	defer leave()
	_, viewErr := program.Run()
	s.stop()
	return stats, errors.Join(<-done, viewErr)
}

// quietly ends the view in order when its terminal goes away.
func (s *liveRun) quietly(program *tea.Program) {
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGHUP)
	go func() {
		<-gone
		program.Quit()
	}()
}

func (m *screen) options() (tui.Options, error) {
	o, err := m.manners.options(m.program, m.stdout)
	if err != nil {
		return tui.Options{}, err
	}
	return tui.Options{
		Title: m.src.Files()[0].Name, Location: o.Location, Color: o.Color, Clean: report.Clean, Failed: report.Failed,
		Story:  func(c *record.Connection, width int) []string { return storyOf(c, o, width) },
		Status: func() tui.Status { return tui.Status{Packets: m.packets.Load(), Lost: m.lost.Load()} },
		Save:   m.save,
	}, nil
}

// storyOf is the story of a connection in lines.
func storyOf(c *record.Connection, o report.Options, width int) []string {
	var b strings.Builder
	o.Width = width
	story := report.NewStory(&b, o)
	if err := errors.Join(story.Connection(c), story.Close()); err != nil {
		return []string{report.Clean(err.Error())}
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// save writes what the user asked for into the directory in which live was started.
func (m *screen) save(kind tui.SaveKind, all []*record.Connection, chosen *record.Connection) (string, error) {
	if kind == tui.SaveEvidence {
		return m.saveEvidence(chosen)
	}
	name := "wsleuth-" + time.Now().Format("20060102-150405") + ".json"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	renderer := report.NewJSON(f, report.Options{Tool: record.Tool{Name: "wsleuth", Version: m.version}})
	for _, c := range all {
		if err := renderer.Connection(c); err != nil {
			f.Close()
			return "", err
		}
	}
	err = errors.Join(renderer.Summary(summaryOf(all)), renderer.Close(), f.Close())
	return fmt.Sprintf("%s (%d connections)", name, len(all)), err
}

// summaryOf counts connections that are not final, as the summary of a result does.
func summaryOf(all []*record.Connection) record.Summary {
	s := record.Summary{ByOutcome: map[string]int64{}, ByFinding: map[string]int64{}, Causes: []record.Cause{}}
	for _, c := range all {
		if c.RecognizedBy == record.ByNothing {
			s.Unidentified++
			continue
		}
		s.Connections++
		s.ByOutcome[string(c.Outcome)]++
		for i := range c.Findings {
			s.ByFinding[c.Findings[i].Slug]++
		}
	}
	return s
}

// saveEvidence writes the packets of a connection, with its findings as comments.
func (m *screen) saveEvidence(chosen *record.Connection) (string, error) {
	switch {
	case chosen == nil:
		return "", errors.New("no connection is chosen")
	case m.writer == nil:
		return "", errors.New("packets are only kept with -w FILE: start live with it")
	}
	name := "wsleuth-" + time.Now().Format("20060102-150405") + ".pcapng"
	c := &analyzeCommand{program: &program{version: m.version, quiet: true}, evidence: evidenceFlags{file: name}}
	s := newSelection(nowhere{}, true, true, c.clean)
	if err := s.Connection(chosen); err != nil {
		return "", err
	}
	return name, c.writeEvidence(context.Background(), []string{m.write}, s, nil)
}

// nowhere is a sink for what nobody wants.
type nowhere struct{}

func (nowhere) Connection(*record.Connection) error { return nil }
func (nowhere) Pattern(record.Pattern) error        { return nil }
func (nowhere) Capture(record.Capture) error        { return nil }
func (nowhere) Rule(string, record.Rule) error      { return nil }
func (nowhere) Summary(record.Summary) error        { return nil }

// screenSink shows what becomes final, and hands it on.
type screenSink struct {
	record.Sink
	feed *tui.Feed
}

// Connection implements record.Sink.
func (s *screenSink) Connection(c *record.Connection) error {
	shown := *c
	shown.Facts = nil
	s.feed.Put(tui.Connection{Connection: &shown, Over: true, Active: c.Ended})
	return s.Sink.Connection(c)
}

// Wants implements record.Selective: what is shown already has its texts.
func (s *screenSink) Wants(c *record.Connection) bool {
	some, ok := s.Sink.(record.Selective)
	return !ok || some.Wants(c)
}

// Events implements record.Selective: the screen tells the story of each.
func (s *screenSink) Events() bool { return true }

// countingSource counts what it hands out, for the view.
type countingSource struct {
	capture.Source
	screen *screen
	looked int64
}

// Next implements capture.Source.
func (c *countingSource) Next(p *capture.Packet) error {
	err := c.Source.Next(p)
	if err == nil {
		c.screen.packets.Add(1)
	}
	if p.Clock-c.looked > int64(time.Second) {
		c.looked = p.Clock
		c.screen.lost.Store(c.screen.src.Stats().Dropped)
	}
	return err
}
