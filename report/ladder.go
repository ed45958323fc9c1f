package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxSteps is how many steps a ladder has of the beginning and of the end.
const maxSteps = 22

// ladder is the story of a connection as a diagram shows it: who takes part,
// and step by step who sent what to whom. All texts are cleaned.
type ladder struct {
	names []string
	steps []step
}

// step is a rung of the ladder: an arrow between two participants, a note
// over one (from equals to), or a note over all.
type step struct {
	packet   int64
	file     string // only where it differs from the connection's
	after    string // since the first packet
	wait     string // since the step before, where that is long
	from, to int
	what     string // as in the result
	text     string
	note     string // what the packet proves
	broke    string // here it broke: the finding
	proof    bool   // evidence of the cause
	span     bool   // a note over all
	lost     bool   // it did not arrive
	rest     int    // so many steps are left out here
	at       record.Time
}

// stepWords are the words for steps; %s is the step's text.
var stepWords = map[string]string{
	"syn": "SYN: asks to connect", "syn-ack": "SYN-ACK: accepts", "connected": "ACK: TCP connection stands",
	"fin": "FIN: ends its side", "rst": "RST: breaks the connection off",
	"close": "Close frame", "ping": "Ping", "pong": "Pong", "text": "text frame", "binary": "binary frame", "continuation": "continuation frame",
	"request": "", "response": "", "frames": "", "evidence": "",
	"retransmission": "sent again", "unacknowledged": "never acknowledged", "gap": "gap", "zero-window": "receive buffer full",
	"settings": "HTTP/2 settings", "rst-stream": "RST_STREAM: ends the stream", "goaway": "GOAWAY: takes no new streams", "end-stream": "END_STREAM: ends its side of the stream",
	"silence": "silence", "icmp": "ICMP error", "proxy-header": "PROXY header", "tunnel-request": "", "tunnel-response": "",
}

// label is what happened, in words.
func (s *step) label() string {
	if s.rest > 0 {
		return plural(int64(s.rest), "step") + " left out"
	}
	word, known := stepWords[s.what]
	if !known {
		word = s.what
	}
	return strings.Join(slices.DeleteFunc([]string{word, s.text}, func(s string) bool { return s == "" }), ", ")
}

// longWait is the shortest time between two steps that a ladder tells, in milliseconds.
const longWait = 1000

// parties are the participants' places; -1 where there is none.
type parties struct{ client, between, server int }

// newLadder draws a connection with events; nil if there are none.
func newLadder(c *record.Connection) *ladder {
	if len(c.Events) == 0 {
		return nil
	}
	l := new(ladder)
	p := l.take(c)
	events := slices.Clone(c.Events)
	slices.SortStableFunc(events, func(a, b record.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(btoi(follows(a)), btoi(follows(b))))
	})
	opened := c.Tunnel == nil
	for _, e := range events {
		s := step{packet: e.Packet, file: Clean(e.Capture), at: e.Time, what: e.What, text: Clean(e.Text)}
		opened = opened || e.What == "request" || e.What == "response"
		p.place(&s, e, c, opened)
		l.steps = append(l.steps, s)
	}
	l.prove(c)
	l.shorten()
	begin := c.Started
	if len(l.steps) > 0 && l.steps[0].at != 0 { // a stream of HTTP/2 begins after its connection
		begin = min(begin, l.steps[0].at)
	}
	before := begin
	for i := range l.steps {
		s := &l.steps[i]
		if s.rest > 0 {
			continue
		}
		s.after = "+" + span(record.Millis(max(0, s.at.Sub(begin))))
		if wait := record.Millis(s.at.Sub(before)); wait >= longWait {
			s.wait = span(wait)
		}
		before = max(before, s.at)
	}
	return l
}

// follows tells whether an event says what came of the packet that it names:
// a silence, or that nobody acknowledged it.
func follows(e record.Event) bool { return e.What == "silence" || e.What == "unacknowledged" }

// take names the participants.
func (l *ladder) take(c *record.Connection) parties {
	p := parties{client: 0, between: -1, server: 1}
	server := "server " + c.Server.String()
	l.names = []string{"client " + c.Client.String()}
	between := c.ResetBy == string(record.FaultIntermediary) || slices.ContainsFunc(c.Events, func(e record.Event) bool { return e.From == "network" })
	switch {
	case c.Tunnel != nil:
		l.names = append(l.names, "proxy "+c.Server.String())
		server = "server " + Clean(c.Tunnel.Target)
		p.between, p.server = 1, 2
	case between:
		l.names = append(l.names, "in between")
		p.between, p.server = 1, 2
	case c.Fault == record.FaultIntermediary: // what answers may be the one in between
		server = "proxy or server " + c.Server.String()
	}
	l.names = append(l.names, server)
	return p
}

// place says from whom to whom a step goes.
func (p parties) place(s *step, e record.Event, c *record.Connection, opened bool) {
	far := p.server
	if !opened { // so far it is the proxy that is spoken to
		far = p.between
	}
	switch e.From {
	case "client":
		s.from, s.to = p.client, far
	case "server", "proxy":
		s.from, s.to = far, p.client
		if e.From == "proxy" && p.between >= 0 {
			s.from = p.between
		}
	case "network":
		s.from, s.to = p.between, p.client
	default:
		s.span = true
	}
	switch e.What {
	case "rst":
		if c.ResetBy == string(record.FaultIntermediary) && p.between >= 0 {
			s.from = p.between
		}
	case "unacknowledged":
		s.lost = true
	case "gap", "silence", "frames":
		s.span = true
	}
}

// prove marks the packets that prove the cause, adds those that are no step
// yet, and says where it broke.
func (l *ladder) prove(c *record.Connection) {
	kind, main := classify(c)
	if main < 0 {
		return
	}
	f := &c.Findings[main]
	last := -1
	for _, e := range f.Evidence {
		if e.Packet == 0 || e.Capture != "" && e.Capture != c.Capture && e.Capture != c.LastCapture {
			continue
		}
		i := slices.IndexFunc(l.steps, func(s step) bool { return s.packet == e.Packet && s.what != "silence" })
		if i < 0 {
			i = slices.IndexFunc(l.steps, func(s step) bool { return s.at > e.Time })
			if i < 0 {
				i = len(l.steps)
			}
			l.steps = slices.Insert(l.steps, i, step{packet: e.Packet, at: e.Time, what: "evidence", text: Clean(e.Note), span: true})
			if i <= last {
				last++
			}
		} else if e.Note != "" && !strings.Contains(l.steps[i].text, Clean(e.Note)) {
			l.steps[i].note = Clean(e.Note)
		}
		l.steps[i].proof = true
		last = max(last, i)
	}
	if kind != failed && kind != unidentified {
		return
	}
	if last < 0 {
		last = len(l.steps) - 1
	}
	l.steps[last].broke = fmt.Sprintf("%s %s", Clean(f.Code), spoken(f.Slug))
}

// shorten leaves out what is neither near the beginning or the end nor a proof.
func (l *ladder) shorten() {
	n := len(l.steps)
	if n <= 2*maxSteps {
		return
	}
	kept := l.steps[:maxSteps:maxSteps]
	rest := 0
	for _, s := range l.steps[maxSteps : n-maxSteps] {
		if !s.proof || len(kept) > 2*maxSteps {
			rest++
			continue
		}
		if rest > 0 {
			kept, rest = append(kept, step{rest: rest, span: true}), 0
		}
		kept = append(kept, s)
	}
	if rest > 0 {
		kept = append(kept, step{rest: rest, span: true})
	}
	l.steps = append(kept, l.steps[n-maxSteps:]...)
}
