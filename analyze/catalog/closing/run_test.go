package closing

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// caseOf is one case of one rule. Without title the rule stays silent.
type caseOf struct {
	code, name string
	change     func(*record.Connection)
	title      string // part of the title
	remedy     string // part of the remedy
	fault      record.Fault
	severity   record.Severity
	confidence record.Confidence
}

// at is a packet some time after the first.
func at(packet int64, after time.Duration) record.Ref {
	return record.Ref{Packet: packet, Time: record.Time(1_000_000_000 + int64(after))}
}

// healthy is a WebSocket that opened, carried messages and was closed by both sides.
func healthy() *record.Connection {
	f := &record.Facts{Files: []string{"a.pcap"}, First: at(1, 0), Last: at(20, 10*time.Second), CaptureEnd: at(99, time.Minute)}
	f.TCP = record.TCPFacts{ClientBy: "syn", SYN: at(1, 0), SYNACK: at(2, time.Millisecond), Established: at(3, 2*time.Millisecond), SYNs: 1, SYNACKs: 1,
		HandshakeRTT: time.Millisecond, LastData: at(17, 9*time.Second), LastDataFrom: record.Server, Silence: 400 * time.Millisecond, SilenceFrom: at(17, 9*time.Second),
		End: at(18, 9400*time.Millisecond), EndBy: record.Server, EndHow: "fin"}
	for d := range f.TCP.Sides {
		f.TCP.Sides[d] = record.TCPSide{HasISN: true, Packets: 10, Bytes: 900, DataSegments: 100, TTL: 64, MSS: 1460, MaxSegment: 300, MaxAcked: 300,
			FirstData: at(4, 3*time.Millisecond), LastData: at(17, 9*time.Second), FIN: at(18, 9400*time.Millisecond)}
	}
	f.Upgrade = &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n"), RequestRef: at(4, 3*time.Millisecond),
		RequestLast: at(4, 3*time.Millisecond), RequestAcked: true, RequestSent: 1,
		Response: http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\n\r\n"), ResponseRef: at(5, 4*time.Millisecond), ResponseLast: at(5, 4*time.Millisecond)}
	f.WS = &record.WSFacts{OpenedRef: at(5, 4*time.Millisecond), HandshakeSeen: true, Messages: [2]int64{3, 3}, LastFrame: at(17, 9*time.Second)}
	f.WS.LastMessage = [2]record.Ref{at(14, 8*time.Second), at(15, 8*time.Second)}
	for d := range f.WS.Closes {
		f.WS.Closes[d] = &record.ControlFrame{Ref: at(16+int64(d), 9*time.Second), Dir: record.Dir(d), Code: 1000, HasCode: true, Length: 2}
	}
	f.WS.FirstClose = f.WS.Closes[0]
	return &record.Connection{ID: "1", Client: netip.MustParseAddrPort("10.0.0.1:50000"), Server: netip.MustParseAddrPort("10.0.0.5:80"),
		URL: "ws://app.test/x", RecognizedBy: record.ByUpgrade, Phase: record.PhaseClosed, Outcome: record.ClosedClean, Facts: f}
}

// abnormal takes the Close frames away.
func abnormal(c *record.Connection) {
	c.Facts.WS.Closes, c.Facts.WS.FirstClose = [2]*record.ControlFrame{}, nil
	c.Outcome = record.ClosedAbnormal
}

// reset ends the connection by a RST that fits its sender.
func reset(c *record.Connection, from record.Dir) *record.Reset {
	t := &c.Facts.TCP
	t.End, t.EndBy, t.EndHow = at(18, 9400*time.Millisecond), from, "rst"
	t.Sides[0].FIN, t.Sides[1].FIN = record.Ref{}, record.Ref{}
	t.Resets = []record.Reset{{Ref: t.End, From: from, TTL: 64, OtherTTL: 64, MinTTL: 64, MaxTTL: 64, ID: 12, OtherID: 11, HasAck: true, Others: 9,
		Timestamps: true, SenderTimestamps: true}}
	return &t.Resets[0]
}

func (tc caseOf) run(t *testing.T) {
	c := healthy()
	if tc.change != nil {
		tc.change(c)
	}
	r := ruletest.Run(t, Rules, c)
	var found *record.Finding
	for i := range r.Findings() {
		if f := &r.Findings()[i]; f.Code == tc.code && found == nil {
			found = f
		}
	}
	if tc.title == "" {
		if found != nil {
			t.Fatalf("fires: %s", found.Title)
		}
		return
	}
	if found == nil {
		t.Fatalf("silent; found %v", r.Findings())
	}
	if !strings.Contains(found.Title, tc.title) {
		t.Errorf("title %q, expected it to contain %q", found.Title, tc.title)
	}
	if !strings.Contains(found.Remedy, tc.remedy) {
		t.Errorf("remedy %q, expected it to contain %q", found.Remedy, tc.remedy)
	}
	if tc.fault != "" && found.Fault != tc.fault {
		t.Errorf("fault %s, expected %s", found.Fault, tc.fault)
	}
	if tc.severity != "" && found.Severity != tc.severity {
		t.Errorf("severity %s, expected %s", found.Severity, tc.severity)
	}
	if tc.confidence != "" && found.Confidence != tc.confidence {
		t.Errorf("confidence %s, expected %s", found.Confidence, tc.confidence)
	}
	if len(found.Evidence) == 0 {
		t.Error("no evidence")
	}
	if first := found.Title[0]; first >= 'a' && first <= 'z' && !strings.HasPrefix(found.Title, "nginx") || strings.HasSuffix(found.Title, ".") {
		t.Errorf("title %q does not read as the beginning of a sentence without its full stop", found.Title)
	}
}

func TestCases(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, tc := range cases {
		t.Run(tc.code+" "+tc.name, tc.run)
		fires[tc.code] = fires[tc.code] || tc.title != ""
		silent[tc.code] = silent[tc.code] || tc.title == ""
	}
	for _, r := range Rules {
		if r.Check != nil && (!fires[r.Code] || !silent[r.Code]) {
			t.Errorf("%s lacks a firing (%v) or a silent (%v) case", r.Code, fires[r.Code], silent[r.Code])
		}
	}
}

// Every rule sees every connection, so a healthy one must cost no memory.
func TestHealthyIsSilentAndFree(t *testing.T) {
	c := healthy()
	r := rule.NewReporter(c.Facts.Files)
	allocs := testing.AllocsPerRun(100, func() {
		for _, each := range Rules {
			r.Run(each, c)
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations for a healthy connection", allocs)
	}
	if len(r.Findings()) > 0 {
		t.Errorf("healthy: %v", r.Findings())
	}
}

func BenchmarkHealthy(b *testing.B) {
	b.ReportAllocs()
	c := healthy()
	r := rule.NewReporter(c.Facts.Files)
	for b.Loop() {
		for _, each := range Rules {
			r.Run(each, c)
		}
	}
}
