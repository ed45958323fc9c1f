// Package analyze turns packets into verdicts: Run reads a source to its end,
// follows every connection and gives the sink each one as it becomes final,
// then the patterns, the captures, the catalogue's texts and the summary.
//
// Most callers need only Run.
package analyze

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
	"github.com/wsleuth/wsleuth/reassembly"
)

const (
	// ctxEvery is how many batches pass between looks at the context.
	ctxEvery = 1 << 8
	// maxBatch is how many packets a batch has at most.
	maxBatch = reassembly.TouchBatch
)

// engine is one run: the pipeline from packets to finished connections.
type engine struct {
	src     capture.Source
	decoder *link.Decoder
	table   *reassembly.Table
	tracker *track.Tracker
	shards  *shards // instead of table and tracker; nil: there is one goroutine
	trial   *trial  // until it is known which of them is of use
	many    many    // of one goroutine
	o       track.Options
	collect *collector
	// Of the only tracker, what the collector has not seen yet: requests, and
	// connections that were closed after them.
	asked  []correlate.Handshake
	closed []*record.Connection
	names  []string
	ends   []record.Ref   // the last packet of each vantage point
	pauses [][]record.Ref // and those before which, from one file to the next, it was not there
	odd    map[int32]*oddities
	quic   quic
	keys   *decrypt.Keys
	infos  []*capture.FileInfo
	taken  []int // how many embedded secrets of each file are among the keys
	live   live
}

// oddities are what one file holds that cannot be decoded.
type oddities struct {
	first     record.Ref
	packets   int64
	linkTypes []string
}

// Run analyses everything that src holds and gives the results to sink. What
// was read is reported even if ctx ends or reading fails; the error says so.
func Run(ctx context.Context, src capture.Source, o Options, sink record.Sink) (Stats, error) {
	e := &engine{src: src, decoder: link.NewDecoder(), odd: map[int32]*oddities{}}
	e.keys = o.Keys
	if e.keys == nil {
		e.keys = new(decrypt.Keys)
	}
	e.collect = newCollector(o, catalog.All(), sink)
	e.collect.expect(src.Files())
	e.live.init(o)
	e.start(o)
	readErr := e.read(ctx)
	e.lateNames()
	if o.Closing != nil {
		o.Closing()
	}
	counts := e.finish()
	e.collect.sum.limits.link(e.decoder.Dropped())
	e.collect.sum.QUICConnections, e.collect.sum.limits.quic = int64(len(e.quic.seen)), e.quic.more
	if errors.Is(readErr, context.Canceled) && o.Live == nil {
		e.collect.sum.limits.stopped(e.src.Files())
	}
	sinkErr := e.collect.finish(e.src.Files(), e.odd, counts)
	return e.collect.stats, errors.Join(readErr, sinkErr)
}

// start makes what follows the connections, unless that depends on the packets.
func (e *engine) start(o Options) {
	e.o = track.Options{Emit: e.collect.add, Files: e.files, Encapsulation: e.decoder.Encapsulation, End: e.end, Keys: e.keys,
		Polled: e.collect.polled, Named: e.collect.named, Refused: e.collect.refused, Apart: func() bool { return e.collect.vantages > 1 },
		Follow: o.follow(), Opaque: o.All, Budget: new(ws.Budget)}
	switch n := shardsFor(o); {
	case n == 1:
		e.alone()
	case o.Threads > 0:
		e.shards = startShards(n, e.o, e.collect)
		e.shards.keep(e.src)
	default:
		e.trial = &trial{shards: n}
	}
}

// alone makes one goroutine do everything.
func (e *engine) alone() {
	o := e.o
	o.Emit = func(c *record.Connection, _ int64) {
		if e.closed = append(e.closed, c); len(e.closed) >= maxFinal {
			e.flush()
		}
	}
	o.Asked = func(a *track.Ask) {
		e.flush()
		if e.asked = append(e.asked, handshakeAsked(a)); len(e.asked) >= maxFinal {
			e.ask()
		}
	}
	o.Polled = func(p track.Poll) {
		e.catchUp()
		e.o.Polled(p)
	}
	o.Named = func(n *track.Named) {
		e.catchUp()
		e.o.Named(n)
	}
	o.Refused = func(at record.Ref) {
		e.catchUp()
		e.o.Refused(at)
	}
	e.tracker = track.New(o)
	e.collect.recycle = e.tracker.Recycle
	e.table = reassembly.New(reassembly.Options{Handler: e.tracker, Limits: e.collect.o.limits})
}

// flush gives the collector the connections that were closed, which were followed
// first: see collector.flush.
func (e *engine) flush() {
	if len(e.closed) > 0 {
		e.give()
	}
}

func (e *engine) give() {
	e.ask()
	for _, c := range e.closed {
		e.tracker.Fill(c)
	}
	for _, c := range e.closed {
		e.collect.add(c, 0)
	}
	e.closed = e.closed[:0]
	e.collect.flush()
}

// ask gives the collector the requests that were seen.
func (e *engine) ask() {
	for i := range e.asked {
		e.collect.asked(&e.asked[i])
	}
	e.asked = e.asked[:0]
}

func (e *engine) catchUp() {
	e.ask()
	e.flush()
}

// finish closes what is still open at the end of the capture.
func (e *engine) finish() (counts track.Counts) {
	e.decide()
	if e.shards != nil {
		counts = e.shards.finish()
	} else {
		e.lastKeys()
		e.table.Close()
		e.catchUp()
		e.collect.sum.limits.letGo = e.table.Counters.LetGo
		counts = e.tracker.Counts
	}
	// What connections have in common is searched for next, in the memory that
	// following them took.
	if k, ok := e.src.(capture.Keeper); ok {
		k.Keep(nil)
	}
	e.shards, e.table, e.tracker = nil, nil, nil
	e.collect.recycle = func(*record.Facts) {}
	return counts
}

// take follows a packet.
func (e *engine) take(p *capture.Packet, ip *link.IP) {
	switch {
	case e.trial != nil:
		if e.trial.add(p, ip) {
			e.decide()
		}
	case e.shards != nil:
		e.shards.packet(p, ip)
	default:
		e.follow(p, ip, 0)
	}
}

// many is what followMany decoded of a batch.
type many struct {
	ips    [maxBatch]link.IP
	at     [maxBatch]int    // places of the packets
	hashes [maxBatch]uint64 // reassembly.FlowHash
}

// followMany follows a batch where there are many connections, so that the
// processor waits for what is known of the batch's at once.
func (e *engine) followMany(packets []capture.Packet) {
	m, n := &e.many, 0
	for i := range packets {
		switch p := &packets[i]; e.decoder.Decode(p, &m.ips[n]) {
		case link.Decoded:
			e.quic.packet(&m.ips[n])
			m.at[n], m.hashes[n] = i, reassembly.FlowHash(&m.ips[n], p.Vantage)
			n++
		case link.Unsupported:
			e.unsupported(p)
		}
	}
	e.table.Touch(m.hashes[:n])
	for i := range n {
		e.follow(&packets[m.at[i]], &m.ips[i], m.hashes[i])
	}
}

// follow follows a packet.
func (e *engine) follow(p *capture.Packet, ip *link.IP, hash uint64) {
	if ip.Protocol != link.ProtocolTCP || e.collect.names.Waiting() && follows(ip) {
		e.table.Advance(p.Clock)
		e.flush()
		e.collect.names.packet(p, ip)
	}
	e.table.PacketHashed(p, ip, hash)
	e.flush()
}

// decide ends the trial: what it held is followed now.
func (e *engine) decide() {
	t := e.trial
	if t == nil {
		return
	}
	e.trial = nil
	t.keys = e.keys.Len() > 0
	if t.pays() {
		e.shards = startShards(t.shards, e.o, e.collect)
	} else {
		e.alone()
	}
	for i := range t.packets {
		e.take(&t.packets[i].p, &t.packets[i].ip)
	}
	if e.shards != nil {
		e.shards.keep(e.src)
	}
}

// settle lets everything happen that the packets so far bring about.
func (e *engine) settle() {
	if e.trial != nil && len(e.trial.packets) > 0 {
		e.decide()
	}
	if e.shards != nil {
		e.shards.settle()
	}
	e.catchUp()
}

// stopped tells that the sink takes no more.
func (e *engine) stopped() bool {
	if e.shards != nil {
		return e.shards.failed.Load()
	}
	return e.collect.err != nil
}

func (e *engine) read(ctx context.Context) error {
	var ip link.IP
	packets := make([]capture.Packet, maxBatch)
	next := e.batches()
	for n := 0; ; n++ {
		if n%ctxEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if e.stopped() {
				return nil // the sink's error is reported at the end
			}
		}
		count, err := next(packets)
		if err != nil {
			if e.live.ticks(err) {
				e.look(packets[0].Clock)
				continue
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		p := &packets[0]
		if p.Clock >= e.live.next {
			e.look(p.Clock)
		}
		if e.news(p) {
			e.settle()
			e.learn(p)
		}
		e.reach(p, &packets[count-1])
		if e.table != nil && count > 1 && e.table.Len() > manyFlows {
			e.followMany(packets[:count])
			continue
		}
		for i := range packets[:count] {
			p := &packets[i]
			switch e.decoder.Decode(p, &ip) {
			case link.Decoded:
				e.quic.packet(&ip)
				e.take(p, &ip)
			case link.Unsupported:
				e.unsupported(p)
			}
		}
	}
}

// batches gives the source's packets: as many at once as it likes, unless
// somebody looks on.
func (e *engine) batches() func([]capture.Packet) (int, error) {
	if b, ok := e.src.(capture.Batcher); ok && e.live.Live == nil {
		return b.Batch
	}
	return func(ps []capture.Packet) (int, error) { return 1, e.src.Next(&ps[0]) }
}

// news tells that with a packet comes what is not of its connection alone: a
// file, a vantage point, secrets or names.
func (e *engine) news(p *capture.Packet) bool {
	if int(p.File) >= len(e.infos) || int(p.Vantage) >= len(e.ends) {
		return true
	}
	f := e.infos[p.File]
	return len(f.Secrets) > e.taken[p.File] || len(f.Names) > e.collect.names.known(p.File)
}

// lateNames takes the names that stand behind a file's last packet, as tools
// write what they resolved while they captured.
func (e *engine) lateNames() {
	settled := false
	for i, f := range e.infos {
		if len(f.Names) <= e.collect.names.known(int32(i)) {
			continue
		}
		if !settled {
			e.settle()
			settled = true
		}
		e.collect.names.blocks(f, int32(i))
	}
}

func (e *engine) learn(p *capture.Packet) {
	if int(p.File) >= len(e.infos) {
		e.newFile()
	}
	if f := e.infos[p.File]; len(f.Secrets) > e.taken[p.File] {
		e.takeSecrets(p.File)
	}
	e.collect.names.blocks(e.infos[p.File], p.File)
	if int(p.Vantage) >= len(e.ends) {
		e.grow(p.Vantage)
	}
}

func (e *engine) grow(vantage int32) {
	for int(vantage) >= len(e.ends) {
		e.ends, e.pauses = append(e.ends, record.Ref{}), append(e.pauses, nil)
	}
	e.collect.vantages = max(e.collect.vantages, len(e.ends))
}

// maxTail bounds how long a file's word is taken for it that nothing came
// after its last packet: tools that shift packets in time leave it as it was.
const maxTail = record.Time(time.Hour)

// maxPause is the longest time from one file to the next in which they are
// taken for parts of one capture: those of a longer one are of several.
const maxPause = record.Time(time.Minute)

// reach notes how far the capture of a vantage point goes.
func (e *engine) reach(first, last *capture.Packet) {
	end := &e.ends[first.Vantage]
	if end.Seen() && first.File != end.File && record.Time(first.Time)-end.Time > maxPause {
		e.pauses[first.Vantage] = append(e.pauses[first.Vantage], *end)
	}
	*end = record.Ref{Packet: last.Number, Time: record.Time(last.Time), File: last.File}
}

// end is the end of a vantage point's capture, for a connection whose last
// packet came at this time: the last packet of all, at the time until which it
// is known that none came after.
func (e *engine) end(vantage int32, at record.Time) record.Ref {
	for _, pause := range e.pauses[vantage] {
		if at <= pause.Time {
			return e.until(pause)
		}
	}
	end := e.until(e.ends[vantage])
	end.Time = max(end.Time, record.Time(e.live.clock))
	return end
}

// until takes a file's word for how long it was written after its last packet.
func (e *engine) until(last record.Ref) record.Ref {
	if int(last.File) < len(e.infos) {
		if ended := record.Time(e.infos[last.File].Ended); ended-last.Time <= maxTail {
			last.Time = max(last.Time, ended)
		}
	}
	return last
}

// newFile notes that packets of another file come.
func (e *engine) newFile() {
	e.infos = e.src.Files()
	e.names = make([]string, len(e.infos))
	for i, f := range e.infos {
		e.names[i] = f.Name
	}
	for len(e.taken) < len(e.infos) {
		e.taken = append(e.taken, 0)
	}
}

// takeSecrets adds the decryption secrets that a file embeds to the keys.
func (e *engine) takeSecrets(file int32) {
	secrets := e.infos[file].Secrets
	for _, s := range secrets[e.taken[file]:] {
		if s.Type == capture.SecretsTLSKeyLog {
			// Lines that cannot be read are no loss of packets: they are left out.
			_ = e.keys.AddKeyLog(bytes.NewReader(s.Data), e.names[file])
		}
	}
	e.taken[file] = len(secrets)
}

// files names the files of the source.
func (e *engine) files() []string { return e.names }

func (e *engine) unsupported(p *capture.Packet) {
	o := e.odd[p.File]
	if o == nil {
		o = &oddities{first: record.Ref{Packet: p.Number, Time: record.Time(p.Time), File: p.File}}
		e.odd[p.File] = o
	}
	o.packets++
	name := p.LinkType.String()
	for _, have := range o.linkTypes {
		if have == name {
			return
		}
	}
	o.linkTypes = append(o.linkTypes, name)
}
