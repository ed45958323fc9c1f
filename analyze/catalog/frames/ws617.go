package frames

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS617 = &rule.Rule{
	Code: "WS617", Slug: "weak-mask", Family: "frames", Since: "1.0.0",
	Title:    "A client masks at least four frames with a zero key or with the same key",
	Severity: record.Info, Fault: record.FaultClient,
	Text: rule.Text{
		Seen:  "The client's masking keys are not random: zero, or one and the same in frame after frame.",
		Why:   "Masking then protects nothing: a page could write bytes of its choice to the wire and poison the caches of old proxies. The connection itself works.",
		How:   "The key stands in clear in every frame's header. Four or more frames in a row with one key are no accident.",
		Alike: "Clients for embedded devices and load generators use a zero key on purpose, to save time. Browsers never do.",
		Fix:   "Update the client's library, or let it take every key from a strong source of randomness.",
	},
	References: []string{"RFC 6455 section 5.3", "RFC 6455 section 10.3"},
	Needs:      rule.Remarkable,
	Check:      checkWeakMask,
}

// RFC 6455 section 5.3: "the masking key MUST be derived from a strong source
// of entropy, and the masking key for a given frame MUST NOT make it simple for
// a server/proxy to predict the masking key for a subsequent frame."
func checkWeakMask(c *record.Connection, r *rule.Reporter) {
	w := framesOf(c)
	if w == nil || w.WeakZeroMasks < rule.WeakFrames && w.WeakSameMasks < rule.WeakFrames {
		return
	}
	f := rule.Found{Remedy: "Let the client's library take each masking key from a strong source of randomness."}
	n := w.WeakSameMasks
	f.Title = fmt.Sprintf("%s masked %d of %d frames with the same key", known.SideFirst(c, record.Client), n, w.MaskedFrames)
	if w.WeakZeroMasks >= rule.WeakFrames {
		n = w.WeakZeroMasks
		f.Title = fmt.Sprintf("%s masked %d of %d frames with a key of zero", known.SideFirst(c, record.Client), n, w.MaskedFrames)
	}
	ref := w.FirstWeakMask
	if !ref.Seen() {
		ref = w.OpenedRef
	}
	f.Evidence = []record.Evidence{r.At(ref, "a frame with such a key")}
	r.Add(f)
}
