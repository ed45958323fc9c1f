package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Exit statuses, by the contract of the command line.
const (
	exitFine   = 0 // the captures were read, and no finding is an error
	exitFailed = 1 // at least one is
	exitWrong  = 2 // wrong use, or a file could not be read at all
)

// program is what a run has of the world around it.
type program struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	version        string
	quiet          bool
	closing        func() // see analyze.Options; nil
}

// exitError is an error that carries the exit status and what to try.
type exitError struct {
	code int
	err  error // nil: nothing to say
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// wrong is an error in how the program is used.
func wrong(hint, format string, args ...any) error {
	return &exitError{code: exitWrong, err: fmt.Errorf(format, args...), hint: hint}
}

// sameInterrupt is how long another signal counts as the same: timeout(1) sends
// its own to the process and then to the whole group.
const sameInterrupt = 300 * time.Millisecond

// run executes a command and gives the exit status. The first interrupt ends
// the reading, so that what was read is reported; the second ends the program.
func run(p *program) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		time.Sleep(sameInterrupt)
		stop()
	})
	err := rootCommand(p).ExecuteContext(ctx)
	return p.exit(err)
}

// exit says what went wrong, if anything, and gives the exit status.
func (p *program) exit(err error) int {
	if err == nil {
		return exitFine
	}
	if errors.Is(err, syscall.EPIPE) { // whoever read the output has seen enough
		return exitFine
	}
	failure := &exitError{code: exitWrong, err: err}
	errors.As(err, &failure)
	if failure.err != nil {
		p.complain(failure.err)
	}
	if failure.hint != "" {
		fmt.Fprintf(p.stderr, "wsleuth: %s\n", failure.hint)
	}
	return failure.code
}

// complain writes a diagnostic, a line for each line of the error.
func (p *program) complain(err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(p.stderr, "wsleuth: %s\n", printable(line))
	}
}

// note writes a diagnostic that --quiet leaves out.
func (p *program) note(format string, args ...any) {
	if !p.quiet {
		p.complain(fmt.Errorf(format, args...))
	}
}

const moreHelp = "wsleuth --help tells all commands and flags"

// usageErrors turns cobra's errors about arguments into wrong use.
func usageErrors(command *cobra.Command) {
	command.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text, _, _ := strings.Cut(err.Error(), ": strconv.") // where a number is wanted
		return wrong(c.CommandPath()+" --help tells all flags", "%s", text)
	})
	for _, sub := range command.Commands() {
		usageErrors(sub)
	}
}

// arguments wraps a check of arguments so that its error is one of use.
func arguments(check cobra.PositionalArgs, hint string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return wrong(hint, "%w", err)
		}
		return nil
	}
}
