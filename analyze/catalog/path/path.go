// Package path holds the rules about what several vantage points show together.
//
// Most callers need only Rules.
package path

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
