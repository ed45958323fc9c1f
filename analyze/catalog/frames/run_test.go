package frames

import (
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var (
	at, healthy, abnormal, reset = ruletest.At, ruletest.Healthy, ruletest.Abnormal, ruletest.Reset
)

func TestCases(t *testing.T) {
	ruletest.Cases(t, Rules, cases, func(testing.TB) *record.Connection { return healthy() })
}

// Every rule sees every connection, so a healthy one must cost no memory.
func TestHealthyIsSilentAndFree(t *testing.T) { ruletest.Free(t, Rules, healthy()) }

func BenchmarkHealthy(b *testing.B) { ruletest.Benchmark(b, Rules, healthy()) }

// TestWhatTheUserSaw: a client tells what is wrong with a server's frame; of its
// own it sees what the server made of it.
func TestWhatTheUserSaw(t *testing.T) {
	for name, x := range map[string]struct {
		dir   record.Dir
		close *record.ControlFrame
		want  string
	}{
		"server's": {record.Server, nil, "Node.js ws: Invalid WebSocket frame: FIN must be set"},
		"client's": {record.Client, &record.ControlFrame{Dir: record.Server, HasCode: true, Code: 1003}, "Node.js ws: close event with code 1003"},
	} {
		c := healthy()
		breach(ws.FragmentedControl, x.dir, ws.Header{Opcode: ws.Ping, Length: 4})(c)
		c.Outcome, c.Facts.WS.FirstClose = record.ProtocolError, x.close
		var r rule.Reporter
		r.Run(WS605, c)
		if saw := r.Findings()[0].SeenByUser; !strings.Contains(saw, x.want) {
			t.Errorf("%s: %q, want %q", name, saw, x.want)
		}
	}
}
