package upgrade

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

var WS541 = &rule.Rule{
	Code: "WS541", Slug: "accept-mismatch", Family: "upgrade", Since: "1.0.0",
	Title:    "Sec-WebSocket-Accept is not the one for this key",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen: "The 101 has a Sec-WebSocket-Accept that does not follow from the request's Sec-WebSocket-Key.",
		Why:  "The client must fail the connection: the answer may come from a cache, or from something that does not understand WebSocket. Browsers show no more than that the value is incorrect.",
		How: "The value is computed anew: base64(SHA-1(key + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11)), and compared with the one sent. " +
			"The usual mistakes (the key sent back, the GUID forgotten, a decoded key, a hexadecimal digest) are tried, and the keys of the other connections of the capture as well (WS542).",
		Alike: "A proxy that replaces the key on its way to the server and forwards the server's answer unchanged gives a value that is right for a key that this capture does not show. A server with its own mistake cannot always be told from that.",
		Fix:   "If one of the usual mistakes is named, correct the server. Otherwise capture at the server: if the value is right for the key that arrived there, the proxy in between changes keys or replays answers.",
	},
	References: []string{"RFC 6455 section 4.2.2", "RFC 6455 section 1.3", "RFC 6455 section 4.1"},
	Explains:   endCodes,
	Needs:      rule.OddAnswer,
	Check:      checkAccept,
}

// RFC 6455 section 4.1: "If the response ... the |Sec-WebSocket-Accept|
// contains a value other than the base64-encoded SHA-1 of the concatenation of
// the |Sec-WebSocket-Key| ... with the string ... the client MUST _Fail the
// WebSocket Connection_."
func checkAccept(c *record.Connection, r *rule.Reporter) {
	u := switchedOf(c)
	if u == nil || u.WantAccept == "" {
		return
	}
	accept, ok := u.Response.Get("Sec-WebSocket-Accept")
	n := u.Response.Count("Sec-WebSocket-Accept")
	if !ok || n == 1 && accept == u.WantAccept || replayed(c, u) {
		return
	}
	f := rule.Found{
		Title:      known.Who(c) + " answered 101 with Sec-WebSocket-Accept " + known.Quote(accept) + ", expected " + known.Quote(u.WantAccept),
		SeenByUser: known.UserSaw(c, known.SawAcceptWrong),
		Evidence: []record.Evidence{r.At(responseField(u, "Sec-WebSocket-Accept"), "Sec-WebSocket-Accept: %s, expected %s", known.Clip(accept), u.WantAccept),
			r.At(requestField(u, "Sec-WebSocket-Key"), "the key that it must fit")},
	}
	mistake := mistakeOf(u, accept)
	switch {
	case n > 1 && accept == u.WantAccept:
		// Section 11.3.3: it "MUST NOT appear more than once in an HTTP response."
		f.Title = fmt.Sprintf("%s answered 101 with %d Sec-WebSocket-Accept fields, expected one", known.Who(c), n)
		f.Remedy = "Let only one of server and proxy add Sec-WebSocket-Accept."
	case mistake != "":
		f.Fault = record.FaultServer
		f.Title += ": " + mistake
		f.Remedy = "Correct the server: Sec-WebSocket-Accept is base64(SHA-1(key as it stands + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11))."
	case c.Facts.KeyElsewhere != nil:
		f.Fault = record.FaultIntermediary
		f.Title += ": it fits the key of connection " + c.Facts.KeyElsewhere.ID + ", a proxy changed the key"
		f.Remedy = "Let the proxy pass Sec-WebSocket-Key on as it is."
		f.Evidence = append(f.Evidence, r.At(c.Facts.KeyElsewhere.Ref, "the key that the value fits"))
	default:
		f.NextStep = "Capture at the server, too: it shows whether the value fits the key that arrived there."
		f.Remedy = "Capture at the server: if the value fits the key that arrived there, a proxy changes keys or replays answers; otherwise the server computes it wrongly."
		if _, product, proxy := known.Answerer(c); proxy && product != known.Unknown {
			f.Fault = record.FaultIntermediary
		}
	}
	r.Add(f)
}

// mistakeOf names the usual mistake by which a server gets to this value.
func mistakeOf(u *record.UpgradeFacts, accept string) string {
	key, _ := u.Request.Get("Sec-WebSocket-Key")
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := func(s string) []byte { d := sha1.Sum([]byte(s)); return d[:] }
	b64 := base64.StdEncoding.EncodeToString
	raw, _ := base64.StdEncoding.DecodeString(key)
	switch accept {
	case "":
		return "the value is empty"
	case key:
		return "it is the key itself"
	case b64(sum(key)):
		return "the GUID was left out"
	case b64(sum(string(raw) + guid)):
		return "the key was decoded before it was hashed"
	case b64(sum(guid)):
		return "the key was left out"
	case b64(sum(guid + key)):
		return "GUID and key stand in the wrong order"
	case b64(sum(key + strings.ToLower(guid))):
		return "the GUID is in lower case"
	case b64(sum(key + "\r\n" + guid)), b64(sum(key + "\n" + guid)), b64(sum(key + guid + "\n")), b64(sum(key + guid + "\r\n")):
		return "a line end was hashed, too"
	case b64(sum(strings.TrimRight(key, "=") + guid)):
		return "the key was hashed without its padding"
	case b64(sum(strings.ToLower(key) + guid)):
		return "the key was hashed in lower case"
	case hex.EncodeToString(sum(key + guid)), b64([]byte(hex.EncodeToString(sum(key + guid)))):
		return "the digest is hexadecimal"
	case base64.RawStdEncoding.EncodeToString(sum(key + guid)), base64.URLEncoding.EncodeToString(sum(key + guid)):
		return "it is another kind of base64"
	case http1.AcceptFor("dGhlIHNhbXBsZSBub25jZQ=="):
		return "it is the example of RFC 6455 section 1.3"
	}
	if digest, err := base64.StdEncoding.DecodeString(accept); err != nil || len(digest) != sha1.Size {
		return "it is not the base64 of 20 bytes"
	}
	return ""
}

// replayed tells that the value is the right one for the key of an earlier
// connection: WS542 says that. A later one is the next hop of this one.
func replayed(c *record.Connection, u *record.UpgradeFacts) bool {
	other := c.Facts.KeyElsewhere
	return other != nil && (!u.RequestRef.Seen() || other.Ref.Time < u.RequestRef.Time)
}
