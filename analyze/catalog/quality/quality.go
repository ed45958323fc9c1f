// Package quality holds the rules about what a capture cannot show: cut and
// missing packets, one direction, a late start, an early end, files that are
// damaged, and TLS without keys. They come first, for what a capture could not
// show must not be called missing.
//
// Most callers need only Rules.
package quality

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS101, WS102, WS103, WS104, WS105, WS106, WS107, WS108, WS109, WS110, WS111, WS112,
}

// byteAt is evidence at a byte of the file, where no packet can be named.
func byteAt(c *record.Capture, offset int64, note string) record.Evidence {
	return record.Evidence{Capture: c.File, Offset: &offset, Note: note}
}
