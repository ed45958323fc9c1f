package correlate

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Digest is what is remembered of a finished connection: of a fixed size and
// without pointers. A test holds its size.
type Digest struct {
	client, server uint32 // addresses, see Set.short
	who            uint64 // the client behind the address: forwarded-for, User-Agent; of a further hop, the path
	url            uint64 // host and path; 0: no request
	started, ended int64
	opened         int64 // 0: never
	silence        int64 // before the end
	first, at      int64 // packets: the first, and the one that ended or refused it
	stream         int32 // -1: no HTTP/2 stream
	firstFile      int32
	atFile         int32
	port           uint16 // the server's
	close          uint16 // code of the first Close frame
	status         uint16
	flags          flags
	outcome        outcomeCode
	browser        browser
}

type flags uint16

const (
	failed       flags = 1 << iota // it did not come to a clean end and is not open
	opened                         // the WebSocket opened
	cutOff                         // it was open and was ended without a Close frame
	byServerSide                   // it was open and the server's side ended it
	byClientSide                   // the side that opened the TCP connection did
	timer                          // a finding names a timer as the cause of the cut
	hop                            // the further hop of another connection
	inReport                       // the report shows it
	nameless                       // nothing says that it was a WebSocket
	clientsFault                   // who has to act is the client
	stillOpen                      // at the end of the capture
	unclear                        // the capture does not hold enough
	prefixed                       // the ID names the file
	wideClient                     // the client's address is one of IPv6
	wideServer
)

type outcomeCode uint8

var outcomes = [...]record.Outcome{record.ConnectFailed, record.TunnelFailed, record.TLSFailed, record.Rejected, record.NoResponse,
	record.InvalidHandshake, record.ProtocolError, record.ClosedClean, record.ClosedError, record.ClosedAbnormal, record.Open, record.Opaque, record.Incomplete}

func outcomeOf(o record.Outcome) outcomeCode {
	for i := range outcomes {
		if outcomes[i] == o {
			return outcomeCode(i)
		}
	}
	return outcomeCode(len(outcomes) - 1)
}

func (o outcomeCode) outcome() record.Outcome { return outcomes[o] }

// browser is a client software with a known limit of connections.
type browser uint8

const (
	otherClient browser = iota
	chromium
	firefox
)

var browserNames = [...]string{"", "Chromium", "Firefox"}

// group is the key of attempts that belong together: one client, one URL.
type group struct {
	client addrKey
	who    uint64
	what   uint64 // the URL; without one, the endpoint
}

func (d *Digest) group() group {
	g := group{client: d.from(), who: d.who, what: d.url}
	if g.what == 0 {
		// What did not come to a request has no User-Agent either.
		g.what, g.who = d.to().hash(), 0
	}
	return g
}

func (d *Digest) groupHash() uint64 {
	g := d.group()
	return mix(mix(g.client.hash(), g.who), g.what)
}

// holder is the key of what one client holds open at one endpoint.
func (d *Digest) holder() group {
	return group{client: d.from(), who: d.who, what: d.to().hash()}
}

func (d *Digest) holderHash() uint64 {
	return mix(mix(d.to().hash(), d.who), d.from().hash())
}

// ID is the connection's name in the report.
func (d *Digest) ID() string {
	b := make([]byte, 0, 24)
	if d.flags&prefixed != 0 {
		b = strconv.AppendInt(b, int64(d.firstFile)+1, 10)
		b = append(b, ':')
	}
	b = strconv.AppendInt(b, d.first, 10)
	if d.stream >= 0 {
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(d.stream), 10)
	}
	return string(b)
}

// end is the packet that ended or refused the connection.
func (d *Digest) end() record.Ref {
	return record.Ref{Packet: d.at, Time: record.Time(d.ended), File: d.atFile}
}

func (d *Digest) start() record.Ref {
	return record.Ref{Packet: d.first, Time: record.Time(d.started), File: d.firstFile}
}

func byStart(a, b *Digest) int {
	if c := cmp.Compare(a.started, b.started); c != 0 {
		return c
	}
	if c := cmp.Compare(a.firstFile, b.firstFile); c != 0 {
		return c
	}
	if c := cmp.Compare(a.first, b.first); c != 0 {
		return c
	}
	return cmp.Compare(a.stream, b.stream)
}

// fill takes from a judged connection what patterns need, but for its addresses.
func (d *Digest) fill(c *record.Connection, kept bool) {
	f := c.Facts
	d.started, d.first, d.firstFile = int64(c.Started), f.First.Packet, f.First.File
	d.stream = -1
	if i := strings.IndexByte(c.ID, '/'); i >= 0 {
		stream, _ := strconv.ParseInt(c.ID[i+1:], 10, 32)
		d.stream = int32(stream)
	}
	d.outcome = outcomeOf(c.Outcome)
	d.flagsOf(c, kept)
	for i := range c.Findings {
		if code := c.Findings[i].Code; code == "WS716" || code == "WS717" {
			d.flags |= timer
		}
	}
	d.ending(f)
	d.request(f)
}

func (d *Digest) flagsOf(c *record.Connection, kept bool) {
	set := func(f flags, is bool) {
		if is {
			d.flags |= f
		}
	}
	set(inReport, kept)
	set(prefixed, strings.IndexByte(c.ID, ':') >= 0)
	set(hop, c.HopOf != "")
	set(nameless, c.RecognizedBy == record.ByNothing)
	set(clientsFault, c.Fault == record.FaultClient)
	switch c.Outcome {
	case record.ClosedClean:
	case record.Open:
		d.flags |= stillOpen
	case record.Incomplete, record.Opaque:
		d.flags |= unclear
	default:
		d.flags |= failed
	}
}

// request takes what identifies client and URL.
func (d *Digest) request(f *record.Facts) {
	u := f.Upgrade
	if u == nil || u.Request == nil || u.RequestCut {
		return
	}
	var host, who, agent string
	for i := range u.Request.Fields {
		field := &u.Request.Fields[i]
		switch len(field.Name) {
		case len("Host"):
			if host == "" && isNamed(field.Name, "Host") {
				host = field.Value
			}
		case len("User-Agent"):
			if isNamed(field.Name, "User-Agent") {
				agent = field.Value
			}
		case len("X-Forwarded-For"):
			if isNamed(field.Name, "X-Forwarded-For") {
				who = field.Value
			}
		case len("Forwarded"):
			if who == "" && isNamed(field.Name, "Forwarded") {
				who = field.Value
			}
		}
	}
	if f.Proxy != nil {
		who, _, _ = strings.Cut(f.Proxy.Client, "]:")
		if i := strings.LastIndexByte(f.Proxy.Client, ':'); i > 0 {
			who = f.Proxy.Client[:i]
		}
	}
	p := path(u.Request.Target)
	d.url = hashString(hashString(hashSeed, host), p)
	switch {
	case d.flags&hop != 0:
		d.who = hashString(hashSeed, p)
	default:
		d.who = hashString(hashString(hashSeed, agent), who)
	}
	switch {
	case d.flags&opened == 0: // its browser is of no interest
	case strings.Contains(agent, "Chrome/"):
		d.browser = chromium
	case strings.Contains(agent, "Firefox/"):
		d.browser = firefox
	}
	if u.Response != nil {
		d.status = uint16(u.Response.Status)
	}
}

// isNamed compares with the name as nearly all write it first.
func isNamed(have, name string) bool { return have == name || strings.EqualFold(have, name) }

// ending takes when and by whom it ended.
func (d *Digest) ending(f *record.Facts) {
	t := &f.TCP
	end := t.End
	if !end.Seen() {
		end = f.Last
	}
	if w := f.WS; w != nil {
		d.flags |= opened
		d.opened = int64(w.OpenedRef.Time)
		if !w.OpenedRef.Seen() {
			d.opened = d.started
		}
		d.silence = int64(t.Silence)
		switch {
		case w.FirstClose != nil:
			end = w.FirstClose.Ref
			d.close = uint16(w.FirstClose.Code)
			if w.FirstClose.Dir == record.Server {
				d.flags |= byServerSide
			}
		case t.End.Seen():
			d.flags |= cutOff
			if t.EndBy == record.Server {
				d.flags |= byServerSide
			} else {
				d.flags |= byClientSide
			}
		}
	} else if u := f.Upgrade; u != nil && u.ResponseRef.Seen() {
		end = u.ResponseRef
	}
	d.ended, d.at, d.atFile = int64(end.Time), end.Packet, end.File
}

// age is how long the WebSocket was open when it ended.
func (d *Digest) age() time.Duration { return time.Duration(d.ended - d.opened) }

// how says in words how it ended, for counting.
func (d *Digest) how() string {
	o := d.outcome.outcome()
	switch {
	case o == record.Rejected && d.status != 0:
		return "answered " + strconv.Itoa(int(d.status))
	case o == record.ClosedError, o == record.ProtocolError && d.close != 0:
		return "closed with " + strconv.Itoa(int(d.close))
	}
	if text, ok := howText[o]; ok {
		return text
	}
	return string(o)
}

var howText = map[record.Outcome]string{
	record.ConnectFailed: "not connected", record.TunnelFailed: "without a tunnel", record.TLSFailed: "failed in TLS", record.NoResponse: "not answered",
	record.InvalidHandshake: "answered with an invalid 101", record.ProtocolError: "cut by a protocol error", record.ClosedAbnormal: "cut without a Close frame",
}

// closed names the code of the Close frame.
func (d *Digest) closed() string { return "code " + strconv.Itoa(int(d.close)) }

func itoa(n int) string { return strconv.Itoa(n) }
