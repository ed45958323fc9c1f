package analyze

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/capture"
)

// Limits of what a run remembers across connections.
const (
	// maxEndpoints bounds the endpoints known to speak WebSocket.
	maxEndpoints = 1 << 16
	// maxHeld bounds the connections that wait for what the rest of the
	// capture says of them; beyond it the oldest is judged by what is known.
	maxHeld = 1 << 14
	// maxFinal is how many connections are judged at once.
	maxFinal = 16
)

// collector takes finished connections, adds what other connections say of
// them, has them judged and gives them to the sink.
type collector struct {
	judge    *judge
	o        Options
	sink     record.Sink
	err      error
	stats    Stats
	vantages int

	endpoints map[netip.AddrPort]struct{}
	held      []*record.Connection // in the order in which they became final
	keys      answers
	views     []*record.Connection

	set     correlate.Set
	hops    correlate.Hops
	waiting []waiting // parts of stories that are finished, oldest first
	works   works
	names   names
	paths   []pathSeen
	clocks  clocks
	asks    []correlate.Exchange // of several vantage points

	gateways gateways

	final   []*record.Connection // still to be judged and given away
	bare    [][]record.Finding   // what was found of each of them, in memory that is used again
	sum     summary
	wants   func(*record.Connection) bool
	recycle func(*record.Facts)
}

func newCollector(o Options, rules []*rule.Rule, sink record.Sink) *collector {
	k := &collector{judge: newJudge(rules), o: o, sink: sink, bare: make([][]record.Finding, maxFinal), endpoints: map[netip.AddrPort]struct{}{},
		sum: newSummary(), recycle: func(*record.Facts) {}}
	if some, ok := sink.(record.Selective); ok {
		k.judge.storyless = !some.Events()
		if o.Keep == nil {
			k.wants = some.Wants
		}
	}
	return k
}

// maxExpected bounds the names of files that may each stand for a vantage
// point: a folder of many is an archive.
const maxExpected = 8

// expect prepares for several vantage points where the names of the files do
// not say that one was rotated into the next: with clocks that differ, a connection may
// have ended in one file before the other begins.
func (k *collector) expect(files []*capture.FileInfo) {
	families := map[string]bool{}
	for _, f := range files {
		families[f.Family] = true
	}
	if n := len(families); n > 1 && n <= maxExpected {
		k.vantages = n
	}
}

// add takes the next finished connection.
func (k *collector) add(c *record.Connection, _ int64) {
	if k.vantages > 1 {
		if len(k.views) >= maxHeld {
			k.admitViews()
		}
		k.views = append(k.views, c)
		return
	}
	if c.Facts.Shadow {
		return
	}
	k.admit(c)
}

func (k *collector) admit(c *record.Connection) {
	if c.Facts.Opaque && c.RecognizedBy == record.ByNothing {
		k.sum.OpaqueTLS++
		if k.o.All {
			k.finishOne(c)
		}
		return
	}
	if !k.hops.Empty() {
		if s := k.hops.Story(connOf(c)); s != nil {
			k.part(s, c)
			return
		}
	}
	if !k.admitGateway(c) {
		k.settle(c)
	}
}

// settle gives a connection away unless it has to wait for others.
func (k *collector) settle(c *record.Connection) {
	if c.RecognizedBy == record.ByNothing {
		_, known := k.endpoints[c.Server]
		if known {
			c.RecognizedBy = record.BySameEndpoint
		}
		if k.admitUnreached(c, !known) || !known {
			k.hold(c)
			return
		}
	} else if c.Facts.TCP.ClientBy != "port" {
		k.speaks(c.Server)
	}
	if u := c.Facts.Upgrade; u != nil {
		k.keys.add(c, u)
		if acceptDiffers(u) {
			k.hold(c)
			return
		}
	}
	k.finishOne(c)
}

// speaks notes an endpoint of WebSockets and releases the failures there that
// did not say what they were.
func (k *collector) speaks(server netip.AddrPort) {
	if _, known := k.endpoints[server]; known || len(k.endpoints) >= maxEndpoints {
		return
	}
	k.endpoints[server] = struct{}{}
	kept := k.held[:0]
	for _, c := range k.held {
		if c.RecognizedBy == record.ByNothing && c.Server == server {
			c.RecognizedBy = record.BySameEndpoint
			k.finishOne(c)
			continue
		}
		kept = append(kept, c)
	}
	clear(k.held[len(kept):])
	k.held = kept
}

func (k *collector) hold(c *record.Connection) {
	if len(k.held) >= maxHeld {
		k.release(k.held[0])
		k.held[0] = nil
		k.held = k.held[1:]
	}
	k.held = append(k.held, c)
}

// release judges a held connection by what is known now.
func (k *collector) release(c *record.Connection) {
	if u := c.Facts.Upgrade; u != nil && acceptDiffers(u) {
		accept, _ := u.Response.Get("Sec-WebSocket-Accept")
		if other, ok := k.keys.of(accept); ok && other.ID != c.ID {
			c.Facts.KeyElsewhere = &other
		}
	}
	k.finishOne(c)
}

// acceptDiffers: the 101 proves another key than the request's.
func acceptDiffers(u *record.UpgradeFacts) bool {
	if u.Request == nil || u.Response == nil || u.Response.Status != 101 || u.WantAccept == "" {
		return false
	}
	accept, ok := u.Response.Get("Sec-WebSocket-Accept")
	return ok && accept != u.WantAccept
}

// finishOne takes a connection that is to be judged and given away with the next ones.
func (k *collector) finishOne(c *record.Connection) {
	if k.err != nil {
		return
	}
	k.forgetUnreached(c)
	if k.final = append(k.final, c); len(k.final) >= maxFinal {
		k.flush()
	}
}

// flush judges the connections that are final and gives them away, in order. Each
// stage takes them all before the next begins: the code of all stages does not
// fit into a core's first cache, that of one does.
func (k *collector) flush() {
	for i, c := range k.final {
		k.names.name(c)
		if k.judge.decide(c, k.wants != nil); k.wants != nil {
			k.bare[i] = append(k.bare[i][:0], c.Findings...)
			c.Findings = k.bare[i]
		}
	}
	for _, c := range k.final {
		k.judge.explain(c, k.o, k.wants)
		cause := k.onPath(c)
		k.works.say(c)
		k.give(c, cause)
	}
	k.final = k.final[:0]
}

// fails tells that something kept a connection from working, or ended it: such
// findings come first.
func fails(c *record.Connection) bool {
	return len(c.Findings) > 0 && c.Findings[0].Severity == record.Error
}

// give hands a judged connection to everyone who wants it. cause is the code of
// the finding that explains its end, where that stands at another hop.
func (k *collector) give(c *record.Connection, cause string) {
	failed := fails(c)
	keep := k.o.Keep == nil || k.o.Keep(c)
	if failed && (c.RecognizedBy != record.ByNothing || k.o.Selected && keep) {
		k.stats.Failed++
	}
	if !keep && c.HopOf == "" {
		k.sum.LeftOut++
	}
	k.set.Add(c, keep)
	k.names.need(c)
	if keep && k.err == nil {
		k.sum.add(c, cause)
		k.err = k.sink.Connection(c)
	}
	facts := c.Facts
	c.Facts = nil // before a shard may use both again
	k.recycle(facts)
}

// finish judges what was held back, then the files, and closes the result.
func (k *collector) finish(files []*capture.FileInfo, odd map[int32]*oddities, counts track.Counts) error {
	k.admitViews()
	k.releaseStories()
	k.releaseGateways()
	for _, c := range k.held {
		k.release(c)
	}
	k.flush()
	k.patterns(files)
	for i, f := range files {
		if k.err != nil {
			break
		}
		c := captureRecord(int32(i), f, odd[int32(i)])
		k.judge.capture(&c)
		k.sum.addCapture(&c)
		k.err = k.sink.Capture(c)
	}
	told := k.judge.told()
	for _, code := range slices.Sorted(maps.Keys(told)) {
		if k.err == nil {
			k.err = k.sink.Rule(code, told[code].Record())
		}
	}
	if k.err == nil {
		k.err = k.sink.Summary(k.sum.result(counts, k.judge.title))
	}
	return k.err
}

// captureRecord is what the report says of a file.
func captureRecord(place int32, f *capture.FileInfo, odd *oddities) record.Capture {
	c := record.Capture{File: f.Name, Format: f.Format, Compression: f.Compression, LinkTypes: []string{}, Packets: f.Packets, Bytes: f.Bytes,
		First: record.Time(f.First), Last: record.Time(f.Last), Drops: f.Drops, SHA256: f.SHA256, Findings: []record.Finding{}}
	for _, t := range f.LinkTypes {
		c.LinkTypes = append(c.LinkTypes, t.String())
	}
	slices.Sort(c.LinkTypes)
	facts := &record.CaptureFacts{Backwards: f.Backwards, DropsKnown: f.DropsKnown,
		BackwardsFirst: record.Ref{Packet: f.FirstBackwards, File: place}}
	for _, p := range f.Problems {
		facts.Problems = append(facts.Problems, record.CaptureProblem{Kind: p.Kind.String(), Offset: p.Offset, Packet: p.Packet, Text: p.Text})
	}
	if odd != nil {
		facts.UnsupportedLinkTypes, facts.UnsupportedFirst, facts.UnsupportedPackets = odd.linkTypes, odd.first, odd.packets
	}
	c.Facts = facts
	return c
}
