// Package patterns holds the rules about relations between connections.
//
// Most callers need only Rules.
package patterns

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{WS801, WS802, WS803, WS804, WS805, WS806, WS807, WS808, WS809}

// where names what was asked for: the URL, or the endpoint where none is known.
func where(url string, server netip.AddrPort) string {
	if url != "" {
		return known.Clip(url)
	}
	return server.String()
}

// listed writes counts for a sentence: "18 answered 503, 2 not connected".
func listed(list []record.Count) string {
	const most = 3
	var b strings.Builder
	for i, c := range list {
		if i == most {
			b.WriteString(" and others")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d %s", c.N, c.What)
	}
	return b.String()
}

// atLeast says so where a limit hid some.
func atLeast(x *record.Relation, n int) string {
	if x.Limited {
		return fmt.Sprintf("at least %d", n)
	}
	return fmt.Sprint(n)
}

// plural is one word for n things.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
