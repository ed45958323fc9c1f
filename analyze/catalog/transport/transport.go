// Package transport holds the rules about TCP and the path below it.
//
// Most callers need only Rules.
package transport

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
