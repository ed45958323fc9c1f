package patterns

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS809 = &rule.Rule{
	Code: "WS809", Slug: "name-not-resolved", Family: "patterns", Since: "1.0.0",
	Title:    "A name that was needed could not be resolved by DNS",
	Severity: record.Error, Fault: record.FaultNetwork,
	Text: rule.Text{
		Seen: "A client asked a name server for the address of a name and got none: the name does not exist (NXDOMAIN), the name server failed (SERVFAIL, REFUSED), or it never answered. " +
			"Either a connection in the capture failed that asked for this very name, or the client opened no connection at all afterwards.",
		Why: "Without an address there is no TCP connection, so there is nothing to see of the WebSocket itself. Browsers report net::ERR_NAME_NOT_RESOLVED, other programs getaddrinfo ENOTFOUND or 'no such host'.",
		How: "DNS over UDP and TCP port 53 is read. A name counts as not resolved if no query of the client for it, of type A or AAAA, got an address in the whole capture. " +
			"What systems ask for all day and never find (single words, wpad, .local, .arpa) is left out, and so is a search list's second try. Where the client reached other hosts, a name of a domain that none of them has is left out: browsers ask for their maker's hosts. Where many names fail, only those that a failed connection asked for are named.",
		Alike: "Whether the silent client wanted a WebSocket cannot be seen: then this is only likely. DNS over TLS or HTTPS cannot be read. A client that uses a hosts file or a cached address asks nothing.",
		Fix: "NXDOMAIN: correct the name in the client, or create the record; inside a company the name may exist only on the internal name server. SERVFAIL: look at the name server and its upstream, often DNSSEC or a dead authority. " +
			"No answer: the name server's address is wrong, or a firewall drops port 53.",
	},
	References:    []string{"RFC 1035 section 4.1.1", "RFC 2308 section 2", "RFC 6455 section 4.1"},
	CheckRelation: checkLookUp,
}

func checkLookUp(x *record.Relation, r *rule.Reporter) {
	l := x.LookUp
	if l == nil {
		return
	}
	f := rule.Found{Evidence: []record.Evidence{r.At(l.Query, "%s asks %s for %s", l.Client, l.Server, known.Clip(l.Name))}}
	name := known.Quote(l.Name)
	switch {
	case l.Unreached:
		f.Title = fmt.Sprintf("The name %s was not resolved: nothing at %s answers DNS queries (ICMP)", name, l.Server)
		f.Remedy = "Check the address of the name server that " + l.Client.String() + " is set to use."
		f.Evidence = append(f.Evidence, r.At(l.Answer, "ICMP: the query did not arrive"))
	case l.Code == "no answer":
		f.Title = fmt.Sprintf("The name %s was not resolved: %s never answered %d %s", name, l.Server, l.Tries, plural(l.Tries, "query", "queries"))
		f.Remedy = "Check the address of the name server, and whether a firewall drops port 53."
	case l.Code == "no address":
		f.Title = fmt.Sprintf("The name %s exists but has no address, says %s", name, l.Server)
		f.Remedy = "Create an A or AAAA record for the name."
		f.Evidence = append(f.Evidence, r.At(l.Answer, "an answer without an address"))
	default:
		f.Title = fmt.Sprintf("The name %s was not resolved: %s answered %s", name, l.Server, l.Code)
		f.Remedy = remedies[l.Code]
		if f.Remedy == "" {
			f.Remedy = "Look at the name server's log."
		}
		f.Evidence = append(f.Evidence, r.At(l.Answer, "%s", l.Code))
	}
	if !l.Needed {
		f.Confidence = record.Likely
		f.Title += fmt.Sprintf(", and %s opened no connection then", l.Client)
	}
	f.SeenByUser = "Chromium: net::ERR_NAME_NOT_RESOLVED; Node.js: getaddrinfo ENOTFOUND; Go: no such host"
	r.Add(f)
}

var remedies = map[string]string{
	"NXDOMAIN": "Correct the name in the client, or create it in DNS; if it exists only inside, ask the internal name server.",
	"SERVFAIL": "Look at the name server and the servers it asks: a dead authority or a DNSSEC failure gives SERVFAIL.",
	"REFUSED":  "Let the name server accept queries from this client, or set the client to another one.",
}
