package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSignalTwice: timeout(1) sends its signal to the process and to its group, so
// it comes twice at once; the report is printed all the same.
func TestSignalTwice(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "captures", "strips.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("wsleuth", "-o", "ndjson", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	in.Write(data)
	record := data[24:][:16+binary.LittleEndian.Uint32(data[24+8:])]
	in.Write(bytes.Repeat(record, (1<<20)/len(record))) // more than a pipe holds: it runs
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Process.Signal(syscall.SIGINT)
	if report, _ := io.ReadAll(out); !bytes.Contains(report, []byte(`{"type":"summary"`)) {
		t.Errorf("no report: %s", report)
	}
	cmd.Wait()
}
