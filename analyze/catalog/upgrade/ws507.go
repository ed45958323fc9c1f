package upgrade

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS507 = &rule.Rule{
	Code: "WS507", Slug: "legacy-handshake", Family: "upgrade", Since: "1.0.0",
	Title:    "The request follows a draft older than RFC 6455",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The request is a handshake of one of the drafts that came before RFC 6455 (2011): hixie-75, hixie-76, or hybi-00 to hybi-10.",
		Why:   "Today's servers do not speak these drafts. Their frames or keys differ, so no lenient server helps either.",
		How:   "hixie-75 has 'Upgrade: WebSocket' and no Sec-WebSocket field at all; hixie-76 has Sec-WebSocket-Key1 and Key2 and eight bytes of body; the hybi drafts have a Sec-WebSocket-Version below 13 and, up to hybi-10, Sec-WebSocket-Origin.",
		Alike: "A request whose Sec-WebSocket fields were removed on the way resembles hixie-75, but browsers of today write 'websocket' in lower case. Scanners and old embedded devices send these requests, too.",
		Fix:   "Update the client, or its WebSocket library. Nothing can be done at the server but to keep refusing.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 11.6", "draft-hixie-thewebsocketprotocol-76", "draft-ietf-hybi-thewebsocketprotocol-10"},
	Explains:   []string{"WS503", "WS504", "WS523", "WS527", "WS528", "WS534", "WS535", "WS548"},
	Needs:      rule.OddRequest,
	Check:      checkLegacy,
}

func checkLegacy(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil || u.Request.Has("Sec-WebSocket-Key") && !u.Request.Has("Sec-WebSocket-Origin") && !oldVersion(u) {
		return
	}
	draft, field := hixie(u), "Upgrade"
	switch {
	case draft == "hixie-76":
		field = "Sec-WebSocket-Key1"
	case draft != "":
	case u.Request.Has("Sec-WebSocket-Origin") && hasUpgrade(u):
		draft, field = "hybi-10 or older", "Sec-WebSocket-Origin"
	case oldVersion(u) && hasUpgrade(u):
		draft, field = "hybi-07 or older", "Sec-WebSocket-Version"
	default:
		return
	}
	value, _ := u.Request.Get(field)
	note := field + ": " + known.Clip(value)
	if strings.HasPrefix(field, "Sec-WebSocket-Key") {
		note = field + " and Sec-WebSocket-Key2 are there"
	}
	r.Add(rule.Found{
		Title:    "The request is a handshake of the draft " + draft + ", not of RFC 6455 (" + note + ")",
		Remedy:   "Update the client or its WebSocket library: servers speak RFC 6455 (version 13).",
		Evidence: []record.Evidence{r.At(requestField(u, field), "%s", note)},
	})
}

// hixie names the draft of a request without Sec-WebSocket-Key: hixie-76
// (Key1 and Key2), or hixie-75, which wants "Upgrade: WebSocket" letter by
// letter and knows no Sec-WebSocket field.
func hixie(u *record.UpgradeFacts) string {
	switch {
	case u.Request.Has("Sec-WebSocket-Key"), u.Request.Has("Sec-WebSocket-Version"):
		return ""
	case u.Request.Has("Sec-WebSocket-Key1"), u.Request.Has("Sec-WebSocket-Key2"):
		return "hixie-76"
	}
	if value, _ := u.Request.Get("Upgrade"); value == "WebSocket" {
		return "hixie-75"
	}
	return ""
}

// oldVersion: hybi-04 to hybi-07 had the versions 4 to 7, hybi-08 to hybi-12
// version 8, and hybi-00 to hybi-03 none or 0 to 3.
func oldVersion(u *record.UpgradeFacts) bool {
	value, _ := u.Request.Get("Sec-WebSocket-Version")
	return len(value) == 1 && value[0] >= '0' && value[0] <= '7'
}
