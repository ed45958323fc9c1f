package transport

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS206 = &rule.Rule{
	Code: "WS206", Slug: "reset-forged", Family: "transport", Since: "1.0.0",
	Title:    "A RST does not fit its alleged sender: a device on the path injected it",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "A reset carries the address of one side, but it differs from everything else that this side sent: another TTL, an IP identification out of line, or the alleged sender went on as if it knew nothing of it.",
		Why:  "Neither the client nor the server ended the connection: a device between them did, in their name. Their logs show a reset by the other side, and each blames the other.",
		How: "Packets of one host travel the same number of hops, so their TTL is the same; a RST from a device elsewhere on the path has another. A host that has reset a connection sends no more data in it. " +
			"Best proof is data of the alleged sender after its own RST; a TTL that differs by two or more is strong, by one it is likely.",
		Alike: "A path that changes in the middle of a connection changes the TTL of all later packets, too. Load balancers and proxies that rewrite packets reset in the server's name on purpose: an idle timeout of a network load balancer looks just so. " +
			"A kernel's own RST for a socket that is gone has no ACK flag, window 0 and IP identification 0, and is genuine where its TTL fits.",
		Fix: "Find the device: a firewall rule that rejects with tcp-reset, an intrusion prevention system, a content filter, a load balancer's idle timeout. The TTL tells how far away it is: the initial value is 64, 128 or 255. " +
			"Capture on both sides of each hop until the RST appears on one side only.",
	},
	References: []string{"RFC 9293 section 3.5.2", "RFC 5961 section 3", "RFC 3360", "Weaver, Sommer, Paxson: Detecting Forged TCP Reset Packets (NDSS 2009)"},
	Explains:   append([]string{"WS212", "WS208", "WS207"}, append(unanswered, open...)...),
	Needs:      rule.Reset,
	Check:      checkForged,
}

// sign is why a RST is taken for forged.
type sign struct {
	reset      *record.Reset
	why        func(*record.Reset) string
	confidence record.Confidence
}

// forgery finds a RST that its alleged sender did not send.
func forgery(t *record.TCPFacts) (sign, bool) {
	var best sign
	for i := range t.Resets {
		x := &t.Resets[i]
		if x.AfterOwnFIN || x.AnswersSYN || x.AfterClose || x.Others == 0 {
			continue
		}
		why, confidence := suspicion(x)
		if why == nil {
			continue
		}
		if best.reset == nil || confidence == record.Certain && best.confidence != record.Certain {
			best = sign{x, why, confidence}
		}
	}
	return best, best.reset != nil
}

// suspicion says why a RST is not of its sender, if there is a reason: as a
// function, for whether one is forged is asked more often than why.
func suspicion(x *record.Reset) (why func(*record.Reset) string, confidence record.Confidence) {
	off := 0
	switch {
	case x.TTL < x.MinTTL:
		off = int(x.MinTTL) - int(x.TTL)
	case x.TTL > x.MaxTTL:
		off = int(x.TTL) - int(x.MaxTTL)
	}
	switch {
	case off == 0 && sameCounter(x) && x.WentOn < surelyWentOn:
		return nil, ""
	case x.WentOn > 0 && off > 0:
		return ttlDiffersAndWentOn, record.Certain
	case x.WentOn > 0 && !x.AfterOtherFIN:
		return wentOn, record.Certain
	case off > 1 && !x.AfterOtherFIN:
		return ttlDiffers, record.Certain
	case off == 1 && !x.AfterOtherFIN:
		return ttlDiffers, record.Likely
	case strangeID(x) && !x.AfterOtherFIN:
		return idDiffers, record.Possible
	}
	return nil, ""
}

func wentOn(x *record.Reset) string {
	return fmt.Sprintf("its alleged sender went on as if it knew nothing of it (%d segment%s)", x.WentOn, known.Plural(x.WentOn))
}

func ttlDiffersAndWentOn(x *record.Reset) string {
	return ttlDiffers(x) + fmt.Sprintf(", and the sender went on (%d segment%s)", x.WentOn, known.Plural(x.WentOn))
}

func idDiffers(x *record.Reset) string {
	return fmt.Sprintf("its IP identification 0x%04x is far from the sender's last, 0x%04x, and it has no ACK flag", x.ID, x.OtherID)
}

// strangeID: a kernel's RST without ACK has IP identification 0 (it belongs to
// no socket), one of a living socket goes on counting.
func strangeID(x *record.Reset) bool {
	if x.V6 || x.HasAck || x.ID == 0 || x.OtherID == 0 || x.Others < 3 || x.AnswersData && x.Timestamps {
		return false
	}
	ahead := x.ID - x.OtherID
	return ahead > 512 && ahead < 0xfe00 && x.SenderTimestamps && !x.Timestamps
}

// surelyWentOn is how many segments after its RST show that a sender did not
// send it, even if the RST looks like one of its own: fewer may have been captured late.
const surelyWentOn = 2

// sameCounter: the RST's IP identification is the next one of the sender's
// counter, which a device on the path would have to follow packet by packet.
func sameCounter(x *record.Reset) bool {
	ahead := x.ID - x.OtherID
	return !x.V6 && x.OtherID != 0 && ahead >= 1 && ahead <= 4
}

func ttlDiffers(x *record.Reset) string {
	return fmt.Sprintf("its TTL is %d, that of the sender's other packets %s", x.TTL, ttlRange(x))
}

func ttlRange(x *record.Reset) string {
	if x.MinTTL == x.MaxTTL {
		return fmt.Sprint(x.MinTTL)
	}
	return fmt.Sprintf("%d to %d", x.MinTTL, x.MaxTTL)
}

func checkForged(c *record.Connection, r *rule.Reporter) {
	t := tcpOf(c)
	if t == nil || len(t.Resets) == 0 {
		return
	}
	s, forged := forgery(t)
	if !forged {
		return
	}
	x := s.reset
	if r.Enough(rule.Found{Confidence: s.confidence}) {
		return
	}
	f := rule.Found{
		Title:      fmt.Sprintf("The RST in the name of %s was injected on the path: %s", known.Side(c, x.From), s.why(x)),
		Confidence: s.confidence,
		Remedy:     forgedRemedy(x),
		Evidence:   []record.Evidence{r.At(x.Ref, "RST: TTL %d, IP ID 0x%04x, window %d; the sender's last other packet: TTL %d, IP ID 0x%04x", x.TTL, x.ID, x.Window, x.OtherTTL, x.OtherID)},
	}
	if x.WentOnFirst.Seen() {
		f.Evidence = append(f.Evidence, r.At(x.WentOnFirst, "the %s goes on after its alleged RST", x.From))
	}
	if s.confidence != record.Certain {
		f.NextStep = known.CaptureAt(c, "the "+x.From.String()+" as well: if it never sent this RST, a device between the two capture points did.")
	}
	r.Add(f)
}

// forgedRemedy says how far away the device is, where its TTL tells.
func forgedRemedy(x *record.Reset) string {
	const find = "Find the device that resets in the name of others: a firewall's reject rule, an intrusion prevention system or content filter, a load balancer's idle timeout."
	for _, initial := range []int{64, 128, 255} {
		if hops := initial - int(x.TTL); hops >= 0 && hops <= 30 {
			if hops == 0 {
				return find + fmt.Sprintf(" If it starts at TTL %d, it is right beside the place of the capture, or the host itself.", initial)
			}
			return find + fmt.Sprintf(" If it starts at TTL %d, it is %d hop%s away from the capture.", initial, hops, known.Plural(hops))
		}
	}
	return find
}
