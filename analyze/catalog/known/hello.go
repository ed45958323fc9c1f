package known

import (
	"slices"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// Extensions that tell TLS libraries apart (IANA TLS ExtensionType Values).
const (
	extEncryptThenMAC  tls.Extension = 22
	extRecordSizeLimit tls.Extension = 28
	extDelegated       tls.Extension = 34
	extSCT             tls.Extension = 18
	extStatusV2        tls.Extension = 17
)

// HelloEngines are the engines whose TLS library writes such a ClientHello,
// and the library's name; nil and "" where it is none of those known.
// BoringSSL sends GREASE values (RFC 8701), NSS record_size_limit or
// delegated_credentials and no GREASE, OpenSSL encrypt_then_mac, Go's
// crypto/tls signed_certificate_timestamp without either, and Java's JSSE
// status_request_v2. Observed of Chromium 156, Firefox 153, Node.js 20, Python
// 3.11, Go 1.26 and OpenSSL 3.0; a client can be made to imitate another.
func HelloEngines(h *tls.ClientHello) ([]Engine, string) {
	switch {
	case h == nil:
		return nil, ""
	case slices.ContainsFunc(h.CipherSuites, func(s tls.CipherSuite) bool { return tls.IsGREASE(uint16(s)) }):
		return []Engine{Chromium}, "BoringSSL (Chromium)"
	case h.Has(extStatusV2):
		return []Engine{Java}, "JSSE (Java)"
	case h.Has(extRecordSizeLimit) || h.Has(extDelegated):
		return []Engine{Firefox}, "NSS (Firefox)"
	case h.Has(extEncryptThenMAC):
		return []Engine{Node, Python}, "OpenSSL (Node.js, Python, curl and others)"
	case h.Has(extSCT):
		return []Engine{GoGorilla}, "Go's crypto/tls"
	}
	return nil, ""
}

// helloEngines are those of a connection whose request is not known.
func helloEngines(c *record.Connection) []Engine {
	if c.Facts == nil || c.Facts.TLS == nil {
		return nil
	}
	engines, _ := HelloEngines(c.Facts.TLS.Hello)
	return engines
}
