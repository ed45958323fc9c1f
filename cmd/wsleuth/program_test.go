package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wsleuth/wsleuth/report"
)

// session runs the program in this process.
func session(ctx context.Context, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, diagnostics bytes.Buffer
	p := &program{args: args, stdin: stdin, stdout: &out, stderr: &diagnostics, getenv: func(string) string { return "" }, version: "1.2.3"}
	code = p.exit(rootCommand(p).ExecuteContext(ctx))
	return code, out.String(), diagnostics.String()
}

// An interrupt ends a stream that goes on for ever; what came until then is reported.
func TestInterrupt(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "captures", "strips.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		w.Write(data)
		// More of the same, until what is read ahead cannot be all: packets were taken.
		record := data[24:][:16+binary.LittleEndian.Uint32(data[24+8:])]
		w.Write(bytes.Repeat(record, (8<<20)/len(record)))
		interrupt()
	}()
	code, stdout, stderr := session(ctx, r, "-o", "ndjson", "-")
	if !strings.Contains(stderr, "interrupted: the report covers the ") {
		t.Errorf("it does not say that it was interrupted: %s", stderr)
	}
	if !strings.Contains(stdout, "read before the reading was interrupted") {
		t.Error("who gets the result does not learn that it was interrupted")
	}
	if !strings.Contains(stdout, `{"type":"summary"`) {
		t.Errorf("the result is not complete:\n%s", stdout)
	}
	if code != exitFailed && code != exitWrong {
		t.Errorf("exit status %d", code)
	}
}

// TestStreamsAreFollowedAlone: several goroutines gather packets first, which on
// a slow stream would hold back what is final.
func TestStreamsAreFollowedAlone(t *testing.T) {
	file := filepath.Join("testdata", "captures", "strips.pcap")
	cases := []struct {
		paths   []string
		given   int
		threads int
	}{
		{[]string{file}, 0, 0},
		{[]string{filepath.Dir(file), "*.pcap", "missing.pcap"}, 0, 0},
		{[]string{"-"}, 0, 1},
		{[]string{file, "-"}, 0, 1},
		{[]string{os.DevNull}, 0, 1},
		{[]string{"-"}, 3, 3},
	}
	for _, c := range cases {
		a := analysis{threads: c.given}
		o, err := a.options(new(program), c.paths)
		if err != nil || o.Threads != c.threads {
			t.Errorf("%v, --threads %d: %d threads, %v; want %d", c.paths, c.given, o.Threads, err, c.threads)
		}
	}
}

func TestProgressLine(t *testing.T) {
	cases := []struct {
		read, total, packets int64
		elapsed              time.Duration
		want                 string
	}{
		{0, 0, 0, time.Second, "0 kB read, 0 packets, 0 kB/s"},
		{5e6, 0, 1234, 2 * time.Second, "5 MB read, 1234 packets, 2 MB/s"},
		{250e6, 1e9, 10, 2 * time.Second, "[######------------------]  25%  250 MB of 1.0 GB  125 MB/s  6s left"},
		{2e9, 1e9, 10, time.Second, "[########################] 100%  2.0 GB of 1.0 GB  2.0 GB/s  0s left"},
	}
	for _, c := range cases {
		if got := progressLine(c.read, c.total, c.packets, c.elapsed); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestSchema holds every kind of real result against the JSON Schema.
func TestSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("report.json", document); err != nil {
		t.Fatal(err)
	}
	schema := compiler.MustCompile("report.json")
	line := compiler.MustCompile("report.json#/$defs/line")
	files := everyCapture(t)
	t.Logf("%d captures", len(files))
	for _, file := range files {
		_, stdout, stderr := session(t.Context(), nil, "-o", "json", "--all", "--events", "--hash", file)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, stderr)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		_, stdout, _ = session(t.Context(), nil, "-o", "ndjson", "--failed", file)
		for _, text := range strings.Split(strings.TrimSpace(stdout), "\n") {
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err == nil {
				err = line.Validate(value)
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, text)
			}
		}
	}
}

// everyCapture are the captures of the scripts and those of the project.
func everyCapture(t *testing.T) []string {
	var files []string
	for _, pattern := range []string{"testdata/captures/*", "../../testdata/captures/*/*.pcap*"} {
		found, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatal("there are no captures")
	}
	return files
}
