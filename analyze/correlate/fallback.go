package correlate

import (
	"net/netip"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Poll is a request of a library that does without a WebSocket: Engine.IO,
// SockJS, SignalR.
type Poll struct {
	Client, Server    netip.AddrPort
	Family, Transport string // as http1.PollingTransport has them
	At                record.Ref
}

// keptPolls is how many requests are remembered of a client at an endpoint: the latest.
const keptPolls = 8

type pollKey struct {
	client [16]byte
	server endpoint
}

// polls are the polling requests of one client at one endpoint.
type polls struct {
	n                 int64
	family, transport string
	latest            []record.Ref // in order
}

// AddPoll remembers a polling request.
func (s *Set) AddPoll(p Poll) {
	key := pollKey{p.Client.Addr().As16(), endpointOf(p.Server)}
	have := s.polling[key]
	if have == nil {
		if len(s.polling) >= maxPolling {
			s.limited = true
			return
		}
		if s.polling == nil {
			s.polling = map[pollKey]*polls{}
		}
		have = new(polls)
		s.polling[key] = have
	}
	have.n++
	have.latest = append(have.latest, p.At)
	slices.SortFunc(have.latest, compareRefs)
	if n := len(have.latest); n > keptPolls {
		have.latest = append(have.latest[:0], have.latest[n-keptPolls:]...)
	}
	if have.latest[len(have.latest)-1] == p.At {
		have.family, have.transport = p.Family, p.Transport
	}
}

// Bounds of a fallback.
const (
	// minPolls after the failed attempt: one may have been on its way already.
	minPolls = 2
	// pollsWithin is how soon after the attempt the first of them comes.
	pollsWithin = time.Minute
)

// fallbacks finds clients that went on polling after their WebSocket failed.
// The polling that precedes a healthy upgrade has no failed attempt before it.
func (b *finder) fallbacks() {
	if len(b.set.polling) == 0 {
		return
	}
	attempts := map[pollKey][]*Digest{}
	b.set.each(func(d *Digest) {
		key := pollKey{b.set.addr(d.from()).As16(), endpointOf(b.set.addrPort(d.to()))}
		if _, polls := b.set.polling[key]; polls && d.flags&(unclear|nameless) == 0 {
			attempts[key] = append(attempts[key], d)
		}
	})
	var found []record.Relation
	for key, list := range attempts {
		slices.SortFunc(list, byStart)
		d := list[len(list)-1] // a later one that worked makes up for an earlier one
		if d.flags&failed == 0 || d.flags&opened != 0 && d.age() > shortLived {
			continue
		}
		if f := b.set.polling[key].after(d); f != nil {
			url := d.url // the client may have other WebSockets at this server
			failures := slices.DeleteFunc(list, func(d *Digest) bool { return d.flags&failed == 0 || d.url != url })
			if r, kept := b.relation(failures); kept {
				f.Client, f.Server = netip.AddrFrom16(key.client).Unmap(), key.server.AddrPort()
				r.Fallback = f
				found = append(found, r)
			}
		}
	}
	sortRelations(found, func(r *record.Relation) record.Ref { return r.Fallback.Failed })
	b.found = append(b.found, found...)
}

// after describes the polling after a failed attempt; nil if there was none.
func (p *polls) after(d *Digest) *record.Fallback {
	from := slices.IndexFunc(p.latest, func(r record.Ref) bool { return int64(r.Time) > d.ended })
	if from < 0 {
		return nil
	}
	later := p.latest[from:]
	if len(later) < minPolls {
		return nil
	}
	// Where all that is remembered came later, the first after the attempt may be forgotten.
	if from > 0 && time.Duration(int64(later[0].Time)-d.ended) > pollsWithin {
		return nil
	}
	return &record.Fallback{Family: p.family, Transport: p.transport, Failed: d.end(), Outcome: d.outcome.outcome(), FailedStatus: int(d.status),
		Polls: len(later), First: later[0], Last: later[len(later)-1], Before: p.n - int64(len(later))}
}
