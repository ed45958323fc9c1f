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
	source string // an address, "repository:path", or byItsOwnName
}

// byItsOwnName is the source of a sign that is nothing but the name of what it
// stands for.
const byItsOwnName = "the product's own name"

// seenInPublic is the source of a sign that public certificates, captures and
// scripts show, with no documentation at hand.
const seenInPublic = "seen in public, not documented"

// Lists that several rows come from; ooni's rows have the names behind them.
const (
	ooni    = "ooni/blocking-fingerprints:fingerprints_http.csv#"
	wafw00f = "EnableSecurity/wafw00f:wafw00f/plugins/"
)

// filterSigns, surest first.
var filterSigns = []filterSign{
	{inServer, "zscaler", "Zscaler", false, false, wafw00f + "zscaler.py"},
	{inLocation, "gateway.zscaler", "Zscaler", false, false, ooni + "cl.prod_zscaler_forward_1"},
	{inBody, "internet security by zscaler", "Zscaler", false, false, ooni + "cl.prod_zscaler_block"},
	{inLocation, "notify.bluecoat.com", "Blue Coat ProxySG", false, false, ooni + "cl.prod_bluecoat_notify_forward"},
	{inBody, "notify.bluecoat.com", "Blue Coat ProxySG", false, false, ooni + "cl.prod_bluecoat_notify_notification"},
	{inBody, "fortiguard intrusion prevention", "FortiGuard", false, false, ooni + "cl.prod_fortiguard_ips_block"},
	{inBody, "fortiguard web filtering", "FortiGuard", false, false, ooni + "cp.a_prod_fortinet_1"},
	{inBody, "powered by fortiguard", "FortiGuard", false, false, ooni + "cl.prod_fortiguard_webfilter_poweredby"},
	{inBody, "fortigate application control", "FortiGate", false, false, ooni + "cp.a_prod_fortinet_5"},
	{inBody, "globalurl.fortinet.net", "FortiGuard", false, false, wafw00f + "fortiguard.py"},
	{inLocation, "globalurl.fortinet.net", "FortiGuard", false, false, wafw00f + "fortiguard.py"},
	{inBody, "you were trying to visit has been blocked in accordance with", "Palo Alto Networks", false, false, ooni + "cp.a_prod_paloalto_1"},
	{inLocation, "/php/urlblock.php?args=", "Palo Alto Networks", false, false, ooni + "cl.prod_paloaltonetworks_forward"},
	{inBody, "check point usercheck", "Check Point UserCheck", false, false, ooni + "cl.prod_checkpoint_urlfilter_blockpage"},
	{inLocation, "/usercheck/portalmain", "Check Point UserCheck", false, false, ooni + "cl.prod_checkpoint_urlfilter_forward"},
	{inLocation, ":15871/cgi-bin/blockpage.cgi", "Forcepoint", false, false, ooni + "cl.prod_forcepoint_websense_forward"},
	{inBody, ":15871/cgi-bin/blockpage.cgi", "Forcepoint", false, false, ooni + "cl.prod_forcepoint_websense_blockpage"},
	{inBody, ":15871/cgi-bin/block_message.cgi", "Forcepoint", false, false, ooni + "cl.prod_forcepoint_websense_blockpage_2"},
	{inBody, "mcafee web gateway - notification", "McAfee Web Gateway", false, false, ooni + "cp.a_prod_mcafee_1"},
	{inBody, "denied by watchguard http proxy", "WatchGuard", false, false, ooni + "cp.a_prod_watchguard_1"},
	{inLocation, "wired.meraki.com:8090/blocked.cgi", "Cisco Meraki", false, false, ooni + "cl.prod_ciscomeraki_filter_forward"},
	{inLocation, "block.opendns.com", "Cisco Umbrella", false, false, ooni + "cp.a_prod_opendns_1_location"},
	{inBody, "https://block.opendns.com/?url=", "Cisco Umbrella", false, false, ooni + "cl.prod_cisco_opendns_forward_2"},
	{inLocation, ".opendns.com/", "Cisco Umbrella", false, false, ooni + "cl.prod_cisco_opendns_forward"},
	{inVia, "(cisco-wsa/", "Cisco Web Security Appliance", false, false, ooni + "ooni.br_0"},
	{inServer, "barracuda", "Barracuda", false, false, byItsOwnName},
	{inVia, "barracuda", "Barracuda", false, false, byItsOwnName},
	{inServer, "sonicwall", "SonicWall", false, false, wafw00f + "sonicwall.py"},
	{inBody, "cfssupport.sonicwall.com", "SonicWall", false, false, ooni + "cl.prod_sonicwall_cfc"},
	{inBody, "powered by sophos utm web protection", "Sophos UTM", false, false, wafw00f + "sophos.py"},
	{inBody, "/webadmin/deny/", "Netsweeper", false, false, ooni + "cl.prod_netsweeper_inject_2"},
	{inLocation, "/webadmin/deny/", "Netsweeper", false, false, ooni + "cl.prod_netsweeper_inject_2"},
	{inBody, "blocked by contentkeeper", "ContentKeeper", false, false, ooni + "ooni.au_2"},
	{inLocation, "/ibreports/ibp/bp.html", "iboss", false, false, ooni + "cl.prod_iboss_forwardtoblock_1"},
	{inLocation, "/iboss/restricted.html", "iboss", false, false, ooni + "cl.prod_iboss_forwardtoblock_3"},
	{inBody, "<title>lightspeed system - web access</title>", "Lightspeed", false, false, ooni + "cl.prod_lightspeed_filter_blockpage"},
	{inBody, "this page has been blocked by kerio control", "Kerio Control", false, false, ooni + "cl.prod_gfi_kerio"},
	{inServer, "kerio control", "Kerio Control", false, false, ooni + "ooni.cl_0"},
	{inBody, "juniper web filtering", "Juniper", false, false, ooni + "cl.prod_juniper_webfilter"},
	{inServer, "olfeo", "Olfeo", false, false, ooni + "ooni.fr_2"},
	{inLocation, "squidguard.cgi?clientaddr=", "squidGuard", false, false, ooni + "cl.prod_squidguard_forward"},
	{inLocation, "web-filter/blockpage?", "Untangle", false, false, ooni + "cl.prod_untangle_forward"},
	{inBody, "the requested url was rejected. please consult with your administrator", "F5 BIG-IP ASM", false, false, wafw00f + "f5bigipasm.py"},
	{inBody, "incapsula incident id", "Imperva", false, false, wafw00f + "incapsula.py"},
	{inField, "X-Squid-Error: err_access_denied", "Squid's access rules", false, false, "squid-cache/squid:src/errorpage.cc"},
	{inField, "CF-Mitigated", "Cloudflare's challenge", false, false, "https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/"},
	{inBody, "attention required! | cloudflare", "Cloudflare's firewall", false, false, "https://github.com/Ekultek/WhatWaf/issues/1566"},
	{inServer, "captiveportal", "a captive portal", true, false, byItsOwnName},
	{inServer, "captive portal", "a captive portal", true, false, byItsOwnName},
	{inLocation, "captiveportal", "a captive portal", true, false, byItsOwnName},
	{inLocation, "captive-portal", "a captive portal", true, false, byItsOwnName},
	{inBody, "<wispaccessgatewayparam", "a captive portal (WISPr)", true, false, "coova/coova-chilli:src/redir.c"},
	{inBody, "captive portal", "a captive portal", true, true, byItsOwnName},
	{inBody, "web filter violation", "a web filter", false, true, wafw00f + "fortiguard.py"},
	{inBody, "web site blocked", "a web filter", false, true, ooni + "cl.vbw_web_site_blocked"},
	{inBody, "web page blocked", "a web filter", false, true, ooni + "cl.vbw_web_page_blocked"},
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
	if i := firstSign(u); i >= 0 {
		s := &filterSigns[i]
		return Block{Name: s.name, Seen: s.seen(u), Portal: s.portal, Weak: s.weak}, true
	}
	if u.Response.Status == statusNetworkAuth {
		return Block{Name: "a captive portal", Seen: "status 511 Network Authentication Required", Portal: true}, true
	}
	return Block{}, false
}

// filterFields are the fields of the places that are one field.
var filterFields = [inLocation + 1]string{inServer: "Server", inVia: "Via", inLocation: "Location"}

// filterTexts are the texts of the signs at each place, at the places of their
// signs; fieldSigns are those of inField.
var (
	filterTexts = [inBody + 1]*Phrases{inServer: textsAt(inServer), inVia: textsAt(inVia), inLocation: textsAt(inLocation), inBody: textsAt(inBody)}
	fieldSigns  = signsOf(inField)
)

func textsAt(where place) *Phrases {
	return PhrasesOf(filterSigns, func(s *filterSign) string {
		if s.where != where {
			return ""
		}
		return s.text
	})
}

func signsOf(where place) (list []int) {
	for i := range filterSigns {
		if filterSigns[i].where == where {
			list = append(list, i)
		}
	}
	return list
}

// firstSign is the place of the first sign that an answer has, -1 if it has none.
func firstSign(u *record.UpgradeFacts) int {
	first := filterTexts[inBody].Find(u.Body)
	for where, field := range filterFields {
		if value, ok := u.Response.Get(field); ok {
			first = earlier(first, filterTexts[where].FindString(value))
		}
	}
	for _, i := range fieldSigns {
		name, text, _ := strings.Cut(filterSigns[i].text, ": ")
		if value, ok := u.Response.Get(name); ok && containsFold(value, text) {
			first = earlier(first, i)
		}
	}
	return first
}

// earlier is the lesser of two places, of which -1 is none.
func earlier(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// seen says how a sign shows itself in an answer that has it.
func (s *filterSign) seen(u *record.UpgradeFacts) string {
	switch s.where {
	case inBody:
		return "its page says " + Quote(s.text)
	case inField:
		name, _, _ := strings.Cut(s.text, ": ")
		value, _ := u.Response.Get(name)
		return name + ": " + Clip(value)
	}
	value, _ := u.Response.Get(filterFields[s.where])
	if s.where == inLocation {
		value, _, _ = strings.Cut(value, "?")
	}
	return filterFields[s.where] + ": " + Clip(value)
}
