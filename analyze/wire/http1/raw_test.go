package http1

import (
	"reflect"
	"testing"
)

// TestRaw: a head parsed again from its raw bytes is the same, but for what
// lies before it; cut short it is that of Partial.
func TestRaw(t *testing.T) {
	for _, c := range headCases {
		end := "\r\n\r\n"
		if c.codes == "bare-lf" {
			end = "\n\n"
		}
		if c.codes == "empty-line-before" {
			continue // no part of the raw bytes
		}
		var p Parser
		p.Init(c.kind)
		p.Feed([]byte(c.text + end))
		if got := ParseHead(c.kind, string(p.Raw())); !reflect.DeepEqual(got, p.Head()) || p.HeadStart() != 0 {
			t.Errorf("%s: %s, want %s", c.name, head(got), head(p.Head()))
		}
		p.Init(c.kind)
		p.Feed([]byte(c.text))
		if p.Partial() == nil {
			t.Fatalf("%s: nothing is held", c.name)
		}
		if got := ParseHead(c.kind, string(p.Raw())); !reflect.DeepEqual(got, p.Partial()) {
			t.Errorf("%s cut short: %s, want %s", c.name, head(got), head(p.Partial()))
		}
	}
}
