package quality

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS109 = &rule.Rule{
	Code: "WS109", Slug: "unsupported-link-type", Family: "quality", Since: "1.0.0",
	Title:    "An interface uses a link type that cannot be decoded",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "Packets of an interface have a link type that is not known here, so no IP packet was found in them.",
		Why:   "Every connection on that interface is invisible: an empty result does not mean that all is well.",
		How:   "The file names the link type of each interface by a number of the tcpdump.org registry; this number has no decoder.",
		Alike: "Numbers 147 to 162 are for private use: only who took the capture knows what they mean. A file with a damaged header can have any number.",
		Fix:   "Capture on another interface, or with another link type (tcpdump -L lists them, -y chooses one). If the real type is known, editcap -T ether (or rawip) rewrites the number.",
	},
	References:   []string{"https://www.tcpdump.org/linktypes.html", "https://www.wireshark.org/docs/man-pages/editcap.html (-T)"},
	CheckCapture: checkLinkType,
}

func checkLinkType(c *record.Capture, r *rule.Reporter) {
	if c.Facts == nil || len(c.Facts.UnsupportedLinkTypes) == 0 {
		return
	}
	f := rule.Found{
		Title: fmt.Sprintf("The link type %s cannot be decoded: %d packet%s left out", known.Clip(strings.TrimPrefix(strings.Join(c.Facts.UnsupportedLinkTypes, ", "), "link-type ")),
			c.Facts.UnsupportedPackets, map[bool]string{true: " was", false: "s were"}[c.Facts.UnsupportedPackets == 1]),
		Remedy: "Capture with another link type (tcpdump -L, -y), or rewrite the number with editcap -T if the real type is known.",
	}
	if ref := c.Facts.UnsupportedFirst; ref.Seen() {
		f.Evidence = append(f.Evidence, record.Evidence{Capture: c.File, Packet: ref.Packet, Time: ref.Time, Note: "first packet with this link type"})
	} else {
		f.Evidence = append(f.Evidence, byteAt(c, 0, "the link type stands in the file's or the interface's header"))
	}
	r.Add(f)
}
