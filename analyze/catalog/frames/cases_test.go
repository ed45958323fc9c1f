package frames

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var cases = []caseOf{
	{code: "WS601", name: "healthy"},
	{code: "WS601", name: "unmasked", change: breach(ws.UnmaskedClientFrame, record.Client, ws.Header{Opcode: ws.Text, Length: 5}),
		title: "The client at 10.0.0.1:50000 sent a text frame of 5 bytes that is not masked", fault: record.FaultClient, confidence: record.Certain},
	{code: "WS601", name: "behind a gap", change: func(c *record.Connection) {
		breach(ws.UnmaskedClientFrame, record.Client, ws.Header{Opcode: ws.Text})(c)
		c.Facts.WS.Damaged[record.Client] = true
	}, title: "not masked", confidence: record.Likely},
	{code: "WS602", name: "healthy"},
	{code: "WS602", name: "masked", change: breach(ws.MaskedServerFrame, record.Server, ws.Header{Opcode: ws.Binary, Length: 7, Masked: true}),
		title: "The server at 10.0.0.5:80 sent a binary frame of 7 bytes that is masked", fault: record.FaultServer},
	{code: "WS603", name: "healthy"},
	{code: "WS603", name: "RSV2 and RSV3", change: breach(ws.ReservedBits, record.Client, ws.Header{Opcode: ws.Text, RSV: ws.RSV2 | ws.RSV3, Length: 5}),
		title: "set RSV2 and RSV3 in a text frame of 5 bytes, but no extension was negotiated", fault: record.FaultClient},
	{code: "WS603", name: "a proxy took the extensions off", change: func(c *record.Connection) {
		breach(ws.ReservedBits, record.Server, ws.Header{Opcode: ws.Text, RSV: ws.RSV1})(c)
		c.Facts.Upgrade.Request = http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n")
	}, title: "though the client offered permessage-deflate", confidence: record.Likely},
	{code: "WS604", name: "healthy"},
	{code: "WS604", name: "opcode 11", change: breach(ws.ReservedOpcode, record.Server, ws.Header{Opcode: 11}), title: "the reserved opcode 11", fault: record.FaultServer},
	{code: "WS605", name: "healthy"},
	{code: "WS605", name: "fragmented Ping", change: breach(ws.FragmentedControl, record.Client, ws.Header{Opcode: ws.Ping, Length: 4}), title: "sent a ping frame of 4 bytes with FIN clear", fault: record.FaultClient},
	{code: "WS606", name: "healthy"},
	{code: "WS606", name: "long Ping", change: breach(ws.OversizedControl, record.Client, ws.Header{Opcode: ws.Ping, Length: 200}), title: "sent a ping frame of 200 bytes, control frames carry at most 125", fault: record.FaultClient},
	{code: "WS607", name: "healthy"},
	{code: "WS607", name: "orphan", change: breach(ws.OrphanContinuation, record.Server, ws.Header{Length: 3}), title: "no message to continue", fault: record.FaultServer},
	{code: "WS607", name: "interrupted", change: breach(ws.InterruptedMessage, record.Client, ws.Header{Opcode: ws.Text}), title: "began a new message (text) inside an unfinished one", fault: record.FaultClient},
	{code: "WS608", name: "healthy"},
	{code: "WS608", name: "Latin-1", change: breach(ws.InvalidUTF8, record.Server, ws.Header{Opcode: ws.Text}), title: "not valid UTF-8", fault: record.FaultServer},
	{code: "WS609", name: "healthy"},
	{code: "WS609", name: "top bit", change: breach(ws.LengthTopBit, record.Client, ws.Header{Opcode: ws.Binary, Length: 1<<63 + 5, Size: 14}), title: "a 64-bit length with its top bit set", fault: record.FaultClient},
	{code: "WS609", name: "too long a form", change: breach(ws.LengthNotMinimal, record.Client, ws.Header{Opcode: ws.Text, Length: 5, Size: 8}), title: "wrote the length 5 in a form longer than needed (a header of 8 bytes)"},
	{code: "WS610", name: "healthy"},
	{code: "WS610", name: "garbage", change: func(c *record.Connection) {
		breach(ws.BadDeflate, record.Server, ws.Header{Opcode: ws.Text, RSV: ws.RSV1, Length: 9})(c)
		c.Facts.WS.Extensions, c.Facts.WS.Deflate = "permessage-deflate", true
	}, title: "does not inflate under 'permessage-deflate'", fault: record.FaultServer},
	{code: "WS610", name: "RSV1 in the wrong frame", change: func(c *record.Connection) {
		breach(ws.BadDeflate, record.Client, ws.Header{Opcode: ws.Text})(c)
		breach(ws.ReservedBits, record.Client, ws.Header{RSV: ws.RSV1})(c)
	}},
	{code: "WS611", name: "healthy"},
	{code: "WS611", name: "two messages", change: func(c *record.Connection) {
		c.Facts.WS.DataAfterClose[record.Server] = 2
		breach(ws.DataAfterClose, record.Server, ws.Header{Opcode: ws.Text, Length: 5})(c)
	}, title: "The server at 10.0.0.5:80 sent 2 data frames after its own Close frame", fault: record.FaultServer},
	{code: "WS612", name: "healthy"},
	{code: "WS612", name: "a page", change: foreign("<!DOCTYPE html>"), title: "sent an HTML page after the 101", fault: record.FaultIntermediary},
	{code: "WS612", name: "a response", change: foreign("HTTP/1.1 200 OK"), title: "an HTTP response"},
	{code: "WS612", name: "a body that the 101 announces", change: func(c *record.Connection) {
		foreign("Upgrading...")(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 12\r\n\r\n")
	}, title: "plain text", fault: record.FaultServer},
	{code: "WS603", name: "no frames at all", change: func(c *record.Connection) {
		foreign("HTTP/1.1 200 OK")(c)
		breach(ws.ReservedBits, record.Server, ws.Header{RSV: ws.RSV1})(c)
	}},
	{code: "WS613", name: "healthy"},
	{code: "WS613", name: "two MiB", change: func(c *record.Connection) {
		c.Facts.WS.Largest[record.Client], c.Facts.WS.LargestRef[record.Client] = 2<<20, at(9, time.Second)
	}, title: "sent a message of 2.0 MiB", severity: record.Info},
	{code: "WS614", name: "healthy"},
	{code: "WS614", name: "never", change: unanswered(5*time.Second, record.Client), title: "did not answer any of the client's 2 Pings with a Pong within 4.00 s", fault: record.FaultServer, severity: record.Warning},
	{code: "WS614", name: "just before the end", change: unanswered(8*time.Second, record.Client)},
	{code: "WS614", name: "the sender gave up", change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Server)(c)
		c.Facts.WS.Closes[record.Client] = nil
		c.Facts.WS.FirstClose = c.Facts.WS.Closes[record.Server]
		c.Facts.WS.FirstClose.Code, c.Facts.WS.FirstClose.Reason = 1011, "keepalive ping timeout"
	}, title: "and the server gave up: Close 1011", fault: record.FaultClient, severity: record.Error},
	{code: "WS614", name: "the server hangs and the client goes", change: mute(3 * time.Second), title: "sent nothing else either, and the client gave up (FIN)", fault: record.FaultServer, severity: record.Error},
	{code: "WS614", name: "the server goes on sending and the client goes", change: mute(6 * time.Second), title: "any of the client's 2 Pings with a Pong within 4.00 s", fault: record.FaultServer, severity: record.Warning},
	{code: "WS614", name: "the Pong may be in a gap", change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Client)(c)
		c.Facts.WS.Damaged[record.Server] = true
	}},
	{code: "WS614", name: "the frame with the Pong may be in a gap", change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Client)(c)
		c.Facts.TCP.Gaps = []record.Gap{{Ref: at(11, 6*time.Second), From: record.Server, Length: 6, Kind: "lost"}}
	}},
	{code: "WS614", name: "the Ping never arrived", change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Client)(c)
		s := &c.Facts.TCP.Sides[record.Client]
		s.Unacked, s.UnackedSent, s.UnackedFirst = 8, 2, at(11, 5*time.Second)
	}},
	{code: "WS615", name: "healthy"},
	{code: "WS615", name: "four seconds", change: func(c *record.Connection) {
		c.Facts.WS.Pings[record.Client] = record.PingFacts{Sent: 1, Answered: 1, Slowest: 4 * time.Second, SlowestPing: at(9, time.Second), SlowestPong: at(12, 5*time.Second)}
	}, title: "The server at 10.0.0.5:80 answered a Ping only after 4.00 s", severity: record.Info},
	{code: "WS616", name: "healthy"},
	{code: "WS616", name: "in a frame", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.MidFrame[record.Server], c.Facts.WS.MidMessage[record.Server] = true, true
	}, title: "ended inside a frame of the server", fault: record.FaultServer},
	{code: "WS616", name: "in a fragmented message", change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Client)
		c.Facts.WS.MidMessage[record.Server] = true
	}, title: "inside a fragmented message", fault: record.FaultClient},
	{code: "WS616", name: "closed because it is too big", change: func(c *record.Connection) {
		c.Facts.WS.MidFrame[record.Client] = true
		c.Facts.WS.FirstClose = c.Facts.WS.Closes[record.Server]
	}},
	{code: "WS616", name: "the capture lacks the rest", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.MidFrame[record.Server], c.Facts.WS.Damaged[record.Server] = true, true
	}},
	{code: "WS617", name: "healthy"},
	{code: "WS617", name: "constant", change: func(c *record.Connection) { c.Facts.WS.WeakSameMasks, c.Facts.WS.MaskedFrames = 5, 7 }, title: "masked 5 of 7 frames with the same key", fault: record.FaultClient, severity: record.Info},
	{code: "WS617", name: "zero", change: func(c *record.Connection) { c.Facts.WS.WeakZeroMasks, c.Facts.WS.MaskedFrames = 4, 4 }, title: "a key of zero"},
	{code: "WS617", name: "three", change: func(c *record.Connection) { c.Facts.WS.WeakZeroMasks, c.Facts.WS.MaskedFrames = 3, 9 }},
}

// breach adds a violation at byte 0 of a direction's stream.
func breach(kind ws.Violation, d record.Dir, h ws.Header) func(*record.Connection) {
	return func(c *record.Connection) {
		c.Facts.WS.Violations = append(c.Facts.WS.Violations, record.Violation{Kind: kind, Dir: d, Ref: at(8, time.Second), Header: h, Count: 1})
	}
}

func foreign(first string) func(*record.Connection) {
	return func(c *record.Connection) {
		c.Facts.WS.NotWebSocket, c.Facts.WS.NotWebSocketDir, c.Facts.WS.NotWebSocketRef = []byte(first), record.Server, at(6, 5*time.Millisecond)
	}
}

// unanswered has one side send two Pings that no Pong follows; the Close comes at 9 s.
func unanswered(first time.Duration, by record.Dir) func(*record.Connection) {
	return func(c *record.Connection) {
		c.Facts.WS.Pings[by] = record.PingFacts{Sent: 2, Unanswered: 2, FirstUnanswered: at(10, first), LastUnanswered: at(11, first+time.Second/2)}
	}
}

// mute has the client leave at 9 s with two Pings unanswered since 5 s; the server's last data is older or newer than they.
func mute(last time.Duration) func(*record.Connection) {
	return func(c *record.Connection) {
		abnormal(c)
		unanswered(5*time.Second, record.Client)(c)
		t := &c.Facts.TCP
		t.End, t.EndBy, t.EndHow = at(13, 9*time.Second), record.Client, "fin"
		packet := int64(9)
		if last > 5*time.Second {
			packet = 12
		}
		t.Sides[record.Server].LastData = at(packet, last)
	}
}
