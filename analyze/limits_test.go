package analyze

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// TestLetGo: a connection that left the flow table because too many others came
// has no verdict on its end, and the summary says so.
func TestLetGo(t *testing.T) {
	s := newSheet()
	client := func(i int) *flow { return s.flow(fmt.Sprintf("10.0.0.%d:4000", i), "10.0.1.1:80") }
	request, answer := upgradeRequest("app.test", "/chat", wsKey), wsAnswer+accepts(wsKey)+"\r\n\r\n"
	ended := client(1).connect().say(0, request).say(1, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
	ended.close()
	client(2).connect().say(0, request).say(1, answer)
	client(3).connect().say(0, request)
	client(4).segment(0, syn, "")
	s.wait(2 * time.Second)
	var late []*flow
	for i := range 5 {
		late = append(late, client(100+i).connect().say(0, request).say(1, answer))
	}
	s.wait(time.Minute)
	for _, f := range late {
		f.say(0, closeFrames0).say(1, closeFrames1).close()
	}
	path := s.file(t, "a.pcap")

	text := func(o Options) string {
		g := analyzeFiles(t, o, path)
		var b strings.Builder
		for _, c := range g.Connections {
			if c.Outcome != record.ClosedClean {
				fmt.Fprintln(&b, c.Client, c.Phase, c.Outcome, c.Fault, c.Verdict)
			}
		}
		for _, l := range g.Report.Summary.Limits {
			fmt.Fprintln(&b, l)
		}
		return b.String()
	}
	want := "10.0.0.1:4000 upgrade rejected server The server at 10.0.1.1:80 answered 503 Service Unavailable to GET /chat: the server's side has to act.\n" +
		"10.0.0.2:4000 open incomplete unknown It was not followed to its end, for too many connections were open at once.\n" +
		"10.0.0.3:4000 upgrade incomplete unknown It was not followed to its end, for too many connections were open at once.\n" +
		"3 TCP connections were not followed to the end: no more than 4194304 are followed at once. Give a capture of fewer hosts (editcap or tcpdump -r with a filter).\n"
	if got := text(Options{Threads: 1, limits: reassembly.Limits{Flows: 5}}); got != want {
		t.Errorf("with room for 5:\n%swant\n%s", got, want)
	}
	if got := text(Options{Threads: 1}); strings.Contains(got, "not followed") || !strings.Contains(got, "10.0.0.3:4000 upgrade no-response") {
		t.Errorf("with room for all:\n%s", got)
	}
}
