package capture

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ended records why the stream ends where the decoder wanted more; a clean
// end between records is no problem.
func (r *reader) ended(what string) {
	err := r.w.err
	switch {
	case r.w.ctx.Err() != nil || errors.Is(err, errStopped):
		if r.fatal = r.w.ctx.Err(); r.fatal == nil {
			r.fatal = err
		}
	case r.raw.err != nil:
		r.problem(ReadError, plainError(r.raw.err), "reading failed: "+plainError(r.raw.err).Error()+"; copy the file to a local disk and try again")
	case err != io.EOF && r.kind != "" && endsEarly(err):
		r.problem(CutShort, err, "the "+r.kind+" data ends early: the file was not completely written or copied")
	case err != io.EOF && r.kind != "":
		r.problem(Corrupt, err, "the "+r.kind+" data is damaged ("+err.Error()+"): copy the file again")
	case err != io.EOF:
		r.problem(ReadError, err, "reading failed: "+err.Error())
	case r.w.have() > 0 || what != "":
		if what == "" {
			what = "a record"
		}
		r.problem(CutShort, nil, "the file ends within "+what+": the capture was stopped hard, is still being written, or was not completely copied; copy it again if there is more of it")
	}
}

// corrupt records that what stands at offset makes no sense.
func (r *reader) corrupt(offset int64, format string, args ...any) {
	r.problemAt(offset, Corrupt, nil, fmt.Sprintf(format, args...)+"; nothing behind it was read: copy the file again, or try pcapfix")
}

func (r *reader) problem(kind ProblemKind, cause error, text string) {
	r.problemAt(r.w.offset(), kind, cause, text)
}

func (r *reader) problemAt(offset int64, kind ProblemKind, cause error, text string) {
	r.info.Problems = append(r.info.Problems, Problem{Kind: kind, Offset: offset, Packet: r.number, Text: text, Err: cause})
}

// uses notes that packets of a link type come.
func (r *reader) uses(t LinkType) {
	if !slices.Contains(r.info.LinkTypes, t) {
		r.info.LinkTypes = append(r.info.LinkTypes, t)
	}
}

// packetLimit is the captured length above which a record is corrupt.
func packetLimit(t LinkType) uint32 {
	switch t {
	case LinkUSB, LinkUSBMmapped, LinkUSBPcap, LinkUSBDarwin, LinkDBus:
		return maxHugePacket
	}
	return maxPacket
}

// maxText bounds what is kept of each comment and name, in bytes.
const maxText = 4096

// text makes a string of what a file says.
func text(b []byte) string {
	b = b[:min(len(b), maxText)]
	return strings.ToValidUTF8(strings.TrimRight(string(b), "\x00"), "\uFFFD")
}

// note records something that does not affect packets.
func (r *reader) note(kind ProblemKind, format string, args ...any) {
	r.problem(kind, nil, fmt.Sprintf(format, args...))
}
