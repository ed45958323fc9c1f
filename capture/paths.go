package capture

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// expand finds the files that paths name, each once.
func expand(paths []string, o Options) []*candidate {
	var x expansion
	for _, p := range paths {
		x.path(p, o)
	}
	return x.found
}

type expansion struct {
	found []*candidate
	stats []fs.FileInfo // of found; nil for standard input and errors
}

func (x *expansion) path(p string, o Options) {
	if p == "-" {
		x.stdin(o)
		return
	}
	st, err := os.Stat(p)
	switch {
	case err == nil:
		x.entry(p, st)
	case strings.ContainsAny(p, "*?[") && errors.Is(err, fs.ErrNotExist):
		x.glob(p)
	default:
		x.fail(p, &FileError{Name: p, Kind: ReadError, What: "cannot be opened", Err: plainError(err)})
	}
}

func (x *expansion) stdin(o Options) {
	if slices.ContainsFunc(x.found, func(c *candidate) bool { return c.name == "-" }) {
		return
	}
	if o.Stdin == nil {
		x.fail("-", &FileError{Name: "-", Kind: ReadError, What: "there is no standard input"})
		return
	}
	c := &candidate{name: "-", size: -1, family: "-"}
	x.add(c, nil)
}

func (x *expansion) entry(p string, st fs.FileInfo) {
	if st.IsDir() {
		x.directory(p)
		return
	}
	x.file(p, st, false)
}

func (x *expansion) glob(p string) {
	matches, err := filepath.Glob(p)
	if err == nil && len(matches) == 0 {
		err = errors.New("no file matches")
	}
	if err != nil {
		x.fail(p, &FileError{Name: p, Kind: ReadError, What: "cannot be opened", Err: err})
		return
	}
	for _, m := range matches {
		if st, err := os.Stat(m); err == nil {
			x.entry(m, st)
		} else {
			x.fail(m, &FileError{Name: m, Kind: ReadError, What: "cannot be opened", Err: plainError(err)})
		}
	}
}

func (x *expansion) directory(p string) {
	entries, err := os.ReadDir(p)
	if err != nil {
		x.fail(p, &FileError{Name: p, Kind: ReadError, What: "cannot be opened", Err: plainError(err)})
		return
	}
	files := 0
	for _, e := range entries {
		name := filepath.Join(p, e.Name())
		if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
			x.file(name, st, true)
			files++
		}
	}
	if files == 0 {
		x.fail(p, &FileError{Name: p, Kind: ReadError, What: "the directory holds no files", Hint: "folders in it are not searched: name them"})
	}
}

func (x *expansion) file(p string, st fs.FileInfo, inDir bool) {
	c := &candidate{name: p, size: -1, inDir: inDir, family: familyOf(p)}
	if st.Mode().IsRegular() {
		c.size = st.Size()
	}
	x.add(c, st)
}

func (x *expansion) fail(p string, err *FileError) {
	if !slices.ContainsFunc(x.found, func(c *candidate) bool { return c.name == p && c.err != nil }) {
		x.add(&candidate{name: p, err: err}, nil)
	}
}

// add takes a file up unless it is there already. Of several names of a file
// the shortest is kept, for the result must not depend on their order.
func (x *expansion) add(c *candidate, st fs.FileInfo) {
	c.info = &FileInfo{Name: c.name}
	for i, other := range x.stats {
		if st == nil || other == nil || !os.SameFile(st, other) {
			continue
		}
		same := x.found[i]
		same.inDir = same.inDir && c.inDir
		if byLength(c.name, same.name) < 0 {
			same.name, same.info.Name, same.family = c.name, c.name, c.family
		}
		return
	}
	x.found, x.stats = append(x.found, c), append(x.stats, st)
}

func byLength(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// familyOf is what the names of rotated files have in common: the name
// without its numbers. It makes one family of cap.pcap and cap.pcap1
// (tcpdump -C), of cap-2026-11-20.pcap (tcpdump -G) and of
// cap_00001_20261120100000.pcapng (dumpcap -b).
func familyOf(path string) string {
	dir, base := filepath.Split(path)
	kept := make([]byte, 0, len(base))
	for i := 0; i < len(base); i++ {
		switch c := base[i]; {
		case c >= '0' && c <= '9':
		case strings.IndexByte("-_.: ", c) >= 0 && len(kept) > 0 && kept[len(kept)-1] == c:
		default:
			kept = append(kept, c)
		}
	}
	return dir + string(kept)
}
