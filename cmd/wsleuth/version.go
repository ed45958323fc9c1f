package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/report"
)

// versionCommand says which wsleuth this is, and how its results look.
func versionCommand(p *program) *cobra.Command {
	var schema bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, or the JSON Schema of results",
		Args:  arguments(cobra.NoArgs, "version takes no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if schema {
				_, err := p.stdout.Write(report.JSONSchema())
				return err
			}
			_, err := fmt.Fprintf(p.stdout, "wsleuth %s\nresults: %s\n%s %s/%s\n", p.version, record.Schema, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of -o json")
	return c
}
