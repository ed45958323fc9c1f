package track

import (
	"net/netip"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/dns"
	"github.com/wsleuth/wsleuth/reassembly"
)

// Named is a DNS message that came over TCP. Its bytes are the tracker's until
// the call returns.
type Named struct {
	From, To netip.Addr
	At       record.Ref // the packet that made it whole
	Message  []byte
}

const dnsPort = 53

// speaksDNS tells by the first payload whether a flow carries DNS.
func (t *Tracker) speaksDNS(f *reassembly.Flow, b []byte) bool {
	if t.o.Named == nil || !dns.LooksStream(b) {
		return false
	}
	if f.ClientBy == reassembly.ClientBySYN {
		return f.Addr(f.Client.Other()).Port() == dnsPort
	}
	// Its beginning is not there: the bytes must say more.
	return len(b) > minLateDNS && (f.Addr(0).Port() == dnsPort || f.Addr(1).Port() == dnsPort)
}

// minLateDNS is a length and a header.
const minLateDNS = 14

// dnsLayer reads the messages of both directions.
type dnsLayer struct {
	stream [2]dns.Stream
	lost   [2]bool // bytes are missing: a message may begin anywhere
}

func (l *dnsLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	stream := &l.stream[from]
	if l.lost[from] {
		if len(b) <= minLateDNS || !dns.LooksStream(b) {
			return
		}
		l.lost[from] = false
		stream.Reset()
	}
	f := s.conn.flow
	stream.Feed(b, func(message []byte) {
		s.conn.t.o.Named(&Named{From: f.Addr(from).Addr().Unmap(), To: f.Addr(from.Other()).Addr().Unmap(), At: at, Message: message})
	})
}

func (l *dnsLayer) missing(_ *slot, from reassembly.Side, _ record.Ref, _ int64) { l.lost[from] = true }
func (*dnsLayer) end(*slot, reassembly.Side, record.Ref)                         {}
func (*dnsLayer) close(*slot)                                                    {}
