package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS543 = &rule.Rule{
	Code: "WS543", Slug: "response-header-missing", Family: "upgrade", Since: "1.0.0",
	Title:    "The 101 lacks 'Upgrade: websocket' or 'Connection: Upgrade', or has another value there",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The server switched protocols (101), but its answer does not say 'Upgrade: websocket' and 'Connection: Upgrade' as it must.",
		Why:  "The client must fail the connection, for it cannot know to which protocol the server switched. Browsers name the missing field in the console.",
		How: "The whole header block of the 101 is in the capture. If both hop-by-hop fields are gone while Sec-WebSocket-Accept is right, a proxy took them off; " +
			"if only one is missing or has a strange value, the server's own code is the likelier cause.",
		Alike: "An answer that switches to another protocol on purpose (h2c, TLS) names that one. Some lenient clients open all the same, so the connection may even have worked.",
		Fix:   "Let the server send both fields. If it does, let the proxy in between pass the hop-by-hop fields of a 101 on, as it must for an upgrade that it forwards.",
	},
	References: []string{"RFC 6455 section 4.2.2", "RFC 6455 section 4.1", "RFC 9110 section 15.2.2"},
	Explains:   append([]string{"WS612"}, endCodes...),
	Needs:      rule.OddAnswer,
	Check:      checkSwitchFields,
}

// RFC 6455 section 4.1, items 2 and 3: "If the response lacks an |Upgrade|
// header field or the |Upgrade| header field contains a value that is not an
// ASCII case-insensitive match for the value "websocket"", "If the response
// lacks a |Connection| header field or the |Connection| header field doesn't
// contain a token that is an ASCII case-insensitive match for the value
// "Upgrade", the client MUST _Fail the WebSocket Connection_."
func checkSwitchFields(c *record.Connection, r *rule.Reporter) {
	u := switchedOf(c)
	if u == nil {
		return
	}
	value, _ := u.Response.Get("Upgrade")
	upgradeOK := strings.EqualFold(value, "websocket") && u.Response.Count("Upgrade") == 1
	value, _ = u.Response.Get("Connection")
	connectionOK := strings.EqualFold(value, "upgrade") || u.Response.HasToken("Connection", "upgrade")
	if upgradeOK && connectionOK {
		return
	}
	upgrades := u.Response.Values("Upgrade")
	var wrong, expected []string
	f := rule.Found{}
	if !connectionOK {
		f.SeenByUser = known.UserSaw(c, known.SawConnectionWrong, join(u.Response.Values("Connection")))
		expected = append(expected, "'Connection: Upgrade'")
		wrong = append(wrong, fieldFound(u, "Connection"))
		if !u.Response.Has("Connection") {
			f.SeenByUser = known.UserSaw(c, known.SawConnectionMissing)
		}
	}
	if !upgradeOK {
		f.SeenByUser = known.UserSaw(c, known.SawUpgradeWrong, join(upgrades))
		expected = append(expected, "'Upgrade: websocket'")
		wrong = append(wrong, fieldFound(u, "Upgrade"))
		if len(upgrades) == 0 {
			f.SeenByUser = known.UserSaw(c, known.SawUpgradeMissing)
		}
	}
	f.Title = known.Who(c) + " answered 101 with " + strings.Join(wrong, " and ") + ", expected " + strings.Join(expected, " and ")
	f.Evidence = []record.Evidence{r.At(responseField(u, "Upgrade"), "101 with %s", strings.Join(wrong, " and "))}
	f.Remedy = "Let the server send " + strings.Join(expected, " and ") + " with its 101; if it does, let the proxy in between pass that on."
	product, proxy := known.ProductOf(c)
	switch {
	case len(upgrades) == 0 && !u.Response.Has("Connection"):
		// Both hop-by-hop fields together: RFC 9110 section 7.6.1 makes a proxy take them off.
		f.Fault = record.FaultIntermediary
		f.Confidence = record.Likely
		f.Remedy = "Let the proxy pass the 101's hop-by-hop fields on. " + known.Remedy(product, known.Stripped)
	case proxy:
		f.Fault = record.FaultIntermediary
	default:
		f.Fault = record.FaultServer
	}
	r.Add(f)
}

func fieldFound(u *record.UpgradeFacts, name string) string {
	values := u.Response.Values(name)
	if len(values) == 0 {
		return "no " + name + " field"
	}
	return known.Quote(name + ": " + join(values))
}
