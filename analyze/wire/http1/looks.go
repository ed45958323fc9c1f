package http1

import (
	"bytes"
	"fmt"
)

// Verdict answers whether bytes look like something.
type Verdict uint8

const (
	No    Verdict = iota
	Maybe         // more bytes are needed
	Yes
)

// String returns "no", "maybe" or "yes".
func (v Verdict) String() string {
	switch v {
	case No:
		return "no"
	case Maybe:
		return "maybe"
	case Yes:
		return "yes"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

const (
	// maxMethod is the length of the longest method that is believed.
	maxMethod = 20
	// maxBlanks is how much white space may stand before the target.
	maxBlanks = 16
	// maxUnknownLine is how far the version is looked for in a request line
	// whose method is not a common one.
	maxUnknownLine = 8 << 10
	// checkedTarget is how much of a target is checked before the line ends.
	checkedTarget = 64
	// decided is a length from which looksStart says the same for good.
	decided = maxMethod + maxBlanks + checkedTarget
)

// Looks tells whether the first bytes of a stream look like an HTTP/1.x
// request. "GET /" is enough; a method that is not common, or a target that
// is neither a path nor a URL, needs a whole line that ends in a version. Yes
// and No stay when more bytes come. HTTP/2's preface is No.
func Looks(b []byte) Verdict { return looks(Request, skipBlank(b)) }

// LooksResponse tells whether the first bytes look like an HTTP/1.x response.
func LooksResponse(b []byte) Verdict { return looks(Response, skipBlank(b)) }

// skipBlank skips empty lines: RFC 9112 section 2.2, "a server that is
// expecting to receive and parse a request-line SHOULD ignore at least one
// empty line (CRLF) received prior to the request-line".
func skipBlank(b []byte) []byte {
	for {
		switch {
		case len(b) > 0 && b[0] == '\n':
			b = b[1:]
		case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
			b = b[2:]
		default:
			return b
		}
	}
}

// looks judges a start line; b may hold more than the line, or less.
func looks(k Kind, b []byte) Verdict {
	v := looksStart(k, b)
	if v != Maybe || k == Response {
		return v
	}
	i := bytes.IndexByte(b[:min(len(b), maxUnknownLine)], '\n')
	switch {
	case i >= 0 && endsInVersion(b[:i]):
		return Yes
	case i >= 0 || len(b) >= maxUnknownLine:
		return No
	}
	return Maybe
}

// looksStart judges by the front of a line alone; its cost does not grow with
// the line.
func looksStart(k Kind, b []byte) Verdict {
	const get, version = "GET /", "HTTP/1"
	switch {
	case len(b) == 0 || (len(b) == 1 && b[0] == '\r'):
		return Maybe
	case k == Request && len(b) >= len(get) && string(b[:len(get)]) == get,
		k == Response && len(b) >= len(version) && string(b[:len(version)]) == version:
		return Yes // as nearly always
	}
	if k == Response {
		return looksStatusLine(b)
	}
	n := 0
	for n < len(b) && n <= maxMethod && isMethodByte(b[n]) {
		n++
	}
	if n == len(b) && n <= maxMethod {
		return Maybe
	}
	if n == 0 || n > maxMethod || (b[n] != ' ' && b[n] != '\t') {
		return No
	}
	target := bytes.TrimLeft(b[n:], " \t")
	if len(b)-len(target)-n > maxBlanks {
		return No
	}
	return looksTarget(b[:n], target)
}

// looksStatusLine wants "HTTP/" or "HTTP " in any case, and a digit.
func looksStatusLine(b []byte) Verdict {
	const name = "http"
	n := min(len(b), len(name))
	if !hasPrefixFold(b[:n], name[:n]) {
		return No
	}
	b = b[n:]
	if len(b) > 0 && b[0] != '/' && b[0] != ' ' {
		return No
	}
	if len(b) < 2 {
		return Maybe
	}
	if isDigit(b[1]) || b[1] == ' ' {
		return Yes
	}
	return No
}

// looksTarget judges a method and the front of what follows it.
func looksTarget(method, target []byte) Verdict {
	if len(target) == 0 {
		return Maybe
	}
	if string(method) == "PRI" && target[0] == '*' {
		return No // RFC 9113 section 3.4, the preface of HTTP/2
	}
	if isCommonMethod(method) {
		switch v := looksURL(target); {
		case v == Yes:
			return Yes
		case v == Maybe:
			return Maybe
		}
	}
	for _, c := range target[:min(len(target), checkedTarget)] {
		if c == '\r' || c == '\n' {
			break
		}
		if c != '\t' && (c < ' ' || c == 0x7f) {
			return No
		}
	}
	return Maybe
}

// urlStarts are the fronts of targets that need no more proof.
var urlStarts = [...]string{"/", "http://", "https://", "ws://", "wss://"}

func looksURL(target []byte) Verdict {
	v := No
	for _, s := range urlStarts {
		n := min(len(target), len(s))
		if !hasPrefixFold(target[:n], s[:n]) {
			continue
		}
		if n == len(s) {
			return Yes
		}
		v = Maybe
	}
	return v
}

// endsInVersion tells whether a line ends in HTTP/ and a digit.
func endsInVersion(line []byte) bool {
	line = trimSpace(line)
	i := bytes.LastIndexAny(line, " \t")
	if i < 0 {
		return false
	}
	word := line[i+1:]
	return len(word) > 5 && hasPrefixFold(word, "http/") && isDigit(word[5])
}

// resumesAt tells whether a message may go on at b after a gap: a whole start
// line with its version, or the front of one with a common method.
func (p *Parser) resumesAt(b []byte) bool {
	if p.kind == Response {
		const version = "HTTP/1."
		n := min(len(b), len(version))
		if string(b[:n]) != version[:n] {
			return false
		}
		i := bytes.IndexByte(b, '\n')
		return i < 0 || statusOf(b[:i]) != 0
	}
	i := bytes.IndexByte(b[:min(len(b), MaxHead)], '\n')
	if i >= 0 {
		return looks(Request, b) == Yes && endsInVersion(b[:i])
	}
	if looks(Request, b) == No {
		return false
	}
	j := bytes.IndexAny(b[:min(len(b), maxMethod)], " \t")
	if j < 0 {
		return frontsMethod(b)
	}
	return isCommonMethod(b[:j])
}

func isCommonMethod(b []byte) bool {
	for _, m := range commonMethods {
		if string(b) == m {
			return true
		}
	}
	return false
}

func frontsMethod(b []byte) bool {
	for _, m := range commonMethods {
		if len(b) <= len(m) && string(b) == m[:len(b)] {
			return true
		}
	}
	return false
}

func isMethodByte(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '-' || c == '_'
}
