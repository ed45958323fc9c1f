package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// candidate is a file that is to be read.
type candidate struct {
	name   string
	size   int64 // -1: a stream, which can be opened only once
	inDir  bool  // named only by its directory
	family string

	info  *FileInfo
	first int64      // time of the first packet
	empty bool       // no packet
	begun *reader    // of a stream: its first packet was read
	marks []seenMark // of its first packets, sorted, where files are compared
	keys  []string   // of handshakes among them
	ways  []way      // of those, from where to where
	err   *FileError
}

// Open opens the captures that paths name: files, directories (the captures
// in them, not in their folders), globs, and "-" for Options.Stdin. A path
// that exists is taken as it is, before it is tried as a glob. The order of
// paths does not matter, and a file named twice is read once.
//
// Open fails only if there is nothing to read, with an error that wraps
// ErrNoCapture and the *FileError of each file, or with that of the context.
// Otherwise a file that is no capture, or that cannot be opened, gets an entry
// in Files with a Problem of kind NotACapture or ReadError, and Options.Warn
// is told. In a directory, files that are no captures are left out with no
// entry; Warn is told.
func Open(ctx context.Context, paths []string, o Options) (Source, error) {
	found := expand(paths, o)
	setTotal(found, o.Progress)
	if len(found) == 1 && found[0].err == nil {
		return openSolo(ctx, found[0], nil, o)
	}
	for _, c := range found {
		if err := c.peek(ctx, o, len(found) <= maxBeside); err != nil {
			closeBegun(found)
			return nil, err
		}
	}
	good, failed, dropped := sortOut(found)
	for _, c := range append(slices.Clone(failed), dropped...) {
		warn(o, c.err)
	}
	setTotal(good, o.Progress)
	switch len(good) {
	case 0:
		return nil, nothingToRead(append(failed, dropped...))
	case 1:
		return openSolo(ctx, good[0], infosOf(failed), o)
	}
	return newMerge(ctx, good, infosOf(failed), o), nil
}

func warn(o Options, err error) {
	if o.Warn != nil {
		o.Warn(err)
	}
}

// maxTold is of how many files an error tells: a folder may hold thousands that are no captures.
const maxTold = 5

// openError is the error of Open when nothing can be read.
type openError []error

func (e openError) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	told := e[1:]
	if n := len(told) - maxTold; n > 1 { // one line says no less than a line that counts it
		told = append(slices.Clone(told[:maxTold]), fmt.Errorf("and %d more files could not be read", n))
	}
	return errors.Join(told...).Error()
}

func (e openError) Unwrap() []error { return e }

func nothingToRead(failed []*candidate) error {
	e := openError{ErrNoCapture}
	for _, c := range failed {
		e = append(e, c.err)
	}
	return e
}

func setTotal(found []*candidate, p *Progress) {
	if p == nil {
		return
	}
	var total int64
	for _, c := range found {
		if c.size < 0 && c.err == nil {
			return
		}
		total += max(c.size, 0)
	}
	p.BytesTotal.Store(total)
}

// start opens the file for reading.
func (c *candidate) start(ctx context.Context, buf []byte, o Options) (*reader, error) {
	how := opening{ctx: ctx, name: c.name, buf: buf, progress: o.Progress, hash: o.Hash}
	if c.name == "-" {
		how.stream = o.Stdin
	}
	return open(how, c.info)
}

// peek finds the time of the first packet. A stream stays open, a file is
// opened again when its turn comes: there may be thousands. compare takes the
// marks of a file's first packets, too. Its error is that of the context.
func (c *candidate) peek(ctx context.Context, o Options, compare bool) error {
	if c.err != nil {
		c.blame()
		return nil
	}
	var r *reader
	var err error
	if c.size < 0 {
		r, err = c.start(ctx, make([]byte, mergeBuffer), o)
	} else {
		how := opening{ctx: ctx, name: c.name, buf: make([]byte, peekBuffer), inline: true}
		r, err = open(how, &FileInfo{Name: c.name})
	}
	if errors.As(err, &c.err) {
		c.blame()
		return nil
	}
	if err != nil {
		return err
	}
	if c.empty = !r.next(&r.pkt); !c.empty {
		c.first = r.pkt.Time
	}
	if r.fatal != nil {
		r.close()
		return r.fatal
	}
	switch {
	case c.size < 0:
		c.begun = r
	default:
		if compare && !c.empty {
			c.marked(r)
		}
		r.close()
	}
	return nil
}

// blame makes the error a fact of the file.
func (c *candidate) blame() {
	c.info.Problems = []Problem{{Kind: c.err.Kind, Text: c.err.Error(), Err: c.err}}
}

// sortOut parts the files that can be read, in the order of their first
// packets, from those that cannot: failed ones are known to the caller,
// dropped ones only stood in a directory and are no captures.
func sortOut(found []*candidate) (good, failed, dropped []*candidate) {
	for _, c := range found {
		switch {
		case c.err == nil:
			good = append(good, c)
		case c.inDir && c.err.Kind == NotACapture:
			dropped = append(dropped, c)
		default:
			failed = append(failed, c)
		}
	}
	byName := func(a, b *candidate) int {
		return cmp.Or(natural(filepath.Base(a.name), filepath.Base(b.name)), cmp.Compare(a.size, b.size), cmp.Compare(a.name, b.name))
	}
	slices.SortFunc(good, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.when(), b.when()), byName(a, b))
	})
	slices.SortFunc(failed, byName)
	slices.SortFunc(dropped, byName)
	return good, failed, dropped
}

// natural compares names with the numbers in them as numbers: cap.pcap9 comes
// before cap.pcap10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == 0 || y == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if c := byLength(strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")); c != 0 {
			return c
		}
		a, b = a[x:], b[y:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts the digits that s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// when orders files without packets behind the others.
func (c *candidate) when() int64 {
	if c.empty {
		return math.MaxInt64
	}
	return c.first
}

func infosOf(cs []*candidate) []*FileInfo {
	infos := make([]*FileInfo, 0, len(cs))
	for _, c := range cs {
		infos = append(infos, c.info)
	}
	return infos
}

func closeBegun(cs []*candidate) {
	for _, c := range cs {
		if c.begun != nil {
			c.begun.close()
		}
	}
}
