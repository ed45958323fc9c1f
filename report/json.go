package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// flushAt is how many bytes are gathered before they are written.
const flushAt = 64 << 10

// encoder turns the nouns of a result into JSON, one value on one line. Lists
// that the contract always has are never null.
type encoder struct {
	buf     bytes.Buffer
	json    *json.Encoder
	escaped []byte
}

func newEncoder() *encoder {
	e := new(encoder)
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

// value encodes v without the line break. The bytes are valid until the next call.
func (e *encoder) value(v any) ([]byte, error) {
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode the result as JSON: %w", err)
	}
	return e.printable(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n"))), nil
}

// printable writes as \uXXXX what shows nothing or changes how other text
// shows (RFC 8259, section 7: "Any character may be escaped"): programs read the
// same, and terminals and editors that show a result are not deceived by it.
func (e *encoder) printable(b []byte) []byte {
	i := bytes.IndexFunc(b, deceptive)
	if i < 0 {
		return b
	}
	e.escaped = append(e.escaped[:0], b[:i]...)
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case !deceptive(r):
			e.escaped = append(e.escaped, b[i:i+n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			e.escaped = fmt.Appendf(e.escaped, `\u%04x\u%04x`, high, low)
		default:
			e.escaped = fmt.Appendf(e.escaped, `\u%04x`, r)
		}
		i += n
	}
	return e.escaped
}

func deceptive(r rune) bool { return r >= 0x7f && (!unicode.IsPrint(r) || invisible(r)) }

func wholeFindings(findings []record.Finding) []record.Finding {
	if findings == nil {
		return []record.Finding{}
	}
	for i := range findings {
		if findings[i].Evidence == nil {
			findings[i].Evidence = []record.Evidence{}
		}
	}
	return findings
}

func wholePattern(p record.Pattern) record.Pattern {
	if p.Connections == nil {
		p.Connections = []string{}
	}
	if p.Evidence == nil {
		p.Evidence = []record.Evidence{}
	}
	return p
}

func wholeCapture(c record.Capture) record.Capture {
	c.Findings = wholeFindings(c.Findings)
	if c.LinkTypes == nil {
		c.LinkTypes = []string{}
	}
	return c
}

func wholeRule(r record.Rule) record.Rule {
	if r.References == nil {
		r.References = []string{}
	}
	return r
}

func wholeSummary(s record.Summary) record.Summary {
	if s.ByOutcome == nil {
		s.ByOutcome = map[string]int64{}
	}
	if s.ByFinding == nil {
		s.ByFinding = map[string]int64{}
	}
	causes := make([]record.Cause, len(s.Causes))
	copy(causes, s.Causes)
	for i := range causes {
		if causes[i].Examples == nil {
			causes[i].Examples = []string{}
		}
	}
	s.Causes = causes
	return s
}

// output gathers bytes and writes them in large pieces. The first error sticks.
type output struct {
	w   io.Writer
	buf []byte
	err error
	now bool // lines are written one by one
}

func (o *output) bytes(b []byte) {
	o.buf = append(o.buf, b...)
	if len(o.buf) >= flushAt {
		o.flush()
	}
}

func (o *output) text(s string) {
	o.buf = append(o.buf, s...)
	if len(o.buf) >= flushAt {
		o.flush()
	}
}

func (o *output) flush() error {
	if o.err == nil && len(o.buf) > 0 {
		_, o.err = o.w.Write(o.buf)
	}
	o.buf = o.buf[:0]
	return o.err
}

// JSON writes one document by the contract wsleuth.report/v1. Connections are
// written as they come, what stands behind them in the document at Close.
type JSON struct {
	out         output
	encode      *encoder
	text        jsonText
	tool        record.Tool
	begun       bool
	connections int
	patterns    bytes.Buffer
	captures    bytes.Buffer
	rules       bytes.Buffer
	summary     record.Summary
	err         error
}

// NewJSON makes a document, of which nothing is written before the first
// connection or Close.
func NewJSON(w io.Writer, o Options) *JSON {
	return &JSON{out: output{w: w}, encode: newEncoder(), tool: o.Tool}
}

// Made names the tool that made the result, where that is not the one in
// Options: a saved result keeps its maker. It comes before everything else.
func (j *JSON) Made(by record.Tool) { j.tool = by }

func (j *JSON) begin() {
	if j.begun {
		return
	}
	j.begun = true
	tool, err := j.encode.value(j.tool)
	j.fail(err)
	j.out.text(`{"schema":"` + record.Schema + `","tool":`)
	j.out.bytes(tool)
	j.out.text(",\n\"connections\":[")
}

// Connection adds a connection to the document.
func (j *JSON) Connection(c *record.Connection) error {
	j.begin()
	b, err := j.text.connection(c)
	if err != nil {
		return j.fail(err)
	}
	if j.connections > 0 {
		j.out.text(",")
	}
	j.connections++
	j.out.text("\n")
	j.out.bytes(b)
	return j.fail(j.out.err)
}

// fail keeps the first error.
func (j *JSON) fail(err error) error {
	if j.err == nil {
		j.err = err
	}
	return j.err
}

// element appends v to a list that is written later.
func (j *JSON) element(list *bytes.Buffer, key string, v any) error {
	b, err := j.encode.value(v)
	if err != nil {
		return j.fail(err)
	}
	if list.Len() > 0 {
		list.WriteByte(',')
	}
	list.WriteString("\n" + key)
	list.Write(b)
	return nil
}

// Pattern keeps a pattern for its place behind the connections.
func (j *JSON) Pattern(p record.Pattern) error { return j.element(&j.patterns, "", wholePattern(p)) }

// Capture keeps a file for its place.
func (j *JSON) Capture(c record.Capture) error { return j.element(&j.captures, "", wholeCapture(c)) }

// Rule keeps a rule for its place.
func (j *JSON) Rule(code string, r record.Rule) error {
	key, err := json.Marshal(code)
	if err != nil {
		return j.fail(err)
	}
	return j.element(&j.rules, string(key)+":", wholeRule(r))
}

// Summary keeps the summary for its place.
func (j *JSON) Summary(s record.Summary) error {
	j.summary = s
	return nil
}

// Close completes the document.
func (j *JSON) Close() error {
	j.begin()
	summary, err := j.encode.value(wholeSummary(j.summary))
	j.fail(err)
	j.out.text("],\n\"patterns\":[")
	j.out.bytes(j.patterns.Bytes())
	j.out.text("],\n\"captures\":[")
	j.out.bytes(j.captures.Bytes())
	j.out.text("],\n\"rules\":{")
	j.out.bytes(j.rules.Bytes())
	j.out.text("},\n\"summary\":")
	j.out.bytes(summary)
	j.out.text("}\n")
	return j.fail(j.out.flush())
}

// NDJSON writes one object a line, each with its type.
type NDJSON struct {
	out    output
	encode *encoder
	text   jsonText
	tool   record.Tool
	begun  bool
	err    error
}

// NewNDJSON makes lines, of which the first names schema and tool.
func NewNDJSON(w io.Writer, o Options) *NDJSON {
	return &NDJSON{out: output{w: w, now: o.Stream}, encode: newEncoder(), tool: o.Tool}
}

// Made names the tool that made the result; see JSON.Made.
func (n *NDJSON) Made(by record.Tool) { n.tool = by }

func (n *NDJSON) begin() {
	if n.begun {
		return
	}
	n.begun = true
	n.line("report", struct {
		Schema string      `json:"schema"`
		Tool   record.Tool `json:"tool"`
	}{record.Schema, n.tool})
}

// line writes an object with its type in front of its other keys.
func (n *NDJSON) line(kind string, v any) error {
	n.begin()
	b, err := n.encode.value(v)
	return n.object(kind, b, err)
}

func (n *NDJSON) object(kind string, b []byte, err error) error {
	if n.err == nil {
		n.err = err
	}
	if n.err != nil {
		return n.err
	}
	n.out.text(`{"type":"`)
	n.out.text(kind)
	n.out.text(`",`)
	n.out.bytes(b[1:]) // no noun is an empty object
	n.out.text("\n")
	if n.out.now {
		n.out.flush()
	}
	n.err = n.out.err
	return n.err
}

// Connection writes a connection.
func (n *NDJSON) Connection(c *record.Connection) error {
	n.begin()
	b, err := n.text.connection(c)
	return n.object("connection", b, err)
}

// Pattern writes a pattern.
func (n *NDJSON) Pattern(p record.Pattern) error { return n.line("pattern", wholePattern(p)) }

// Capture writes a file.
func (n *NDJSON) Capture(c record.Capture) error { return n.line("capture", wholeCapture(c)) }

// Rule writes a rule.
func (n *NDJSON) Rule(code string, r record.Rule) error {
	return n.line("rule", ruleLine{code, wholeRule(r)})
}

// ruleLine is a rule beside its code, which is a key in the document.
type ruleLine struct {
	Code string `json:"code"`
	record.Rule
}

// Summary writes the summary.
func (n *NDJSON) Summary(s record.Summary) error { return n.line("summary", wholeSummary(s)) }

// Close writes what is still held back.
func (n *NDJSON) Close() error {
	n.begin()
	if err := n.out.flush(); n.err == nil {
		n.err = err
	}
	return n.err
}
