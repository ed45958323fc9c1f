package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Table is the format for a person at a terminal: the verdict on the whole,
// the connections that failed, and each cause explained once.
type Table struct {
	*view
	o    Options
	page *page
	time clock
}

// NewTable makes a table, which is written at Close.
func NewTable(w io.Writer, o Options) *Table {
	return &Table{view: newView(), o: o, page: newPage(w, o)}
}

// Close writes the table.
func (t *Table) Close() error {
	t.view.finish()
	t.time = newClock(t.o.location(), t.view.first, t.view.last)
	for _, s := range t.headline() {
		t.page.paragraph(0, s.text, s.with)
	}
	t.limits()
	t.failures()
	t.causeSections()
	t.patternSections()
	t.undecidedSection()
	if !t.o.Failed {
		t.warningSections()
		t.healthySection()
		t.applicationCodes()
	}
	t.unidentifiedSection()
	t.opaqueSection()
	t.capturesSection()
	return t.page.flush()
}

// maxNotes is how many findings about files are told.
const maxNotes = 5

// limits says prominently what the capture lacks, and what was left out of it, for every verdict rests on it.
func (t *Table) limits() {
	t.notes("Mind: ", yellow, func(s record.Severity) bool { return s != record.Info })
	for _, s := range t.summary.Limits {
		t.page.paragraph(0, Clean("Mind: "+s), yellow)
	}
}

// notes tells the findings about files of some severity.
func (t *Table) notes(lead string, with paint, chosen func(record.Severity) bool) {
	var more int64
	told := 0
	for _, c := range t.captures {
		for _, f := range c.Findings {
			if !chosen(f.Severity) {
				continue
			}
			if told++; told > maxNotes {
				more++
				continue
			}
			text := fmt.Sprintf("%s%s: %s", lead, c.File, sentence(f.Title))
			if f.Severity != record.Info {
				text += " " + sentence(f.Remedy)
			}
			t.page.paragraph(0, Clean(text), with)
		}
	}
	t.more(more, "note")
}

// narrowClient is how wide a client's address may be on a narrow page; most of IPv6 fit.
const narrowClient = 20

// failures lists the failed connections.
func (t *Table) failures() {
	if len(t.failed) == 0 {
		return
	}
	t.page.heading("FAILED CONNECTIONS", bold)
	wide := t.page.width >= 110
	columns := []column{{title: "ID", max: 12}, {title: "TIME", max: 23}, {title: "CLIENT", max: 21}, {title: "TO"},
		{title: "OUTCOME", max: 21}, {title: "CAUSE", max: 30}}
	if t.page.width >= 130 {
		columns[5].max = 34 // the longest
	}
	if !wide {
		columns[2].max = narrowClient
	}
	var rows [][]string
	for _, c := range t.failed {
		_, main := classify(c)
		client, when, why := c.Client.Addr().String(), t.time.short(c.Started), "-"
		if wide {
			client, when = c.Client.String(), t.time.exact(c.Started)
		}
		if main >= 0 {
			if why = Clean(c.Findings[main].Code); wide {
				why += " " + Clean(c.Findings[main].Slug)
			}
		}
		rows = append(rows, []string{Clean(c.ID), when, client, whereHop(c), ending(c), why})
	}
	t.page.grid(columns, rows, func(_, column int) paint {
		if columns[column].title == "OUTCOME" {
			return red
		}
		return plain
	})
	t.more(t.causes.total()-int64(len(t.failed)), "failed connection")
}

// more counts what a list leaves out and says where it is.
func (t *Table) more(n int64, noun string) {
	if n > 0 {
		t.page.line("... and %s: -o ndjson lists every one.", plural(n, "more "+noun))
	}
}

// maxSections is how many causes are explained.
const maxSections = 20

// causeSections explain each cause once.
func (t *Table) causeSections() {
	for i, c := range t.causes.sorted() {
		if i == maxSections {
			t.page.blank()
			t.more(int64(len(t.causes.list)-i), "cause")
			break
		}
		name := Clean(strings.TrimSpace(c.code + " " + c.slug))
		t.page.heading(fmt.Sprintf("%s%s: %s", name, inBrackets(c.confidence), plural(c.count, "connection")), bold)
		t.page.paragraph(2, Clean(t.whatHappened(c)), plain)
		f := c.examples[0].of()
		t.page.labelled("Why", t.why(c))
		t.page.labelled("User saw", f.SeenByUser)
		t.page.labelled("What to do", c.remedy())
		t.page.labelled("To be sure", c.examples[0].connection.NextStep)
		t.page.labelled("See also", t.seeAlso(c))
		if len(c.limits.order) > 0 {
			t.page.labelled("Mind", "the capture lacks something of these connections: "+named(&c.limits))
		}
		t.spread(c)
		t.page.labelled("From it", named(&c.following))
		t.page.labelled("Beside it", named(&c.beside))
		for i, e := range c.examples {
			t.example(c, e, i)
		}
		if c.count > int64(len(c.examples)) {
			t.page.labelled("", fmt.Sprintf("... and %s more: -o ndjson lists every one.", number(c.count-int64(len(c.examples)))))
		}
		first := c.examples[0].connection
		t.page.verbatim("Wireshark", first.Filter)
		t.page.verbatim("Server's log", first.ServerLog)
		t.page.verbatim("Read more", t.readMore(c, first))
	}
}

// spread says where and when a cause was met more than once.
func (t *Table) spread(c *cause) {
	if c.count < 2 {
		return
	}
	t.page.labelled("Servers", c.places())
	t.page.labelled("Time", fmt.Sprintf("%s to %s", t.time.short(c.first), t.time.short(c.last)))
}

// example is a connection with the packets that prove the finding. What the
// first example said already is not said again.
func (t *Table) example(c *cause, e example, i int) {
	label, indent := "Evidence", ""
	f, first := e.of(), c.examples[0].of()
	if i > 0 {
		label = ""
	}
	if c.count > 1 {
		text := fmt.Sprintf("%s, %s from %s", Clean(e.connection.ID), t.time.exact(e.connection.Started), e.connection.Client)
		if f.Title != "" && (i == 0 || f.Title != first.Title) {
			text += ": " + Clean(f.Title)
		}
		if places := t.samePlaces(f, first); i > 0 && places != "" {
			t.page.labelled(label, text+": "+places)
			return
		}
		t.page.labelled(label, text)
		label, indent = "", "  "
	}
	for j, evidence := range f.Evidence {
		if j == maxEvidence {
			t.page.labelled("", fmt.Sprintf("%sand %s", indent, plural(int64(len(f.Evidence)-maxEvidence), "more packet")))
			break
		}
		t.page.labelled(label, indent+t.evidence(evidence))
		label = ""
	}
}

// patternSections say what connections show together.
func (t *Table) patternSections() {
	for _, p := range t.patterns {
		if t.o.Failed && p.Severity != record.Error {
			continue
		}
		t.page.heading(Clean(p.Code+" "+p.Slug)+inBrackets(p.Confidence)+together(p.Connections), bold)
		t.page.paragraph(2, Clean(shared(&p)), plain)
		t.page.labelled("What to do", p.Remedy)
		ids := p.Connections[:min(len(p.Connections), 10)]
		text := strings.Join(ids, ", ")
		if rest := len(p.Connections) - len(ids); rest > 0 {
			text += fmt.Sprintf(" and %s more (-o ndjson)", number(int64(rest)))
		}
		if text != "" {
			t.page.labelled("Connections", Clean(text))
		}
		for i, e := range p.Evidence[:min(len(p.Evidence), maxEvidence)] {
			label := ""
			if i == 0 {
				label = "Evidence"
			}
			t.page.labelled(label, t.evidence(e))
		}
		t.page.verbatim("Read more", "wsleuth explain "+p.Code)
	}
	t.more(t.morePatterns, "pattern")
}

// undecidedSection lists connections of which the capture does not hold enough, with what would tell.
func (t *Table) undecidedSection() {
	if len(t.unclear) == 0 {
		return
	}
	t.page.heading("NOT DECIDED: the capture does not hold enough", bold)
	const most = 10
	for i, c := range t.unclear {
		if i == most {
			break
		}
		t.page.paragraph(2, Clean(fmt.Sprintf("%s, %s to %s: %s", c.ID, c.Client, where(c), t.lacking(i))), plain)
	}
	t.more(t.counts[undecided]-int64(min(len(t.unclear), most)), "undecided connection")
}

// warningSections say what is wrong with connections that worked.
func (t *Table) warningSections() {
	groups := t.warnings.sorted()
	if len(groups) == 0 {
		return
	}
	t.page.heading("WARNINGS of connections that worked", bold)
	const most = 20
	for i, c := range groups {
		if i == most {
			t.more(int64(len(groups)-most), "warning")
			break
		}
		first := c.examples[0]
		var ids []string
		for _, e := range c.examples {
			ids = append(ids, Clean(e.connection.ID))
		}
		where := strings.Join(ids, ", ")
		if rest := c.count - int64(len(ids)); rest > 0 {
			where += fmt.Sprintf(" and %s more", number(rest))
		}
		t.page.paragraph(2, Clean(fmt.Sprintf("%s %s%s: %s (%s)", c.code, c.slug, inBrackets(c.confidence), plural(c.count, "connection"), where)), plain)
		text := sentence(first.of().Title)
		if len(first.of().Evidence) > 0 {
			text += " See " + t.evidence(first.of().Evidence[0]) + "."
		}
		t.page.paragraph(6, Clean(text), plain)
		t.page.paragraph(6, sentence(c.remedy()), plain)
	}
}

// healthySection lists what worked, if nothing failed; otherwise it counts it.
func (t *Table) healthySection() {
	n := t.counts[healthy] + t.counts[warned]
	if n == 0 {
		return
	}
	if t.counts[failed] > 0 {
		t.page.blank()
		t.page.paragraph(0, fmt.Sprintf("%s worked: %s.", plural(n, "connection"), t.endings()), plain)
		return
	}
	t.page.heading("CONNECTIONS", bold)
	columns := []column{{title: "ID", max: 12}, {title: "TIME", max: 23}, {title: "CLIENT", max: 21}, {title: "TO"},
		{title: "OUTCOME", max: 21}, {title: "LASTED", max: 10, right: true}, {title: "MESSAGES", max: 15}}
	wide := t.page.width >= 110
	var rows [][]string
	for _, c := range t.fine {
		client, when, messages := c.Client.Addr().String(), t.time.short(c.Started), "-"
		if wide {
			client, when = c.Client.String(), t.time.exact(c.Started)
		}
		if c.WebSocket != nil {
			messages = fmt.Sprintf("%d / %d", c.WebSocket.Messages.Client, c.WebSocket.Messages.Server)
		}
		rows = append(rows, []string{Clean(c.ID), when, client, whereHop(c), ending(c), span(c.DurationMS), messages})
	}
	if !wide {
		columns[2].max = narrowClient
		const lasted = 5 // the URL needs the room
		columns = slices.Delete(columns, lasted, lasted+1)
		for i := range rows {
			rows[i] = slices.Delete(rows[i], lasted, lasted+1)
		}
	}
	t.page.grid(columns, rows, nil)
	t.more(n-int64(len(rows)), "connection")
	t.page.paragraph(0, "Messages: from the client / from the server.", faint)
}

// maxCodeRows is how many Close codes of applications are told.
const maxCodeRows = 5

// applicationCodes tells of WebSockets that worked and were closed with a code
// from 4000 on: to the protocol that is a clean end, the application may mean an error.
func (t *Table) applicationCodes() {
	keys, moreKeys, _ := t.codes.top(maxCodeRows)
	for _, code := range keys {
		entry := t.codes.entries[code]
		text := fmt.Sprintf("closed with %d", code)
		if len(entry.names) > 0 {
			text = entry.names[0]
		}
		if entry.count > 1 {
			text += fmt.Sprintf(" (%s connections closed so)", number(entry.count))
		}
		t.page.paragraph(0, Clean("Closed by the application: "+sentence(text)+" What the code means is for its documentation to say."), plain)
	}
	t.more(moreKeys, "code")
}

// maxEndpointRows is how many servers a table by endpoint names.
const maxEndpointRows = 20

// unidentifiedSection counts by server what failed before it said what it was.
func (t *Table) unidentifiedSection() {
	n := t.counts[unidentified]
	if n == 0 {
		return
	}
	what := "saying what they were, so they"
	if n == 1 {
		what = "saying what it was, so it"
	}
	t.page.heading(fmt.Sprintf("NOT IDENTIFIED: %s failed before %s need not be WebSocket", plural(n, "TCP connection"), what), bold)
	t.endpoints(&t.unknown, "FAILED")
	for _, e := range t.cases {
		t.page.paragraph(2, Clean(fmt.Sprintf("%s (%s): %s", caseName(e), e.connection.ID, caseText(e))), plain)
	}
	t.page.paragraph(0, "More: "+t.explainCommands(), plain)
}

// explainCommands name what explains the commonest failures of unidentified connections.
func (t *Table) explainCommands() string {
	const most = 3
	var commands []string
	keys, _, _ := t.unknown.top(maxEndpointRows)
	for _, key := range keys {
		command := "wsleuth explain " + Clean(key.code)
		if key.code != "" && len(commands) < most && !slices.Contains(commands, command) {
			commands = append(commands, command)
		}
	}
	if len(commands) == 0 {
		return "wsleuth show FILE --connection ID"
	}
	return strings.Join(commands, "; ")
}

// opaqueSection says what TLS hides.
func (t *Table) opaqueSection() {
	n := max(t.summary.OpaqueTLS, t.counts[opaque])
	if n == 0 {
		return
	}
	t.page.blank()
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	t.page.paragraph(0, fmt.Sprintf("%s %s encrypted and may or may not be wss. %s", plural(n, "TLS connection"), verb, keyLogHint), plain)
	if t.counts[opaque] > 0 {
		t.endpoints(&t.dark, "ENCRYPTED")
	}
}

func (t *Table) endpoints(counts *tally[endpoint], title string) {
	keys, moreKeys, more := counts.top(maxEndpointRows)
	columns := []column{{title: "SERVER", max: 47}, {title: title, max: 11, right: true}, {title: "HOW", max: 32}, {title: "CONNECTIONS"}}
	var rows [][]string
	for _, key := range keys {
		entry := counts.entries[key]
		ids := Clean(strings.Join(entry.names, ", "))
		if entry.count > int64(len(entry.names)) {
			ids += ", ..."
		}
		rows = append(rows, []string{key.server.String(), number(entry.count), Clean(strings.TrimSpace(key.code + " " + key.slug)), ids})
	}
	if title == "ENCRYPTED" {
		columns = slices.Delete(columns, 2, 3)
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 2, 3)
		}
	}
	t.page.grid(columns, rows, nil)
	if more > 0 {
		what := "more servers"
		if counts.others == 0 {
			what = plural(moreKeys, "more server")
		}
		t.page.line("... and %s with %s: -o ndjson lists every one.", what, plural(more, "connection"))
	}
}

// capturesSection says what was read, and what is worth knowing of it.
func (t *Table) capturesSection() {
	if len(t.captures) == 0 {
		return
	}
	t.page.blank()
	files := int64(len(t.captures)) + t.moreCaptures
	what := Clean(t.captures[0].File)
	if files > 1 {
		what = plural(files, "file")
	}
	if unread := t.unread(); unread > 0 && files > 1 {
		what = fmt.Sprintf("%s of %s", number(files-unread), what)
	}
	text := fmt.Sprintf("Read %s: %s, %s", what, plural(t.packets, "packet"), size(t.bytes))
	if t.view.first != 0 {
		text += fmt.Sprintf(", %s to %s", t.time.full(t.view.first), t.time.short(t.view.last))
	}
	if others := t.elsewhere(); others != "" {
		text += "; beside them " + others
	}
	t.page.paragraph(0, text+".", faint)
	t.notes("", faint, func(s record.Severity) bool { return s == record.Info })
}

// unread is how many files turned out to be no captures.
func (t *Table) unread() (n int64) {
	for i := range t.captures {
		if t.captures[i].Format == "" {
			n++
		}
	}
	return n
}
