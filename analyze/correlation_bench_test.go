package analyze

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/netip"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// BenchmarkCorrelation is what connections cost because others may have to do
// with them: half of these work, the others are rejected or cut; 200 clients at
// 20 servers.
func BenchmarkCorrelation(b *testing.B) {
	const n, warm = 20_000, 100 // a connection is in the core's cache when it is finished
	asks, conns := make([]*track.Ask, warm), make([]*record.Connection, warm)
	for i := range warm {
		asks[i], conns[i] = benchConnection(i)
	}
	keys := make([]string, n)
	for i := range keys {
		keys[i] = accepts(fmt.Sprint(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		k := newCollector(Options{}, nil, nopSink{})
		for i := range n {
			a, c := asks[i%warm], conns[i%warm]
			after := record.Time(i)*1e6 - a.At.Time
			a.At.Time += after
			a.First.Packet, a.At.Packet = int64(10*i), int64(10*i)
			c.Started, c.Ended, c.Facts.First, c.Facts.Upgrade.WantAccept = c.Started+after, c.Ended+after, a.At, keys[i]
			h := handshakeAsked(a)
			h.Key += uint64(i)
			k.asked(&h)
			k.keys.add(c, c.Facts.Upgrade)
			k.works.say(c)
			k.names.name(c)
			k.set.Add(c, true)
			k.names.need(c)
		}
		k.set.Relations(nil)
		k.hops.Relations(nil)
		k.names.Relations(nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/connection")
}

type nopSink struct{}

func (nopSink) Connection(*record.Connection) error { return nil }
func (nopSink) Pattern(record.Pattern) error        { return nil }
func (nopSink) Capture(record.Capture) error        { return nil }
func (nopSink) Rule(string, record.Rule) error      { return nil }
func (nopSink) Summary(record.Summary) error        { return nil }

func benchConnection(i int) (*track.Ask, *record.Connection) {
	key := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%016d", i))
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i % 20)}), 80)
	client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 200)}), uint16(10000+i))
	head := fmt.Sprintf("GET /live/room?user=%d HTTP/1.1\r\nHost: app%d.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n"+
		"Accept-Encoding: gzip, deflate, br\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://app.test\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n", i, i%20, key)
	at := record.Ref{Packet: int64(10 * i), Time: record.Time(i * 1e6)}
	u := &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, head), RequestRef: at, ResponseRef: at, WantAccept: base64.StdEncoding.EncodeToString(sum[:])}
	c := &record.Connection{ID: fmt.Sprint(10 * i), Client: client, Server: server, Started: at.Time, Ended: at.Time + 1e9, Scheme: "ws", RecognizedBy: record.ByUpgrade,
		Facts: &record.Facts{First: at, Last: at, Upgrade: u}}
	switch i % 4 {
	case 0:
		c.Outcome = record.Rejected
		u.Response = http1.ParseHead(http1.Response, "HTTP/1.1 503 Service Unavailable\r\n\r\n")
	case 1:
		c.Outcome = record.ClosedAbnormal
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = at, record.Server, "fin"
		c.Facts.WS = &record.WSFacts{OpenedRef: at}
	default:
		c.Outcome = record.ClosedClean
		c.Facts.WS = &record.WSFacts{OpenedRef: at}
	}
	return &track.Ask{Client: client, Server: server, First: at, Stream: -1, At: at, Head: []byte(head)}, c
}
