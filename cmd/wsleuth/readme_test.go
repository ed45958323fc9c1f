package main

import (
	"os"
	"strings"
	"testing"
)

// TestReadme: what the README's first command prints is what stands below it.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const prompt = "\n$ go run ./cmd/wsleuth "
	_, sample, found := strings.Cut(string(text), prompt)
	command, sample, _ := strings.Cut(sample, "\n")
	want, _, ended := strings.Cut(sample, "$ ")
	if !found || !ended {
		t.Fatal("the README has no sample")
	}
	if _, got, _ := session(t.Context(), nil, strings.Fields(command)...); got != want {
		t.Errorf("%s prints\n%s", command, got)
	}
}
