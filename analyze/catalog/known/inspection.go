package known

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// inspection is how a product that opens TLS names the issuer of the
// certificates that it makes.
type inspection struct {
	text    string // in lower case, in the issuer's common name or organization
	product string
}

// inspections. Sources: Chromium
// chrome/browser/resources/ssl/ssl_error_assistant (mitm_software); Durumeric
// et al., The Security Impact of HTTPS Interception (NDSS 2017), table 2; the
// products' manuals on their root certificates.
var inspections = []inspection{
	{"zscaler", "Zscaler"},
	{"netskope", "Netskope"},
	{"goskope", "Netskope"},
	{"fortinet", "FortiGate"},
	{"fortigate", "FortiGate"},
	{"palo alto networks", "Palo Alto Networks"},
	{"blue coat", "Blue Coat ProxySG"},
	{"bluecoat", "Blue Coat ProxySG"},
	{"symantec web security service", "Symantec Web Security Service"},
	{"cisco umbrella", "Cisco Umbrella"},
	{"cisco web security", "Cisco Web Security"},
	{"forcepoint", "Forcepoint"},
	{"websense", "Forcepoint (Websense)"},
	{"mcafee web gateway", "McAfee Web Gateway"},
	{"skyhigh", "Skyhigh Web Gateway"},
	{"sophos", "Sophos"},
	{"barracuda", "Barracuda"},
	{"check point", "Check Point"},
	{"sonicwall", "SonicWall"},
	{"watchguard", "WatchGuard"},
	{"fireware web ca", "WatchGuard"},
	{"untangle", "Untangle"},
	{"cyberoam", "Cyberoam"},
	{"smoothwall", "Smoothwall"},
	{"lightspeed", "Lightspeed"},
	{"securly", "Securly"},
	{"contentkeeper", "ContentKeeper"},
	{"iboss", "iboss"},
	{"menlo security", "Menlo Security"},
	{"cato networks", "Cato Networks"},
	{"gateway ca - cloudflare managed", "Cloudflare Gateway"},
	{"trend micro", "Trend Micro"},
	{"stormshield", "Stormshield"},
	{"a10 networks", "A10 Thunder"},
	{"gigamon", "Gigamon"},
	{"kaspersky", "Kaspersky"},
	{"eset ssl filter", "ESET"},
	{"avast web/mail shield", "Avast"},
	{"avg web/mail shield", "AVG"},
	{"bitdefender personal ca", "Bitdefender"},
	{"dr.web", "Dr.Web"},
	{"bullguard", "BullGuard"},
	{"g data", "G DATA"},
	{"adguard personal ca", "AdGuard"},
	{"net nanny", "Net Nanny"},
	{"superfish", "Superfish"},
	{"mitmproxy", "mitmproxy"},
	{"portswigger", "Burp Suite"},
	{"do_not_trust", "Fiddler"},
	{"charles proxy", "Charles"},
	{"proxyman", "Proxyman"},
	{"owasp zed attack proxy", "OWASP ZAP"},
	{"http toolkit", "HTTP Toolkit"},
}

// Inspector names the product that made a server's certificate to look into
// the connection, with the issuer that shows it; empty if none is known by it.
func Inspector(chain *tls.Chain) (product, issuer string) {
	if chain == nil {
		return "", ""
	}
	for _, c := range chain.Certificates {
		for _, name := range [2]string{c.IssuerCommonName, c.IssuerOrganization} {
			if name == "" {
				continue
			}
			for i := range inspections {
				if containsFold(name, inspections[i].text) {
					return inspections[i].product, strings.TrimSpace(c.Issuer)
				}
			}
		}
	}
	return "", ""
}
