package track

import (
	"bytes"
	"net/netip"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// Ask is a request for a WebSocket at the moment at which it was seen: its
// connection is not finished yet. It is the tracker's until the call returns.
type Ask struct {
	Client, Server netip.AddrPort
	First          record.Ref // the connection's first packet
	Stream         int64      // of HTTP/2; else -1
	Vantage        int32
	At             record.Ref
	Head           []byte // as on the wire; in HTTP/2 only Target is known
	Target         string
	Key            []byte // of a Plain one, the value of Sec-WebSocket-Key with the white space around it
	Plain          bool   // it has a key, and no field that a proxy may have added
}

// asked tells whoever wants to know of a request.
func (c *conn) asked(a *attempt, p *http1.Parser) {
	if c.t.o.Asked != nil {
		x := c.ask(-1, a.requestAt.ref())
		from, to := p.Key()
		x.Head = p.Raw()
		x.Key, x.Plain = x.Head[from:to], from < to && !p.Passed()
		c.t.o.Asked(x)
	}
}

// askedOn does the same for a stream of HTTP/2.
func (c *conn) askedOn(stream int64, target string, at record.Ref) {
	if c.t.o.Asked != nil {
		x := c.ask(stream, at)
		x.Target = target
		c.t.o.Asked(x)
	}
}

func (c *conn) ask(stream int64, at record.Ref) *Ask {
	f := c.flow
	c.t.asking = Ask{Client: unmapped(f.Addr(f.Client)), Server: unmapped(f.Addr(f.Client.Other())), First: ref(f.First()), Stream: stream,
		Vantage: f.Vantage, At: at}
	return &c.t.asking
}

// Poll is a request of a library that does without a WebSocket.
type Poll struct {
	Client, Server    netip.AddrPort
	Family, Transport string // as http1.PollingTransport has them
	At                record.Ref
}

// signs of polling in a request target; a look at these costs nothing for all
// other requests.
var pollingSigns = [][]byte{[]byte("transport="), []byte("/xhr"), []byte("/eventsource"), []byte("/htmlfile"), []byte("/jsonp"), []byte("negotiate?"), []byte("?id=")}

// polled tells whoever wants to know of a request that may be polling.
func (c *conn) polled(p *http1.Parser, at record.Ref) {
	if c.t.o.Polled == nil {
		return
	}
	line := p.Raw()
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	line = line[:min(len(line), maxPollLine)]
	for _, sign := range pollingSigns {
		if !bytes.Contains(line, sign) {
			continue
		}
		parts := bytes.Fields(line)
		if len(parts) < 2 {
			return
		}
		family, transport := http1.PollingTransport(string(parts[1]))
		if family != "" && transport != "websocket" && transport != "webSockets" && transport != "negotiate" {
			f := c.flow
			c.t.o.Polled(Poll{Client: unmapped(f.Addr(f.Client)), Server: unmapped(f.Addr(f.Client.Other())), Family: family, Transport: transport, At: at})
		}
		return
	}
}

// maxPollLine bounds the request line that is looked at.
const maxPollLine = 4 << 10
