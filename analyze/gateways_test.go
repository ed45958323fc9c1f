package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestProxyCannotConnect: the connection that failed behind a proxy is a hop of
// the one that the proxy refuses, if nothing else comes into question.
func TestProxyCannotConnect(t *testing.T) {
	const user, other, proxy, backend = "10.0.0.7:40000", "10.0.0.8:40000", "10.0.9.1:80", "10.0.2.5:8080"
	badGateway := func(f *flow, status string) {
		f.say(1, "HTTP/1.1 "+status+"\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n").close()
	}
	asks := func(s *sheet, client string) *flow {
		return s.flow(client, proxy).connect().say(0, upgradeRequest("app.test", "/chat", "x3JJHMbDL1EzLkh9GBhXDw=="))
	}
	for _, c := range []struct {
		name    string
		make    func(s *sheet)
		hops    []string // server and hop_of's client
		verdict string   // of the first user's
		counted int64
		unnamed int64 // summary.unidentified
	}{
		{"refused", func(s *sheet) {
			f := asks(s, user)
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(f, "502 Bad Gateway")
		}, []string{"10.0.2.5:8080 " + user}, "it could not connect to 10.0.2.5:8080 (hop 6): Nothing accepts connections at 10.0.2.5:8080", 1, 0},
		{"refused, from another address of the proxy", func(s *sheet) {
			f := asks(s, user)
			s.flow("10.1.9.1:50000", backend).refused()
			badGateway(f, "502 Bad Gateway")
		}, []string{"10.0.2.5:8080 " + user}, "it could not connect to 10.0.2.5:8080", 1, 0},
		{"no answer", func(s *sheet) {
			f := asks(s, user)
			b := s.flow("10.0.9.1:50000", backend)
			for range 3 {
				b.segment(0, syn, "")
				b.seq[0]--
				s.wait(time.Second)
			}
			badGateway(f, "504 Gateway Timeout")
			s.wait(2 * time.Minute)
			s.udp("10.0.0.9:5000", "10.0.0.8:5001", []byte("x"))
		}, []string{"10.0.2.5:8080 " + user}, "it could not connect to 10.0.2.5:8080", 1, 0},
		{"two servers, one after the other", func(s *sheet) {
			f := asks(s, user)
			s.flow("10.0.9.1:50000", backend).refused()
			s.flow("10.0.9.1:50001", "10.0.2.6:8080").refused()
			badGateway(f, "502 Bad Gateway")
		}, []string{"10.0.2.5:8080 " + user, "10.0.2.6:8080 " + user}, "it could not connect to 10.0.2.5:8080 (hop 6) and 10.0.2.6:8080 (hop 8)", 1, 0},
		{"one after the other", func(s *sheet) {
			for i := range 4 {
				f := asks(s, fmt.Sprintf("10.0.0.7:4000%d", i))
				s.flow(fmt.Sprintf("10.0.9.1:5000%d", i), backend).refused()
				badGateway(f, "502 Bad Gateway")
				s.wait(time.Second)
			}
		}, []string{"10.0.2.5:8080 10.0.0.7:40000", "10.0.2.5:8080 10.0.0.7:40001", "10.0.2.5:8080 10.0.0.7:40002", "10.0.2.5:8080 10.0.0.7:40003"}, "it could not connect to", 4, 0},
		{"two users at once", func(s *sheet) {
			f, g := asks(s, user), asks(s, other)
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(f, "502 Bad Gateway")
			badGateway(g, "502 Bad Gateway")
		}, nil, "10.0.9.1:80 answered 502", 2, 1},
		{"another at once, who is served", func(s *sheet) {
			f, g := asks(s, user), asks(s, other)
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(f, "502 Bad Gateway")
			badGateway(g, "404 Not Found")
		}, nil, "10.0.9.1:80 answered 502", 2, 1},
		{"the client's own second try", func(s *sheet) {
			f := asks(s, user)
			s.flow("10.0.0.7:40001", backend).refused()
			badGateway(f, "502 Bad Gateway")
		}, nil, "10.0.9.1:80 answered 502", 1, 1},
		{"after the answer", func(s *sheet) {
			badGateway(asks(s, user), "502 Bad Gateway")
			s.flow("10.0.9.1:50000", backend).refused()
		}, nil, "10.0.9.1:80 answered 502", 1, 1},
		{"before the request", func(s *sheet) {
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(asks(s, user), "502 Bad Gateway")
		}, nil, "10.0.9.1:80 answered 502", 1, 1},
		{"two hosts that share no address with the proxy", func(s *sheet) {
			f := asks(s, user)
			s.flow("10.1.9.1:50000", backend).refused()
			s.flow("10.1.9.2:50000", "10.0.2.6:8080").refused()
			badGateway(f, "502 Bad Gateway")
		}, nil, "10.0.9.1:80 answered 502", 1, 2},
		{"another refusal", func(s *sheet) {
			f := asks(s, user)
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(f, "403 Forbidden")
		}, nil, "answered 403", 1, 1},
		{"a tunnel", func(s *sheet) {
			f := s.flow(user, "10.0.9.1:3128").connect().say(0, "CONNECT app.test:8080 HTTP/1.1\r\nHost: app.test:8080\r\n\r\n")
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(f, "503 Service Unavailable")
		}, []string{"10.0.2.5:8080 " + user}, "it could not connect to 10.0.2.5:8080", 0, 1},
		{"a tunnel to another port", func(s *sheet) {
			f := s.flow(user, "10.0.9.1:3128").connect().say(0, "CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n")
			s.flow("10.0.9.1:50000", backend).refused()
			badGateway(f, "503 Service Unavailable")
		}, nil, "could not reach", 0, 2},
	} {
		s := newSheet()
		c.make(s)
		g := s.run(t)
		byID, hops, verdict, next := map[string]string{}, []string(nil), "", ""
		for _, x := range g.Connections {
			byID[x.ID] = x.Client.String()
		}
		for _, x := range g.Connections {
			if x.HopOf != "" {
				hops = append(hops, x.Server.String()+" "+byID[x.HopOf])
			}
			if strings.HasPrefix(x.Client.String(), "10.0.0.7:40000") {
				verdict, next = x.Verdict, x.NextStep
			}
		}
		slices.Sort(hops)
		if !slices.Equal(hops, c.hops) {
			t.Errorf("%s: %q, want %q", c.name, hops, c.hops)
		}
		if strings.HasPrefix(next, "Capture at the proxy") && strings.Contains(verdict, "it could not connect to") {
			t.Errorf("%s: asks for what is here: %s", c.name, next)
		}
		if !strings.Contains(verdict, c.verdict) {
			t.Errorf("%s: verdict %q, want %q", c.name, verdict, c.verdict)
		}
		if sum := g.Report.Summary; sum.Connections != c.counted || sum.Unidentified != c.unnamed {
			t.Errorf("%s: %d counted, %d unidentified", c.name, sum.Connections, sum.Unidentified)
		}
	}
}

// TestProxyCannotConnectInTwoCaptures: the clocks of both captures are known
// from a connection that both hold.
func TestProxyCannotConnectInTwoCaptures(t *testing.T) {
	for _, c := range []struct {
		name  string
		both  bool // the far capture holds the client's connection, too
		after time.Duration
		hop   bool
	}{
		{"known clocks", true, 0, true},
		{"known clocks, and too late", true, time.Second, false},
		{"unknown clocks", false, 0, false},
	} {
		near, far := newSheet(), newSheet()
		far.wait(3*time.Second + time.Millisecond)
		for i, s := range []*sheet{near, far} {
			f := s.flow("10.0.0.7:40000", "10.0.9.1:80")
			f.seq = [2]uint32{5000, 7000}
			f.ttl = [2]byte{64 - byte(i), 63 + byte(i)}
			if i == 0 || c.both {
				f.connect().say(0, upgradeRequest("app.test", "/chat", "x3JJHMbDL1EzLkh9GBhXDw=="))
			} else {
				s.wait(5 * time.Millisecond)
			}
			if i == 1 && c.after == 0 {
				s.flow("10.0.9.1:50000", "10.0.2.5:8080").refused()
			}
			s.wait(100 * time.Millisecond)
			if i == 0 || c.both {
				f.say(1, "HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n").close()
			}
			if i == 1 && c.after > 0 {
				s.wait(c.after)
				s.flow("10.0.9.1:50000", "10.0.2.5:8080").refused()
			}
			s.wait(20 * time.Second)
			s.udp("10.0.0.9:5000", "10.0.0.8:5001", []byte("x"))
		}
		g := sheets(t, near, far)
		if len(g.Connections) != 2 {
			t.Errorf("%s: %q", c.name, views(g))
			continue
		}
		front, back := g.Connections[0], g.Connections[1]
		if front.Server.Port() != 80 {
			front, back = back, front
		}
		if got := back.HopOf == front.ID && strings.Contains(front.Verdict, "could not connect to 10.0.2.5:8080"); got != c.hop {
			t.Errorf("%s: hop of %q, %q", c.name, back.HopOf, front.Verdict)
		}
	}
}
