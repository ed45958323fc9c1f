// Package transport holds the rules about TCP and the path below it: how a
// connection came to be or did not, who reset it and whether that is true, and
// what was lost on the way (RFC 9293, RFC 792, RFC 4443).
//
// Most callers need only Rules.
package transport

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS201, WS202, WS203, WS204, WS205, WS206, WS207, WS208, WS209, WS210, WS211, WS212, WS213,
}

// unanswered are the findings of a handshake that got no answer, open those of
// a WebSocket that ends without a word: consequences of whatever happened below.
var (
	unanswered = []string{"WS204", "WS401", "WS402", "WS534", "WS535", "WS537"}
	open       = []string{"WS205", "WS614", "WS615", "WS616", "WS701", "WS715", "WS716", "WS717"}
)

// tcpOf returns the TCP facts of a connection that a rule can judge, else nil.
func tcpOf(c *record.Connection) *record.TCPFacts {
	if c.Facts == nil {
		return nil
	}
	return &c.Facts.TCP
}

// vanishedSends is how often data is sent in vain before its receiver counts
// as gone: the growing distance of retransmissions takes four well beyond a
// passing loss.
const vanishedSends = 4

// unheard returns the side whose data was sent again and again and never
// acknowledged, although the receiver had room for it.
func unheard(c *record.Connection, sends int) (record.Dir, bool) {
	t := tcpOf(c)
	if t == nil || t.OneWay {
		return 0, false
	}
	for d := range t.Sides {
		if t.Sides[d].Unacked > 0 && t.Sides[d].UnackedSent >= sends && !stalledBy(t, record.Dir(d).Other()) {
			return record.Dir(d), true
		}
	}
	return 0, false
}

// stalledBy tells that a side's window was zero to the end: what waits for it
// is not lost.
func stalledBy(t *record.TCPFacts, d record.Dir) bool {
	for i := range t.Stalls {
		if t.Stalls[i].From == d && !t.Stalls[i].End.Seen() {
			return true
		}
	}
	return false
}

// ending returns the RST that ended the connection; nil if none did.
func ending(t *record.TCPFacts) *record.Reset {
	if t.EndHow != "rst" {
		return nil
	}
	for i := range t.Resets {
		if t.Resets[i].Ref == t.End {
			return &t.Resets[i]
		}
	}
	return nil
}

// resetFault is whose RST it is: a forged one is the intermediary's.
func resetFault(t *record.TCPFacts) record.Fault {
	if _, forged := forgery(t); forged {
		return record.FaultIntermediary
	}
	return t.EndBy.Fault()
}

// atHome tells that the capture was made on this side's host or beside it: its
// packets still have a TTL with which hosts begin, and the other side's have not.
func atHome(t *record.TCPFacts, d record.Dir) bool {
	begins := func(ttl uint8) bool { return ttl == 64 || ttl == 128 || ttl == 255 }
	other := t.Sides[d.Other()].TTL
	return begins(t.Sides[d].TTL) && other > 0 && !begins(other)
}

// resetBy begins a title: who reset, or in whose name somebody did.
func resetBy(c *record.Connection, t *record.TCPFacts, by record.Fault) string {
	if by == record.FaultIntermediary {
		return "A RST in the name of " + known.Side(c, t.EndBy) + " ended"
	}
	return known.SideFirst(c, t.EndBy) + " reset"
}

// howReset adds to a title what tells the RST's origin: the kernel aborting a
// connection, or a socket that is no longer there. Of a forged one it tells nothing.
func howReset(r *record.Reset, by record.Fault) string {
	switch {
	case r == nil:
		return ""
	case by == record.FaultIntermediary:
		return "RST"
	case r.HasAck:
		return "RST, ACK: the connection was aborted"
	case r.AnswersData:
		return "RST without ACK in answer to data: its socket was gone"
	}
	return "RST without ACK"
}
