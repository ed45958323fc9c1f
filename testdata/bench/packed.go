package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const readSize = 256 << 10

// compressChild packs a capture: FORMAT FROM TO.
func compressChild(args []string) error {
	if len(args) != 3 {
		return errors.New("child-compress FORMAT FROM TO")
	}
	from, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(args[2])
	if err != nil {
		return err
	}
	defer to.Close()
	var w io.WriteCloser
	switch args[0] {
	case "gzip":
		w = gzip.NewWriter(to)
	case "zstd":
		if w, err = zstd.NewWriter(to); err != nil {
			return err
		}
	default:
		return fmt.Errorf("no compression %q", args[0])
	}
	if _, err := io.Copy(w, from); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return to.Close()
}

// decompressChild unpacks a capture to nowhere, on one core: the least that
// reading it can take.
func decompressChild(args []string) error {
	if len(args) != 1 {
		return errors.New("child-decompress FILE")
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, readSize)
	var r io.Reader
	if strings.HasSuffix(args[0], ".zst") {
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	} else if r, err = gzip.NewReader(in); err != nil {
		return err
	}
	// Not io.Copy, which would let the decompressor choose larger steps.
	buf := make([]byte, readSize)
	for {
		if _, err := r.Read(buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
