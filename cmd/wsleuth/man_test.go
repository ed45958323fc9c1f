package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra/doc"
)

// TestManPages holds the manual pages to the commands' own help; -update writes them anew.
func TestManPages(t *testing.T) {
	const folder = "man"
	released := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	fresh := t.TempDir()
	header := &doc.GenManHeader{Title: "WSLEUTH", Section: "1", Source: "wsleuth", Manual: "wsleuth", Date: &released}
	root := rootCommand(&program{})
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, header, fresh); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(fresh, "*.1"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		want, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(folder, filepath.Base(page))
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: go test ./cmd/wsleuth -run ManPages -update (%v)", name, err)
		}
	}
}
