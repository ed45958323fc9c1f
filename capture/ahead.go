package capture

import (
	"bytes"
	"errors"
	"io"
)

var errClosed = errors.New("capture: the source is closed")

// step makes the next packet of the file pkt, or reports its end.
func (r *reader) step() bool {
	if len(r.ahead) > 0 {
		r.pkt = r.ahead[0]
		r.ahead[0].Data = nil
		r.ahead = r.ahead[1:]
		return true
	}
	return r.next(&r.pkt)
}

// endsBy reports whether the file ends with no packet later than t. What it
// reads for that is copied and kept for step.
func (r *reader) endsBy(t int64) bool {
	if r.pkt.Time > t {
		return false
	}
	bytesAhead := 0
	for i := range r.ahead {
		bytesAhead += len(r.ahead[i].Data)
		if r.ahead[i].Time > t {
			return false
		}
	}
	if r.finished {
		return true
	}
	if len(r.ahead) == 0 {
		r.pkt.Data = bytes.Clone(r.pkt.Data)
	}
	for bytesAhead < maxAhead {
		var p Packet
		if !r.next(&p) {
			return true
		}
		const overhead = 128 // of a Packet
		bytesAhead += len(p.Data) + overhead
		p.Data = bytes.Clone(p.Data)
		r.ahead = append(r.ahead, p)
		if p.Time > t {
			return false
		}
	}
	return false
}

// end is the error of Next behind the last packet.
func (r *reader) end() error {
	if r.fatal != nil {
		return r.fatal
	}
	return io.EOF
}

// abandon closes a file that may not be at its end.
func (r *reader) abandon() {
	if r.finished {
		return
	}
	r.finished = true
	r.fatal = errClosed
	r.w.filled = nil
	r.flush()
	r.close()
}
