package analyze

import (
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// TestWaitsComeAfterTheirPacket: what follows from a packet is told after what
// is in it, and data that nobody had time to acknowledge is no event.
func TestWaitsComeAfterTheirPacket(t *testing.T) {
	at := func(packet int64, d time.Duration) record.Ref {
		return record.Ref{Packet: packet, Time: record.Time(1e18) + record.Time(d)}
	}
	for _, x := range []struct {
		name  string
		sent  int
		ended time.Duration
		want  string
	}{
		{"acknowledgement due", 1, 4 * time.Second, "connected round trip 40 µs, request GET / HTTP/1.1, unacknowledged 1 byte, sent once, silence 4.0 s without new data"},
		{"the capture ends", 1, time.Millisecond, "connected round trip 40 µs, request GET / HTTP/1.1, silence 4.0 s without new data"},
		{"sent again", 2, time.Millisecond, "connected round trip 40 µs, request GET / HTTP/1.1, unacknowledged 1 byte, sent 2 times, silence 4.0 s without new data"},
	} {
		c := &record.Connection{Request: &record.Request{Method: "GET", Target: "/", Version: "HTTP/1.1"}, Facts: &record.Facts{
			Upgrade: &record.UpgradeFacts{Request: &http1.Head{}, RequestRef: at(4, time.Millisecond)}, CaptureEnd: at(9, x.ended+time.Millisecond),
			TCP: record.TCPFacts{Established: at(3, 0), HandshakeRTT: 40 * time.Microsecond, Silence: 4 * time.Second, SilenceFrom: at(4, time.Millisecond)}}}
		side := &c.Facts.TCP.Sides[record.Client]
		side.Unacked, side.UnackedSent, side.UnackedFirst = 1, x.sent, at(4, time.Millisecond)
		var got []string
		for _, e := range new(story).tell(c) {
			got = append(got, strings.TrimSpace(e.What+" "+e.Text))
		}
		if text := strings.Join(got, ", "); text != x.want {
			t.Errorf("%s:\n%s, want\n%s", x.name, text, x.want)
		}
	}
}

// TestManyGaps: where a snapshot length cuts every packet, the gaps leave room for the rest.
func TestManyGaps(t *testing.T) {
	gaps := []record.Gap{{Ref: record.Ref{Packet: 1}, From: record.Server, Length: 1}}
	for i := range int64(90) {
		gaps = append(gaps, record.Gap{Ref: record.Ref{Packet: i + 2}, From: record.Client, Length: 10})
	}
	var s story
	s.gaps(gaps)
	if len(s.events) != 1+toldGaps+1 {
		t.Fatalf("%d events: %v", len(s.events), s.events)
	}
	last := s.events[len(s.events)-1]
	if want := "87 more until here, 870 bytes not in the capture"; last.Text != want || last.Packet != 91 {
		t.Errorf("packet %d %q, want %q", last.Packet, last.Text, want)
	}
}
