package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Story tells all that a result knows of each connection that it is given:
// meant for one or a few.
type Story struct {
	o           Options
	page        *page
	connections []*record.Connection
	rules       map[string]record.Rule
	patterns    []record.Pattern
	captures    int
	time        clock
}

// maxStories is how many connections are told in one run.
const maxStories = 100

// ErrTooManyStories is the error of Connection beyond what a person reads.
var ErrTooManyStories = errors.New("too many connections for stories: choose fewer")

// NewStory makes the format of wsleuth show.
func NewStory(w io.Writer, o Options) *Story {
	return &Story{o: o, page: newPage(w, o), rules: make(map[string]record.Rule)}
}

// Connection takes a connection to tell of.
func (s *Story) Connection(c *record.Connection) error {
	if len(s.connections) >= maxStories {
		return ErrTooManyStories
	}
	s.connections = append(s.connections, withoutFacts(c))
	return nil
}

// Pattern keeps a pattern that one of the connections may be part of.
func (s *Story) Pattern(p record.Pattern) error {
	if len(s.patterns) < maxPatterns {
		s.patterns = append(s.patterns, p)
	}
	return nil
}

// Capture counts the files, for with several packets need their file's name.
func (s *Story) Capture(record.Capture) error {
	s.captures++
	return nil
}

// Rule keeps a text for the findings.
func (s *Story) Rule(code string, r record.Rule) error {
	s.rules[code] = r
	return nil
}

// Summary is not part of a story.
func (s *Story) Summary(record.Summary) error { return nil }

// Found tells whether there was a connection to tell of.
func (s *Story) Found() bool { return len(s.connections) > 0 }

// Close writes the stories.
func (s *Story) Close() error {
	for i, c := range s.connections {
		if i > 0 {
			s.page.line("\n%s", strings.Repeat("-", min(s.page.width, 60)))
		}
		s.tell(c)
	}
	return s.page.flush()
}

func (s *Story) tell(c *record.Connection) {
	s.time = newClock(s.o.location(), c.Started, c.Ended)
	s.verdict(c)
	s.facts(c)
	s.findings(c)
	s.handshake(c)
	s.frames(c)
	s.events(c)
	s.page.blank()
	s.page.verbatim("Wireshark", c.Filter)
	s.page.verbatim("Server's log", c.ServerLog)
}

func (s *Story) verdict(c *record.Connection) {
	kind, _ := classify(c)
	with := map[class]paint{healthy: green, warned: yellow, failed: red, undecided: yellow, opaque: yellow, unidentified: red}[kind]
	s.page.heading(fmt.Sprintf("Connection %s: %s", Clean(c.ID), ending(c)), with)
	s.page.paragraph(0, Clean(sentence(c.Verdict)), bold)
	s.page.blank()
	s.page.labelled("Has to act", actor(c.Fault))
	s.page.labelled("To be sure", c.NextStep)
	for _, p := range s.patterns {
		if slices.Contains(p.Connections, c.ID) {
			s.page.labelled("Part of", fmt.Sprintf("%s %s: %s", p.Code, p.Slug, p.Title))
		}
	}
}

// facts are what a reader wants to know of any connection, one line each.
func (s *Story) facts(c *record.Connection) {
	s.page.labelled("URL", Clean(c.URL))
	server := c.Server.String()
	if c.DNSName != "" {
		server += " (" + Clean(c.DNSName) + ")"
	}
	s.page.labelled("Client", c.Client.String())
	s.page.labelled("Server", server)
	s.page.labelled("Time", fmt.Sprintf("%s to %s, %s", s.time.full(c.Started), s.time.exact(c.Ended), span(c.DurationMS)))
	s.page.labelled("Packets", Clean(packetsOf(c)))
	for _, v := range c.Views {
		s.page.labelled("Seen in", fmt.Sprintf("%s, packets %d to %d", Clean(v.Capture), v.FirstPacket, v.LastPacket))
	}
	if c.HopOf != "" {
		s.page.labelled("Hop of", Clean(c.HopOf))
	}
	s.page.labelled("Reached", fmt.Sprintf("%s (recognized by %s)", c.Phase, c.RecognizedBy))
	s.page.labelled("Carried in", Clean(strings.Join(c.Encapsulation, ", ")))
	s.layers(c)
}

// layers writes what the layers below HTTP saw.
func (s *Story) layers(c *record.Connection) {
	for _, f := range layerFacts(c, s.time) {
		s.page.labelled(f.label, Clean(f.text))
	}
}

func (s *Story) findings(c *record.Connection) {
	if len(c.Findings) == 0 {
		return
	}
	s.page.heading("FINDINGS", bold)
	for i := range c.Findings {
		f := &c.Findings[i]
		if i > 0 {
			s.page.blank()
		}
		head := fmt.Sprintf("%s %s: %s, %s", f.Code, f.Slug, f.Severity, f.Confidence)
		if f.CausedBy != "" {
			head += ", follows from " + f.CausedBy
		}
		s.page.paragraph(2, Clean(head), severityPaint(f))
		s.page.paragraph(4, Clean(sentence(f.Title)), plain)
		for _, e := range f.Evidence {
			s.page.paragraph(6, Clean(evidenceText(e, s.captures > 1)), plain)
		}
		if f.CausedBy == "" {
			s.page.labelled("User saw", f.SeenByUser)
			s.page.labelled("What to do", f.Remedy)
			s.explanation(f)
		}
	}
}

func severityPaint(f *record.Finding) paint {
	switch {
	case f.CausedBy != "":
		return plain
	case f.Severity == record.Error:
		return red
	case f.Severity == record.Warning:
		return yellow
	}
	return plain
}

// explanation is the catalogue's text but for what the finding itself says better.
func (s *Story) explanation(f *record.Finding) {
	rule, ok := s.rules[f.Code]
	if !ok || f.Severity == record.Info {
		return
	}
	s.page.labelled("Why", partOf(rule.Explanation, "Why it matters"))
	s.page.labelled("How we know", partOf(rule.Explanation, "How we know"))
	s.page.labelled("Looks alike", partOf(rule.Explanation, "What else looks like this"))
	s.page.labelled("References", Clean(strings.Join(rule.References, ", ")))
	s.page.labelled("Decided in", Clean(rule.Source))
}

func (s *Story) handshake(c *record.Connection) {
	if r := c.Request; r != nil {
		s.page.heading(fmt.Sprintf("REQUEST, packet %d", r.Packet), bold)
		s.headers(requestLine(r), r.Headers, marksOf(c, record.Client), lineMark(c, record.Client))
	}
	if r := c.Response; r != nil {
		s.page.heading("RESPONSE, "+answered(c), bold)
		s.headers(statusLine(r), r.Headers, marksOf(c, record.Server), lineMark(c, record.Server))
		if r.BodyExcerpt != "" {
			s.page.line("")
			for _, line := range cleanLines(r.BodyExcerpt) {
				for _, part := range wrap(line, s.page.width-4) {
					s.page.line("  | %s", part)
				}
			}
		}
	}
}

// headers writes a header block as it was on the wire; lines that a finding
// speaks of are marked with its code, missing ones are said to be missing.
func (s *Story) headers(start string, headers record.Headers, marks []mark, startMark string) {
	for _, line := range headerLines(start, headers, marks, startMark) {
		s.headerLine(line.text, line.code)
	}
}

func (s *Story) headerLine(text, code string) {
	text = Clean(text)
	if code == "" {
		for _, part := range wrap(text, s.page.width-4) {
			s.page.line("    %s", part)
		}
		return
	}
	parts := wrap(text, s.page.width-4-12)
	for i, part := range parts {
		if i == 0 {
			part = s.page.paint(part, red) + "   <-- " + Clean(code)
		}
		s.page.line("  > %s", part)
	}
}

func (s *Story) frames(c *record.Connection) {
	w := c.WebSocket
	if w == nil {
		return
	}
	s.page.heading("WEBSOCKET", bold)
	s.page.labelled("Subprotocol", Clean(w.Subprotocol))
	s.page.labelled("Extensions", Clean(w.Extensions))
	var rows [][]string
	for _, side := range []struct {
		name            string
		messages, bytes int64
		f               record.FrameCounts
	}{{"client", w.Messages.Client, w.Bytes.Client, w.Frames.Client}, {"server", w.Messages.Server, w.Bytes.Server, w.Frames.Server}} {
		row := []string{side.name}
		for _, n := range []int64{side.messages, side.f.Text, side.f.Binary, side.f.Continuation, side.f.Ping, side.f.Pong, side.f.Close} {
			row = append(row, number(n))
		}
		rows = append(rows, append(row, size(side.bytes)))
	}
	columns := []column{{title: "  FROM", max: 8}}
	for _, title := range []string{"MESSAGES", "TEXT", "BINARY", "CONT.", "PING", "PONG", "CLOSE", "PAYLOAD"} {
		columns = append(columns, column{title: title, max: 12, right: true})
	}
	for i := range rows {
		rows[i][0] = "  " + rows[i][0]
	}
	s.page.grid(columns, rows, nil)
	if w.PingMS != nil {
		s.page.labelled("Ping to Pong", span(*w.PingMS))
	}
	if cl := c.Close; cl != nil {
		s.page.labelled("Close frame", Clean(closeFacts(cl)))
	}
}

// events are the story step by step, with the time since the first packet.
func (s *Story) events(c *record.Connection) {
	if len(c.Events) == 0 {
		return
	}
	s.page.heading("EVENTS", bold)
	columns := []column{{title: "  PACKET", max: 12, right: true}, {title: "AFTER", max: 10, right: true}, {title: "FROM", max: 8}, {title: "WHAT"}}
	var rows [][]string
	begin := c.Started
	for _, e := range c.Events { // a stream of HTTP/2 begins after its connection
		if e.Time != 0 {
			begin = min(begin, e.Time)
		}
	}
	for _, e := range c.Events {
		packet := fmt.Sprint(e.Packet)
		if e.Capture != "" {
			packet += " of " + Clean(e.Capture)
		}
		what := e.What
		if e.Text != "" {
			what += ": " + e.Text
		}
		rows = append(rows, []string{packet, span(record.Millis(e.Time.Sub(begin))), Clean(e.From), Clean(what)})
	}
	s.page.grid(columns, rows, nil)
}
