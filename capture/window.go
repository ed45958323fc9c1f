package capture

import (
	"context"
	"errors"
	"io"
)

// Sizes of the one buffer that a file is read through. A system call per
// half MiB costs nothing beside the copying, and half a MiB stays in the
// second-level cache while the packets in it are looked at; several files
// at a time share the cache.
const (
	soloBuffer  = 512 << 10
	mergeBuffer = 256 << 10
	crowdBuffer = 64 << 10 // with more than crowd files open at a time
	crowd       = 32
	peekBuffer  = 16 << 10
	rawBuffer   = 128 << 10 // compressed bytes in front of a decompressor
)

// maxEmptyReads is how often in a row a reader may give neither bytes nor an
// error.
const maxEmptyReads = 100

// window is a buffer over a stream. What it holds between pos and end was
// read and not yet consumed; slices of buf are handed out and stay valid
// until fill is called, or as spent likes.
type window struct {
	ctx      context.Context
	src      io.Reader
	buf      []byte
	pos, end int
	base     int64 // place of buf[0] in the stream
	err      error // why there is nothing behind end; sticky
	filled   func()
	spent    func([]byte) []byte // see Keeper
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

func (w *window) have() int { return w.end - w.pos }

// need makes n bytes available at pos, or reports that the stream, by err,
// does not have them.
func (w *window) need(n int) bool {
	return w.end-w.pos >= n || w.fill(n)
}

// fill reads until n bytes are there, with as few and as large reads as the
// stream gives.
func (w *window) fill(n int) bool {
	if w.err != nil {
		return false
	}
	if w.filled != nil {
		w.filled()
	}
	if w.spent == nil || w.pos+n > len(w.buf) || w.end > len(w.buf)*3/4 {
		w.restart(n)
	}
	for w.have() < n && w.err == nil {
		w.read()
	}
	return w.have() >= n
}

// restart moves what is left to the front of a buffer of n bytes or more.
func (w *window) restart(n int) {
	old := w.buf
	if w.spent != nil {
		w.buf = w.spent(old)
	}
	if n > len(w.buf) {
		w.buf = make([]byte, n)
	}
	copy(w.buf, old[w.pos:w.end])
	w.base += int64(w.pos)
	w.end -= w.pos
	w.pos = 0
}

func (w *window) read() {
	if w.err = w.ctx.Err(); w.err != nil {
		return
	}
	for range maxEmptyReads {
		n, err := w.src.Read(w.buf[w.end:])
		w.end += n
		if n > 0 || err != nil {
			w.err = err
			return
		}
	}
	w.err = io.ErrNoProgress
}

// discard drops n bytes without holding them.
func (w *window) discard(n int64) bool {
	for n > int64(w.have()) {
		n -= int64(w.have())
		w.pos = w.end
		if !w.fill(1) {
			return false
		}
	}
	w.pos += int(n)
	return true
}

// Read makes a window a buffered reader for decompressors. One that comes with
// a buffer as large is read into directly.
func (w *window) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(p) >= len(w.buf) && w.have() == 0 && w.err == nil {
		own := w.buf
		w.base += int64(w.pos)
		w.buf, w.pos, w.end = p, 0, 0
		w.read()
		n := w.end
		w.base += int64(n)
		w.buf, w.end = own, 0
		if n > 0 {
			return n, nil
		}
		return 0, w.err
	}
	if !w.need(1) {
		return 0, w.err
	}
	n := copy(p, w.buf[w.pos:w.end])
	w.pos += n
	return n, nil
}

// ReadByte makes a window an io.ByteReader, so that no decompressor puts
// another buffer in front of it.
func (w *window) ReadByte() (byte, error) {
	if !w.need(1) {
		return 0, w.err
	}
	w.pos++
	return w.buf[w.pos-1], nil
}

var errStopped = errors.New("capture: reading was stopped")
