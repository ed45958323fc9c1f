package correlate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Exchange is a handshake with what its connection tells once it is finished.
type Exchange struct {
	Handshake
	Answered  record.Time // 0: it was not
	Ended     record.Time // the connection's last packet
	Status    int
	Software  uint64 // HashText of what names the client's software; 0: nothing does
	Authority uint64 // HashText of the host
	// Numbered: the beginning of its TCP connection was seen, so that another
	// view of it would have been known as one.
	Numbered bool
}

// Bounds of joining what different vantage points saw of one handshake.
const (
	// maxSkew is how far clocks may be apart of which nothing is known.
	maxSkew = 10 * time.Second
	// clockError is how wrong the offset of two clocks may be that was measured
	// at packets which both saw.
	clockError = 50 * time.Millisecond
	// maxPairs bounds the pairs of handshakes that are compared in search of an
	// offset: where there are more, it is not searched for. maxCouples bounds
	// those that are compared where it is known.
	maxPairs, maxCouples = 1 << 10, 1 << 16
	// maxRounds bounds how often what was joined is asked for what else it decides.
	maxRounds = 64
)

// span is where the offset of two clocks must lie: how far the second is ahead.
type span struct{ from, to record.Time }

func (s span) meets(o span) bool { return s.from <= o.to && o.from <= s.to }

func (s span) and(o span) span { return span{max(s.from, o.from), min(s.to, o.to)} }

// vantages are two vantage points: of a handshake and of the one that passes it on.
type vantages struct{ front, back int32 }

// joining is a search over several vantage points.
type joining struct {
	hops   *Hops
	list   []Exchange
	known  func(a, b int32) (record.Time, bool)
	clocks map[vantages]span
}

// joinApart joins handshakes that different vantage points saw before and
// behind a proxy. Their clocks may differ: known tells by how much b's is ahead of
// a's, where both saw the same packets. What is ambiguous is not joined. The
// list is in order of vantage points and of time.
func (h *Hops) joinApart(list []Exchange, known func(a, b int32) (record.Time, bool)) {
	if h.stories == nil {
		h.stories = map[Conn]*Story{}
	}
	s := joining{hops: h, list: list, known: known, clocks: map[vantages]span{}}
	s.sameKeys()
	found := s.pairs()
	for _, at := range slices.SortedFunc(maps.Keys(found), func(a, b vantages) int {
		return cmp.Or(cmp.Compare(a.front, b.front), cmp.Compare(a.back, b.back))
	}) {
		s.otherKeys(at, found[at])
	}
}

// sameKeys joins by the key: chance does not make two.
func (s *joining) sameKeys() {
	byKey := map[uint64][]int{}
	for i := range s.list {
		if key := s.list[i].Key; key != 0 {
			byKey[key] = append(byKey[key], i)
		}
	}
	for i := range s.list {
		b := &s.list[i]
		group := byKey[b.Key]
		if len(group) < 2 || len(group) > maxChain {
			continue
		}
		for _, k := range group {
			a := &s.list[k]
			if a.Vantage == b.Vantage || !s.otherServer(a, b) {
				continue
			}
			strong := a.Server.Addr() == b.Client.Addr() || b.For.IsValid() && b.For == a.Client.Addr()
			if strong || len(group) == 2 && !b.Sample && s.passes(a, b) {
				if s.hops.join(a.Conn, b.Conn) {
					s.narrow(vantages{a.Vantage, b.Vantage}, offsets(a, b))
				}
				break
			}
		}
	}
}

// otherServer: it goes to another endpoint, or in another TCP connection to the
// same one, as behind a device that nobody asked for.
func (s *joining) otherServer(a, b *Exchange) bool {
	return a.Server != b.Server || a.Numbered && b.Numbered && a.Client.Addr() != b.Client.Addr()
}

// passes: of two handshakes with one key, b is what came of a.
func (s *joining) passes(a, b *Exchange) bool {
	if a.Client.Addr() == b.Client.Addr() || a.Client.Addr() == b.Server.Addr() || !b.Passed && a.Target != b.Target {
		return false
	}
	if a.Passed != b.Passed {
		return b.Passed
	}
	if at, ok := s.window(vantages{a.Vantage, b.Vantage}); ok {
		return at.meets(offsets(a, b))
	}
	// A proxy that gets no answer gives one of its own; else its client gets none either.
	if (a.Answered > 0) != (b.Answered > 0) {
		return (a.Answered > 0) == (max(a.Status, b.Status) >= 500)
	}
	// The one that waits for the other's answer takes longer.
	if d := a.waited() - b.waited(); d != 0 {
		return d > 0
	}
	return a.At.Time < b.At.Time
}

// waited is the time until an answer, or until there was none to be expected.
func (x *Exchange) waited() record.Time {
	if x.Answered > 0 {
		return x.Answered - x.At.Time
	}
	return x.Ended - x.At.Time
}

// offsets are those of b's clock with which b lies within a: it was asked after
// it, soon, and answered before it.
func offsets(a, b *Exchange) span {
	s := span{b.At.Time - a.At.Time - record.Time(renewed), b.At.Time - a.At.Time}
	if a.Answered > 0 && b.Answered > 0 {
		s.from = max(s.from, b.Answered-a.Answered)
	}
	return s
}

// window is what is known of the clocks of two vantage points.
func (s *joining) window(at vantages) (span, bool) {
	if w, ok := s.clocks[at]; ok {
		return w, true
	}
	offset, ok := s.known(at.front, at.back)
	if !ok {
		return span{}, false
	}
	w := span{offset - record.Time(clockError), offset + record.Time(clockError)}
	s.clocks[at] = w
	return w, true
}

func (s *joining) narrow(at vantages, by span) {
	w, ok := s.window(at)
	if !ok {
		s.clocks[at] = by
	} else if w.meets(by) {
		s.clocks[at] = w.and(by)
	}
}

// couple is a handshake and one that may be what a proxy made of it.
type couple struct {
	front, back int
	span
}

// pairs lists, for each two vantage points, what may belong together: the same
// target, from the proxy that was asked or for the client that asked, and
// within the other for some offset of the clocks.
func (s *joining) pairs() map[vantages][]couple {
	type group struct {
		target  uint64
		vantage int32
	}
	fronts, points := map[group][]int{}, map[int32]bool{}
	for i := range s.list {
		x := &s.list[i]
		points[x.Vantage] = true
		if x.Target != 0 && !s.hops.passedOn(x.Conn) {
			fronts[group{x.Target, x.Vantage}] = append(fronts[group{x.Target, x.Vantage}], i)
		}
	}
	found := map[vantages][]couple{}
	for i := range s.list {
		b := &s.list[i]
		if s.hops.comesFrom(b.Conn) {
			continue
		}
		for point := range points {
			if at := (vantages{point, b.Vantage}); point != b.Vantage {
				found[at] = s.add(found[at], fronts[group{b.Target, point}], i, at)
			}
		}
	}
	return found
}

// add adds the pairs of one handshake with some, which are in order of time.
func (s *joining) add(list []couple, fronts []int, back int, at vantages) []couple {
	b := &s.list[back]
	w, known := s.window(at)
	if known {
		from, _ := slices.BinarySearchFunc(fronts, b.At.Time-w.to-record.Time(renewed), func(k int, t record.Time) int { return cmp.Compare(s.list[k].At.Time, t) })
		fronts = fronts[from:]
	}
	for _, k := range fronts {
		a := &s.list[k]
		if known && a.At.Time > b.At.Time-w.from || len(list) > maxCouples || !known && len(list) > maxPairs {
			break
		}
		if a.Key != 0 && a.Key == b.Key || a.Server == b.Server || !s.mayPass(a, b) {
			continue
		}
		if c := (couple{k, back, offsets(a, b)}); c.from <= c.to && (!known || w.meets(c.span)) {
			list = append(list, c)
		}
	}
	return list
}

// mayPass: addresses and software do not speak against it.
func (s *joining) mayPass(a, b *Exchange) bool {
	if a.Software != b.Software && a.Software != 0 && b.Software != 0 {
		return false
	}
	if b.For.IsValid() {
		return b.For == a.Client.Addr()
	}
	return a.Server.Addr() == b.Client.Addr()
}

// otherKeys joins the pairs of two vantage points of which each is the only one
// that fits, going on with what these tell of the clocks.
func (s *joining) otherKeys(at vantages, pairs []couple) {
	if _, ok := s.window(at); !ok {
		w, ok := s.guess(pairs)
		if !ok {
			return
		}
		s.clocks[at] = w
	}
	if len(pairs) > maxCouples {
		return
	}
	for again, round := true, 0; again && round < maxRounds; round++ {
		again = false
		fronts, backs := map[int]int{}, map[int]int{}
		pairs = slices.DeleteFunc(pairs, func(c couple) bool { return !c.meets(s.clocks[at]) })
		for _, c := range pairs {
			fronts[c.front]++
			backs[c.back]++
		}
		pairs = slices.DeleteFunc(pairs, func(c couple) bool {
			if fronts[c.front] > 1 || backs[c.back] > 1 || !c.meets(s.clocks[at]) {
				return false
			}
			if s.hops.join(s.list[c.front].Conn, s.list[c.back].Conn) {
				s.narrow(at, c.span)
				again = true
			}
			return true
		})
	}
}

// guess finds the one offset of the clocks with which most handshakes fit,
// where nothing else tells it; only from pairs that agree in all that a proxy
// usually leaves alone.
func (s *joining) guess(pairs []couple) (best span, ok bool) {
	if len(pairs) > maxPairs {
		return best, false
	}
	pairs = slices.DeleteFunc(slices.Clone(pairs), func(c couple) bool {
		a, b := &s.list[c.front], &s.list[c.back]
		return a.Authority != b.Authority || a.Status != b.Status || a.Status == 0 ||
			!c.meets(span{-record.Time(maxSkew), record.Time(maxSkew)})
	})
	most, rival := 0, 0
	score := make([]int, len(pairs))
	for i, c := range pairs {
		fronts, backs := map[int]bool{}, map[int]bool{}
		for _, o := range pairs {
			if o.meets(c.span) {
				fronts[o.front], backs[o.back] = true, true
			}
		}
		if score[i] = min(len(fronts), len(backs)); score[i] > most {
			most, best = score[i], c.span
		}
	}
	for i, c := range pairs {
		if !c.meets(best) {
			rival = max(rival, score[i])
		}
	}
	return best, most > rival
}

// passedOn tells whether something is known to have come of a handshake.
func (h *Hops) passedOn(c Conn) bool {
	s := h.stories[c]
	return s != nil && slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Front >= 0 && s.Parts[p.Front].Conn == c })
}

// comesFrom tells whether a handshake is known to have come of another.
func (h *Hops) comesFrom(c Conn) bool {
	s := h.stories[c]
	return s != nil && slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Conn == c && p.Front >= 0 })
}

// byTime sorts exchanges of one vantage point.
func byTime(a, b Exchange) int {
	return cmp.Or(cmp.Compare(a.Vantage, b.Vantage), cmp.Compare(a.At.Time, b.At.Time))
}

// AskApart takes all handshakes that several vantage points saw: what was known
// of them so far is forgotten, but for stories of which parts are finished.
func (h *Hops) AskApart(list []Exchange, known func(a, b int32) (record.Time, bool)) {
	slices.SortStableFunc(list, byTime)
	h.forget()
	maps.DeleteFunc(h.stories, func(_ Conn, s *Story) bool { return !s.begun() })
	for i := range list {
		if i > 0 && list[i].Vantage != list[i-1].Vantage {
			h.forget() // other clocks
		}
		h.Ask(&list[i].Handshake)
	}
	h.joinApart(list, known)
}
