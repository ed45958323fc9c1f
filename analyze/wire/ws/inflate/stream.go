package inflate

import "errors"

// ErrCorrupt says that the bytes are no DEFLATE data, or refer back further
// than there is output or than the window reaches.
var ErrCorrupt = errors.New("inflate: corrupt data")

// phase is what a Stream expects next.
type phase uint8

const (
	phaseHead    phase = iota // the three bits before a block
	phaseSize                 // LEN and NLEN of a stored block
	phaseStored               // its bytes
	phaseCounts               // HLIT, HDIST, HCLEN of a dynamic block
	phasePrecode              // the code for the lengths of the codes
	phaseLengths              // those lengths
	phaseSymbols              // compressed data
	phaseCorrupt
)

// Stream is the state of one DEFLATE stream. It needs Reset before use.
type Stream struct {
	bits   uint64 // read and not used; those above count are zero
	pos    uint64 // bytes put out into the window
	window []byte // owned, or nil: the Pool's is used
	tables *tables

	copyDist uint32
	limit    uint32 // farthest that may be referred back
	copyLen  uint16 // of the match under way
	stored   uint16 // bytes of the stored block that are to come
	literals uint16 // number of codes in a dynamic block
	dists    uint16
	have     uint16 // lengths read so far
	codes    uint16 // of them those that are not 0
	count    uint8  // of bits
	precodes uint8
	phase    phase
	final    bool // the block is the last one
	dynamic  bool // the block's codes are in tables
	charged  bool // the Budget knows of tables
	ended    bool
	unknown  bool // there was output before pos 0, and it is unknown
	tainted  bool
	dropped  bool
}

// Reset begins a new stream whose sender may refer back 1<<windowBits bytes; 0
// stands for 15, and 8 for 9 because zlib cannot do with less. unknown says
// that there was output before of which nothing is known: references to it are
// allowed then, and yield spaces.
func (s *Stream) Reset(p *Pool, windowBits uint8, unknown bool) {
	s.Release(p)
	switch {
	case windowBits == 0 || windowBits > maxWindowBits:
		windowBits = maxWindowBits
	case windowBits < 9:
		windowBits = 9
	}
	*s = Stream{limit: 1 << windowBits, unknown: unknown}
}

// Release gives all memory back. The Stream needs Reset before further use.
func (s *Stream) Release(p *Pool) {
	p.giveWindow(s.window)
	s.window = nil
	s.dropTables(p)
	s.phase = phaseCorrupt
}

func (s *Stream) dropTables(p *Pool) {
	if s.tables == nil {
		return
	}
	if s.charged {
		p.budget.Give(tablesSize)
		s.charged = false
	}
	p.giveTables(s.tables)
	s.tables = nil
}

// AtBoundary reports whether the input so far ends a block and a byte.
func (s *Stream) AtBoundary() bool { return s.phase == phaseHead && s.count == 0 }

// EndMessage reports whether a message may end here: the four octets that its
// sender took off its end, "00 00 ff ff" (RFC 7692, section 7.2.1), are what is
// missing to the end of a block, or nothing is. If it says no, Step through
// Tail before calling the message corrupt.
func (s *Stream) EndMessage(p *Pool) bool {
	if s.phase == phaseSize && s.count == 0 {
		s.endBlock(p)
	}
	return s.AtBoundary()
}

// Tail is what the sender of a message takes off its end.
var Tail = []byte{0x00, 0x00, 0xff, 0xff}

// Ended reports whether a block marked as the last has ended. The Stream goes
// on with the next byte: a WebSocket message may have several such blocks (RFC
// 7692, section 7.2.3.4).
func (s *Stream) Ended() bool { return s.ended }

// Tainted reports whether output of the following Steps may be unknown bytes,
// since it refers back to what is unknown.
func (s *Stream) Tainted() bool { return s.tainted }

// Dropped reports whether the window was lost to the Budget's limit.
func (s *Stream) Dropped() bool { return s.dropped }

// Empty reports whether nothing was put out yet, and nothing is known to have
// been before.
func (s *Stream) Empty() bool { return s.pos == 0 && !s.unknown }

// Parked reports whether the Stream keeps nothing in the Pool's window.
func (s *Stream) Parked() bool { return s.window != nil || s.pos == 0 }

// Park moves what the Stream has to remember to memory of its own, so that the
// Pool can serve another one. When the Budget refuses the window, the output so
// far becomes unknown (Dropped). It reports false, and the Stream is Released,
// when the Budget refuses what cannot be done without.
func (s *Stream) Park(p *Pool) bool {
	if s.tables != nil && !s.charged {
		if !p.budget.Take(tablesSize) {
			s.Release(p)
			return false
		}
		s.charged = true
	}
	if s.Parked() {
		return true
	}
	n := int(min(s.pos, uint64(s.limit)))
	w := p.takeWindow(n)
	if w == nil {
		s.forget()
		return true
	}
	at := int(s.pos % MaxWindow)
	if at >= n {
		copy(w, p.window[at-n:at])
	} else {
		k := copy(w, p.window[MaxWindow-(n-at):])
		copy(w[k:], p.window[:at])
	}
	s.window, s.pos = w, uint64(n)
	return true
}

func (s *Stream) forget() {
	s.pos, s.unknown, s.dropped = 0, true, true
}

// run is one Step: its input and where its output goes.
type run struct {
	all    []byte // the input
	in     []byte // what of it is not yet read
	window []byte
	at     int    // where the next byte is put
	base   uint64 // base+at is the number of bytes put out
}

// status says why a phase stopped.
type status uint8

const (
	goOn    status = iota
	starved        // the input is used up
	full           // the output has to be taken away first
	corrupt
)

// Step reads from in and gives the number of bytes read, which is less than all
// only when more or with an error, and the output so far, valid until the next
// Step of any Stream of the Pool. more says that the output has to be taken
// before the rest can follow: call Step again with the rest of in, even if that
// is empty.
func (s *Stream) Step(p *Pool, in []byte) (n int, out []byte, more bool, err error) {
	r := run{all: in, in: in, window: s.window}
	if r.window == nil {
		r.window = p.window[:]
	} else if s.pos == uint64(len(r.window)) && len(r.window) < int(s.limit) {
		s.grow(p, &r)
	}
	r.at = int(s.pos) & (len(r.window) - 1)
	r.base = s.pos - uint64(r.at)
	start := r.at
	st := goOn
	for st == goOn {
		st = s.advance(p, &r)
	}
	s.pos = r.base + uint64(r.at)
	if st == corrupt {
		s.phase = phaseCorrupt
		err = ErrCorrupt
	}
	return len(in) - len(r.in), r.window[start:r.at], st == full, err
}

// grow doubles an owned window that is full.
func (s *Stream) grow(p *Pool, r *run) {
	w := p.takeWindow(2 * len(s.window))
	if w == nil {
		p.giveWindow(s.window)
		s.window, r.window = nil, p.window[:]
		s.forget()
		return
	}
	copy(w, s.window)
	p.giveWindow(s.window)
	s.window, r.window = w, w
}

func (s *Stream) advance(p *Pool, r *run) status {
	switch s.phase {
	case phaseHead:
		return s.head(p, r)
	case phaseSize:
		return s.size(r)
	case phaseStored:
		return s.copyStored(p, r)
	case phaseCounts:
		return s.counts(r)
	case phasePrecode:
		return s.precode(p, r)
	case phaseLengths:
		return s.lengths(p, r)
	case phaseSymbols:
		return s.symbols(p, r)
	}
	return corrupt
}
