package capture

import "strconv"

// The link types that captures of IP traffic usually have, numbered as in
// https://www.tcpdump.org/linktypes.html. RawBSD and RawOpenBSD are what
// DLT_RAW was on some systems: files with these numbers exist.
const (
	LinkNull       LinkType = 0
	LinkEthernet   LinkType = 1
	LinkTokenRing  LinkType = 6
	LinkSLIP       LinkType = 8
	LinkPPP        LinkType = 9
	LinkFDDI       LinkType = 10
	LinkRawBSD     LinkType = 12
	LinkRawOpenBSD LinkType = 14
	LinkPPPHDLC    LinkType = 50
	LinkPPPoE      LinkType = 51
	LinkRaw        LinkType = 101
	LinkCHDLC      LinkType = 104
	Link80211      LinkType = 105
	LinkFrameRelay LinkType = 107
	LinkLoop       LinkType = 108
	LinkSLL        LinkType = 113
	LinkPFLog      LinkType = 117
	LinkPrism      LinkType = 119
	LinkRadiotap   LinkType = 127
	LinkAVS        LinkType = 163
	LinkUSB        LinkType = 189
	LinkPPI        LinkType = 192
	LinkERF        LinkType = 197
	LinkUSBMmapped LinkType = 220
	LinkIPv4       LinkType = 228
	LinkIPv6       LinkType = 229
	LinkDBus       LinkType = 231
	LinkNFLog      LinkType = 239
	LinkUSBPcap    LinkType = 249
	LinkPKTAP      LinkType = 258
	LinkUSBDarwin  LinkType = 266
	LinkSLL2       LinkType = 276
)

var linkNames = map[LinkType]string{
	LinkNull:       "null",
	LinkEthernet:   "ethernet",
	LinkTokenRing:  "token-ring",
	LinkSLIP:       "slip",
	LinkPPP:        "ppp",
	LinkFDDI:       "fddi",
	LinkRawBSD:     "raw-ip",
	LinkRawOpenBSD: "raw-ip",
	LinkPPPHDLC:    "ppp-hdlc",
	LinkPPPoE:      "pppoe",
	LinkRaw:        "raw-ip",
	LinkCHDLC:      "cisco-hdlc",
	Link80211:      "ieee-802.11",
	LinkFrameRelay: "frame-relay",
	LinkLoop:       "loop",
	LinkSLL:        "linux-sll",
	LinkPFLog:      "pflog",
	LinkPrism:      "ieee-802.11-prism",
	LinkRadiotap:   "ieee-802.11-radiotap",
	LinkAVS:        "ieee-802.11-avs",
	LinkUSB:        "usb-linux",
	LinkPPI:        "ppi",
	LinkERF:        "erf",
	LinkUSBMmapped: "usb-linux-mmapped",
	LinkIPv4:       "ipv4",
	LinkIPv6:       "ipv6",
	LinkDBus:       "dbus",
	LinkNFLog:      "nflog",
	LinkUSBPcap:    "usbpcap",
	LinkPKTAP:      "pktap",
	LinkUSBDarwin:  "usb-darwin",
	LinkSLL2:       "linux-sll2",
}

// String names the link type, or gives its number: "link-type 147".
func (t LinkType) String() string {
	if name, ok := linkNames[t]; ok {
		return name
	}
	return "link-type " + strconv.FormatUint(uint64(t), 10)
}
