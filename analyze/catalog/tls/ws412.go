package tls

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS412 = &rule.Rule{
	Code: "WS412", Slug: "ws-to-tls-port", Family: "tls", Since: "1.0.0",
	Title:    "The plaintext Upgrade request reached a TLS port",
	Severity: record.Error, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The client sent its Upgrade request in plain text (ws://) to a port that speaks TLS.",
		Why:   "The server expects a TLS ClientHello and cannot read the request. It answers with a TLS alert, with a 400 that says so, or just closes.",
		How:   "The answer is a TLS alert record, or a page whose text says that a plain HTTP request was sent to an HTTPS port (nginx, Apache, Go, Tomcat and others do).",
		Alike: "OpenSSL, Node.js and HAProxy close without a word; this cannot be proven from the capture, see WS535. A load balancer that should take TLS off, but passes plain text to a TLS backend, shows this on its inner leg.",
		Fix:   "Use wss:// in the client's URL. If a proxy opened this connection, let it speak TLS to its backend (nginx: proxy_pass https://…) or send it to the plain port.",
	},
	References: []string{"RFC 6455 section 3", "RFC 8446 section 6", "https://nginx.org/en/docs/http/ngx_http_ssl_module.html"},
	Explains:   []string{"WS204", "WS403", "WS521", "WS523", "WS527", "WS534", "WS535", "WS536", "WS537"},
	Needs:      rule.Page,
	Check:      checkPlainToTLS,
}

// plainAnswers are how servers say it, in lower case. Sources: nginx
// ngx_http_special_response.c (497), Go net/http server.go, Apache httpd
// ssl_engine_kernel.c, Tomcat and Jetty, Caddy, IIS, Traefik (Go).
var plainAnswers = known.NewPhrases(
	"the plain http request was sent to https port",
	"client sent an http request to an https server",
	"speaking plain http to an ssl-enabled server port",
	"this combination of host and port requires tls",
	"http request was sent to https port",
	"this web server is running in ssl mode",
	"the specified url cannot be opened over http",
)

func checkPlainToTLS(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.TLS != nil || c.Facts.Upgrade.Request == nil {
		return
	}
	u := c.Facts.Upgrade
	where := known.Endpoint(c)
	f := rule.Found{Remedy: "Use wss:// instead of ws://. If a proxy opened this connection, let it speak TLS to this port."}
	switch {
	case u.TLSAnswer:
		alert := "a TLS alert"
		if len(u.NotHTTP) >= 7 {
			alert = "the TLS alert " + wiretls.AlertDescription(u.NotHTTP[6]).String()
		}
		f.Title = where + " answered the plaintext Upgrade request with " + alert + ": the port speaks TLS"
		f.SeenByUser = known.UserSaw(c, known.SawNotHTTP)
		f.Evidence = []record.Evidence{r.At(u.NotHTTPRef, "%s", alert)}
	case u.Response != nil && saysTLS(u) != "":
		f.Title = known.Who(c) + " answered that the plaintext Upgrade request was sent to a TLS port"
		f.SeenByUser = known.UserSaw(c, known.SawStatus, strconv.Itoa(u.Response.Status))
		if behindProxy(c, saysTLS(u)) {
			f.Fault = record.FaultIntermediary
			f.Title = known.Who(c) + " passed on that the server behind it got its plaintext request on a TLS port"
			f.Remedy = "Let the proxy speak TLS to the server behind it (nginx: proxy_pass https://; Apache: SSLProxyEngine on and wss:// in ProxyPass; HAProxy: ssl on the server line), or send it to a port without TLS."
		}
		f.Evidence = []record.Evidence{r.At(u.BodyRef, "its text says %s", known.Quote(saysTLS(u))), r.At(u.ResponseRef, "status %d", u.Response.Status)}
	default:
		return
	}
	f.Evidence = append(f.Evidence, r.At(u.RequestRef, "the request in plain text"))
	r.Add(f)
}

// saysTLS is the wording by which an answer says it; empty if it does not.
func saysTLS(u *record.UpgradeFacts) string {
	if s := u.Response.Status; len(u.Body) == 0 || s < 200 || s == 404 {
		return ""
	}
	return plainAnswers.In(u.Body)
}

// wordings are whose own the texts are: of another product that answers, they
// come from behind it.
var wordings = map[string][]known.Product{
	"the plain http request was sent to https port":     {known.Nginx},
	"client sent an http request to an https server":    {known.Caddy, known.Traefik},
	"speaking plain http to an ssl-enabled server port": {known.Apache},
	"this combination of host and port requires tls":    {},
}

// behindProxy: a proxy that says by its own field who it is answers with the
// words of another product.
func behindProxy(c *record.Connection, text string) bool {
	product, proxy := known.ProductOf(c)
	own, listed := wordings[strings.ToLower(text)]
	return proxy && listed && !slices.Contains(own, product)
}
