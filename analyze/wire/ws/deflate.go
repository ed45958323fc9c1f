package ws

import (
	"unsafe"

	"github.com/wsleuth/wsleuth/analyze/wire/ws/inflate"
)

// DeflateParams are what permessage-deflate was negotiated to for one
// direction (RFC 7692, section 7.1): what the client sends is governed by the
// client_ parameters, what the server sends by the server_ parameters.
type DeflateParams struct {
	NoContextTakeover bool
	WindowBits        uint8 // 8 to 15; 0 stands for 15
	// Assumed: the handshake is not in the capture and these are a guess. A
	// message that does not inflate is then no violation.
	Assumed bool
}

// Budget bounds the memory of all that Parsers keep between Feeds for
// inflating: windows, code tables, states. Its zero value has a limit of
// inflate.DefaultBudget bytes; the Inflaters of several goroutines may share
// one. Beyond it compressed messages are still inflated and counted, but what
// is in them is not checked (Message.Unchecked, Parser.Exceeded); those in
// which not even that is possible are Uninflated.
type Budget = inflate.Budget

// Inflaters hold what the Parsers of one goroutine share. They are not safe
// for concurrent use.
type Inflaters struct {
	pool     *inflate.Pool
	current  inflate.Stream // of the Parser being fed, unless it owns one
	streams  []*inflate.Stream
	control  [MaxControlPayload]byte
	controls []*[MaxControlPayload]byte
	plain    [4096]byte // unmasked payload on its way to be inflated
	head     Header     // of the plain frame that an Observer gets
	msg      Message
	underway *underway // of the Parser being fed, unless it has one
	begun    []*underway
}

// NewInflaters makes Inflaters that take their memory from the budget, which
// other Inflaters may share; nil stands for one of its own.
func NewInflaters(b *Budget) *Inflaters {
	return &Inflaters{pool: inflate.NewPool(b), underway: new(underway)}
}

// Budget is what bounds the Inflaters' memory.
func (s *Inflaters) Budget() *Budget { return s.pool.Budget() }

// maxFree is how many unused buffers of a kind are kept for later.
const maxFree = 64

func (s *Inflaters) takeUnderway() *underway {
	if n := len(s.begun); n > 0 {
		w := s.begun[n-1]
		s.begun = s.begun[:n-1]
		return w
	}
	return new(underway)
}

func (s *Inflaters) giveUnderway(w *underway) {
	if len(s.begun) < maxFree {
		s.begun = append(s.begun, w)
	}
}

func (s *Inflaters) takeControl() *[MaxControlPayload]byte {
	if n := len(s.controls); n > 0 {
		c := s.controls[n-1]
		s.controls = s.controls[:n-1]
		return c
	}
	return new([MaxControlPayload]byte)
}

func (s *Inflaters) giveControl(c *[MaxControlPayload]byte) {
	if len(s.controls) < maxFree {
		s.controls = append(s.controls, c)
	}
}

// takeStream gives memory for a Stream, or nil over the budget.
func (s *Inflaters) takeStream() *inflate.Stream {
	if !s.Budget().Take(streamSize) {
		return nil
	}
	if n := len(s.streams); n > 0 {
		c := s.streams[n-1]
		s.streams = s.streams[:n-1]
		return c
	}
	return new(inflate.Stream)
}

func (s *Inflaters) giveStream(c *inflate.Stream) {
	s.Budget().Give(streamSize)
	if len(s.streams) < maxFree {
		s.streams = append(s.streams, c)
	}
}

const streamSize = int(unsafe.Sizeof(inflate.Stream{}))

// beginInflate begins a compressed message. Without context takeover, and at
// the first message, it begins a new stream, in shared memory until Feed ends.
func (p *Parser) beginInflate() {
	if p.stream == nil && !p.is(usesCurrent) {
		unknown := p.is(lostHistory) && !p.deflate.NoContextTakeover
		p.shared.current.Reset(p.shared.pool, p.deflate.WindowBits, unknown)
		p.set(usesCurrent, true)
	}
}

// inflater is the state under way; there is one when usesCurrent is set or
// stream is not nil.
func (p *Parser) inflater() *inflate.Stream {
	if p.stream != nil {
		return p.stream
	}
	return &p.shared.current
}

// inflate takes payload of a compressed message, as sent, that begins at pos of
// its frame.
func (p *Parser) inflate(obs Observer, pos uint64, chunk []byte) {
	if !p.head.Masked {
		p.step(obs, chunk)
		return
	}
	plain := p.shared.plain[:]
	for len(chunk) > 0 && p.check == checkInflate {
		n := min(len(chunk), len(plain))
		unmask(plain, keyWord(&p.head, pos), chunk[:n])
		p.step(obs, plain[:n])
		chunk = chunk[n:]
		pos += uint64(n)
	}
}

// step inflates b, counts and checks what comes out, and lets it go.
func (p *Parser) step(obs Observer, b []byte) {
	s := p.inflater()
	for more := true; more; {
		tainted := s.Tainted()
		n, out, again, err := s.Step(p.shared.pool, b)
		b, more = b[n:], again
		p.msg.Size += uint64(len(out))
		if tainted {
			p.msg.Unchecked = true
		} else if p.msg.Opcode == Text && p.text != utf8Reject {
			p.checkInflated(obs, out)
		}
		if err != nil {
			p.badDeflate(obs)
			return
		}
	}
}

func (p *Parser) checkInflated(obs Observer, out []byte) {
	state, _ := checkText(p.text, 0, out)
	p.text = state
	if state == utf8Reject {
		p.breach(obs, InvalidUTF8, p.msg.Offset)
	}
}

// badDeflate ends the inflating of a message that is corrupt. What later ones
// refer back to is unknown after it.
func (p *Parser) badDeflate(obs Observer) {
	p.dropInflate()
	if !p.deflate.Assumed {
		p.breach(obs, BadDeflate, p.head.Offset)
	}
}

// dropInflate ends the inflating of the message under way without a verdict.
func (p *Parser) dropInflate() {
	p.check = checkNothing
	p.msg.Uninflated = true
	p.releaseStream()
	p.set(lostHistory, true)
}

// endInflate ends a compressed message: "Append 4 octets of 0x00 0x00 0xff 0xff
// to the tail end of the payload of the message" (RFC 7692, section 7.2.2).
func (p *Parser) endInflate(obs Observer) {
	s := p.inflater()
	if !s.EndMessage(p.shared.pool) {
		p.step(obs, inflate.Tail)
		if p.check == checkInflate && !s.AtBoundary() {
			p.badDeflate(obs)
		}
	}
	if p.check != checkInflate {
		p.msg.Size = p.msg.Wire
		return
	}
	if p.msg.Opcode == Text && !p.msg.Unchecked && p.text != utf8Accept && p.text != utf8Reject {
		p.breach(obs, InvalidUTF8, p.msg.Offset)
	}
	if p.deflate.NoContextTakeover {
		p.releaseStream()
	}
}

// park keeps, at the end of Feed, what the next one needs of the state.
func (p *Parser) park() {
	if p.is(usesCurrent) {
		if !p.is(inMessage) && p.shared.current.Parked() && p.shared.current.Empty() {
			p.releaseStream() // nothing was put out: nothing to remember
			return
		}
		s := p.shared.takeStream()
		if s == nil {
			p.overBudget()
			return
		}
		*s, p.shared.current = p.shared.current, inflate.Stream{}
		p.stream = s
		p.set(usesCurrent, false)
	}
	if !p.stream.Park(p.shared.pool) {
		p.overBudget()
		return
	}
	if p.stream.Dropped() {
		p.set(exceeded, true)
	}
}

// overBudget gives up what there is no memory for.
func (p *Parser) overBudget() {
	p.set(exceeded, true)
	if p.is(inMessage) && p.check == checkInflate {
		p.dropInflate()
		return
	}
	p.releaseStream()
	p.set(lostHistory, true)
}

// releaseStream gives back the state, wherever it lies.
func (p *Parser) releaseStream() {
	if p.is(usesCurrent) {
		p.shared.current.Release(p.shared.pool)
		p.set(usesCurrent, false)
	}
	if p.stream != nil {
		p.stream.Release(p.shared.pool)
		p.shared.giveStream(p.stream)
		p.stream = nil
	}
}
