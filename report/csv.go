package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// CSV writes one row for each connection, for spreadsheets, as RFC 4180 has
// it. Files, patterns and the catalogue's texts have no place in it.
type CSV struct {
	w    *csv.Writer
	time clock
	row  []string
	err  error
}

// csvColumns are the columns in order: the header of the table.
var csvColumns = []string{
	"id", "started", "ended", "utc_offset", "duration_ms", "client", "server", "dns_name", "url", "transport", "recognized_by",
	"phase", "outcome", "fault", "cause", "cause_slug", "confidence", "verdict", "next_step", "other_findings",
	"status", "latency_ms", "close_by", "close_code", "close_reason", "reset_by", "ended_by", "ended_how",
	"client_messages", "server_messages", "client_payload_bytes", "server_payload_bytes", "subprotocol", "extensions",
	"handshake_ms", "retransmissions", "tls_version", "tls_sni", "tls_decrypted", "tunnel", "hop_of",
	"capture", "first_packet", "last_packet", "wireshark_filter",
}

// NewCSV makes a table for spreadsheets.
func NewCSV(w io.Writer, o Options) *CSV {
	c := &CSV{w: csv.NewWriter(w), time: clock{zone: o.location()}}
	c.w.UseCRLF = true // RFC 4180, section 2: "each record is located on a separate line, delimited by a line break (CRLF)"
	c.err = c.w.Write(csvColumns)
	return c
}

// Connection writes a row.
func (s *CSV) Connection(c *record.Connection) error {
	if s.err != nil {
		return s.err
	}
	s.row = s.row[:0]
	s.identity(c)
	s.judgement(c)
	s.webSocket(c)
	s.below(c)
	s.add(c.Capture, number0(c.FirstPacket), number0(c.LastPacket), c.Filter)
	s.err = s.w.Write(s.row)
	return s.err
}

func (s *CSV) add(cells ...string) {
	for _, cell := range cells {
		s.row = append(s.row, harmlessCell(Clean(cell)))
	}
}

func (s *CSV) identity(c *record.Connection) {
	s.add(c.ID, s.stamp(c.Started), s.stamp(c.Ended), c.Started.Std().In(s.time.zone).Format("UTC-07:00"), decimal(c.DurationMS),
		c.Client.String(), c.Server.String(), c.DNSName, c.URL, c.Transport, string(c.RecognizedBy))
}

// stamp is a time as spreadsheets read it: without a zone, to the millisecond.
func (s *CSV) stamp(t record.Time) string {
	if t == 0 {
		return ""
	}
	return s.time.exact(t)
}

func (s *CSV) judgement(c *record.Connection) {
	_, main := classify(c)
	var cause record.Finding
	if main >= 0 {
		cause = c.Findings[main]
	}
	var others []string
	for i := range c.Findings {
		if i != main {
			others = append(others, c.Findings[i].Code+" "+c.Findings[i].Slug)
		}
	}
	s.add(string(c.Phase), string(c.Outcome), string(c.Fault), cause.Code, cause.Slug, string(cause.Confidence),
		sentence(c.Verdict), c.NextStep, strings.Join(others, "; "))
}

func (s *CSV) webSocket(c *record.Connection) {
	if r := c.Response; r != nil {
		s.add(number0(int64(r.Status)), decimal(r.LatencyMS))
	} else {
		s.add("", "")
	}
	if cl := c.Close; cl != nil {
		code := ""
		if cl.HasCode {
			code = strconv.Itoa(cl.Code)
		}
		s.add(cl.By.String(), code, cl.Reason)
	} else {
		s.add("", "", "")
	}
	by, how := "", ""
	if c.TCP != nil {
		by, how = c.TCP.EndedBy, c.TCP.EndedHow
	}
	s.add(c.ResetBy, by, how)
	if w := c.WebSocket; w != nil {
		s.add(whole(w.Messages.Client), whole(w.Messages.Server), whole(w.Bytes.Client), whole(w.Bytes.Server), w.Subprotocol, w.Extensions)
	} else {
		s.add("", "", "", "", "", "")
	}
}

func (s *CSV) below(c *record.Connection) {
	handshake, again := "", ""
	if t := c.TCP; t != nil {
		again = whole(t.Retransmissions)
		if t.HandshakeMS != nil {
			handshake = decimal(*t.HandshakeMS)
		}
	}
	s.add(handshake, again)
	if t := c.TLS; t != nil {
		s.add(t.Version, t.SNI, strconv.FormatBool(t.Decrypted))
	} else {
		s.add("", "", "")
	}
	tunnel := ""
	if c.Tunnel != nil {
		tunnel = tunnelFacts(c.Tunnel)
	}
	s.add(tunnel, c.HopOf)
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

// number0 leaves a cell empty where a number is not known.
func number0(n int64) string {
	if n == 0 {
		return ""
	}
	return whole(n)
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// harmlessCell keeps spreadsheets from taking text for a formula: they do
// where a cell begins with one of formulaStarts, and ' in front makes it text.
// Where a list separator is a semicolon, a cell begins behind each of them.
func harmlessCell(cell string) string {
	if startsFormula(cell) {
		cell = "'" + cell
	}
	if !strings.Contains(cell, ";") {
		return cell
	}
	parts := strings.Split(cell, ";")
	for i := 1; i < len(parts); i++ {
		if startsFormula(parts[i]) {
			parts[i] = "'" + parts[i]
		}
	}
	return strings.Join(parts, ";")
}

var formulaStarts = []string{"=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠"}

func startsFormula(cell string) bool {
	cell = strings.TrimLeft(cell, " \u00a0\u3000\"")
	for _, start := range formulaStarts {
		if strings.HasPrefix(cell, start) {
			return true
		}
	}
	return false
}

// Pattern has no row.
func (s *CSV) Pattern(record.Pattern) error { return nil }

// Capture has no row.
func (s *CSV) Capture(record.Capture) error { return nil }

// Rule has no row.
func (s *CSV) Rule(string, record.Rule) error { return nil }

// Summary has no row.
func (s *CSV) Summary(record.Summary) error { return nil }

// Close writes what is still held back.
func (s *CSV) Close() error {
	s.w.Flush()
	if s.err == nil {
		s.err = s.w.Error()
	}
	return s.err
}
