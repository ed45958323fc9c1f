package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Bounds of a server that fails while its siblings work.
const (
	minFailing = 3
	// failPart: at least this part of the server's connections fail, in percent; at most okPart of its siblings'.
	failPart, okPart = 80, 10
	// meanwhile: a sibling works while the server fails, or this long before or after.
	meanwhile = time.Minute
	// maxSiblings bounds the servers of one job.
	maxSiblings = 1 << 7
)

// job is what several servers do: answer one URL, or what one proxy passes on
// of one path. Which of them a connection comes to is not the client's choice.
type job struct {
	proxy addrKey // zero: clients come directly
	what  uint64
}

// part is what one server did of a job.
type part struct {
	server    endKey
	all, fail int
	from, to  int64 // when it failed
	works     []*Digest
	failed    []*Digest
}

// backends finds, for each job of several servers, one that fails while the others work.
func (b *finder) backends() {
	if !b.any.jobs {
		return
	}
	type place struct {
		job
		server endKey
	}
	jobs, at := map[job][]*part{}, map[place]*part{}
	met := map[meeting]map[job]int{}
	add := func(d *Digest, key job) {
		here := place{key, d.to()}
		p := at[here]
		if p == nil {
			parts := jobs[key]
			if len(parts) >= maxSiblings {
				return
			}
			p = &part{server: here.server}
			at[here], jobs[key] = p, append(parts, p)
		}
		p.add(d)
	}
	b.set.each(func(d *Digest) {
		lost := b.often.count(d.meetHash()) >= minFailing
		if !d.job() || b.often.count(d.jobHash()) < minFailing && !lost {
			return
		}
		key := job{what: d.url}
		if d.flags&hop != 0 {
			key = job{proxy: d.from(), what: d.who}
		}
		add(d, key)
		if !lost {
			return
		}
		if met[d.meeting()] == nil {
			met[d.meeting()] = map[job]int{}
		}
		met[d.meeting()][key]++
	})
	for _, d := range b.unreached(met) {
		if key, ok := jobOf(d, met[d.meeting()], jobs); ok {
			add(d, key)
		}
	}
	var found []record.Relation
	for _, parts := range jobs {
		if len(parts) < 2 {
			continue
		}
		slices.SortFunc(parts, func(x, y *part) int {
			return cmp.Or(cmp.Compare(y.fail, x.fail), b.set.addrPort(x.server).Compare(b.set.addrPort(y.server)))
		})
		if works := concentrates(parts); works != nil {
			bad := parts[0]
			if r, kept := b.relation(bad.failed); kept {
				r.Backends = b.describeBackends(parts, works)
				r.Total = bad.fail
				found = append(found, r)
			}
		}
	}
	sortRelations(found, func(r *record.Relation) record.Ref { return r.Backends.At[0] })
	b.found = append(b.found, found...)
}

// meeting is what one address asks of one port, at any server.
type meeting struct {
	client addrKey
	port   uint16
}

func (d *Digest) meeting() meeting { return meeting{d.from(), d.port} }

func (d *Digest) meetHash() uint64 { return mix(d.from().hash(), uint64(d.port)) }

// unreached: no connection came to be, so that nothing says what it was for.
func (d *Digest) unreached() bool {
	return d.url == 0 && outcomes[d.outcome] == record.ConnectFailed && d.stream < 0
}

// unreached lists the connections that never came to be, of those who asked
// other servers at the same port.
func (b *finder) unreached(met map[meeting]map[job]int) (list []*Digest) {
	if len(met) == 0 {
		return nil
	}
	b.set.each(func(d *Digest) {
		if d.unreached() && met[d.meeting()] != nil {
			list = append(list, d)
		}
	})
	return list
}

// jobOf guesses for which job a connection was that never came to be: that for
// which its client asks most. The server did it before, or the client is a
// proxy, or it went to two other servers at least: else it may be anything.
func jobOf(d *Digest, asked map[job]int, jobs map[job][]*part) (best job, ok bool) {
	most := 0
	for key, n := range asked {
		if n > most || n == most && cmp.Or(cmp.Compare(key.proxy, best.proxy), cmp.Compare(key.what, best.what)) < 0 {
			best, most = key, n
		}
	}
	others := 0
	for _, p := range jobs[best] {
		switch {
		case len(p.works) == 0:
		case p.server == d.to():
			return best, true
		default:
			others++
		}
	}
	return best, others >= 2 || others == 1 && best.proxy != 0
}

// job: it says something about the server that did what it asked for. Whether
// there is something at one path is not the client's choice where several
// servers are asked for it.
func (d *Digest) job() bool {
	return d.url != 0 && d.flags&(unclear|nameless) == 0 && (d.flags&clientsFault == 0 || d.status == 404 || d.status == 410)
}

func (d *Digest) jobHash() uint64 {
	if d.flags&hop != 0 {
		return mix(d.from().hash(), d.who)
	}
	return mix(hashSeed, d.url)
}

func (p *part) add(d *Digest) {
	p.all++
	if d.flags&failed == 0 {
		if len(p.works) < record.MaxRelated {
			p.works = append(p.works, d)
		}
		return
	}
	if p.fail == 0 || d.started < p.from {
		p.from = d.started
	}
	p.to = max(p.to, d.ended)
	p.fail++
	if len(p.failed) < record.MaxRelated {
		p.failed = append(p.failed, d)
	}
}

// concentrates: the first of the parts, the one that fails most, fails nearly
// always and the others nearly never; returns a success of another meanwhile.
func concentrates(parts []*part) *Digest {
	bad := parts[0]
	if bad.fail < minFailing || bad.fail*100 < bad.all*failPart {
		return nil
	}
	all, fail := 0, 0
	var works *Digest
	for _, p := range parts[1:] {
		all += p.all
		fail += p.fail
		for _, d := range p.works {
			if d.started >= bad.from-int64(meanwhile) && d.started <= bad.to+int64(meanwhile) && (works == nil || byStart(d, works) < 0) {
				works = d
			}
		}
	}
	if all < minFailing || fail*100 > all*okPart {
		return nil
	}
	return works
}

func (b *finder) describeBackends(parts []*part, works *Digest) *record.Backends {
	bad := parts[0]
	r := &record.Backends{URL: b.set.urls[bad.failed[0].url], Bad: b.set.addrPort(bad.server), Fail: bad.fail, All: bad.all, Works: works.start()}
	how := map[string]int{}
	for i, d := range bad.failed {
		how[d.how()]++
		if i < 3 {
			r.At = append(r.At, d.end())
		}
	}
	r.How = counts(how)
	for _, p := range parts[1:] {
		r.Others = append(r.Others, b.set.addrPort(p.server))
		r.OthersN += p.all
		r.OthersFail += p.fail
	}
	slices.SortFunc(r.Others, func(x, y netip.AddrPort) int { return x.Compare(y) })
	return r
}

// Limits of browsers, as their sources have them: Chromium's
// client_socket_pool_manager.cc (255 WebSockets in a group), Firefox's preference
// network.websocket.max-connections (200).
var browserLimit = [...]int{chromium: 255, firefox: 200}

// heldFor is how long a client must have stood at its limit.
const heldFor = 2 * time.Second

// full finds clients that held as many WebSockets to one endpoint as their
// browser allows, and no more.
func (b *finder) full() {
	if !b.any.full {
		return
	}
	lists := map[group][]*Digest{}
	b.set.each(func(d *Digest) {
		if d.browser != otherClient && d.flags&opened != 0 && d.flags&hop == 0 && b.often.count(d.holderHash()) >= browserLimit[firefox] {
			lists[d.holder()] = append(lists[d.holder()], d)
		}
	})
	var found []record.Relation
	for _, list := range lists {
		if f, members := fullest(list); f != nil {
			if r, kept := b.relation(members); kept {
				f.Client, f.Server = b.set.addr(list[0].from()), b.set.addrPort(list[0].to())
				f.URL = b.set.urls[list[0].url]
				r.Full = f
				found = append(found, r)
			}
		}
	}
	sortRelations(found, func(r *record.Relation) record.Ref { return r.Full.At })
	b.found = append(b.found, found...)
}

// change is the opening or the end of a connection.
type change struct {
	at   int64
	step int
	d    *Digest
}

// fullest is the time at which a client held the most connections, if that is
// its browser's limit and it stood there for a while.
func fullest(list []*Digest) (*record.Full, []*Digest) {
	var changes []change
	for _, d := range list {
		changes = append(changes, change{d.opened, 1, d})
		if d.flags&stillOpen == 0 {
			changes = append(changes, change{d.ended, -1, d})
		}
	}
	slices.SortFunc(changes, func(x, y change) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.step, y.step), byStart(x.d, y.d))
	})
	held, most, at := 0, 0, 0
	for i, c := range changes {
		if held += c.step; held > most {
			most, at = held, i
		}
	}
	first := list[0]
	if most != browserLimit[first.browser] {
		return nil, nil
	}
	f := &record.Full{Most: most,
		Browser: browserNames[first.browser], At: changes[at].d.start()}
	if at+1 < len(changes) {
		next := changes[at+1]
		f.For, f.Until = time.Duration(next.at-changes[at].at), next.d.end()
	} else { // all are open still: as far as any of them is seen
		for _, d := range list {
			f.For = max(f.For, time.Duration(d.ended-changes[at].at))
		}
	}
	if f.For < heldFor {
		return nil, nil
	}
	var members []*Digest
	for _, d := range list {
		if d.opened <= changes[at].at && (d.flags&stillOpen != 0 || d.ended > changes[at].at) {
			members = append(members, d)
		}
	}
	return f, members
}
