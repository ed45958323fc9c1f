package report

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// How much of a header block the page shows: of one line, and of all.
const (
	maxHeaderText = 4096 // bytes
	maxHeadText   = 32 << 10
	maxHeadLines  = 200
)

// htmlCause is what several connections have in common.
type htmlCause struct {
	Place                       int
	Code, Slug, Confidence      string
	Count, Of                   string
	Percent                     int // of the bar
	Name, Short, What, Actor    string
	Why, Seen, Remedy, NextStep string
	Do                          string // the remedy, shortened
	Limits, Following, Beside   string
	Servers, Times              string
	Examples                    []htmlExample
	Rest                        string
	Filter, ServerLog           string
	Explained                   []htmlFact
	References                  []string
}

type htmlExample struct {
	ID, Anchor, Text string
	Evidence         []string
}

type htmlPattern struct {
	Code, Slug, Confidence, Tone, What, Actor, Remedy, Connections string
	Evidence                                                       []string
}

// htmlDetail is all that is known of one connection.
type htmlDetail struct {
	Anchor, ID, Outcome, Tone, Where, Verdict, NextStep, Actor, Cause string
	First                                                             bool // of its cause: printed
	Open                                                              bool
	Facts                                                             []htmlFact
	Ladder                                                            *ladderDrawing
	Findings                                                          []htmlFinding
	Request, Response                                                 *htmlHead
	Frames                                                            []htmlFrames
	Close                                                             string
	Filter, ServerLog                                                 string
}

type htmlFinding struct {
	Code, Slug, Severity, Confidence, Actor, Title, CausedBy, Remedy, Seen string
	Evidence                                                               []string
}

type htmlHead struct {
	Title string
	Lines []htmlLine
	Body  string
}

type htmlLine struct {
	Text, Code string
	Missing    bool
}

type htmlFrames struct {
	From, Messages, Text, Binary, Continuation, Ping, Pong, Close, Size string
}

// block is cleaned text that keeps its lines.
func block(s string) string { return strings.TrimSpace(strings.Join(cleanLines(s), "\n")) }

func (h *HTML) cause(c *cause, when clock, place int) htmlCause {
	first := c.examples[0]
	f := first.of()
	x := htmlCause{Place: place, Name: headWord(spoken(c.slug)), Code: Clean(c.code), Slug: Clean(c.slug), Count: number(c.count), Of: number(max(h.counts[failed], c.count)),
		Percent: int(100 * c.count / max(h.counts[failed], c.count, 1)), Short: Clean(oneLine(h.whatShort(c))), What: Clean(oneLine(h.whatHappened(c))), Actor: actor(c.fault),
		Seen: block(f.SeenByUser), Remedy: block(c.remedy()), NextStep: block(first.connection.NextStep),
		Limits: Clean(named(&c.limits)), Following: Clean(named(&c.following)), Beside: Clean(named(&c.beside)),
		Filter: Clean(first.connection.Filter), ServerLog: Clean(first.connection.ServerLog), Confidence: sureness(c.confidence)}
	if c.count > 1 {
		x.Servers, x.Times = c.places(), fmt.Sprintf("%s to %s", when.exact(c.first), when.exact(c.last))
	}
	x.Do = shorten(oneLine(x.Remedy), 220)
	if rule, ok := h.rules[c.code]; ok {
		x.Why = Clean(h.why(c))
		x.Explained = explained(rule.Explanation)
		for _, r := range rule.References {
			x.References = append(x.References, Clean(r))
		}
	}
	for _, e := range c.examples {
		x.Examples = append(x.Examples, h.example(e, when))
	}
	if rest := c.count - int64(len(c.examples)); rest > 0 {
		x.Rest = number(rest)
	}
	return x
}

// headWord begins with a capital letter.
func headWord(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// sureness says how sure a finding is, in words.
func sureness(c record.Confidence) string {
	switch c {
	case record.Certain:
		return "certain: the packets prove it"
	case record.Likely:
		return "likely: the usual explanation of what is seen"
	case record.Possible:
		return "possible: one explanation among others"
	}
	return ""
}

func (h *HTML) example(e example, when clock) htmlExample {
	x := htmlExample{ID: Clean(e.connection.ID), Anchor: h.anchors[Clean(e.connection.ID)],
		Text: fmt.Sprintf("%s from %s to %s", when.exact(e.connection.Started), e.connection.Client, where(e.connection))}
	x.Evidence = h.evidenceList(e.of().Evidence, maxEvidence)
	return x
}

func (h *HTML) evidenceList(list []record.Evidence, most int) []string {
	var texts []string
	for _, e := range list[:min(len(list), most)] {
		texts = append(texts, h.evidence(e))
	}
	return texts
}

// explained are the parts of an explanation under their headings.
func explained(text string) []htmlFact {
	var parts []htmlFact
	for _, paragraph := range strings.Split(text, "\n\n") {
		heading, rest, found := strings.Cut(paragraph, "\n")
		if !found && len(parts) > 0 {
			parts[len(parts)-1].Text += "\n" + block(paragraph)
			continue
		}
		parts = append(parts, htmlFact{Clean(heading), block(rest)})
	}
	return parts
}

func (h *HTML) pattern(p record.Pattern) htmlPattern {
	ids := p.Connections[:min(len(p.Connections), 20)]
	text := Clean(strings.Join(ids, ", "))
	if rest := len(p.Connections) - len(ids); rest > 0 {
		text += fmt.Sprintf(" and %s more", number(int64(rest)))
	}
	who := actor(p.Fault)
	if p.Fault == record.FaultUnknown {
		who = "" // said of its connections
	}
	return htmlPattern{Code: Clean(p.Code), Slug: Clean(p.Slug), Confidence: sureness(p.Confidence), Tone: string(p.Severity), What: Clean(oneLine(sentence(p.Title))),
		Actor: who, Remedy: block(p.Remedy), Connections: text, Evidence: h.evidenceList(p.Evidence, maxEvidence)}
}

func (h *HTML) detail(c *record.Connection, anchor string) htmlDetail {
	kind, main := classify(c)
	when := newClock(h.o.location(), c.Started, c.Ended)
	d := htmlDetail{Anchor: anchor, ID: Clean(c.ID), Outcome: plainEnding(c), Tone: kindPaint(kind), Where: where(c), Verdict: Clean(oneLine(sentence(c.Verdict))),
		NextStep: Clean(oneLine(c.NextStep)), Actor: actor(c.Fault), Filter: Clean(c.Filter), ServerLog: Clean(c.ServerLog)}
	if main >= 0 {
		d.Cause = Clean(c.Findings[main].Code)
		d.First = kind == failed && h.firstOf(c)
	}
	d.Facts = h.connectionFacts(c, when)
	if l := newLadder(c); l != nil {
		d.Ladder = draw(l)
	}
	for i := range c.Findings {
		d.Findings = append(d.Findings, h.finding(&c.Findings[i]))
	}
	if r := c.Request; r != nil {
		d.Request = head(fmt.Sprintf("Request, packet %d", r.Packet), headerLines(requestLine(r), r.Headers, marksOf(c, record.Client), lineMark(c, record.Client)), "")
	}
	if r := c.Response; r != nil {
		d.Response = head("Response, "+answered(c),
			headerLines(statusLine(r), r.Headers, marksOf(c, record.Server), lineMark(c, record.Server)), r.BodyExcerpt)
	}
	if w := c.WebSocket; w != nil {
		d.Frames = []htmlFrames{framesRow("client", w.Messages.Client, w.Bytes.Client, w.Frames.Client), framesRow("server", w.Messages.Server, w.Bytes.Server, w.Frames.Server)}
	}
	if c.Close != nil {
		d.Close = Clean(closeFacts(c.Close))
	}
	return d
}

// firstOf tells whether c is the first example of its cause.
func (h *HTML) firstOf(c *record.Connection) bool {
	for _, group := range h.causes.list {
		if group.examples[0].connection.ID == c.ID {
			return true
		}
	}
	return false
}

func framesRow(from string, messages, bytes int64, f record.FrameCounts) htmlFrames {
	return htmlFrames{from, number(messages), number(f.Text), number(f.Binary), number(f.Continuation), number(f.Ping), number(f.Pong), number(f.Close), size(bytes)}
}

func (h *HTML) connectionFacts(c *record.Connection, when clock) []htmlFact {
	var facts []htmlFact
	add := func(label, text string) {
		if text != "" {
			facts = append(facts, htmlFact{label, Clean(text)})
		}
	}
	server := c.Server.String()
	if c.DNSName != "" {
		server += " (" + c.DNSName + ")"
	}
	add("Client", c.Client.String())
	add("Server", server)
	add("Time", fmt.Sprintf("%s to %s, %s", when.full(c.Started), when.exact(c.Ended), span(c.DurationMS)))
	add("Packets", packetsOf(c))
	for _, v := range c.Views {
		add("Seen in", fmt.Sprintf("%s, packets %d to %d", v.Capture, v.FirstPacket, v.LastPacket))
	}
	add("Hop of", c.HopOf)
	add("Outcome", fmt.Sprintf("%s; came as far as %s; recognized by %s", ending(c), c.Phase, c.RecognizedBy))
	add("Carried in", strings.Join(c.Encapsulation, ", "))
	for _, f := range layerFacts(c, when) {
		add(f.label, f.text)
	}
	if w := c.WebSocket; w != nil {
		add("Subprotocol", w.Subprotocol)
		add("Extensions", w.Extensions)
		if w.PingMS != nil {
			add("Ping to Pong", span(*w.PingMS))
		}
	}
	return facts
}

func (h *HTML) finding(f *record.Finding) htmlFinding {
	return htmlFinding{Code: Clean(f.Code), Slug: Clean(f.Slug), Severity: Clean(string(f.Severity)), Confidence: sureness(f.Confidence), Actor: actor(f.Fault),
		Title: Clean(oneLine(sentence(f.Title))), CausedBy: Clean(f.CausedBy), Remedy: block(f.Remedy), Seen: block(f.SeenByUser), Evidence: h.evidenceList(f.Evidence, 10)}
}

func head(title string, lines []headerLine, body string) *htmlHead {
	x := &htmlHead{Title: title, Body: block(body)}
	shown := 0
	for i, l := range lines {
		if i >= maxHeadLines || shown > maxHeadText {
			x.Lines = append(x.Lines, htmlLine{Text: fmt.Sprintf("… and %s", plural(int64(len(lines)-i), "more line"))})
			break
		}
		text := Clean(l.text)
		if len(text) > maxHeaderText {
			text = fmt.Sprintf("%s… (%s more bytes)", strings.ToValidUTF8(text[:maxHeaderText], ""), number(int64(len(text)-maxHeaderText)))
		}
		shown += len(text)
		x.Lines = append(x.Lines, htmlLine{text, Clean(l.code), l.missing})
	}
	return x
}
