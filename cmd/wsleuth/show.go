package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/report"
)

// showCommand tells the story of chosen connections.
func showCommand(p *program) *cobra.Command {
	a := &analysis{all: true, events: true}
	c := &cobra.Command{
		Use:   "show FILE... --connection ID",
		Short: "Tell one connection's story: verdict, headers as on the wire, events, frames, findings, evidence",
		Args:  arguments(cobra.MinimumNArgs(1), "write: wsleuth show FILE --connection ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !a.selected() {
				return wrong("the first column of wsleuth FILE has the IDs", "which connection? give --connection ID")
			}
			return show(cmd.Context(), p, a, args)
		},
	}
	c.Flags().SortFlags = false
	a.flags(c)
	return c
}

func show(ctx context.Context, p *program, a *analysis, paths []string) error {
	options, err := a.manners.options(p, p.stdout)
	if err != nil {
		return err
	}
	story := report.NewStory(p.stdout, options)
	r, err := a.run(ctx, p, paths, p.quiet, story)
	if err := story.Close(); err != nil { // one of two IDs may be there
		return err
	}
	switch {
	case err != nil:
		return err
	case r.unreadable > 0:
		return &exitError{code: exitWrong}
	case !story.Found():
		return wrong("wsleuth FILE lists the connections", "no connection fits these flags")
	}
	return nil
}
