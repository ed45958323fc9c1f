package http1

import "strings"

// Head returns the head just done, and nil if there is none: before the next
// Feed only. It is built on demand and keeps no bytes of the caller.
func (p *Parser) Head() *Head {
	if p.state != headDone {
		return nil
	}
	if p.head == nil {
		p.head = p.build(p.view, true)
		p.head.End = p.offset
		p.head.Truncated = p.head.Truncated || p.skipped > 0
	}
	return p.head
}

// Partial parses what has come of an incomplete head, its last line as far as
// it goes; nil if no head is begun. It is Truncated.
func (p *Parser) Partial() *Head {
	if !p.InHead() || len(p.buf) == 0 {
		return nil
	}
	h := p.build(p.buf, false)
	h.End = h.Start + p.Pending()
	h.Truncated = true
	return h
}

// builder cuts a head into its parts.
type builder struct {
	h    *Head
	text string // the whole head, or some lines of it
	base int    // where text begins in the head
	bare bool   // BareLF is named
}

func (p *Parser) build(raw []byte, whole bool) *Head {
	b := builder{h: &Head{Kind: p.kind, Start: p.start}, text: string(raw)}
	if p.blanks {
		b.h.violate(EmptyLineBefore, p.blank)
	}
	b.h.Fields = make([]Field, 0, min(strings.Count(b.text, "\n"), MaxFields))
	b.lines(whole)
	return b.h
}

// lines takes the whole text apart.
func (b *builder) lines(whole bool) {
	b.some()
	if whole {
		b.judgeFraming()
	}
}

// some takes text apart.
func (b *builder) some() {
	pos := 0
	if b.base == 0 {
		pos = b.plainStart()
	}
	for pos < len(b.text) {
		if next := b.plainField(pos); next > 0 {
			pos = next
			continue
		}
		i := strings.IndexByte(b.text[pos:], '\n')
		end, cut := pos+i+1, false
		if i < 0 {
			end, cut = len(b.text), true
		}
		b.line(pos, end, cut)
		pos = end
	}
}

// line takes text[pos:end]; cut says that its end is missing, so that its form
// is not judged.
func (b *builder) line(pos, end int, cut bool) {
	line, at := b.text[pos:end], b.h.Start+int64(b.base+pos)
	if !cut {
		line = line[:len(line)-1]
		if !strings.HasSuffix(line, "\r") && !b.bare {
			b.bare = true
			b.h.violate(BareLF, at)
		}
	}
	line = strings.TrimSuffix(line, "\r")
	listed, more := len(b.h.Violations), b.h.MoreViolations
	switch {
	case b.base+pos == 0 && b.h.Kind == Request:
		b.requestLine(line, at)
	case b.base+pos == 0:
		b.statusLine(line, at)
	case line == "":
	default:
		b.fieldLine(line, at, b.h.Start+int64(b.base+end))
	}
	if cut {
		b.h.Violations, b.h.MoreViolations = b.h.Violations[:listed], more
	}
}

// requestLine: RFC 9112 section 3, "request-line = method SP request-target SP
// HTTP-version". Parts are found by white space, as the section allows.
func (b *builder) requestLine(line string, at int64) {
	h := b.h
	b.controls(line, ControlInStartLine, at)
	text := strings.Trim(line, " \t")
	method, rest, _ := cutSpace(text)
	target, version := rest, ""
	if i := strings.LastIndexAny(rest, " \t"); i >= 0 && isVersionLike(rest[i+1:]) {
		target, version = strings.TrimRight(rest[:i], " \t"), rest[i+1:]
	} else if isVersionLike(rest) {
		target, version = "", rest
	}
	h.Method, h.Target, h.Version = method, target, version
	if target == "" {
		h.violate(MissingTarget, at)
	}
	if strings.ContainsAny(target, " \t") {
		h.violate(SpaceInTarget, at)
	}
	plain := len(method)
	for _, part := range []string{target, version} {
		if part != "" {
			plain += len(" ") + len(part)
		}
	}
	if plain != len(line) || strings.Contains(line, "\t") {
		h.violate(ExtraSpaces, at)
	}
	b.judgeVersion(at)
}

// statusLine: RFC 9112 section 4, "status-line = HTTP-version SP status-code
// SP [ reason-phrase ]". The space before an absent reason is often left out.
func (b *builder) statusLine(line string, at int64) {
	h := b.h
	b.controls(line, ControlInStartLine, at)
	version, rest, spaces := cutSpace(line)
	_, reason, more := cutSpace(rest)
	if strings.EqualFold(version, "HTTP") {
		version = ""
	}
	h.Version, h.Reason = version, reason
	h.Status = statusOf([]byte(line))
	if h.Status < 100 || h.Status > 599 {
		h.violate(BadStatus, at)
	}
	if spaces > 1 || more > 1 {
		h.violate(ExtraSpaces, at)
	}
	b.judgeVersion(at)
}

func (b *builder) judgeVersion(at int64) {
	switch b.h.Version {
	case "HTTP/1.1", "HTTP/1.0":
	case "":
		b.h.violate(MissingVersion, at)
	default:
		b.h.violate(BadVersion, at)
	}
}

// fieldLine: RFC 9112 section 5, "field-line = field-name ":" OWS field-value OWS".
func (b *builder) fieldLine(line string, at, end int64) {
	h := b.h
	if line[0] == ' ' || line[0] == '\t' {
		if len(h.Fields) > 0 {
			b.fold(line, at, end)
			return
		}
		h.violate(SpaceBeforeField, at)
		line = strings.TrimLeft(line, " \t")
	}
	if len(h.Fields) >= MaxFields {
		h.Truncated = true
		return
	}
	if i := tokenLength(line); i > 0 && i < len(line) && line[i] == ':' {
		b.addField(line[:i], line[i+1:], at, end)
		return
	}
	name, value, ok := strings.Cut(line, ":")
	trimmed := strings.TrimRight(name, " \t\r")
	switch {
	case !ok:
		h.violate(NoColon, at)
	case trimmed != name:
		// "No whitespace is allowed between the field name and colon."
		h.violate(SpaceBeforeColon, at)
	}
	name = trimmed
	if ok && !isToken(name) {
		h.violate(BadName, at)
	}
	b.addField(name, value, at, end)
}

func (b *builder) addField(name, value string, at, end int64) {
	b.controls(value, ControlInValue, at)
	b.h.append(Field{Name: name, Value: trimBlank(value), Start: at, End: end})
}

// trimBlank cuts spaces, tabs and carriage returns off both ends.
func trimBlank(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t' || s[0] == '\r') {
		s = s[1:]
	}
	for n := len(s); n > 0 && (s[n-1] == ' ' || s[n-1] == '\t' || s[n-1] == '\r'); n-- {
		s = s[:n-1]
	}
	return s
}

// fold joins a continuation line to the last field. RFC 9112 section 5.2: a
// recipient "MUST ... replace each received obs-fold with one or more SP
// octets prior to interpreting the field value".
func (b *builder) fold(line string, at, end int64) {
	if b.h.Truncated {
		return
	}
	f := &b.h.Fields[len(b.h.Fields)-1]
	b.h.violate(ObsFold, at)
	b.controls(line, ControlInValue, at)
	f.Folded, f.End = true, end
	f.Value = strings.Trim(f.Value+" "+strings.Trim(line, " \t\r"), " ")
}

func (b *builder) controls(s string, code ViolationCode, at int64) {
	for i := range len(s) {
		if classes[s[i]]&control != 0 {
			b.h.violate(code, at)
			return
		}
	}
}

// judgeFraming names what makes the length of the body doubtful, at the last
// field that has a part in it.
func (b *builder) judgeFraming() {
	if !b.h.may("Content-Length") && !b.h.may("Transfer-Encoding") {
		return
	}
	var f framing
	var length, coding *Field
	for i := range b.h.Fields {
		field := &b.h.Fields[i]
		switch {
		case isNamed(field, "Content-Length"):
			length = field
			before, had := f.length, f.hasLength
			one := framing{}
			one.addLength([]byte(field.Value))
			f.addLength([]byte(field.Value))
			switch {
			case one.badLength && !strings.Contains(field.Value, ","):
				b.h.violate(BadLength, field.Start)
			case one.badLength, had && one.length != before:
				b.h.violate(ConflictingLength, field.Start)
			}
		case isNamed(field, "Transfer-Encoding"):
			coding = field
			f.addCoding([]byte(field.Value))
		}
	}
	if f.coded && !f.chunked {
		b.h.violate(BadCoding, coding.Start)
	}
	if length != nil && coding != nil {
		b.h.violate(LengthAndCoding, max(length.Start, coding.Start))
	}
}

// cutSpace cuts s at its first white space and counts its characters.
func cutSpace(s string) (word, rest string, spaces int) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", 0
	}
	rest = strings.TrimLeft(s[i:], " \t")
	spaces = len(s) - i - len(rest)
	if s[i] == '\t' {
		spaces++
	}
	return s[:i], rest, spaces
}

// isVersionLike accepts a name, a slash and a digit.
func isVersionLike(s string) bool {
	name, number, ok := strings.Cut(s, "/")
	if !ok || name == "" || number == "" || !isDigit(number[0]) {
		return false
	}
	for i := range len(name) {
		if c := name[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// isToken: RFC 9110 section 5.6.2.
func isToken(s string) bool { return s != "" && tokenLength(s) == len(s) }

// tokenLength is how many bytes at the beginning of s may stand in a token.
func tokenLength(s string) int {
	for i := range len(s) {
		if classes[s[i]]&token == 0 {
			return i
		}
	}
	return len(s)
}

// Classes of bytes.
const (
	token   uint8 = 1 << iota // RFC 9110 section 5.6.2: tchar
	control                   // a control character other than the tab
	blank                     // a space or a tab
	telling                   // a field line that begins so may mean something for framing
)

var classes = makeClasses()

func makeClasses() (table [256]uint8) {
	for c := range table {
		b := byte(c)
		if isVisible(b) && b < 0x80 && strings.IndexByte("\"(),/:;<=>?@[\\]{}", b) < 0 {
			table[c] |= token
		}
		if b < ' ' && b != '\t' || b == 0x7f {
			table[c] |= control
		}
		if b == ' ' || b == '\t' {
			table[c] |= blank
		}
		if strings.IndexByte(" \t\r\nCTUSVX", b) >= 0 || strings.IndexByte("ctusvx", b) >= 0 {
			table[c] |= telling
		}
	}
	return table
}
