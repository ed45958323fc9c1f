// Package closing holds the rules about how a WebSocket ends.
//
// Most callers need only Rules.
package closing

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
