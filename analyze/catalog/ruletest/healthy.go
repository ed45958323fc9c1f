package ruletest

import (
	"net/netip"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// At is a packet some time after the first.
func At(packet int64, after time.Duration) record.Ref {
	return record.Ref{Packet: packet, Time: record.Time(1_000_000_000 + int64(after))}
}

// Healthy is a WebSocket that opened, carried messages and was closed by both sides.
func Healthy() *record.Connection {
	f := &record.Facts{Files: []string{"a.pcap"}, First: At(1, 0), Last: At(20, 10*time.Second), CaptureEnd: At(99, time.Minute)}
	f.TCP = record.TCPFacts{ClientBy: "syn", SYN: At(1, 0), SYNACK: At(2, time.Millisecond), Established: At(3, 2*time.Millisecond), SYNs: 1, SYNACKs: 1,
		HandshakeRTT: time.Millisecond, LastData: At(17, 9*time.Second), LastDataFrom: record.Server, Silence: 400 * time.Millisecond, SilenceFrom: At(17, 9*time.Second),
		End: At(18, 9400*time.Millisecond), EndBy: record.Server, EndHow: "fin"}
	for d := range f.TCP.Sides {
		f.TCP.Sides[d] = record.TCPSide{HasISN: true, Packets: 10, Bytes: 900, DataSegments: 100, TTL: 64, MSS: 1460, MaxSegment: 300, MaxAcked: 300,
			FirstData: At(4, 3*time.Millisecond), LastData: At(17, 9*time.Second), FIN: At(18, 9400*time.Millisecond)}
	}
	f.Upgrade = &record.UpgradeFacts{Request: http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n"), RequestRef: At(4, 3*time.Millisecond),
		RequestLast: At(4, 3*time.Millisecond), RequestAcked: true, RequestSent: 1,
		Response: http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\n\r\n"), ResponseRef: At(5, 4*time.Millisecond), ResponseLast: At(5, 4*time.Millisecond)}
	f.WS = &record.WSFacts{OpenedRef: At(5, 4*time.Millisecond), HandshakeSeen: true, Messages: [2]int64{3, 3}, LastFrame: At(17, 9*time.Second)}
	f.WS.LastMessage = [2]record.Ref{At(14, 8*time.Second), At(15, 8*time.Second)}
	for d := range f.WS.Closes {
		f.WS.Closes[d] = &record.ControlFrame{Ref: At(16+int64(d), 9*time.Second), Dir: record.Dir(d), Code: 1000, HasCode: true, Length: 2}
	}
	f.WS.FirstClose = f.WS.Closes[0]
	return &record.Connection{ID: "1", Client: netip.MustParseAddrPort("10.0.0.1:50000"), Server: netip.MustParseAddrPort("10.0.0.5:80"),
		URL: "ws://app.test/x", RecognizedBy: record.ByUpgrade, Phase: record.PhaseClosed, Outcome: record.ClosedClean, Facts: f}
}

// Abnormal takes the Close frames away.
func Abnormal(c *record.Connection) {
	c.Facts.WS.Closes, c.Facts.WS.FirstClose = [2]*record.ControlFrame{}, nil
	c.Outcome = record.ClosedAbnormal
}

// Reset ends the connection by a RST that fits its sender.
func Reset(c *record.Connection, from record.Dir) *record.Reset {
	t := &c.Facts.TCP
	t.End, t.EndBy, t.EndHow = At(18, 9400*time.Millisecond), from, "rst"
	t.Sides[0].FIN, t.Sides[1].FIN = record.Ref{}, record.Ref{}
	t.Resets = []record.Reset{{Ref: t.End, From: from, TTL: 64, OtherTTL: 64, MinTTL: 64, MaxTTL: 64, ID: 12, OtherID: 11, HasAck: true, Others: 9,
		Timestamps: true, SenderTimestamps: true}}
	return &t.Resets[0]
}
