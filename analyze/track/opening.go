package track

import (
	"bytes"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/h2"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/reassembly"
)

// proto is what the first bytes of a stream say.
type proto uint8

const (
	protoMaybe proto = iota // too few bytes to tell
	protoHTTP
	protoTLS
	protoH2
	protoSOCKS // from the very beginning only
	protoPROXY // PROXY protocol header; from the very beginning only
	protoOther
)

const h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// classifyFirst is classify for a stream that is there from its beginning.
func classifyFirst(b []byte, client bool) proto {
	if client {
		if kind := classifyFront(b); kind != protoOther {
			return kind
		}
	}
	return classify(b, client)
}

// classify names the protocol by the first bytes of one side.
func classify(b []byte, client bool) proto {
	if !client {
		return classifyAnswer(b)
	}
	if len(b) == 0 {
		return protoMaybe
	}
	if b[0] == 0x16 { // TLS handshake record
		if len(b) < 3 || b[1] == 3 && b[2] <= 4 {
			return protoTLS
		}
		return protoOther
	}
	if b[0] == 'P' && len(b) >= 3 && bytes.HasPrefix(b, []byte(h2Preface)[:min(len(b), len(h2Preface))]) {
		return protoH2
	}
	switch http1.Looks(b) {
	case http1.Yes:
		return protoHTTP
	case http1.Maybe:
		return protoMaybe
	}
	return protoOther
}

// classifyAnswer: a server that speaks first, or whose client's first bytes
// are not in the capture.
func classifyAnswer(b []byte) proto {
	switch h2.LooksServer(b) {
	case h2.Yes:
		return protoH2
	case h2.Maybe:
		return protoMaybe
	}
	switch http1.LooksResponse(b) {
	case http1.Yes:
		return protoHTTP
	case http1.Maybe:
		return protoMaybe
	}
	return protoOther
}

// maxOpening bounds the bytes that may pass before a stream without a SYN
// must have shown what it is.
const maxOpening = 64 << 10

// maxDepth bounds how deep tunnels and TLS may lie in each other.
const maxDepth = 4

// maxHeld bounds the bytes kept of a side while its first bytes do not tell.
const maxHeld = 64

// maxFirst is maxHeld for a stream that is there from its beginning: a whole
// request line, as of CONNECT, may be needed to tell.
const maxFirst = 2 << 10

// opening reads the first bytes of a stream until they tell what it is.
type opening struct {
	late   bool // the stream's beginning is not in the capture
	held   [2][]byte
	heldAt [2]record.Ref
	seen   [2]int64
	// greeting: the server spoke first, and what it said is no answer.
	greeting bool
	guess    *guess   // late: whether these are WebSocket frames
	h2       *h2Guess // or HTTP/2 frames
	// attempt is the one whose answer is not in the capture: what follows is
	// likely to be frames.
	attempt *attempt
	early   []byte // what its client sent meanwhile
	earlyAt []piece
}

func (o *opening) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	o.seen[from] += int64(len(b))
	if o.answersAgain(s, from, at, b) {
		return
	}
	if len(o.early) > 0 {
		if o.releaseEarly(s); s.layer != o {
			s.layer.data(s, from, at, b)
			return
		}
	}
	client := from == s.conn.flow.Client
	kind := o.look(s, from, b)
	if o.late && (kind == protoOther || kind == protoMaybe && (len(o.held[from])+len(b) > maxHeld || o.goesOn(from))) {
		o.lookLate(s, from, at, b)
		return
	}
	switch kind {
	case protoHTTP:
		if o.late && s.conn.flow.ClientBy == reassembly.ClientByPort {
			s.conn.flow.ClientBy = reassembly.ClientByBytes
			s.conn.flow.Client = from
			if http1.LooksResponse(o.begun(from, b)) == http1.Yes {
				s.conn.flow.Client = from.Other()
			}
		}
		o.replace(s, newHTTPLayer(s.conn.t), from, at, b)
	case protoH2:
		if o.late && s.conn.flow.ClientBy == reassembly.ClientByPort {
			s.conn.flow.ClientBy, s.conn.flow.Client = reassembly.ClientByBytes, from
		}
		// Of what the other side may have sent before, nothing is known.
		late := [2]bool{}
		late[s.conn.dir(from.Other())] = o.late && o.seen[from.Other()] > 0
		o.replace(s, newH2Layer(late), from, at, b)
	case protoTLS:
		if !client && !o.late || s.depth > maxDepth {
			s.dismiss()
			return
		}
		o.replace(s, newTLSLayer(s), from, at, b)
	case protoSOCKS:
		o.replace(s, newSOCKSLayer(s), from, at, b)
	case protoPROXY:
		if s.depth > maxDepth {
			s.dismiss()
			return
		}
		if o.late && s.conn.flow.ClientBy == reassembly.ClientByPort {
			s.conn.flow.ClientBy, s.conn.flow.Client = reassembly.ClientByBytes, from
		}
		o.replace(s, &proxyLayer{}, from, at, b)
	case protoMaybe:
		if len(o.held[from])+len(b) > maxFirst {
			s.dismiss()
			return
		}
		if len(o.held[from]) == 0 {
			o.heldAt[from] = at
		}
		o.held[from] = append(o.held[from], b...)
	default:
		if !client && !o.late && o.seen[from.Other()] == 0 && o.seen[from] <= maxGreeting {
			o.greeted(from, at, b)
			return
		}
		s.dismiss()
	}
}

// maxGreeting bounds the bytes by which a server may greet a client that has
// not spoken yet: SSH, mail and database servers do, and a client that begins
// TLS or HTTP there has come to the wrong port.
const maxGreeting = 1 << 10

// greeted keeps the beginning of what a server says before its client speaks.
func (o *opening) greeted(from reassembly.Side, at record.Ref, b []byte) {
	if len(o.held[from]) == 0 {
		o.heldAt[from] = at
	}
	o.held[from] = append(o.held[from], b[:min(len(b), maxHeld-len(o.held[from]))]...)
	o.greeting = true
}

// begun is what is known of a side with b behind it.
func (o *opening) begun(from reassembly.Side, b []byte) []byte {
	if n := len(o.held[from]); n > 0 {
		return append(o.held[from][:n:n], b[:min(len(b), maxFirst)]...)
	}
	return b
}

// look classifies what is known of a side with b behind it.
func (o *opening) look(s *slot, from reassembly.Side, b []byte) proto {
	b = o.begun(from, b)
	if !o.late {
		return classifyFirst(b, from == s.conn.flow.Client)
	}
	// Either side may be the client: only HTTP, TLS and the PROXY protocol show
	// themselves.
	if classifyFront(b) == protoPROXY {
		return protoPROXY
	}
	if sealedRecord(b) {
		return protoTLS
	}
	if kind := classify(b, true); kind != protoOther {
		return kind
	}
	if kind := classifyAnswer(b); kind != protoH2 {
		return kind
	}
	return protoOther // frames without the preface: lookLate
}

// sealedRecord: the bytes begin with a record of application data of TLS 1.2 or
// 1.3, and the header of another follows it if enough is there.
func sealedRecord(b []byte) bool {
	const header, most = 5, 1<<14 + 256
	is := func(b []byte) bool {
		length := int(b[3])<<8 | int(b[4])
		return b[0] == 0x17 && b[1] == 3 && b[2] == 3 && length > 8+8 && length <= most
	}
	if len(b) < header || !is(b) {
		return false
	}
	rest := b[min(len(b), header+int(b[3])<<8+int(b[4])):]
	return len(rest) == 0 || len(rest) >= 3 && rest[0] >= 0x15 && rest[0] <= 0x17 && rest[1] == 3 && rest[2] == 3
}

// replace puts the layer in the opening's place and hands it what was held.
func (o *opening) replace(s *slot, l layer, from reassembly.Side, at record.Ref, b []byte) {
	s.layer = l
	if o.greeting && from == s.conn.flow.Client { // it stands where the answer should
		if len(o.held[from]) > 0 {
			s.layer.data(s, from, o.heldAt[from], o.held[from])
		}
		s.layer.data(s, from, at, b)
		s.layer.data(s, from.Other(), o.heldAt[from.Other()], o.held[from.Other()])
		return
	}
	for _, side := range [2]reassembly.Side{from.Other(), from} {
		if len(o.held[side]) > 0 {
			s.layer.data(s, side, o.heldAt[side], o.held[side])
		}
	}
	s.layer.data(s, from, at, b)
}

func (o *opening) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	// The beginning is lost: go on as if the capture had begun here.
	o.late = true
	o.held[from] = nil
	if o.guess != nil {
		o.guess.restart(from)
	}
}

func (o *opening) end(s *slot, from reassembly.Side, at record.Ref) {}

func (o *opening) close(s *slot) {
	if len(o.early) > 0 {
		if o.releaseEarly(s); s.layer != o {
			s.layer.close(s)
			return
		}
	}
	if o.guess != nil {
		o.guess.release()
	}
}
