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

// mergeViews joins the records of one TCP connection that several vantage
// points saw; each was analysed on its own. The first view that is complete speaks.
func mergeViews(all []*record.Connection) []*record.Connection {
	type key struct{ client, server netip.AddrPort }
	slices.SortStableFunc(all, func(a, b *record.Connection) int { return cmp.Compare(a.Facts.Vantage, b.Facts.Vantage) })
	groups := map[key][]*record.Connection{}
	var merged []*record.Connection
	for _, c := range all {
		at := key{c.Client, c.Server}
		i := slices.IndexFunc(groups[at], func(o *record.Connection) bool { return sameConnection(o, c) })
		if i < 0 {
			groups[at] = append(groups[at], c)
			merged = append(merged, c)
			continue
		}
		join(groups[at][i], c)
	}
	slices.SortStableFunc(merged, func(a, b *record.Connection) int { return cmp.Compare(a.Ended, b.Ended) })
	return merged
}

// sameConnection: two views with the same addresses are of one connection if
// their initial sequence numbers or handshake keys agree.
func sameConnection(a, b *record.Connection) bool {
	if a.Facts.Vantage == b.Facts.Vantage {
		return false
	}
	if d := a.Started - b.Started; d > maxClockOffset || d < -maxClockOffset {
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

// join makes c another view of main; the first that is complete speaks.
func join(main, c *record.Connection) {
	if len(main.Views) == 0 {
		main.Views = []record.View{viewOf(main)}
	}
	views := append(main.Views, viewOf(c))
	if completeness(c) > completeness(main) {
		*main = *c
	}
	main.Views = views
}

func viewOf(c *record.Connection) record.View {
	return record.View{Capture: c.Capture, FirstPacket: c.FirstPacket, LastPacket: c.LastPacket}
}

// completeness ranks views: one with the whole connection beats one without
// its beginning or with holes, which beats one that never saw a WebSocket.
func completeness(c *record.Connection) int {
	t := &c.Facts.TCP
	switch {
	case c.RecognizedBy == record.ByNothing:
		return 0
	case t.OneWay || t.LateStart:
		return 1
	case t.GapBytes[0]+t.GapBytes[1] > 0 || t.CutShort > 0:
		return 2
	}
	return 3
}

// admitViews joins what several vantage points saw, and takes it as if one had.
func (k *collector) admitViews() {
	if len(k.views) == 0 {
		return
	}
	merged := mergeViews(k.views)
	k.views = nil
	k.hops.Apart = true
	asked := make([]correlate.Handshake, 0, len(merged))
	for _, c := range merged {
		if h, ok := handshakeOf(c); ok {
			asked = append(asked, h)
		}
	}
	slices.SortStableFunc(asked, func(a, b correlate.Handshake) int { return cmp.Compare(a.At.Time, b.At.Time) })
	for _, h := range asked {
		k.hops.Ask(h)
	}
	for _, c := range merged {
		k.admit(c)
	}
}
