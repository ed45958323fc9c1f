package correlate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// view is a connection as one vantage point saw it: far from the client its
// packets have a smaller TTL, and its clock is ahead.
func view(far bool) made {
	m := at(0, 1, 1)
	m.Capture = "near.pcap"
	ahead := 0.0
	ttl := [2]uint8{64, 60}
	if far {
		m.Capture, ahead, ttl = "far.pcap", 7, [2]uint8{60, 64}
		m.Facts.Vantage = 1
	}
	t := &m.Facts.TCP
	delay := 0.01
	back := 0.04
	if far {
		delay, back = 0.02, 0.03
	}
	t.SYN, t.SYNs = when(ahead+delay), 1
	t.SYNACK, t.SYNACKs = when(ahead+back), 1
	for d := range t.Sides {
		t.Sides[d] = record.TCPSide{TTL: ttl[d], Bytes: 500, DataSegments: 20, MaxSegment: 100, LastData: when(ahead + 5)}
	}
	m.Facts.Last, m.Facts.CaptureEnd = when(ahead+5), when(ahead+10)
	m.Facts.Samples = new([2]record.Sample)
	return m
}

func (m made) reset(from record.Dir, s float64) made {
	m.Facts.TCP.Resets = append(m.Facts.TCP.Resets, record.Reset{From: from, Ref: when(s), TTL: 61})
	return m
}

func (m made) side(d record.Dir, f func(s *record.TCPSide)) made {
	f(&m.Facts.TCP.Sides[d])
	return m
}

func (m made) sent(d record.Dir, text string) made {
	s := &m.Facts.Samples[d]
	s.Head, s.Length = []byte(text), int64(len(text))
	s.At = []record.SampleAt{{Ref: when(1)}}
	return m
}

func (m made) early() made { m.Facts.CaptureEnd = when(1); return m }

func TestComparePath(t *testing.T) {
	loses := func(s *record.TCPSide) { s.Bytes -= 200; s.DataSegments -= 2 }
	again := func(s *record.TCPSide) { s.DataSegments += 4; s.Retransmissions = 4 }
	for _, c := range []struct {
		name      string
		near, far made
		want      string
	}{
		{"the same", view(false), view(true), ""},
		{"a RST at the client only", view(false).reset(server, 4), view(true), "forged server"},
		{"a RST on both sides", view(false).reset(server, 4), view(true).reset(server, 11), ""},
		{"a RST at the server's end only: it was lost", view(false), view(true).reset(server, 11), ""},
		{"a RST at the server from the client", view(false), view(true).reset(client, 11), "forged client"},
		{"the other capture had ended", view(false).reset(server, 4), view(true).early(), ""},
		{"no SYN-ACK", func() made { m := view(false); m.Facts.TCP.SYNACKs = 0; return m }(), view(true), "lost the SYN-ACK"},
		{"data to the server", view(false), view(true).side(client, loses), "lost data"},
		{"data to the client", view(false).side(server, loses), view(true), "lost data"},
		{"the receiver's capture had ended", view(false), view(true).side(client, loses).early(), ""},
		{"sent again and again", view(false).side(client, again), view(true), "lost data segments"},
		{"sent again, but both copies arrived", view(false).side(client, again), view(true).side(client, again), ""},
		{"coalesced by the receiver's card", view(false).side(client, again), view(true).side(client, func(s *record.TCPSide) { s.MaxSegment = 500 }), ""},
		{"changed bytes", view(false).sent(client, "hello world"), view(true).sent(client, "hello there"), "rewritten bytes 6 to 10 of what the client sends"},
		{"the same bytes", view(false).sent(client, "hello world"), view(true).sent(client, "hello world"), ""},
		{"fewer bytes, but the same", view(false).sent(client, "hello world"), view(true).sent(client, "hello"), ""},
	} {
		for _, p := range []*record.Path{ComparePath(c.near.Connection, c.far.Connection), ComparePath(c.far.Connection, c.near.Connection)} {
			var got []string
			for _, x := range p.Forged {
				got = append(got, "forged "+x.From.String())
			}
			for _, x := range p.Lost {
				got = append(got, "lost "+x.What)
			}
			for _, x := range p.Rewritten {
				got = append(got, "rewritten "+x.Name)
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("%s: %q, want %q", c.name, text, c.want)
			}
			if p.Near != "near.pcap" || !p.NearKnown {
				t.Errorf("%s: %s is taken for the nearer one", c.name, p.Near)
			}
			if p.Offset.Round(time.Millisecond) != 7*time.Second {
				t.Errorf("%s: the clocks differ by %v, want 7s", c.name, p.Offset)
			}
		}
	}
}

func TestDriftOfClocks(t *testing.T) {
	near, far := view(false), view(true)
	for d := range near.Facts.TCP.Sides {
		near.Facts.TCP.Sides[d].FIN = when(100)
		far.Facts.TCP.Sides[d].FIN = when(107.01)
	}
	if p := ComparePath(near.Connection, far.Connection); fmt.Sprintf("%.0f", p.Drift*1e6) != "100" {
		t.Errorf("drift %v", p.Drift)
	}
}
