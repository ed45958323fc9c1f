// Package frames holds the rules about frames and messages.
//
// Most callers need only Rules.
package frames

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
