package http1

import (
	"bytes"
	"math"
)

// lineVerdict is what a line does to the head it belongs to.
type lineVerdict uint8

const (
	lineTaken lineVerdict = iota // a start line or a field line
	lineBlank                    // an empty line before the start line
	lineLast                     // the empty line that ends the head
	lineWrong                    // where a start line must be: none
)

// takeLine looks at one line with its line feed, which begins at byte at of the
// head. Only lines within MaxHead (keep) are looked at for framing.
func (p *Parser) takeLine(line []byte, at int, keep bool) lineVerdict {
	if line[0] == '\n' || (len(line) == 2 && line[0] == '\r') {
		if p.started || !keep {
			return lineLast
		}
		return lineBlank
	}
	switch {
	case p.started && keep:
		p.framing.field(line, at)
	case p.started:
	default:
		if v := looksStart(p.kind, line); v == No || v == Maybe && keep && looks(p.kind, line) != Yes {
			return lineWrong
		}
		p.startLine(line)
	}
	return lineTaken
}

// startLine notes what a start line means for framing.
func (p *Parser) startLine(line []byte) {
	p.started = true
	if p.kind == Response {
		p.framing.status = int16(statusOf(line))
	}
}

// fieldClass says which of the fields that framing needs a line belongs to.
type fieldClass uint8

const (
	otherField fieldClass = iota
	lengthField
	codingField
	upgradeField
)

// framing is what is known of a head without building it.
type framing struct {
	length    int64 // first valid Content-Length
	status    int16
	last      fieldClass // of the previous line, for obs-fold
	hasLength bool
	badLength bool   // a Content-Length is invalid, or two differ
	coded     bool   // Transfer-Encoding names a coding
	chunked   bool   // the last one is chunked
	trace     bool   // of WebSocket
	folded    bool   // a line that matters is folded: build the head to judge it
	extended  bool   // there may be a Sec-WebSocket-Extensions
	passed    bool   // there may be a field that a proxy added
	fields    uint16 // up to MaxFields
	key       int32  // where in the head the last Sec-WebSocket-Key begins; 0: there is none
}

// otherField counts a field that means nothing for framing.
func (f *framing) otherField() {
	f.last = otherField
	f.fields = min(f.fields+1, MaxFields)
}

// field notes what a field line means for framing. Most lines are done after
// one look at their first byte.
func (f *framing) field(line []byte, at int) {
	if line[0] == ' ' || line[0] == '\t' {
		if f.fields == 0 {
			f.fields++
			f.folded = true
		}
		f.folded = f.folded || f.last != otherField
		return
	}
	f.last = otherField
	if f.fields >= MaxFields {
		return
	}
	f.fields++
	switch line[0] | 0x20 {
	case 'c':
		if len(line) > 7 && line[7] != '-' {
			return // Connection, Cookie, Cache-Control
		}
		if value, ok := valueOf(line, "content-length"); ok {
			f.last = lengthField
			f.addLength(value)
		}
	case 't':
		if value, ok := valueOf(line, "transfer-encoding"); ok {
			f.last = codingField
			f.addCoding(value)
		}
	case 'u':
		if line[1]|0x20 != 'p' {
			return // User-Agent
		}
		if value, ok := valueOf(line, "upgrade"); ok {
			f.last = upgradeField
			f.trace = f.trace || listsWebSocket(value)
		}
	case 's':
		const prefix = "Sec-WebSocket-"
		if len(line) > len(prefix) && (string(line[:len(prefix)]) == prefix || hasPrefixFold(line, "sec-websocket-")) {
			f.trace = true
			switch rest := line[len(prefix):]; rest[0] | 0x20 {
			case 'e':
				f.extended = true
			case 'k':
				if hasPrefixFold(rest, "key:") {
					f.key = int32(at)
				}
			}
		}
	case 'v', 'x':
		f.passed = true
	}
}

// valueOf is what stands behind the colon of a line, if its name is this one, in
// lower case. A name may stand there without a colon.
func valueOf(line []byte, name string) ([]byte, bool) {
	if !hasPrefixFold(line, name) {
		return nil, false
	}
	rest := line[len(name):]
	for i, c := range rest {
		if c == ':' {
			return rest[i+1:], true
		}
		if !isBlank(c) {
			return nil, false
		}
	}
	return nil, true
}

// addLength takes the value of one Content-Length field.
//
// RFC 9112 section 6.3: "unless the field value can be successfully parsed as
// a comma-separated list, all values in the list are valid, and all values in
// the list are the same".
func (f *framing) addLength(value []byte) {
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, comma)
		n, ok := parseLength(trimSpace(item))
		switch {
		case !ok:
			f.badLength = true
		case !f.hasLength:
			f.hasLength, f.length = true, n
		case n != f.length:
			f.badLength = true
		}
	}
}

// addCoding takes the value of one Transfer-Encoding field. "identity", which
// RFC 2616 had, changes nothing.
func (f *framing) addCoding(value []byte) {
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, comma)
		item, _, _ = bytes.Cut(item, semicolon)
		item = trimSpace(item)
		if len(item) == 0 || equalFold(item, "identity") {
			continue
		}
		f.coded, f.chunked = true, equalFold(item, "chunked")
	}
}

// requestBody: RFC 9112 section 6.3, items 3 to 7.
func (f *framing) requestBody() (BodyKind, int64) {
	switch {
	case f.chunked:
		return Chunked, 0
	case f.coded:
		// "the message body length cannot be determined reliably"
		return UntilClose, 0
	case f.hasLength && f.length > 0:
		return Counted, f.length
	}
	return NoBody, 0
}

// responseBody: RFC 9112 section 6.3. The method is that of the request.
func (f *framing) responseBody(status int, method string) (BodyKind, int64) {
	switch {
	// "Any response to a HEAD request and any response with a 1xx
	// (Informational), 204 (No Content), or 304 (Not Modified) status code is
	// always terminated by the first empty line after the header fields"
	case method == "HEAD", status >= 100 && status <= 199, status == 204, status == 304:
		return NoBody, 0
	// "Any 2xx (Successful) response to a CONNECT request implies that the
	// connection will become a tunnel immediately after the empty line"
	case method == "CONNECT" && status >= 200 && status <= 299:
		return NoBody, 0
	case f.chunked:
		return Chunked, 0
	case f.coded:
		return UntilClose, 0
	case f.hasLength && f.length > 0:
		return Counted, f.length
	case f.hasLength:
		return NoBody, 0
	}
	return UntilClose, 0
}

// statusOf finds the status code in a status line; 0 if it is not three digits.
func statusOf(line []byte) int {
	const version, code, end = len("HTTP/1."), len("HTTP/1.1 "), len("HTTP/1.1 200")
	if len(line) > end && string(line[:version]) == "HTTP/1." && isDigit(line[version]) && line[code-1] == ' ' &&
		isDigit(line[code]) && isDigit(line[code+1]) && isDigit(line[code+2]) && !isVisible(line[end]) {
		return number3(line[code:]) // as nearly always
	}
	line = line[:min(len(line), 64)]
	i := 0
	for i < len(line) && !isBlank(line[i]) {
		i++
	}
	if i == len(line) {
		return 0
	}
	rest := bytes.TrimLeft(line[i:], " \t")
	if len(rest) < 3 || !isDigit(rest[0]) || !isDigit(rest[1]) || !isDigit(rest[2]) {
		return 0
	}
	if len(rest) > 3 && isVisible(rest[3]) {
		return 0
	}
	return number3(rest)
}

func number3(b []byte) int { return int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0') }

var (
	comma     = []byte{','}
	semicolon = []byte{';'}
)

// parseLength reads 1*DIGIT that fits an int64.
func parseLength(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if !isDigit(c) || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// listsWebSocket tells whether an Upgrade field's value lists websocket, with
// or without a version behind it.
func listsWebSocket(value []byte) bool {
	if string(value) == " websocket\r\n" {
		return true
	}
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, comma)
		item = trimSpace(item)
		if len(item) > 9 && item[9] == '/' {
			item = item[:9]
		}
		if equalFold(item, "websocket") {
			return true
		}
	}
	return false
}

// trimSpace trims what surrounds a field value: SP, HTAB and the line end.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isBlank(c byte) bool   { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
func isDigit(c byte) bool   { return '0' <= c && c <= '9' }
func isVisible(c byte) bool { return c > ' ' && c != 0x7f }

// equalFold compares ASCII, the second in lower case.
func equalFold(b []byte, lower string) bool {
	return len(b) == len(lower) && hasPrefixFold(b, lower)
}

func hasPrefixFold(b []byte, lower string) bool {
	if len(b) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
