package analyze

import (
	"strings"
	"testing"

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

func TestWhoActsOnAWarning(t *testing.T) {
	c := &record.Connection{Outcome: record.ClosedError, Findings: []record.Finding{{Code: "WS710", Severity: record.Warning, Fault: record.FaultServer, Title: "busy"}}}
	if c.Fault = fault(c); c.Fault != record.FaultServer {
		t.Errorf("the fault of a 1013 is %s", c.Fault)
	}
	if got := verdict(c); got != "busy: the server's side has to act." {
		t.Errorf("verdict %q", got)
	}
}
