// Package upgrade holds the rules about the opening handshake over HTTP: the
// request, the answer, and how the two fit (RFC 6455 section 4, RFC 9110,
// RFC 9112, RFC 7692).
//
// Most callers need only Rules.
package upgrade

import "github.com/wsleuth/wsleuth/analyze/rule"

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{}
