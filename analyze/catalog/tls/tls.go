// Package tls holds the rules about TLS around the WebSocket.
//
// Most callers need only Rules.
package tls

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{
	WS412,
}
