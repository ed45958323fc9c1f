package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/record"
)

const shortHelp = `wsleuth reads packet captures and says why each WebSocket connection failed.

  wsleuth capture.pcapng                      the verdict on every connection
  wsleuth show capture.pcapng --connection 7  the story of one
  sudo wsleuth live                           sniff, and see it while it happens
  wsleuth explain WS501                       what a finding means
  wsleuth --help                              all flags and commands
`

// rootCommand lists every command; without one of their names, files are analysed.
func rootCommand(p *program) *cobra.Command {
	c := &analyzeCommand{program: p}
	root := &cobra.Command{
		Use:   "wsleuth [flags] FILE|DIR|-...",
		Short: "wsleuth reads packet captures and says why each WebSocket connection failed.",
		Long: `wsleuth reads packet captures and says why each WebSocket connection failed:
what happened, who has to act, which packets prove it, and what to do.

It reads pcap and pcapng, packed or not, as files, directories or from standard
input (-), and takes several files as one capture.

Exit status: 0 if no finding is an error, 1 if at least one is, 2 if a file
could not be read or the command line is wrong.`,
		Example: `  wsleuth capture.pcapng
  tcpdump -i any -s 0 -U -w - | wsleuth -
  wsleuth -o json=result.json -o table captures/
  wsleuth --host chat.example.org --since -10m capture.pcapng`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "help", Short: "Help, the same as --help", RunE: func(cmd *cobra.Command, args []string) error {
		about, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return wrong(moreHelp, "there is no command %q", strings.Join(args, " "))
		}
		return about.Help()
	}})
	root.Flags().SortFlags = false
	c.flags(root)
	root.PersistentFlags().BoolVar(&p.quiet, "quiet", false, "no progress bar and no notes on standard error")
	root.AddCommand(showCommand(p), liveCommandOf(p), explainCommand(p), renderCommand(p), versionCommand(p), completionCommand())
	usageErrors(root)
	return root
}

// clean anonymizes a text, if that is asked for.
func (c *analyzeCommand) clean(text string) string {
	if c.anonymity.texts == nil {
		return text
	}
	return c.anonymity.texts.Text(text)
}

// analyzeCommand is what wsleuth does without the name of a command.
type analyzeCommand struct {
	*program
	analysis
	outputs
	evidence  evidenceFlags
	anonymity anonymity
	failed    bool
	exitZero  bool
}

func (c *analyzeCommand) flags(cmd *cobra.Command) {
	c.outputs.flag(cmd)
	f := cmd.Flags()
	f.BoolVar(&c.failed, "failed", false, "only connections that failed")
	f.BoolVar(&c.all, "all", false, "encrypted connections that may be wss, too")
	f.BoolVar(&c.events, "events", false, "the events of healthy connections, too")
	f.BoolVar(&c.hash, "hash", false, "the SHA-256 of the files (always in html and markdown)")
	f.IntVar(&c.threads, "threads", 0, "cores that follow connections; 0 is what helps, and one for a stream")
	f.BoolVar(&c.exitZero, "exit-zero", false, "exit with 0 even if connections failed")
	c.evidence.flags(cmd)
	c.anonymity.flags(cmd)
	c.analysis.flags(cmd)
}

func (c *analyzeCommand) run(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		fmt.Fprint(c.stderr, shortHelp)
		return &exitError{code: exitWrong}
	}
	if err := c.anonymity.prepare(); err != nil {
		return err
	}
	if err := c.evidence.check(paths, c.anonymity.on); err != nil {
		return err
	}
	renderer, err := c.outputs.open(c.program, &c.manners, c.failed, paths)
	if err != nil {
		return err
	}
	var sink record.Sink = c.anonymity.sink(renderer)
	var chosen *selection
	if c.evidence.file != "" {
		f, err := create(c.evidence.file, paths)
		if err != nil {
			return err
		}
		c.outputs.files = append(c.outputs.files, f)
		chosen = newSelection(sink, len(c.ids) > 0, c.selected(), c.clean)
		sink = chosen
	}
	c.hash = c.hash || c.hashing()
	onScreen, _ := terminalOf(c.stdout)
	r, err := c.analysis.run(ctx, c.program, paths, c.quiet || onScreen && c.streaming(), sink)
	if !r.read {
		c.outputs.discard()
		return err
	}
	if err := errors.Join(renderer.Close(), c.outputs.close()); err != nil {
		return err
	}
	if chosen != nil {
		if err := c.writeEvidence(ctx, paths, chosen, r.files); err != nil {
			return err
		}
	}
	switch {
	case err != nil:
		return err
	case r.unreadable > 0:
		return &exitError{code: exitWrong}
	case r.stats.Failed > 0 && !c.exitZero:
		return &exitError{code: exitFailed}
	case r.interrupted: // nobody knows about the rest
		return &exitError{code: exitWrong}
	}
	return nil
}
