package transport

import (
	"net/netip"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// refusedOverH2 resets the connection of a stream that was not answered.
func refusedOverH2(c *record.Connection, goAway *record.H2Reset) {
	noAnswer(c)
	reset(c, record.Server)
	c.Facts.H2 = &record.H2Facts{ConnectEnabled: true, SettingsRef: at(3, 0), GoAway: goAway}
}

var cases = []caseOf{
	{code: "WS201", name: "healthy"},
	{code: "WS201", name: "refused", change: func(c *record.Connection) {
		bare(c)
		refused(c)
	}, title: "answered by a RST after 1 ms", fault: record.FaultServer},
	{code: "WS201", name: "reset after the handshake is WS212", change: func(c *record.Connection) {
		bare(c)
		reset(c, record.Server)
	}},
	{code: "WS202", name: "healthy"},
	{code: "WS202", name: "SYN again and again", change: func(c *record.Connection) {
		bare(c)
		t := &c.Facts.TCP
		t.SYNACK, t.Established, t.SYNs, t.SYNACKs, t.LastSYN = record.Ref{}, record.Ref{}, 3, 0, at(3, 3*time.Second)
	}, title: "was sent 3 times in 3.00 s and never answered", fault: record.FaultNetwork},
	{code: "WS202", name: "a single SYN", change: func(c *record.Connection) {
		bare(c)
		c.Facts.TCP.SYNACK, c.Facts.TCP.Established = record.Ref{}, record.Ref{}
	}},
	{code: "WS202", name: "SYN-ACK again and again", change: func(c *record.Connection) {
		bare(c)
		c.Facts.TCP.SYNACKs, c.Facts.TCP.Established = 4, record.Ref{}
	}, title: "The SYN-ACK of 10.0.0.5:80 was sent 4 times", confidence: record.Likely},
	{code: "WS202", name: "an ICMP error says more", change: func(c *record.Connection) {
		bare(c)
		t := &c.Facts.TCP
		t.SYNACK, t.Established, t.SYNs = record.Ref{}, record.Ref{}, 3
		t.ICMP = []record.ICMP{{Ref: at(2, 0), Type: 3, Code: 1, From: netip.MustParseAddr("10.0.0.254")}}
	}},
	{code: "WS203", name: "healthy"},
	{code: "WS203", name: "prohibited", change: icmp(record.ICMP{Type: 3, Code: 13}), title: "ICMP communication administratively prohibited (type 3 code 13)", fault: record.FaultIntermediary},
	{code: "WS203", name: "host unreachable", change: icmp(record.ICMP{Type: 3, Code: 1}), title: "ICMP host unreachable (type 3 code 1)", fault: record.FaultNetwork},
	{code: "WS203", name: "ICMPv6", change: icmp(record.ICMP{V6: true, Type: 1, Code: 1}), title: "ICMPv6 communication administratively prohibited (type 1 code 1)"},
	{code: "WS203", name: "unknown code", change: icmp(record.ICMP{Type: 3, Code: 77}), title: "destination unreachable (type 3 code 77)"},
	{code: "WS203", name: "too big, heeded", change: icmp(record.ICMP{Type: 3, Code: 4, MTU: 1400, SmallerAfter: true})},
	{code: "WS203", name: "too big, not heeded", change: icmp(record.ICMP{V6: true, Type: 2, MTU: 1280}), title: "ICMPv6 packet too big, MTU 1280"},
	{code: "WS203", name: "redirect", change: icmp(record.ICMP{Type: 5})},
	{code: "WS204", name: "healthy"},
	{code: "WS204", name: "server resets", change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Server)
	}, title: "reset the connection 9.40 s after the Upgrade request, without a response", fault: record.FaultServer},
	{code: "WS204", name: "HTTP/2", change: func(c *record.Connection) { refusedOverH2(c, nil) }, title: "without a response"},
	{code: "WS204", name: "HTTP/2, after GOAWAY", change: func(c *record.Connection) { refusedOverH2(c, &record.H2Reset{Ref: at(9, time.Second)}) }},
	{code: "WS204", name: "client gives up", change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Client)
	}},
	{code: "WS204", name: "forged", change: func(c *record.Connection) {
		noAnswer(c)
		reset(c, record.Server).TTL = 120
	}, title: "reset the connection", fault: record.FaultIntermediary},
	{code: "WS205", name: "healthy"},
	{code: "WS205", name: "server resets", change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
	}, title: "The server at 10.0.0.5:80 reset the open WebSocket after 9.40 s", fault: record.FaultServer},
	{code: "WS205", name: "after a Close frame", change: func(c *record.Connection) { reset(c, record.Server) }},
	{code: "WS205", name: "answers data after its own FIN", change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Client).AfterOwnFIN = true
	}},
	{code: "WS205", name: "client fails the handshake", change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Client)
		c.Outcome = record.InvalidHandshake
	}},
	{code: "WS205", name: "in the dark", change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
	}, title: "reset the encrypted connection, probably an open WebSocket, 9.40 s after it opened", fault: record.FaultServer, confidence: record.Possible},
	{code: "WS205", name: "in the dark, after a pause", change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
		c.Facts.TLS.LastAppData = at(15, 5*time.Second)
	}, title: "without a close_notify", confidence: record.Likely},
	{code: "WS205", name: "in the dark, after a close_notify", change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
		c.Facts.TLS.LikelyCloseNotify[record.Client] = at(17, 9*time.Second)
	}},
	{code: "WS205", name: "in the dark, like nothing", change: func(c *record.Connection) {
		dark(c)
		reset(c, record.Server)
		c.Facts.TLS.Likeness = nil
	}},
	{code: "WS206", name: "healthy"},
	{code: "WS206", name: "genuine abort", change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
	}},
	{code: "WS206", name: "genuine, socket gone", change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.HasAck, x.ID, x.Timestamps, x.AnswersData = false, 0, false, true
	}},
	{code: "WS206", name: "other TTL", change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.TTL, x.HasAck, x.ID = 113, false, 0x4242
	}, title: "its TTL is 113, that of the sender's other packets 64", confidence: record.Certain},
	{code: "WS206", name: "TTL one off", change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.TTL, x.HasAck = 65, false
	}, title: "its TTL is 65", confidence: record.Likely},
	{code: "WS206", name: "TTL within the sender's range", change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.TTL, x.MinTTL, x.MaxTTL = 63, 62, 64
	}},
	{code: "WS206", name: "sender goes on", change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.WentOn, x.WentOnFirst = 2, at(19, 9500*time.Millisecond)
	}, title: "went on as if it knew nothing of it (2 segments)", confidence: record.Certain},
	{code: "WS206", name: "IP identification alone", change: func(c *record.Connection) {
		abnormal(c)
		x := reset(c, record.Server)
		x.HasAck, x.Timestamps, x.ID, x.OtherID = false, false, 0xbeef, 0x1000
	}, title: "IP identification 0xbeef", confidence: record.Possible},
	{code: "WS206", name: "after its own FIN", change: func(c *record.Connection) {
		x := reset(c, record.Server)
		x.TTL, x.AfterOwnFIN = 60, true
	}},
	{code: "WS207", name: "healthy"},
	{code: "WS207", name: "eight of two hundred", change: func(c *record.Connection) { c.Facts.TCP.Sides[0].Retransmissions = 8 }, title: "8 of 200 data segments (4 %) were sent again"},
	{code: "WS207", name: "path MTU discovery", change: func(c *record.Connection) {
		c.Facts.TCP.Sides[0].Retransmissions, c.Facts.TCP.Sides[0].Resized = 8, 6
	}},
	{code: "WS207", name: "two only", change: func(c *record.Connection) { c.Facts.TCP.Sides[0].Retransmissions = 2 }},
	{code: "WS207", name: "three of two thousand", change: func(c *record.Connection) {
		c.Facts.TCP.Sides[0].Retransmissions, c.Facts.TCP.Sides[0].DataSegments = 3, 2000
	}},
	{code: "WS207", name: "sent in vain at the end", change: vanish},
	{code: "WS207", name: "two segments sent in vain at the end", change: func(c *record.Connection) {
		vanish(c)
		s := &c.Facts.TCP.Sides[record.Client]
		s.Retransmissions, s.UnackedAgain = 10, 10
	}},
	{code: "WS208", name: "healthy"},
	{code: "WS208", name: "vanished", change: vanish, title: "The server at 10.0.0.5:80 did not acknowledge data any more: the client sent its last 40 bytes 6 times", fault: record.FaultNetwork},
	{code: "WS208", name: "zero window", change: func(c *record.Connection) {
		vanish(c)
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Server, Begin: at(9, time.Second), Length: 9 * time.Second}}
	}},
	{code: "WS208", name: "one direction only", change: func(c *record.Connection) {
		vanish(c)
		c.Facts.TCP.OneWay = true
	}},
	{code: "WS209", name: "healthy"},
	{code: "WS209", name: "recovers", change: func(c *record.Connection) {
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Client, Begin: at(9, time.Second), End: at(12, 8*time.Second), Length: 7 * time.Second}}
	}, title: "The client at 10.0.0.1:50000 kept its window at zero for 7.00 s", fault: record.FaultClient},
	{code: "WS209", name: "for ever", change: func(c *record.Connection) {
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Client, Begin: at(9, time.Second), Length: 7 * time.Second}}
	}, title: "never opened it again"},
	{code: "WS209", name: "a moment", change: func(c *record.Connection) {
		c.Facts.TCP.Stalls = []record.Stall{{From: record.Client, Begin: at(9, time.Second), End: at(12, 2*time.Second), Length: time.Second}}
	}},
	{code: "WS210", name: "healthy"},
	{code: "WS210", name: "never acknowledged", change: func(c *record.Connection) {
		noAnswer(c)
		vanish(c)
		c.Facts.Upgrade.RequestAcked, c.Facts.Upgrade.RequestSent = false, 5
	}, title: "never acknowledged the Upgrade request, sent 5 times", fault: record.FaultIntermediary},
	{code: "WS208", name: "the request is WS210's", change: func(c *record.Connection) {
		noAnswer(c)
		vanish(c)
		c.Facts.Upgrade.RequestAcked, c.Facts.Upgrade.RequestSent = false, 5
	}},
	{code: "WS210", name: "one direction only", change: func(c *record.Connection) {
		noAnswer(c)
		c.Facts.Upgrade.RequestAcked, c.Facts.Upgrade.RequestSent, c.Facts.TCP.OneWay = false, 5, true
	}},
	{code: "WS211", name: "healthy"},
	{code: "WS211", name: "full size only", change: hole, title: "with up to 1448 bytes were never acknowledged, though smaller ones (up to 300 bytes) were", fault: record.FaultNetwork},
	{code: "WS211", name: "small data is lost as well", change: vanish},
	{code: "WS208", name: "full size is WS211's", change: hole},
	{code: "WS211", name: "a ClientHello, maybe for its name", change: func(c *record.Connection) {
		hole(c)
		c.Facts.WS, c.Facts.Upgrade = nil, nil
		c.Facts.TLS = &record.TLSFacts{}
		c.Facts.TCP.Sides[record.Server].Bytes = 0
	}, title: "never acknowledged", severity: record.Info, confidence: record.Possible},
	{code: "WS212", name: "healthy"},
	{code: "WS212", name: "server resets at once", change: func(c *record.Connection) {
		bare(c)
		reset(c, record.Server)
	}, title: "after the TCP handshake, before any byte"},
	{code: "WS212", name: "refused is WS201", change: func(c *record.Connection) {
		bare(c)
		refused(c)
	}},
	{code: "WS213", name: "healthy"},
	{code: "WS213", name: "satellite", change: func(c *record.Connection) { c.Facts.TCP.HandshakeRTT = 620 * time.Millisecond }, title: "took 620 ms", severity: record.Info},
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
