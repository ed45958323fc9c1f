package capture

import (
	"encoding/hex"
	"hash"
	"io"
	"sync/atomic"
)

// raw reads a file as stored: it counts and hashes. Its counters may be
// loaded while a decompressor reads it on another goroutine.
type raw struct {
	src      io.Reader
	n        atomic.Int64
	progress *Progress
	hash     hash.Hash // nil unless asked for
	ended    atomic.Bool
	err      error // of the operating system; not io.EOF
}

func (r *raw) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	if n > 0 {
		r.n.Add(int64(n))
		if r.progress != nil {
			r.progress.BytesRead.Add(int64(n))
		}
		if r.hash != nil {
			r.hash.Write(p[:n])
		}
	}
	switch {
	case err == io.EOF:
		r.ended.Store(true)
	case err != nil:
		r.err = err
	}
	return n, err
}

// sum is the hash of the whole file, or empty if it was not read to its end.
func (r *raw) sum() string {
	if r.hash == nil || !r.ended.Load() {
		return ""
	}
	return hex.EncodeToString(r.hash.Sum(nil))
}
