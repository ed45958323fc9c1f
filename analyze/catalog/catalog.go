// Package catalog lists every rule. Each rule is one file in the folder of its
// family; this package only puts the families together.
//
// Most callers need only All and Find.
package catalog

import (
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/catalog/closing"
	"github.com/wsleuth/wsleuth/analyze/catalog/frames"
	"github.com/wsleuth/wsleuth/analyze/catalog/path"
	"github.com/wsleuth/wsleuth/analyze/catalog/patterns"
	"github.com/wsleuth/wsleuth/analyze/catalog/quality"
	"github.com/wsleuth/wsleuth/analyze/catalog/tls"
	"github.com/wsleuth/wsleuth/analyze/catalog/transport"
	"github.com/wsleuth/wsleuth/analyze/catalog/tunnel"
	"github.com/wsleuth/wsleuth/analyze/catalog/upgrade"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

//go:generate go test -run TestReferenceIsFresh . -update

// All returns the rules in the order of their codes, in which they run. The
// slice is the caller's, the rules are everybody's.
func All() []*rule.Rule {
	return slices.Concat(
		quality.Rules, transport.Rules, tunnel.Rules, tls.Rules, upgrade.Rules,
		frames.Rules, closing.Rules, patterns.Rules, path.Rules,
	)
}

// Find returns the rule with this code or slug, in any case; nil if there is none.
func Find(codeOrSlug string) *rule.Rule {
	for _, r := range All() {
		if strings.EqualFold(r.Code, codeOrSlug) || strings.EqualFold(r.Slug, codeOrSlug) {
			return r
		}
	}
	return nil
}
