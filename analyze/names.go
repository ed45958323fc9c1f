package analyze

import "github.com/wsleuth/wsleuth/analyze/record"

// names are the names of addresses.
type names struct{}

func (n *names) name(*record.Connection) {}
