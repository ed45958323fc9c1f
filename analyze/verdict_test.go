package analyze

import (
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

func TestWhoActsOnATimer(t *testing.T) {
	for _, c := range []struct {
		server, want string
		by           record.Dir
	}{
		{"", "the device in between", record.Server},
		{"Server: nginx/1.22.1\r\n", "the device in between", record.Server},
		{"Server: Mojolicious (Perl)\r\n", "the owner of that timer has to act, this server or a device", record.Server},
		{"Server: Mojolicious (Perl)\r\n", "the owner of that timer has to act, this client or a device", record.Client},
	} {
		answer := http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\n"+c.server+"\r\n")
		x := &record.Connection{Outcome: record.ClosedAbnormal, Fault: record.FaultIntermediary,
			Findings: []record.Finding{{Code: "WS716", Severity: record.Error, Title: "cut"}}, Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Response: answer}}}
		x.Facts.TCP.EndBy = c.by
		if got := verdict(x); !strings.Contains(got, c.want) {
			t.Errorf("%q, ended by the %s: %q, want %q", c.server, c.by, got, c.want)
		}
	}
}

func TestWhoActsOnALimitOfAge(t *testing.T) {
	c := &record.Connection{Outcome: record.ClosedAbnormal, Fault: record.FaultUnknown, Facts: &record.Facts{},
		Findings: []record.Finding{{Code: "WS717", Severity: record.Error, Fault: record.FaultUnknown, Title: "cut"}}}
	if got := verdict(c); got != "cut: the owner of that limit has to act, this client or a device in between (proxy, load balancer or firewall)." {
		t.Errorf("verdict %q", got)
	}
}

func TestWhoActsBehindAProxy(t *testing.T) {
	for request, want := range map[string]string{"Via: 1.1 p\r\n": "the proxy, or the client behind it, has to change", "": "the client has to change"} {
		c := &record.Connection{Outcome: record.ClosedAbnormal, Fault: record.FaultClient, Findings: []record.Finding{{Code: "WS205", Severity: record.Error, Title: "reset"}},
			Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, "GET / HTTP/1.1\r\n"+request+"\r\n")}}}
		if got := verdict(c); got != "reset: "+want+"." {
			t.Errorf("%q: %q", request, got)
		}
	}
}

func TestVerdictSaysWhatTheCaptureHolds(t *testing.T) {
	late := &record.Facts{TCP: record.TCPFacts{LateStart: true}, WS: &record.WSFacts{}}
	for want, c := range map[string]*record.Connection{
		"Closed cleanly by the client with code 1000 at the end of the 2.00 s that the capture holds, no message.": {Outcome: record.ClosedClean, Facts: late, Close: &record.Close{Code: 1000}, DurationMS: 2000},
		"Open and working in the 2.00 s that the capture holds, no message.":                                       {Outcome: record.Open, Facts: late, DurationMS: 2000},
		"Open, but with a receiver that reads no more, when the capture ended, after 2.00 s, no message.": {Outcome: record.Open, DurationMS: 2000,
			Findings: []record.Finding{{Code: "WS209"}}, Facts: &record.Facts{TCP: record.TCPFacts{Stalls: []record.Stall{{}}}}},
		"Open when the capture ended, after 2.00 s, no message.": {Outcome: record.Open, Facts: &record.Facts{}, DurationMS: 2000, Findings: []record.Finding{{Code: "WS609"}}},
		"Open in the 2.00 s that the capture holds, no message.": {Outcome: record.Open, Facts: late, DurationMS: 2000, Findings: []record.Finding{{Code: "WS203"}}},
		"One direction. What became of the connection cannot be told.": {Outcome: record.Incomplete, Facts: &record.Facts{},
			Findings: []record.Finding{{Code: "WS510", Fault: record.FaultClient}, {Code: "WS103", Fault: record.FaultCapture, Title: "One direction"}}},
		"Opened and closed by the client without a code, which the server did not answer, after 0 ms, an unknown number of messages from the client and at least 2 from the server.": {Outcome: record.ClosedClean,
			Close: &record.Close{}, Findings: []record.Finding{{Code: "WS715", Fault: record.FaultServer}}, WebSocket: &record.WebSocket{Messages: record.PerSide{Server: 2}},
			Facts: &record.Facts{TLS: &record.TLSFacts{Dark: [2]bool{record.Client: true}}, TCP: record.TCPFacts{Gaps: []record.Gap{{From: record.Server}}}}},
		"Open and working when the capture ended, after 2.00 s, no message.": {Outcome: record.Open, Facts: &record.Facts{}, DurationMS: 2000},
		"old: the server's side has to act. This client opened the WebSocket for all that (1 message from the client and 0 from the server); others refuse.": {Outcome: record.InvalidHandshake,
			Fault: record.FaultServer, Findings: []record.Finding{{Severity: record.Error, Title: "old"}}, WebSocket: &record.WebSocket{Messages: record.PerSide{Client: 1}}},
	} {
		if got := verdict(c); got != want {
			t.Errorf("verdict %q, want %q", got, want)
		}
	}
}

func TestWhoActsOnAWarning(t *testing.T) {
	c := &record.Connection{Outcome: record.ClosedError, Findings: []record.Finding{{Code: "WS710", Severity: record.Warning, Fault: record.FaultServer, Title: "busy"}}}
	if c.Fault = fault(c); c.Fault != record.FaultServer {
		t.Errorf("the fault of a 1013 is %s", c.Fault)
	}
	if got := verdict(c); got != "busy: the server's side has to act." {
		t.Errorf("verdict %q", got)
	}
}

// A request may be on its way, or its answer, when the capture ends.
func TestOutcomeOfAShortWait(t *testing.T) {
	for _, c := range []struct {
		wait  time.Duration
		sent  int
		acked bool
		want  record.Outcome
	}{
		{300 * time.Millisecond, 1, false, record.Incomplete},
		{300 * time.Millisecond, 2, false, record.Incomplete},
		{700 * time.Millisecond, 3, false, record.NoResponse},
		{700 * time.Millisecond, 3, true, record.Incomplete},
		{enoughWait, 1, true, record.NoResponse},
	} {
		f := &record.Facts{EndOfCapture: true, Upgrade: &record.UpgradeFacts{Waited: c.wait, RequestSent: c.sent, RequestAcked: c.acked}}
		if got := upgradeOutcome(f); got != c.want {
			t.Errorf("sent %d times, acknowledged %t, %v before: %s, want %s", c.sent, c.acked, c.wait, got, c.want)
		}
	}
}
