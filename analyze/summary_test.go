package analyze

import (
	"testing"

	"github.com/wsleuth/wsleuth/analyze/catalog"
)

// TestCodesAreCountedApart: every code of the catalogue has a place of its own.
func TestCodesAreCountedApart(t *testing.T) {
	s := newSummary()
	at := map[*codeCount]string{}
	for _, r := range catalog.All() {
		place := s.code(r.Code)
		if other, taken := at[place]; taken {
			t.Errorf("%s and %s are counted together", r.Code, other)
		}
		at[place] = r.Code
	}
}
