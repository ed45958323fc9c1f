package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func load(t *testing.T, data []byte) record.Report {
	t.Helper()
	var r record.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestJSONRoundTrip(t *testing.T) {
	for _, name := range saved {
		t.Run(name, func(t *testing.T) {
			original, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			once := render(t, name, "json", Options{})
			if !reflect.DeepEqual(load(t, original), load(t, []byte(once))) {
				t.Errorf("the document says something else than the one that was read:\n%s", once)
			}
			for _, through := range []string{"json", "ndjson"} {
				var lines, again bytes.Buffer
				first, _ := New(through, &lines, Options{})
				read(t, once, first)
				second, _ := New("json", &again, Options{})
				read(t, lines.String(), second)
				if again.String() != once {
					t.Errorf("through %s it became\n%s\nfrom\n%s", through, again.String(), once)
				}
			}
		})
	}
}

func read(t *testing.T, text string, r Renderer) {
	t.Helper()
	tool, err := Read(strings.NewReader(text), r)
	if err != nil {
		t.Fatal(err)
	}
	if tool.Version != "1.2.3" {
		t.Errorf("made by %+v", tool)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// A connection has the same bytes in both formats, and types come first.
func TestNDJSONLines(t *testing.T) {
	document := render(t, "mixed", "json", Options{})
	lines := strings.Split(strings.TrimSuffix(render(t, "mixed", "ndjson", Options{}), "\n"), "\n")
	var types []string
	for _, line := range lines {
		kind, rest, ok := strings.Cut(strings.TrimPrefix(line, `{"type":"`), `",`)
		if !ok {
			t.Fatalf("no type in %s", line)
		}
		if len(types) == 0 || types[len(types)-1] != kind {
			types = append(types, kind)
		}
		if kind == "connection" && !strings.Contains(document, "\n{"+rest) {
			t.Errorf("the document has not the connection %s", rest)
		}
	}
	if want := []string{"report", "connection", "capture", "rule", "summary"}; !reflect.DeepEqual(types, want) {
		t.Errorf("types %v, want %v", types, want)
	}
}

// Lists are never null, whatever the analysis left empty.
func TestJSONHasNoNull(t *testing.T) {
	for _, format := range []string{"json", "ndjson"} {
		var out bytes.Buffer
		r, _ := New(format, &out, Options{})
		r.Connection(&record.Connection{ID: "1", Request: &record.Request{}, Response: &record.Response{}})
		r.Connection(&record.Connection{ID: "2", Findings: []record.Finding{{Code: "WS501"}}})
		r.Pattern(record.Pattern{})
		r.Capture(record.Capture{Findings: []record.Finding{{}}})
		r.Rule("WS501", record.Rule{})
		r.Summary(record.Summary{Causes: []record.Cause{{}}})
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "null") {
			t.Errorf("%s has a null: %s", format, out.String())
		}
	}
}

func TestReadRefuses(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"empty", "", "not JSON"},
		{"capture", "\n\r\r\n\x1a\x2b\x3c\x4d", "not JSON"},
		{"list", "[]", "not JSON"},
		{"another schema", `{"schema": "wsleuth.report/v2", "connections": []}`, "v2"},
		{"no schema", `{"connections": []}`, `schema is ""`},
		{"cut", `{"schema": "wsleuth.report/v1", "connections": [{"id": "1"`, "in the middle"},
		{"cut lines", `{"type":"report","schema":"wsleuth.report/v1"}` + "\n" + `{"type":"connection","id":`, "in the middle"},
		{"wrong kind", `{"schema": "wsleuth.report/v1", "connections": {"id": 1}}`, "byte"},
		{"wrong value", `{"schema": "wsleuth.report/v1", "connections": [{"id": 1}]}`, "byte"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.text), NewJSON(new(bytes.Buffer), Options{}))
			if !errors.Is(err, ErrNotAResult) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestReadOfACutResult: wherever a result was cut, the connections before that
// are there, and what lacks is said.
func TestReadOfACutResult(t *testing.T) {
	for _, format := range []string{"json", "ndjson"} {
		whole := render(t, "mixed", format, Options{})
		most := 0
		for at := 100; at < len(whole)-2; at += 97 {
			var out bytes.Buffer
			r := NewJSON(&out, Options{})
			_, err := Read(strings.NewReader(whole[:at]), r)
			if err == nil && whole[at-1] == '\n' { // of lines, each is whole
				continue
			}
			if !errors.Is(err, ErrNotAResult) {
				t.Fatalf("%s, cut at %d: error %v", format, at, err)
			}
			if !errors.Is(err, ErrCut) {
				if strings.Contains(whole[:at], `"id":"13"`) && !strings.Contains(whole[:at], `"by_outcome":`) {
					t.Errorf("%s, cut at %d: nothing is said of what was read: %v", format, at, err)
				}
				continue
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			got := load(t, out.Bytes())
			if len(got.Connections) == 0 || int(got.Summary.Connections) != len(got.Connections) || len(got.Summary.Limits) != 1 {
				t.Fatalf("%s, cut at %d: %d connections, summary %+v", format, at, len(got.Connections), got.Summary)
			}
			most = max(most, len(got.Connections))
		}
		if most < 10 {
			t.Errorf("%s: %d connections at most", format, most)
		}
	}
}

func TestOnlyFailed(t *testing.T) {
	r := load(t, []byte(render(t, "mixed", "json", Options{Failed: true})))
	var ids []string
	for _, c := range r.Connections {
		ids = append(ids, c.ID)
	}
	if want := "1 13 40 300 302 304"; strings.Join(ids, " ") != want {
		t.Errorf("connections %v, want %s", ids, want)
	}
	if r.Summary.Connections != 12 {
		t.Errorf("the summary counts %d connections", r.Summary.Connections)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteErrors(t *testing.T) {
	for _, format := range Formats() {
		r, _ := New(format, full{}, Options{})
		if err := r.Close(); err == nil || err.Error() != "no space left" {
			t.Errorf("%s: error %v", format, err)
		}
	}
}

func sample(i int) *record.Connection {
	port := uint16(i)
	c := &record.Connection{
		ID:     fmt.Sprint(i),
		Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), port),
		Server: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 5)}), 80),
		Scheme: "ws", URL: "ws://app.test/socket", Host: "app.test", Transport: "http/1.1", RecognizedBy: record.ByUpgrade,
		Phase: record.PhaseUpgrade, Outcome: record.Rejected, Fault: record.FaultServer, Verdict: "The server answered 503: the server has to act.",
		Started: record.Time(1e18 + int64(i)*1e6), Ended: record.Time(1e18 + int64(i)*1e6 + 5e6), DurationMS: 5, Capture: "a.pcapng", FirstPacket: int64(i), LastPacket: int64(i + 10),
		Filter: "ip.addr==10.0.0.1 && tcp.port==1 && ip.addr==10.0.0.2 && tcp.port==80 && frame.number>=1 && frame.number<=12",
		TCP:    &record.TCP{ClientBytes: 500, ServerBytes: 300, EndedBy: "server", EndedHow: "fin"},
		Request: &record.Request{Method: "GET", Target: "/socket", Version: "HTTP/1.1", Packet: 4, Headers: record.Headers{
			{"Host", "app.test"}, {"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}},
		Response: &record.Response{Status: 503, Reason: "Service Unavailable", Version: "HTTP/1.1", Packet: 6, LatencyMS: 1.4, Headers: record.Headers{{"Server", "nginx"}}},
		Findings: []record.Finding{{Code: "WS532", Slug: "service-unavailable", Severity: record.Error, Fault: record.FaultServer, Confidence: record.Certain,
			Title: "the server answered 503", Remedy: "Look at the server at 10.0.0.1: it is overloaded or in maintenance, or none of the proxy's backends is up.", SeenByUser: "Unexpected response code: 503",
			Evidence: []record.Evidence{{Capture: "a.pcapng", Packet: 6, Time: 1e18, Note: "HTTP/1.1 503 Service Unavailable"}}}},
	}
	for p := range 5 {
		c.Events = append(c.Events, record.Event{Packet: int64(p), Time: 1e18, From: "client", What: "request", Text: "GET /socket HTTP/1.1"})
	}
	return c
}

func BenchmarkConnection(b *testing.B) {
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			connections := make([]*record.Connection, 1000)
			for i := range connections {
				connections[i] = sample(i)
			}
			r, _ := New(format, discard{}, Options{})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := r.Connection(connections[i%1000]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// A table costs no memory per connection.
func TestTableKeepsLittle(t *testing.T) {
	r := NewTable(discard{}, Options{})
	connections := make([]*record.Connection, 1000)
	for i := range connections {
		connections[i] = sample(i)
		r.Connection(connections[i])
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { r.Connection(connections[i%1000]); i++ }); n > 0 {
		t.Errorf("%v allocations per connection", n)
	}
	if len(r.failed) > maxRows || len(r.causes.list) > 1 || len(r.causes.list[0].examples) > maxExamples {
		t.Errorf("keeps %d rows, %d causes, %d examples", len(r.failed), len(r.causes.list), len(r.causes.list[0].examples))
	}
}
