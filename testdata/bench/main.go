// Bench measures wsleuth beside other programs that read captures, on captures
// whose contents are known, and says whether the results agree:
//
//	go run ./testdata/bench -size 1G
//
// It makes the captures with gencap (the folder below), runs the commands in
// turns, and prints a Markdown table of the medians of CPU time, wall time and
// peak memory. Peers that are not installed are left out. Nothing else should
// run meanwhile; the captures lie in memory where the system has /dev/shm.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// options are the flags.
type options struct {
	size                              int64
	sizeText                          string
	presets, peers, formats, threads  []string
	turns, tsharkTurns                int
	dir, wsleuth                      string
	keep, all, check                  bool
	differences, built                bool
	root, folder, gencap, self, flags string
}

func main() {
	if len(os.Args) > 1 {
		if run, ok := children[os.Args[1]]; ok {
			exit(run(os.Args[2:]))
		}
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// children are what bench runs in processes of its own: to measure them, and
// to stay small itself, since the peak memory that a system reports for a
// process includes what its parent had when it was forked.
var children = map[string]func([]string) error{
	"child-check": checkChild, "child-wss": wssChild, "child-aead": aeadChild,
	"child-compress": compressChild, "child-decompress": decompressChild,
}

func parse(args []string) (*options, error) {
	o := &options{flags: strings.Join(args, " ")}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	list := func(to *[]string, name, value, usage string) {
		*to = split(value)
		fs.Func(name, usage+" ("+value+")", func(s string) error { *to = split(s); return nil })
	}
	fs.StringVar(&o.sizeText, "size", "256M", "`bytes` of each capture, with K, M or G for powers of 1000")
	list(&o.presets, "presets", "mixed,wsheavy0,wsheavy,manyconn,manyopen", "`captures` to measure; also decrypt, decryptsmall, decryptlarge, gzip, zstd")
	list(&o.peers, "peers", "tcpdump,tshark,tcpflow", "other `programs` to measure")
	list(&o.formats, "formats", "table,ndjson", "wsleuth's output `formats` to measure; table is always")
	list(&o.threads, "threads", "", "values of wsleuth's --threads to measure, too")
	fs.IntVar(&o.turns, "turns", 5, "how often each command runs")
	fs.IntVar(&o.tsharkTurns, "tshark-turns", 1, "how often tshark runs, at most")
	fs.StringVar(&o.dir, "dir", "", "`folder` for the captures; those that are there are used again (a new one in /dev/shm or the temporary folder)")
	fs.StringVar(&o.wsleuth, "wsleuth", "", "the `program` to measure (built from this checkout)")
	fs.BoolVar(&o.keep, "keep", false, "keep the folder; one given with -dir always is")
	fs.BoolVar(&o.all, "all", false, "run tshark and tcpflow on the captures with very many connections, too")
	fs.BoolVar(&o.check, "check", true, "compare the results, too: one more run of wsleuth, and of tshark")
	fs.BoolVar(&o.differences, "differences", false, "name each connection that is not reported as it was generated")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var err error
	if o.size, err = parseSize(o.sizeText); err != nil {
		return nil, err
	}
	if o.turns < 1 || o.size < 1e6 {
		return nil, errors.New("-turns must be at least 1 and -size at least 1M")
	}
	return o, nil
}

// split cuts a list at its commas; an empty one has no elements.
func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func parseSize(s string) (int64, error) {
	number, unit := s, 1.0
	for suffix, u := range map[string]float64{"K": 1e3, "M": 1e6, "G": 1e9} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = n, u
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f <= 0 {
		return 0, fmt.Errorf("-size %q is no size: write 256M or 1G", s)
	}
	return int64(f * unit), nil
}

// run measures preset by preset and prints the tables.
func run(ctx context.Context, o *options) (err error) {
	for _, preset := range o.presets {
		if _, ok := o.recipes()[preset]; !ok {
			return fmt.Errorf("there is no preset %q; see -h", preset)
		}
	}
	if err := o.makeFolder(); err != nil {
		return err
	}
	if !o.keep {
		defer os.RemoveAll(o.folder)
	}
	if err := o.prepare(ctx); err != nil {
		return err
	}
	var rows []row
	var checks []string
	for _, preset := range o.presets {
		s, err := o.makeSubject(ctx, preset)
		if err != nil {
			return fmt.Errorf("making the capture %s: %w", preset, err)
		}
		measured, err := o.measure(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", preset, err)
		}
		rows = append(rows, measured...)
		if o.check {
			lines, err := o.compare(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: comparing: %w", preset, err)
			}
			checks = append(checks, lines...)
		}
		if !o.keep {
			s.remove()
		}
	}
	o.print(ctx, os.Stdout, rows, checks)
	return nil
}

// makeFolder makes the folder for captures, in memory where that is known.
func (o *options) makeFolder() (err error) {
	if o.dir != "" {
		o.folder, o.keep = o.dir, true // it is the user's
		return os.MkdirAll(o.folder, 0o700)
	}
	parent := ""
	if _, err := os.Stat("/dev/shm"); err == nil && runtime.GOOS == "linux" {
		parent = "/dev/shm"
	}
	o.folder, err = os.MkdirTemp(parent, "wsleuth-bench-")
	return err
}

// prepare finds or builds the programs.
func (o *options) prepare(ctx context.Context) (err error) {
	if o.self, err = os.Executable(); err != nil {
		return err
	}
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	o.root = filepath.Dir(strings.TrimSpace(string(mod)))
	if _, err := os.Stat(filepath.Join(o.root, "testdata", "bench", "gencap")); err != nil {
		return errors.New("run it inside wsleuth's checkout: go run ./testdata/bench")
	}
	if o.gencap, err = o.build(ctx, "gencap", "./testdata/bench/gencap"); err != nil {
		return err
	}
	if o.wsleuth == "" {
		o.built = true
		o.wsleuth, err = o.build(ctx, "wsleuth", "./cmd/wsleuth")
	} else if o.wsleuth, err = exec.LookPath(o.wsleuth); err == nil {
		o.wsleuth, err = filepath.Abs(o.wsleuth)
	}
	if err != nil {
		return err
	}
	return o.findPeers(ctx)
}

// findPeers leaves out what is not installed and what wsleuth does not have.
func (o *options) findPeers(ctx context.Context) error {
	var have []string
	for _, name := range o.peers {
		if _, ok := peers[name]; !ok {
			return fmt.Errorf("-peers: %q is none of tcpdump, tshark, tcpflow", name)
		}
		if _, err := exec.LookPath(name); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s is not installed: left out\n", name)
			continue
		}
		have = append(have, name)
	}
	o.peers = have
	if len(o.threads) > 0 {
		help, err := exec.CommandContext(ctx, o.wsleuth, "--help").Output()
		if err != nil || !strings.Contains(string(help), "--threads") {
			return fmt.Errorf("-threads: %s has no flag --threads", o.wsleuth)
		}
	}
	return nil
}

// build compiles a command of this module into the folder.
func (o *options) build(ctx context.Context, name, pkg string) (string, error) {
	out := filepath.Join(o.folder, name)
	if runtime.GOOS == "windows" {
		out += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	cmd.Dir, cmd.Env = o.root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return out, nil
}
