package ws

// beginData puts a data frame into its message.
func (p *Parser) beginData(obs Observer, h *Header) {
	p.sink = sinkMessage
	if p.is(closed) {
		p.breach(obs, DataAfterClose, h.Offset)
	}
	if h.Opcode != Continuation {
		if p.is(inMessage) {
			p.breach(obs, InterruptedMessage, h.Offset)
			p.abandon()
		}
		p.beginMessage(h)
		return
	}
	switch {
	case p.is(inMessage):
		p.msg.Frames++
	case p.is(unknownMessage):
		p.beginMessage(h)
	case p.is(controlOpen):
		// The rest of a fragmented control frame, which has been named.
		p.sink = sinkSkip
		p.set(controlOpen, !h.Fin)
	default:
		p.breach(obs, OrphanContinuation, h.Offset)
		p.sink = sinkSkip
	}
}

func (p *Parser) beginMessage(h *Header) {
	p.msg = Message{Offset: h.Offset, Opcode: h.Opcode, Frames: 1}
	p.set(inMessage, true)
	p.set(unknownMessage|controlOpen, false)
	p.text = utf8Accept
	switch {
	case p.is(otherExtension), h.Opcode == Continuation:
		p.check, p.msg.Unchecked = checkNothing, true
	case h.RSV&RSV1 != 0 && p.is(hasDeflate):
		p.msg.Compressed = true
		p.check = checkInflate
		p.beginInflate()
	case h.RSV != 0:
		p.check, p.msg.Unchecked = checkNothing, true
	case h.Opcode == Text:
		p.check = checkUTF8
	default:
		p.check = checkNothing
	}
	if h.Opcode == Continuation {
		p.set(lostHistory, true)
	}
}

// feedPayload takes payload bytes of the frame under way.
func (p *Parser) feedPayload(obs Observer, b []byte) []byte {
	n := len(b)
	if uint64(n) > p.left {
		n = int(p.left)
	}
	chunk := b[:n]
	pos := p.head.Length - p.left
	whole := pos == 0 && uint64(n) == p.head.Length
	p.left -= uint64(n)
	switch p.sink {
	case sinkMessage:
		p.msg.Wire += uint64(n)
		switch p.check {
		case checkUTF8:
			p.checkText(obs, pos, chunk)
		case checkInflate:
			p.inflate(obs, pos, chunk)
		}
	case sinkControl:
		if !whole || n > MaxControlPayload {
			p.keepControl(pos, chunk)
		}
	}
	p.off += int64(n)
	if p.left == 0 {
		if whole {
			p.endFrame(obs, chunk)
		} else {
			p.endFrame(obs, nil)
		}
	}
	return b[n:]
}

func (p *Parser) checkText(obs Observer, pos uint64, chunk []byte) {
	state, bad := checkText(p.text, keyWord(&p.head, pos), chunk)
	p.text = state
	if state == utf8Reject {
		p.check = checkNothing
		p.breach(obs, InvalidUTF8, p.off+int64(bad))
	}
}

// keepControl keeps payload of a control frame that came in pieces.
func (p *Parser) keepControl(pos uint64, chunk []byte) {
	if p.is(controlDamaged) || p.kept == MaxControlPayload {
		return
	}
	if p.control == nil {
		p.control = p.shared.takeControl()
	}
	chunk = chunk[:min(len(chunk), MaxControlPayload-int(p.kept))]
	unmask(p.control[p.kept:], keyWord(&p.head, pos), chunk)
	p.kept += uint8(len(chunk))
}

// endFrame follows the last byte of a frame; whole is its payload, as sent, if
// it came in one piece.
func (p *Parser) endFrame(obs Observer, whole []byte) {
	switch p.sink {
	case sinkMessage:
		if p.head.Fin {
			p.endMessage(obs)
		}
	case sinkControl:
		p.endControl(obs, whole)
	}
}

func (p *Parser) endMessage(obs Observer) {
	m := &p.msg
	switch p.check {
	case checkInflate:
		p.endInflate(obs)
	case checkUTF8:
		m.Size = m.Wire
		if p.text != utf8Accept {
			p.breach(obs, InvalidUTF8, p.off)
		}
	default:
		if !m.Compressed || m.Uninflated {
			m.Size = m.Wire
		}
	}
	p.set(inMessage, false)
	p.Messages++
	p.MessageBytes += m.Size
	obs.Message(p, m)
	p.LargestMessage = max(p.LargestMessage, m.Size)
}

// abandon drops the message under way.
func (p *Parser) abandon() {
	if p.check == checkInflate {
		p.dropInflate()
	}
	p.check = checkNothing
	p.set(inMessage, false)
}

func (p *Parser) endControl(obs Observer, whole []byte) {
	payload := p.shared.control[:0]
	switch {
	case p.control != nil:
		payload = append(payload, p.control[:p.kept]...)
		p.shared.giveControl(p.control)
		p.control = nil
	case len(whole) > 0:
		payload = payload[:len(whole)]
		unmask(payload, keyWord(&p.head, 0), whole)
	}
	h := &p.head
	if h.Opcode == Close {
		if v, broken := closeBreach(payload); broken && uint64(len(payload)) == h.Length && !p.is(otherExtension) {
			p.breach(obs, v, h.Offset)
		}
		p.set(closed, true)
	}
	obs.Control(p, h, payload)
}
