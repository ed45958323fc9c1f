package analyze

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
)

const (
	wsKey        = "x3JJHMbDL1EzLkh9GBhXDw=="
	wsAnswer     = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	closeFrames0 = "\x88\x82\x00\x00\x00\x01\x03\xe9" // masked with a key that is nearly zero: code 1000
	closeFrames1 = "\x88\x02\x03\xe8"
)

// place is a vantage point: what the connection of this test is called there,
// how far the client and the server are, and how far its clock is ahead.
type place struct {
	client, server string
	ttl            [2]byte
	ahead          time.Duration
}

var (
	inside     = place{"192.168.1.7:40000", "203.0.113.5:80", [2]byte{64, 57}, 0}
	outsideNAT = place{"198.51.100.1:61000", "203.0.113.5:80", [2]byte{58, 64}, 3 * time.Second}
	// both are translated, as by a load balancer in front of the server
	behind = place{"10.8.0.1:52000", "10.8.0.5:8080", [2]byte{58, 64}, -2 * time.Second}
)

// at begins the capture of one connection at a vantage point.
func at(p place) *flow {
	s := newSheet()
	s.wait(time.Minute + p.ahead)
	f := s.flow(p.client, p.server)
	f.seq, f.ttl = [2]uint32{111, 999}, p.ttl
	return f
}

// goesOn lets the capture go on after its connection.
func (f *flow) goesOn() *flow {
	f.wait(20 * time.Second)
	f.udp("10.0.0.9:5000", "10.0.0.8:5001", []byte("x"))
	return f
}

// TestViewsThroughNAT: a connection whose addresses are translated between two
// captures is one entry with two views, and what they tell together is told.
func TestViewsThroughNAT(t *testing.T) {
	request, answer := upgradeRequest("app.test", "/chat", wsKey), wsAnswer+accepts(wsKey)+"\r\n\r\n"
	healthy := func(p place) *sheet {
		f := at(p).connect().say(0, request).say(1, answer)
		f.say(0, closeFrames0).say(1, closeFrames1).close()
		return f.goesOn().sheet
	}
	for _, c := range []struct {
		name      string
		near, far *sheet
		outcome   record.Outcome
		pattern   string
		says      string // in the pattern's evidence
	}{
		{"source NAT", healthy(inside), healthy(outsideNAT), record.ClosedClean, "", ""},
		{"both translated", healthy(inside), healthy(behind), record.ClosedClean, "", ""},
		{"refused", func() *sheet { f := at(inside); f.refused(); return f.goesOn().sheet }(), func() *sheet { f := at(outsideNAT); f.refused(); return f.goesOn().sheet }(),
			record.ConnectFailed, "", ""},
		{"a RST that the server never sent", func() *sheet {
			f := at(inside).connect().say(0, request)
			f.segment(1, rst|ack, "")
			return f.goesOn().sheet
		}(), func() *sheet {
			f := at(outsideNAT).connect().say(0, request)
			f.wait(time.Second)
			f.say(1, answer)
			return f.goesOn().sheet
		}(), record.NoResponse, "WS901", "192.168.1.7:40000 to 203.0.113.5:80 is 198.51.100.1:61000 to 203.0.113.5:80"},
		{"an answer that never arrives", func() *sheet {
			f := at(inside).connect().say(0, request)
			f.wait(9 * time.Second)
			f.segment(0, rst|ack, "")
			return f.goesOn().sheet
		}(), func() *sheet {
			f := at(outsideNAT).connect().say(0, request)
			for range 5 {
				f.segment(1, psh|ack, answer)
				f.seq[1] -= uint32(len(answer))
				f.wait(time.Second)
			}
			f.wait(4 * time.Second)
			f.segment(0, rst|ack, "")
			return f.goesOn().sheet
		}(), record.NoResponse, "WS902", "192.168.1.7:40000 to 203.0.113.5:80 is 198.51.100.1:61000 to 203.0.113.5:80"},
		{"a request that is rewritten", func() *sheet {
			f := at(inside).connect().say(0, request).say(1, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
			f.close()
			return f.goesOn().sheet
		}(), func() *sheet {
			f := at(outsideNAT).connect().say(0, strings.Replace(request, "Upgrade: websocket", "Upgrade: xxbsocket", 1)).say(1, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
			f.close()
			return f.goesOn().sheet
		}(), record.Rejected, "WS903", "is 198.51.100.1:61000"},
	} {
		g := sheets(t, c.near, c.far)
		if len(g.Connections) != 1 || len(g.Connections[0].Views) != 2 || g.Connections[0].HopOf != "" {
			t.Errorf("%s: %d connections, %+v", c.name, len(g.Connections), views(g))
			continue
		}
		if got := g.Connections[0].Outcome; got != c.outcome {
			t.Errorf("%s: %s, want %s", c.name, got, c.outcome)
		}
		var codes, notes []string
		for _, p := range g.Patterns {
			codes = append(codes, p.Code)
			for _, e := range p.Evidence {
				notes = append(notes, e.Note)
			}
		}
		if got := strings.Join(codes, " "); got != c.pattern || !strings.Contains(strings.Join(notes, "\n"), c.says) {
			t.Errorf("%s: %q with %q, want %q with %q", c.name, got, notes, c.pattern, c.says)
		}
	}
}

// TestClocksFarApart: captures that do not even overlap by their clocks are two
// views of one connection all the same, and the one near the client speaks.
func TestClocksFarApart(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, -30 * time.Second, 30 * time.Second} {
		server := place{inside.client, inside.server, [2]byte{58, 64}, ahead}
		seen := func(p place, answers bool) *sheet {
			f := at(p).connect().say(0, upgradeRequest("app.test", "/chat", wsKey))
			for range 5 {
				if answers {
					f.segment(1, psh|ack, wsAnswer+accepts(wsKey)+"\r\n\r\n")
				}
				f.wait(time.Second)
			}
			f.segment(0, fin|ack, "")
			f.wait(time.Second)
			return f.sheet
		}
		g := sheets(t, seen(inside, false), seen(server, true))
		if len(g.Connections) != 1 || len(g.Connections[0].Views) != 2 {
			t.Errorf("ahead by %s: %s", ahead, views(g))
			continue
		}
		if c := g.Connections[0]; c.Outcome != record.NoResponse || len(g.Patterns) != 1 || g.Patterns[0].Code != "WS902" {
			t.Errorf("ahead by %s: %s, %+v", ahead, c.Outcome, g.Patterns)
		}
	}
}

// accepts is the answer to a key (RFC 6455 section 4.2.2).
func accepts(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func views(g *gathered) (list []string) {
	for _, c := range g.Connections {
		list = append(list, fmt.Sprintf("%s %s to %s %s: %d views", c.ID, c.Client, c.Server, c.Outcome, len(c.Views)))
	}
	return list
}

// TestTwoClientsBehindOneNAT: each has its own entry, whatever their ports have
// become, and one that only one capture holds is no other's view.
func TestTwoClientsBehindOneNAT(t *testing.T) {
	near, far := newSheet(), newSheet()
	far.wait(time.Second)
	for i := range 5 {
		key := fmt.Sprintf("x3JJHMbDL1EzLkh9GBhX%dw==", i)
		for side, s := range []*sheet{near, far} {
			client := fmt.Sprintf("192.168.1.%d:40000", i+7)
			if side == 1 {
				client = fmt.Sprintf("198.51.100.1:%d", 61000+i)
			}
			if i == 4 && side == 0 || i == 3 && side == 1 {
				continue
			}
			f := s.flow(client, "203.0.113.5:80")
			f.seq = [2]uint32{uint32(1000 * i), uint32(7000 * i)}
			f.ttl = [2]byte{64 - 6*byte(side), 57 + 7*byte(side)}
			f.connect().say(0, upgradeRequest("app.test", "/chat", key)).say(1, "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n").close()
		}
	}
	near.wait(20 * time.Second)
	near.udp("10.0.0.9:5000", "10.0.0.8:5001", []byte("the captures overlap"))
	g := sheets(t, near, far)
	var got []string
	for _, c := range g.Connections {
		got = append(got, fmt.Sprintf("%s %d", c.Client, len(c.Views)))
	}
	slices.Sort(got)
	if want := []string{"192.168.1.10:40000 0", "192.168.1.7:40000 2", "192.168.1.8:40000 2", "192.168.1.9:40000 2", "198.51.100.1:61004 0"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestStoryFromHTTP2OfTwoCaptures: one capture before HAProxy, one behind it;
// the files are roads/chromium-haproxy-h2-ok.
func TestStoryFromHTTP2OfTwoCaptures(t *testing.T) {
	var keys decrypt.Keys
	log, err := os.Open("testdata/h2-two-sides.keys")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := keys.AddKeyLog(log, "keys"); err != nil {
		t.Fatal(err)
	}
	g := analyzeFiles(t, Options{Keys: &keys}, "testdata/h2-two-sides.client.pcap", "testdata/h2-two-sides.server.pcap")
	if len(g.Connections) != 2 || g.Report.Summary.Connections != 1 {
		t.Fatalf("%d connections, %d counted", len(g.Connections), g.Report.Summary.Connections)
	}
	front, back := g.Connections[0], g.Connections[1]
	if front.Transport != "h2" || front.HopOf != "" || back.Transport != "http/1.1" || back.HopOf != front.ID || len(g.Patterns) > 0 {
		t.Errorf("%s is a hop of %q, %s of %q; patterns %v", front.ID, front.HopOf, back.ID, back.HopOf, g.Patterns)
	}
}

// TestVerdictFollowsPath: what happened between two vantage points is no end's
// fault, whichever view speaks; what an end did itself stays its own.
func TestVerdictFollowsPath(t *testing.T) {
	request, answer := upgradeRequest("app.test", "/chat", wsKey), wsAnswer+accepts(wsKey)+"\r\n\r\n"
	const message, refusal = "\x81\x05hello", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
	for _, c := range []struct {
		name      string
		near, far func(f *flow)
		fault     record.Fault
		resetBy   string
		cause     string
	}{
		{"a RST forged to the client before the answer", func(f *flow) {
			f.connect().say(0, request).segment(1, rst|ack, "")
		}, func(f *flow) {
			f.connect().say(0, request)
			f.wait(time.Second)
			f.say(1, answer)
		}, record.FaultIntermediary, "intermediary", "WS901"},
		{"a RST forged to the client while open", func(f *flow) {
			f.connect().say(0, request).say(1, answer).segment(1, rst|ack, "")
		}, func(f *flow) {
			f.connect().say(0, request).say(1, answer)
			f.wait(time.Second)
			f.say(1, message)
		}, record.FaultIntermediary, "intermediary", "WS901"},
		{"a genuine RST", func(f *flow) {
			f.connect().say(0, request).segment(1, rst|ack, "")
		}, func(f *flow) {
			f.connect().say(0, request).segment(1, rst|ack, "")
		}, record.FaultServer, "server", ""},
		{"a request that never arrives", func(f *flow) {
			f.connect()
			for range 4 {
				f.segment(0, psh|ack, request)
				f.seq[0] -= uint32(len(request))
				f.wait(time.Second)
			}
		}, func(f *flow) {
			f.connect()
		}, record.FaultIntermediary, "", ""},
		{"an answer that never arrives", func(f *flow) {
			f.connect().say(0, request)
			f.wait(9 * time.Second)
			f.segment(0, rst|ack, "")
		}, func(f *flow) {
			f.connect().say(0, request)
			for range 5 {
				f.segment(1, psh|ack, answer)
				f.seq[1] -= uint32(len(answer))
				f.wait(time.Second)
			}
			f.wait(4 * time.Second)
			f.segment(0, rst|ack, "")
		}, record.FaultNetwork, "client", "WS902"},
		{"a request that is rewritten", func(f *flow) {
			f.connect().say(0, request).say(1, refusal).close()
		}, func(f *flow) {
			f.connect().say(0, strings.Replace(request, "Upgrade: websocket", "X-grade: websocket", 1)).say(1, refusal).close()
		}, record.FaultIntermediary, "", "WS903"},
		{"no answer at all", func(f *flow) {
			f.connect().say(0, request)
			f.wait(9 * time.Second)
			f.segment(0, rst|ack, "")
		}, func(f *flow) {
			f.connect().say(0, request)
			f.wait(9 * time.Second)
			f.segment(0, rst|ack, "")
		}, record.FaultServer, "client", ""},
	} {
		for _, far := range []place{outsideNAT, behind} { // the one's clock is ahead, the other's behind
			x, y := at(inside), at(far)
			c.near(x)
			c.far(y)
			g := sheets(t, x.goesOn().sheet, y.goesOn().sheet)
			if len(g.Connections) != 1 || len(g.Connections[0].Views) != 2 {
				t.Errorf("%s: %v", c.name, views(g))
				continue
			}
			got := g.Connections[0]
			if got.Fault != c.fault || got.ResetBy != c.resetBy {
				t.Errorf("%s, server at %s: fault %s, reset by %q, want %s, %q: %s", c.name, far.server, got.Fault, got.ResetBy, c.fault, c.resetBy, got.Verdict)
			}
			if c.cause != "" && !strings.HasSuffix(got.Verdict, "see "+c.cause+".") || c.cause == "" && strings.Contains(got.Verdict, "see WS9") {
				t.Errorf("%s, server at %s: the verdict points elsewhere than to %q: %s", c.name, far.server, c.cause, got.Verdict)
			}
			if (c.cause != "" || c.fault == record.FaultIntermediary) && got.NextStep != "" {
				t.Errorf("%s: asks for what is here: %s", c.name, got.NextStep)
			}
			if causes := g.Report.Summary.Causes; c.cause != "" && (len(causes) != 1 || causes[0].Code != c.cause) {
				t.Errorf("%s: counted under %+v, want %s", c.name, causes, c.cause)
			}
		}
	}
}
