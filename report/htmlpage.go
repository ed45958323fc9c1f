package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// htmlPage is all that the template lays out: cleaned texts, in order.
type htmlPage struct {
	Policy         string
	Style          template.CSS
	Script         template.JS
	Title          string
	Tool           string
	Tone           string // of the verdict: bad, warn, good
	Headline       []string
	Source         string // what was analysed, in a line
	Tally          []htmlTally
	Actors         []htmlTally
	Minds          []htmlNote
	Notes          []htmlNote
	Causes         []htmlCause
	Folded         int // so many of the causes are folded
	MoreOf         []string
	Patterns       []htmlPattern
	FoldedPatterns int
	MorePatterns   string
	Timeline       *timeline
	Rows           [][]any // for the script
	First          []htmlTableRow
	Kinds          []string
	Reasons        []string
	Details        []htmlDetail
	Warnings       []htmlCause
	Unclear        []htmlNote
	Unknown        htmlEndpoints
	Dark           htmlEndpoints
	Captures       []htmlCapture
	Facts          []htmlFact
	KeyHint        string
}

type htmlTally struct{ Number, Text, Tone string }
type htmlNote struct{ Where, Text string }

// htmlFact is a label and its text; Lines are for text that is copied.
type htmlFact struct{ Label, Text string }

type htmlTableRow struct {
	ID, Time, Client, Where, Outcome, Cause, Actor, Lasted, Tone, Anchor, Title string
}

type htmlCapture struct {
	File, Format, Packets, Size, From, To, Lasted, Link, SHA256 string
}

type htmlEndpoints struct {
	Count int64
	Title string
	Rows  []htmlEndpoint
	More  string
}

type htmlEndpoint struct{ Server, Count, How, IDs string }

// htmlPage gathers the page.
func (h *HTML) htmlPage() *htmlPage {
	when := newClock(h.o.location(), h.view.first, h.view.last)
	p := &htmlPage{Policy: contentPolicy(), Style: template.CSS(htmlStyle), Script: template.JS(htmlScript),
		Tool: Clean(strings.TrimSpace(h.o.Tool.Name + " " + h.o.Tool.Version)), KeyHint: keyLogHint}
	h.verdict(p)
	for _, c := range h.captures {
		p.Captures = append(p.Captures, h.capture(&c, when))
		for _, f := range c.Findings {
			note := htmlNote{Clean(c.File), Clean(oneLine(sentence(f.Title) + " " + sentence(f.Remedy)))}
			if f.Severity == record.Info {
				p.Notes = append(p.Notes, note)
			} else {
				p.Minds = append(p.Minds, note)
			}
		}
	}
	for _, s := range h.summary.Limits {
		p.Minds = append(p.Minds, htmlNote{Text: Clean(oneLine(s))})
	}
	h.facts(p, when)
	for i, c := range h.causes.sorted() {
		if i == maxSections {
			p.MoreOf = append(p.MoreOf, plural(int64(len(h.causes.list)-i), "more cause")+": -o ndjson lists every one.")
			break
		}
		p.Causes = append(p.Causes, h.cause(c, when, i+1))
	}
	p.Folded = max(0, len(p.Causes)-maxCauseCards)
	for _, c := range h.patterns {
		if !h.o.Failed || c.Severity == record.Error {
			p.Patterns = append(p.Patterns, h.pattern(c))
		}
	}
	p.FoldedPatterns = max(0, len(p.Patterns)-3)
	if h.morePatterns > 0 {
		p.MorePatterns = "and " + plural(h.morePatterns, "more pattern") + ": -o ndjson lists every one."
	}
	p.Timeline = h.timeline(when)
	h.table(p, when)
	for i, d := range h.details {
		told := h.detail(d.c, h.anchors[Clean(d.c.ID)])
		told.Open = i == 0 && (d.kind == failed || d.kind == unidentified)
		p.Details = append(p.Details, told)
	}
	h.rest(p, when)
	return p
}

// maxHeadline is how long a verdict in large letters may be; what is longer has two parts.
const maxHeadline = 130

// maxCauseCards is how many causes a reader sees at first.
const maxCauseCards = 6

// verdict is what a reader sees first.
func (h *HTML) verdict(p *htmlPage) {
	p.Tone = "good"
	for _, s := range h.headline() {
		text := Clean(s.text)
		if what, how, ok := strings.Cut(text, ": "); ok && len(text) > maxHeadline {
			p.Headline = append(p.Headline, what+".")
			text = strings.ToUpper(how[:1]) + how[1:]
		}
		p.Headline = append(p.Headline, text)
		switch {
		case s.with == red:
			p.Tone = "bad"
		case s.with == yellow && p.Tone == "good":
			p.Tone = "warn"
		}
	}
	if len(p.Headline) > 0 {
		p.Title = shorten(p.Headline[0], 120)
	}
	for _, t := range []struct {
		n          int64
		text, tone string
	}{{h.counts[failed], "failed", "bad"}, {h.counts[warned], "worked, with a warning", "warn"}, {h.counts[healthy], "worked", "good"},
		{h.counts[undecided], "not decided: the capture does not hold enough", ""}, {h.counts[unidentified], "failed before saying what they were", ""},
		{max(h.summary.OpaqueTLS, h.counts[opaque]), "encrypted: may or may not be WebSocket", ""}} {
		if t.n > 0 {
			p.Tally = append(p.Tally, htmlTally{number(t.n), t.text, t.tone})
		}
	}
	acting := make(map[record.Fault]int64)
	for _, c := range h.causes.list {
		acting[c.fault] += c.count
	}
	faults := slices.SortedFunc(maps.Keys(acting), func(a, b record.Fault) int {
		return cmp.Or(cmp.Compare(acting[b], acting[a]), cmp.Compare(a, b))
	})
	for _, f := range faults {
		p.Actors = append(p.Actors, htmlTally{Number: number(acting[f]), Text: actor(f)})
	}
}

// source says in a line what was analysed.
func (h *HTML) source(p *htmlPage, when clock) {
	var parts []string
	switch n := int64(len(h.captures)) + h.moreCaptures; n {
	case 0:
	case 1:
		parts = append(parts, Clean(h.captures[0].File))
	default:
		parts = append(parts, plural(n, "file"))
	}
	parts = append(parts, plural(h.packets, "packet"))
	if h.view.first != 0 {
		parts = append(parts, fmt.Sprintf("%s to %s (%s)", when.full(h.view.first), when.short(h.view.last), span(record.Millis(h.view.last.Sub(h.view.first)))))
	}
	p.Source = strings.Join(append(parts, p.Tool), " · ")
}

func (h *HTML) facts(p *htmlPage, when clock) {
	h.source(p, when)
	add := func(label, text string) {
		if text != "" {
			p.Facts = append(p.Facts, htmlFact{label, text})
		}
	}
	if h.view.first != 0 {
		add("Time span", fmt.Sprintf("%s to %s (%s)", when.full(h.view.first), when.short(h.view.last), span(record.Millis(h.view.last.Sub(h.view.first)))))
	}
	add("Packets", fmt.Sprintf("%s, %s", number(h.packets), size(h.bytes)))
	add("Beside them", h.elsewhere())
	if h.moreCaptures > 0 {
		add("Files", plural(h.moreCaptures, "more file"))
	}
	add("Times", "in "+when.zone.String())
	add("Made by", p.Tool)
}

func (h *HTML) capture(c *record.Capture, when clock) htmlCapture {
	x := htmlCapture{File: Clean(c.File), Format: Clean(strings.TrimSpace(c.Format + " " + c.Compression)), Packets: number(c.Packets), Size: size(c.Bytes),
		Link: Clean(strings.Join(c.LinkTypes, ", ")), SHA256: Clean(c.SHA256)}
	if c.First != 0 {
		x.From, x.To = when.exact(c.First), when.exact(c.Last)
		x.Lasted = span(record.Millis(c.Last.Sub(c.First)))
	}
	return x
}

// table gives all rows to the script, and the first ones to readers without it.
func (h *HTML) table(p *htmlPage, when clock) {
	kinds := make(map[class]bool)
	reasons := make(map[string]bool)
	for i, r := range h.rows {
		lasted, start := span(r.ms), when.exact(r.started)
		p.Rows = append(p.Rows, []any{r.id, start, r.client, r.where, r.outcome, r.cause, r.actor, lasted, kindPaint(r.kind), h.anchors[r.id],
			int64(r.started-h.view.first) / 1000, int64(r.ms * 1000), r.title, kindName(r.kind)})
		if i < 200 {
			p.First = append(p.First, htmlTableRow{ID: r.id, Time: start, Client: r.client, Where: r.where, Outcome: r.outcome, Cause: r.cause,
				Actor: r.actor, Lasted: lasted, Tone: kindPaint(r.kind), Anchor: h.anchors[r.id], Title: r.title})
		}
		kinds[r.kind] = true
		if r.cause != "" && len(reasons) < maxCauses {
			reasons[r.cause] = true
		}
	}
	for _, k := range []class{failed, unidentified, undecided, warned, opaque, healthy} {
		if kinds[k] {
			p.Kinds = append(p.Kinds, kindName(k))
		}
	}
	p.Reasons = slices.Sorted(maps.Keys(reasons))
	if n := sum(h.more[:]); n > 0 {
		p.MoreOf = append(p.MoreOf, plural(n, "more connection")+" have no row here: -o ndjson lists every one.")
	}
}

func sum(list []int64) (n int64) {
	for _, x := range list {
		n += x
	}
	return n
}

// rest is what did not fail.
func (h *HTML) rest(p *htmlPage, when clock) {
	if !h.o.Failed {
		for i, c := range h.warnings.sorted() {
			if i == maxSections {
				break
			}
			p.Warnings = append(p.Warnings, h.cause(c, when, i+1))
		}
	}
	for _, c := range h.unclear[:min(len(h.unclear), maxSections)] {
		p.Unclear = append(p.Unclear, htmlNote{fmt.Sprintf("%s, %s to %s", Clean(c.ID), c.Client, where(c)), Clean(oneLine(sentence(c.Verdict) + " " + sentence(c.NextStep)))})
	}
	p.Unknown = endpointsOf(&h.unknown, h.counts[unidentified])
	p.Dark = endpointsOf(&h.dark, max(h.summary.OpaqueTLS, h.counts[opaque]))
}

func endpointsOf(counts *tally[endpoint], n int64) htmlEndpoints {
	e := htmlEndpoints{Count: n}
	keys, _, more := counts.top(maxEndpointRows)
	for _, key := range keys {
		entry := counts.entries[key]
		ids := Clean(strings.Join(entry.names, ", "))
		if entry.count > int64(len(entry.names)) {
			ids += ", …"
		}
		e.Rows = append(e.Rows, htmlEndpoint{key.server.String(), number(entry.count), Clean(strings.TrimSpace(key.code + " " + spoken(key.slug))), ids})
	}
	if more > 0 {
		e.More = "and " + plural(more, "connection") + " to other servers"
	}
	return e
}
