package transport

import (
	"net/netip"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// refusedOverH2 resets the connection of a stream that was not answered.
func refusedOverH2(c *record.Connection, goAway *record.H2Reset) {
	noAnswer(c)
	reset(c, record.Server)
	c.Facts.H2 = &record.H2Facts{ConnectEnabled: true, SettingsRef: at(3, 0), GoAway: goAway}
}

var cases = []ruletest.Case{
	{Code: "WS201", Name: "healthy"},
	{Code: "WS201", Name: "refused", Change: func(c *record.Connection) {
		bare(c)
		refused(c)
	}, Title: "answered by a RST after 1 ms", Fault: record.FaultServer},
	{Code: "WS201", Name: "refused at a restart", Change: func(c *record.Connection) {
		bare(c)
		refused(c)
		c.RecognizedBy = record.BySameEndpoint
	}, Title: "though other connections were accepted there", Remedy: "restart"},
	{Code: "WS201", Name: "reset after the handshake is WS212", Change: func(c *record.Connection) {
		bare(c)
		reset(c, record.Server)
	}},
	{Code: "WS202", Name: "healthy"},
	{Code: "WS202", Name: "SYN again and again", Change: func(c *record.Connection) {
		bare(c)
		t := &c.Facts.TCP
		t.SYNACK, t.Established, t.SYNs, t.SYNACKs, t.LastSYN = record.Ref{}, record.Ref{}, 3, 0, at(3, 3*time.Second)
	}, Title: "was sent 3 times in 3.00 s and never answered", Fault: record.FaultNetwork},
	{Code: "WS202", Name: "a full queue", Change: func(c *record.Connection) {
		bare(c)
		t := &c.Facts.TCP
		t.SYNACK, t.Established, t.SYNs, t.SYNACKs, t.LastSYN = record.Ref{}, record.Ref{}, 3, 0, at(3, 3*time.Second)
		c.RecognizedBy = record.BySameEndpoint
	}, Title: "never answered, though other connections were accepted there", Remedy: "its queue is full"},
	{Code: "WS202", Name: "a single SYN", Change: func(c *record.Connection) {
		bare(c)
		c.Facts.TCP.SYNACK, c.Facts.TCP.Established = record.Ref{}, record.Ref{}
	}},
	{Code: "WS202", Name: "SYN-ACK again and again", Change: func(c *record.Connection) {
		bare(c)
		c.Facts.TCP.SYNACKs, c.Facts.TCP.Established = 4, record.Ref{}
	}, Title: "The SYN-ACK of 10.0.0.5:80 was sent 4 times", Confidence: record.Likely},
	{Code: "WS202", Name: "an ICMP error says more", Change: func(c *record.Connection) {
		bare(c)
		t := &c.Facts.TCP
		t.SYNACK, t.Established, t.SYNs = record.Ref{}, record.Ref{}, 3
		t.ICMP = []record.ICMP{{Ref: at(2, 0), Type: 3, Code: 1, From: netip.MustParseAddr("10.0.0.254")}}
	}},
	{Code: "WS203", Name: "healthy"},
	{Code: "WS203", Name: "prohibited", Change: icmp(record.ICMP{Type: 3, Code: 13}), Title: "ICMP communication administratively prohibited (type 3 code 13)", Fault: record.FaultIntermediary},
	{Code: "WS203", Name: "host unreachable", Change: icmp(record.ICMP{Type: 3, Code: 1}), Title: "answered a packet of the client to 10.0.0.5:80 with ICMP host unreachable (type 3 code 1)", Remedy: "See that 10.0.0.5 is up", Fault: record.FaultNetwork},
	{Code: "WS203", Name: "ICMPv6", Change: icmp(record.ICMP{V6: true, Type: 1, Code: 1}), Title: "ICMPv6 communication administratively prohibited (type 1 code 1)"},
	{Code: "WS203", Name: "unknown code", Change: icmp(record.ICMP{Type: 3, Code: 77}), Title: "destination unreachable (type 3 code 77)"},
	{Code: "WS203", Name: "too big, heeded", Change: icmp(record.ICMP{Type: 3, Code: 4, MTU: 1400, SmallerAfter: true})},
	{Code: "WS203", Name: "too big, not heeded", Change: icmp(record.ICMP{V6: true, Type: 2, MTU: 1280}), Title: "ICMPv6 packet too big, MTU 1280"},
	{Code: "WS203", Name: "redirect", Change: icmp(record.ICMP{Type: 5})},
	{Code: "WS204", Name: "healthy"},
	{Code: "WS204", Name: "server resets", Change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Server)
	}, Title: "reset the connection 9.40 s after the Upgrade request, without a response", Remedy: "something on the path sent the RST", Fault: record.FaultServer},
	{Code: "WS204", Name: "captured at the server", Change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Server)
		c.Facts.TCP.Sides[record.Client].TTL = 57
	}, Title: "without a response", Remedy: "a firewall on its host or right before it sent the RST"},
	{Code: "WS204", Name: "HTTP/2", Change: func(c *record.Connection) { refusedOverH2(c, nil) }, Title: "without a response"},
	{Code: "WS204", Name: "HTTP/2, after GOAWAY", Change: func(c *record.Connection) { refusedOverH2(c, &record.H2Reset{Ref: at(9, time.Second)}) }},
	{Code: "WS204", Name: "client gives up", Change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Client)
	}},
	{Code: "WS204", Name: "forged", Change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Server).TTL = 120
	}, Title: "A RST in the name of the server at 10.0.0.5:80 ended the connection", Fault: record.FaultIntermediary},
	{Code: "WS205", Name: "healthy"},
	{Code: "WS205", Name: "server resets", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
	}, Title: "The server at 10.0.0.5:80 reset the open WebSocket after 9.40 s", Fault: record.FaultServer},
	{Code: "WS205", Name: "on one host", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
		c.Client = netip.AddrPortFrom(c.Server.Addr(), c.Client.Port())
	}, Title: "reset the open WebSocket", Remedy: "forced close)."},
	{Code: "WS205", Name: "forged", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server).TTL = 120
	}, Title: "A RST in the name of the server at 10.0.0.5:80 ended the open WebSocket", Fault: record.FaultIntermediary},
	{Code: "WS205", Name: "after a Close frame", Change: func(c *record.Connection) { reset(c, record.Server) }},
	{Code: "WS205", Name: "answers data after its own FIN", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Client).AfterOwnFIN = true
	}},
	{Code: "WS205", Name: "client fails the handshake", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Client)
		c.Outcome = record.InvalidHandshake
	}},
	{Code: "WS205", Name: "in the dark", Change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
	}, Title: "reset the encrypted connection, probably an open WebSocket, 9.40 s after it opened", Fault: record.FaultServer, Confidence: record.Possible},
	{Code: "WS205", Name: "in the dark, after a pause", Change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
		c.Facts.TLS.LastAppData = at(15, 5*time.Second)
	}, Title: "without a close_notify", Confidence: record.Likely},
	{Code: "WS205", Name: "in the dark, after a close_notify", Change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
		c.Facts.TLS.LikelyCloseNotify[record.Client] = at(17, 9*time.Second)
	}},
	{Code: "WS205", Name: "in the dark, like nothing", Change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
		c.Facts.TLS.Likeness = nil
	}},
	{Code: "WS206", Name: "healthy"},
	{Code: "WS206", Name: "genuine abort", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
	}},
	{Code: "WS206", Name: "genuine, socket gone", Change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.HasAck, x.ID, x.Timestamps, x.AnswersData = false, 0, false, true
	}},
	{Code: "WS206", Name: "other TTL", Change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.TTL, x.HasAck, x.ID = 113, false, 0x4242
	}, Title: "its TTL is 113, that of the sender's other packets 64", Confidence: record.Certain},
	{Code: "WS206", Name: "TTL one off", Change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.TTL, x.HasAck = 65, false
	}, Title: "its TTL is 65", Confidence: record.Likely},
	{Code: "WS206", Name: "TTL within the sender's range", Change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.TTL, x.MinTTL, x.MaxTTL = 63, 62, 64
	}},
	{Code: "WS206", Name: "sender goes on", Change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.WentOn, x.WentOnFirst = 2, at(19, 9500*time.Millisecond)
	}, Title: "went on as if it knew nothing of it (2 segments)", Confidence: record.Certain},
	{Code: "WS206", Name: "IP identification alone", Change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.HasAck, x.Timestamps, x.ID, x.OtherID = false, false, 0xbeef, 0x1000
	}, Title: "IP identification 0xbeef", Confidence: record.Possible},
	{Code: "WS206", Name: "after its own FIN", Change: func(c *record.Connection) {
		x := reset(c, record.Server)
		x.TTL, x.AfterOwnFIN = 60, true
	}},
	{Code: "WS207", Name: "healthy"},
	{Code: "WS207", Name: "eight of two hundred", Change: func(c *record.Connection) { c.Facts.TCP.Sides[0].Retransmissions = 8 }, Title: "8 of 200 data segments (4 %) were sent again"},
	{Code: "WS207", Name: "path MTU discovery", Change: func(c *record.Connection) {
		c.Facts.TCP.Sides[0].Retransmissions, c.Facts.TCP.Sides[0].Resized = 8, 6
	}},
	{Code: "WS207", Name: "two only", Change: func(c *record.Connection) { c.Facts.TCP.Sides[0].Retransmissions = 2 }},
	{Code: "WS207", Name: "three of two thousand", Change: func(c *record.Connection) {
		c.Facts.TCP.Sides[0].Retransmissions, c.Facts.TCP.Sides[0].DataSegments = 3, 2000
	}},
	{Code: "WS207", Name: "sent in vain at the end", Change: vanish},
	{Code: "WS207", Name: "two segments sent in vain at the end", Change: func(c *record.Connection) {
		vanish(c)
		s := &c.Facts.TCP.Sides[record.Client]
		s.Retransmissions, s.UnackedAgain = 10, 10
	}},
	{Code: "WS208", Name: "healthy"},
	{Code: "WS208", Name: "vanished", Change: vanish, Title: "The server at 10.0.0.5:80 did not acknowledge data any more: the client sent its last 40 bytes 6 times", Fault: record.FaultNetwork},
	{Code: "WS208", Name: "the other side is there", Change: func(c *record.Connection) {
		vanish(c)
		c.Facts.TCP.Sides[record.Server].FIN = at(19, 21*time.Second)
	}, Title: "The server at 10.0.0.5:80 never acknowledged the client's last 40 bytes, sent 6 times in 15.0 s, though it was there: it ended the connection 1.00 s after the last", Remedy: "a firewall or filter"},
	{Code: "WS208", Name: "ended before", Change: func(c *record.Connection) {
		vanish(c)
		c.Facts.TCP.Sides[record.Server].FIN = at(17, 6*time.Second)
	}, Title: "did not acknowledge data any more"},
	{Code: "WS208", Name: "the 101", Change: func(c *record.Connection) {
		vanish(c)
		t := &c.Facts.TCP
		t.Sides[record.Server], t.Sides[record.Client] = t.Sides[record.Client], record.TCPSide{FIN: at(19, 21*time.Second)}
		t.Sides[record.Server].UnackedFirst = c.Facts.Upgrade.ResponseRef
	}, Title: "never acknowledged the 101", Remedy: "drops the answer 101"},
	{Code: "WS208", Name: "zero window", Change: func(c *record.Connection) {
		vanish(c)
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Server, Begin: at(9, time.Second), Length: 9 * time.Second}}
	}},
	{Code: "WS208", Name: "one direction only", Change: func(c *record.Connection) {
		vanish(c)
		c.Facts.TCP.OneWay = true
	}},
	{Code: "WS209", Name: "healthy"},
	{Code: "WS209", Name: "recovers", Change: func(c *record.Connection) {
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Client, Begin: at(9, time.Second), End: at(12, 8*time.Second), Length: 7 * time.Second}}
	}, Title: "The client at 10.0.0.1:50000 kept its window at zero for 7.00 s", Fault: record.FaultClient},
	{Code: "WS209", Name: "for ever", Change: func(c *record.Connection) {
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Client, Begin: at(9, time.Second), Length: 7 * time.Second}}
	}, Title: "never opened it again"},
	{Code: "WS209", Name: "a moment", Change: func(c *record.Connection) {
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Client, Begin: at(9, time.Second), End: at(12, 2*time.Second), Length: time.Second}}
	}},
	{Code: "WS210", Name: "healthy"},
	{Code: "WS210", Name: "never acknowledged", Change: func(c *record.Connection) {
		noAnswer(c)
		vanish(c)
		c.Facts.Upgrade.RequestAcked, c.Facts.Upgrade.RequestSent = false, 5
	}, Title: "never acknowledged the Upgrade request, sent 5 times", Fault: record.FaultIntermediary},
	{Code: "WS208", Name: "the request is WS210's", Change: func(c *record.Connection) {
		noAnswer(c)
		vanish(c)
		c.Facts.Upgrade.RequestAcked, c.Facts.Upgrade.RequestSent = false, 5
	}},
	{Code: "WS210", Name: "one direction only", Change: func(c *record.Connection) {
		noAnswer(c)
		c.Facts.Upgrade.RequestAcked, c.Facts.Upgrade.RequestSent, c.Facts.TCP.OneWay = false, 5, true
	}},
	{Code: "WS211", Name: "healthy"},
	{Code: "WS211", Name: "full size only", Change: hole, Title: "with up to 1448 bytes were never acknowledged, though smaller ones (up to 300 bytes) were", Fault: record.FaultNetwork},
	{Code: "WS211", Name: "small data is lost as well", Change: vanish},
	{Code: "WS208", Name: "full size is WS211's", Change: hole},
	{Code: "WS211", Name: "a ClientHello, maybe for its name", Change: func(c *record.Connection) {
		hole(c)
		c.Facts.WS, c.Facts.Upgrade = nil, nil
		c.Facts.TLS = &record.TLSFacts{}
		c.Facts.TCP.Sides[record.Server].Bytes = 0
	}, Title: "never acknowledged", Severity: record.Info, Confidence: record.Possible},
	{Code: "WS212", Name: "healthy"},
	{Code: "WS212", Name: "server resets at once", Change: func(c *record.Connection) {
		bare(c)
		reset(c, record.Server)
	}, Title: "after the TCP handshake, before any byte"},
	{Code: "WS212", Name: "refused is WS201", Change: func(c *record.Connection) {
		bare(c)
		refused(c)
	}},
	{Code: "WS213", Name: "healthy"},
	{Code: "WS213", Name: "satellite", Change: func(c *record.Connection) { c.Facts.TCP.HandshakeRTT = 620 * time.Millisecond }, Title: "took 620 ms", Severity: record.Info},
}

// refused answers the SYN with a RST.
func refused(c *record.Connection) {
	t := &c.Facts.TCP
	t.SYNACK, t.Established = record.Ref{}, record.Ref{}
	t.Resets = []record.Reset{{Ref: at(2, time.Millisecond), From: record.Server, TTL: 64, HasAck: true, AnswersSYN: true}}
	t.End, t.EndBy, t.EndHow = t.Resets[0].Ref, record.Server, "rst"
}

func icmp(x record.ICMP) func(*record.Connection) {
	return func(c *record.Connection) {
		x.Ref, x.From = at(6, time.Second), netip.MustParseAddr("10.0.0.254")
		c.Facts.TCP.ICMP = []record.ICMP{x}
	}
}

// vanish has the client send 40 bytes six times in vain.
func vanish(c *record.Connection) {
	t := &c.Facts.TCP
	t.End, t.EndHow = record.Ref{}, ""
	s := &t.Sides[record.Client]
	s.FIN, s.Retransmissions = record.Ref{}, 5
	s.Unacked, s.UnackedSent, s.UnackedFirst, s.UnackedLast = 40, 6, at(12, 5*time.Second), at(18, 20*time.Second)
	if c.Facts.WS != nil {
		abnormal(c)
	}
}

// hole has the client send a segment of full size in vain.
func hole(c *record.Connection) {
	vanish(c)
	s := &c.Facts.TCP.Sides[record.Client]
	s.Unacked, s.MaxSegment, s.MaxAcked = 5000, 1448, 300
}
