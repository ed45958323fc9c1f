package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wsleuth/wsleuth/capture"
)

// maxKeyLine is the longest line of a key log that is looked at.
const maxKeyLine = 4096

// secretsOf gives the lines of the key logs, and of the secrets that the
// captures embed, that belong to connections with these client randoms. Lines
// that name no client random (RSA) are left out, for they may serve others.
func secretsOf(randoms map[[32]byte]bool, keyLogs []string, infos []*capture.FileInfo) ([]byte, error) {
	var out bytes.Buffer
	seen := make(map[string]bool)
	for _, name := range keyLogs {
		f, err := os.Open(name)
		if err != nil {
			return nil, wrong("", "cannot read the key log: %w", err)
		}
		err = keyLines(f, randoms, seen, &out)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, info := range infos {
		for _, s := range info.Secrets {
			if s.Type != capture.SecretsTLSKeyLog {
				continue
			}
			if err := keyLines(bytes.NewReader(s.Data), randoms, seen, &out); err != nil {
				return nil, err
			}
		}
	}
	return out.Bytes(), nil
}

func keyLines(r io.Reader, randoms map[[32]byte]bool, seen map[string]bool, out *bytes.Buffer) error {
	lines := bufio.NewReaderSize(r, maxKeyLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // no line of a key log
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = lines.ReadSlice('\n')
			}
			line = nil
		}
		if fields := bytes.Fields(line); len(fields) == 3 && len(fields[1]) == 64 {
			var random [32]byte
			if _, bad := hex.Decode(random[:], fields[1]); bad == nil && randoms[random] && !seen[string(line)] {
				seen[string(line)] = true
				out.Write(bytes.Join(fields, []byte(" ")))
				out.WriteByte('\n')
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
