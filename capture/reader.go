package capture

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"
)

// Limits of packets.
const (
	// maxData is the most that is handed out of one packet, in bytes: four
	// times the greatest snapshot length of tcpdump and dumpcap.
	maxData = 1 << 20
	// maxPacket is the captured length above which a record is taken for
	// corrupt: nothing that carries IP comes near.
	maxPacket = maxData
	// maxHugePacket is that of USB and D-Bus, as in Wireshark. What is
	// behind maxData is left out.
	maxHugePacket = 128 << 20
)

// decoder reads the records of one file format.
type decoder interface {
	// next fills Time, Interface, LinkType, Length and Data. It reports
	// false at the end of what can be read, having called reader.ended,
	// reader.corrupt or neither at a clean end.
	next(p *Packet) bool
}

// reader reads the packets of one file.
type reader struct {
	w    window
	dec  decoder
	info *FileInfo
	raw  raw
	kind string // compression

	handle *os.File // to be closed
	stream *pump    // of a source that may make us wait
	layers []layer  // of decompression

	progress *Progress
	reported int64

	file, vantage int32
	slot          int // of merge.vantages
	number        int64
	prev, last    int64 // time of the packet before, greatest time
	backwards     int64
	fatal         error
	finished      bool

	// For merging: the packet to hand out next, and those behind it that
	// were read ahead.
	pkt   Packet
	ahead []Packet
}

// layer is one decompression.
type layer struct {
	pump *pump // nil without a goroutine
	free func()
}

// opening says how a file is to be opened.
type opening struct {
	ctx      context.Context
	name     string
	stream   io.Reader // read this instead of the file called name
	buf      []byte
	inline   bool // decompress without a goroutine
	progress *Progress
	hash     bool
}

// open starts a reader: at its return the format is known. The error is a
// *FileError, or that of the context.
func open(o opening, info *FileInfo) (*reader, error) {
	r := &reader{info: info, progress: o.progress}
	if err := r.begin(o); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reader) begin(o opening) error {
	src, err := r.source(o)
	if err != nil {
		return &FileError{Name: o.name, Kind: ReadError, What: "cannot be opened", Err: plainError(err)}
	}
	r.raw.src, r.raw.progress = src, o.progress
	if o.hash {
		r.raw.hash = sha256.New()
	}
	r.w = window{ctx: o.ctx, src: &r.raw, buf: o.buf}
	for range maxNesting {
		r.w.need(sniffLength)
		kind := compressionOf(r.w.buf[r.w.pos:r.w.end])
		if kind == "" {
			break
		}
		if err := r.unpack(kind, o); err != nil {
			return err
		}
	}
	return r.recognise(o)
}

// source gives the bytes of the file. What may let us wait forever gets a
// goroutine, so that the context can end the wait.
func (r *reader) source(o opening) (io.Reader, error) {
	f, isFile := o.stream.(*os.File)
	if o.stream == nil {
		var err error
		if f, err = os.Open(o.name); err != nil {
			return nil, err
		}
		r.handle, isFile, o.stream = f, true, f
	}
	if isFile {
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			return f, nil
		}
	}
	r.stream = startPump(o.ctx, o.stream, false)
	return r.stream, nil
}

// unpack puts a decompressor behind the window and a new window behind it.
func (r *reader) unpack(kind string, o opening) error {
	packed := r.w
	packed.buf = make([]byte, max(packed.have(), min(rawBuffer, len(o.buf))))
	packed.end = copy(packed.buf, r.w.buf[r.w.pos:r.w.end])
	packed.pos = 0
	d, free, err := decompressor(kind, &packed)
	if err != nil {
		return r.hopeless(o.name, kind, err)
	}
	if r.kind == "" {
		r.kind, r.info.Compression = kind, kind
	}
	r.w = window{ctx: o.ctx, src: safeReader{d}, buf: o.buf}
	l := layer{free: free}
	if !o.inline {
		l.pump = startPump(o.ctx, d, r.stream == nil)
		r.w.src = l.pump
	}
	r.layers = append(r.layers, l)
	return nil
}

type safeReader struct{ r io.Reader }

func (s safeReader) Read(p []byte) (int, error) { return readSafely(s.r, p) }

// hopeless is the error of a compressed file that does not even begin.
func (r *reader) hopeless(name, kind string, err error) error {
	if r.raw.err != nil {
		return &FileError{Name: name, Kind: ReadError, What: "cannot be read", Err: plainError(r.raw.err)}
	}
	what := "damaged " + kind + " data (" + err.Error() + ")"
	if endsEarly(err) {
		what = kind + " data that ends before any packet"
	}
	return &FileError{Name: name, Kind: NotACapture, What: what, Hint: "copy the file again from where it was captured"}
}

// recognise finds the format.
func (r *reader) recognise(o opening) error {
	r.w.filled = r.flush
	if r.w.need(4) {
		if d := newPcap(r); d != nil {
			r.info.Format, r.dec = "pcap", d
		} else if d := newPcapng(r); d != nil {
			r.info.Format, r.dec = "pcapng", d
		}
	}
	if r.dec != nil {
		return nil
	}
	r.w.need(identifyLength)
	err := r.w.err
	switch {
	case o.ctx.Err() != nil:
		return o.ctx.Err()
	case err != nil && err != io.EOF && r.raw.err != nil:
		return &FileError{Name: o.name, Kind: ReadError, What: "cannot be read", Err: plainError(r.raw.err)}
	case err != nil && err != io.EOF && r.kind != "" && r.w.have() < 4:
		return r.hopeless(o.name, r.kind, err)
	}
	return identify(o.name, r.w.buf[r.w.pos:r.w.end])
}

// plainError drops the path that errors of package os repeat.
func plainError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// next fills p with the next packet of the file, or reports its end.
func (r *reader) next(p *Packet) bool {
	if r.finished || !r.dec.next(p) {
		r.finish()
		return false
	}
	r.count(p)
	return true
}

// more fills ps with those packets of the file that need no reading, and says
// how many.
func (r *reader) more(ps []Packet) int {
	d, ok := r.dec.(*pcap)
	for i := range ps {
		if !ok || !d.held(&ps[i]) {
			return i
		}
		r.count(&ps[i])
	}
	return len(ps)
}

// count gives a packet its place in the file and in time.
func (r *reader) count(p *Packet) {
	if r.number++; p.Time >= r.last && r.number > 1 {
		r.last = p.Time
	} else {
		r.disorder(p.Time)
	}
	r.prev = p.Time
	p.Number, p.File, p.Vantage, p.Clock = r.number, r.file, r.vantage, r.last
}

// noTime stands in for a time stamp that is missing or makes no sense.
func (r *reader) noTime(p *Packet) {
	p.Time = r.prev
	r.info.NoTime++
}

// disorder takes the time of the first packet, or of one before others.
func (r *reader) disorder(time int64) {
	if r.number == 1 {
		r.info.First, r.last = time, time
	} else if time < r.prev {
		if r.backwards++; r.backwards == 1 {
			r.info.FirstBackwards = r.number
		}
	}
}

// flush brings what others see up to date; it runs once per filled buffer.
func (r *reader) flush() {
	r.info.Packets, r.info.Last, r.info.Backwards = r.number, r.last, r.backwards
	r.info.Bytes = r.raw.n.Load()
	r.info.Vantage = r.vantage
	if r.progress != nil {
		r.progress.Packets.Add(r.number - r.reported)
		r.reported = r.number
	}
	if d, ok := r.dec.(interface{ flush() }); ok {
		d.flush()
	}
}

// finish settles the facts of a file of which nothing more is read.
func (r *reader) finish() {
	if r.finished {
		return
	}
	r.finished = true
	r.w.filled = nil
	if r.raw.hash != nil && r.fatal == nil {
		r.readOn()
	}
	r.flush()
	r.close()
	r.info.SHA256 = r.raw.sum()
}

// readOn reads a regular file to its end for its hash.
func (r *reader) readOn() {
	if r.stream != nil {
		return
	}
	r.unwind()
	buf := make([]byte, rawBuffer) // what lies in the window may have been kept
	for !r.raw.ended.Load() && r.raw.err == nil && r.w.ctx.Err() == nil {
		r.raw.Read(buf)
	}
}

// unwind ends the decompression, after which nothing else reads the file.
func (r *reader) unwind() {
	for _, l := range r.layers {
		if l.pump != nil {
			l.pump.halt()
		}
	}
	for _, l := range slices.Backward(r.layers) {
		if l.pump != nil {
			<-l.pump.done
		}
		l.free()
	}
	r.layers = nil
}

func (r *reader) close() {
	if r.stream != nil {
		r.stream.halt()
	}
	r.unwind()
	if r.handle != nil {
		r.handle.Close()
		r.handle = nil
	}
}
