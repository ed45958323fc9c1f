package analyze

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// without is a little-endian pcap with some packets left out, as a capture that could not keep up has it.
func without(t *testing.T, path string, packets ...int) []byte {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header, perRecord = 24, 16
	left := bytes.Clone(whole[:header])
	for n, at := 1, header; at+perRecord <= len(whole); n++ {
		next := at + perRecord + int(binary.LittleEndian.Uint32(whole[at+8:]))
		if !slices.Contains(packets, n) {
			left = append(left, whole[at:next]...)
		}
		at = next
	}
	return left
}

func onlyConnection(t *testing.T, b []byte) *record.Connection {
	t.Helper()
	g, ok := analyzeBytes(t, b, 0)
	if !ok || len(g.Connections) != 1 {
		t.Fatalf("want one connection, got %+v", g)
	}
	return g.Connections[0]
}

func has(c *record.Connection, slug string) bool {
	return slices.ContainsFunc(c.Findings, func(f record.Finding) bool { return f.Slug == slug })
}

// TestHandshakePacketsLost: what is left of a handshake still says what was
// negotiated, and nothing is blamed for what the capture lost.
func TestHandshakePacketsLost(t *testing.T) {
	const path = "../testdata/captures/plain/ok-deflate-node.client.pcap"
	g := analyzeFiles(t, Options{}, path)
	whole := g.Connections[0]
	if whole.Outcome != record.ClosedClean || whole.WebSocket.Extensions == "" {
		t.Fatalf("the capture has changed: %s", whole.Verdict)
	}
	for _, test := range []struct {
		name       string
		lost       int64
		extensions string
	}{
		{"request", whole.Request.Packet, whole.WebSocket.Extensions},
		{"answer", whole.Response.Packet, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := onlyConnection(t, without(t, path, int(test.lost)))
			if c.Outcome != record.ClosedClean || !has(c, "segments-missing") {
				t.Errorf("%s: %s, %+v", c.Outcome, c.Verdict, c.Findings)
			}
			if c.WebSocket == nil || c.WebSocket.Extensions != test.extensions || c.WebSocket.Messages != whole.WebSocket.Messages {
				t.Errorf("WebSocket %+v, want %+v", c.WebSocket, whole.WebSocket)
			}
			for _, f := range c.Findings {
				if f.Severity != record.Info && f.Slug != "segments-missing" {
					t.Errorf("%s: %s", f.Code, f.Title)
				}
			}
		})
	}
}

// TestEveryPacketLost loses each packet of a healthy WebSocket in turn: the
// capture is at fault then, never the connection.
func TestEveryPacketLost(t *testing.T) {
	paths, _ := filepath.Glob("../testdata/captures/plain/ok-*.pcap")
	lost := 0
	for _, path := range paths {
		whole := analyzeFiles(t, Options{}, path)
		packets := int(whole.Captures[0].Packets)
		if packets > 60 || slices.ContainsFunc(whole.Connections, troubled) {
			continue
		}
		for n := 1; n <= packets; n++ {
			g, ok := analyzeBytes(t, without(t, path, n), 0)
			if !ok {
				t.Fatalf("%s without packet %d is not read", path, n)
			}
			lost++
			for _, c := range g.Connections {
				for _, f := range c.Findings {
					if f.Severity != record.Info && f.Fault != record.FaultCapture && !lostForGood[fmt.Sprint(filepath.Base(path), " ", n, " ", f.Code)] {
						t.Errorf("%s without packet %d: %s %s", filepath.Base(path), n, f.Code, f.Title)
					}
				}
			}
		}
	}
	if lost < 200 {
		t.Errorf("only %d packets lost", lost)
	}
}

// lostForGood are packets after which nothing in the capture tells of them.
var lostForGood = map[string]bool{
	// The Close frame that answers; a RST without an acknowledgement follows.
	"ok-rst-after-close.client.pcap 15 WS715":        true,
	"ok-rst-after-server-close.client.pcap 16 WS715": true,
}

// troubled: there is something to say even of the whole capture.
func troubled(c *record.Connection) bool {
	return slices.ContainsFunc(c.Findings, func(f record.Finding) bool { return f.Severity != record.Info })
}

// TestProxyHeaderWithoutHandshake: a PROXY protocol header shows itself in a
// capture that began after the TCP handshake.
func TestProxyHeaderWithoutHandshake(t *testing.T) {
	c := onlyConnection(t, without(t, "../testdata/captures/roads/pp-v1-400.pcap", 3, 4, 5))
	if !has(c, "started-mid-connection") || c.Outcome != record.Rejected || !has(c, "proxy-header-rejected") {
		t.Errorf("%s: %s", c.Outcome, c.Verdict)
	}
}
