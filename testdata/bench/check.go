package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// compare sets what wsleuth reports of a capture beside what its generator
// knows and what tshark says. It gives lines of a Markdown table.
func (o *options) compare(ctx context.Context, s *subject) ([]string, error) {
	if s.packed {
		return nil, nil
	}
	args := []string{"child-check", "-preset", s.preset, "-truth", s.truth, "-totals", s.totals, "-sums", s.sums, fmt.Sprintf("-differences=%t", o.differences)}
	if slices.Contains(o.peers, "tshark") {
		if _, err := os.Stat(o.tsharkOutput(s)); err == nil {
			defer os.Remove(o.tsharkOutput(s))
			argv := append(tshark(s), "-Y", "http.response.code == 101", "-T", "fields", "-e", "frame.number")
			fmt.Fprintf(os.Stderr, "bench: %s: answers in tshark\n", s.preset)
			answers, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
			if err != nil {
				return nil, fmt.Errorf("tshark: %w", err)
			}
			args = append(args, "-tshark", o.tsharkOutput(s), "-answers", strconv.Itoa(strings.Count(string(answers), "\n")))
		}
	}
	argv := []string{"--exit-zero", "-o", "ndjson"}
	if s.keylog != "" {
		argv = append(argv, "--keylog", s.keylog)
	}
	fmt.Fprintf(os.Stderr, "bench: %s: comparing\n", s.preset)
	wsleuth := exec.CommandContext(ctx, o.wsleuth, append(argv, s.file)...)
	check := exec.CommandContext(ctx, o.self, args...)
	var out strings.Builder
	var err error
	if check.Stdin, err = wsleuth.StdoutPipe(); err != nil {
		return nil, err
	}
	check.Stdout, check.Stderr = &out, os.Stderr
	if err := errors.Join(wsleuth.Start(), check.Run(), wsleuth.Wait()); err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), nil
}

// counts are what the three can be compared by. A figure of -1 is not known.
type counts struct {
	answers, messages int64
	whole, begun      int64 // WebSockets as generated: seen from their start, and begun before the capture
	opcodes           [16]int64
}

func (c *counts) right(k known) {
	if k.Midstream {
		c.begun++
	} else {
		c.whole++
	}
}

// unknown counts say nothing.
func unknown() *counts {
	c := &counts{answers: -1, messages: -1, whole: -1, begun: -1}
	for i := range c.opcodes {
		c.opcodes[i] = -1
	}
	return c
}

var opcodes = map[string]int{"continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}

// connection is the part of a report's connection that is compared.
type connection struct {
	Type, Client, Server, Started, Outcome string
	Response                               *struct{ Status int }
	WebSocket                              *struct {
		Messages map[string]int64
		Frames   map[string]map[string]int64
	}
}

// known is the part of gencap's line for a WebSocket that is compared.
type known struct {
	Client, Server, Start, Outcome string
	Status                         int
	Preamble                       string
	Midstream                      bool
	Gap                            bool `json:"capture_gap"`
	Messages                       [2]int64
}

// outcomes are wsleuth's words for those of gencap, which calls a connection
// open or pending if the capture ends before its last packet: its answer or its
// Close frames may be there.
var outcomes = map[string][]string{
	"ok": {"closed-clean"}, "away": {"closed-clean"}, "server_error": {"closed-error"}, "protocol": {"protocol-error"},
	"fin": {"closed-abnormal"}, "rst": {"closed-abnormal"}, "ping_timeout": {"closed-abnormal"}, "rejected": {"rejected"},
	"bad_accept": {"invalid-handshake"}, "no_response": {"no-response"}, "request_rst": {"no-response"},
	"refused": {"connect-failed"}, "syn_timeout": {"connect-failed"},
	"open": {"open", "closed-clean", "closed-error", "protocol-error", "invalid-handshake"},
}

// fits tells whether an outcome is right. What breaks behind a proxy before
// the server's first byte is the tunnel.
func (k known) fits(outcome string) bool {
	if outcome == "tunnel-failed" {
		return k.Outcome == "request_rst" && (k.Preamble == "connect" || k.Preamble == "socks5")
	}
	return slices.Contains(outcomes[k.Outcome], outcome)
}

// checkChild compares the report on standard input.
func checkChild(args []string) error {
	fs := flag.NewFlagSet("child-check", flag.ContinueOnError)
	var preset, truth, totals, sums, peer string
	fs.StringVar(&preset, "preset", "", "name of the capture")
	fs.StringVar(&truth, "truth", "", "gencap's lines")
	fs.StringVar(&totals, "totals", "", "gencap's summary")
	fs.StringVar(&sums, "sums", "", "what a capture of wss holds")
	fs.StringVar(&peer, "tshark", "", "what tshark printed")
	answers := fs.Int64("answers", 0, "answers of 101 in tshark")
	var differences bool
	fs.BoolVar(&differences, "differences", false, "name each")
	if err := fs.Parse(args); err != nil {
		return err
	}
	want, list, err := generated(truth, totals, sums)
	if err != nil {
		return err
	}
	got, err := reported(os.Stdin, list, func(format string, args ...any) {
		if differences {
			fmt.Fprintf(os.Stderr, "bench: "+preset+": "+format+"\n", args...)
		}
	})
	if err != nil {
		return err
	}
	var theirs *counts
	if peer != "" {
		if theirs, err = dissected(peer); err != nil {
			return err
		}
		theirs.answers = *answers
	}
	for _, line := range compared(preset, want, got, theirs) {
		fmt.Println(line)
	}
	return nil
}

// generated reads what the capture was made of.
func generated(truth, totals, sums string) (want *counts, list map[string]known, err error) {
	want, list = new(counts), map[string]known{}
	if sums != "" {
		var s wssSums
		want.whole, want.begun = -1, -1
		if err := readJSON(sums, &s); err != nil {
			return nil, nil, err
		}
		want.answers, want.messages = int64(s.Connections), s.Messages[0]+s.Messages[1]
		want.opcodes[1], want.opcodes[8] = want.messages, 2*int64(s.Connections)
		return want, nil, nil
	}
	var t struct {
		WebSocket struct {
			Opcodes map[string]int64 `json:"frames_by_opcode"`
		}
	}
	if err := readJSON(totals, &t); err != nil {
		return nil, nil, err
	}
	for name, n := range t.WebSocket.Opcodes {
		want.opcodes[opcodes[name]] = n
	}
	f, err := os.Open(truth)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var k known
		if err := d.Decode(&k); err == io.EOF {
			return want, list, nil
		} else if err != nil {
			return nil, nil, err
		}
		if k.Status == 101 {
			want.answers++
		}
		want.messages += k.Messages[0] + k.Messages[1]
		if k.Outcome == "pending" {
			continue // there may have been nothing to see yet
		}
		if k.Midstream {
			k.Start = "" // the first packet comes some time after it
		}
		list[key(k.Client, k.Server, k.Start)] = k
		want.right(k)
	}
}

func readJSON(name string, to any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

// key tells connections apart: a pcap file has microseconds.
func key(client, server, start string) string {
	at, _ := time.Parse(time.RFC3339Nano, start)
	return client + " " + server + " " + strconv.FormatInt(at.UnixMicro(), 10)
}

// reported adds up a report in NDJSON; whole and begun count the
// connections whose outcome and messages are those that the generator knows.
func reported(r io.Reader, list map[string]known, tell func(string, ...any)) (*counts, error) {
	got := new(counts)
	for d := json.NewDecoder(bufio.NewReaderSize(r, 1<<20)); ; {
		var c connection
		if err := d.Decode(&c); err == io.EOF {
			for at, k := range list {
				tell("%s: not reported, generated %s %v, preamble %q, midstream %t", at, k.Outcome, k.Messages, k.Preamble, k.Midstream)
			}
			return got, nil
		} else if err != nil {
			return nil, fmt.Errorf("wsleuth's report: %w", err)
		}
		if c.Type != "connection" {
			continue
		}
		if c.Response != nil && c.Response.Status == 101 {
			got.answers++
		}
		var messages [2]int64
		if c.WebSocket != nil {
			messages = [2]int64{c.WebSocket.Messages["client"], c.WebSocket.Messages["server"]}
			for _, side := range c.WebSocket.Frames {
				for name, n := range side {
					got.opcodes[opcodes[name]] += n
				}
			}
		}
		got.messages += messages[0] + messages[1]
		at := key(c.Client, c.Server, c.Started)
		k, ok := list[at]
		if !ok {
			at = key(c.Client, c.Server, "")
			k, ok = list[at]
		}
		delete(list, at)
		if ok && k.fits(c.Outcome) && (k.Messages == messages || k.Gap) {
			got.right(k)
		} else if ok {
			tell("%s: %s %v, generated %s %v, preamble %q, midstream %t", at, c.Outcome, messages, k.Outcome, k.Messages, k.Preamble, k.Midstream)
		}
	}
}

// dissected adds up what tshark printed: frame, stream, opcodes, lengths.
func dissected(name string) (*counts, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &counts{answers: -1, messages: -1, whole: -1, begun: -1}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) < 3 {
			return nil, fmt.Errorf("tshark printed %q", lines.Text())
		}
		for op := range strings.SplitSeq(fields[2], ",") {
			if n, err := strconv.Atoi(op); err == nil && n >= 0 && n < len(c.opcodes) {
				c.opcodes[n]++
			}
		}
	}
	return c, lines.Err()
}

// compared lays the counts out as lines of a Markdown table.
func compared(preset string, want, got, theirs *counts) (lines []string) {
	line := func(what string, want, got, tshark int64) {
		if want < 0 || want == 0 && got == 0 && tshark <= 0 {
			return
		}
		verdict := "agree"
		switch {
		case got != want:
			verdict = fmt.Sprintf("differ: wsleuth %+d", got-want)
			if tshark >= 0 && tshark != want {
				verdict += fmt.Sprintf(", tshark %+d", tshark-want)
			}
		case tshark >= 0 && tshark != want:
			verdict = fmt.Sprintf("differ: tshark %+d", tshark-want)
		}
		other := ""
		if tshark >= 0 {
			other = strconv.FormatInt(tshark, 10)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %d | %d | %s | %s |", preset, what, want, got, other, verdict))
	}
	if theirs == nil {
		theirs = unknown()
	}
	line("WebSockets with the right outcome and messages", want.whole, got.whole, theirs.whole)
	line("the same, begun before the capture", want.begun, got.begun, theirs.begun)
	line("answers of 101", want.answers, got.answers, theirs.answers)
	line("messages", want.messages, got.messages, theirs.messages)
	for _, name := range []string{"text", "binary", "continuation", "close", "ping", "pong"} {
		i := opcodes[name]
		line(name+" frames", want.opcodes[i], got.opcodes[i], theirs.opcodes[i])
	}
	return lines
}
