package closing

import (
	"net/netip"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var cases = []ruletest.Case{
	{Code: "WS701", Name: "healthy"},
	{Code: "WS701", Name: "FIN of the server", Change: abnormal, Title: "The server at 10.0.0.5:80 ended the WebSocket by FIN, without a Close frame, after 9.40 s", Fault: record.FaultServer},
	{Code: "WS701", Name: "in the middle of a frame", Change: func(c *record.Connection) { abnormal(c); c.Facts.WS.MidFrame[record.Server] = true }, Title: "after 9.40 s, in the middle of a message", Fault: record.FaultServer},
	{Code: "WS701", Name: "close_notify of the server", Change: func(c *record.Connection) { abnormal(c); c.Facts.TCP.Notified = true }, Title: "The server at 10.0.0.5:80 ended the WebSocket by close_notify, without a Close frame"},
	{Code: "WS701", Name: "RST is WS205", Change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
	}},
	{Code: "WS701", Name: "still open", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.TCP.End, c.Facts.TCP.EndHow = record.Ref{}, ""
	}},
	{Code: "WS701", Name: "the client fails the handshake", Change: func(c *record.Connection) {
		abnormal(c)
		c.Outcome = record.InvalidHandshake
	}},
	{Code: "WS701", Name: "HTTP/2 stream's end", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.H2 = &record.H2Facts{Stream: 1}
		c.Facts.H2.EndStream[record.Client] = at(15, 6*time.Second)
	}, Title: "by END_STREAM", Fault: record.FaultClient},
	{Code: "WS701", Name: "GOAWAY said so", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.H2 = &record.H2Facts{GoAway: &record.H2Reset{Ref: at(15, time.Second)}}
	}},
	{Code: "WS701", Name: "the Close may be in a gap", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.Damaged[record.Server] = true
	}, Title: "without a Close frame", Confidence: record.Possible},
	{Code: "WS701", Name: "the 101 has no CR", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n")
		c.Facts.WS.Frames[record.Client] = record.FrameCounts{}
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = record.Ref{Packet: 8, Time: c.Facts.WS.OpenedRef.Time + 3e6}, record.Client, "fin"
	}, Title: "whose lines end in LF alone", Fault: record.FaultServer, Confidence: record.Likely},
	{Code: "WS701", Name: "the client leaves after the 101", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.Frames[record.Client] = record.FrameCounts{}
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = record.Ref{Packet: 8, Time: c.Facts.WS.OpenedRef.Time + 3e6}, record.Client, "fin"
	}, Title: "left by FIN 3 ms after the 101, without a frame of its own, as clients do that refuse the answer", Fault: record.FaultUnknown, Remedy: "did it refuse the 101"},
	{Code: "WS701", Name: "a proxy ended it", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.22.1\r\n\r\n")
	}, Title: "nginx/1.22.1 at 10.0.0.5:80 ended", Remedy: "of the server behind it"},
	{Code: "WS701", Name: "the client had gone before the 101 came", Change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = c.Facts.Upgrade.RequestLast, record.Client, "fin"
	}, Title: "before the 101 had come", Fault: record.FaultClient},
	{Code: "WS702", Name: "healthy"},
	{Code: "WS702", Name: "no frame to blame", Change: closed(record.Server, 1002, "protocol error"), Title: "closed with 1002 (protocol error) 'protocol error': no frame of the client in this capture breaks RFC 6455", Fault: record.FaultUnknown},
	{Code: "WS702", Name: "the peer sent no frames", Change: func(c *record.Connection) {
		closed(record.Client, 1002, "")(c)
		c.Facts.WS.NotWebSocket, c.Facts.WS.NotWebSocketDir = []byte("<html>"), record.Server
	}, Title: "closed with 1002", Fault: record.FaultServer, Confidence: record.Certain},
	{Code: "WS702", Name: "the peer broke a rule", Change: func(c *record.Connection) {
		closed(record.Server, 1002, "")(c)
		c.Facts.WS.Violations = []record.Violation{{Kind: ws.UnmaskedClientFrame, Dir: record.Client, Ref: at(8, time.Second)}}
	}, Title: "closed with 1002", Fault: record.FaultClient, Confidence: record.Certain},
	{Code: "WS703", Name: "healthy"},
	{Code: "WS703", Name: "1003", Change: closed(record.Server, 1003, "text only"), Title: "1003 (unsupported data) 'text only'", Fault: record.FaultClient},
	{Code: "WS704", Name: "healthy"},
	{Code: "WS704", Name: "1007", Change: closed(record.Client, 1007, ""), Title: "The client at 10.0.0.1:50000 closed with 1007", Fault: record.FaultUnknown},
	{Code: "WS705", Name: "healthy"},
	{Code: "WS705", Name: "1008", Change: closed(record.Server, 1008, "policy"), Title: "1008 (policy violation) 'policy'"},
	{Code: "WS706", Name: "healthy"},
	{Code: "WS706", Name: "1009", Change: func(c *record.Connection) {
		closed(record.Server, 1009, "")(c)
		c.Facts.WS.Largest[record.Client], c.Facts.WS.LargestRef[record.Client] = 5000, at(8, time.Second)
	}, Title: "the largest message of the client has 5000 bytes"},
	{Code: "WS707", Name: "healthy"},
	{Code: "WS707", Name: "1010", Change: closed(record.Client, 1010, ""), Title: "the client offered no extension, the server selected no extension", Remedy: "Let the client offer", Fault: record.FaultClient},
	{Code: "WS707", Name: "offered", Change: func(c *record.Connection) {
		closed(record.Client, 1010, "")(c)
		c.Facts.Upgrade.Request = http1.ParseHead(http1.Request, "GET /x HTTP/1.1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	}, Title: "the client offered 'permessage-deflate', the server selected no extension", Remedy: "Enable the extension", Fault: record.FaultServer},
	{Code: "WS708", Name: "healthy"},
	{Code: "WS708", Name: "1011", Change: closed(record.Server, 1011, "boom"), Title: "1011 (internal error) 'boom'", Fault: record.FaultServer},
	{Code: "WS708", Name: "through nginx", Change: func(c *record.Connection) {
		closed(record.Server, 1011, "boom")(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.22.1\r\n\r\n")
	}, Title: "The server behind nginx/1.22.1 at 10.0.0.5:80 closed with 1011", Remedy: "of the server behind nginx/1.22.1"},
	{Code: "WS708", Name: "no Pong", Change: closed(record.Server, 1011, "keepalive ping timeout"), Title: "its Ping got no Pong in time", Fault: record.FaultClient},
	{Code: "WS709", Name: "healthy"},
	{Code: "WS709", Name: "1012", Change: closed(record.Server, 1012, ""), Title: "1012 (service restart)", Severity: record.Warning},
	{Code: "WS710", Name: "healthy"},
	{Code: "WS710", Name: "1013", Change: closed(record.Server, 1013, ""), Title: "1013 (try again later)", Severity: record.Warning},
	{Code: "WS711", Name: "healthy"},
	{Code: "WS711", Name: "1014", Change: closed(record.Server, 1014, ""), Title: "1014 (bad gateway)", Fault: record.FaultIntermediary},
	{Code: "WS712", Name: "healthy"},
	{Code: "WS712", Name: "GraphQL", Change: closed(record.Server, 4401, "Unauthorized"), Title: "4401 'Unauthorized': GraphQL over WebSocket uses it for unauthorized", Severity: record.Info},
	{Code: "WS712", Name: "a registered name", Change: closed(record.Server, 3000, "no"), Title: "closed with 3000 (unauthorized) 'no'", Severity: record.Info},
	{Code: "WS712", Name: "5000 is none", Change: closed(record.Server, 5000, "")},
	{Code: "WS713", Name: "healthy"},
	{Code: "WS713", Name: "1006", Change: closed(record.Client, 1006, ""), Title: "closed with 1006, which is for local use only", Fault: record.FaultClient},
	{Code: "WS713", Name: "5000", Change: closed(record.Server, 5000, ""), Title: "above 4999", Fault: record.FaultServer},
	{Code: "WS713", Name: "digits", Change: closed(record.Server, '1'<<8|'0', "00"), Title: "closed with 12592, which is how the text '1000' begins", Fault: record.FaultServer},
	{Code: "WS713", Name: "in answer to a Close", Change: func(c *record.Connection) {
		closed(record.Client, 1000, "")(c)
		c.Facts.WS.Closes[record.Server] = &record.ControlFrame{Ref: at(19, 9*time.Second), Dir: record.Server, HasCode: true, Code: 1005, Length: 2}
	}, Title: "answered the Close frame with 1005", Fault: record.FaultServer},
	{Code: "WS713", Name: "0", Change: closed(record.Server, 0, ""), Title: "below 1000"},
	{Code: "WS714", Name: "healthy"},
	{Code: "WS714", Name: "one byte", Change: func(c *record.Connection) {
		c.Facts.WS.Violations = []record.Violation{{Kind: ws.ClosePayloadOneByte, Dir: record.Server, Ref: at(16, 9*time.Second), Header: ws.Header{Opcode: ws.Close, Length: 1}}}
	}, Title: "with one byte of payload", Fault: record.FaultServer},
	{Code: "WS714", Name: "Latin-1", Change: func(c *record.Connection) {
		c.Facts.WS.Violations = []record.Violation{{Kind: ws.CloseReasonNotUTF8, Dir: record.Client, Ref: at(16, 9*time.Second)}}
	}, Title: "whose reason is not UTF-8", Fault: record.FaultClient},
	{Code: "WS715", Name: "both closed"},
	{Code: "WS715", Name: "the server never answers", Change: func(c *record.Connection) { c.Facts.WS.Closes[record.Server] = nil },
		Title: "The server at 10.0.0.5:80 did not answer the client's Close frame", Fault: record.FaultServer},
	{Code: "WS715", Name: "ended its side before", Change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		end := c.Facts.WS.FirstClose.Ref
		end.Time -= record.Time(700 * time.Millisecond)
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = end, record.Server, "fin"
	}, Title: "had ended its side of the connection (FIN) 700 ms before the client's Close frame", Fault: record.FaultServer, Remedy: "before it ends its side"},
	{Code: "WS715", Name: "closed TCP at once", Change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		c.Facts.TCP.EndBy = record.Client
	}, Title: "closed TCP right after its Close frame", Confidence: record.Likely},
	{Code: "WS715", Name: "the capture ends before the other half of the stream", Change: func(c *record.Connection) {
		end := at(15, time.Second)
		c.Facts.WS.Closes[record.Server], c.Facts.CaptureEnd = nil, end
		c.Facts.H2 = &record.H2Facts{Stream: 1, EndStream: [2]record.Ref{record.Client: end}}
	}},
	{Code: "WS715", Name: "TCP still stands", Change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		c.Facts.TCP.End, c.Facts.TCP.EndHow = record.Ref{}, ""
	}},
	{Code: "WS715", Name: "the answer may be in a gap", Change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		c.Facts.WS.Damaged[record.Server] = true
	}},
	{Code: "WS716", Name: "healthy"},
	{Code: "WS716", Name: "nginx's minute", Change: silent(59780 * time.Millisecond), Title: "after 59.8 s of silence in both directions, consistent with nginx's proxy_read_timeout", Fault: record.FaultIntermediary},
	{Code: "WS716", Name: "five seconds", Change: silent(4930 * time.Millisecond), Title: "consistent with a timer of 5 s"},
	{Code: "WS716", Name: "seven seconds", Change: silent(7 * time.Second), Title: "a timer of 7 s", Confidence: record.Possible},
	{Code: "WS716", Name: "no timer fits", Change: silent(7400 * time.Millisecond)},
	{Code: "WS716", Name: "nginx's lazy timer", Change: early(5850*time.Millisecond, 150*time.Millisecond), Title: "after 5.85 s of silence in both directions, consistent with a timer of 6 s that had begun 150 ms before"},
	{Code: "WS716", Name: "begun too long before", Change: early(5550*time.Millisecond, 450*time.Millisecond)},
	{Code: "WS716", Name: "two programs of one host", Change: func(c *record.Connection) {
		silent(4930 * time.Millisecond)(c)
		c.Client, c.Server = netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("127.0.0.1:80")
		c.Facts.Upgrade.Response = nil
	}, Title: "consistent with a timer of 5 s", Fault: record.FaultServer},
	{Code: "WS716", Name: "too short", Change: silent(2 * time.Second)},
	{Code: "WS716", Name: "the path forgot it", Change: func(c *record.Connection) {
		silent(401300 * time.Millisecond)(c)
		reset(c, record.Server)
		c.Facts.TCP.SilenceBroken = at(17, 409*time.Second)
	}, Title: "Data after 401.3 s of silence was answered by a RST: the path had forgotten the connection, consistent with Azure Load Balancer's idle timeout"},
	{Code: "WS716", Name: "the other program forgot it", Change: func(c *record.Connection) {
		silent(401300 * time.Millisecond)(c)
		reset(c, record.Server)
		c.Facts.TCP.SilenceBroken = at(17, 409*time.Second)
		c.Client, c.Server = netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("127.0.0.1:80")
		c.Facts.Upgrade.Response = nil
	}, Title: "by a RST: the server at 127.0.0.1:80 no longer had the connection", Fault: record.FaultServer},
	{Code: "WS716", Name: "closed by a frame", Change: func(c *record.Connection) { c.Facts.TCP.Silence = 60 * time.Second }},
	{Code: "WS716", Name: "in the dark", Change: func(c *record.Connection) {
		silent(60 * time.Second)(c)
		c.Facts.WS, c.Facts.Upgrade, c.Outcome = nil, nil, record.Opaque
		c.Facts.TLS = &record.TLSFacts{Likeness: &record.TLSLikeness{Confidence: record.Likely}}
	}, Title: "after 60.0 s of silence in both directions, consistent with nginx's proxy_read_timeout", Fault: record.FaultIntermediary, Confidence: record.Likely},
	{Code: "WS716", Name: "in the dark, like nothing", Change: func(c *record.Connection) {
		silent(60 * time.Second)(c)
		c.Facts.WS, c.Facts.Upgrade, c.Outcome = nil, nil, record.Opaque
		c.Facts.TLS = &record.TLSFacts{}
	}},
	{Code: "WS717", Name: "healthy"},
	{Code: "WS717", Name: "thirty seconds", Change: aged(30 * time.Second), Title: "at an age of 30.0 s, in the middle of traffic, consistent with Google Cloud load balancing's backend service timeout", Fault: record.FaultIntermediary, Severity: record.Error},
	{Code: "WS701", Name: "cut by its age", Change: aged(30 * time.Second), Title: "ended the WebSocket", Fault: record.FaultIntermediary},
	{Code: "WS717", Name: "by a client, or by what stands before it", Change: agedByClient, Title: "The client at 10.0.0.1:50000 cut the connection (FIN) at an age of 30.0 s", Fault: record.FaultUnknown, Confidence: record.Possible,
		Remedy: "ends connections itself after 30 s; if not"},
	{Code: "WS717", Name: "by a proxy that says so", Change: func(c *record.Connection) {
		agedByClient(c)
		c.Facts.Upgrade.Request = http1.ParseHead(http1.Request, "GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
	}, Title: "(a proxy, by X-Forwarded-For) cut the connection", Fault: record.FaultIntermediary, Confidence: record.Possible},
	{Code: "WS701", Name: "cut by its age, by a client", Change: agedByClient, Title: "ended the WebSocket", Fault: record.FaultUnknown},
	{Code: "WS717", Name: "nothing but Pings", Change: func(c *record.Connection) {
		aged(40 * time.Second)(c)
		c.Facts.WS.Messages = [2]int64{}
		c.Facts.WS.Pings[record.Client].Answered = 12
	}, Title: "at an age of 40.0 s", Fault: record.FaultIntermediary},
	{Code: "WS717", Name: "no traffic at all", Change: func(c *record.Connection) {
		aged(40 * time.Second)(c)
		c.Facts.WS.Messages, c.Facts.WS.Pings = [2]int64{}, [2]record.PingFacts{}
	}},
	{Code: "WS717", Name: "no round age", Change: aged(34 * time.Second)},
	{Code: "WS717", Name: "too young", Change: aged(20 * time.Second)},
	{Code: "WS717", Name: "silence explains it", Change: func(c *record.Connection) {
		aged(40 * time.Second)(c)
		c.Facts.TCP.Silence = 5 * time.Second
	}},
	{Code: "WS718", Name: "healthy"},
	{Code: "WS718", Name: "page left", Change: closed(record.Client, 1001, ""), Title: "closed with 1001 (going away)", Severity: record.Info},
}

// closed has one side close first with this code.
func closed(by record.Dir, code int, reason string) func(*record.Connection) {
	return func(c *record.Connection) {
		x := c.Facts.WS.Closes[by]
		x.Code, x.Reason = code, reason
		c.Facts.WS.FirstClose = x
	}
}

// silent ends the connection without a Close frame after a silence.
func silent(d time.Duration) func(*record.Connection) {
	return func(c *record.Connection) {
		abnormal(c)
		t := &c.Facts.TCP
		t.SilenceFrom, t.Silence, t.End = at(17, 9*time.Second), d, at(18, 9*time.Second+d)
	}
}

// aged ends the connection without a Close frame this long after it opened.
func aged(d time.Duration) func(*record.Connection) {
	return func(c *record.Connection) {
		abnormal(c)
		c.Facts.TCP.End = record.Ref{Packet: 18, Time: c.Facts.WS.OpenedRef.Time + record.Time(d)}
	}
}

// agedByClient is cut after thirty seconds by the side that opened the connection.
func agedByClient(c *record.Connection) {
	aged(30 * time.Second)(c)
	c.Facts.TCP.EndBy = record.Client
}

// early is silent, with the request so long before the silence.
func early(d, before time.Duration) func(*record.Connection) {
	return func(c *record.Connection) {
		silent(d)(c)
		c.Facts.Upgrade.RequestRef = at(16, 9*time.Second-before)
	}
}
