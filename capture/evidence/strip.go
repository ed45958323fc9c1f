package evidence

import (
	"bytes"
	"encoding/binary"

	"github.com/wsleuth/wsleuth/capture"
)

// Limits of a Stripper.
const (
	// maxQueued bounds the packets, and maxQueuedBytes their bytes, that wait
	// for a segment which is late; beyond it their payload is blanked.
	maxQueued      = 4096
	maxQueuedBytes = 16 << 20
	// maxHistory is how many bytes of a direction are kept for segments that are sent again.
	maxHistory = 64 << 10
	// maxName is the longest header name that is looked at.
	maxName = 64
)

// Segment says where TCP is in a packet.
type Segment struct {
	Stream int // the connection
	Dir    int // 0: from the client
	TCP    int // offset of the TCP header in the packet's Data; negative: not there as a whole
	End    int // offset of the end of the TCP payload
	Framed bool
}

// Stripper takes out of the packets of chosen connections what users sent:
// payloads of WebSocket messages become zeros (of masked ones: what unmasks to
// zeros; of compressed ones: what inflates to zeros), values of secret headers
// become x. Lengths stay, checksums change with it; frame headers, Close frames
// and all that is no WebSocket stay. What is inside TLS is not touched.
type Stripper struct {
	write   func(p *capture.Packet, tag any) error
	queue   []*queued
	bytes   int
	streams map[int]*[2]direction
	err     error
}

type queued struct {
	p       capture.Packet
	tag     any
	segment Segment
	ready   bool
}

// NewStripper makes a stripper that hands on packets in their order. The tag
// is the caller's.
func NewStripper(write func(p *capture.Packet, tag any) error) *Stripper {
	return &Stripper{write: write, streams: make(map[int]*[2]direction)}
}

// Other takes a packet that stays as it is.
func (s *Stripper) Other(p *capture.Packet, tag any) error {
	s.enqueue(p, tag).ready = true
	return s.drain()
}

// Packet takes a TCP packet of a chosen connection. It copies what it keeps.
func (s *Stripper) Packet(p *capture.Packet, tag any, at Segment) error {
	q := s.enqueue(p, tag)
	q.segment = at
	if at.TCP < 0 || at.TCP+20 > len(q.p.Data) || at.End > len(q.p.Data) {
		q.p.Data = q.p.Data[:max(0, min(at.TCP, len(q.p.Data)))]
		q.ready = true
		return s.drain()
	}
	both := s.streams[at.Stream]
	if both == nil {
		both = new([2]direction)
		both[0].client = true
		if at.Framed {
			both[0].mode, both[1].mode = modeFrames, modeFrames
		}
		s.streams[at.Stream] = both
	}
	d := &both[at.Dir]
	d.other = &both[1-at.Dir]
	d.pending = append(d.pending, q)
	d.advance()
	for len(s.queue) > maxQueued || s.bytes > maxQueuedBytes {
		s.giveUp()
	}
	return s.drain()
}

// Flush hands on what waits for segments that never came.
func (s *Stripper) Flush() error {
	s.giveUp()
	return s.drain()
}

func (s *Stripper) enqueue(p *capture.Packet, tag any) *queued {
	q := &queued{p: *p, tag: tag}
	q.p.Data = bytes.Clone(p.Data)
	s.queue = append(s.queue, q)
	s.bytes += len(p.Data)
	return q
}

// giveUp takes the gaps of all streams for lost.
func (s *Stripper) giveUp() {
	for _, both := range s.streams {
		for i := range both {
			for len(both[i].pending) > 0 {
				both[i].skip()
				both[i].advance()
			}
		}
	}
	_ = s.drain() // its error stays
}

func (s *Stripper) drain() error {
	n := 0
	for n < len(s.queue) && s.queue[n].ready {
		q := s.queue[n]
		s.bytes -= len(q.p.Data)
		if s.err == nil {
			s.err = s.write(&q.p, q.tag)
		}
		n++
	}
	if n > 0 {
		s.queue = append(s.queue[:0], s.queue[n:]...)
	}
	return s.err
}

// mode is what a direction carries at the moment.
type mode uint8

const (
	modeHTTP mode = iota
	modeFrames
	modePass  // TLS
	modeBlank // nobody knows
)

// direction follows the bytes of one side.
type direction struct {
	other   *direction
	started bool
	next    uint32 // sequence number
	pending []*queued
	history []byte // the last bytes as they were written, up to next

	mode   mode
	client bool
	spoke  bool // bytes have come
	socks  socksState
	http   httpState
	ws     frameState
}

func (q *queued) tcp() (seq uint32, payload []byte, flags byte) {
	b := q.p.Data[q.segment.TCP:q.segment.End]
	header := min(max(20, int(b[12]>>4)*4), len(b))
	return binary.BigEndian.Uint32(b[4:]), b[header:], b[13]
}

// advance strips the segments whose turn has come.
func (d *direction) advance() {
	for again := true; again; {
		again = false
		for i := 0; i < len(d.pending); i++ {
			if d.take(d.pending[i]) {
				d.pending = append(d.pending[:i], d.pending[i+1:]...)
				again = true
				break
			}
		}
	}
}

// take strips a segment unless bytes before it are missing.
func (d *direction) take(q *queued) bool {
	seq, payload, flags := q.tcp()
	if flags&2 != 0 { // SYN
		seq++
		d.started, d.next, d.history = true, seq, nil
	}
	if !d.started && len(payload) > 0 {
		d.started, d.next = true, seq
	}
	if len(payload) == 0 || int32(seq-d.next) <= 0 {
		if len(payload) > 0 {
			q.change(func(b []byte) { d.strip(seq, b) })
		}
		q.ready = true
		return true
	}
	return false
}

// skip takes the bytes before the earliest pending segment for lost.
func (d *direction) skip() {
	first := 0
	for i := range d.pending {
		a, _, _ := d.pending[i].tcp()
		b, _, _ := d.pending[first].tcp()
		if int32(a-b) < 0 {
			first = i
		}
	}
	seq, _, _ := d.pending[first].tcp()
	gap := seq - d.next
	switch {
	case d.mode == modeFrames && len(d.ws.head) == 0 && uint64(gap) <= d.ws.left:
		d.ws.advance(uint64(gap))
	case d.mode != modePass:
		d.mode = modeBlank
	}
	d.next, d.history = seq, nil
}

// change lets do change the payload, and mends the checksum.
func (q *queued) change(do func([]byte)) {
	tcp := q.p.Data[q.segment.TCP:q.segment.End]
	_, payload, _ := q.tcp()
	old := bytes.Clone(payload)
	do(payload)
	if bytes.Equal(old, payload) {
		return
	}
	var c checksum
	c.replace(old, payload, len(tcp)-len(payload))
	c.apply(tcp[16:18])
}

// strip changes the payload at seq, of which a part may be sent again.
func (d *direction) strip(seq uint32, b []byte) {
	if again := d.next - seq; again > 0 {
		n := min(int(again), len(b))
		for i := range n { // as it was written the first time
			back := int(again) - i
			if back <= len(d.history) {
				b[i] = d.history[len(d.history)-back]
			} else if d.mode != modePass {
				b[i] = 0
			}
		}
		b = b[n:]
	}
	d.next += uint32(len(b))
	for rest := b; len(rest) > 0; {
		rest = d.piece(rest)
	}
	d.history = append(d.history, b...)
	if len(d.history) > 2*maxHistory {
		d.history = append([]byte(nil), d.history[len(d.history)-maxHistory:]...)
	}
}

// startsRequest: a method, or an empty line that RFC 9112, section 2.2, tolerates before one.
func startsRequest(c byte) bool { return c >= 'A' && c <= 'Z' || c == '\r' || c == '\n' }

// piece strips the beginning of b in the present mode and gives the rest.
func (d *direction) piece(b []byte) []byte {
	switch d.mode {
	case modeFrames:
		return d.ws.strip(b)
	case modePass:
		return nil
	case modeBlank:
		clear(b)
		return nil
	}
	if !d.spoke {
		d.spoke = true
		d.socks.begins(b[0], d.client, &d.other.socks)
	}
	if d.socks.open {
		return b[d.socks.strip(b):]
	}
	if d.http.atStart() {
		switch {
		case b[0] == 0x16: // a TLS handshake record
			d.mode = modePass
			if d.other.mode == modeHTTP {
				d.other.mode = modePass
			}
			return nil
		case d.other.mode == modeFrames, // the server agreed to the Upgrade
			d.client && d.http.heads > 0 && !startsRequest(b[0]): // its answer is not in the capture
			d.mode = modeFrames
			return b
		}
	}
	n := d.http.strip(b)
	if d.http.http2 { // its header compression cannot be changed in place
		d.mode, d.other.mode = modeBlank, modeBlank
	}
	if d.http.switching {
		d.http.switching = false
		d.mode = modeFrames
	}
	return b[n:]
}
