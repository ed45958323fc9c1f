package ws

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

// Inflaters hold what the Parsers of one goroutine share. They are not safe
// for concurrent use.
type Inflaters struct {
	control  [MaxControlPayload]byte
	controls []*[MaxControlPayload]byte
}

// Budget bounds the memory of all that is kept between Feeds for inflating.
type Budget struct{}

// NewInflaters makes Inflaters that take their memory from the budget, which
// other Inflaters may share; nil stands for one of its own.
func NewInflaters(b *Budget) *Inflaters { return &Inflaters{} }

// maxFree is how many unused buffers of a kind are kept for later.
const maxFree = 64

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

type stream struct{}

func (p *Parser) beginInflate()                                  {}
func (p *Parser) inflate(obs Observer, pos uint64, chunk []byte) {}
func (p *Parser) endInflate(obs Observer) {
	p.msg.Uninflated = true
	p.msg.Size = p.msg.Wire
}
func (p *Parser) dropInflate()   { p.msg.Uninflated = true }
func (p *Parser) park()          {}
func (p *Parser) releaseStream() {}
