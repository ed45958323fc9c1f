package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// outcomeWords say how a connection ended, as a clause about several: "2 rejected".
var outcomeWords = map[record.Outcome]string{
	record.ConnectFailed:    "could not connect",
	record.TunnelFailed:     "got no tunnel",
	record.TLSFailed:        "failed in TLS",
	record.Rejected:         "rejected",
	record.NoResponse:       "unanswered",
	record.InvalidHandshake: "got an invalid handshake",
	record.ProtocolError:    "broke the protocol",
	record.ClosedError:      "closed with an error",
	record.ClosedAbnormal:   "cut off",
	record.ClosedClean:      "closed",
	record.Open:             "still open",
	record.Incomplete:       "incomplete",
	record.Opaque:           "opaque",
}

func outcomeWord(o record.Outcome) string {
	if word, ok := outcomeWords[o]; ok {
		return word
	}
	return Clean(string(o))
}

// whoActs says whose turn it is, as the end of a sentence.
func whoActs(f record.Fault) string {
	switch f {
	case record.FaultClient:
		return "the client has to act"
	case record.FaultServer:
		return "the server has to act"
	case record.FaultIntermediary:
		return "a proxy, load balancer or firewall has to act"
	case record.FaultNetwork:
		return "the network has to be looked at"
	case record.FaultCapture:
		return "the capture lacks something"
	case record.FaultNone:
		return "nobody has to act"
	}
	return "who has to act cannot be told from this capture"
}

// ending is an outcome with the number that goes with it: "rejected 426", "closed-error 1011".
func ending(c *record.Connection) string {
	s := Clean(string(c.Outcome))
	switch c.Outcome {
	case record.Rejected:
		if c.Response != nil && c.Response.Status != 0 {
			s += fmt.Sprintf(" %d", c.Response.Status)
		}
	case record.TunnelFailed:
		if c.Tunnel != nil && c.Tunnel.Status != 0 {
			s += fmt.Sprintf(" %d", c.Tunnel.Status)
		}
	case record.ClosedClean, record.ClosedError, record.ProtocolError:
		if c.Close != nil && c.Close.HasCode {
			s += fmt.Sprintf(" %d", c.Close.Code)
		}
	}
	return s
}

// plainEnding is ending in words that need no knowledge of the outcomes' names.
func plainEnding(c *record.Connection) string {
	words := outcomeWord(c.Outcome)
	if number := strings.TrimPrefix(ending(c), Clean(string(c.Outcome))); number != "" {
		return words + number
	}
	return words
}

// where is what a connection wanted to reach: its URL, else the best name there is.
func where(c *record.Connection) string {
	switch {
	case c.URL != "":
		return Clean(c.URL)
	case c.TLS != nil && c.TLS.SNI != "":
		return Clean(c.TLS.SNI) + " (" + c.Server.String() + ")"
	case c.DNSName != "":
		return Clean(c.DNSName) + " (" + c.Server.String() + ")"
	}
	return c.Server.String()
}

// whereHop is where for a list, in which a further hop of another connection stands beside it.
func whereHop(c *record.Connection) string {
	if c.HopOf == "" {
		return where(c)
	}
	return where(c) + ", hop of " + Clean(c.HopOf)
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if first := s[0]; first >= 'a' && first <= 'z' && !strings.HasPrefix(s, "nginx") {
		word, _, _ := strings.Cut(s, " ")
		// a product, host or path keeps its own spelling
		if !strings.ContainsAny(word, "./:-_0123456789") {
			s = string(first-'a'+'A') + s[1:]
		}
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?:") {
		s += "."
	}
	return s
}

// firstSentence is the first sentence of a text.
func firstSentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	for i := 0; i+1 < len(s); i++ {
		if strings.IndexByte(".!?", s[i]) >= 0 && s[i+1] == ' ' && i+2 < len(s) && (s[i+2] < 'a' || s[i+2] > 'z') && (s[i+2] < '0' || s[i+2] > '9') {
			return s[:i+1]
		}
	}
	return s
}

// partOf is the text under one heading of an explanation.
func partOf(explanation, heading string) string {
	_, rest, found := strings.Cut("\n"+explanation, "\n"+heading+"\n")
	if !found {
		return ""
	}
	if end := strings.Index(rest, "\n\n"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// span is a duration as people say it: 1.4 ms, 75 s, 2 h 5 min.
func span(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < 0:
		return "?"
	case d > 0 && d < 100*time.Microsecond:
		return fmt.Sprintf("%.0f µs", ms*1000)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", ms)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", ms)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// answered is the response's packet, and how long after the request it came if
// that is in the capture.
func answered(c *record.Connection) string {
	at := fmt.Sprintf("packet %d", c.Response.Packet)
	if c.Request == nil {
		return at
	}
	return at + ", after " + span(c.Response.LatencyMS)
}

// size is a number of bytes as people say it.
func size(n int64) string {
	const unit = 1000
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f kB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/unit/unit/unit)
}

// clock writes times for people, in one zone.
type clock struct {
	zone *time.Location
	day  string // times of this day are written without it
	year int    // and those of this year without the year; 0: with it
}

// newClock leaves out the day where first and last are on one.
func newClock(zone *time.Location, first, last record.Time) clock {
	c := clock{zone: zone}
	if first == 0 {
		return c
	}
	if day := c.date(first); day == c.date(last) {
		c.day = day
	}
	if year := first.Std().In(zone).Year(); year == last.Std().In(zone).Year() {
		c.year = year
	}
	return c
}

func (c clock) date(t record.Time) string { return t.Std().In(c.zone).Format("2006-01-02") }

// short is a time to the second, with its day where that is needed.
func (c clock) short(t record.Time) string {
	if t == 0 {
		return "-"
	}
	std := t.Std().In(c.zone)
	if c.day != "" && c.date(t) == c.day {
		return std.Format("15:04:05")
	}
	if std.Year() != c.year {
		return std.Format(time.DateTime)
	}
	return std.Format("01-02 15:04:05")
}

// exact is a time to the millisecond.
func (c clock) exact(t record.Time) string {
	if t == 0 {
		return "-"
	}
	std := t.Std().In(c.zone)
	if c.day != "" && c.date(t) == c.day {
		return std.Format("15:04:05.000")
	}
	return std.Format("2006-01-02 15:04:05.000")
}

// full is a time with its day and zone.
func (c clock) full(t record.Time) string {
	return t.Std().In(c.zone).Format("2006-01-02 15:04:05 MST")
}
