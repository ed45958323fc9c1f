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
	k.hops.Again()
	asked := make([]correlate.Handshake, 0, len(merged))
	for _, c := range merged {
		if h, ok := handshakeOf(c); ok {
			asked = append(asked, h)
		}
	}
	slices.SortStableFunc(asked, func(a, b correlate.Handshake) int { return cmp.Compare(a.At.Time, b.At.Time) })
	for i := range asked {
		k.hops.Ask(&asked[i])
	}
	for _, c := range merged {
		k.admit(c)
	}
}

// ends are the addresses, or where these are translated between the vantage
// points the initial sequence numbers, by which views of one connection find each other.
type ends struct {
	client, server netip.AddrPort
	isn            [2]uint32
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
		at := ends{client: c.Client, server: c.Server}
		byNumber, numbered := numbers(c)
		i := slices.IndexFunc(groups[at], func(o *record.Connection) bool { return sameConnection(o, c) })
		if i < 0 && numbered {
			at = byNumber
			i = slices.IndexFunc(groups[at], func(o *record.Connection) bool { return sameConnection(o, c) })
		}
		if i < 0 {
			if c.Facts.Shadow {
				continue
			}
			merged = append(merged, c)
			groups[ends{client: c.Client, server: c.Server}] = append(groups[ends{client: c.Client, server: c.Server}], c)
			if numbered {
				groups[byNumber] = append(groups[byNumber], c)
			}
			continue
		}
		k.join(groups[at][i], c)
	}
	slices.SortStableFunc(merged, func(a, b *record.Connection) int { return cmp.Compare(a.Ended, b.Ended) })
	return merged
}

// numbers are the initial sequence numbers of both sides.
func numbers(c *record.Connection) (ends, bool) {
	s := &c.Facts.TCP.Sides
	return ends{isn: [2]uint32{s[0].ISN, s[1].ISN}}, s[0].HasISN && s[1].HasISN && c.Facts.H2 == nil
}

// sameConnection: two views with the same addresses or numbers are of one
// connection if their initial sequence numbers or handshake keys agree.
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
	for d := range a.Facts.TCP.Sides {
		x, y := a.Facts.TCP.Sides[d], b.Facts.TCP.Sides[d]
		if x.HasISN && y.HasISN {
			return x.ISN == y.ISN
		}
	}
	ua, ub := a.Facts.Upgrade, b.Facts.Upgrade
	if ua != nil && ub != nil && ua.WantAccept != "" && ub.WantAccept != "" {
		return ua.WantAccept == ub.WantAccept
	}
	overlap := a.Started <= b.Ended && b.Started <= a.Ended
	return overlap
}

// pathSeen is what two views of a connection tell together.
type pathSeen struct {
	path *record.Path
	main *record.Connection
}

// join makes c another view of main; the first that is complete speaks.
func (k *collector) join(main, c *record.Connection) {
	if len(main.Views) == 0 {
		main.Views = []record.View{viewOf(main)}
	}
	views := append(main.Views, viewOf(c))
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
// sent beats one that this never came to.
func better(c, main *record.Connection) bool {
	if by := completeness(c) - completeness(main); by != 0 {
		return by > 0
	}
	return c.Facts.TCP.Sides[record.Client].Bytes > main.Facts.TCP.Sides[record.Client].Bytes
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
