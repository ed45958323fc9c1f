package closing

import (
	"net/netip"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

var cases = []caseOf{
	{code: "WS701", name: "healthy"},
	{code: "WS701", name: "FIN of the server", change: abnormal, title: "The server at 10.0.0.5:80 ended the WebSocket by FIN, without a Close frame, after 9.40 s", fault: record.FaultServer},
	{code: "WS701", name: "close_notify of the server", change: func(c *record.Connection) { abnormal(c); c.Facts.TCP.Notified = true }, title: "The server at 10.0.0.5:80 ended the WebSocket by close_notify, without a Close frame"},
	{code: "WS701", name: "RST is WS205", change: func(c *record.Connection) {
		abnormal(c)
		reset(c, record.Server)
	}},
	{code: "WS701", name: "still open", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.TCP.End, c.Facts.TCP.EndHow = record.Ref{}, ""
	}},
	{code: "WS701", name: "the client fails the handshake", change: func(c *record.Connection) {
		abnormal(c)
		c.Outcome = record.InvalidHandshake
	}},
	{code: "WS701", name: "HTTP/2 stream's end", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.H2 = &record.H2Facts{Stream: 1}
		c.Facts.H2.EndStream[record.Client] = at(15, 6*time.Second)
	}, title: "by END_STREAM", fault: record.FaultClient},
	{code: "WS701", name: "GOAWAY said so", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.H2 = &record.H2Facts{GoAway: &record.H2Reset{Ref: at(15, time.Second)}}
	}},
	{code: "WS701", name: "the Close may be in a gap", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.WS.Damaged[record.Server] = true
	}, title: "without a Close frame", confidence: record.Possible},
	{code: "WS701", name: "the 101 has no CR", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n")
		c.Facts.WS.Messages = [2]int64{}
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = record.Ref{Packet: 8, Time: c.Facts.WS.OpenedRef.Time + 3e6}, record.Client, "fin"
	}, title: "whose lines end in LF alone", fault: record.FaultServer, confidence: record.Likely},
	{code: "WS701", name: "a proxy ended it", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.Upgrade.Response = http1.ParseHead(http1.Response, "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.22.1\r\n\r\n")
	}, title: "nginx/1.22.1 at 10.0.0.5:80 ended", remedy: "of the server behind it"},
	{code: "WS701", name: "the client had gone before the 101 came", change: func(c *record.Connection) {
		abnormal(c)
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = c.Facts.Upgrade.RequestLast, record.Client, "fin"
	}, title: "before the 101 had come", fault: record.FaultClient},
	{code: "WS702", name: "healthy"},
	{code: "WS702", name: "no frame to blame", change: closed(record.Server, 1002, "protocol error"), title: "closed with 1002 (protocol error) 'protocol error': no frame of the client in this capture breaks RFC 6455", fault: record.FaultUnknown},
	{code: "WS702", name: "the peer broke a rule", change: func(c *record.Connection) {
		closed(record.Server, 1002, "")(c)
		c.Facts.WS.Violations = []record.Violation{{Kind: ws.UnmaskedClientFrame, Dir: record.Client, Ref: at(8, time.Second)}}
	}, title: "closed with 1002", fault: record.FaultClient, confidence: record.Certain},
	{code: "WS703", name: "healthy"},
	{code: "WS703", name: "1003", change: closed(record.Server, 1003, "text only"), title: "1003 (unsupported data) 'text only'", fault: record.FaultClient},
	{code: "WS704", name: "healthy"},
	{code: "WS704", name: "1007", change: closed(record.Client, 1007, ""), title: "The client at 10.0.0.1:50000 closed with 1007", fault: record.FaultUnknown},
	{code: "WS705", name: "healthy"},
	{code: "WS705", name: "1008", change: closed(record.Server, 1008, "policy"), title: "1008 (policy violation) 'policy'"},
	{code: "WS706", name: "healthy"},
	{code: "WS706", name: "1009", change: func(c *record.Connection) {
		closed(record.Server, 1009, "")(c)
		c.Facts.WS.Largest[record.Client], c.Facts.WS.LargestRef[record.Client] = 5000, at(8, time.Second)
	}, title: "the largest message of the client has 5000 bytes"},
	{code: "WS707", name: "healthy"},
	{code: "WS707", name: "1010", change: closed(record.Client, 1010, ""), title: "it offered no extension, the server selected no extension", fault: record.FaultServer},
	{code: "WS708", name: "healthy"},
	{code: "WS708", name: "1011", change: closed(record.Server, 1011, "boom"), title: "1011 (internal error) 'boom'", fault: record.FaultServer},
	{code: "WS708", name: "no Pong", change: closed(record.Server, 1011, "keepalive ping timeout"), title: "its Ping got no Pong in time", fault: record.FaultClient},
	{code: "WS709", name: "healthy"},
	{code: "WS709", name: "1012", change: closed(record.Server, 1012, ""), title: "1012 (service restart)", severity: record.Warning},
	{code: "WS710", name: "healthy"},
	{code: "WS710", name: "1013", change: closed(record.Server, 1013, ""), title: "1013 (try again later)", severity: record.Warning},
	{code: "WS711", name: "healthy"},
	{code: "WS711", name: "1014", change: closed(record.Server, 1014, ""), title: "1014 (bad gateway)", fault: record.FaultIntermediary},
	{code: "WS712", name: "healthy"},
	{code: "WS712", name: "GraphQL", change: closed(record.Server, 4401, "Unauthorized"), title: "4401 'Unauthorized': GraphQL over WebSocket uses it for unauthorized", severity: record.Info},
	{code: "WS712", name: "5000 is none", change: closed(record.Server, 5000, "")},
	{code: "WS713", name: "healthy"},
	{code: "WS713", name: "1006", change: closed(record.Client, 1006, ""), title: "closed with 1006, which is for local use only", fault: record.FaultClient},
	{code: "WS713", name: "5000", change: closed(record.Server, 5000, ""), title: "above 4999", fault: record.FaultServer},
	{code: "WS713", name: "digits", change: closed(record.Server, '1'<<8|'0', "00"), title: "closed with 12592, which is how the text '1000' begins", fault: record.FaultServer},
	{code: "WS713", name: "in answer to a Close", change: func(c *record.Connection) {
		closed(record.Client, 1000, "")(c)
		c.Facts.WS.Closes[record.Server] = &record.ControlFrame{Ref: at(19, 9*time.Second), Dir: record.Server, HasCode: true, Code: 1005, Length: 2}
	}, title: "answered the Close frame with 1005", fault: record.FaultServer},
	{code: "WS713", name: "0", change: closed(record.Server, 0, ""), title: "below 1000"},
	{code: "WS714", name: "healthy"},
	{code: "WS714", name: "one byte", change: func(c *record.Connection) {
		c.Facts.WS.Violations = []record.Violation{{Kind: ws.ClosePayloadOneByte, Dir: record.Server, Ref: at(16, 9*time.Second), Header: ws.Header{Opcode: ws.Close, Length: 1}}}
	}, title: "with one byte of payload", fault: record.FaultServer},
	{code: "WS714", name: "Latin-1", change: func(c *record.Connection) {
		c.Facts.WS.Violations = []record.Violation{{Kind: ws.CloseReasonNotUTF8, Dir: record.Client, Ref: at(16, 9*time.Second)}}
	}, title: "whose reason is not UTF-8", fault: record.FaultClient},
	{code: "WS715", name: "both closed"},
	{code: "WS715", name: "the server never answers", change: func(c *record.Connection) { c.Facts.WS.Closes[record.Server] = nil },
		title: "The server at 10.0.0.5:80 did not answer the client's Close frame", fault: record.FaultServer},
	{code: "WS715", name: "closed TCP at once", change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		c.Facts.TCP.EndBy = record.Client
	}, title: "closed TCP right after its Close frame", confidence: record.Likely},
	{code: "WS715", name: "the capture ends before the other half of the stream", change: func(c *record.Connection) {
		end := at(15, time.Second)
		c.Facts.WS.Closes[record.Server], c.Facts.CaptureEnd = nil, end
		c.Facts.H2 = &record.H2Facts{Stream: 1, EndStream: [2]record.Ref{record.Client: end}}
	}},
	{code: "WS715", name: "TCP still stands", change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		c.Facts.TCP.End, c.Facts.TCP.EndHow = record.Ref{}, ""
	}},
	{code: "WS715", name: "the answer may be in a gap", change: func(c *record.Connection) {
		c.Facts.WS.Closes[record.Server] = nil
		c.Facts.WS.Damaged[record.Server] = true
	}},
	{code: "WS716", name: "healthy"},
	{code: "WS716", name: "nginx's minute", change: silent(59780 * time.Millisecond), title: "after 59.8 s of silence in both directions, consistent with nginx's proxy_read_timeout", fault: record.FaultIntermediary},
	{code: "WS716", name: "five seconds", change: silent(4930 * time.Millisecond), title: "consistent with a timer of 5s"},
	{code: "WS716", name: "seven seconds", change: silent(7 * time.Second), title: "a timer of 7s", confidence: record.Possible},
	{code: "WS716", name: "no timer fits", change: silent(7400 * time.Millisecond)},
	{code: "WS716", name: "nginx's lazy timer", change: early(5850*time.Millisecond, 150*time.Millisecond), title: "after 5.85 s of silence in both directions, consistent with a timer of 6s that had begun 150 ms before"},
	{code: "WS716", name: "begun too long before", change: early(5550*time.Millisecond, 450*time.Millisecond)},
	{code: "WS716", name: "two programs of one host", change: func(c *record.Connection) {
		silent(4930 * time.Millisecond)(c)
		c.Client, c.Server = netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("127.0.0.1:80")
		c.Facts.Upgrade.Response = nil
	}, title: "consistent with a timer of 5s", fault: record.FaultServer},
	{code: "WS716", name: "too short", change: silent(2 * time.Second)},
	{code: "WS716", name: "the path forgot it", change: func(c *record.Connection) {
		silent(401300 * time.Millisecond)(c)
		reset(c, record.Server)
		c.Facts.TCP.SilenceBroken = at(17, 409*time.Second)
	}, title: "Data after 401.3 s of silence was answered by a RST: the path had forgotten the connection, consistent with Azure Load Balancer's idle timeout"},
	{code: "WS716", name: "closed by a frame", change: func(c *record.Connection) { c.Facts.TCP.Silence = 60 * time.Second }},
	{code: "WS716", name: "in the dark", change: func(c *record.Connection) {
		silent(60 * time.Second)(c)
		c.Facts.WS, c.Facts.Upgrade, c.Outcome = nil, nil, record.Opaque
		c.Facts.TLS = &record.TLSFacts{Likeness: &record.TLSLikeness{Confidence: record.Likely}}
	}, title: "after 60.0 s of silence in both directions, consistent with nginx's proxy_read_timeout", fault: record.FaultIntermediary, confidence: record.Likely},
	{code: "WS716", name: "in the dark, like nothing", change: func(c *record.Connection) {
		silent(60 * time.Second)(c)
		c.Facts.WS, c.Facts.Upgrade, c.Outcome = nil, nil, record.Opaque
		c.Facts.TLS = &record.TLSFacts{}
	}},
	{code: "WS717", name: "healthy"},
	{code: "WS717", name: "thirty seconds", change: aged(30 * time.Second), title: "at an age of 30.0 s, in the middle of traffic, consistent with Google Cloud load balancing's backend service timeout", fault: record.FaultIntermediary, severity: record.Error},
	{code: "WS701", name: "cut by its age", change: aged(30 * time.Second), title: "ended the WebSocket", fault: record.FaultIntermediary},
	{code: "WS717", name: "by a client, or by what stands before it", change: agedByClient, title: "The client at 10.0.0.1:50000 cut the connection (FIN) at an age of 30.0 s", fault: record.FaultUnknown, confidence: record.Possible,
		remedy: "ends connections itself after 30s; if not"},
	{code: "WS717", name: "by a proxy that says so", change: func(c *record.Connection) {
		agedByClient(c)
		c.Facts.Upgrade.Request = http1.ParseHead(http1.Request, "GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
	}, title: "(a proxy, by X-Forwarded-For) cut the connection", fault: record.FaultIntermediary, confidence: record.Possible},
	{code: "WS701", name: "cut by its age, by a client", change: agedByClient, title: "ended the WebSocket", fault: record.FaultUnknown},
	{code: "WS717", name: "nothing but Pings", change: func(c *record.Connection) {
		aged(40 * time.Second)(c)
		c.Facts.WS.Messages = [2]int64{}
		c.Facts.WS.Pings[record.Client].Answered = 12
	}, title: "at an age of 40.0 s", fault: record.FaultIntermediary},
	{code: "WS717", name: "no traffic at all", change: func(c *record.Connection) {
		aged(40 * time.Second)(c)
		c.Facts.WS.Messages, c.Facts.WS.Pings = [2]int64{}, [2]record.PingFacts{}
	}},
	{code: "WS717", name: "no round age", change: aged(34 * time.Second)},
	{code: "WS717", name: "too young", change: aged(20 * time.Second)},
	{code: "WS717", name: "silence explains it", change: func(c *record.Connection) {
		aged(40 * time.Second)(c)
		c.Facts.TCP.Silence = 5 * time.Second
	}},
	{code: "WS718", name: "healthy"},
	{code: "WS718", name: "page left", change: closed(record.Client, 1001, ""), title: "closed with 1001 (going away)", severity: record.Info},
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
