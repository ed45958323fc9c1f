package analyze

import (
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// TestOddHandshakes: what is hardly HTTP is an attempt all the same.
func TestOddHandshakes(t *testing.T) {
	request := upgradeRequest("app.test", "/chat", wsKey)
	for _, c := range []struct {
		name, request, answer string
		outcome               record.Outcome
		finding               string
	}{
		{"HEAD, as curl -I sends", strings.Replace(request, "GET", "HEAD", 1), "HTTP/1.1 405 X\r\nContent-Length: 700\r\n\r\n", record.Rejected, "WS505"},
		{"a status line without a status", request, "HTTP/1.1 OK\r\n\r\n", record.NoResponse, "WS536"},
	} {
		f := at(inside).connect().say(0, c.request).say(1, c.answer)
		f.close()
		g := sheets(t, f.sheet)
		if len(g.Connections) != 1 {
			t.Errorf("%s: %s", c.name, views(g))
			continue
		}
		if x := g.Connections[0]; x.Outcome != c.outcome || len(x.Findings) == 0 || x.Findings[0].Code != c.finding {
			t.Errorf("%s: %s, %s", c.name, x.Outcome, x.Verdict)
		}
	}
}
