package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze"
	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// analysis are the flags of every command that reads captures.
type analysis struct {
	choice
	manners
	keyLogs     []string
	all, events bool
	showSecrets bool
	hash        bool
	threads     int
	cpuProfile  string
	memProfile  string
}

func (a *analysis) flags(c *cobra.Command) {
	a.choice.flags(c)
	a.manners.flags(c)
	f := c.Flags()
	f.StringArrayVar(&a.keyLogs, "keylog", nil, "TLS secrets: the `FILE` that SSLKEYLOGFILE named; repeatable")
	f.BoolVar(&a.showSecrets, "show-secrets", false, "show credentials, cookies and tokens")
	f.StringVar(&a.cpuProfile, "cpuprofile", "", "write a CPU profile to `FILE`")
	f.StringVar(&a.memProfile, "memprofile", "", "write a heap profile to `FILE`")
	f.MarkHidden("cpuprofile")
	f.MarkHidden("memprofile")
}

// result is what a run means for the exit status.
type result struct {
	read        bool // captures were read, so there is something to report
	stats       analyze.Stats
	interrupted bool
	unreadable  int // files that could not be read at all
	files       []*capture.FileInfo
}

// options are those of the analysis. Key logs are checked here.
func (a *analysis) options(p *program, paths []string) (analyze.Options, error) {
	if a.threads < 0 {
		return analyze.Options{}, wrong("write --threads 2, or leave it out", "--threads %d is less than none", a.threads)
	}
	keys := new(decrypt.Keys)
	for _, name := range a.keyLogs {
		if err := addKeyLog(p, keys, name); err != nil {
			return analyze.Options{}, err
		}
	}
	o := analyze.Options{Keys: keys, All: a.all, Events: a.events, ShowSecrets: a.showSecrets, Selected: a.selected(), Version: p.version, Threads: a.threads, Closing: p.closing}
	if o.Selected {
		o.Keep = a.keep
	}
	if o.Threads == 0 && slices.ContainsFunc(paths, isStream) {
		o.Threads = 1 // who reads a stream wants to see at once what is final
	}
	return o, nil
}

// isStream tells whether a path may make us wait: standard input, a pipe, a device.
func isStream(path string) bool {
	if path == "-" {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// addKeyLog reads one key log. Lines that are none are told of and passed over.
func addKeyLog(p *program, keys *decrypt.Keys, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return wrong("--keylog takes the file that SSLKEYLOGFILE named", "cannot read the key log: %w", err)
	}
	defer f.Close()
	err = keys.AddKeyLog(f, name)
	var lines *decrypt.KeyLogError
	if errors.As(err, &lines) {
		p.note("%v", lines)
		return nil
	}
	return err
}

// run analyses the captures that paths name and gives the result to the sink.
// Whatever goes wrong, what was read is reported.
func (a *analysis) run(ctx context.Context, p *program, paths []string, quiet bool, sink record.Sink) (result, error) {
	options, err := a.options(p, paths)
	if err != nil {
		return result{}, err
	}
	zone, err := a.zone()
	if err != nil {
		return result{}, err
	}
	if err := a.prepare(ctx, paths, zone); err != nil {
		return result{}, err
	}
	stopProfiles, err := a.profile()
	if err != nil {
		return result{}, err
	}
	defer stopProfiles()
	var progress capture.Progress
	var leftOut []error
	src, err := capture.Open(ctx, paths, capture.Options{
		Stdin: p.stdin, Progress: &progress, Hash: a.hash,
		Warn: func(err error) { leftOut = append(leftOut, err) },
	})
	if err != nil {
		return result{}, openError(err, paths)
	}
	for i, err := range leftOut { // otherwise the error has them
		if n := len(leftOut) - i; i >= maxLeftOut && n > 1 {
			p.note("left out: %d more files", n)
			break
		}
		p.note("left out: %w", err)
	}
	defer src.Close()
	if progress.BytesTotal.Load() >= largeInput {
		askForHugePages()
	}
	stop := func() {}
	if !quiet {
		stop = startProgress(p.stderr, &progress)
	}
	stats, err := analyze.Run(ctx, src, options, sink)
	stop()
	r := result{read: true, stats: stats, unreadable: unreadable(src.Files()), files: src.Files()}
	if errors.Is(err, context.Canceled) {
		r.interrupted = true
		p.note("interrupted: the report covers the %d packets that were read", progress.Packets.Load())
		return r, nil
	}
	if err != nil {
		return r, &exitError{code: exitWrong, err: err}
	}
	return r, a.missing(a.all)
}

// maxLeftOut is of how many files it is said why they were left out: a folder may hold thousands.
const maxLeftOut = 5

// largeInput is the size of captures, in bytes, from which on preparations pay.
const largeInput = 32 << 20

// openError adds what to try if nothing could be read.
func openError(err error, paths []string) error {
	hint := ""
	if len(paths) == 1 {
		for _, command := range []string{"show", "explain", "render", "version", "completion"} {
			if near(paths[0], command) {
				hint = fmt.Sprintf("did you mean: wsleuth %s", command)
			}
		}
	}
	return &exitError{code: exitWrong, err: err, hint: hint}
}

// near tells whether a word differs from a command by one letter, or two exchanged.
func near(word, command string) bool {
	if d := len(word) - len(command); d < -1 || d > 1 {
		return false
	}
	i := 0
	for i < len(word) && i < len(command) && word[i] == command[i] {
		i++
	}
	j := 0
	for j < len(word)-i && j < len(command)-i && word[len(word)-1-j] == command[len(command)-1-j] {
		j++
	}
	return max(len(word), len(command))-i-j <= 2
}

// unreadable counts the files of which nothing could be read.
func unreadable(files []*capture.FileInfo) (n int) {
	for _, f := range files {
		for _, problem := range f.Problems {
			if problem.Kind == capture.NotACapture || problem.Kind == capture.ReadError && f.Packets == 0 {
				n++
				break
			}
		}
	}
	return n
}
