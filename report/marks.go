package report

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// mark says that a finding speaks of a header.
type mark struct {
	code     string
	header   string
	from     record.Dir
	required bool   // the finding may mean that it is missing
	token    string // a value with this token in it is not what the finding means
}

// lacking tells whether a value is one that the finding may mean.
func (m mark) lacking(value string) bool {
	return m.token == "" || !strings.Contains(strings.ToLower(value), m.token)
}

// headerMarks are the headers that findings speak of. Codes are never reused,
// so the list can only grow.
var headerMarks = []mark{
	{"WS501", "Upgrade", record.Client, true, "websocket"},
	{"WS502", "Connection", record.Client, true, "upgrade"},
	{"WS503", "Sec-WebSocket-Version", record.Client, true, ""},
	{"WS504", "Sec-WebSocket-Key", record.Client, true, ""},
	{"WS506", "Host", record.Client, true, ""},
	{"WS507", "Sec-WebSocket-Key1", record.Client, false, ""},
	{"WS507", "Sec-WebSocket-Key2", record.Client, false, ""},
	{"WS507", "Sec-WebSocket-Draft", record.Client, false, ""},
	{"WS507", "Sec-WebSocket-Version", record.Client, false, ""},
	{"WS508", "Origin", record.Client, false, ""},
	{"WS509", "Origin", record.Client, false, ""},
	{"WS510", "Authorization", record.Client, false, ""},
	{"WS510", "Proxy-Authorization", record.Client, false, ""},
	{"WS510", "Cookie", record.Client, false, ""},
	{"WS522", "Location", record.Server, false, ""},
	{"WS524", "WWW-Authenticate", record.Server, false, ""},
	{"WS529", "Retry-After", record.Server, false, ""},
	{"WS540", "Sec-WebSocket-Accept", record.Server, true, ""},
	{"WS541", "Sec-WebSocket-Accept", record.Server, false, ""},
	{"WS542", "Sec-WebSocket-Accept", record.Server, false, ""},
	{"WS543", "Upgrade", record.Server, true, "websocket"},
	{"WS543", "Connection", record.Server, true, "upgrade"},
	{"WS544", "Sec-WebSocket-Protocol", record.Server, false, ""},
	{"WS545", "Sec-WebSocket-Protocol", record.Server, true, ""},
	{"WS546", "Sec-WebSocket-Extensions", record.Server, false, ""},
	{"WS550", "Content-Length", record.Server, false, ""},
	{"WS550", "Transfer-Encoding", record.Server, false, ""},
	{"WS551", "Location", record.Server, false, ""},
}

// marksOf are the marks for the header block of one side.
func marksOf(c *record.Connection, from record.Dir) []mark {
	var marks []mark
	for _, m := range headerMarks {
		if m.from == from && hasCode(c, m.code) {
			marks = append(marks, m)
		}
	}
	return marks
}

// lineMark is the code of the finding that the start line explains: the method
// or version of a request, the status of a response.
func lineMark(c *record.Connection, from record.Dir) string {
	for i := range c.Findings {
		code := c.Findings[i].Code
		switch {
		case from == record.Client && code == "WS505":
			return code
		case from == record.Server && (code == "WS547" || code >= "WS521" && code <= "WS533" || code == "WS551"):
			return code
		}
	}
	return ""
}

func hasCode(c *record.Connection, code string) bool {
	for i := range c.Findings {
		if c.Findings[i].Code == code {
			return true
		}
	}
	return false
}

// headerLine is a line of a header block as people see it: as it was on the
// wire, not cleaned, with the code of the finding that speaks of it.
type headerLine struct {
	text, code string
	missing    bool // the line is not there; the text says so
}

// headerLines are the lines of a header block, and those that a finding misses in it.
func headerLines(start string, headers record.Headers, marks []mark, startMark string) []headerLine {
	lines := []headerLine{{text: start, code: startMark}}
	present := make(map[string]bool)
	for _, h := range headers {
		line := headerLine{text: h[0] + ": " + h[1]}
		for _, m := range marks {
			if strings.EqualFold(m.header, h[0]) {
				present[m.header] = true
				if m.lacking(h[1]) {
					line.code = m.code
				}
			}
		}
		lines = append(lines, line)
	}
	for _, m := range marks {
		if m.required && !present[m.header] {
			present[m.header] = true
			lines = append(lines, headerLine{text: "(" + m.header + " is missing)", code: m.code, missing: true})
		}
	}
	return lines
}
