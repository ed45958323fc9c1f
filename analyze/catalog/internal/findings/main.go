// Command findings writes FINDINGS.md, the reference of all rules, from the
// rules themselves: the text that "wsleuth explain" prints.
package main

import (
	"fmt"
	"os"

	"github.com/wsleuth/wsleuth/analyze/catalog"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: findings FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(catalog.Reference()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "findings:", err)
		os.Exit(1)
	}
}
