package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/report"
)

// outputs are the -o flags: where the result goes, in which formats.
type outputs struct {
	flags []string
	files []*os.File
	live  bool // the result is read while it is made
}

func (o *outputs) flag(c *cobra.Command) {
	c.Flags().StringArrayVarP(&o.flags, "output", "o", nil,
		"format of the result, `FORMAT[=FILE]`: "+strings.Join(report.Formats(), ", ")+"; repeatable (default table)")
	c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(report.Formats(), cobra.ShellCompDirectiveNoSpace))
}

// streaming tells whether lines appear on standard output while captures are read.
func (o *outputs) streaming() bool {
	return slices.ContainsFunc(o.flags, func(f string) bool { return f == "json" || f == "ndjson" })
}

// hashing tells whether a format names files by their SHA-256, for a report that is passed on.
func (o *outputs) hashing() bool {
	return slices.ContainsFunc(o.flags, func(f string) bool {
		format, _, _ := strings.Cut(f, "=")
		return format == "html" || format == "markdown"
	})
}

// open makes the renderers. Files are created here, so that a wrong name is
// known before an hour of reading; inputs are never overwritten.
func (o *outputs) open(p *program, m *manners, failed bool, inputs []string) (report.Renderer, error) {
	flags := o.flags
	if len(flags) == 0 {
		flags = report.Formats()[:1]
	}
	if err := checkOutputs(flags); err != nil {
		return nil, err
	}
	var renderers []report.Renderer
	for _, flag := range flags {
		format, file, toFile := strings.Cut(flag, "=")
		var w io.Writer = p.stdout
		if toFile {
			f, err := create(file, inputs)
			if err != nil {
				return nil, err
			}
			o.files = append(o.files, f)
			w = f
		}
		options, err := m.options(p, w)
		if err != nil {
			return nil, err
		}
		options.Failed, options.Stream = failed, o.live
		renderer, err := report.New(format, w, options)
		if err != nil {
			return nil, wrong(moreHelp, "%w", err)
		}
		renderers = append(renderers, renderer)
	}
	return report.Tee(renderers...), nil
}

// checkOutputs refuses formats that do not exist and two results at one place.
func checkOutputs(flags []string) error {
	taken := make(map[string]bool)
	for _, flag := range flags {
		format, file, toFile := strings.Cut(flag, "=")
		if !slices.Contains(report.Formats(), format) {
			return wrong("formats are "+strings.Join(report.Formats(), ", "), "there is no output format %q", format)
		}
		if toFile && file == "" {
			return wrong("write -o "+format+"=FILE", "-o %s names no file", flag)
		}
		if taken[file] {
			if !toFile {
				return wrong("give the others a file: -o "+format+"=FILE", "only one result can go to standard output")
			}
			return wrong("give each format its own file", "two results cannot go to %s", file)
		}
		taken[file] = true
	}
	return nil
}

func create(file string, inputs []string) (*os.File, error) {
	if existing, err := os.Stat(file); err == nil {
		for _, input := range inputs {
			if info, err := os.Stat(input); err == nil && os.SameFile(info, existing) {
				return nil, wrong("choose another file for the result", "%s is what is to be read", file)
			}
		}
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, wrong("", "cannot write the result: %w", err)
	}
	return f, nil
}

// close ends the files.
func (o *outputs) close() error {
	var all []error
	for _, f := range o.files {
		if err := f.Close(); err != nil {
			all = append(all, fmt.Errorf("cannot write the result: %w", err))
		}
	}
	return errors.Join(all...)
}

// discard removes the files again, if nothing came of them.
func (o *outputs) discard() {
	for _, f := range o.files {
		f.Close()
		os.Remove(f.Name())
	}
}
