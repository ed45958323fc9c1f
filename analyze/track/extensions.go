package track

import "github.com/wsleuth/wsleuth/analyze/wire/http1"

// badExtensions: "If the response includes a |Sec-WebSocket-Extensions| header
// field and this header field indicates the use of an extension that was not
// present in the client's handshake [...], the client MUST _Fail the WebSocket
// Connection_." (RFC 6455, section 4.1) RFC 7692 section 7.1 says the same of
// parameters.
func badExtensions(request, response *http1.Head) []string {
	chosen, ok := http1.ParseExtensions(response.Values("Sec-WebSocket-Extensions"))
	if len(chosen) == 0 {
		return nil
	}
	var problems []string
	if !ok {
		problems = append(problems, "the value departs from the grammar")
	}
	offers, _ := http1.ParseExtensions(request.Values("Sec-WebSocket-Extensions"))
	seen := map[string]bool{}
	for _, e := range chosen {
		if seen[e.Name] {
			problems = append(problems, e.Name+" appears more than once")
			continue
		}
		seen[e.Name] = true
		problems = append(problems, badAnswer(e, offers)...)
	}
	return problems
}

// fitsPlainly: one permessage-deflate answers one offer, as nearly always.
func fitsPlainly(request, response *http1.Head) bool {
	const field = "Sec-WebSocket-Extensions"
	answer, _ := response.Get(field)
	offer, _ := request.Get(field)
	if answer == "" {
		return !response.Has(field)
	}
	answered, ok := http1.PlainDeflate(answer, true)
	if !ok || response.Count(field) != 1 || request.Count(field) != 1 {
		return false
	}
	offered, ok := http1.PlainDeflate(offer, false)
	return ok && len(answered.Answers([]http1.Deflate{offered})) == 0
}

func badAnswer(e http1.Extension, offers []http1.Extension) []string {
	var deflates []http1.Deflate
	offered := false
	for _, o := range offers {
		if o.Name == e.Name {
			offered = true
			d, _ := http1.ParseDeflate(o, false)
			deflates = append(deflates, d)
		}
	}
	if !offered {
		return []string{e.Name + " was not offered"}
	}
	if e.Name != http1.DeflateName {
		return nil
	}
	d, problems := http1.ParseDeflate(e, true)
	return append(problems, d.Answers(deflates)...)
}
