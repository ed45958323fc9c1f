package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// command is something to measure.
type command struct {
	name    string // as the table shows it
	argv    []string
	stdout  string // file for what it prints; nowhere if empty
	scratch string // folder that it fills, emptied after each run
	turns   int
	against string // how the table puts it beside wsleuth: "", "variant" or "baseline"
	cores   bool   // what it does has a core of its own in wsleuth
	own     bool   // it prints its own usage, which leaves out its preparations
}

// usage is what one run of a command took.
type usage struct {
	CPU, Wall time.Duration
	RSS       int64 // peak memory in bytes, 0 if unknown
}

// row is one line of the table: medians.
type row struct {
	preset, name, against string
	parallel              bool
	usage
	turns int
}

// peers are the other programs, each doing the least that compares.
var peers = map[string]func(o *options, s *subject) *command{
	"tcpdump": func(_ *options, s *subject) *command {
		return &command{argv: []string{"tcpdump", "-r", s.file, "-w", os.DevNull, "tcp"}}
	},
	"tshark": func(o *options, s *subject) *command {
		if s.many && !o.all && s.preset != "manyconn" || o.tsharkTurns < 1 {
			return nil
		}
		return &command{argv: append(tshark(s), "-Y", "websocket", "-T", "fields", "-e", "frame.number", "-e", "tcp.stream",
			"-e", "websocket.opcode", "-e", "websocket.payload_length"), stdout: o.tsharkOutput(s), turns: o.tsharkTurns}
	},
	"tcpflow": func(o *options, s *subject) *command {
		if s.many && !o.all || s.keylog != "" {
			return nil
		}
		dir := filepath.Join(o.folder, "tcpflow")
		return &command{argv: []string{"tcpflow", "-r", s.file, "-o", dir}, scratch: dir}
	},
}

// tshark is the part of its command line that all runs share. Without
// reassemble_out_of_order it gives wrong results on disorder.
func tshark(s *subject) []string {
	argv := []string{"tshark", "-r", s.file, "-o", "tcp.reassemble_out_of_order:TRUE", "-d", "tcp.port==3000,http", "-d", "tcp.port==9001,http"}
	if s.keylog != "" {
		argv = append(argv, "-o", "tls.keylog_file:"+s.keylog)
	}
	return argv
}

func (o *options) tsharkOutput(s *subject) string {
	return filepath.Join(o.folder, s.preset+".tshark")
}

// commands are all that is measured on a capture, wsleuth's default first.
func (o *options) commands(s *subject) []*command {
	base := []string{o.wsleuth, "--exit-zero"}
	if s.keylog != "" {
		base = append(base, "--keylog", s.keylog)
	}
	wsleuth := func(name string, flags ...string) *command {
		return &command{name: name, argv: append(append(slices.Clone(base), flags...), s.file), against: "variant"}
	}
	list := []*command{wsleuth("wsleuth")}
	for _, format := range o.formats {
		if format != "table" && s.keylog == "" && !s.packed {
			list = append(list, wsleuth("wsleuth -o "+format, "-o", format))
		}
	}
	for _, n := range o.threads {
		list = append(list, wsleuth("wsleuth --threads "+n, "--threads", n))
	}
	switch {
	case s.packed:
		return append(list, &command{name: "klauspost/compress alone", argv: []string{o.self, "child-decompress", s.file}, against: "baseline", cores: true})
	case s.keylog != "":
		list = append(list, &command{name: "crypto/cipher alone", argv: []string{o.self, "child-aead", s.sums}, against: "baseline", own: true})
	}
	for _, name := range o.peers {
		if c := peers[name](o, s); c != nil {
			c.name = name
			list = append(list, c)
		}
	}
	return list
}

// measure runs the commands in turns, so that what else the machine does falls
// on all of them, and gives the medians.
func (o *options) measure(ctx context.Context, s *subject) ([]row, error) {
	list := o.commands(s)
	taken := make([][]usage, len(list))
	for turn := range o.turns {
		for i, c := range list {
			if c.turns > 0 && turn >= c.turns {
				continue
			}
			fmt.Fprintf(os.Stderr, "bench: %s, turn %d: %s\n", s.preset, turn+1, c.name)
			u, err := c.run(ctx)
			if err != nil {
				return nil, err
			}
			taken[i] = append(taken[i], u)
		}
	}
	var rows []row
	for i, c := range list {
		rows = append(rows, row{preset: s.preset, name: c.name, against: c.against, parallel: c.cores, usage: medians(taken[i]), turns: len(taken[i])})
	}
	return rows, nil
}

// run runs the command once.
func (c *command) run(ctx context.Context) (u usage, err error) {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	var failure, printed strings.Builder
	cmd.Stderr = &failure
	switch {
	case c.own:
		cmd.Stdout = &printed
	case c.stdout != "":
		f, err := os.Create(c.stdout)
		if err != nil {
			return u, err
		}
		defer f.Close()
		cmd.Stdout = f
	}
	if c.scratch != "" {
		if err := os.MkdirAll(c.scratch, 0o700); err != nil {
			return u, err
		}
		defer os.RemoveAll(c.scratch)
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return u, fmt.Errorf("%s: %w: %s", strings.Join(c.argv, " "), err, lastLine(failure.String()))
	}
	u.Wall = time.Since(began)
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	u.RSS = peakOf(cmd.ProcessState)
	if c.own {
		rss := u.RSS
		err = json.Unmarshal([]byte(printed.String()), &u)
		u.RSS = rss
	}
	return u, err
}

// medians takes the median of each figure by itself.
func medians(list []usage) (m usage) {
	pick := func(of func(usage) int64) int64 {
		var values []int64
		for _, u := range list {
			values = append(values, of(u))
		}
		return median(values)
	}
	m.CPU = time.Duration(pick(func(u usage) int64 { return int64(u.CPU) }))
	m.Wall = time.Duration(pick(func(u usage) int64 { return int64(u.Wall) }))
	m.RSS = pick(func(u usage) int64 { return u.RSS })
	return m
}

func median(values []int64) int64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
