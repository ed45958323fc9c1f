package report

import "github.com/wsleuth/wsleuth/analyze/record"

// Failed tells whether a connection counts as failed, as every format has it;
// one that never said what it was counts if it did not come to be.
func Failed(c *record.Connection) bool {
	kind, _ := classify(c)
	return kind == failed || kind == unidentified
}
