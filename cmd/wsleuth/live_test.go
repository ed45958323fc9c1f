package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze"
	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture/live/confine"
)

// secretLine is a line of a key log for connection n.
func secretLine(n int) string {
	return fmt.Sprintf("CLIENT_RANDOM %064x %096x\n", n, n)
}

func TestKeyFollower(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	keys := new(decrypt.Keys)
	k := newKeyFollower(name, keys)
	p := &program{quiet: true}
	step := func(what string, want int, added bool) {
		t.Helper()
		if got := k.read(p); got != added || keys.Len() != want {
			t.Errorf("%s: %v, %d secrets, not %d", what, got, keys.Len(), want)
		}
	}
	add := func(text string) {
		t.Helper()
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(text)
		f.Close()
	}
	step("no file yet", 0, false)
	add(secretLine(1))
	step("a line", 1, true)
	step("nothing new", 1, false)
	half := secretLine(2)
	add(half[:30])
	step("half a line", 1, false)
	add(half[30:] + "no line of a key log\n" + secretLine(3))
	step("the other half, nonsense, another", 3, true)
	if err := os.WriteFile(name, []byte(secretLine(4)), 0o600); err != nil {
		t.Fatal(err)
	}
	step("cut and written anew", 4, true)
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	add(secretLine(5))
	step("replaced", 5, true)
	add(strings.Repeat("x", 2*keyLogChunk))
	k.read(p)
	k.read(p)
	k.read(p)
	if len(k.held) > 2*keyLogChunk {
		t.Errorf("%d bytes of a line are held", len(k.held))
	}
}

func TestChildEnvironment(t *testing.T) {
	id := &confine.Identity{Name: "dev", Home: "/home/dev"}
	env := []string{"HOME=/root", "USER=root", "PATH=/bin", "NODE_OPTIONS=--trace-warnings", "SSLKEYLOGFILE=/elsewhere", "LOGNAME=root"}
	want := []string{"HOME=/home/dev", "LOGNAME=dev", "NODE_OPTIONS=--trace-warnings --tls-keylog=/tmp/k", "PATH=/bin", "SSLKEYLOGFILE=/tmp/k", "USER=dev"}
	got := childEnvironment(env, id, "/tmp/k")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got := childEnvironment([]string{"HOME=/root"}, nil, "k"); !slices.Contains(got, "HOME=/root") || !slices.Contains(got, "NODE_OPTIONS=--tls-keylog=k") {
		t.Errorf("without a user: %q", got)
	}
}

// TestSaying: what is told when.
func TestSaying(t *testing.T) {
	const second = record.Time(1e9)
	failed := []record.Finding{{Code: "WS534", Severity: record.Error}}
	for _, c := range []struct {
		name     string
		outcome  record.Outcome
		findings []record.Finding
		over     bool
		silent   record.Time
		want     string
	}{
		{"waits for an answer", record.Incomplete, nil, false, second, ""},
		{"no answer yet", record.NoResponse, failed, false, second, ""},
		{"no answer", record.NoResponse, failed, false, 4 * second, saysFailed},
		{"gave up", record.NoResponse, failed, true, 0, saysFailed},
		{"open", record.Open, nil, false, 0, saysOpen},
		{"closed", record.ClosedClean, nil, true, 0, saysClosed},
		{"unreadable", record.Opaque, nil, true, 0, ""},
		{"cut off by the capture", record.Incomplete, nil, true, 0, ""},
	} {
		s := analyze.Snapshot{Connection: &record.Connection{Outcome: c.outcome, Findings: c.findings, RecognizedBy: record.ByUpgrade}, Over: c.over,
			Active: 100 * second, Clock: 100*second + c.silent}
		if got := saying(&s); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

// TestPlainOnce: a verdict is told once, and again when its cause changes.
func TestPlainOnce(t *testing.T) {
	var b strings.Builder
	p := newPlain(&b, &manners{utc: true})
	c := record.Connection{ID: "7", Outcome: record.Rejected, RecognizedBy: record.ByUpgrade, URL: "ws://app.test/\x1b[2J", Verdict: "The server refused.",
		Findings: []record.Finding{{Code: "WS525", Severity: record.Error}}}
	for range 3 {
		p.progress(analyze.Snapshot{Connection: &c, Over: true})
	}
	other := c
	other.Findings = []record.Finding{{Code: "WS501", Severity: record.Error}}
	p.progress(analyze.Snapshot{Connection: &other, Over: true})
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "FAILED  The server refused. [WS525]") || !strings.HasSuffix(lines[1], "[WS501]") {
		t.Errorf("told:\n%s", &b)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("an escape sequence of the capture got through")
	}
}

func TestLiveUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"live", "capture.pcap"}, "live reads no files"},
		{[]string{"live", "-f", "tcp prot 80"}, "^^^^"},
		{[]string{"live", "--duration", "-1s"}, "--duration"},
		{[]string{"live", "--client", "x"}, "no address"},
		{[]string{"live", "--user", "nosuchuser-"}, "nosuchuser-"},
	} {
		code, _, stderr := session(t.Context(), nil, c.args...)
		if code != exitWrong || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: %d %s", c.args, code, stderr)
		}
	}
	code, stdout, stderr := session(t.Context(), nil, "live", "--list")
	if code != exitFine || !strings.Contains(stdout, "INTERFACE") {
		t.Errorf("--list: %d %s%s", code, stdout, stderr)
	}
}
