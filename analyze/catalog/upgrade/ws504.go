package upgrade

import (
	"encoding/base64"
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS504 = &rule.Rule{
	Code: "WS504", Slug: "bad-key", Family: "upgrade", Since: "1.0.0",
	Title:    "Sec-WebSocket-Key is missing, repeated, or not 16 bytes of base64",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen: "The request asks for a WebSocket, but its Sec-WebSocket-Key is missing, is there more than once, or does not decode to 16 bytes.",
		Why:  "The server must prove with the key that it understood the request. Without a valid key it refuses, most often with 400; HAProxy refuses with 400 or 502.",
		How:  "The field is decoded as base64 and its length is taken. The key is a random value that every connection makes anew; it is no secret.",
		Alike: "A proxy or firewall that removes fields it does not know leaves a request without a key: then Sec-WebSocket-Version is usually gone as well. " +
			"Some load tests send a constant text for a key; lenient servers accept it.",
		Fix: "Let the client send 16 random bytes in base64 (24 characters ending in ==), once. If the client is a browser or a common library, look for what removes the field on the way.",
	},
	References: []string{"RFC 6455 section 4.1", "RFC 6455 section 4.2.1", "RFC 6455 section 11.3.1"},
	Explains:   []string{"WS523", "WS527", "WS528", "WS530", "WS531"},
	Needs:      rule.OddRequest,
	Check:      checkKey,
}

// RFC 6455 section 4.2.1: "A |Sec-WebSocket-Key| header field with a
// base64-encoded ... value that, when decoded, is 16 bytes in length." Section
// 11.3.1: it "MUST NOT appear more than once in an HTTP request."
func checkKey(c *record.Connection, r *rule.Reporter) {
	u := requestOf(c)
	if u == nil || !hasUpgrade(u) {
		return
	}
	key, _ := u.Request.Get("Sec-WebSocket-Key")
	n := u.Request.Count("Sec-WebSocket-Key")
	if n == 1 && rule.KeyValid(key) || hixie(u) != "" {
		return
	}
	note := fmt.Sprintf("%d Sec-WebSocket-Key fields", n)
	f := rule.Found{Remedy: "Let the client send one Sec-WebSocket-Key: 16 random bytes in base64, new for each connection."}
	switch {
	case n == 0:
		f.Title, note = "The request has no Sec-WebSocket-Key", "no Sec-WebSocket-Key"
	case n > 1:
		f.Title = fmt.Sprintf("The request has %d Sec-WebSocket-Key fields, expected one", n)
	default:
		f.Title, note = "The request's Sec-WebSocket-Key "+keyFault(key), fmt.Sprintf("Sec-WebSocket-Key of %d characters", len(key))
	}
	f.Evidence = []record.Evidence{r.At(requestField(u, "Sec-WebSocket-Key"), "%s", note)}
	r.Add(f)
}

// keyFault says what is wrong with a key, without showing it.
func keyFault(key string) string {
	if raw, err := base64.StdEncoding.DecodeString(key); err == nil {
		return fmt.Sprintf("decodes to %d bytes, expected 16", len(raw))
	}
	return fmt.Sprintf("is not base64 (%d characters), expected 16 bytes in base64", len(key))
}
