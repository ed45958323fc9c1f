package path

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS903 = &rule.Rule{
	Code: "WS903", Slug: "rewritten-on-path", Family: "path", Since: "1.0.0",
	Title:    "The bytes sent at one vantage point differ from those received at the other",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "One TCP connection is in two captures, and its payload is not the same in both. A header field, or bytes of a message, were changed on the way; TCP's checksum and sequence numbers were mended so that neither end noticed.",
		Why:  "A device between the vantage points edits what it passes on. If it touches the handshake, the server sees another request than the client made; if it touches frames, messages arrive damaged or break the protocol, and both ends are blamed for what neither did.",
		How: "The views are joined by addresses and initial sequence numbers. The streams of each direction are compared byte for byte at their beginning and by sums of 1024 bytes after it. " +
			"Only what both captures hold without a gap is compared.",
		Alike: "A proxy that ends the connection and opens another one makes two connections: that is no rewriting, and its changes to the handshake are reported as such. NAT changes addresses only, and some NAT devices also change addresses inside of known protocols.",
		Fix:   "Find the device: a capture on each of its sides shows where the bytes change. Switch off its inspection or 'protocol fixup' for this traffic, or carry the WebSocket in TLS (wss://), which no device can edit unnoticed.",
	},
	References:    []string{"RFC 9293 section 3.1", "RFC 6455 section 10.3", "RFC 3234 section 2"},
	CheckRelation: checkRewritten,
}

func checkRewritten(x *record.Relation, r *rule.Reporter) {
	p := x.Path
	if p == nil || len(p.Rewritten) == 0 {
		return
	}
	near, far := names(p)
	first := p.Rewritten[0]
	f := rule.Found{Remedy: "Find the device between the two vantage points that edits this traffic, or carry the WebSocket in TLS."}
	f.Title = fmt.Sprintf("%s and %s differ in %s (%s)", near, far, first.Name, ends(p))
	if first.Before != "" {
		f.Title = fmt.Sprintf("'%s' in one capture is '%s' in the other (%s and %s, %s)", known.Clip(first.Before), known.Clip(first.After), near, far, ends(p))
	}
	for _, c := range p.Rewritten {
		before, after := "before: "+c.Name, "after: "+c.Name
		if c.Before != "" {
			before, after = "before: "+known.Clip(c.Before), "after: "+known.Clip(c.After)
		}
		f.Evidence = append(f.Evidence, r.At(c.BeforeRef, "%s", before), r.At(c.AfterRef, "%s", also(after, p)))
	}
	r.Add(f)
}
