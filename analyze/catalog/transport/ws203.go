package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS203 = &rule.Rule{
	Code: "WS203", Slug: "icmp-unreachable", Family: "transport", Since: "1.0.0",
	Title:    "An ICMP error answered a packet of the connection",
	Severity: record.Error, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "A router, a firewall or the host itself answered a packet of this connection with an ICMP error.",
		Why:  "The sender is told that its packet cannot be delivered. While a connection is being opened this usually ends the attempt; on an open one TCP goes on trying until it gives up.",
		How:  "An ICMP error carries the beginning of the packet that caused it, with its addresses, ports and sequence number: they belong to this connection. The error's type, code and sender are named.",
		Alike: "ICMP errors can be forged by anybody who can guess addresses and ports. 'Fragmentation needed' and 'packet too big' are normal where the sender then sends smaller segments; they are named only if it does not. " +
			"A passing error in a connection that goes on is a warning only.",
		Fix: "'Administratively prohibited' is a firewall's rule: have it changed. 'Host' or 'net unreachable' is routing, or a host that does not answer ARP: see that it is up. 'Port unreachable' to TCP comes from a firewall's REJECT. " +
			"'Fragmentation needed' without smaller segments is a host that ignores ICMP: lower its MTU or clamp the MSS.",
	},
	References: []string{"RFC 792", "RFC 4443 section 3.1", "RFC 1122 section 4.2.3.9", "RFC 8201"},
	Explains:   append([]string{"WS202", "WS207", "WS208", "WS210", "WS211", "WS534"}, open...),
	Needs:      rule.ICMP,
	Check:      checkICMP,
}

func checkICMP(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || len(t.ICMP) == 0 {
		return
	}
	for i := range t.ICMP {
		x := &t.ICMP[i]
		name, relevant := icmpName(x)
		if !relevant {
			continue
		}
		to := c.Server
		if x.About == record.Server {
			to = c.Client
		}
		f := rule.Found{
			Title: fmt.Sprintf("%s answered a packet of the %s to %s with %s", x.From, x.About, to, name),
			Evidence: []record.Evidence{
				r.At(x.Ref, "%s from %s about a packet of the %s", name, x.From, x.About),
			},
			Remedy: icmpRemedy(x, to.Addr().String()),
		}
		if len(t.ICMP) > 1 {
			f.Title += fmt.Sprintf(", %d ICMP errors in all", len(t.ICMP))
		}
		if x.From != c.Server.Addr() && prohibited(x) {
			f.Fault = record.FaultIntermediary
		}
		if !t.SYNACK.Seen() {
			f.SeenByUser = known.UserSaw(c, sawICMP(x))
		}
		r.Add(f)
		return
	}
}

// names of ICMP "destination unreachable" codes (RFC 792, RFC 1122, RFC 1812)
// and of ICMPv6's (RFC 4443).
var (
	icmp4Unreachable = []string{"net unreachable", "host unreachable", "protocol unreachable", "port unreachable",
		"fragmentation needed", "source route failed", "net unknown", "host unknown", "source host isolated", "net administratively prohibited",
		"host administratively prohibited", "net unreachable for this type of service", "host unreachable for this type of service",
		"communication administratively prohibited", "host precedence violation", "precedence cutoff in effect"}
	icmp6Unreachable = []string{"no route to destination", "communication administratively prohibited", "beyond scope of source address",
		"address unreachable", "port unreachable", "source address failed ingress or egress policy", "reject route to destination"}
)

// icmpName names an error with its numbers, and whether it means that a packet
// was not delivered.
func icmpName(x *record.ICMP) (string, bool) {
	family, names := "ICMP", icmp4Unreachable
	if x.V6 {
		family, names = "ICMPv6", icmp6Unreachable
	}
	numbers := fmt.Sprintf(" (type %d code %d)", x.Type, x.Code)
	tooBig := !x.V6 && x.Type == 3 && x.Code == 4 || x.V6 && x.Type == 2
	switch {
	case tooBig && x.V6:
		return fmt.Sprintf("ICMPv6 packet too big, MTU %d%s", x.MTU, numbers), !x.SmallerAfter
	case tooBig:
		return fmt.Sprintf("ICMP fragmentation needed, MTU %d%s", x.MTU, numbers), !x.SmallerAfter
	case x.Type == 3 && !x.V6, x.Type == 1 && x.V6:
		name := "destination unreachable"
		if int(x.Code) < len(names) {
			name = names[x.Code]
		}
		return family + " " + name + numbers, true
	case x.Type == 11 && !x.V6, x.Type == 3 && x.V6:
		return family + " time exceeded" + numbers, true
	case x.Type == 12 && !x.V6, x.Type == 4 && x.V6:
		return family + " parameter problem" + numbers, true
	}
	return "", false // redirects, source quench: the packet went on
}

// sawICMP is what connect(2) makes of an error (icmp_err_convert of Linux' net/ipv4/icmp.c
// and net/ipv6/icmp.c).
func sawICMP(x *record.ICMP) known.Kind {
	switch {
	case x.V6 && x.Type == 1 && x.Code == 4, !x.V6 && x.Type == 3 && x.Code == 3:
		return known.SawRefused
	case x.V6 && x.Type == 1 && x.Code == 0, !x.V6 && x.Type == 3 && (x.Code == 0 || x.Code == 6 || x.Code == 9 || x.Code == 11):
		return known.SawNetUnreachable
	case x.V6 && prohibited(x):
		return known.SawDenied
	}
	return known.SawHostUnreachable
}

// prohibited: a firewall says so.
func prohibited(x *record.ICMP) bool {
	if x.V6 {
		return x.Type == 1 && (x.Code == 1 || x.Code == 5 || x.Code == 6)
	}
	return x.Type == 3 && (x.Code == 9 || x.Code == 10 || x.Code == 13)
}

// icmpRemedy is for an error about a packet to an address.
func icmpRemedy(x *record.ICMP, to string) string {
	from := x.From.String()
	switch {
	case prohibited(x):
		return "A firewall rule at " + from + " forbids this: have it changed there."
	case !x.V6 && x.Type == 3 && x.Code == 4, x.V6 && x.Type == 2:
		return fmt.Sprintf("Let the sender heed the error (do not filter ICMP at the host), or clamp the MSS to %d on the way.", max(x.MTU-40, 0))
	case x.Type == 11 && !x.V6, x.Type == 3 && x.V6:
		return "Packets go in a circle or too far: traceroute shows where; correct the routes around " + from + "."
	case !x.V6 && (x.Code == 2 || x.Code == 3), x.V6 && x.Code == 4:
		return "TCP ports answer with a RST, not with ICMP: look for a REJECT rule at " + from + "."
	}
	return "See that " + to + " is up and that " + from + " has a route to it (and an answer to ARP or neighbour discovery)."
}
