package report

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// JSONSchema is the JSON Schema (2020-12) of the contract wsleuth.report/v1:
// of the document, and in $defs/line of a line of JSON Lines.
func JSONSchema() []byte { return slices.Clone(schema) }
