package analyze

import (
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// openedHop is a WebSocket that opened, ended by FIN of one side; closes is who
// sent a Close frame before (-1: nobody), and with which code.
func openedHop(id string, by record.Dir, closes, code int) *record.Connection {
	c := &record.Connection{ID: id, Outcome: record.ClosedAbnormal, Fault: by.Fault(), Verdict: "as it was",
		Findings: []record.Finding{{Code: "WS701"}}, Facts: &record.Facts{WS: &record.WSFacts{}}}
	c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = record.Ref{Packet: 9, Time: 9}, by, "fin"
	if closes >= 0 {
		c.Facts.WS.FirstClose = &record.ControlFrame{Dir: record.Dir(closes), Code: code, HasCode: true, Ref: record.Ref{Packet: 8}}
		c.Outcome, c.Fault, c.Findings = record.ClosedClean, record.FaultNone, nil
		if code == 1011 {
			c.Outcome, c.Fault = record.ClosedError, record.FaultServer
		}
	}
	return c
}

// TestBetween: what neither hop shows alone.
func TestBetween(t *testing.T) {
	const client, server, nobody = int(record.Client), int(record.Server), -1
	hop := func(by, closes, code int) *record.Connection { return openedHop("1", record.Dir(by), closes, code) }
	for _, c := range []struct {
		name        string
		front, back *record.Connection
		faults      string
		verdict     string // what is new in either
	}{
		{"the proxy ends both", hop(server, nobody, 0), hop(client, nobody, 0), "intermediary intermediary", "ended both hops"},
		{"the server ends it", hop(server, nobody, 0), hop(server, nobody, 0), "server server", ""},
		{"the client ends it", hop(client, nobody, 0), hop(client, nobody, 0), "client client", ""},
		{"the server's Close frame is lost", hop(server, nobody, 0), hop(server, server, 1000), "intermediary none", "without the Close frame (1000) of the server behind it"},
		{"the server fails, and its Close frame is lost", hop(server, nobody, 0), hop(server, server, 1011), "server server", "without the Close frame (1011)"},
		{"the client left before the server's Close frame", hop(client, nobody, 0), hop(server, server, 1000), "client none", ""},
		{"the client's Close frame is lost", hop(server, client, 1000), hop(client, nobody, 0), "none intermediary", "did not pass the client's Close frame (1000) on"},
		{"both were closed", hop(server, client, 1000), hop(server, client, 1000), "none none", ""},
	} {
		client := between(c.front, c.back)
		if got := string(c.front.Fault) + " " + string(c.back.Fault); got != c.faults {
			t.Errorf("%s: %s, want %s", c.name, got, c.faults)
		}
		said := c.front.Verdict + "; " + c.back.Verdict
		if changed := strings.ReplaceAll(said, "as it was", "") != "; "; changed != (c.verdict != "") || !strings.Contains(said, c.verdict) {
			t.Errorf("%s: %q", c.name, said)
		}
		if strings.Contains(said, "proxy") && c.back.Outcome != record.ClosedClean && len(c.back.Findings) > 0 && c.back.Fault == record.FaultIntermediary && !strings.Contains(c.back.Findings[0].Remedy, "proxy at") {
			t.Errorf("%s: %q", c.name, c.back.Findings[0].Remedy)
		}
		if client != (c.front.Verdict != "as it was") {
			t.Errorf("%s: the client's verdict is it: %v, though it is %q", c.name, client, c.front.Verdict)
		}
	}
}

// TestExplained: a change of the handshake is no reason for an end that has another.
func TestExplained(t *testing.T) {
	left, talked := openedHop("1", record.Client, -1, 0), openedHop("1", record.Client, -1, 0)
	talked.Facts.WS.Messages[record.Client] = 2
	refused := &record.Connection{Outcome: record.Rejected, Facts: &record.Facts{}}
	invalid := openedHop("1", record.Client, -1, 0)
	invalid.Outcome = record.InvalidHandshake
	for i, c := range []struct {
		front *record.Connection
		want  bool
	}{{refused, true}, {invalid, true}, {left, true}, {talked, false}, {openedHop("1", record.Server, -1, 0), false}, {openedHop("1", record.Server, int(record.Server), 1011), false}} {
		if got := explained(c.front); got != c.want {
			t.Errorf("case %d: %v", i, got)
		}
	}
}

// TestChainOfProxies: what a proxy further behind did is told of every hop.
func TestChainOfProxies(t *testing.T) {
	request := upgradeRequest("app.test", "/chat", wsKey)
	stripped := strings.NewReplacer("Upgrade: websocket\r\n", "", "Connection: Upgrade", "Connection: close").Replace(request)
	opened := wsAnswer + accepts(wsKey) + "\r\n\r\n"
	const notFound, refused = "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n"
	const badGateway = "HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n"
	type hop struct {
		asks, answer string
		end          int // who ends it; -1: both in turn
	}
	for _, c := range []struct {
		name    string
		hops    [3]hop // from the client on
		order   [3]int // in which they end
		fault   record.Fault
		verdict string
		remedy  string
	}{
		{"the last proxy strips", [3]hop{{request, notFound, 1}, {request, notFound, 1}, {stripped, notFound, 1}}, [3]int{2, 1, 0}, record.FaultIntermediary, "10.0.0.3:81 took Upgrade", "pass the hop-by-hop headers on"},
		{"the last proxy dies", [3]hop{{request, opened, 1}, {request, opened, 1}, {request, opened, 0}}, [3]int{1, 0, 2}, record.FaultIntermediary, "10.0.0.3:81 ended both hops", "log of the proxy at 10.0.0.3:81"},
		{"the first proxy dies", [3]hop{{request, opened, 1}, {request, opened, 0}, {request, opened, 0}}, [3]int{0, 1, 2}, record.FaultIntermediary, "10.0.0.2:80 ended both hops", ""},
		{"the server dies", [3]hop{{request, opened, 1}, {request, opened, 1}, {request, opened, 1}}, [3]int{2, 1, 0}, record.FaultServer, "to 10.0.0.4:8080, packet", "log of the server at 10.0.0.4:8080"},
		{"the server says nothing", [3]hop{{request, badGateway, 1}, {request, badGateway, 1}, {request, "", 1}}, [3]int{2, 1, 0}, record.FaultIntermediary, "10.0.0.4:8080 closed the connection", "server's log at this time"},
		{"the server refuses", [3]hop{{request, refused, 1}, {request, refused, 1}, {request, refused, 1}}, [3]int{2, 1, 0}, record.FaultServer, "The server behind the proxy answered so: hop 11 to 10.0.0.4:8080", ""},
	} {
		s := newSheet()
		var flows [3]*flow
		for i, ends := range [3][2]string{{"10.0.0.1:40000", "10.0.0.2:80"}, {"10.0.0.2:40001", "10.0.0.3:81"}, {"10.0.0.3:40002", "10.0.0.4:8080"}} {
			flows[i] = s.flow(ends[0], ends[1])
			flows[i].connect().say(0, c.hops[i].asks)
		}
		for i := 2; i >= 0; i-- {
			flows[i].say(1, c.hops[i].answer)
		}
		for _, i := range c.order {
			flows[i].wait(10 * time.Millisecond)
			flows[i].segment(c.hops[i].end, fin|ack, "")
			flows[i].segment(1-c.hops[i].end, fin|ack, "")
		}
		g := sheets(t, s)
		if len(g.Connections) != 3 {
			t.Errorf("%s: %s", c.name, views(g))
			continue
		}
		for i, x := range g.Connections {
			if x.Fault != c.fault && (i < 2 || c.hops[2].answer != "") || i < 2 && (!strings.Contains(x.Verdict, c.verdict) || !strings.Contains(x.Findings[0].Remedy, c.remedy)) {
				t.Errorf("%s, hop %d: %s, %q, %q", c.name, i, x.Fault, x.Verdict, x.Findings[0].Remedy)
			}
		}
	}
}
