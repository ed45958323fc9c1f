package reassembly

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// A script is one packet per line:
//
//	[+DELAY] C|S [FLAGS] ["payload"] [@offset] [key=value ...]
//
// Delay is since the packet before (default 1ms). Flags are letters of SFRPA;
// none is A. Offset is the stream position of the payload, default: where the
// side is. Keys: ack (stream offset of the other side; -: no news), isn, win,
// id, ttl, mss, net, cut (bytes of payload not captured), len (zeros for a payload of
// that length), seq (absolute), ts (timestamp value), vantage, port (of the client).
// "again" repeats the packet of the line before as it was; "again N" that of line N (counted from 1).
// "icmp TYPE CODE about=C|S" quotes the last packet of that side.
type builder struct {
	t      testing.TB
	clock  int64
	number int64
	isn    [2]uint32
	nxt    [2]int64 // stream offset of the next payload
	fin    [2]bool
	id     [2]uint16
	v6     bool
	sent   []sentPacket
	last   [2]sentPacket
}

type sentPacket struct {
	p  capture.Packet
	ip link.IP
}

var testTime = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano()

func newBuilder(t testing.TB) *builder {
	return &builder{t: t, clock: testTime, isn: [2]uint32{1000, 5000}, id: [2]uint16{100, 40000}}
}

func (b *builder) addresses() (c, s netip.Addr) {
	if b.v6 {
		return netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	}
	return netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.7")
}

func (b *builder) number64(v string) int64 {
	n, err := strconv.ParseInt(v, 0, 64)
	if err != nil {
		b.t.Fatalf("bad number %q", v)
	}
	return n
}

// line builds the packet of one line.
func (b *builder) line(l string) sentPacket {
	f := fields(l)
	delay := time.Millisecond
	if strings.HasPrefix(f[0], "+") {
		d, err := time.ParseDuration(f[0][1:])
		if err != nil {
			b.t.Fatal(err)
		}
		delay, f = d, f[1:]
	}
	b.clock += int64(delay)
	b.number++
	var out sentPacket
	switch f[0] {
	case "again":
		out = b.sent[len(b.sent)-1]
		if len(f) > 1 && !strings.Contains(f[1], "=") {
			out = b.sent[b.number64(f[1])-1]
			f = f[1:]
		}
		for _, w := range f[1:] {
			k, v, _ := strings.Cut(w, "=")
			switch k {
			case "net":
				out.ip.Network = int32(b.number64(v))
				out.ip.Encapsulation = out.ip.Network
			case "ttl":
				out.ip.TTL = uint8(b.number64(v))
			case "id":
				out.ip.ID = uint16(b.number64(v))
			}
		}
	case "icmp":
		out = b.icmp(f)
	case "C", "S":
		out = b.tcp(f)
		b.last[side(f[0])] = out
	default:
		b.t.Fatalf("bad line %q", l)
	}
	out.p.Number, out.p.Time, out.p.Clock = b.number, b.clock, b.clock
	b.sent = append(b.sent, out)
	return out
}

func side(s string) int {
	if s == "S" {
		return 1
	}
	return 0
}

// fields splits at blanks outside quotes.
func fields(l string) (out []string) {
	for l = strings.TrimSpace(l); l != ""; l = strings.TrimSpace(l) {
		end := strings.IndexByte(l, ' ')
		if l[0] == '"' {
			end = strings.IndexByte(l[1:], '"') + 2
		}
		if end < 0 || end > len(l) {
			end = len(l)
		}
		out = append(out, l[:end])
		l = l[end:]
	}
	return out
}

func (b *builder) tcp(f []string) sentPacket {
	d := side(f[0])
	flags, payload := byte(flagACK), []byte(nil)
	off, win, ttl := b.nxt[d], int64(65535), int64(64)
	ack := b.nxt[d^1]
	if b.fin[d^1] {
		ack++
	}
	b.id[d]++
	id := int64(b.id[d])
	var mss, network, vantage, ts int64
	port := int64(40000)
	cut, seq, absAck := int64(0), int64(-1), int64(-1)
	explicit := false
	for i, w := range f[1:] {
		k, v, pair := strings.Cut(w, "=")
		switch {
		case w[0] == '"':
			payload = []byte(w[1 : len(w)-1])
		case w[0] == '@':
			off, explicit = b.number64(w[1:]), true
		case !pair && i == 0 && strings.Trim(w, "SFRPA0") == "":
			flags = 0
			for _, c := range w {
				if c != '0' {
					flags |= 1 << strings.IndexRune("FSRPA", c)
				}
			}
		case k == "ack":
			ack = b.number64(v)
		case k == "isn":
			b.isn[d], b.nxt[d], b.fin[d], off = uint32(b.number64(v)), 0, false, 0
		case k == "win":
			win = b.number64(v)
		case k == "id":
			id = b.number64(v)
		case k == "ttl":
			ttl = b.number64(v)
		case k == "mss":
			mss = b.number64(v)
		case k == "net":
			network = b.number64(v)
		case k == "vantage":
			vantage = b.number64(v)
		case k == "port":
			port = b.number64(v)
		case k == "cut":
			cut = b.number64(v)
		case k == "len":
			payload = make([]byte, b.number64(v))
		case k == "seq":
			seq = b.number64(v)
		case k == "absack":
			absAck = b.number64(v)
		case k == "ts":
			ts = b.number64(v)
		default:
			b.t.Fatalf("bad word %q", w)
		}
	}
	syn := flags&flagSYN != 0
	position := b.isn[d] + 1 + uint32(off)
	if syn {
		position = b.isn[d]
	} else if b.fin[d] && !explicit && len(payload) == 0 && flags&flagFIN == 0 {
		position++
	}
	if seq >= 0 {
		position = uint32(seq)
	}
	acked := b.isn[d^1] + 1 + uint32(ack)
	if absAck >= 0 {
		acked = uint32(absAck)
	}
	if flags&flagACK == 0 {
		acked = 0
	}
	if seq < 0 {
		b.nxt[d] = max(b.nxt[d], off+int64(len(payload)))
		b.fin[d] = b.fin[d] || flags&flagFIN != 0
	}

	var opts []byte
	if mss != 0 {
		opts = append(opts, 2, 4, byte(mss>>8), byte(mss))
	}
	if ts != 0 {
		opts = append(opts, 1, 1, 8, 10)
		opts = binary.BigEndian.AppendUint32(opts, uint32(ts))
		opts = append(opts, 0, 0, 0, 0)
	}
	ports := [2]uint16{uint16(port), 80}
	h := make([]byte, 20, 20+len(opts)+len(payload))
	binary.BigEndian.PutUint16(h, ports[d])
	binary.BigEndian.PutUint16(h[2:], ports[d^1])
	binary.BigEndian.PutUint32(h[4:], position)
	binary.BigEndian.PutUint32(h[8:], acked)
	h[12] = byte((20 + len(opts)) / 4 << 4)
	h[13] = flags
	binary.BigEndian.PutUint16(h[14:], uint16(win))
	h = append(append(h, opts...), payload...)
	c, s := b.addresses()
	ip := link.IP{Protocol: link.ProtocolTCP, TTL: uint8(ttl), ID: uint16(id),
		Payload: h[:len(h)-int(cut)], Missing: int(cut), Encapsulation: int32(network), Network: int32(network)}
	if d == 1 {
		c, s = s, c
	}
	ip.SetAddrs(c, s)
	if b.v6 {
		ip.ID = 0
	}
	return sentPacket{capture.Packet{Vantage: int32(vantage)}, ip}
}

// icmp quotes the last packet of a side, with all of its TCP header and, with
// quote=N, N bytes of its TCP segment.
func (b *builder) icmp(f []string) sentPacket {
	kind, code := byte(b.number64(f[1])), byte(b.number64(f[2]))
	about, mtu, quote := 0, int64(0), int64(1<<16)
	for _, w := range f[3:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "about":
			about = side(v)
		case "mtu":
			mtu = b.number64(v)
		case "quote":
			quote = b.number64(v)
		}
	}
	q := b.last[about].ip
	quoted := q.Payload[:min(quote, int64(len(q.Payload)))]
	msg := []byte{kind, code, 0, 0, 0, 0, byte(mtu >> 8), byte(mtu)}
	if b.v6 {
		h := make([]byte, 40)
		h[0], h[6], h[7] = 0x60, 6, 60
		binary.BigEndian.PutUint16(h[4:], uint16(len(q.Payload)))
		copy(h[8:], q.Src().AsSlice())
		copy(h[24:], q.Dst().AsSlice())
		msg = append(append(msg, h...), quoted...)
	} else {
		h := make([]byte, 20)
		h[0], h[8], h[9] = 0x45, 60, 6
		binary.BigEndian.PutUint16(h[2:], uint16(20+len(q.Payload)))
		copy(h[12:], q.Src().AsSlice())
		copy(h[16:], q.Dst().AsSlice())
		msg = append(append(msg, h...), quoted...)
	}
	ip := link.IP{Protocol: link.ProtocolICMP, TTL: 60, Payload: msg}
	router := netip.MustParseAddr("203.0.113.9")
	if b.v6 {
		router, ip.Protocol = netip.MustParseAddr("2001:db8::9"), link.ProtocolICMPv6
	}
	ip.SetAddrs(router, q.Src())
	return sentPacket{capture.Packet{}, ip}
}

// transcript writes down the calls of a table.
type transcript struct {
	strings.Builder
	app    uint32
	ignore bool
	facts  bool
}

func who(s Side) string { return string("01"[s]) }

func (r *transcript) Data(f *Flow, from Side, at At, b []byte) {
	f.App, f.Ignore = r.app, r.ignore
	text := strconv.Quote(string(b))
	if len(b) > 40 {
		text = fmt.Sprintf("%d bytes", len(b))
	}
	fmt.Fprintf(r, "%s #%d %s\n", who(from), at.Packet, text)
}

var gapNames = [...]string{"lost", "snaplen", "limit", "unfilled"}

func (r *transcript) Missing(f *Flow, from Side, at At, n int64, why GapKind) {
	fmt.Fprintf(r, "%s #%d missing %d %s\n", who(from), at.Packet, n, gapNames[why])
}

func (r *transcript) End(f *Flow, from Side, at At, how EndKind) {
	fmt.Fprintf(r, "%s #%d %s\n", who(from), at.Packet, [...]string{"none", "FIN", "RST", "reused"}[how])
}

func (r *transcript) Closed(f *Flow, order int64, last bool) {
	when := fmt.Sprintf("at %v", time.Duration(order-testTime).Round(time.Millisecond))
	if last {
		when = "last"
	}
	fmt.Fprintf(r, "closed #%d..%d %s\n", f.First().Packet, f.Last().Packet, when)
	if r.facts {
		r.WriteString(describe(f))
	}
}

// describe prints the facts of a flow that are not zero.
func describe(f *Flow) string {
	var w strings.Builder
	fmt.Fprintf(&w, "client %d by %s", f.Client, [...]string{"port", "SYN", "bytes"}[f.ClientBy])
	at := func(name string, a At) {
		if a.Seen() {
			fmt.Fprintf(&w, " %s #%d", name, a.Packet)
		}
	}
	num := func(name string, n int64) {
		if n != 0 {
			fmt.Fprintf(&w, " %s %d", name, n)
		}
	}
	at("syn", f.SYN())
	num("syns", int64(f.SYNs))
	at("lastsyn", f.LastSYN())
	at("synack", f.SYNACK())
	num("synacks", int64(f.SYNACKs))
	at("established", f.Established())
	w.WriteString("\n")
	for s := Side(0); s < 2; s++ {
		h := f.Half(s)
		fmt.Fprintf(&w, "%s packets %d", who(s), h.Packets)
		num("bytes", h.Bytes)
		num("segments", int64(h.DataSegments))
		num("again", int64(h.Retransmissions))
		at("first", h.FirstData)
		at("last", h.LastData)
		at("fin", h.FIN)
		num("mss", int64(h.MSS))
		if h.Timestamps {
			w.WriteString(" ts")
		}
		num("keepalives", int64(h.KeepAlives))
		num("unacked", h.Unacked)
		at("from", h.UnackedFirst)
		num("sent", int64(h.UnackedSent))
		num("in-vain", int64(h.UnackedAgain))
		num("max", int64(h.MaxSegment))
		num("maxacked", int64(h.MaxAcked))
		at("lastack", h.LastAck)
		w.WriteString("\n")
	}
	if r := f.Rare; r != nil {
		describeRare(&w, r)
	}
	return w.String()
}

func describeRare(w *strings.Builder, r *Rare) {
	for _, e := range r.Resets {
		fmt.Fprintf(w, "reset #%d from %d ttl %d (%d, %d..%d of %d) ahead %d", e.At.Packet, e.From, e.TTL, e.OtherTTL, e.MinTTL, e.MaxTTL, e.Others, e.SeqAhead)
		for _, b := range []struct {
			is   bool
			name string
		}{{e.SeqIsAck, "seq-is-ack"}, {e.AnswersSYN, "answers-syn"}, {e.AnswersData, "answers-data"},
			{e.AfterOwnFIN, "own-fin"}, {e.AfterOtherFIN, "other-fin"}} {
			if b.is {
				w.WriteString(" " + b.name)
			}
		}
		if e.WentOn > 0 {
			fmt.Fprintf(w, " went-on %d #%d", e.WentOn, e.WentOnFirst.Packet)
		}
		w.WriteString("\n")
	}
	if r.Resized != [2]uint32{} {
		fmt.Fprintf(w, "resized %v\n", r.Resized)
	}
	for _, e := range r.ICMP {
		fmt.Fprintf(w, "icmp #%d %d/%d about %d mtu %d smaller %v\n", e.At.Packet, e.Type, e.Code, e.About, e.MTU, e.SmallerAfter)
	}
	for _, e := range r.Gaps {
		fmt.Fprintf(w, "gap #%d from %d %d+%d %s\n", e.At.Packet, e.From, e.Offset, e.Length, gapNames[e.Kind])
	}
	for _, e := range r.Stalls {
		fmt.Fprintf(w, "stall #%d..%d by %d probes %d\n", e.Begin.Packet, e.End.Packet, e.From, e.Probes)
	}
	for _, e := range r.Retransmissions {
		fmt.Fprintf(w, "again #%d of #%d from %d\n", e.At.Packet, e.Original.Packet, e.From)
	}
	if r.Conflicts != [2]uint32{} {
		fmt.Fprintf(w, "conflicts %v #%d\n", r.Conflicts, r.FirstConflict.Packet)
	}
	if r.Duplicates > 0 {
		fmt.Fprintf(w, "duplicates %d #%d of #%d\n", r.Duplicates, r.FirstDuplicate.Packet, r.FirstOriginal.Packet)
	}
	if r.CutShort > 0 {
		fmt.Fprintf(w, "cut %d #%d %d\n", r.CutShort, r.FirstCut.Packet, r.CutBytes)
	}
	if r.Reordered > 0 {
		fmt.Fprintf(w, "reordered %d\n", r.Reordered)
	}
	if r.Limit {
		w.WriteString("limit\n")
	}
	if r.OutOfWindow > 0 {
		fmt.Fprintf(w, "out of window %d\n", r.OutOfWindow)
	}
	if r.Omitted > 0 {
		fmt.Fprintf(w, "omitted %d\n", r.Omitted)
	}
}

// run plays a script and gives the transcript.
func run(t testing.TB, script string, r *transcript, limits Limits, v6 bool) string {
	b := newBuilder(t)
	b.v6 = v6
	table := New(Options{Handler: r, Limits: limits})
	for _, l := range strings.Split(script, "\n") {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		x := b.line(l)
		table.Packet(&x.p, &x.ip)
	}
	table.Close()
	if table.Len() != 0 || table.disorder.cost != 0 {
		t.Errorf("%d flows and %d bytes left after Close", table.Len(), table.disorder.cost)
	}
	return r.String()
}
