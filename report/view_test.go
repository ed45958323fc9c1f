package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func finding(code string, severity record.Severity, causedBy string) record.Finding {
	return record.Finding{Code: code, Slug: strings.ToLower(code), Severity: severity, CausedBy: causedBy}
}

func TestClassify(t *testing.T) {
	cases := []struct {
		name     string
		outcome  record.Outcome
		by       record.RecognizedBy
		findings []record.Finding
		want     class
		cause    string // code
	}{
		{"clean", record.ClosedClean, record.ByUpgrade, nil, healthy, ""},
		{"open with context", record.Open, record.ByUpgrade, []record.Finding{finding("WS105", record.Info, "")}, healthy, ""},
		{"warning", record.ClosedClean, record.ByUpgrade, []record.Finding{finding("WS508", record.Info, ""), finding("WS510", record.Warning, "")}, warned, "WS510"},
		{"server restarts", record.ClosedError, record.ByUpgrade, []record.Finding{finding("WS709", record.Warning, "")}, warned, "WS709"},
		{"error", record.Rejected, record.ByUpgrade, []record.Finding{finding("WS510", record.Warning, ""), finding("WS524", record.Error, "")}, failed, "WS524"},
		{"consequence first", record.Rejected, record.ByUpgrade, []record.Finding{finding("WS528", record.Error, "WS501"), finding("WS501", record.Error, "")}, failed, "WS501"},
		{"a warning explains it", record.ClosedAbnormal, record.ByUpgrade, []record.Finding{finding("WS701", record.Error, "WS717"), finding("WS717", record.Warning, "")}, failed, "WS717"},
		{"the cause is not there", record.ClosedAbnormal, record.ByUpgrade, []record.Finding{finding("WS701", record.Error, "WS999")}, failed, "WS701"},
		{"causes in a circle", record.ClosedAbnormal, record.ByUpgrade, []record.Finding{finding("WS701", record.Error, "WS716"), finding("WS716", record.Error, "WS701")}, failed, "WS701"},
		{"no rule found it", record.Rejected, record.ByUpgrade, nil, failed, ""},
		{"a warning does not", record.TLSFailed, record.BySameEndpoint, []record.Finding{finding("WS405", record.Warning, "")}, failed, ""},
		{"nobody can tell", record.Incomplete, record.ByUpgrade, []record.Finding{finding("WS102", record.Warning, "")}, undecided, "WS102"},
		{"opaque", record.Opaque, record.ByNothing, nil, opaque, ""},
		{"probably wss", record.Opaque, record.ByTLSFingerprint, nil, undecided, ""},
		{"TLS failed", record.TLSFailed, record.ByTLSFingerprint, []record.Finding{finding("WS403", record.Error, "")}, failed, "WS403"},
		{"unidentified", record.ConnectFailed, record.ByNothing, []record.Finding{finding("WS201", record.Error, "")}, unidentified, "WS201"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			kind, main := classify(&record.Connection{Outcome: c.outcome, RecognizedBy: c.by, Findings: c.findings})
			code := ""
			if main >= 0 {
				code = c.findings[main].Code
			}
			if kind != c.want || code != c.cause {
				t.Errorf("class %d for %q, want %d for %q", kind, code, c.want, c.cause)
			}
		})
	}
}

// Whatever there is a lot of, the table stays short and says how much it leaves out.
func TestTableIsBounded(t *testing.T) {
	const many = 20000
	var out bytes.Buffer
	table := NewTable(&out, Options{Width: 120})
	for i := range many {
		c := sample(i)
		c.Server = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 80)
		switch i % 4 {
		case 0: // every remedy, every code differs
			c.Findings[0].Code = fmt.Sprintf("WS%03d", i%1000)
			c.Findings[0].Slug = fmt.Sprintf("slug-%d", i)
			c.Findings[0].Remedy = strings.Repeat("a", i%700)
		case 1:
			c.RecognizedBy = record.ByNothing
		case 2:
			c.Outcome = record.Incomplete
			c.Findings = nil
		case 3:
			c.Outcome, c.Findings, c.RecognizedBy = record.Opaque, nil, record.ByNothing
		}
		table.Connection(c)
		table.Pattern(record.Pattern{Code: "WS801", Slug: "reconnect-storm", Severity: record.Error, Connections: make([]string, 1000)})
		table.Capture(record.Capture{Format: "pcap", File: fmt.Sprint(i), Findings: []record.Finding{finding("WS106", record.Warning, "")}})
	}
	if n := len(table.causes.list); n > maxCauses+1 {
		t.Errorf("%d causes are kept", n)
	}
	if n := len(table.unknown.order); n > maxEndpoints {
		t.Errorf("%d endpoints are kept", n)
	}
	if len(table.patterns) > maxPatterns || len(table.captures) > 2*maxCaptures || len(table.unclear) > maxRows {
		t.Errorf("%d patterns, %d captures, %d undecided are kept", len(table.patterns), len(table.captures), len(table.unclear))
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, want := range []string{
		"5,000 of 10,000 WebSocket connections failed", "... and 4,950 more failed connections: -o ndjson lists every one.",
		"... and 4,980 more servers with 4,980 connections", "... and 4,990 more undecided connections", "... and 19,980 more patterns", "Read 20,000 files",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table does not say %q", want)
		}
	}
	if lines := strings.Count(got, "\n"); lines > 1000 {
		t.Errorf("the table has %d lines", lines)
	}
}

// Addresses and ports in a remedy do not make another cause; other words do.
func TestCausesByRemedy(t *testing.T) {
	v := newView()
	for i, remedy := range []string{"restart 10.0.0.1:80", "restart 10.0.0.17:8080", "in nginx: raise it", "restart 10.0.0.2:80"} {
		c := sample(i)
		c.Findings[0].Remedy = remedy
		v.Connection(c)
	}
	if list := v.causes.sorted(); len(list) != 2 || list[0].count != 3 || list[1].count != 1 {
		t.Errorf("%d causes", len(list))
	}
}

// A remedy that names a server is the first connection's, which is said where others are elsewhere.
func TestRemedyOfSeveral(t *testing.T) {
	for _, c := range []struct {
		servers []string
		want    string
	}{
		{[]string{"10.0.0.1:80", "10.0.0.2:80"}, "Restart 10.0.0.1:80. That is the first of the 2; the other needs the same."},
		{[]string{"10.0.0.1:80", "10.0.0.1:80"}, "restart 10.0.0.1:80"},
		{[]string{"10.0.0.1:80"}, "restart 10.0.0.1:80"},
		{[]string{"10.0.0.1:80", "10.0.0.17:8080", "10.0.0.1:80"}, "Restart 10.0.0.1:80. That is the first of the 3; the others need the same."},
	} {
		v := newView()
		for i, server := range c.servers {
			x := sample(i)
			x.Server, x.Findings[0].Remedy = netip.MustParseAddrPort(server), "restart "+server
			v.Connection(x)
		}
		if got := v.causes.list[0].remedy(); got != c.want {
			t.Errorf("%v: %q, want %q", c.servers, got, c.want)
		}
	}
}

// What two captures tell of the path is told in its own words.
func TestWhyOfAPattern(t *testing.T) {
	v := newView()
	v.Rule("WS528", record.Rule{Explanation: "Why it matters\nThe server saw no Upgrade."})
	v.Rule("WS902", record.Rule{Explanation: "Why it matters\nThe loss lies between. More."})
	v.Pattern(record.Pattern{Code: "WS902"})
	for verdict, want := range map[string]string{"It failed.": "The server saw no Upgrade.", "It was lost: the network has to be looked at, see WS902.": "The loss lies between."} {
		c := sample(1)
		c.Findings[0].Code, c.Verdict = "WS528", verdict
		x := newView()
		x.rules, x.patterns = v.rules, v.patterns
		x.Connection(c)
		if got := x.why(x.causes.list[0]); got != want {
			t.Errorf("%s: %q, want %q", verdict, got, want)
		}
	}
}

// The further hop of a story is told with the client's side.
func TestHopsCountOnce(t *testing.T) {
	v := newView()
	first, hop := sample(1), sample(2)
	hop.HopOf = first.ID
	v.Connection(first)
	between := sample(4)
	between.Outcome, between.RecognizedBy, between.Findings = record.Incomplete, record.ByFrames, nil
	v.Connection(between)
	v.Connection(hop)
	third := sample(3)
	third.HopOf = hop.ID // behind two proxies
	v.Connection(third)
	if v.counts[failed] != 1 || len(v.failed) != 1 {
		t.Errorf("%d failed, %d rows", v.counts[failed], len(v.failed))
	}
	for _, c := range []*record.Connection{first, hop} {
		c.Outcome, c.Findings = record.ClosedClean, nil
		v.Connection(c)
	}
	if v.counts[healthy] != 1 || v.endings() != "1 closed" {
		t.Errorf("%d healthy, ended: %s", v.counts[healthy], v.endings())
	}
	for i, c := range []*record.Connection{first, hop, third} {
		c.Outcome, c.Findings = record.ClosedError, []record.Finding{finding("WS709", record.Warning, "")}
		if i == 2 { // behind the second proxy
			c.Findings = append(c.Findings, finding("WS505", record.Warning, ""))
		}
		v.Connection(c)
	}
	if v.endings() != "1 closed, 1 closed with 1012 or 1013" {
		t.Errorf("ended: %s", v.endings())
	}
	var got []string
	for _, c := range v.warnings.sorted() {
		got = append(got, fmt.Sprint(c.code, " ", c.count, " ", c.examples[0].connection.ID))
	}
	if want := []string{"WS505 1 " + third.ID, "WS709 1 " + first.ID}; !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

func TestWords(t *testing.T) {
	for ms, want := range map[float64]string{0: "0.0 ms", 0.027: "27 µs", 1.44: "1.4 ms", 334: "334 ms", 1500: "1.5 s", 75000: "75 s", 1.2e6: "20 min", 7.5e6: "2 h 5 min", -1: "?"} {
		if got := span(ms); got != want {
			t.Errorf("span(%v) = %s, want %s", ms, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 287000: "287,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s, want %s", n, got, want)
		}
	}
	for text, want := range map[string]string{"": "", "the end": "The end.", "nginx answered": "nginx answered.", "app.test failed": "app.test failed.", "Done!": "Done!"} {
		if got := sentence(text); got != want {
			t.Errorf("sentence(%q) = %q, want %q", text, got, want)
		}
	}
	if got := spoken("icmp-unreachable"); got != "ICMP unreachable" {
		t.Errorf("spoken: %q", got)
	}
	if got := firstSentence("It is RFC 6455 v. 13 here. Then more."); got != "It is RFC 6455 v. 13 here." {
		t.Errorf("firstSentence: %q", got)
	}
}

// Nor does a page grow without bound, whatever connections hold.
func TestHTMLIsBounded(t *testing.T) {
	var out bytes.Buffer
	page := NewHTML(&out, Options{})
	long := strings.Repeat("<x>", 10000)
	var headers record.Headers
	for i := range 300 {
		headers = append(headers, [2]string{fmt.Sprintf("X-%d", i), long})
	}
	const many = 40000
	for i := range many {
		c := sample(i)
		c.ID, c.URL = fmt.Sprint(i), "ws://app.test/"+long
		c.Request = &record.Request{Method: "GET", Target: "/" + long, Version: "HTTP/1.1", Headers: headers}
		c.Findings[0].Slug = fmt.Sprintf("slug-%d", i%300)
		page.Connection(c)
	}
	if err := page.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 40<<20 {
		t.Errorf("the page has %d bytes", out.Len())
	}
	for _, want := range []string{"more connections have no row here", "… and", "more lines", "more bytes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Beside a cause stand other errors, and warnings that may have had a hand in the failure.
func TestBesideACause(t *testing.T) {
	s := newCauses()
	group := s.add(&record.Connection{ID: "1", Findings: []record.Finding{
		{Code: "WS701", Slug: "closed-without-close-frame", Severity: record.Error},
		{Code: "WS209", Slug: "receiver-stalled", Severity: record.Warning},
		{Code: "WS510", Slug: "credentials-in-clear", Severity: record.Warning},
	}}, 0)
	if got := named(&group.beside); got != "WS209 receiver-stalled" {
		t.Errorf("beside it %q", got)
	}
}

// TestCauseTakesTheConnectionsFault: what both hops of a proxy tell stands at the connection.
func TestCauseTakesTheConnectionsFault(t *testing.T) {
	s := newCauses()
	for _, fault := range []record.Fault{record.FaultIntermediary, record.FaultServer, record.FaultNone} {
		c := &record.Connection{Fault: fault, Findings: []record.Finding{{Code: "WS701", Severity: record.Error, Fault: record.FaultServer}}}
		want := fault
		if fault == record.FaultNone {
			want = record.FaultServer
		}
		if got := s.add(c, 0).fault; got != want {
			t.Errorf("of a connection with fault %s: %s, want %s", fault, got, want)
		}
	}
}
