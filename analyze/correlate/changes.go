package correlate

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxHopGroups bounds the kinds of changes that are told apart.
const maxHopGroups = 1 << 10

// hopKey tells changes apart.
type hopKey struct {
	front, back netip.AddrPort
	what        string
}

type hopGroup struct {
	record.Relation
	started []record.Time // of Connections
	kept    bool
}

type hopGroups map[hopKey]*hopGroup

// NoteHop compares a handshake as it came to a proxy and as it left it, and
// remembers what was changed. It returns the change of this pair; nil: none
// that matters. The connections in it are the caller's.
func (h *Hops) NoteHop(front, back *record.Connection, kept bool) *record.Hop {
	f, b := front.Facts.Upgrade, back.Facts.Upgrade
	if f == nil || b == nil || f.Request == nil || b.Request == nil || f.RequestCut || b.RequestCut {
		return nil
	}
	if front.Outcome == record.ClosedClean || front.Outcome == record.Open {
		return nil // whatever was changed, it did no harm
	}
	renewed := f.WantAccept != b.WantAccept
	var lost []record.Change
	translated := multiplexed(f.Request.Version) != multiplexed(b.Request.Version)
	if !translated {
		lost = requestChanges(f, b)
	}
	var answer []record.Change
	if f.Response != nil && b.Response != nil && !f.ResponseCut && !b.ResponseCut {
		if !translated || f.Response.Status != b.Response.Status && !(accepts(f.Response.Version, f.Response.Status) && accepts(b.Response.Version, b.Response.Status)) {
			answer = answerChanges(f, b, renewed)
		}
	}
	if len(lost)+len(answer) == 0 {
		return nil
	}
	hop := &record.Hop{Front: front, Back: back, Lost: lost, Answer: answer, Renewed: renewed, First: front.Started, Last: front.Ended}
	h.addHop(front, back, hop, kept)
	return hop
}

// multiplexed: the handshake is one of RFC 8441 or RFC 9220, which need none of
// the fields of HTTP/1.1's.
func multiplexed(version string) bool { return version == "HTTP/2" || version == "HTTP/3" }

// accepts: "a 2xx (Successful) status code" is there what 101 is in HTTP/1.1 (RFC 8441, section 5).
func accepts(version string, status int) bool {
	return status == 101 || multiplexed(version) && status/100 == 2
}

func (h *Hops) addHop(front, back *record.Connection, hop *record.Hop, kept bool) {
	key := hopKey{front: front.Server, back: back.Server}
	for _, list := range [][]record.Change{hop.Lost, hop.Answer} {
		for _, c := range list {
			key.what += c.Name + "\x00"
		}
		key.what += "\x01"
	}
	g := h.group(key)
	if g == nil {
		return
	}
	if g.Hop == nil || compareRefs(asks(hop), asks(g.Hop)) < 0 {
		first := *hop
		first.Front, first.Back = bareCopy(front), bareCopy(back)
		if g.Hop != nil {
			first.First, first.Last = g.Hop.First, g.Hop.Last
		}
		g.Hop = &first
	}
	g.Total++
	g.kept = g.kept || kept
	g.Hop.First, g.Hop.Last = min(g.Hop.First, front.Started), max(g.Hop.Last, front.Ended)
	g.include(front.ID, front.Started) // the story is the client's
}

// group is where changes of a kind are counted; nil: there are too many kinds.
func (h *Hops) group(key hopKey) *hopGroup {
	g := h.groups[key]
	if g == nil && len(h.groups) < maxHopGroups {
		if h.groups == nil {
			h.groups = hopGroups{}
		}
		g = new(hopGroup)
		h.groups[key] = g
	}
	return g
}

// asks is where a handshake came to the proxy.
func asks(h *record.Hop) record.Ref { return h.Front.Facts.Upgrade.RequestRef }

// include names a connection if it is among the first, in whatever order they come.
func (g *hopGroup) include(id string, started record.Time) {
	at := len(g.started)
	for at > 0 && (g.started[at-1] > started || g.started[at-1] == started && g.Connections[at-1] > id) {
		at--
	}
	if at == record.MaxRelated {
		return
	}
	g.Connections, g.started = slices.Insert(g.Connections, at, id), slices.Insert(g.started, at, started)
	if n := record.MaxRelated; len(g.started) > n {
		g.Connections, g.started = g.Connections[:n], g.started[:n]
	}
}

// Relations are the changes that were noted, in order of time.
func (h *Hops) Relations(files []string) []record.Relation {
	var list []record.Relation
	for _, g := range h.groups {
		if g.kept {
			g.Files = files
			list = append(list, g.Relation)
		}
	}
	slices.SortFunc(list, func(a, b record.Relation) int {
		return compareRefs(asks(a.Hop), asks(b.Hop))
	})
	return list
}

// bareCopy keeps of a connection what names it and its heads: its facts will
// be used for another.
func bareCopy(c *record.Connection) *record.Connection {
	u := c.Facts.Upgrade
	kept := &record.UpgradeFacts{RequestRef: u.RequestRef, ResponseRef: u.ResponseRef, WantAccept: u.WantAccept, Body: slices.Clone(u.Body)}
	if u.Request != nil {
		head := *u.Request
		head.Fields = slices.Clone(head.Fields)
		kept.Request = &head
	}
	if u.Response != nil {
		head := *u.Response
		head.Fields = slices.Clone(head.Fields)
		kept.Response = &head
	}
	facts := &record.Facts{Files: c.Facts.Files, Upgrade: kept}
	if t := c.Facts.Tunnel; t != nil {
		facts.Tunnel = &record.TunnelFacts{Opened: t.Opened, Target: strings.Clone(t.Target)}
	}
	return &record.Connection{ID: c.ID, Client: c.Client, Server: c.Server, Scheme: c.Scheme, URL: c.URL, Outcome: c.Outcome, Facts: facts}
}

// requestChanges lists what the handshake needs, was there before the proxy and
// is not behind it.
func requestChanges(f, b *record.UpgradeFacts) (list []record.Change) {
	for _, need := range [...]struct{ field, token string }{{"Upgrade", "websocket"}, {"Connection", "upgrade"}} {
		if f.Request.HasToken(need.field, need.token) && !b.Request.HasToken(need.field, need.token) {
			list = append(list, requestChange(f, b, need.field))
		}
	}
	for _, field := range [...]string{"Sec-WebSocket-Key", "Sec-WebSocket-Version", "Host"} {
		if f.Request.Has(field) && !b.Request.Has(field) {
			list = append(list, requestChange(f, b, field))
		}
	}
	if f.Request.Version == "HTTP/1.1" && b.Request.Version == "HTTP/1.0" {
		list = append(list, record.Change{Name: "version", Before: f.Request.Version, After: b.Request.Version, BeforeRef: f.RequestRef, AfterRef: b.RequestRef})
	}
	return list
}

func requestChange(f, b *record.UpgradeFacts, name string) record.Change {
	before, beforeRef := field(f, name)
	after, afterRef := field(b, name)
	return record.Change{Name: name, Before: before, After: after, BeforeRef: beforeRef, AfterRef: afterRef}
}

// field is a field of the request as it stands, and its packet: that of the
// request's beginning where it is absent.
func field(u *record.UpgradeFacts, name string) (string, record.Ref) {
	for i := range u.Request.Fields {
		if strings.EqualFold(u.Request.Fields[i].Name, name) {
			if i < len(u.RequestLines) && u.RequestLines[i].Seen() {
				return u.Request.Fields[i].Value, u.RequestLines[i]
			}
			return u.Request.Fields[i].Value, u.RequestRef
		}
	}
	return "", u.RequestRef
}

// answerChanges lists what the proxy changed in the server's answer. renewed:
// the proxy asked with a key of its own, so that the Accept values must differ.
func answerChanges(f, b *record.UpgradeFacts, renewed bool) (list []record.Change) {
	x, y := b.Response, f.Response // before and after the proxy
	change := func(name, before, after string) {
		list = append(list, record.Change{Name: name, Before: before, After: after, BeforeRef: b.ResponseRef, AfterRef: f.ResponseRef})
	}
	if x.Status != y.Status {
		change("status", statusLine(x.Status, x.Reason), statusLine(y.Status, y.Reason))
		return list
	}
	if x.Status != 101 {
		return nil
	}
	if x.Version == "HTTP/1.1" && y.Version == "HTTP/1.0" {
		change("version", x.Version, y.Version)
	}
	for _, need := range [...]struct{ field, token string }{{"Upgrade", "websocket"}, {"Connection", "upgrade"}} {
		if x.HasToken(need.field, need.token) && !y.HasToken(need.field, need.token) {
			before, _ := x.Get(need.field)
			after, _ := y.Get(need.field)
			change(need.field, before, after)
		}
	}
	for _, name := range [...]string{"Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"} {
		before := strings.Join(x.Values(name), ", ")
		after := strings.Join(y.Values(name), ", ")
		if name == "Sec-WebSocket-Accept" && renewed {
			if strings.TrimSpace(after) == f.WantAccept || before != after {
				continue // its own, and right; or wrong in a way that is not the hop's
			}
			change(name, f.WantAccept, after)
			continue
		}
		if before != after {
			change(name, before, after)
		}
	}
	return list
}

func statusLine(status int, reason string) string {
	return strings.TrimSpace(itoa(status) + " " + reason)
}
