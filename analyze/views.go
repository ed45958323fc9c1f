package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// maxClockOffset bounds how far the clocks of two vantage points may differ.
const maxClockOffset = record.Time(24 * time.Hour)

// maxPaths bounds the connections whose two views are told apart in the result.
const maxPaths = 1 << 10

// admitViews joins what several vantage points saw, and takes it as if one had.
func (k *collector) admitViews() {
	if len(k.views) == 0 {
		return
	}
	compareIssuers(k.views)
	merged := k.mergeViews(k.views)
	k.views = nil
	asked := make([]correlate.Exchange, 0, len(merged))
	for _, c := range merged {
		if h, ok := handshakeOf(c); ok {
			asked = append(asked, exchangeOf(h, c))
		}
	}
	k.hops.AskApart(asked, k.clocks.ahead)
	k.asks = asked
	for _, c := range merged {
		k.admit(c)
	}
}

// clocks are by how much the clock of one vantage point is ahead of another's.
type clocks map[[2]int32]record.Time

// note learns from two views of one connection.
func (k *clocks) note(a, b *record.Connection) {
	at := [2]int32{a.Facts.Vantage, b.Facts.Vantage}
	if _, known := (*k)[at]; known {
		return
	}
	if ahead, ok := correlate.Clocks(a, b); ok {
		if *k == nil {
			*k = clocks{}
		}
		(*k)[at], (*k)[[2]int32{at[1], at[0]}] = ahead, -ahead
	}
}

func (k clocks) ahead(a, b int32) (record.Time, bool) {
	by, ok := k[[2]int32{a, b}]
	return by, ok
}

// ends are by what views of one connection find each other: the addresses, or
// where these are translated between the vantage points the client's initial sequence
// number or the handshake.
type ends struct {
	client, server netip.AddrPort
	isn            uint32
	accept         string
}

// marks are all ends of a connection.
func marks(c *record.Connection) []ends {
	list := []ends{{client: c.Client, server: c.Server}}
	if s := &c.Facts.TCP.Sides[record.Client]; s.HasISN {
		list = append(list, ends{isn: s.ISN})
	}
	if u := c.Facts.Upgrade; u != nil && u.WantAccept != "" {
		list = append(list, ends{accept: u.WantAccept})
	}
	return list
}

// mergeViews joins the records of one TCP connection that several vantage
// points saw; each was analysed on its own. The first view that is complete
// speaks. What the views tell together is kept for the patterns.
func (k *collector) mergeViews(all []*record.Connection) []*record.Connection {
	slices.SortStableFunc(all, func(a, b *record.Connection) int {
		return cmp.Or(compareBool(a.Facts.Shadow, b.Facts.Shadow), cmp.Compare(a.Facts.Vantage, b.Facts.Vantage))
	})
	groups := map[ends][]*record.Connection{}
	var merged []*record.Connection
	for _, c := range all {
		var main *record.Connection
		at := marks(c)
		for _, mark := range at {
			if i := slices.IndexFunc(groups[mark], func(o *record.Connection) bool { return sameConnection(o, c) }); i >= 0 {
				main = groups[mark][i]
				break
			}
		}
		switch {
		case main != nil:
			k.join(main, c)
		case !c.Facts.Shadow:
			merged = append(merged, c)
			for _, mark := range at {
				groups[mark] = append(groups[mark], c)
			}
		}
	}
	slices.SortStableFunc(merged, func(a, b *record.Connection) int { return cmp.Compare(a.Ended, b.Ended) })
	return merged
}

// sameConnection: two views with the same addresses, numbers or handshake are
// of one connection if nothing else that both tell speaks against it. Addresses of
// both sides may be translated; what has other initial sequence numbers is
// another connection, unless a firewall renews these and the handshake is the same.
func sameConnection(a, b *record.Connection) bool {
	if a.Facts.Vantage == b.Facts.Vantage {
		return false
	}
	if d := a.Started - b.Started; d > maxClockOffset || d < -maxClockOffset {
		return false
	}
	if a.Facts.H2 != nil && b.Facts.H2 != nil && a.Facts.H2.Stream != b.Facts.H2.Stream {
		return false
	}
	agree, differ := 0, false
	for d := range a.Facts.TCP.Sides {
		x, y := a.Facts.TCP.Sides[d], b.Facts.TCP.Sides[d]
		if x.HasISN && y.HasISN {
			agree++
			differ = differ || x.ISN != y.ISN
		}
	}
	sameKey, otherKey := compareKeys(a, b)
	if a.Client == b.Client && a.Server == b.Server {
		overlap := a.Started <= b.Ended && b.Started <= a.Ended
		return !differ && agree > 0 || sameKey || agree == 0 && !otherKey && overlap
	}
	// An address that both saw, or both numbers: one number alone may be chance.
	half := a.Client == b.Client || a.Server == b.Server
	return !differ && (agree == 2 || agree == 1 && half || agree == 0 && half && sameKey)
}

// compareKeys tells whether both handshakes have a key, and one or two.
func compareKeys(a, b *record.Connection) (same, other bool) {
	x, y := a.Facts.Upgrade, b.Facts.Upgrade
	if x == nil || y == nil || x.WantAccept == "" || y.WantAccept == "" {
		return false, false
	}
	return x.WantAccept == y.WantAccept, x.WantAccept != y.WantAccept
}

// pathSeen is what two views of a connection tell together.
type pathSeen struct {
	path *record.Path
	main *record.Connection
	told bool // main's verdict has taken it in; the record may serve another connection
}

// join makes c another view of main; the first that is complete speaks.
func (k *collector) join(main, c *record.Connection) {
	if len(main.Views) == 0 {
		main.Views = []record.View{viewOf(main)}
	}
	views := append(main.Views, viewOf(c))
	k.clocks.note(main, c)
	if len(k.paths) < maxPaths {
		p := correlate.ComparePath(main, c)
		if p.Forged != nil || p.Lost != nil || p.Rewritten != nil {
			ends := *p.Connection
			ends.Facts = nil
			p.Connection = &ends
			k.paths = append(k.paths, pathSeen{path: p, main: main})
		}
	}
	if better(c, main) {
		*main = *c
	}
	main.Views = views
}

func viewOf(c *record.Connection) record.View {
	return record.View{Capture: c.Capture, FirstPacket: c.FirstPacket, LastPacket: c.LastPacket}
}

// better: c is the more complete view. One that holds more of what the client
// sent beats one that this never came to, and one with an end beats one without,
// but where an answer was lost on the way, the view nearer to the client tells what
// the client met. Where nothing is between them, the first stays.
func better(c, main *record.Connection) bool {
	if by := completeness(c) - completeness(main); by != 0 {
		return by > 0
	}
	near, known := correlate.Nearer(c, main)
	if known && (c.Facts.WS != nil) != (main.Facts.WS != nil) {
		return near == c
	}
	x, y := &c.Facts.TCP, &main.Facts.TCP
	if x.Sides[record.Client].Bytes != y.Sides[record.Client].Bytes {
		return x.Sides[record.Client].Bytes > y.Sides[record.Client].Bytes
	}
	return x.End.Seen() && !y.End.Seen()
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// completeness ranks views: one with the whole connection beats one without
// its beginning or with holes, which beats one that never saw a WebSocket.
func completeness(c *record.Connection) int {
	t := &c.Facts.TCP
	switch {
	case c.Facts.Shadow:
		return -1
	case c.RecognizedBy == record.ByNothing:
		return 0
	case t.OneWay || t.LateStart:
		return 1
	case t.GapBytes[0]+t.GapBytes[1] > 0 || t.CutShort > 0:
		return 2
	}
	return 3
}

// pathRelations are what the vantage points tell together, one relation for
// each connection.
func (k *collector) pathRelations(files []string) []record.Relation {
	var list []record.Relation
	for _, s := range k.paths {
		if k.o.Keep == nil || k.o.Keep(s.main) {
			list = append(list, record.Relation{Files: files, Connections: []string{s.main.ID}, Total: 1, Path: s.path})
		}
	}
	return list
}
