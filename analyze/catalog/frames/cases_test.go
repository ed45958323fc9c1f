package frames

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var cases = []ruletest.Case{
	{Code: "WS601", Name: "healthy"},
	{Code: "WS601", Name: "unmasked", Change: breach(ws.UnmaskedClientFrame, record.Client, ws.Header{Opcode: ws.Text, Length: 5}),
		Title: "The client at 10.0.0.1:50000 sent a text frame of 5 bytes that is not masked", Fault: record.FaultClient, Confidence: record.Certain},
	{Code: "WS601", Name: "behind a gap", Change: func(c *record.Connection) {
		breach(ws.UnmaskedClientFrame, record.Client, ws.Header{Opcode: ws.Text})(c)
		c.Facts.WS.Damaged[record.Client] = true
	}, Title: "not masked", Confidence: record.Likely},
	{Code: "WS602", Name: "healthy"},
	{Code: "WS602", Name: "masked", Change: breach(ws.MaskedServerFrame, record.Server, ws.Header{Opcode: ws.Binary, Length: 7, Masked: true}),
		Title: "The server at 10.0.0.5:80 sent a binary frame of 7 bytes that is masked", Fault: record.FaultServer},
	{Code: "WS603", Name: "healthy"},
	{Code: "WS603", Name: "RSV2 and RSV3", Change: breach(ws.ReservedBits, record.Client, ws.Header{Opcode: ws.Text, RSV: ws.RSV2 | ws.RSV3, Length: 5}),
		Title: "set RSV2 and RSV3 in a text frame of 5 bytes, but no extension was negotiated", Fault: record.FaultClient},
	{Code: "WS603", Name: "a proxy took the extensions off", Change: func(c *record.Connection) {
		breach(ws.ReservedBits, record.Server, ws.Header{Opcode: ws.Text, RSV: ws.RSV1})(c)
		c.Facts.Upgrade.Request = http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n")
	}, Title: "though the client offered permessage-deflate", Confidence: record.Likely},
	{Code: "WS604", Name: "healthy"},
	{Code: "WS604", Name: "opcode 11", Change: breach(ws.ReservedOpcode, record.Server, ws.Header{Opcode: 11}), Title: "the reserved opcode 11", Fault: record.FaultServer},
	{Code: "WS605", Name: "healthy"},
	{Code: "WS605", Name: "fragmented Ping", Change: breach(ws.FragmentedControl, record.Client, ws.Header{Opcode: ws.Ping, Length: 4}), Title: "sent a ping frame of 4 bytes with FIN clear", Fault: record.FaultClient},
	{Code: "WS606", Name: "healthy"},
	{Code: "WS606", Name: "long Ping", Change: breach(ws.OversizedControl, record.Client, ws.Header{Opcode: ws.Ping, Length: 200}), Title: "sent a ping frame of 200 bytes, control frames carry at most 125", Fault: record.FaultClient},
	{Code: "WS607", Name: "healthy"},
	{Code: "WS607", Name: "orphan", Change: breach(ws.OrphanContinuation, record.Server, ws.Header{Length: 3}), Title: "no message to continue", Fault: record.FaultServer},
	{Code: "WS607", Name: "interrupted", Change: breach(ws.InterruptedMessage, record.Client, ws.Header{Opcode: ws.Text}), Title: "began a new message (text) inside an unfinished one", Fault: record.FaultClient},
	{Code: "WS608", Name: "healthy"},
	{Code: "WS608", Name: "Latin-1", Change: breach(ws.InvalidUTF8, record.Server, ws.Header{Opcode: ws.Text}), Title: "not valid UTF-8", Fault: record.FaultServer},
	{Code: "WS609", Name: "healthy"},
	{Code: "WS609", Name: "top bit", Change: breach(ws.LengthTopBit, record.Client, ws.Header{Opcode: ws.Binary, Length: 1<<63 + 5, Size: 14}), Title: "a 64-bit length with its top bit set", Fault: record.FaultClient},
	{Code: "WS609", Name: "too long a form", Change: breach(ws.LengthNotMinimal, record.Client, ws.Header{Opcode: ws.Text, Length: 5, Size: 8}), Title: "wrote the length 5 in a form longer than needed (a header of 8 bytes)"},
	{Code: "WS610", Name: "healthy"},
	{Code: "WS610", Name: "garbage", Change: func(c *record.Connection) {
		breach(ws.BadDeflate, record.Server, ws.Header{Opcode: ws.Text, RSV: ws.RSV1, Length: 9})(c)
		c.Facts.WS.Extensions, c.Facts.WS.Deflate = "permessage-deflate", true
	}, Title: "does not inflate under 'permessage-deflate'", Fault: record.FaultServer},
	{Code: "WS610", Name: "RSV1 in the wrong frame", Change: func(c *record.Connection) {
		breach(ws.BadDeflate, record.Client, ws.Header{Opcode: ws.Text})(c)
		breach(ws.ReservedBits, record.Client, ws.Header{RSV: ws.RSV1})(c)
	}},
	{Code: "WS611", Name: "healthy"},
	{Code: "WS611", Name: "two messages", Change: func(c *record.Connection) {
		c.Facts.WS.DataAfterClose[record.Server] = 2
		breach(ws.DataAfterClose, record.Server, ws.Header{Opcode: ws.Text, Length: 5})(c)
	}, Title: "The server at 10.0.0.5:80 sent 2 data frames after its own Close frame", Fault: record.FaultServer},
	{Code: "WS612", Name: "healthy"},
	{Code: "WS612", Name: "a page", Change: foreign("<!DOCTYPE html>"), Title: "sent an HTML page after the 101", Fault: record.FaultIntermediary},
	{Code: "WS612", Name: "a response", Change: foreign("HTTP/1.1 200 OK"), Title: "an HTTP response"},
	{Code: "WS612", Name: "a body that the 101 announces", Change: func(c *record.Connection) {
		foreign("Upgrading...")(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 12\r\n\r\n")
	}, Title: "plain text", Fault: record.FaultServer},
	{Code: "WS603", Name: "no frames at all", Change: func(c *record.Connection) {
		foreign("HTTP/1.1 200 OK")(c)
		breach(ws.ReservedBits, record.Server, ws.Header{RSV: ws.RSV1})(c)
	}},
	{Code: "WS613", Name: "healthy"},
	{Code: "WS613", Name: "two MiB", Change: func(c *record.Connection) {
		c.Facts.WS.Largest[record.Client], c.Facts.WS.LargestRef[record.Client] = 2<<20, at(9, time.Second)
	}, Title: "sent a message of 2.0 MiB", Severity: record.Info},
	{Code: "WS614", Name: "healthy"},
	{Code: "WS614", Name: "never", Change: unanswered(5*time.Second, record.Client), Title: "did not answer any of the client's 2 Pings with a Pong within 4.00 s", Fault: record.FaultServer, Severity: record.Warning},
	{Code: "WS614", Name: "just before the end", Change: unanswered(8*time.Second, record.Client)},
	{Code: "WS614", Name: "the sender gave up", Change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Server)(c)
		c.Facts.WS.Closes[record.Client] = nil
		c.Facts.WS.FirstClose = c.Facts.WS.Closes[record.Server]
		c.Facts.WS.FirstClose.Code, c.Facts.WS.FirstClose.Reason = 1011, "keepalive ping timeout"
	}, Title: "and the server gave up: Close 1011", Fault: record.FaultClient, Severity: record.Error},
	{Code: "WS614", Name: "the server hangs and the client goes", Change: mute(3 * time.Second), Title: "sent nothing else either, and the client gave up (FIN)", Fault: record.FaultServer, Severity: record.Error},
	{Code: "WS614", Name: "the server goes on sending and the client goes", Change: mute(6 * time.Second), Title: "any of the client's 2 Pings with a Pong within 4.00 s", Fault: record.FaultServer, Severity: record.Warning},
	{Code: "WS614", Name: "the Pong may be in a gap", Change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Client)(c)
		c.Facts.WS.Damaged[record.Server] = true
	}},
	{Code: "WS614", Name: "the frame with the Pong may be in a gap", Change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Client)(c)
		c.Facts.TCP.Gaps = []record.Gap{{Ref: at(11, 6*time.Second), From: record.Server, Length: 6, Kind: "lost"}}
	}},
	{Code: "WS614", Name: "the Ping never arrived", Change: func(c *record.Connection) {
		unanswered(5*time.Second, record.Client)(c)
		s := &c.Facts.TCP.Sides[record.Client]
		s.Unacked, s.UnackedSent, s.UnackedFirst = 8, 2, at(11, 5*time.Second)
	}},
	{Code: "WS615", Name: "healthy"},
	{Code: "WS615", Name: "four seconds", Change: func(c *record.Connection) {
		c.Facts.WS.Pings[record.Client] = record.PingFacts{Sent: 1, Answered: 1, Slowest: 4 * time.Second, SlowestPing: at(9, time.Second), SlowestPong: at(12, 5*time.Second)}
	}, Title: "The server at 10.0.0.5:80 answered a Ping only after 4.00 s", Severity: record.Info},
	{Code: "WS616", Name: "healthy"},
	{Code: "WS616", Name: "in a frame", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.MidFrame[record.Server], c.Facts.WS.MidMessage[record.Server] = true, true
	}, Title: "ended inside a frame of the server", Fault: record.FaultServer},
	{Code: "WS616", Name: "in a fragmented message", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Client)
		c.Facts.WS.MidMessage[record.Server] = true
	}, Title: "inside a fragmented message", Fault: record.FaultClient},
	{Code: "WS616", Name: "closed because it is too big", Change: func(c *record.Connection) {
		c.Facts.WS.MidFrame[record.Client] = true
		c.Facts.WS.FirstClose = c.Facts.WS.Closes[record.Server]
	}},
	{Code: "WS616", Name: "the capture lacks the rest", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.MidFrame[record.Server], c.Facts.WS.Damaged[record.Server] = true, true
	}},
	{Code: "WS617", Name: "healthy"},
	{Code: "WS617", Name: "constant", Change: func(c *record.Connection) { c.Facts.WS.WeakSameMasks, c.Facts.WS.MaskedFrames = 5, 7 }, Title: "masked 5 of 7 frames with the same key", Fault: record.FaultClient, Severity: record.Info},
	{Code: "WS617", Name: "zero", Change: func(c *record.Connection) { c.Facts.WS.WeakZeroMasks, c.Facts.WS.MaskedFrames = 4, 4 }, Title: "a key of zero"},
	{Code: "WS617", Name: "three", Change: func(c *record.Connection) { c.Facts.WS.WeakZeroMasks, c.Facts.WS.MaskedFrames = 3, 9 }},
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
