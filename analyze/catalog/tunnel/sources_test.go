package tunnel

import (
	"regexp"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
)

// TestEverySettingHasASource: what is claimed of a product can be looked up.
func TestEverySettingHasASource(t *testing.T) {
	document := regexp.MustCompile(`^(https://[a-z0-9.-]+\.[a-z]+/\S+|[\w.-]+/[\w.-]+:[\w./-]+)$`)
	for _, table := range []map[known.Product]setting{allowing, expecting} {
		for product, s := range table {
			if s.text == "" || !document.MatchString(s.source) {
				t.Errorf("%s: source %q is neither an address nor a file of a repository", product, s.source)
			}
		}
	}
}
