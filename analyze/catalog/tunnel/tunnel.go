// Package tunnel holds the rules about forward proxies and tunnels.
//
// Most callers need only Rules.
package tunnel

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS306,
}
