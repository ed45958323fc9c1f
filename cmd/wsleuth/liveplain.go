package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/report"
)

// maxTold bounds the connections of which is remembered what was told.
const maxTold = 1 << 16

// patience is how long a connection may wait for an answer before that is told.
const patience = 3 * time.Second

// plain tells a line for each event.
type plain struct {
	w    io.Writer
	zone *time.Location
	told map[string]string // by ID: what was said last
	err  error
}

func newPlain(w io.Writer, m *manners) *plain {
	zone, err := m.zone()
	if err != nil { // was told when the outputs were opened
		zone = time.UTC
	}
	return &plain{w: w, zone: zone, told: map[string]string{}}
}

// progress takes a connection as it stands.
func (p *plain) progress(s analyze.Snapshot) {
	if what := saying(&s); what != "" {
		p.say(s.Connection, s.Clock, what)
	}
}

// What is said of a connection.
const (
	saysOpen   = "open"
	saysClosed = "closed"
	saysFailed = "FAILED"
)

// saying is what is to be told of a connection; "" for nothing yet.
func saying(s *analyze.Snapshot) string {
	c := s.Connection
	switch {
	case report.Failed(c) && (s.Over || s.Clock.Sub(s.Active) >= patience || c.Phase == record.PhaseClosed):
		return saysFailed
	case s.Over && (c.Outcome == record.Incomplete || c.Outcome == record.Opaque):
		return ""
	case s.Over:
		return saysClosed
	case c.Outcome == record.Open:
		return saysOpen
	}
	return ""
}

// verdictOf is the verdict with the code of its cause.
func verdictOf(c *record.Connection) string {
	if len(c.Findings) > 0 && c.Findings[0].Severity != record.Info {
		return c.Verdict + " [" + c.Findings[0].Code + "]"
	}
	return c.Verdict
}

// say tells of a connection, unless that was told already.
func (p *plain) say(c *record.Connection, at record.Time, what string) {
	key, text := what, verdictOf(c)
	if what == saysFailed && len(c.Findings) > 0 {
		key += c.Findings[0].Code
	}
	if what == saysOpen {
		text = ""
	}
	before, known := p.told[c.ID]
	if before == key || known && what == saysOpen {
		return
	}
	if len(p.told) >= maxTold {
		clear(p.told)
	}
	p.told[c.ID] = key
	to := c.URL
	if to == "" {
		to = c.Server.String()
	}
	line := fmt.Sprintf("%s  #%s  %s > %s  %s  %s", at.Std().In(p.zone).Format("15:04:05.000"), c.ID, c.Client, to, what, text)
	if _, err := fmt.Fprintln(p.w, strings.TrimSpace(report.Clean(line))); err != nil && p.err == nil {
		p.err = err
	}
}

// sink tells of what becomes final, and hands it on.
func (p *plain) sink(to record.Sink) record.Sink { return &plainSink{Sink: to, plain: p} }

type plainSink struct {
	record.Sink
	plain *plain
}

// Connection implements record.Sink.
func (s *plainSink) Connection(c *record.Connection) error {
	if c.Verdict != "" && c.Outcome != record.Open {
		s.plain.progress(analyze.Snapshot{Connection: c, Over: true, Clock: c.Ended, Active: c.Ended})
	}
	delete(s.plain.told, c.ID)
	if s.plain.err != nil {
		return s.plain.err
	}
	return s.Sink.Connection(c)
}

// Wants implements record.Selective: what was told while it lasted need not be
// told again.
func (s *plainSink) Wants(c *record.Connection) bool {
	if _, known := s.plain.told[c.ID]; !known {
		return true
	}
	some, ok := s.Sink.(record.Selective)
	return !ok || some.Wants(c)
}

// Events implements record.Selective: a line needs none.
func (s *plainSink) Events() bool {
	some, ok := s.Sink.(record.Selective)
	return !ok || some.Events()
}

// Made names the program in results.
func (s *plainSink) Made(by record.Tool) {
	if m, ok := s.Sink.(interface{ Made(record.Tool) }); ok {
		m.Made(by)
	}
}
