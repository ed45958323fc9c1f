package upgrade

import (
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

const connect = "CONNECT /socket?token=hunter2 HTTP/2\nHost: app.test\nsec-websocket-version: 13\n"

// onStream puts a connection on stream 5; opened says whether the answer was 200.
func onStream(opened bool, edit func(*record.Connection, *record.H2Facts)) change {
	return func(c *record.Connection) {
		h := &record.H2Facts{Stream: 5, ConnectEnabled: true, SettingsRef: at(2, 0)}
		c.Facts.H2 = h
		c.RecognizedBy = record.ByExtendedConnect
		if opened {
			c.Facts.WS = &record.WSFacts{OpenedRef: c.Facts.Upgrade.ResponseRef, HandshakeSeen: true}
		}
		edit(c, h)
		if x := h.Reset; x != nil && !c.Facts.TCP.End.Seen() {
			c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = x.Ref, x.Dir, "rst-stream"
		}
	}
}

func reset(d record.Dir, code uint32, name string) func(*record.Connection, *record.H2Facts) {
	return func(c *record.Connection, h *record.H2Facts) {
		h.Reset = &record.H2Reset{Ref: at(8, 2*time.Second), Dir: d, Code: code, Name: name}
	}
}

func goAway(d record.Dir, code uint32, name, debug string, ends time.Duration) func(*record.Connection, *record.H2Facts) {
	return func(c *record.Connection, h *record.H2Facts) {
		h.GoAway = &record.H2Reset{Ref: at(8, 2*time.Second), Dir: d, Code: code, Name: name, Debug: debug, Last: 5}
		c.Facts.TCP.End, c.Facts.TCP.EndBy, c.Facts.TCP.EndHow = at(9, ends), d, "fin"
	}
}

// then applies two edits.
func then(a, b func(*record.Connection, *record.H2Facts)) func(*record.Connection, *record.H2Facts) {
	return func(c *record.Connection, h *record.H2Facts) { a(c, h); b(c, h) }
}

func notEnabled(_ *record.Connection, h *record.H2Facts) { h.ConnectEnabled = false }

func closed(c *record.Connection, _ *record.H2Facts) {
	c.Facts.WS.FirstClose = &record.ControlFrame{Ref: at(7, time.Second), Code: 1000, HasCode: true}
}

func nothing(*record.Connection, *record.H2Facts) {}

var h2Cases = []caseOf{
	{code: "WS509", name: "cleartext HTTP/2", request: connect + "origin: https://app.test\n", response: "HTTP/2 200\n", change: onStream(true, nothing)},

	{code: "WS503", name: "HTTP/2, a draft", request: "CONNECT /socket HTTP/2\nHost: app.test\nsec-websocket-version: 8\n", response: "HTTP/2 400\nsec-websocket-version: 13\n", change: onStream(false, nothing),
		title: "The request has 'Sec-WebSocket-Version: 8', expected 13; the server speaks 13", fault: record.FaultClient},
	{code: "WS503", name: "HTTP/2, none and refused", request: "CONNECT /socket HTTP/2\nHost: app.test\n", response: "HTTP/2 400\n", change: onStream(false, nothing), title: "no Sec-WebSocket-Version"},
	{code: "WS503", name: "HTTP/2, none and opened", request: "CONNECT /socket HTTP/2\nHost: app.test\n", response: "HTTP/2 200\n", change: onStream(true, nothing)},
	{code: "WS523", name: "HTTP/2", request: connect, response: "HTTP/2 400\n", change: onStream(false, nothing), title: "RFC 8441 asks for", remedy: "HTTP/1.1"},
	{code: "WS527", name: "HTTP/2", request: connect, response: "HTTP/2 405\n", change: onStream(false, nothing), title: "does not take the method", remedy: "extended CONNECT"},
	{code: "WS528", name: "HTTP/2", request: connect, response: "HTTP/2 426\n", change: onStream(false, nothing), title: "it takes no WebSocket over HTTP/2", fault: record.FaultIntermediary},
	{code: "WS535", name: "HTTP/2, FIN", request: connect, change: both(ended(record.Server, "fin", time.Second), onStream(false, nothing)), title: "closed the connection", fault: record.FaultServer},
	{code: "WS535", name: "HTTP/2, GOAWAY says more", request: connect, change: onStream(false, goAway(record.Server, 0, "NO_ERROR", "", 3*time.Second))},

	{code: "WS560", name: "reset", request: connect, change: onStream(false, then(notEnabled, reset(record.Server, 1, "PROTOCOL_ERROR"))),
		title: "The client asked for CONNECT /socket?… by extended CONNECT, which the SETTINGS of 10.0.0.5:80 do not enable", fault: record.FaultClient, remedy: "allow_connect"},
	{code: "WS560", name: "404", request: connect, response: "HTTP/2 404\n", change: onStream(false, notEnabled), title: "by extended CONNECT"},
	{code: "WS560", name: "opened all the same", request: connect, response: "HTTP/2 200\n", change: onStream(true, notEnabled), title: "by extended CONNECT"},
	{code: "WS560", name: "enabled", request: connect, response: "HTTP/2 404\n", change: onStream(false, nothing)},
	{code: "WS560", name: "late", request: connect, response: "HTTP/2 404\n", change: onStream(false, then(notEnabled, func(_ *record.Connection, h *record.H2Facts) { h.Late = true }))},
	{code: "WS560", name: "no SETTINGS seen", request: connect, response: "HTTP/2 404\n", change: onStream(false, then(notEnabled, func(_ *record.Connection, h *record.H2Facts) { h.SettingsRef = record.Ref{} }))},
	{code: "WS560", name: "GET", response: "HTTP/2 404\n", change: onStream(false, notEnabled)},
	{code: "WS560", name: "HTTP/1.1", response: good101},

	{code: "WS561", name: "open, by the server", request: connect, response: "HTTP/2 200\n", change: onStream(true, reset(record.Server, 2, "INTERNAL_ERROR")),
		title: "The server at 10.0.0.5:80 reset the WebSocket's HTTP/2 stream 5 with INTERNAL_ERROR 2.00 s after it opened, without a Close frame", fault: record.FaultServer, remedy: "INTERNAL_ERROR is a failure"},
	{code: "WS561", name: "open, by the client", request: connect, response: "HTTP/2 200\n", change: onStream(true, reset(record.Client, 8, "CANCEL")),
		title: "The client at 10.0.0.1:50000 reset", fault: record.FaultClient, remedy: "before it cancels"},
	{code: "WS561", name: "complains of the peer", request: connect, response: "HTTP/2 200\n", change: onStream(true, reset(record.Server, 3, "FLOW_CONTROL_ERROR")), title: "FLOW_CONTROL_ERROR", fault: record.FaultClient},
	{code: "WS561", name: "instead of an answer", request: connect, change: onStream(false, reset(record.Server, 7, "REFUSED_STREAM")),
		title: "reset HTTP/2 stream 5 with REFUSED_STREAM instead of an answer to CONNECT /socket?…", fault: record.FaultServer, remedy: "may be sent again"},
	{code: "WS561", name: "calm", request: connect, response: "HTTP/2 200\n", change: onStream(true, reset(record.Server, 11, "ENHANCE_YOUR_CALM")), title: "ENHANCE_YOUR_CALM", remedy: "limits"},
	{code: "WS561", name: "HTTP/1.1", request: connect, change: onStream(false, reset(record.Server, 13, "HTTP_1_1_REQUIRED")), title: "HTTP_1_1_REQUIRED", fault: record.FaultClient, remedy: "ALPN"},
	{code: "WS561", name: "starved", request: connect, response: "HTTP/2 200\n", change: onStream(true, then(reset(record.Client, 8, "CANCEL"), func(_ *record.Connection, h *record.H2Facts) {
		h.Stalls = []record.Stall{{From: record.Server, Begin: at(7, time.Second), Length: 2500 * time.Millisecond}}
	})), title: "the server having granted no more flow-control window for 2.50 s", fault: record.FaultServer, remedy: "WINDOW_UPDATE"},
	{code: "WS561", name: "after a Close frame", request: connect, response: "HTTP/2 200\n", change: onStream(true, then(closed, reset(record.Server, 0, "NO_ERROR")))},
	{code: "WS561", name: "after the stream's end", request: connect, response: "HTTP/2 200\n", change: onStream(true, then(reset(record.Server, 8, "CANCEL"), func(_ *record.Connection, h *record.H2Facts) {
		h.EndStream[record.Server] = h.Reset.Ref
	}))},
	{code: "WS561", name: "after a refusal", request: connect, response: "HTTP/2 404\n", change: onStream(false, reset(record.Client, 8, "CANCEL"))},
	{code: "WS561", name: "no reset", request: connect, response: "HTTP/2 200\n", change: onStream(true, nothing)},

	{code: "WS562", name: "open", request: connect, response: "HTTP/2 200\n", change: onStream(true, goAway(record.Server, 0, "NO_ERROR", "", 3*time.Second)),
		title: "The server at 10.0.0.5:80 ended the HTTP/2 connection with GOAWAY NO_ERROR while the WebSocket on stream 5 was open, 2.00 s after it opened", fault: record.FaultServer, confidence: record.Certain, remedy: "restarted"},
	{code: "WS562", name: "instead of an answer", request: connect, change: onStream(false, goAway(record.Server, 2, "INTERNAL_ERROR", "", 3*time.Second)), title: "GOAWAY INTERNAL_ERROR instead of an answer to CONNECT /socket?…", remedy: "INTERNAL_ERROR"},
	{code: "WS562", name: "too many pings", request: connect, response: "HTTP/2 200\n", change: onStream(true, goAway(record.Server, 11, "ENHANCE_YOUR_CALM", "too_many_pings", 3*time.Second)), title: "('too_many_pings')", fault: record.FaultClient, remedy: "less often"},
	{code: "WS562", name: "by the client", request: connect, response: "HTTP/2 200\n", change: onStream(true, goAway(record.Client, 0, "NO_ERROR", "", 3*time.Second)), title: "The client at", fault: record.FaultClient},
	{code: "WS562", name: "long before", request: connect, response: "HTTP/2 200\n", change: onStream(true, goAway(record.Server, 0, "NO_ERROR", "", time.Minute)), title: "GOAWAY", confidence: record.Likely},
	{code: "WS562", name: "after a Close frame", request: connect, response: "HTTP/2 200\n", change: onStream(true, then(closed, goAway(record.Client, 0, "NO_ERROR", "", 3*time.Second)))},
	{code: "WS562", name: "after the stream's end", request: connect, response: "HTTP/2 200\n", change: onStream(true, goAway(record.Server, 0, "NO_ERROR", "", time.Second))},
	{code: "WS562", name: "after a refusal", request: connect, response: "HTTP/2 503\n", change: onStream(false, goAway(record.Server, 0, "NO_ERROR", "", 3*time.Second))},
	{code: "WS562", name: "still open", request: connect, response: "HTTP/2 200\n", change: onStream(true, then(goAway(record.Server, 0, "NO_ERROR", "", 3*time.Second), func(c *record.Connection, _ *record.H2Facts) { c.Facts.TCP.End = record.Ref{} }))},
}
