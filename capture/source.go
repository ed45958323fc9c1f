// Package capture reads packets from capture files and streams.
//
// Most callers need only [Open], [Source] and [Packet]: Open takes files,
// directories, globs and "-", and gives one source that hands out the packets
// of all of them in order of time. Formats and compression are recognised by
// content. A file that is cut short or damaged gives the packets in front of
// the damage, and the damage is a fact in its [FileInfo].
package capture

import (
	"errors"
	"io"
	"sync/atomic"
)

// Source hands out packets in order. It is for one goroutine at a time.
type Source interface {
	// Next fills p with the next packet. Its Data is valid until the next
	// call. At the end the error is io.EOF. Any other error is fatal for the
	// whole source; trouble with single files is in their Problems.
	Next(p *Packet) error
	// Files tells about the files, ordered like Packet.File; those that are
	// no captures or could not be opened come last. It is complete after
	// io.EOF.
	Files() []*FileInfo
	// Close ends reading. The packet last handed out becomes invalid.
	Close() error
}

// Keeper is a Source that can leave the packets alone that it handed out.
type Keeper interface {
	Source
	// Keep makes Packet.Data stay valid for longer than until the next call of
	// Next: until spent is called, in the course of a Next, with the buffer that
	// all packets since the call before lie in. What spent gives back is read into
	// from then on: the same buffer if the packets are needed no more, or another.
	Keep(spent func(buf []byte) []byte)
}

// Batcher is a Source that can hand out several packets at once.
type Batcher interface {
	Source
	// Batch fills ps from its beginning with the next packets and says how many:
	// one or more unless there is an error, which is then like that of Next. All
	// are of one file, and what Files tells does not change between them. They are
	// valid like the packet of Next.
	Batch(ps []Packet) (int, error)
}

// Options for Open.
type Options struct {
	// Stdin is what "-" reads; without it "-" is an error.
	Stdin io.Reader
	// Warn is told of files that are left out, as *FileError, during Open.
	Warn func(error)
	// Progress is kept up to date while reading.
	Progress *Progress
	// Hash asks for FileInfo.SHA256.
	Hash bool
}

// Progress counts what was read; any goroutine may load it at any time.
type Progress struct {
	// BytesRead counts bytes as stored (compressed).
	BytesRead atomic.Int64
	// BytesTotal is the size of all files; 0 if it is unknown (a stream).
	BytesTotal atomic.Int64
	// Packets counts packets, up to date within one read of a file.
	Packets atomic.Int64
}

// ErrNoCapture is wrapped by the error of Open when nothing that the paths
// name can be read as a capture. The *FileError of each is in it, too.
var ErrNoCapture = errors.New("no capture to read")
