package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS208 = &rule.Rule{
	Code: "WS208", Slug: "peer-vanished", Family: "transport", Since: "1.0.0",
	Title:    "Data was retransmitted without any acknowledgement until the sender gave up or the capture ended",
	Severity: record.Error, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "One side sent data again and again, at growing distances, and the other never acknowledged it.",
		Why:  "The WebSocket is dead, but its sender learns of it only after many minutes (Linux: about 15), unless the application has a timer of its own. Messages pile up unsent meanwhile.",
		How:  "The first unacknowledged segment was sent at least four times, and the receiver's window had room for it. A FIN of the other side that comes later and does not acknowledge it either shows that this side was there: then something on the path drops just this data.",
		Alike: "A laptop that went to sleep, a phone that changed networks, a cable, a server that lost power, and a NAT or firewall that forgot the connection and drops silently: the packets do not tell which. " +
			"Where only full-size segments are lost, WS211 fits better. A capture that lacks the receiver's direction is not judged.",
		Fix: "Send Pings from the side that must know, every 20 to 30 seconds, and close when no Pong comes; that also keeps NAT entries alive. On Linux TCP_USER_TIMEOUT or tcp_retries2 shortens the wait. " +
			"If it happens after silences, look for the idle timeout of a NAT or firewall.",
	},
	References: []string{"RFC 9293 section 3.8.3", "RFC 5482", "RFC 6455 section 5.5.2", "RFC 5382 section 5"},
	Explains:   append([]string{"WS207", "WS534"}, open...),
	Needs:      rule.Trouble,
	Check:      checkVanished,
}

// RFC 9293 section 3.8.3: "(R2) ... close the connection": the time after which
// a sender gives up may be minutes.
func checkVanished(c *record.Connection, r *rule.Reporter) {
	d, gone := unheard(c, vanishedSends)
	if !gone {
		return
	}
	t := tcpOf(c)
	if c.Facts.WS == nil && requestUnheard(c) || blackHole(t, d) {
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	s := &t.Sides[d]
	f := rule.Found{
		Title: fmt.Sprintf("%s did not acknowledge data any more: the %s sent its last %s %d times in %s", known.SideFirst(c, d.Other()), d, record.Bytes(s.Unacked),
			s.UnackedSent, known.Seconds(s.UnackedLast.Time.Sub(s.UnackedFirst.Time))),
		Remedy:     "Let the " + d.String() + " send Pings and close when no Pong comes, so that it learns of this in seconds; then look for the network change, power loss or NAT timeout at this moment.",
		SeenByUser: known.UserSaw(c, sawSilence(c)),
		NextStep:   known.CaptureAt(c, known.Side(c, d.Other())+" as well: it shows whether these segments arrive there."),
		Evidence: []record.Evidence{r.At(s.UnackedFirst, "data of the %s that is never acknowledged", d),
			r.At(s.UnackedLast, "last time it was sent")},
	}
	if end := endAfter(t, d.Other(), s.UnackedLast); end.Seen() {
		what := "the " + d.String() + "'s last " + record.Bytes(s.Unacked)
		f.Remedy = "Look for what drops these packets on the way, while others pass: a firewall or filter that looks into them, or a broken route back."
		if answerUnheard(c, d) {
			what = "the 101"
			f.Remedy = "Look for a firewall or filter between server and client that drops the answer 101; try wss, which hides it."
		}
		f.Title = fmt.Sprintf("%s never acknowledged %s, sent %d times in %s, though it was there: it ended the connection %s after the last", known.SideFirst(c, d.Other()), what,
			s.UnackedSent, known.Seconds(s.UnackedLast.Time.Sub(s.UnackedFirst.Time)), known.Seconds(end.Time.Sub(s.UnackedLast.Time)))
		f.Evidence = append(f.Evidence, r.At(end, "the %s ends the connection and acknowledges nothing", d.Other()))
	}
	if last := t.Sides[d.Other()].LastData; last.Seen() {
		f.Evidence = append(f.Evidence, r.At(last, "last data of the %s", d.Other()))
	}
	r.Add(f)
}

// endAfter is a side's FIN after all that the other had sent in vain: it was
// there, and what was sent did not reach it.
func endAfter(t *record.TCPFacts, by record.Dir, sent record.Ref) record.Ref {
	if end := t.Sides[by].FIN; end.Seen() && !end.Before(sent) {
		return end
	}
	return record.Ref{}
}

// answerUnheard: the data is the 101.
func answerUnheard(c *record.Connection, from record.Dir) bool {
	u := c.Facts.Upgrade
	return from == record.Server && u != nil && u.Response != nil && u.Response.Status == 101 && u.ResponseRef == c.Facts.TCP.Sides[from].UnackedFirst
}

// requestUnheard: the data is the Upgrade request itself, which is WS210's, or
// the ClientHello.
func requestUnheard(c *record.Connection) bool {
	if helloUnheard(c) {
		return true
	}
	u := c.Facts.Upgrade
	return u != nil && u.Request != nil && !u.RequestAcked && u.Response == nil
}

// sawSilence is what a client tells that hears no more, by how far it had come.
func sawSilence(c *record.Connection) known.Kind {
	switch {
	case c.Facts.TLS != nil && c.Facts.TLS.Complete == "":
		return known.SawTLSNoAnswer
	case c.Facts.WS == nil && c.Facts.Upgrade != nil, answerUnheard(c, record.Server):
		return known.SawNoAnswer
	}
	return known.SawAbnormal
}

// helloUnheard: the data is the ClientHello, to which WS402 belongs.
func helloUnheard(c *record.Connection) bool {
	return c.Facts.TLS != nil && !c.Facts.TLS.ServerHello.Seen() && c.Facts.TCP.Sides[record.Server].Bytes == 0
}
