package http1

import (
	"fmt"
	"strings"
)

// trail writes down everything a stream gives, so that two runs compare.
func trail(k Kind, pieces ...string) string {
	var p Parser
	p.Init(k)
	var b strings.Builder
	var body []byte
	for _, piece := range pieces {
		data := []byte(piece)
		for done := false; !done; {
			n, ev := p.Feed(data)
			switch ev {
			case HeadDone:
				b.WriteString(describe(&p))
				if k == Request {
					p.SetBody(p.RequestBody())
				} else {
					p.SetBody(p.ResponseBody("GET"))
				}
			case BodyData:
				body = append(body, p.Body()...)
			case MessageDone:
				fmt.Fprintf(&b, "body %q done at %d\n", body, p.Offset())
				body = nil
			case BadBody:
				fmt.Fprintf(&b, "body %q bad\n", body)
				body = nil
			case NotHTTP:
				rest := string(p.Held()) + string(data[n:])
				fmt.Fprintf(&b, "not http at %d %.1q\n", p.Offset()-int64(len(p.Held())), rest)
				return b.String()
			}
			data = data[n:]
			done = ev == More
		}
	}
	if p.InHead() {
		fmt.Fprintf(&b, "pending %d trace %v %s", p.Pending(), p.Trace(), head(p.Partial()))
	}
	fmt.Fprintf(&b, "end: %v", p.End())
	if len(body) > 0 {
		fmt.Fprintf(&b, " body %q", body)
	}
	return b.String() + "\n"
}

func describe(p *Parser) string {
	return fmt.Sprintf("trace %v status %d method %q %s", p.Trace(), p.StatusCode(), p.Method(), head(p.Head()))
}

func head(h *Head) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %q %q %q %d %q at %d-%d", h.Kind, h.Method, h.Target, h.Version, h.Status, h.Reason, h.Start, h.End)
	for _, f := range h.Fields {
		fmt.Fprintf(&b, " [%q=%q %d-%d %v]", f.Name, f.Value, f.Start, f.End, f.Folded)
	}
	fmt.Fprintf(&b, " %v +%d cut %v\n", h.Violations, h.MoreViolations, h.Truncated)
	return b.String()
}
