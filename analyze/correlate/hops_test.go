package correlate

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// shake is a handshake: client, server, key and target in short.
func shake(n int64, s float64, client, server, key, target string) Handshake {
	return Handshake{Conn: Conn{Packet: n, Stream: -1}, Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server),
		Key: HashText(key), Target: HashTarget(target), At: record.Ref{Packet: n + 3, Time: sec(s)}}
}

// onStream is a handshake on a stream of HTTP/2.
func onStream(h Handshake, stream int64) Handshake {
	h.Conn.Stream, h.Key = stream, 0
	return h
}

func nameOf(c Conn) string {
	if c.Stream < 0 {
		return itoa(int(c.Packet))
	}
	return itoa(int(c.Packet)) + "/" + itoa(int(c.Stream))
}

func TestHops(t *testing.T) {
	const user, other, proxy, backend = "10.0.0.1:5000", "10.0.0.2:5000", "10.0.9.1:80", "10.0.2.2:8080"
	front := shake(1, 0, user, proxy, "k1", "/chat")
	forwarded := func(h Handshake, from string) Handshake {
		h.For, h.Passed = netip.MustParseAddr(from), true
		return h
	}
	sample := func(h Handshake) Handshake { h.Sample = true; return h }
	for _, c := range []struct {
		name  string
		shake []Handshake
		want  string // pairs of front and back, by their packets
	}{
		{"same key from the proxy", []Handshake{front, shake(11, 0.01, "10.0.9.1:6000", backend, "k1", "/chat")}, "1-11"},
		{"another path from the proxy", []Handshake{front, shake(11, 0.01, "10.0.9.1:6000", backend, "k1", "/app/chat")}, "1-11"},
		{"from another address of the proxy", []Handshake{front, shake(11, 0.01, "10.0.2.1:6000", backend, "k1", "/chat")}, "1-11"},
		{"that late only by chance", []Handshake{front, shake(11, 5, "10.0.2.1:6000", backend, "k1", "/chat")}, ""},
		{"the example's key", []Handshake{sample(front), sample(shake(11, 0.01, "10.0.2.1:6000", backend, "k1", "/chat"))}, ""},
		{"the example's key from the proxy", []Handshake{sample(front), sample(shake(11, 0.01, "10.0.9.1:6000", backend, "k1", "/chat"))}, "1-11"},
		{"one client, one key, twice", []Handshake{front, shake(11, 0.01, "10.0.0.1:5001", "10.0.3.3:80", "k1", "/chat")}, ""},
		{"to the same endpoint again", []Handshake{front, shake(11, 1, "10.0.0.2:5001", proxy, "k1", "/chat")}, ""},
		{"another key from the proxy", []Handshake{front, shake(11, 0.01, "10.0.9.1:6000", backend, "k2", "/chat")}, "1-11"},
		{"another key and path", []Handshake{front, shake(11, 0.01, "10.0.9.1:6000", backend, "k2", "/other")}, ""},
		{"another key, too late", []Handshake{front, shake(11, 9, "10.0.9.1:6000", backend, "k2", "/chat")}, ""},
		{"a proxy's own client on one machine", []Handshake{shake(1, 0, "127.0.0.1:5000", "127.0.0.1:80", "k1", "/"), shake(11, 0.01, "127.0.0.1:6000", "127.0.0.1:9000", "k2", "/")}, ""},
		{"whom it is for", []Handshake{front, shake(5, 0.005, other, proxy, "k3", "/chat"), forwarded(shake(11, 0.01, "10.0.9.1:6000", backend, "k2", "/chat"), "10.0.0.2")}, "5-11"},
		{"first come, first passed on", []Handshake{front, shake(5, 0.005, other, proxy, "k3", "/chat"), shake(11, 0.01, "10.0.9.1:6000", backend, "k2", "/chat"),
			shake(21, 0.011, "10.0.9.1:6001", backend, "k4", "/chat")}, "1-11 5-21"},
		{"two proxies", []Handshake{front, shake(11, 0.01, "10.0.9.1:6000", backend, "k1", "/chat"), shake(21, 0.02, "10.0.2.2:7000", "10.0.3.3:9000", "k1", "/chat")}, "1-11 11-21"},
		{"a second try at another server", []Handshake{front, shake(11, 0.01, "10.0.9.1:6000", backend, "k1", "/chat"), shake(21, 3, "10.0.9.1:6001", "10.0.2.3:8080", "k1", "/chat")}, "1-11 1-21"},
		{"from HTTP/2, without a key", []Handshake{onStream(front, 3), onStream(front, 5), shake(11, 0.01, "10.0.9.1:6000", backend, "k2", "/chat"), shake(21, 0.02, "10.0.9.1:6001", backend, "k3", "/chat")}, "1/3-11 1/5-21"},
		{"from HTTP/2 to HTTP/2", []Handshake{onStream(front, 3), onStream(shake(11, 0.01, "10.0.9.1:6000", backend, "", "/chat"), 1)}, "1/3-11/1"},
		{"streams of one connection", []Handshake{onStream(front, 3), onStream(front, 5)}, ""},
		{"it came after", []Handshake{shake(11, 0, "10.0.9.1:6000", backend, "k1", "/chat"), shake(1, 0.01, user, proxy, "k1", "/chat")}, ""},
	} {
		var h Hops
		var pairs []string
		for _, s := range c.shake {
			h.Ask(&s)
		}
		for _, s := range c.shake {
			story := h.Story(s.Conn)
			if story == nil {
				continue
			}
			for _, p := range story.Parts {
				if p.Conn == s.Conn && p.Front >= 0 {
					pairs = append(pairs, nameOf(story.Parts[p.Front].Conn)+"-"+nameOf(s.Conn))
				}
			}
		}
		if got := strings.Join(pairs, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestHandshakesAreBounded: the latest are remembered.
func TestHandshakesAreBounded(t *testing.T) {
	var h Hops
	for i := range 3 * maxAsked {
		s := shake(int64(10*i), float64(i)/1000, "10.0.0.1:5000", "10.0.9.1:80", itoa(i), "/chat")
		h.Ask(&s)
	}
	if len(h.ring)*askedChunk != maxAsked || len(h.heads) != numHeads || !h.Empty() {
		t.Errorf("%d handshakes, %d keys, no story %v", len(h.ring)*askedChunk, len(h.heads), h.Empty())
	}
}

// pair is a handshake before and behind a proxy.
func pair(front, back made) *record.Hop {
	front.Server, back.Client = netip.MustParseAddrPort("10.0.9.1:80"), netip.MustParseAddrPort("10.0.9.1:6000")
	var h Hops
	return h.NoteHop(front.Connection, back.Connection, true)
}

func overHTTP2(m made) made {
	u := m.Facts.Upgrade
	u.Request.Version, u.Response.Version = "HTTP/2", "HTTP/2"
	return m
}

func hostless(m made) made {
	h := m.Facts.Upgrade.Request
	h.Fields = slices.DeleteFunc(h.Fields, func(f http1.Field) bool { return f.Name == "Host" })
	return m
}

func TestWhatAProxyChanged(t *testing.T) {
	whole := []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: aaaa"}
	ok := []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: bbbb", "Sec-WebSocket-Protocol: chat"}
	bad := func(m made) made { m.Outcome = record.InvalidHandshake; return m }
	for _, c := range []struct {
		name        string
		front, back made
		want        string
	}{
		{"nothing", at(0, 1, 1).asks(whole...).answered(503, 1), at(0, 9, 2).asks(whole...).answered(503, 1), ""},
		{"Upgrade and Connection", at(0, 1, 1).asks(whole...).answered(426, 1), at(0, 9, 2).asks("Connection: close", whole[2], whole[3]).answered(426, 1), "Upgrade Connection"},
		{"Host", at(0, 1, 1).asks(whole...).answered(400, 1), hostless(at(0, 9, 2).asks(whole...).answered(400, 1)), "Host"},
		{"harmless", at(0, 1, 1).asks(whole...).open(1), at(0, 9, 2).asks(whole[0], whole[2]).open(1), ""},
		{"translated from HTTP/2", bad(overHTTP2(at(0, 1, 1).asks().answered(200, 1))), at(0, 9, 2).asks(whole...).answered(101, 1, ok...), ""},
		{"translated to HTTP/2", bad(at(0, 1, 1).asks(whole...).answered(101, 1, ok...)), overHTTP2(at(0, 9, 2).asks().answered(200, 1)), ""},
		{"translated, another status", bad(overHTTP2(at(0, 1, 1).asks().answered(502, 1))), at(0, 9, 2).asks(whole...).answered(403, 1), "<status"},
		{"the status", at(0, 1, 1).asks(whole...).answered(502, 1), at(0, 9, 2).asks(whole...).answered(403, 1), "<status"},
		{"the answer's fields", bad(at(0, 1, 1).asks(whole...).answered(101, 1, ok[1], ok[2], "Sec-WebSocket-Protocol: other")),
			at(0, 9, 2).asks(whole...).answered(101, 1, ok...), "<Upgrade <Sec-WebSocket-Protocol"},
	} {
		got := ""
		if h := pair(c.front, c.back); h != nil {
			for _, x := range h.Lost {
				got += " " + x.Name
			}
			for _, x := range h.Answer {
				got += " <" + x.Name
			}
		}
		if got = strings.TrimSpace(got); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheSameChangeIsOneRelation(t *testing.T) {
	var h Hops
	for i := range 300 {
		front := at(float64(i), byte(i), 1).asks("Upgrade: websocket", "Connection: Upgrade").answered(426, 0.1)
		back := at(float64(i), 9, 2).asks("Connection: close").answered(426, 0.1)
		h.NoteHop(front.Connection, back.Connection, true)
	}
	list := h.Relations(nil)
	if len(list) != 1 || list[0].Total != 300 || len(list[0].Connections) != record.MaxRelated {
		t.Errorf("%d relations, the first with %d of %d", len(list), len(list[0].Connections), list[0].Total)
	}
}
