package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

var WS546 = &rule.Rule{
	Code: "WS546", Slug: "extension-not-offered", Family: "upgrade", Since: "1.0.0",
	Title:    "The server selected an extension or a parameter that the client did not offer or that is invalid",
	Severity: record.Error, Fault: record.FaultServer,
	Text: rule.Text{
		Seen: "The answer's Sec-WebSocket-Extensions names an extension that the request did not offer, or permessage-deflate with parameters that RFC 7692 forbids or that do not fit the offer.",
		Why:  "The client must fail the connection: it could not decode what the server sends. Browsers name the extension or parameter in the console.",
		How: "Offer and answer are parsed by the grammar of RFC 6455 section 9.1 and compared by the rules of RFC 7692: each parameter once, window bits from 8 to 15 without a leading zero, " +
			"client_max_window_bits only if it was offered, no larger windows than offered.",
		Alike: "A proxy that adds or changes the field, or one that strips it from the request only, gives the same picture at the client. Old Safari offered x-webkit-deflate-frame, which is not permessage-deflate.",
		Fix:   "Update or configure the server's WebSocket library: it must answer within the offer. If a proxy strips the field from requests, let it strip it from answers as well, or pass both on.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 9.1", "RFC 7692 section 5.1", "RFC 7692 section 7.1"},
	Explains:   append([]string{"WS603", "WS610"}, endCodes...),
	Needs:      rule.Extension,
	Check:      checkExtensions,
}

// RFC 6455 section 4.1, item 5: "If the response includes a
// |Sec-WebSocket-Extensions| header field and this header field indicates the
// use of an extension that was not present in the client's handshake ... the
// client MUST _Fail the WebSocket Connection_."
func checkExtensions(c *record.Connection, r *rule.Reporter) {
	u := acceptedOf(c)
	if u == nil || u.Request == nil || u.RequestCut || !u.Response.Has("Sec-WebSocket-Extensions") || plainDeflate(u) {
		return
	}
	answered, ok := http1.ParseExtensions(u.Response.Values("Sec-WebSocket-Extensions"))
	offered, _ := http1.ParseExtensions(u.Request.Values("Sec-WebSocket-Extensions"))
	problem, kind := extensionProblem(answered, offered)
	if problem == "" && !ok && len(answered) > 0 {
		problem, kind = "the field departs from the grammar", known.SawExtension
	}
	if problem == "" {
		return
	}
	value := join(u.Response.Values("Sec-WebSocket-Extensions"))
	name := answered[0].Name
	f := rule.Found{
		Title:      known.Who(c) + " answered with the extension " + known.Quote(value) + ": " + problem,
		Remedy:     "Update or configure the server's WebSocket library so that it answers within the client's offer, or switch compression off.",
		SeenByUser: known.UserSaw(c, kind, name),
		Evidence:   []record.Evidence{r.At(responseField(u, "Sec-WebSocket-Extensions"), "Sec-WebSocket-Extensions: %s", known.Clip(value))},
	}
	if kind == known.SawExtension && value == name && ok { // it is all that was answered
		f.Title = known.Who(c) + " answered with the extension " + known.Quote(value) + ", which was not offered"
	}
	if kind == known.SawDeflate {
		f.SeenByUser = known.UserSaw(c, kind, problem)
	}
	if u.Request.Has("Sec-WebSocket-Extensions") {
		f.Evidence = append(f.Evidence, r.At(requestField(u, "Sec-WebSocket-Extensions"), "the client offered %s", known.Clip(join(u.Request.Values("Sec-WebSocket-Extensions")))))
	} else {
		f.Evidence = append(f.Evidence, r.At(u.RequestRef, "the client offered no extension"))
	}
	r.Add(f)
}

// plainDeflate tells the commonest agreement without memory: one
// permessage-deflate, and it answers the first that was offered.
func plainDeflate(u *record.UpgradeFacts) bool {
	answer, _ := u.Response.Get("Sec-WebSocket-Extensions")
	offer, _ := u.Request.Get("Sec-WebSocket-Extensions")
	selected, ok := http1.PlainDeflate(answer, true)
	if !ok || u.Response.Count("Sec-WebSocket-Extensions") != 1 {
		return false
	}
	offered, ok := http1.PlainDeflate(offer, false)
	return ok && len(selected.Answers([]http1.Deflate{offered})) == 0
}

// extensionProblem is what is wrong with the answered extensions as an answer
// to those offered, and as which message a client shows it.
func extensionProblem(answered, offered []http1.Extension) (string, known.Kind) {
	seen := map[string]bool{}
	for _, e := range answered {
		if !isOffered(e.Name, offered) {
			return known.Quote(e.Name) + " was not offered", known.SawExtension
		}
		if seen[e.Name] {
			return known.Quote(e.Name) + " is accepted twice", known.SawDeflate
		}
		seen[e.Name] = true
		if e.Name != http1.DeflateName {
			continue
		}
		d, problems := http1.ParseDeflate(e, true)
		if len(problems) == 0 {
			problems = d.Answers(deflateOffers(offered))
		}
		if len(problems) > 0 {
			return known.Clip(strings.Join(problems, ", ")), known.SawDeflate
		}
	}
	return "", ""
}

func isOffered(name string, offered []http1.Extension) bool {
	for _, o := range offered {
		if strings.EqualFold(o.Name, name) {
			return true
		}
	}
	return false
}

func deflateOffers(offered []http1.Extension) (offers []http1.Deflate) {
	for _, o := range offered {
		if o.Name == http1.DeflateName {
			// Section 7: a server declines an offer with invalid parameters.
			if d, problems := http1.ParseDeflate(o, false); len(problems) == 0 {
				offers = append(offers, d)
			}
		}
	}
	return offers
}
