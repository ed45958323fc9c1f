package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// subject is a capture to measure on and what is known of it.
type subject struct {
	preset string
	file   string // the capture
	truth  string // gencap's line for each WebSocket; empty if there is none
	totals string // gencap's summary
	keylog string // TLS secrets, if it is encrypted
	sums   string // the encrypted records by suite and size
	packed bool   // compressed
	many   bool   // so many connections that tools made for people give up
}

func (s *subject) remove() {
	for _, name := range []string{s.file, s.file + made, s.truth, s.totals, s.keylog, s.sums} {
		if name != "" {
			os.Remove(name)
		}
	}
}

// makeSubject makes a capture, unless it lies there already.
func (o *options) makeSubject(ctx context.Context, preset string) (*subject, error) {
	base := filepath.Join(o.folder, preset+"-"+o.sizeText)
	switch preset {
	case "decrypt", "decryptsmall", "decryptlarge":
		s := &subject{preset: preset, file: base + ".pcap", keylog: base + ".keys", sums: base + ".sums"}
		return s, o.makeOnce(s.file, func() error { return o.makeWSS(ctx, s) })
	case "gzip", "zstd":
		plain, err := o.makeSubject(ctx, "mixed")
		if err != nil {
			return nil, err
		}
		if !o.keep {
			defer plain.remove()
		}
		s := &subject{preset: preset, file: base + ".pcap" + map[string]string{"gzip": ".gz", "zstd": ".zst"}[preset], packed: true}
		return s, o.makeOnce(s.file, func() error {
			_, err := o.output(ctx, o.self, "child-compress", preset, plain.file, s.file)
			return err
		})
	}
	s := &subject{preset: preset, file: base + ".pcap", truth: base + ".truth", totals: base + ".totals",
		many: strings.HasPrefix(preset, "many")}
	return s, o.makeOnce(s.file, func() error {
		cmd := exec.CommandContext(ctx, o.gencap, append(strings.Fields(o.recipes()[preset]), "-size", fmt.Sprint(o.size), "-o", s.file, "-truth", s.truth)...)
		var text strings.Builder
		cmd.Stderr = &text
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %s", err, text.String())
		}
		return os.WriteFile(s.totals, []byte(text.String()), 0o600)
	})
}

// recipes are the presets with their flags of gencap; others need none. How many connections are open at once grows
// with the size, so that each has the same bytes.
func (o *options) recipes() map[string]string {
	open := fmt.Sprintf("-conns %d -clients %d", max(o.size*3/10000, 1), max(o.size/5000, 1))
	return map[string]string{
		"mixed":    "-preset mixed",
		"wsheavy0": "-preset wsheavy -deflate 0",
		"wsheavy":  "-preset wsheavy",
		"manyconn": "-preset manyconn",
		"decrypt":  "", "decryptsmall": "", "decryptlarge": "", "gzip": "", "zstd": "",
		"manyopen": "-preset manyconn -storm 0 " + open + " -conn-mix ws=0.9,tls=0.05,http=0.03,udp=0.02 -ws-messages 200",
	}
}

// made is the name's end of the empty file that says that a capture is whole.
const made = ".made"

// makeOnce makes a file that is not there yet as a whole.
func (o *options) makeOnce(file string, make func() error) error {
	if _, err := os.Stat(file + made); err == nil {
		return nil
	}
	fmt.Fprintf(os.Stderr, "bench: making %s\n", file)
	os.Remove(file)
	if err := make(); err != nil {
		os.Remove(file)
		return err
	}
	return os.WriteFile(file+made, nil, 0o600)
}

// output runs a command and gives what it prints.
func (o *options) output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var text strings.Builder
	cmd.Stderr = &text
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, lastLine(text.String()))
	}
	return string(out), nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
