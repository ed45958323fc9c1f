package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/report"
)

// renderCommand writes a saved result in other formats.
func renderCommand(p *program) *cobra.Command {
	var m manners
	var o outputs
	var failed bool
	var hide anonymity
	c := &cobra.Command{
		Use:   "render RESULT.json",
		Short: "Write a saved result (json or ndjson) in another format",
		Args:  arguments(cobra.ExactArgs(1), "write: wsleuth render RESULT.json -o FORMAT[=FILE]"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := hide.prepare(); err != nil {
				return err
			}
			renderer, err := o.open(p, &m, failed, args)
			if err != nil {
				return err
			}
			return render(p, args[0], renderer, hide.sink(renderer), &o)
		},
	}
	c.Flags().SortFlags = false
	o.flag(c)
	c.Flags().BoolVar(&failed, "failed", false, "only connections that failed")
	hide.flags(c)
	m.flags(c)
	return c
}

func render(p *program, name string, renderer report.Renderer, sink record.Sink, o *outputs) error {
	var input io.Reader = p.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return wrong("", "%w", err)
		}
		defer f.Close()
		input = f
	}
	_, err := report.Read(input, sink)
	if errors.Is(err, report.ErrCut) { // what was there is worth having
		return wrong("save the result again to have the rest", "%s: %w", name, errors.Join(err, renderer.Close(), o.close()))
	}
	if errors.Is(err, report.ErrNotAResult) {
		return wrong("render reads what wsleuth -o json or -o ndjson wrote", "%s: %w", name, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return errors.Join(renderer.Close(), o.close())
}
