package patterns

import (
	"fmt"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS808 = &rule.Rule{
	Code: "WS808", Slug: "response-changed-between-hops", Family: "patterns", Since: "1.0.0",
	Title:    "The server's answer and the one that the proxy passed on differ",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "The answer to one handshake is in the capture twice: as the server gave it to the proxy, and as the proxy gave it to the client. They differ in something that the client must check or rely on.",
		Why: "A client has to refuse a 101 whose Upgrade, Connection, Sec-WebSocket-Accept, Sec-WebSocket-Protocol or Sec-WebSocket-Extensions is wrong. If the extension is taken out of the answer only, " +
			"the server sends compressed messages that the client cannot read. Meanwhile the server believes that all is well.",
		How: "Both answers are in front of us, matched by the handshake's key. Compared are the status, and in a 101 the version and the five fields that RFC 6455 section 4.1 makes the client check. " +
			"Where the proxy made a key of its own, its Accept value must differ from the server's, and is only wrong if it does not answer the client's key.",
		Alike: "A proxy may answer with a page of its own in place of the server's error: then the status differs, and the server's answer is the one that counts. If the client's connection works in spite of a difference, it is not reported.",
		Fix:   "Look for rules that set, delete or cache fields of answers at this proxy (nginx proxy_hide_header, HAProxy http-response del-header, Varnish vcl_deliver, a header policy of a content network) and exempt answers of 101 from them. Never cache them.",
	},
	References:    []string{"RFC 6455 section 4.1", "RFC 6455 section 4.2.2", "RFC 9110 section 7.6.1"},
	CheckRelation: checkAnswer,
}

func checkAnswer(x *record.Relation, r *rule.Reporter) {
	h := x.Hop
	if h == nil || len(h.Answer) == 0 || h.Renewed && len(h.Answer) == 1 && h.Answer[0].Name == "Sec-WebSocket-Accept" {
		return // the last is WS807's: the key was changed
	}
	who, _ := proxyOf(h)
	var said, off []string
	f := rule.Found{}
	for _, c := range h.Answer {
		if c.After == "" && c.Name != "status" {
			off = append(off, c.Name)
		} else {
			said = append(said, turned(c))
		}
		f.Evidence = append(f.Evidence, r.At(c.BeforeRef, "the server's answer: %s", stands(c.Name, c.Before)), r.At(c.AfterRef, "passed on: %s", stands(c.Name, c.After)))
	}
	if len(off) > 0 {
		said = append([]string{"took " + strings.Join(off, " and ") + " off"}, said...)
	}
	f.Title = fmt.Sprintf("%s %s on the way back from %s", who, strings.Join(said, " and "), h.Back.Server)
	if x.Total > 1 {
		f.Title += fmt.Sprintf(", in %s answers", atLeast(x, x.Total))
	}
	f.Remedy = "Let the proxy pass the server's 101 on as it is, with its status line and the hop-by-hop fields Upgrade and Connection, and never store it."
	if h.Answer[0].Name == "status" {
		f.Remedy = "Look at the server's own answer first; let the proxy pass it on where its own page hides the cause."
	}
	r.Add(f)
}

func turned(c record.Change) string {
	switch {
	case c.Name == "status":
		return "answered " + known.Clip(c.After) + " where the server had answered " + known.Clip(c.Before) + ","
	case c.Before == "":
		return "added " + c.Name
	case c.Name == "version":
		return "turned " + c.Before + " into " + c.After
	}
	return "changed " + c.Name
}
