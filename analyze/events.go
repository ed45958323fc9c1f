package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxEvents is how many events are kept of the beginning and of the end.
const maxEvents = 50

// minSilence is the shortest silence that is an event of its own.
const minSilence = 3 * time.Second

// ackDue is when a missing acknowledgement is an event of its own.
const ackDue = time.Second

// story collects events. Its memory serves one connection after the other.
type story struct {
	c      *record.Connection
	events []record.Event
	order  []eventKey
}

// eventKey is when an event happened, and its place in the list.
type eventKey struct {
	time   record.Time
	packet int64
	at     int
}

// maxScratch bounds the memory that a story leaves for the next one, in events.
const maxScratch = 1 << 10

// tell tells a connection's story in order.
func (s *story) tell(c *record.Connection) []record.Event {
	if cap(s.events) > maxScratch {
		*s = story{}
	}
	s.c, s.events, s.order = c, s.events[:0], s.order[:0]
	s.tcp(&c.Facts.TCP)
	s.tunnel()
	s.tls(c.Facts.TLS)
	s.upgrade()
	if c.Facts.Story != nil {
		s.events = c.Facts.Story.Events(s.events)
	}
	s.closes()
	s.stream()
	s.waits(&c.Facts.TCP)
	return s.inOrder()
}

// inOrder sorts the events and keeps those of the beginning and of the end.
func (s *story) inOrder() []record.Event {
	for i := range s.events {
		s.order = append(s.order, eventKey{s.events[i].Time, s.events[i].Packet, i})
	}
	slices.SortFunc(s.order, func(a, b eventKey) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.packet, b.packet), cmp.Compare(a.at, b.at))
	})
	if n := len(s.order); n > 2*maxEvents {
		s.order = append(s.order[:maxEvents], s.order[n-maxEvents:]...)
	}
	f := s.c.Facts
	events := make([]record.Event, len(s.order))
	for i, m := range s.order {
		events[i] = s.events[m.at]
		if e := &events[i]; e.File != f.First.File && int(e.File) < len(f.Files) {
			e.Capture = f.Files[e.File]
		}
	}
	return events
}

func (s *story) add(at record.Ref, from, what, format string, args ...any) {
	if !at.Seen() {
		return
	}
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	s.events = append(s.events, record.Event{Packet: at.Packet, Time: at.Time, File: at.File, From: from, What: what, Text: text})
}

func (s *story) tcp(t *record.TCPFacts) {
	s.add(t.SYN, "client", "syn", "")
	if t.SYNs > 1 {
		s.add(t.LastSYN, "client", "syn", "repeated, %d times in all", t.SYNs)
	}
	s.add(t.SYNACK, "server", "syn-ack", "")
	if t.Established.Seen() {
		s.add(t.Established, "client", "connected", "round trip %s", known.Seconds(t.HandshakeRTT))
	}
	for i := range t.Retransmissions {
		r := &t.Retransmissions[i]
		s.add(r.Ref, r.From.String(), "retransmission", "")
	}
	s.gaps(t.Gaps)
	for i := range t.Stalls {
		w := &t.Stalls[i]
		s.add(w.Begin, w.From.String(), "zero-window", "for %s", known.Seconds(w.Length))
	}
	for i := range t.ICMP {
		x := &t.ICMP[i]
		s.add(x.Ref, "network", "icmp", "type %d code %d from %s", x.Type, x.Code, x.From)
	}
	for i := range t.Resets {
		r := &t.Resets[i]
		s.add(r.Ref, r.From.String(), "rst", "TTL %d", r.TTL)
	}
}

// toldGaps is how many gaps of a side are events of their own: where a snapshot
// length cuts every packet they would hide all else.
const toldGaps = 3

func (s *story) gaps(gaps []record.Gap) {
	var told, missing [2]int64
	var last [2]record.Ref
	for i := range gaps {
		g := &gaps[i]
		if told[g.From]++; told[g.From] <= toldGaps {
			s.add(g.Ref, g.From.String(), "gap", "%s not in the capture", record.Bytes(g.Length))
			continue
		}
		missing[g.From] += g.Length
		last[g.From] = g.Ref
	}
	for d := range told {
		s.add(last[d], record.Dir(d).String(), "gap", "%d more until here, %s not in the capture", told[d]-toldGaps, record.Bytes(missing[d]))
	}
}

// waits tells what follows from a packet after what is in it.
func (s *story) waits(t *record.TCPFacts) {
	until := s.c.Facts.CaptureEnd.Time
	if t.End.Seen() {
		until = t.End.Time
	}
	for d := range t.Sides {
		side := record.Dir(d).String()
		if t.Sides[d].Unacked > 0 && (t.Sides[d].UnackedSent > 1 || until.Sub(t.Sides[d].UnackedFirst.Time) >= ackDue) {
			s.add(t.Sides[d].UnackedFirst, side, "unacknowledged", "%s, sent %s", record.Bytes(t.Sides[d].Unacked), times(t.Sides[d].UnackedSent))
		}
		s.add(t.Sides[d].FIN, side, "fin", "")
	}
	if t.Silence >= minSilence {
		s.add(t.SilenceFrom, "", "silence", "%.1f s without new data", t.Silence.Seconds())
	}
}

// times says how often.
func times(n int) string {
	if n <= 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (s *story) tls(t *record.TLSFacts) {
	if t == nil {
		return
	}
	s.add(t.ClientHello, "client", "client-hello", "%s", joined("server name", t.SNI, "ALPN", strings.Join(t.ALPNOffered, ", ")))
	s.add(t.ServerHello, "server", "server-hello", "%s", joined("TLS", t.Version, "", t.CipherSuite, "ALPN", t.ALPN))
	if t.Chain != nil && len(t.Chain.Certificates) > 0 {
		leaf := t.Chain.Certificates[0]
		s.add(t.ChainRef, "server", "certificate", "%s, issued by %s", leaf.Subject, leaf.Issuer)
	}
	for i := range t.Alerts {
		a := &t.Alerts[i]
		name := a.Name
		if a.Opaque {
			name = "encrypted, perhaps an alert"
		}
		s.add(a.Ref, a.Dir.String(), "tls-alert", "%s", name)
	}
	for d, at := range t.CloseNotify {
		s.add(at, record.Dir(d).String(), "tls-alert", "close_notify")
	}
	if t.NotTLS != nil {
		s.add(t.NotTLSRef, t.NotTLSDir.String(), "no-tls", "what comes is not TLS")
	}
}

// joined writes names with their values, leaving out what has none.
func joined(pairs ...string) string {
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, strings.TrimSpace(pairs[i]+" "+pairs[i+1]))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *story) upgrade() {
	u := s.c.Facts.Upgrade
	if u == nil {
		return
	}
	if r := s.c.Request; r != nil {
		s.add(u.RequestRef, "client", "request", "%s %s %s", r.Method, r.Target, r.Version)
	}
	if r := s.c.Response; r != nil {
		s.add(u.ResponseRef, "server", "response", "%d %s", r.Status, r.Reason)
	}
	if u.NotHTTP != nil {
		s.add(u.NotHTTPRef, "server", "response", "no HTTP")
	}
}

// closes gives the Close frames their codes in place of their lengths.
func (s *story) closes() {
	w := s.c.Facts.WS
	if w == nil {
		return
	}
	s.events = slices.DeleteFunc(s.events, func(e record.Event) bool { return e.What == "close" })
	for _, c := range w.Closes {
		if c == nil {
			continue
		}
		text := "no code"
		if c.HasCode {
			text = fmt.Sprintf("%d", c.Code)
		}
		if c.Reason != "" {
			text += " " + c.Reason
		}
		s.add(c.Ref, c.Dir.String(), "close", "%s", text)
	}
}
