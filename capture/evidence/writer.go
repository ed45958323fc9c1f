// Package evidence writes chosen packets as pcapng files, with comments, the
// secrets that decrypt them, and what was lost.
//
// Most callers need only [NewWriter], [Writer.Interface] for each interface and
// [Writer.Packet]. The caller owns the file: after [Writer.Flush] all is in it.
package evidence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/wsleuth/wsleuth/capture"
)

// Block types, options and constants of draft-ietf-opsawg-pcapng.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 10

	byteOrderMagic = 0x1a2b3c4d

	optComment     = 1
	optHardware    = 2 // of a section
	optOS          = 3
	optApplication = 4

	ifName        = 2
	ifDescription = 3
	ifTsresol     = 9
	ifFilter      = 11
	ifOS          = 12
	ifHardware    = 15

	isbStart    = 2
	isbEnd      = 3
	isbReceived = 4
	isbDropped  = 5

	nanoseconds  = 9 // if_tsresol: 10 to the power of -9
	filterString = 0 // if_filter: what follows is an expression
)

// maxText bounds each comment and name, in bytes; more is cut, and ends in
// cutMark.
const (
	maxText = 16 << 10
	cutMark = "…"
)

// maxPacket bounds what is written of a packet: readers refuse more.
const maxPacket = 256 << 10

// maxSecrets bounds a decryption secrets block.
const maxSecrets = 64 << 20

// bufferSize is how much is collected for each write.
const bufferSize = 256 << 10

// Section is what the file says of itself; all may be empty.
type Section struct{ Hardware, OS, Application, Comment string }

// Statistics of an interface. Times are in ns since 1970.
type Statistics struct {
	Start, End        int64
	Received, Dropped uint64
}

// Writer writes one pcapng file of one section. It is for one goroutine. After
// an error all calls answer that error.
type Writer struct {
	w          *bufio.Writer
	interfaces int
	written    int64
	err        error
	scratch    []byte
}

// NewWriter writes the section header.
func NewWriter(w io.Writer, s Section) (*Writer, error) {
	n := &Writer{w: bufio.NewWriterSize(w, bufferSize)}
	b := n.begin(blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, math.MaxUint64) // a length that is not known
	b = text(b, optComment, s.Comment)
	b = text(b, optHardware, s.Hardware)
	b = text(b, optOS, s.OS)
	b = text(b, optApplication, s.Application)
	return n, n.end(b)
}

// Interface describes an interface, and gives its number. Time stamps are in
// nanoseconds.
func (w *Writer) Interface(i capture.Interface) (int, error) {
	b := w.begin(blockInterface)
	if i.LinkType > math.MaxUint16 {
		return 0, w.fail(fmt.Errorf("link type %v does not fit into pcapng", i.LinkType))
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(i.LinkType))
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(min(max(i.SnapLen, 0), math.MaxUint32)))
	b = text(b, optComment, i.Comment)
	b = text(b, ifName, i.Name)
	b = text(b, ifDescription, i.Description)
	if i.Filter != "" {
		b = text(b, ifFilter, string(rune(filterString))+i.Filter)
	}
	b = text(b, ifOS, i.OS)
	b = text(b, ifHardware, i.Hardware)
	b = option(b, ifTsresol, nanoseconds)
	w.interfaces++
	return w.interfaces - 1, w.end(b)
}

// Packet writes a packet of interface number iface; its own Interface is that
// of another file. Comments are shown by Wireshark.
func (w *Writer) Packet(iface int, p *capture.Packet, comments ...string) error {
	if w.err != nil {
		return w.err
	}
	if err := w.known(iface); err != nil {
		return w.fail(err)
	}
	data := p.Data[:min(len(p.Data), maxPacket)]
	stamp := uint64(max(p.Time, 0))
	b := w.begin(blockEnhanced)
	b = binary.LittleEndian.AppendUint32(b, uint32(iface))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(min(max(p.Length, len(data)), math.MaxUint32)))
	b = pad(append(b, data...))
	for _, c := range comments {
		b = text(b, optComment, c)
	}
	return w.end(b)
}

// Secrets writes decryption secrets: capture.SecretsTLSKeyLog and the lines of
// a key log. They count for packets behind them: write them first.
func (w *Writer) Secrets(kind uint32, data []byte) error {
	if len(data) > maxSecrets {
		return w.fail(fmt.Errorf("%d bytes of decryption secrets are more than the %d that readers take: write them in parts", len(data), maxSecrets))
	}
	b := w.begin(blockSecrets)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return w.end(pad(append(b, data...)))
}

// Statistics writes what an interface received and lost; the last counts.
func (w *Writer) Statistics(iface int, s Statistics) error {
	if err := w.known(iface); err != nil {
		return w.fail(err)
	}
	b := w.begin(blockStatistics)
	b = binary.LittleEndian.AppendUint32(b, uint32(iface))
	b = appendStamp(b, s.End)
	b = option(b, isbStart, appendStamp(nil, s.Start)...)
	b = option(b, isbEnd, appendStamp(nil, s.End)...)
	b = option(b, isbReceived, binary.LittleEndian.AppendUint64(nil, s.Received)...)
	b = option(b, isbDropped, binary.LittleEndian.AppendUint64(nil, s.Dropped)...)
	return w.end(b)
}

// Written counts the bytes of the file so far, flushed or not.
func (w *Writer) Written() int64 { return w.written }

// Flush hands over what is still held back.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

func (w *Writer) known(iface int) error {
	if iface < 0 || iface >= w.interfaces {
		return errors.New("evidence: an interface was not described before its packets")
	}
	return nil
}

func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// begin starts a block; its length is filled in by end.
func (w *Writer) begin(kind uint32) []byte {
	b := binary.LittleEndian.AppendUint32(w.scratch[:0], kind)
	return append(b, 0, 0, 0, 0)
}

// end writes a block whose body is padded. "Software that reads these files
// MUST NOT assume that an option list will have an opt_endofopt option" (3.5),
// so there is none.
func (w *Writer) end(b []byte) error {
	if w.err != nil {
		return w.err
	}
	length := uint32(len(b) + 4)
	binary.LittleEndian.PutUint32(b[4:], length)
	b = binary.LittleEndian.AppendUint32(b, length)
	if cap(b) <= bufferSize*2 {
		w.scratch = b
	}
	n, err := w.w.Write(b)
	w.written += int64(n)
	w.err = err
	return err
}

func appendStamp(b []byte, ns int64) []byte {
	stamp := uint64(max(ns, 0))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp>>32))
	return binary.LittleEndian.AppendUint32(b, uint32(stamp))
}

// text adds an option unless it is empty.
func text(b []byte, code uint16, s string) []byte {
	if s == "" {
		return b
	}
	if len(s) > maxText {
		end := maxText - len(cutMark)
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + cutMark
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
	return pad(append(b, s...))
}

func option(b []byte, code uint16, value ...byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

// pad fills up to a multiple of four bytes. Blocks begin at one.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
