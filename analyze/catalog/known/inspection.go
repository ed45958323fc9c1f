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
	source  string // an address, "repository:path", byItsOwnName or seenInPublic
}

// chromiumMITM is Chromium's own list of software that opens TLS, in a copy of it.
const chromiumMITM = "bloomberg/chromium.bb:chrome/browser/resources/ssl/ssl_error_assistant/ssl_error_assistant.asciipb"

// inspections. Chromium's list has many of those that stand here by their own
// names, too, with the issuers that they write.
var inspections = []inspection{
	{"zscaler", "Zscaler", byItsOwnName},
	{"netskope", "Netskope", byItsOwnName},
	{"fortinet", "FortiGate", chromiumMITM},
	{"fortigate", "FortiGate", byItsOwnName},
	{"palo alto networks", "Palo Alto Networks", byItsOwnName},
	{"blue coat", "Blue Coat ProxySG", byItsOwnName},
	{"bluecoat", "Blue Coat ProxySG", byItsOwnName},
	{"symantec web security service", "Symantec Web Security Service", byItsOwnName},
	{"cisco umbrella", "Cisco Umbrella", byItsOwnName},
	{"cisco web security", "Cisco Web Security", byItsOwnName},
	{"forcepoint", "Forcepoint", byItsOwnName},
	{"websense", "Forcepoint (Websense)", byItsOwnName},
	{"mcafee web gateway", "McAfee Web Gateway", byItsOwnName},
	{"skyhigh", "Skyhigh Web Gateway", byItsOwnName},
	{"sophos", "Sophos", byItsOwnName},
	{"barracuda", "Barracuda", byItsOwnName},
	{"check point", "Check Point", byItsOwnName},
	{"sonicwall", "SonicWall", byItsOwnName},
	{"watchguard", "WatchGuard", byItsOwnName},
	{"fireware web ca", "WatchGuard", seenInPublic},
	{"untangle", "Untangle", byItsOwnName},
	{"cyberoam", "Cyberoam", byItsOwnName},
	{"smoothwall", "Smoothwall", byItsOwnName},
	{"lightspeed", "Lightspeed", byItsOwnName},
	{"securly", "Securly", byItsOwnName},
	{"contentkeeper", "ContentKeeper", byItsOwnName},
	{"iboss", "iboss", byItsOwnName},
	{"menlo security", "Menlo Security", byItsOwnName},
	{"cato networks", "Cato Networks", byItsOwnName},
	{"gateway ca - cloudflare managed", "Cloudflare Gateway", "https://developers.cloudflare.com/cloudflare-one/team-and-resources/devices/user-side-certificates/"},
	{"trend micro", "Trend Micro", byItsOwnName},
	{"iwss.trend", "Trend Micro InterScan", chromiumMITM},
	{"netspark", "NetSpark", byItsOwnName},
	{"stormshield", "Stormshield", byItsOwnName},
	{"a10 networks", "A10 Networks", byItsOwnName},
	{"gigamon", "Gigamon", byItsOwnName},
	{"kaspersky", "Kaspersky", byItsOwnName},
	{"eset ssl filter", "ESET", seenInPublic},
	{"avast! web/mail shield", "Avast", chromiumMITM},
	{"avast web/mail shield", "Avast", byItsOwnName},
	{"avg web/mail shield", "AVG", seenInPublic},
	{"bitdefender personal ca", "Bitdefender", chromiumMITM},
	{"dr.web", "Dr.Web", byItsOwnName},
	{"bullguard", "BullGuard", byItsOwnName},
	{"g data", "G DATA", byItsOwnName},
	{"adguard personal ca", "AdGuard", byItsOwnName},
	{"net nanny", "Net Nanny", byItsOwnName},
	{"superfish", "Superfish", byItsOwnName},
	{"mitmproxy", "mitmproxy", byItsOwnName},
	{"portswigger", "Burp Suite", "https://github.com/FiloSottile/mkcert/discussions/684"},
	{"fiddler", "Fiddler", byItsOwnName},
	{"do_not_trust", "Fiddler", "https://gist.github.com/lennybacon/02457333fda4c942d1baae907e1e6e29"},
	{"charles proxy", "Charles", byItsOwnName},
	{"proxyman", "Proxyman", byItsOwnName},
	{"owasp zed attack proxy", "OWASP ZAP", "zaproxy/zap-extensions:addOns/network/src/main/java/org/zaproxy/addon/network/internal/cert/CertificateUtils.java"},
	{"http toolkit", "HTTP Toolkit", byItsOwnName},
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
