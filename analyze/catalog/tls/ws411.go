package tls

import (
	"bytes"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS411 = &rule.Rule{
	Code: "WS411", Slug: "wss-to-plaintext-port", Family: "tls", Since: "1.0.0",
	Title:    "The ClientHello was answered by something that is not TLS",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The client began TLS (wss://) and the server answered in plain text, most often with an HTTP error.",
		Why:   "The port does not speak TLS. The client takes the first bytes of the answer for a TLS record, which they are not, and reports a wrong version number or a protocol error.",
		How:   "The first bytes from the server are no TLS record; they are quoted here. A plaintext HTTP server reads the ClientHello as a broken request and answers 400.",
		Alike: "A reverse proxy that should end TLS and lost its ssl setting (nginx: listen 443 without ssl), a proxy that speaks TLS to a plaintext backend, a wrong port in the URL, or a captive portal that answers everything in plain HTTP.",
		Fix:   "Use ws:// for this port, or the port that speaks TLS. If TLS should be here, switch it on (nginx: listen 443 ssl; HAProxy: bind :443 ssl crt …). On a proxy's way to its backend, use http:// instead of https://.",
	},
	References: []string{"RFC 8446 section 5.1", "RFC 6455 section 3", "https://nginx.org/en/docs/http/ngx_http_ssl_module.html"},
	Explains:   append([]string{"WS403", "WS407", "WS401"}, unopened...),
	Needs:      rule.TLSFailed,
	Check:      checkPlaintext,
}

// protocols are told by the first bytes that a server sends.
var protocols = []struct{ prefix, name string }{
	{"HTTP/", "plain HTTP"}, {"<!", "a page without HTTP"}, {"<html", "a page without HTTP"}, {"SSH-", "SSH"}, {"220 ", "SMTP or FTP"},
	{"220-", "SMTP or FTP"}, {"+OK", "POP3"}, {"* OK", "IMAP"}, {"-ERR", "Redis or POP3"}, {"RFB ", "VNC"}, {"\x00\x00", "HTTP/2 in clear or a binary protocol"},
}

func checkPlaintext(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || t.NotTLS == nil || t.NotTLSDir != record.Server || t.ServerHello.Seen() {
		return
	}
	what := "something that is not TLS"
	for _, p := range protocols {
		if strings.HasPrefix(string(t.NotTLS), p.prefix) {
			what = p.name
			break
		}
	}
	line, _, _ := bytes.Cut(t.NotTLS, []byte("\r\n"))
	f := rule.Found{
		Title:      endpoint(c) + " answered the TLS ClientHello with " + what + ": " + known.Quote(string(line)),
		SeenByUser: known.UserSaw(c, known.SawNotTLS),
		Remedy:     "Use ws:// instead of wss:// for this port, or switch TLS on at " + known.Endpoint(c) + " (nginx: listen 443 ssl).",
		Evidence:   []record.Evidence{r.At(t.NotTLSRef, "%s", "first bytes of the answer: "+known.Quote(string(line))), r.At(t.ClientHello, "%s", "ClientHello for "+asked(t))},
	}
	switch what {
	case "SSH", "SMTP or FTP", "POP3", "IMAP", "Redis or POP3", "VNC":
		f.Remedy = "Check the port in the URL: the program behind " + known.Endpoint(c) + " speaks " + what + ", no WebSocket."
	}
	if !t.ClientHello.Seen() {
		f.Confidence = record.Likely
	}
	r.Add(f)
}
