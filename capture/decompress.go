package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// Bounds of the memory that a compressed file can make its decompressor use.
const (
	// zstdMaxWindow is what zstd --long=31 needs; the window is taken as
	// the file fills it.
	zstdMaxWindow = 1 << 31
	// xzMaxDictionary is the largest dictionary of an xz file; xz -9 has
	// 64 MiB.
	xzMaxDictionary = 256 << 20
)

// maxNesting is how many compressions around each other are undone.
const maxNesting = 2

// sniffLength is how many bytes compressionOf looks at.
const sniffLength = 6

// compressionOf names the compression that the first bytes of a file are of.
func compressionOf(b []byte) string {
	if len(b) < 3 {
		return ""
	}
	switch {
	case b[0] == 0x1f && b[1] == 0x8b && b[2] == 8:
		return "gzip"
	case len(b) >= 4 && b[0] == 'B' && b[1] == 'Z' && b[2] == 'h' && b[3] >= '1' && b[3] <= '9':
		return "bzip2"
	case len(b) >= 6 && bytes.Equal(b[:6], []byte("\xfd7zXZ\x00")):
		return "xz"
	}
	if len(b) < 4 {
		return ""
	}
	switch magic := binary.LittleEndian.Uint32(b); {
	case magic == 0xfd2fb528,
		// RFC 8878, 3.1.2: skippable frames. pzstd begins with one.
		magic&^0xf == 0x184d2a50:
		return "zstd"
	case magic == 0x184d2204, magic == 0x184c2102:
		return "lz4"
	}
	return ""
}

// decompressor undoes a compression. The function that it returns frees what
// it holds.
func decompressor(kind string, w *window) (r io.Reader, free func(), err error) {
	nothing := func() {}
	defer func() {
		if p := recover(); p != nil {
			r, free, err = nil, nothing, fmt.Errorf("decompressor failed: %v", p)
		}
	}()
	switch kind {
	case "gzip":
		r, err := newGzip(w)
		return r, nothing, err
	case "bzip2":
		return bzip2.NewReader(w), nothing, nil
	case "xz":
		if err := checkXZ(w); err != nil {
			return nil, nothing, err
		}
		r, err := xz.NewReader(w)
		return r, nothing, err
	case "lz4":
		return lz4.NewReader(w), nothing, nil
	case "zstd":
		d, err := zstd.NewReader(w, zstd.WithDecoderMaxWindow(zstdMaxWindow), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nothing, err
		}
		return d, d.Close, nil
	}
	return nil, nothing, fmt.Errorf("compression %q is unknown", kind)
}

// gzipMembers reads the members of a gzip file one after the other. Like gzip
// it ignores zero bytes behind the last, with which disks and tapes fill up.
// The decompressor is nearly twice as fast where it finds a bufio.Reader.
type gzipMembers struct {
	b *bufio.Reader
	z *gzip.Reader
}

func newGzip(w *window) (io.Reader, error) {
	b := bufio.NewReaderSize(w, len(w.buf))
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipMembers{b, z}, nil
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if err == io.EOF {
			err = g.another()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// another begins the next member; without one the error is io.EOF.
func (g *gzipMembers) another() error {
	for {
		next, err := g.b.Peek(1)
		if err != nil {
			return err
		}
		if next[0] != 0 {
			break
		}
		g.b.Discard(1)
	}
	if err := g.z.Reset(g.b); err == io.EOF {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}

// checkXZ refuses a dictionary beyond xzMaxDictionary, which the decompressor
// would allocate at once. The size stands in the header of the first block
// (xz-file-format 1.2.1, 3.1 and 5.3.1), the other blocks of files that xz
// writes have the same.
func checkXZ(w *window) error {
	const streamHeader = 12
	if !w.need(streamHeader + 1) {
		return nil // the decompressor will say so
	}
	size := (int(w.buf[w.pos+streamHeader]) + 1) * 4
	if !w.need(streamHeader + size) {
		return nil
	}
	h := w.buf[w.pos+streamHeader:][:size]
	flags, rest := h[1], h[2:]
	for _, bit := range []byte{0x40, 0x80} { // compressed, uncompressed size
		if flags&bit != 0 {
			_, n := binary.Uvarint(rest)
			rest = rest[max(n, 0):]
		}
	}
	for range flags&3 + 1 {
		id, n := binary.Uvarint(rest)
		if n <= 0 || n+2 > len(rest) {
			return nil
		}
		props := int(rest[n])
		if id == 0x21 && props == 1 && xzDictionary(rest[n+1]) > xzMaxDictionary {
			return fmt.Errorf("its dictionary has more than %d MiB", xzMaxDictionary>>20)
		}
		rest = rest[min(n+1+props, len(rest)):]
	}
	return nil
}

func xzDictionary(bits byte) uint64 {
	bits &= 0x3f
	return uint64(2|bits&1) << (bits/2 + 11)
}

// endsEarly tells errors of decompressors whose input ended from those whose
// input is wrong.
func endsEarly(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}
