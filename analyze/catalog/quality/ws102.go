package quality

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS102 = &rule.Rule{
	Code: "WS102", Slug: "segments-missing", Family: "quality", Since: "1.0.0",
	Title:    "Bytes that the peer acknowledged are not in the capture",
	Severity: record.Warning, Fault: record.FaultCapture,
	Text: rule.Text{
		Seen:  "The sequence numbers jump: bytes that were sent and acknowledged are not in the file.",
		Why:   "The receiver had these bytes, only the capture has not. Frames and headers in the gap are unknown, and counts are lower bounds.",
		How:   "The receiver acknowledged bytes that no packet of the capture holds. Segments that were lost on the way are not acknowledged, so they are told apart.",
		Alike: "Packets cut by the snapshot length are WS101. Traffic that takes a second path or interface outside of the capture leaves the same gaps.",
		Fix:   "Give the capture a larger buffer (tcpdump -B 65536, dumpcap -B 64), write to a fast disk, use a capture filter for the hosts at hand, and capture on all interfaces of a bond.",
	},
	References: []string{"RFC 9293 section 3.4", "https://www.tcpdump.org/manpages/tcpdump.1.html (-B)"},
	Explains:   []string{"WS616", "WS614"},
	Needs:      rule.Missing,
	Check:      checkMissing,
}

func checkMissing(c *record.Connection, r *rule.Reporter) {
	if c.Facts == nil || c.Facts.TCP.OneWay {
		return
	}
	var bytes int64
	count := 0
	first := (*record.Gap)(nil)
	for i := range c.Facts.TCP.Gaps {
		g := &c.Facts.TCP.Gaps[i]
		if g.Kind != "lost" || g.Unacked {
			continue
		}
		if first == nil {
			first = g
		}
		bytes += g.Length
		count++
	}
	if first == nil {
		checkBeforeReset(c, r)
		return
	}
	if r.Enough(rule.Found{}) {
		return
	}
	title := fmt.Sprintf("%s that the peer acknowledged %s not in the capture (%d gap%s, the first in what the %s sent)", record.Bytes(bytes), are(bytes), count, known.Plural(count), first.From)
	if c.Facts.CaptureDrops {
		title += "; the capture itself says that it dropped packets"
	}
	r.Add(rule.Found{
		Title:    title,
		Remedy:   "Capture again with a larger buffer (tcpdump -B 65536) and a filter for these hosts.",
		NextStep: "Capture again without losses (tcpdump -B 65536, a capture filter for the hosts at hand).",
		Evidence: []record.Evidence{r.At(first.Ref, "%s of the %s before this packet %s not in the capture", record.Bytes(first.Length), first.From, are(first.Length))},
	})
}

func are[N int | int64 | uint32](n N) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func were(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func packets(n int) string { return fmt.Sprintf("%d packet%s", n, known.Plural(n)) }

// aheadLimit bounds how far a RST may lie beyond what was seen of its sender
// and still tell of lost bytes: the largest window without scaling.
const aheadLimit = 1 << 16

// checkBeforeReset: a RST is sent with the sequence number of the next byte
// (RFC 9293 section 3.10.7), so one that lies beyond what was seen of its
// sender tells of bytes that are not there, which nothing acknowledged any more.
func checkBeforeReset(c *record.Connection, r *rule.Reporter) {
	t := &c.Facts.TCP
	for i := range t.Resets {
		x := &t.Resets[i]
		fits := x.Others > 0 && x.WentOn == 0 && x.TTL >= x.MinTTL && x.TTL <= x.MaxTTL
		if x.Ref != t.End || !fits || x.SeqAhead <= 0 || x.SeqAhead > aheadLimit || t.Sides[x.From].Bytes == 0 || t.Sides[x.From].FIN.Seen() {
			continue
		}
		what := record.Bytes(x.SeqAhead)
		if x.SeqAhead == 1 {
			what = "A FIN or 1 byte" // both take one sequence number
		}
		r.Add(rule.Found{
			Title:      fmt.Sprintf("%s that the %s sent before its RST %s not in the capture", what, x.From, are(x.SeqAhead)),
			Confidence: record.Likely,
			Remedy:     "Capture again with a larger buffer (tcpdump -B 65536) and a filter for these hosts.",
			Evidence:   []record.Evidence{r.At(x.Ref, "the sequence number of the RST is %d beyond the last byte seen of the %s", x.SeqAhead, x.From)},
		})
		return
	}
}
