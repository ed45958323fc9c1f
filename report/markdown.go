package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Markdown is the format for a ticket or a pull request: the verdict, the
// causes with who has to act, a section for each, details folded. GitHub and
// GitLab draw its diagrams.
type Markdown struct {
	*view
	o    Options
	time clock
	w    io.Writer
	b    strings.Builder
}

// NewMarkdown makes a text, which is written at Close.
func NewMarkdown(w io.Writer, o Options) *Markdown { return &Markdown{view: newView(), o: o, w: w} }

// Made names the tool that made the result.
func (m *Markdown) Made(by record.Tool) { m.o.Tool = by }

// Close writes the text.
func (m *Markdown) Close() error {
	m.view.finish()
	m.time = newClock(m.o.location(), m.view.first, m.view.last)
	m.head()
	m.causeTable()
	m.failedTable()
	for i, c := range m.causes.sorted() {
		if i == maxSections {
			m.more(int64(len(m.causes.list)-i), "cause")
			break
		}
		m.causeSection(i+1, c)
	}
	m.patternSections()
	m.others()
	m.read()
	_, err := io.WriteString(m.w, m.b.String())
	return err
}

func (m *Markdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// paragraph is text from a result, followed by a blank line.
func (m *Markdown) paragraph(text string) {
	if text = strings.TrimSpace(text); text != "" {
		m.line("%s\n", markdownText(strings.Join(strings.Fields(text), " ")))
	}
}

// labelled is a text with a name; several lines become a block, for they are to be copied.
func (m *Markdown) labelled(label, text string) {
	lines := cleanLines(text)
	switch {
	case strings.TrimSpace(text) == "":
	case len(lines) == 1:
		m.line("**%s:** %s\n", label, markdownText(lines[0]))
	default:
		m.line("**%s:** %s\n", label, markdownText(lines[0]))
		m.line("%s", markdownBlock("text", lines[1:]))
	}
}

func (m *Markdown) more(n int64, noun string) {
	if n > 0 {
		m.line("… and %s: `-o ndjson` lists every one.\n", plural(n, "more "+noun))
	}
}

// fold hides what is between open and the next close.
func (m *Markdown) open(summary string) {
	m.line("<details><summary>%s</summary>\n", markdownText(summary))
}
func (m *Markdown) shut() { m.line("</details>\n") }

func (m *Markdown) head() {
	m.line("# WebSocket connections\n")
	for _, s := range m.headline() {
		m.line("**%s**\n", markdownText(s.text))
	}
	for _, c := range m.captures {
		for _, f := range c.Findings {
			if f.Severity != record.Info {
				m.line("> **Mind:** %s: %s\n", markdownCode(c.File, false), markdownText(sentence(f.Title)+" "+sentence(f.Remedy)))
			}
		}
	}
	for _, s := range m.summary.Limits {
		m.line("> **Mind:** %s\n", markdownText(s))
	}
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |" }

// causeTable ranks the causes: what happened how often, and whose turn it is.
func (m *Markdown) causeTable() {
	list := m.causes.sorted()
	if len(list) == 0 {
		return
	}
	m.line("%s\n%s", row("Connections", "What happened", "Who has to act"), row("--:", "---", "---"))
	for i, c := range list[:min(len(list), maxSections)] {
		m.line("%s", row(number(c.count), fmt.Sprintf("%d. %s", i+1, markdownText(oneLine(m.whatShort(c)))), markdownText(actor(c.fault))))
	}
	m.line("")
}

func (m *Markdown) failedTable() {
	if len(m.failed) == 0 {
		return
	}
	m.line("## Failed connections\n")
	m.line("%s\n%s", row("ID", "Time", "Client", "To", "Outcome", "Cause"), row("---", "---", "---", "---", "---", "---"))
	for _, c := range m.failed {
		_, main := classify(c)
		why := ""
		if main >= 0 {
			why = markdownText(c.Findings[main].Code + " " + c.Findings[main].Slug)
		}
		m.line("%s", row(markdownText(c.ID), m.time.exact(c.Started), c.Client.String(), markdownCode(where(c), true), markdownText(ending(c)), why))
	}
	m.line("")
	m.more(m.causes.total()-int64(len(m.failed)), "failed connection")
}

func (m *Markdown) causeSection(place int, c *cause) {
	name := strings.TrimSpace(c.code + " " + c.slug)
	m.line("## %d. %s%s: %s\n", place, markdownText(name), inBrackets(c.confidence), plural(c.count, "connection"))
	first := c.examples[0]
	f := first.of()
	m.paragraph(m.whatHappened(c))
	m.labelled("Why it matters", m.why(c))
	m.labelled("What the user saw", f.SeenByUser)
	m.labelled("What to do", c.remedy())
	m.labelled("To be sure", first.connection.NextStep)
	m.labelled("See also", m.seeAlso(c))
	if len(c.limits.order) > 0 {
		m.labelled("Mind", "the capture lacks something of these connections: "+named(&c.limits))
	}
	if c.count > 1 {
		m.labelled("Servers", c.places())
	}
	m.labelled("Follows from it", named(&c.following))
	m.labelled("Beside it", named(&c.beside))
	m.evidenceList(c)
	if l := newLadder(first.connection); l != nil {
		m.line("%s", mermaid(l))
	}
	m.connection(first.connection)
}

func (m *Markdown) evidenceList(c *cause) {
	m.line("**Evidence:**\n")
	for _, e := range c.examples {
		f := e.of()
		m.line("- connection %s, %s from %s to %s", markdownText(e.connection.ID), m.time.exact(e.connection.Started), e.connection.Client, markdownCode(where(e.connection), false))
		for _, evidence := range f.Evidence[:min(len(f.Evidence), maxEvidence)] {
			m.line("  - %s", markdownText(m.evidence(evidence)))
		}
	}
	if rest := c.count - int64(len(c.examples)); rest > 0 {
		m.line("- … and %s more", number(rest))
	}
	m.line("")
}

// connection folds what only an expert reads.
func (m *Markdown) connection(c *record.Connection) {
	m.open(fmt.Sprintf("Details of connection %s", c.ID))
	m.line("Wireshark filter:\n\n%s", markdownBlock("text", cleanLines(c.Filter)))
	if c.ServerLog != "" {
		m.line("To look for in the server's log:\n\n%s", markdownBlock("text", cleanLines(c.ServerLog)))
	}
	for _, f := range layerFacts(c, m.time) {
		m.labelled(f.label, f.text)
	}
	if r := c.Request; r != nil {
		m.line("Request, packet %d:\n", r.Packet)
		m.headers(requestLine(r), r.Headers, marksOf(c, record.Client), lineMark(c, record.Client))
	}
	if r := c.Response; r != nil {
		m.line("Response, %s:\n", answered(c))
		m.headers(statusLine(r), r.Headers, marksOf(c, record.Server), lineMark(c, record.Server))
		if r.BodyExcerpt != "" {
			m.line("%s", markdownBlock("text", cleanLines(r.BodyExcerpt)))
		}
	}
	if cl := c.Close; cl != nil {
		m.labelled("Close frame", closeFacts(cl))
	}
	m.shut()
}

func (m *Markdown) headers(start string, headers record.Headers, marks []mark, startMark string) {
	var lines []string
	for _, l := range headerLines(start, headers, marks, startMark) {
		text := "  " + Clean(l.text)
		if l.code != "" {
			text = "> " + Clean(l.text) + "   <-- " + Clean(l.code)
		}
		lines = append(lines, text)
	}
	m.line("%s", markdownBlock("text", lines))
}

func (m *Markdown) patternSections() {
	for _, p := range m.patterns {
		if m.o.Failed && p.Severity != record.Error {
			continue
		}
		m.line("## %s%s%s\n", markdownText(p.Code+" "+p.Slug), inBrackets(p.Confidence), together(p.Connections))
		m.paragraph(shared(&p))
		m.labelled("What to do", p.Remedy)
		ids := p.Connections[:min(len(p.Connections), 10)]
		text := strings.Join(ids, ", ")
		if rest := len(p.Connections) - len(ids); rest > 0 {
			text += fmt.Sprintf(" and %s more", number(int64(rest)))
		}
		m.labelled("Connections", text)
		for _, e := range p.Evidence[:min(len(p.Evidence), maxEvidence)] {
			m.line("- %s", markdownText(m.evidence(e)))
		}
		m.line("")
	}
	m.more(m.morePatterns, "pattern")
}

// others says what did not fail: folded, for it is not why the report is read.
func (m *Markdown) others() {
	if len(m.unclear) > 0 {
		m.line("## Not decided: the capture does not hold enough\n")
		for i, c := range m.unclear[:min(len(m.unclear), 10)] {
			m.line("- connection %s, %s to %s: %s", markdownText(c.ID), c.Client, markdownCode(where(c), false), markdownText(oneLine(m.lacking(i))))
		}
		m.line("")
		m.more(m.counts[undecided]-int64(min(len(m.unclear), 10)), "undecided connection")
	}
	if groups := m.warnings.sorted(); len(groups) > 0 && !m.o.Failed {
		m.line("## Warnings of connections that worked\n")
		for _, c := range groups[:min(len(groups), maxSections)] {
			f := c.examples[0].of()
			m.line("- **%s**%s, %s: %s", markdownText(c.code+" "+c.slug), inBrackets(c.confidence), plural(c.count, "connection"), markdownText(oneLine(sentence(f.Title)+" "+f.Remedy)))
		}
		m.line("")
	}
	if n := m.counts[healthy] + m.counts[warned]; n > 0 {
		m.line("%s worked: %s.\n", plural(n, "connection"), m.endings())
	}
	if len(m.cases) > 0 {
		m.line("## Not identified\n")
		for _, e := range m.cases {
			m.line("- **%s**, connection %s: %s", markdownText(caseName(e)), markdownText(e.connection.ID), markdownText(oneLine(caseText(e))))
		}
		m.line("")
	}
	m.endpointTable(&m.unknown, m.counts[unidentified], "TCP connection", "failed before saying what it was, so it need not be WebSocket")
	m.endpointTable(&m.dark, max(m.summary.OpaqueTLS, m.counts[opaque]), "TLS connection", "may or may not be wss: "+keyLogHint)
}

func (m *Markdown) endpointTable(counts *tally[endpoint], n int64, noun, what string) {
	if n == 0 {
		return
	}
	m.open(fmt.Sprintf("%s: each %s", plural(n, noun), what))
	if keys, _, more := counts.top(maxEndpointRows); len(keys) > 0 {
		m.line("%s\n%s", row("Server", "Connections", "How"), row("---", "--:", "---"))
		for _, key := range keys {
			m.line("%s", row(key.server.String(), number(counts.entries[key].count), markdownText(strings.TrimSpace(key.code+" "+key.slug))))
		}
		m.line("")
		m.more(more, "connection")
	}
	m.shut()
}

// read says what was analysed.
func (m *Markdown) read() {
	m.line("## What was analysed\n")
	if len(m.captures) > 0 {
		m.line("%s\n%s", row("File", "Packets", "Size", "From", "To", "SHA-256"), row("---", "--:", "--:", "---", "---", "---"))
		for _, c := range m.captures {
			first, last := "", ""
			if c.First != 0 {
				first, last = m.time.full(c.First), m.time.full(c.Last)
			}
			m.line("%s", row(markdownCode(c.File, true), number(c.Packets), size(c.Bytes), first, last, markdownCode(c.SHA256, true)))
		}
		m.line("")
		m.more(m.moreCaptures, "file")
	}
	if others := m.elsewhere(); others != "" {
		m.line("Beside them %s.\n", others)
	}
	m.line("Made by %s.", markdownText(strings.TrimSpace(m.o.Tool.Name+" "+m.o.Tool.Version)))
}

// whatShort is what happened, without the details of one case where there are several.
func (v *view) whatShort(c *cause) string {
	if rule, ok := v.rules[c.code]; ok && c.count > 1 {
		return sentence(rule.Title)
	}
	if f := c.examples[0].of(); f.Title != "" {
		return sentence(f.Title)
	}
	return sentence(outcomeWord(c.examples[0].connection.Outcome))
}

// actor is who has to act, as a heading.
func actor(f record.Fault) string {
	switch f {
	case record.FaultClient:
		return "client"
	case record.FaultServer:
		return "server"
	case record.FaultIntermediary:
		return "proxy, load balancer or firewall"
	case record.FaultNetwork:
		return "network"
	case record.FaultCapture:
		return "whoever captures"
	case record.FaultNone:
		return "nobody"
	}
	return "not known"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
