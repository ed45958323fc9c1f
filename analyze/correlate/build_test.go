package correlate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// sec is a time of the capture in seconds.
func sec(s float64) record.Time {
	return record.Time(1_700_000_000*int64(time.Second) + int64(s*float64(time.Second)))
}

var packets int64

// made is a connection with facts, as a tracker and a judge would give it.
type made struct{ *record.Connection }

// at begins a connection of a client to a server, both by last byte of the address.
func at(s float64, client, server byte) made {
	packets += 10
	c := &record.Connection{ID: fmt.Sprint(packets), Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, client}), uint16(40000+packets)),
		Server:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, server}), 80),
		Started: sec(s), Ended: sec(s), Scheme: "ws", RecognizedBy: record.ByUpgrade, Outcome: record.ClosedClean, Facts: &record.Facts{}}
	c.Facts.First = record.Ref{Packet: packets, Time: sec(s)}
	c.Facts.Last = record.Ref{Packet: packets + 9, Time: sec(s)}
	return made{c}
}

func (m made) asks(fields ...string) made {
	raw := "GET /chat?x=1 HTTP/1.1\r\nHost: app.test\r\n" + strings.Join(fields, "\r\n")
	if len(fields) > 0 {
		raw += "\r\n"
	}
	head := http1.ParseHead(http1.Request, raw+"\r\n")
	m.Facts.Upgrade = &record.UpgradeFacts{Request: head, RequestRef: record.Ref{Packet: m.Facts.First.Packet + 3, Time: m.Started}}
	return m
}

func (m made) answered(status int, after float64, fields ...string) made {
	raw := fmt.Sprintf("HTTP/1.1 %d X\r\n", status) + strings.Join(fields, "\r\n")
	if len(fields) > 0 {
		raw += "\r\n"
	}
	u := m.Facts.Upgrade
	u.Response, u.ResponseRef = http1.ParseHead(http1.Response, raw+"\r\n"), record.Ref{Packet: m.Facts.First.Packet + 4, Time: m.Started + sec(after) - sec(0)}
	m.Ended = u.ResponseRef.Time
	if status != 101 {
		m.Outcome, m.Fault = record.Rejected, record.FaultServer
	}
	return m
}

func (m made) refused() made {
	m.Outcome, m.RecognizedBy, m.Fault = record.ConnectFailed, record.ByNothing, record.FaultServer
	return m
}

// open opens the WebSocket and lets it live for so long.
func (m made) open(seconds float64) made {
	if m.Facts.Upgrade == nil {
		m.asks().answered(101, 0)
	}
	m.Facts.WS = &record.WSFacts{OpenedRef: record.Ref{Packet: m.Facts.First.Packet + 4, Time: m.Started}}
	m.Ended = m.Started + sec(seconds) - sec(0)
	m.Facts.Last.Time = m.Ended
	return m
}

// cut ends it without a Close frame after a silence.
func (m made) cut(by record.Dir, silence float64) made {
	m.Outcome = record.ClosedAbnormal
	t := &m.Facts.TCP
	t.End, t.EndBy, t.EndHow, t.Silence = record.Ref{Packet: m.Facts.First.Packet + 9, Time: m.Ended}, by, "fin", time.Duration(silence*1e9)
	return m
}

// closed ends it by a Close frame.
func (m made) closed(by record.Dir, code int) made {
	m.Facts.WS.FirstClose = &record.ControlFrame{Ref: record.Ref{Packet: m.Facts.First.Packet + 8, Time: m.Ended}, Dir: by, Code: code, HasCode: true}
	if code >= 1002 && code < 3000 {
		m.Outcome = record.ClosedError
	}
	return m
}

func (m made) still() made { m.Outcome = record.Open; return m }

func (m made) hopOf(id string) made { m.HopOf = id; return m }

func (m made) agent(name string) made { return m.asks("User-Agent: "+name).answered(101, 0) }

func many(n int, f func(i int) made) []made {
	list := make([]made, n)
	for i := range list {
		list[i] = f(i)
	}
	return list
}

// six gives connections addresses of IPv6.
func six(list []made) []made {
	wider := func(a netip.AddrPort) netip.AddrPort {
		b, four := netip.MustParseAddr("2001:db8::").As16(), a.Addr().As4()
		copy(b[12:], four[:])
		return netip.AddrPortFrom(netip.AddrFrom16(b), a.Port())
	}
	for _, m := range list {
		m.Client, m.Server = wider(m.Client), wider(m.Server)
	}
	return list
}

// outline is what a set finds, in short.
func outline(list []record.Relation) string {
	var b strings.Builder
	for i := range list {
		r := &list[i]
		switch {
		case r.Series != nil:
			fmt.Fprintf(&b, "series %d early %v late %v unidentified %v\n", r.Total, r.Series.Early.Round(10*time.Millisecond), r.Series.Late.Round(10*time.Millisecond), r.Series.Unidentified)
		case r.Cuts != nil:
			fmt.Fprintf(&b, "cuts %d of %d silent %v after %v\n", r.Total, r.Cuts.Of, r.Cuts.Silent, r.Cuts.After.Round(10*time.Millisecond))
		case r.Burst != nil:
			fmt.Fprintf(&b, "burst %d of %d\n", r.Total, r.Burst.Open)
		case r.Full != nil:
			fmt.Fprintf(&b, "full %d %s\n", r.Full.Most, r.Full.Browser)
		case r.Backends != nil:
			fmt.Fprintf(&b, "backends %d of %d at %s, %d of %d elsewhere\n", r.Backends.Fail, r.Backends.All, r.Backends.Bad, r.Backends.OthersFail, r.Backends.OthersN)
		case r.Fallback != nil:
			fmt.Fprintf(&b, "fallback %s %d after %d\n", r.Fallback.Family, r.Fallback.Polls, r.Total)
		}
	}
	return b.String()
}

func found(list ...[]made) string {
	var s Set
	for _, c := range slices.Concat(list...) {
		s.Add(c.Connection, true)
	}
	return outline(s.Relations([]string{"a.pcap"}))
}
