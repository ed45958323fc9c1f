// Package patterns holds the rules about relations between connections.
//
// Most callers need only Rules.
package patterns

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
