package known

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// place is the part of an answer in which a filter shows itself.
type place uint8

const (
	inServer   place = iota // the Server field
	inVia                   // the Via field
	inLocation              // the Location field
	inBody                  // the first bytes of the body
	inField                 // a field of this name is there: "name" or "name: text"
)

// filterSign is one signature of a product that blocks, or of a captive portal.
type filterSign struct {
	where  place
	text   string // in lower case; of inField the text behind ": "
	name   string // of the product
	portal bool   // a captive portal: the user must log in first
	weak   bool   // a usual wording, not one product's own
}

// filterSigns, surest first. Sources: the public signature lists of OONI
// (blocking-fingerprints, 2024-10) and wafw00f; Squid errors/; RFC 6585
// section 6 for captive portals; the products' block pages.
var filterSigns = []filterSign{
	{inServer, "zscaler", "Zscaler", false, false},
	{inLocation, "gateway.zscaler", "Zscaler", false, false},
	{inBody, "internet security by zscaler", "Zscaler", false, false},
	{inLocation, "notify.bluecoat.com", "Blue Coat ProxySG", false, false},
	{inBody, "notify.bluecoat.com", "Blue Coat ProxySG", false, false},
	{inBody, "fortiguard intrusion prevention", "FortiGuard", false, false},
	{inBody, "powered by fortiguard", "FortiGuard", false, false},
	{inBody, "fortigate application control", "FortiGate", false, false},
	{inBody, "globalurl.fortinet.net", "FortiGuard", false, false},
	{inLocation, "globalurl.fortinet.net", "FortiGuard", false, false},
	{inBody, "blocked in accordance with company policy", "Palo Alto Networks", false, false},
	{inLocation, "/php/urlblock.php?args=", "Palo Alto Networks", false, false},
	{inBody, "check point usercheck", "Check Point UserCheck", false, false},
	{inLocation, "/usercheck/portalmain", "Check Point UserCheck", false, false},
	{inLocation, ":15871/cgi-bin/blockpage.cgi", "Forcepoint", false, false},
	{inBody, ":15871/cgi-bin/blockpage.cgi", "Forcepoint", false, false},
	{inLocation, "/cgi-bin/block_message.cgi", "Forcepoint", false, false},
	{inBody, "block_message.cgi", "Forcepoint", false, false},
	{inLocation, "wired.meraki.com:8090/blocked.cgi", "Cisco Meraki", false, false},
	{inLocation, "block.opendns.com", "Cisco Umbrella", false, false},
	{inLocation, "block.umbrella.com", "Cisco Umbrella", false, false},
	{inLocation, ".opendns.com/", "Cisco Umbrella", false, false},
	{inServer, "barracuda", "Barracuda", false, false},
	{inVia, "barracuda", "Barracuda", false, false},
	{inServer, "sonicwall", "SonicWall", false, false},
	{inBody, "powered by sophos utm web protection", "Sophos UTM", false, false},
	{inBody, "/webadmin/deny/", "Netsweeper", false, false},
	{inLocation, "/webadmin/deny/", "Netsweeper", false, false},
	{inBody, "the requested url was rejected. please consult with your administrator", "F5 BIG-IP ASM", false, false},
	{inBody, "incapsula incident id", "Imperva", false, false},
	{inField, "X-Squid-Error: err_access_denied", "Squid's access rules", false, false},
	{inField, "CF-Mitigated", "Cloudflare's challenge", false, false},
	{inBody, "attention required! | cloudflare", "Cloudflare's firewall", false, false},
	{inServer, "captiveportal", "a captive portal", true, false},
	{inServer, "captive portal", "a captive portal", true, false},
	{inLocation, "captiveportal", "a captive portal", true, false},
	{inLocation, "captive-portal", "a captive portal", true, false},
	{inBody, "<wispaccessgatewayparam", "a captive portal (WISPr)", true, false},
	{inBody, "captive portal", "a captive portal", true, true},
	{inBody, "web filter violation", "a web filter", false, true},
	{inBody, "web site blocked", "a web filter", false, true},
	{inBody, "web page blocked", "a web filter", false, true},
}

// statusNetworkAuth is RFC 6585 section 6: "the client needs to authenticate
// to gain network access".
const statusNetworkAuth = 511

// Block is a filter's answer.
type Block struct {
	Name   string // "Zscaler", "a captive portal"
	Seen   string // what showed it: "Server: Zscaler/6.2", "its page says …"
	Portal bool
	Weak   bool // the wording is usual, not one product's own
}

// Blocked tells whether the answer is that of a filtering product or captive
// portal.
func Blocked(c *record.Connection) (Block, bool) {
	if c.Facts == nil || c.Facts.Upgrade == nil || c.Facts.Upgrade.Response == nil {
		return Block{}, false
	}
	u := c.Facts.Upgrade
	body := ""
	if len(u.Body) > 0 {
		body = strings.ToLower(string(u.Body))
	}
	for _, s := range filterSigns {
		if seen, ok := s.find(u, body); ok {
			return Block{Name: s.name, Seen: seen, Portal: s.portal, Weak: s.weak}, true
		}
	}
	if u.Response.Status == statusNetworkAuth {
		return Block{Name: "a captive portal", Seen: "status 511 Network Authentication Required", Portal: true}, true
	}
	return Block{}, false
}

func (s filterSign) find(u *record.UpgradeFacts, body string) (seen string, ok bool) {
	field, text := "", s.text
	switch s.where {
	case inBody:
		if body == "" || !strings.Contains(body, s.text) {
			return "", false
		}
		return "its page says " + Quote(s.text), true
	case inServer:
		field = "Server"
	case inVia:
		field = "Via"
	case inLocation:
		field = "Location"
	case inField:
		field, text, _ = strings.Cut(s.text, ": ")
	}
	value, ok := u.Response.Get(field)
	if !ok || !containsFold(value, text) {
		return "", false
	}
	if s.where == inLocation {
		value, _, _ = strings.Cut(value, "?")
	}
	return field + ": " + Clip(value), true
}

// containsFold tells whether s contains lower, in any case of ASCII letters.
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}
