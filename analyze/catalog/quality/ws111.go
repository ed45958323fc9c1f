package quality

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS111 = &rule.Rule{
	Code: "WS111", Slug: "no-decryption-keys", Family: "quality", Since: "1.0.0",
	Title:    "A TLS connection that may be wss could not be decrypted because no key matches it",
	Severity: record.Info, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The TLS handshake is complete and encrypted records follow, but no secret was given that belongs to this connection.",
		Why:   "Whether it carries a WebSocket, and how that ended, cannot be told: Upgrade, frames and Close codes are inside the encryption.",
		How:   "Key logs name each connection by the random of its ClientHello; this one is not among them.",
		Alike: "Records of the size of an Upgrade request and of its answer, and then records too short for HTTP, make a WebSocket likely; the report then says that it was recognised by that. A key log that was begun after the connection, or belongs to another process, has no matching line. Where the line is there and does not fit, it is WS112.",
		Fix:   "Let the client write its secrets and give the file with --keylog: " + known.KeyLogs() + ". Or capture behind the proxy that ends TLS.",
	},
	References: []string{"RFC 9850", "https://wiki.wireshark.org/TLS#using-the-pre-master-secret"},
	Needs:      rule.TLS,
	Check:      checkNoKeys,
}

func checkNoKeys(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.TLS == nil {
		return
	}
	t := c.Facts.TLS
	if t.Dark[record.Client] || t.Dark[record.Server] {
		addPartlyDark(t, r)
		return
	}
	if t.Complete == "" {
		return
	}
	if t.Waited && t.Decrypted {
		r.Add(rule.Found{
			Title:    "The beginning of the TLS connection" + sni(t) + " could not be decrypted: its key came after more had passed than is held for it",
			Remedy:   "Let the client write its key log where live follows it from the start of the connection: --keylog FILE, or live -- COMMAND.",
			Evidence: []record.Evidence{r.At(t.KeysRef, "first encrypted record")},
		})
	}
	if t.Decrypted {
		return
	}
	switch t.Keys {
	case "none-given", "no-match", "unsupported", "undecided":
	default:
		return
	}
	f := rule.Found{
		Title:    "The TLS connection" + sni(t) + " could not be decrypted: no key was given",
		NextStep: known.KeyLogStep(c),
		Remedy:   "Give the client's key log with --keylog FILE.",
		Evidence: []record.Evidence{r.At(t.ClientHello, "ClientHello%s", sni(t))},
	}
	if c.Facts.TLSFailed && t.Chain != nil {
		f.NextStep = "" // what failed can be seen without keys
	}
	switch t.Keys {
	case "unsupported":
		f.Title = "The TLS connection" + sni(t) + " could not be decrypted: " + known.Clip(t.KeysText) + " is not supported"
		f.Remedy = "No key log helps with this one: let client or server choose another (TLS 1.3, or one with AES-GCM or ChaCha20), and capture again."
		f.NextStep = ""
	case "undecided":
		f.Title = "The TLS connection" + sni(t) + " could not be decrypted: the key log names it, but a secret or bytes of the beginning are missing"
	case "no-match":
		f.Title = "The TLS connection" + sni(t) + " could not be decrypted: the key log has no line for its ClientHello"
		f.Remedy = "Give the key log of the program that made this connection, of the same run, with --keylog FILE."
	}
	if t.Waited {
		f.Title += "; no key came while its records were held"
	}
	if l := t.Likeness; l != nil {
		f.Title += "; its records look like a WebSocket's"
		f.Evidence = append(f.Evidence, r.At(l.RequestRef, "record of the size of an Upgrade request: %d bytes", l.Request), r.At(l.AnswerRef, "record of the size of a 101: %d bytes", l.Answer))
	}
	if !t.ClientHello.Seen() {
		f.Evidence = []record.Evidence{r.At(c.Facts.First, "first packet of the TLS connection")}
	}
	r.Add(f)
}

// addPartlyDark is for a key log that lacks a secret of a connection that it names.
func addPartlyDark(t *record.TLSFacts, r *rule.Reporter) {
	what := "The application data of the TLS connection" + sni(t) + " could not be decrypted: the key log has only the secrets of its handshake"
	if !t.Dark[record.Server] {
		what = "What the client sent over the TLS connection" + sni(t) + " could not be decrypted: its secret is not in the key log"
	} else if !t.Dark[record.Client] {
		what = "What the server sent over the TLS connection" + sni(t) + " could not be decrypted: its secret is not in the key log"
	}
	r.Add(rule.Found{Title: what, Remedy: "Give the whole key log of the run with --keylog FILE: this one was cut short.", NextStep: "Capture again together with a fresh key log of the same run.",
		Evidence: []record.Evidence{r.At(t.KeysRef, "first encrypted record")}})
}

func sni(t *record.TLSFacts) string {
	if t.SNI == "" {
		return ""
	}
	return " to " + known.Clip(t.SNI)
}
