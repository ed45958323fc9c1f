package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
)

// keyLogChunk bounds how much of a key log is read at once.
const keyLogChunk = 1 << 20

// keyFollower reads a key log while it grows. The file need not be there yet.
type keyFollower struct {
	name   string
	keys   *decrypt.Keys
	file   *os.File
	offset int64
	buffer []byte
	held   []byte // the beginning of a line
	told   bool
}

func newKeyFollower(name string, keys *decrypt.Keys) *keyFollower {
	k := &keyFollower{name: name, keys: keys}
	if absolute, err := filepath.Abs(name); err == nil {
		k.name = absolute
	}
	k.file, _ = os.Open(k.name)
	return k
}

func (k *keyFollower) directory() string { return filepath.Dir(k.name) }

// read takes the lines that have come since, and answers whether there are any.
func (k *keyFollower) read(p *program) bool {
	if k.file == nil {
		var err error
		if k.file, err = os.Open(k.name); err != nil {
			if !errors.Is(err, os.ErrNotExist) && !k.told {
				k.told = true
				p.note("cannot read the key log: %w", err)
			}
			return false
		}
	}
	k.renewed()
	if k.buffer == nil {
		k.buffer = make([]byte, keyLogChunk)
	}
	n, _ := k.file.ReadAt(k.buffer, k.offset)
	if n == 0 {
		return false
	}
	k.offset += int64(n)
	return k.take(k.buffer[:n])
}

// renewed begins again where the file was cut or replaced.
func (k *keyFollower) renewed() {
	now, err := k.file.Stat()
	if err != nil {
		return
	}
	if now.Size() < k.offset {
		k.offset, k.held = 0, nil
	}
	if there, err := os.Stat(k.name); err == nil && !os.SameFile(now, there) && k.offset >= now.Size() {
		if f, err := os.Open(k.name); err == nil {
			k.file.Close()
			k.file, k.offset, k.held = f, 0, nil
		}
	}
}

// take adds the complete lines of b.
func (k *keyFollower) take(b []byte) bool {
	end := bytes.LastIndexByte(b, '\n') + 1
	if end == 0 {
		if k.held = append(k.held, b...); len(k.held) > keyLogChunk {
			k.held = nil // no line is that long
		}
		return false
	}
	lines := io.MultiReader(bytes.NewReader(k.held), bytes.NewReader(b[:end]))
	// Lines that are none are passed over: programs write to the file at the same time.
	_ = k.keys.AddKeyLog(lines, k.name)
	k.held = append(k.held[:0:0], b[end:]...)
	return true
}

// privateKeyLog is the file that a command writes its secrets to. Its
// directory belongs to the user and stays.
type privateKeyLog struct{ name string }

func newPrivateKeyLog() (*privateKeyLog, error) {
	dir := filepath.Join(os.TempDir(), "wsleuth-"+strconv.Itoa(os.Geteuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, wrong("", "cannot make a directory for the command's TLS secrets: %w", err)
	}
	if err := ownDirectory(dir); err != nil {
		return nil, wrong("remove it, or set TMPDIR", "%s is to hold the command's TLS secrets: %w", dir, err)
	}
	f, err := os.CreateTemp(dir, "keys-*.log")
	if err != nil {
		return nil, wrong("", "cannot make a file for the command's TLS secrets: %w", err)
	}
	return &privateKeyLog{f.Name()}, f.Close()
}

func (k *privateKeyLog) directory() string { return filepath.Dir(k.name) }

func (k *privateKeyLog) remove() {
	if k != nil {
		os.Remove(k.name)
	}
}
