package http1

// Raw returns the bytes of the complete head that HeadDone speaks of, or of
// the incomplete one, as they came. They are valid until the next Feed.
func (p *Parser) Raw() []byte {
	if p.state == headDone {
		return p.view
	}
	return p.Held()
}

// HeadStart is the stream offset of the first byte of the head that Raw
// returns.
func (p *Parser) HeadStart() int64 { return p.start }
