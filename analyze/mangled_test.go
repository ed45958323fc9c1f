package analyze

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// packets are the records of a classic pcap file in the byte order of most
// machines, header and data, after the file's header.
func packets(t *testing.T, file string) (header []byte, list [][]byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	header, b = b[:24], b[24:]
	for len(b) > 0 {
		n := 16 + binary.LittleEndian.Uint32(b[8:])
		list = append(list, b[:n:n])
		b = b[n:]
	}
	return header, list
}

func mangled(t *testing.T, header []byte, lists ...[][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(path, slices.Concat(append([][]byte{header}, slices.Concat(lists...)...)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// snap cuts packets as a snapshot length does.
func snap(n int) func([][]byte) [][]byte {
	return func(list [][]byte) [][]byte {
		for i, p := range list {
			p = slices.Clone(p[:min(len(p), 16+n)])
			binary.LittleEndian.PutUint32(p[8:], uint32(len(p)-16))
			list[i] = p
		}
		return list
	}
}

func from(n int) func([][]byte) [][]byte {
	return func(list [][]byte) [][]byte { return list[n:] }
}

func lacking(n int) func([][]byte) [][]byte {
	return func(list [][]byte) [][]byte { return slices.Delete(list, n, n+1) }
}

// late moves a packet behind n others, in the place of which the times stay,
// as a capture of several queues may have it.
func late(at, n int) func([][]byte) [][]byte {
	return func(list [][]byte) [][]byte {
		var times [][]byte
		for _, p := range list {
			times = append(times, slices.Clone(p[:8]))
		}
		p := list[at]
		copy(list[at:], list[at+1:at+1+n])
		list[at+n] = p
		for i := range list {
			copy(list[i], times[i])
		}
		return list
	}
}

// only keeps what the host of an IPv4 address sent over Ethernet.
func only(a, b, c, d byte) func([][]byte) [][]byte {
	return func(list [][]byte) [][]byte {
		return slices.DeleteFunc(list, func(p []byte) bool { return !slices.Equal(p[16+26:16+30], []byte{a, b, c, d}) })
	}
}

// TestMangledCaptures: what a capture lacks accuses nobody.
func TestMangledCaptures(t *testing.T) {
	const plain, tls = "../testdata/captures/plain/", "../testdata/captures/tls/"
	clean := []record.Outcome{record.ClosedClean}
	for _, c := range []struct {
		name, file string
		mangle     func([][]byte) [][]byte
		outcomes   []record.Outcome // none: no connection
		not        []string
	}{
		{"a key cut in two", plain + "ok-nginx.server.pcap", snap(200), []record.Outcome{record.Incomplete}, []string{"accept-mismatch"}},
		{"a reset after payload that was cut off", plain + "close-answered-by-rst.client.pcap", snap(54), nil, nil},
		{"a lost frame header", plain + "zero-window-recovers.client.pcap", lacking(82), []record.Outcome{record.ClosedClean, record.Incomplete, record.Open}, []string{"masked-server-frame", "reserved-bits"}},
		{"a Close in the other direction", plain + "close-unanswered-xnet.client.pcap", only(10, 77, 2, 2), []record.Outcome{record.Incomplete}, []string{"closed-without-close-frame"}},
		{"a lost CONNECT", "../testdata/captures/roads/squid-ws-ok.proxy.pcap", lacking(3), []record.Outcome{record.ClosedClean}, []string{"data-before-101"}},
		{"a lost SETTINGS of HTTP/2", "../testdata/captures/roads/h2c-two-and-requests.pcap", lacking(8), []record.Outcome{record.ClosedClean}, nil},
		{"a request behind its 101", plain + "ok-go-coder-gorilla.client.pcap", late(5, 2), clean, []string{"data-before-101", "not-websocket-after-101"}},
		{"a 101 behind the first frame", plain + "ok-go-coder-gorilla.client.pcap", late(7, 2), clean, []string{"data-before-101"}},
		{"a page's request behind its answer", plain + "ok-keepalive-then-upgrade.client.pcap", late(12, 1), clean, nil},
		{"TLS from the ServerHello on", tls + "tls13-aes128.pcap", from(5), nil, nil},
		{"TLS from the Finished on", tls + "tls13-python.pcap", from(6), nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			header, list := packets(t, c.file)
			g := analyzeFiles(t, Options{}, mangled(t, header, c.mangle(list)))
			if len(g.Connections) == 0 && c.outcomes != nil || len(g.Connections) > 0 && c.outcomes == nil {
				t.Fatalf("%d connections", len(g.Connections))
			}
			for _, x := range g.Connections {
				if !slices.Contains(c.outcomes, x.Outcome) {
					t.Errorf("%s: %s", x.Outcome, x.Verdict)
				}
				for _, f := range x.Findings {
					if slices.Contains(c.not, f.Slug) {
						t.Errorf("%s: %s", f.Slug, f.Title)
					}
				}
			}
		})
	}
}

// TestOnePongForManyPings: "the endpoint MAY elect to send a Pong frame for only
// the most recently processed Ping frame" (RFC 6455, section 5.5.3), of 200, too.
func TestOnePongForManyPings(t *testing.T) {
	g := analyzeFiles(t, Options{}, "testdata/one-pong-for-200.pcap")
	if len(g.Connections) != 1 || len(g.Connections[0].Findings) > 0 {
		t.Errorf("%d connections: %+v", len(g.Connections), g.Connections[0].Findings)
	}
}

// TestOneKeyForAllConnections: a client that always sends the same key, to two
// servers of one machine at once, is no proxy.
func TestOneKeyForAllConnections(t *testing.T) {
	g := analyzeFiles(t, Options{}, "testdata/one-key.pcap")
	for _, c := range g.Connections {
		if c.HopOf != "" {
			t.Errorf("connection %s counts as a hop of %s", c.ID, c.HopOf)
		}
	}
	if n := g.Report.Summary.Connections; n != 6 {
		t.Errorf("%d connections counted, want 6", n)
	}
}

// TestStoryOfAClose: who sent the Close frame began, though the other side ends
// TCP first.
func TestStoryOfAClose(t *testing.T) {
	g := analyzeFiles(t, Options{}, "testdata/close-behind-proxy.pcap")
	if len(g.Connections) != 2 || !strings.Contains(g.Connections[0].Verdict, "It began at the server behind the proxy") {
		t.Errorf("%d connections, %q", len(g.Connections), g.Connections[0].Verdict)
	}
}

// TestRequestWithAHole: the rest of a request's head is no frames, wherever a
// piece of it is missing.
func TestRequestWithAHole(t *testing.T) {
	for n := 5; n < 27; n++ {
		header, list := packets(t, "../testdata/captures/plain/ok-split-headers.client.pcap")
		g := analyzeFiles(t, Options{}, mangled(t, header, list[:n:n], list[n+2:]))
		for _, c := range g.Connections {
			for _, f := range c.Findings {
				if f.Severity == record.Error {
					t.Errorf("without packets %d and %d: %s: %s", n+1, n+2, f.Slug, f.Title)
				}
			}
		}
	}
}
