package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/ulikunitz/xz"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wsleuth": func() {
		version = "1.2.3"
		main()
	}})
}

// TestScripts runs the real main: each script is a session with its expected outputs.
func TestScripts(t *testing.T) {
	captures, err := filepath.Abs(filepath.Join("testdata", "captures"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			files, err := os.ReadDir(captures)
			if err != nil {
				return err
			}
			for _, f := range files { // copies, so that outputs name them without a folder
				data, err := os.ReadFile(filepath.Join(captures, f.Name()))
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(e.WorkDir, f.Name()), data, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status, "compress": compress, "split": split},
	})
}

// status runs a command and checks its exit status: status CODE COMMAND ARGS...
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// compress writes a file in a compressed form: compress FORMAT FILE TO.
func compress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: compress FORMAT FILE TO")
	}
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch args[0] {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out)
	case "xz":
		w, err = xz.NewWriter(&out)
	case "lz4":
		w = lz4.NewWriter(&out)
	default:
		ts.Fatalf("no format %q", args[0])
	}
	ts.Check(err)
	_, err = io.WriteString(w, ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o600))
}

// split cuts a pcap into two files after so many packets, as tcpdump -C does: split FILE PACKETS FIRST SECOND.
func split(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: split FILE PACKETS FIRST SECOND")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	const header, record = 24, 16
	b := []byte(ts.ReadFile(args[0]))
	at := header
	for range n {
		at += record + int(binary.LittleEndian.Uint32(b[at+8:]))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b[:at], 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), append(bytes.Clone(b[:header]), b[at:]...), 0o600))
}
