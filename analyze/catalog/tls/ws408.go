package tls

import (
	"fmt"
	"slices"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	wiretls "github.com/wsleuth/wsleuth/analyze/wire/tls"
)

var WS408 = &rule.Rule{
	Code: "WS408", Slug: "tls-no-shared-cipher", Family: "tls", Since: "1.0.0",
	Title:    "Client and server share no cipher suite or parameters",
	Severity: record.Error, Fault: record.FaultUnknown,
	Text: rule.Text{
		Seen:  "One side ended the handshake with the alert handshake_failure or insufficient_security.",
		Why:   "The two could not agree on how to encrypt, so the Upgrade request was never sent.",
		How:   "RFC 8446 section 6.2: handshake_failure says that the sender was unable to negotiate an acceptable set of security parameters. The ClientHello's cipher suites and groups are in the capture; what the server would accept is not.",
		Alike: "Servers send handshake_failure for a missing client certificate, too (WS410, when they asked for one), and for a ClientHello without or with an unknown server name (WS409). A server with an RSA certificate and a client with ECDSA suites only share nothing.",
		Fix:   "Compare the client's list with the server's: nmap --script ssl-enum-ciphers, or openssl s_client -cipher. Then widen the side that is too narrow: nginx ssl_ciphers and ssl_ecdh_curve, HAProxy ssl-default-bind-ciphers, Node.js ciphers, the JDK's jdk.tls.disabledAlgorithms.",
	},
	References: []string{"RFC 8446 section 6.2 (handshake_failure, insufficient_security)", "RFC 8446 section 9.1"},
	Explains:   []string{"WS403"},
	Needs:      rule.TLSFailed,
	Check:      checkCipher,
}

func checkCipher(c *record.Connection, r *rule.Reporter) {
	t := failedOf(c)
	if t == nil || t.NotTLS != nil {
		return
	}
	a := anyAlert(t)
	if !is(a, wiretls.HandshakeFailure, wiretls.InsufficientSecurity) || !a.Fatal || wantedCertificate(t) || nameless(t, a) {
		return
	}
	f := rule.Found{
		Title:      known.SideFirst(c, a.Dir) + " found no cipher suite or parameters in common" + offers(t.Hello) + ": " + a.Name,
		SeenByUser: known.UserSaw(c, known.SawTLSCipher),
		Remedy:     "Compare the cipher suites and groups of both sides, and widen the narrower one (nginx ssl_ciphers, Node.js ciphers).",
		NextStep:   "List what the server takes: nmap --script ssl-enum-ciphers -p " + fmt.Sprint(c.Server.Port()) + " " + c.Server.Addr().String(),
		Evidence:   []record.Evidence{r.At(t.ClientHello, "%s", "ClientHello"+offers(t.Hello)), r.At(a.Ref, "%s", "alert "+a.Name+" of the "+a.Dir.String())},
	}
	if t.ServerHello.Seen() {
		f.Confidence = record.Likely // the suite was agreed upon: something else is not acceptable
	}
	r.Add(f)
}

// offers says how much the client offers.
func offers(h *wiretls.ClientHello) string {
	if h == nil {
		return ""
	}
	suites := slices.DeleteFunc(slices.Clone(h.CipherSuites), func(s wiretls.CipherSuite) bool { return wiretls.IsGREASE(uint16(s)) || s == signallingSuite })
	groups := slices.DeleteFunc(slices.Clone(h.Groups), func(g wiretls.Group) bool { return wiretls.IsGREASE(uint16(g)) })
	text := " with the client's " + counted(suites, "cipher suite")
	if len(groups) > 0 {
		text += " and " + counted(groups, "group")
	}
	return text
}

// counted says how many of a kind there are, and the first of them.
func counted[T fmt.Stringer](list []T, kind string) string {
	switch len(list) {
	case 0:
		return "0 " + kind + "s"
	case 1:
		return "only " + kind + " (" + list[0].String() + ")"
	}
	return fmt.Sprintf("%d %ss (%s first)", len(list), kind, list[0])
}

// signallingSuite is TLS_EMPTY_RENEGOTIATION_INFO_SCSV, no cipher suite in
// truth (RFC 5746 section 3.3).
const signallingSuite = 0x00ff
