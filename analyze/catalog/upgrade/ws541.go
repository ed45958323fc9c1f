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
	twice := n > 1 && accept == u.WantAccept
	mistake, elsewhere := "", c.Facts.KeyElsewhere
	if !twice {
		mistake = mistakeOf(u, accept)
	}
	f := rule.Found{Fault: acceptFault(c, twice, mistake)}
	if r.Enough(f) {
		return
	}
	f.Title = known.Who(c) + " answered 101 with Sec-WebSocket-Accept " + known.Quote(accept) + ", expected " + known.Quote(u.WantAccept)
	f.SeenByUser = known.UserSaw(c, known.SawAcceptWrong)
	f.Evidence = []record.Evidence{r.At(responseField(u, "Sec-WebSocket-Accept"), "Sec-WebSocket-Accept: %s, expected %s", known.Clip(accept), u.WantAccept),
		r.At(requestField(u, "Sec-WebSocket-Key"), "the key that it must fit")}
	switch {
	case twice:
		// Section 11.3.3: it "MUST NOT appear more than once in an HTTP response."
		f.Title = fmt.Sprintf("%s answered 101 with %d Sec-WebSocket-Accept fields, expected one", known.Who(c), n)
		f.Remedy = "Let only one of server and proxy add Sec-WebSocket-Accept."
	case mistake != "":
		f.Title += ": " + mistake
		f.Remedy = "Correct the server: Sec-WebSocket-Accept is base64(SHA-1(key as it stands + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11))."
	case elsewhere != nil:
		f.Title += ": it fits the key of connection " + elsewhere.ID + ", a proxy changed the key"
		f.Remedy = "Let the proxy pass Sec-WebSocket-Key on as it is."
		f.Evidence = append(f.Evidence, r.At(elsewhere.Ref, "the key that the value fits"))
	default:
		if strings.EqualFold(accept, u.WantAccept) {
			f.Title += ": only upper and lower case differ, so something changed the case of the right value"
		}
		f.NextStep = known.CaptureAt(c, "the server, too: it shows whether the value fits the key that arrived there.")
		f.Remedy = "Capture at the server: if the value fits the key that arrived there, a proxy changes keys or replays answers; otherwise the server computes it wrongly."
	}
	r.Add(f)
}

// acceptFault is whose a wrong value is; empty where nothing tells.
func acceptFault(c *record.Connection, twice bool, mistake string) record.Fault {
	switch {
	case twice:
		return ""
	case mistake != "":
		return record.FaultServer
	case c.Facts.KeyElsewhere != nil:
		return record.FaultIntermediary
	}
	if product, proxy := known.ProductOf(c); proxy && product != known.Unknown {
		return record.FaultIntermediary
	}
	return ""
}

// mistakeOf names the usual mistake by which a server gets to this value.
func mistakeOf(u *record.UpgradeFacts, accept string) string {
	key, _ := u.Request.Get("Sec-WebSocket-Key")
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	switch accept {
	case "":
		return "the value is empty"
	case key:
		return "it is the key itself"
	}
	var digest, text [64]byte
	if n, err := base64.StdEncoding.Strict().Decode(digest[:], text[:copy(text[:], accept)]); err == nil && n == sha1.Size && len(accept) < len(text) {
		return wrongHash(key, guid, [sha1.Size]byte(digest[:n]))
	}
	sum := sha1.Sum([]byte(key + guid))
	switch accept {
	case hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))):
		return "the digest is hexadecimal"
	case base64.RawStdEncoding.EncodeToString(sum[:]), base64.URLEncoding.EncodeToString(sum[:]):
		return "it is another kind of base64"
	}
	if digest, err := base64.StdEncoding.DecodeString(accept); err != nil || len(digest) != sha1.Size {
		return "it is not the base64 of 20 bytes"
	}
	return ""
}

// wrongHash names what was hashed instead of the key and the GUID behind it.
func wrongHash(key, guid string, digest [sha1.Size]byte) string {
	var buf [256]byte
	of := func(a, b, c string) bool {
		return sha1.Sum(append(append(append(buf[:0], a...), b...), c...)) == digest
	}
	raw, _ := base64.StdEncoding.DecodeString(key)
	switch {
	case of(key, "", ""):
		return "the GUID was left out"
	case of(string(raw), guid, ""):
		return "the key was decoded before it was hashed"
	case of(guid, "", ""):
		return "the key was left out"
	case of(guid, key, ""):
		return "GUID and key stand in the wrong order"
	case of(key, strings.ToLower(guid), ""):
		return "the GUID is in lower case"
	case of(key, "\r\n", guid), of(key, "\n", guid), of(key, guid, "\n"), of(key, guid, "\r\n"):
		return "a line end was hashed, too"
	case of(strings.TrimRight(key, "="), guid, ""):
		return "the key was hashed without its padding"
	case of(strings.ToLower(key), guid, ""):
		return "the key was hashed in lower case"
	case digest == exampleDigest:
		return "it is the example of RFC 6455 section 1.3"
	}
	return ""
}

// exampleDigest is behind the s3pPLMBiTxaQ9kYGzzhZRbK+xOo= of RFC 6455 section 1.3.
var exampleDigest = sha1.Sum([]byte("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))

// replayed tells that the value is the right one for the key of an earlier
// connection: WS542 says that. A later one is the next hop of this one.
func replayed(c *record.Connection, u *record.UpgradeFacts) bool {
	other := c.Facts.KeyElsewhere
	return other != nil && (!u.RequestRef.Seen() || other.Ref.Time < u.RequestRef.Time)
}
