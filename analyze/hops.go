package analyze

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
)

// maxWaiting bounds the finished connections that wait for another hop of the
// same handshake; beyond it the oldest is judged without it.
const maxWaiting = 1 << 12

// waiting is a finished part of a story.
type waiting struct {
	story *correlate.Story
	conn  *record.Connection
}

// sampleKey is the Sec-WebSocket-Key of RFC 6455's example (section 1.3).
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// asked notes a request at the moment at which it is seen.
func (k *collector) asked(h *correlate.Handshake) {
	if k.vantages > 1 {
		return // these are joined when all are known
	}
	k.hops.Ask(h)
}

// handshakeAsked is a request that was just seen.
func handshakeAsked(a *track.Ask) correlate.Handshake {
	h := correlate.Handshake{Conn: correlate.Conn{File: a.First.File, Packet: a.First.Packet, Stream: a.Stream}, Client: a.Client, Server: a.Server,
		At: a.At, Vantage: a.Vantage}
	if a.Stream >= 0 {
		h.Target = correlate.HashTarget(a.Target)
	}
	if len(a.Head) == 0 {
		return h
	}
	first, fields := a.Head, []byte(nil)
	if end := bytes.IndexByte(first, '\n'); end >= 0 {
		first, fields = first[:end], first[end+1:]
	}
	if from := bytes.IndexByte(first, ' ') + 1; from > 0 {
		target := first[from:]
		if to := bytes.IndexByte(target, ' '); to >= 0 {
			target = target[:to]
		}
		h.Target = correlate.HashTargetBytes(target)
	}
	if a.Plain {
		handshakeKey(&h, bytes.TrimSpace(a.Key))
		return h
	}
	handshakeFields(&h, string(fields))
	return h
}

// handshakeFields reads the lines of a head behind the first.
func handshakeFields(h *correlate.Handshake, rest string) {
	for rest != "" {
		line := rest
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			line, rest = rest[:end], rest[end+1:]
		} else {
			rest = ""
		}
		if len(line) > 4 && telling(line[0]) {
			if colon := strings.IndexByte(line, ':'); colon > 0 {
				handshakeField(h, line[:colon], line[colon+1:])
			}
		}
	}
}

// telling: a field whose name begins so may tell one handshake from another.
func telling(first byte) bool {
	switch first {
	case 'S', 's', 'V', 'v', 'X', 'x':
		return true
	}
	return false
}

// handshakeField takes from a field what tells one handshake from another.
func handshakeField(h *correlate.Handshake, name, value string) {
	switch {
	case len(name) == len("Sec-WebSocket-Key") && strings.EqualFold(name, "Sec-WebSocket-Key"):
		handshakeKey(h, strings.TrimSpace(value))
	case len(name) == len("Via") && strings.EqualFold(name, "Via"), len(name) == len("X-Varnish") && strings.EqualFold(name, "X-Varnish"):
		h.Passed = true
	case len(name) == len("X-Forwarded-For") && strings.EqualFold(name, "X-Forwarded-For"):
		h.Passed = true
		// The last is what the proxy at hand added.
		if addr, err := netip.ParseAddr(strings.TrimSpace(value[strings.LastIndexByte(value, ',')+1:])); err == nil {
			h.For = addr.Unmap()
		}
	}
}

func handshakeKey[T string | []byte](h *correlate.Handshake, key T) {
	h.Key, h.Sample = correlate.HashText(key), string(key) == sampleKey
}

// handshakeOf is a finished connection's request.
func handshakeOf(c *record.Connection) (h correlate.Handshake, ok bool) {
	u := c.Facts.Upgrade
	if u == nil || u.Request == nil {
		return h, false
	}
	h = correlate.Handshake{Conn: connOf(c), Client: c.Client, Server: c.Server, At: u.RequestRef, Vantage: c.Facts.Vantage, Target: correlate.HashTarget(u.Request.Target)}
	for i := range u.Request.Fields {
		handshakeField(&h, u.Request.Fields[i].Name, u.Request.Fields[i].Value)
	}
	if p := c.Facts.Proxy; p != nil {
		if client, err := netip.ParseAddrPort(p.Client); err == nil {
			h.For, h.Passed = client.Addr().Unmap(), true
		}
	}
	return h, true
}

// exchangeOf adds what is known when the connection is finished.
func exchangeOf(h correlate.Handshake, c *record.Connection) correlate.Exchange {
	u, sides := c.Facts.Upgrade, &c.Facts.TCP.Sides
	x := correlate.Exchange{Handshake: h, Ended: c.Ended, Numbered: sides[0].HasISN && sides[1].HasISN}
	if u.Response != nil && u.ResponseRef.Seen() {
		x.Answered, x.Status = u.ResponseRef.Time, u.Response.Status
		if x.Status == 200 && c.Facts.H2 != nil && c.Facts.WS != nil {
			x.Status = 101 // what HTTP/1.1 says in its place
		}
	}
	if host := hostOf(c); host != "" {
		x.Authority = correlate.HashText(host)
	}
	agent, _ := u.Request.Get("User-Agent")
	origin, _ := u.Request.Get("Origin")
	if agent != "" || origin != "" {
		x.Software = correlate.HashText(agent + "\n" + origin)
	}
	return x
}

// connOf names a connection as Ask does.
func connOf(c *record.Connection) correlate.Conn {
	f := c.Facts
	at := correlate.Conn{File: f.First.File, Packet: f.First.Packet, Stream: -1}
	if f.H2 != nil {
		at.Stream = int64(f.H2.Stream)
	}
	return at
}

// part takes a finished connection of a story, and gives the story away when
// no part of it is under way.
func (k *collector) part(s *correlate.Story, c *record.Connection) {
	if c.Facts.TCP.ClientBy != "port" {
		k.speaks(c.Server)
	}
	if u := c.Facts.Upgrade; u != nil {
		k.keys.add(c, u)
	}
	all := k.hops.Finish(s, connOf(c), c)
	if all || s.Released {
		k.story(s)
		return
	}
	k.waiting = append(k.waiting, waiting{s, c})
	if len(k.waiting) > maxWaiting {
		first := k.waiting[0].story
		k.waiting = k.waiting[1:]
		if !first.Released {
			k.story(first)
		}
	}
}

// releaseStories gives away what waits for parts that never came.
func (k *collector) releaseStories() {
	for len(k.waiting) > 0 {
		k.story(k.waiting[0].story) // takes all of its parts out
	}
}

// story judges the finished parts of a story together and gives them away, in
// the order in which the handshake went.
func (k *collector) story(s *correlate.Story) {
	k.flush() // what came before is given away before
	s.Released = true
	k.waiting = slices.DeleteFunc(k.waiting, func(w waiting) bool { return w.story == s })
	for i := range s.Parts {
		p := &s.Parts[i]
		if p.Front < 0 {
			continue
		}
		front := &s.Parts[p.Front]
		if p.Done != nil && front.Done != nil && front.Done.Facts != nil && p.Done.Facts != nil && !correlate.Holds(front.Done, p.Done) {
			p.Front = -1 // the same key twice, by chance or by habit
		}
		if p.Done != nil && p.Front >= 0 && p.Done.Facts != nil {
			p.Done.HopOf = k.hopID(front, p.Done)
		}
	}
	cause := make([]string, len(s.Parts))
	for i := range s.Parts {
		if c := s.Parts[i].Done; c != nil && c.Facts != nil {
			k.names.name(c)
			k.judgePart(s, c)
			cause[i] = k.onPath(c)
		}
	}
	byProxy, tails := make([]bool, len(s.Parts)), make([]tail, len(s.Parts))
	for i := len(s.Parts) - 1; i >= 0; i-- { // what lies behind is decided first
		byProxy[i] = k.decided(s, i, cause, byProxy, tails)
	}
	for i := range s.Parts {
		leftBehind(s, i)
	}
	for i := range s.Parts {
		if c := s.Parts[i].Done; c != nil && c.Facts != nil {
			s.Parts[i].Done = &record.Connection{ID: c.ID} // the record may serve another connection soon
			k.give(c, cause[i])
		}
	}
}

// judgePart judges one part. An answer to another part's key is the proxy's
// mistake with this very handshake, and no replay.
func (k *collector) judgePart(s *correlate.Story, c *record.Connection) {
	if u := c.Facts.Upgrade; u != nil && acceptDiffers(u) {
		accept, _ := u.Response.Get("Sec-WebSocket-Accept")
		other, ok := k.keys.of(accept)
		if ok && other.ID != c.ID && !slices.ContainsFunc(s.Parts, func(p correlate.Part) bool { return p.Done != nil && p.Done.ID == other.ID }) {
			c.Facts.KeyElsewhere = &other
		}
	}
	k.judge.connection(c, k.o, k.wants)
	c.Findings = slices.Clone(c.Findings) // without texts, the next judgement overwrites them
}

// hopID is the ID of the connection that a hop continues, whether or not it is finished.
func (k *collector) hopID(front *correlate.Part, c *record.Connection) string {
	if front.Done != nil {
		return front.Done.ID
	}
	file := int32(-1)
	if len(c.Facts.Files) > 1 {
		file = front.Conn.File
	}
	return connName(file, front.Conn.Packet, front.Conn.Stream)
}

// connName is the ID of a connection by its file (-1: there is only one), its
// first packet, and its stream (-1: none).
func connName(file int32, packet, stream int64) string {
	id := strconv.FormatInt(packet, 10)
	if file >= 0 {
		id = strconv.Itoa(int(file)+1) + ":" + id
	}
	if stream >= 0 {
		id += "/" + strconv.FormatInt(stream, 10)
	}
	return id
}

// decided points the verdict of a part that failed to the hop that decided, and
// notes what the proxy between them changed. It tells whether that proxy is what
// has to change, or one that is further behind.
func (k *collector) decided(s *correlate.Story, at int, cause []string, byProxy []bool, tails []tail) bool {
	front := s.Parts[at].Done
	if front == nil || front.Facts == nil {
		return false
	}
	var last *record.Connection
	behind := 0
	for i := range s.Parts {
		if p := &s.Parts[i]; p.Front == at && p.Done != nil && p.Done.Facts != nil {
			last, behind = p.Done, i // of several tries the last one decided
		}
	}
	if last == nil {
		return false
	}
	keep := k.o.Keep == nil || k.o.Keep(front) || k.o.Keep(last)
	hop := k.hops.NoteHop(front, last, keep)
	if front.Outcome == record.ClosedClean || front.Outcome == record.Open {
		between(front, last)
		return false
	}
	if cause[at] != "" {
		return false // it went wrong before the proxy
	}
	if hop != nil && k.changed(hop, &cause[at]) {
		return true
	}
	if byProxy[behind] && passedOn(front, last) {
		cause[at] = cause[behind]
		if front.Fault != record.FaultClient || onlyRefused(front) {
			front.Fault = last.Fault
		}
		if front.Verdict != "" {
			front.Verdict, front.NextStep = last.Verdict, last.NextStep
			if len(last.Findings) > 0 {
				advise(front, last.Findings[0].Remedy)
			}
		}
		return true
	}
	if fails(last) {
		cause[at] = last.Findings[0].Code
	}
	if between(front, last) {
		return true
	}
	if front.Verdict != "" {
		x := tailOf(front, last, tails[behind])
		tails[at] = x
		front.Verdict, front.NextStep = strings.TrimSuffix(front.Verdict, ".")+". "+x.text, last.NextStep
		if c := x.decided; c != nil && fails(c) {
			advise(front, c.Findings[0].Remedy)
		}
	}
	return false
}

// changed judges what a proxy changed in one handshake: if it explains the
// failure, that is the verdict.
func (k *collector) changed(hop *record.Hop, cause *string) bool {
	found := k.judge.relation(&record.Relation{Files: hop.Front.Facts.Files, Total: 1, Hop: hop})
	if len(found) == 0 || !explained(hop.Front) {
		return false
	}
	*cause = found[0].Code
	if c := hop.Front; c.Fault == record.FaultUnknown || c.Fault == record.FaultServer || c.Fault == record.FaultClient && onlyRefused(c) {
		c.Fault = found[0].Fault
	}
	blamedBehind(hop, &found[0])
	if front := hop.Front; front.Verdict != "" {
		acts := whoActs[front.Fault]
		if front.Fault == record.FaultClient && slices.ContainsFunc(front.Findings, func(f record.Finding) bool { return f.Code == "WS306" }) {
			acts = "the client asked without CONNECT and has to change"
		}
		front.Verdict = found[0].Title + " (hop " + hop.Back.ID + "): " + acts + "."
		front.NextStep = "" // the hop behind is here
		advise(front, found[0].Remedy)
	}
	return true
}

// explained: what a proxy changed in the handshake can be why this failed. A
// WebSocket that opened for all that, and ended for another reason, it does not explain.
func explained(front *record.Connection) bool {
	w := front.Facts.WS
	if w == nil || front.Outcome == record.InvalidHandshake || front.Outcome == record.ProtocolError {
		return true
	}
	left := bareEnd(front) || front.Outcome == record.ClosedAbnormal && len(front.Findings) > 0 && front.Findings[0].Code == "WS545"
	return left && front.Facts.TCP.EndBy == record.Client && w.Messages[record.Client] == 0
}

// blamedBehind says who has to act on what came of a proxy's change behind it. What
// was asked there is what the proxy asked; what was answered is the server's.
func blamedBehind(hop *record.Hop, p *record.Pattern) {
	c := hop.Back
	switch {
	case p.Code == "WS807" && c.Outcome != record.ClosedClean && c.Outcome != record.Open && c.Fault != record.FaultIntermediary:
		blame(c, p.Title)
		advise(c, p.Remedy)
	case p.Code == "WS808" && (bareEnd(c) && c.Facts.TCP.EndBy == record.Client || c.Fault == record.FaultUnknown):
		blame(c, fmt.Sprintf("The proxy at %s did not pass this server's answer on as it was (hop %s)", known.ProxyAt(hop.Front, c), hop.Front.ID))
		advise(c, p.Remedy)
	case c.Fault == record.FaultUnknown:
		c.Fault = p.Fault
	}
}

// knowsMore: behind the proxy there is an error that explains the answer, which
// the client's side cannot know.
func knowsMore(front, back *record.Connection) bool {
	return fails(back) && len(front.Findings) > 0 && front.Findings[0].Code != back.Findings[0].Code
}

// onlyRefused: nothing is held against the client but the status of the answer,
// as a 404 for what a server behind the proxy took for a page.
func onlyRefused(c *record.Connection) bool {
	return c.Outcome == record.Rejected && !slices.ContainsFunc(c.Findings, func(f record.Finding) bool {
		return f.Severity != record.Info && f.Fault == record.FaultClient && (f.Code < "WS521" || f.Code > "WS539")
	})
}

// tail is what the hops behind a part tell of how it failed, for its verdict's
// end, and the hop behind which it was decided; nil: none.
type tail struct {
	text    string
	decided *record.Connection
}

// tailOf says what the hop behind tells, and passes on what those behind that one do.
func tailOf(front, back *record.Connection, further tail) tail {
	where := "hop " + back.ID + " to " + back.Server.String()
	f, b := front.Facts.Upgrade, back.Facts.Upgrade
	answered := func(u *record.UpgradeFacts) bool { return u != nil && u.Response != nil && !u.ResponseCut }
	switch {
	case passedThrough(front, back):
		if further.text != "" {
			return further
		}
		return tail{fmt.Sprintf("It came from the server behind the proxy: %s, packet %d.", where, back.Findings[0].Evidence[0].Packet), back}
	case front.Facts.WS != nil && back.Facts.WS != nil:
		return whoEnded(front, back, where, further)
	case answered(f) && answered(b) && f.Response.Status == b.Response.Status:
		if further.text != "" {
			return further
		}
		if knowsMore(front, back) {
			return tail{fmt.Sprintf("The server behind the proxy answered so (%s, packet %d): %s.", where, b.ResponseRef.Packet, back.Findings[0].Title), back}
		}
		return tail{fmt.Sprintf("The server behind the proxy answered so: %s, packet %d.", where, b.ResponseRef.Packet), back}
	case answered(f) && answered(b):
		return tail{text: fmt.Sprintf("This is the answer of the proxy at %s itself: the server behind it answered %d (%s, packet %d).", front.Server, b.Response.Status, where, b.ResponseRef.Packet)}
	case answered(f):
		text := fmt.Sprintf("This is the answer of the proxy at %s itself: the server behind it gave none (%s)", front.Server, where)
		if fails(back) {
			return tail{text + ": " + back.Findings[0].Title + ".", back}
		}
		return tail{text: text + "."}
	case fails(back):
		return tail{text: "Decided at the " + where + ": " + back.Findings[0].Title + "."}
	}
	return tail{text: "It went on over the " + where + "."}
}

// passedThrough: what breaks RFC 6455 in the server's answer or frames was so
// before the proxy passed it on. Who then ended the connection says nothing.
func passedThrough(front, back *record.Connection) bool {
	switch front.Outcome {
	case record.InvalidHandshake, record.ProtocolError:
	default:
		return false
	}
	return front.Fault == record.FaultServer && len(front.Findings) > 0 && len(back.Findings) > 0 && front.Findings[0].Code == back.Findings[0].Code && len(back.Findings[0].Evidence) > 0
}

// whoEnded says which side of the proxy ended first.
func whoEnded(front, back *record.Connection, where string, further tail) tail {
	byServer := func(packet int64) tail {
		if further.text != "" {
			return further
		}
		return tail{fmt.Sprintf("It began at the server behind the proxy: %s, packet %d.", where, packet), back}
	}
	if len(front.Findings) > 0 && len(back.Findings) > 0 && front.Findings[0].Code == "WS614" && back.Findings[0].Code == "WS614" {
		return tail{text: "No Pong came over the " + where + " either."}
	}
	f, b := &front.Facts.TCP, &back.Facts.TCP
	// Clocks of two vantage points do not tell which of two ends came first; a
	// proxy that ends one hop because of the other does.
	before := func(x, y *record.TCPFacts) bool {
		if front.Facts.Vantage != back.Facts.Vantage {
			return x.EndBy == y.EndBy
		}
		return x.End.Time <= y.End.Time
	}
	// A Close frame passes through the proxy: whoever sent it began, whoever ended TCP first.
	if x, y := front.Facts.WS.FirstClose, back.Facts.WS.FirstClose; x != nil && y != nil && x.Dir == y.Dir {
		if x.Dir == record.Client {
			return tail{text: "It began at the client's side; the " + where + " followed."}
		}
		return byServer(y.Ref.Packet)
	}
	switch {
	case !f.End.Seen() || !b.End.Seen():
	case f.EndBy == record.Client && before(f, b):
		return tail{text: "It began at the client's side; the " + where + " followed."}
	case b.EndBy == record.Server && before(b, f):
		return byServer(b.End.Packet)
	case f.EndBy == record.Server && b.EndBy == record.Client:
		return tail{text: fmt.Sprintf("The proxy at %s ended both hops (%s, packet %d).", front.Server, where, b.End.Packet)}
	}
	return tail{text: "It went on over the " + where + "."}
}
