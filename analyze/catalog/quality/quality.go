// Package quality holds the rules about what a capture cannot show.
//
// Most callers need only Rules.
package quality

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
