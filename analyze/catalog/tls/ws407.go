package tls

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS407 = &rule.Rule{
	Code: "WS407", Slug: "tls-version-mismatch", Family: "tls", Since: "1.0.0",
	Title:    "Client and server share no TLS version",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "One side ended the handshake with the alert protocol_version: none of the TLS versions that one offers is acceptable to the other.",
		Why:   "No encrypted connection came to be, so the Upgrade request was never sent.",
		How:   "The ClientHello lists the versions that the client offers; the alert says that the server wants none of them, or that the client does not take the server's choice. A client that offers TLS 1.3 is up to date, so the other side is too old; one that offers TLS 1.2 at most may be the older of the two.",
		Alike: "Some servers answer so where no cipher suite is shared (WS408). Old clients behind a hardened server and old devices behind modern clients look alike; the offered versions tell which of the two it is.",
		Fix:   "Update the older side, or let it use TLS 1.2: nginx ssl_protocols TLSv1.2 TLSv1.3; HAProxy ssl-min-ver; Node.js minVersion and maxVersion; OpenSSL MinProtocol. TLS 1.0 and 1.1 are deprecated (RFC 8996): enable them only for what cannot be updated.",
	},
	References: []string{"RFC 8446 section 4.2.1", "RFC 8446 section 6.2 (protocol_version)", "RFC 8996"},
	Explains:   []string{"WS403"},
	Needs:      rule.TLSFailed,
	Check:      checkVersion,
}

func checkVersion(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || t.NotTLS != nil {
		return
	}
	a := anyAlert(t)
	if !is(a, wiretls.ProtocolVersion) || !a.Fatal {
		return
	}
	f := rule.Found{SeenByUser: known.UserSaw(c, known.SawTLSVersion), Evidence: []record.Evidence{r.At(t.ClientHello, "%s", "ClientHello offers "+versions(t.Hello))}}
	most := wiretls.Version(0)
	if t.Hello != nil {
		most = t.Hello.MaxVersion()
	}
	switch {
	case a.Dir == record.Client && t.Version != "":
		f.Title = "The client refused TLS " + t.Version + ", which " + known.Side(c, record.Server) + " chose"
		f.Fault = record.FaultServer
	case t.Hello == nil:
		f.Title = known.SideFirst(c, a.Dir) + " refused the TLS version with protocol_version"
	case most == wiretls.TLS12, most > wiretls.TLS13: // above are drafts
		f.Title = known.SideFirst(c, a.Dir) + " accepts none of the TLS versions that the client offers (" + versions(t.Hello) + "): it is too old, or takes TLS 1.3 only"
		f.Remedy = "Let the client offer TLS 1.3 as well; if that does not help, let " + known.Endpoint(c) + " speak TLS 1.2 and 1.3 (nginx: ssl_protocols TLSv1.2 TLSv1.3)."
	case most == wiretls.TLS13:
		f.Title = known.SideFirst(c, a.Dir) + " accepts none of the TLS versions that the client offers (" + versions(t.Hello) + "): it is too old"
		f.Fault = record.FaultServer
	default:
		f.Title = known.SideFirst(c, a.Dir) + " does not accept the client's old TLS version (" + versions(t.Hello) + ")"
		f.Fault = record.FaultClient
	}
	switch f.Fault {
	case record.FaultServer:
		f.Remedy = "Let " + known.Endpoint(c) + " speak TLS 1.2 and 1.3 (nginx: ssl_protocols TLSv1.2 TLSv1.3)."
	case record.FaultClient:
		f.Remedy = "Update the client, or let it use TLS 1.2 or later."
	}
	f.Evidence = append(f.Evidence, r.At(a.Ref, "alert protocol_version of the %s", a.Dir))
	r.Add(f)
}
