package http1

import (
	"slices"
	"strconv"
	"strings"
)

// Limits of a Sec-WebSocket-Extensions list; what is beyond them is left out
// and makes the list not ok.
const (
	MaxExtensions = 64 // elements
	MaxParams     = 64 // parameters of one element
	maxShownName  = 64 // bytes of an unknown name in a problem's text
)

// Extension is one element of Sec-WebSocket-Extensions (RFC 6455 section 9.1).
type Extension struct {
	Name   string
	Params []Param // in order, repetitions kept
}

// Param is a parameter of an extension.
type Param struct {
	Name     string
	Value    string // without quotes
	HasValue bool   // there is an equals sign
	Quoted   bool
}

// String writes the extension as it would stand in a header field.
func (e Extension) String() string {
	var b strings.Builder
	b.WriteString(e.Name)
	for _, p := range e.Params {
		b.WriteString("; " + p.Name)
		switch {
		case p.Quoted:
			b.WriteString(`="` + p.Value + `"`)
		case p.HasValue:
			b.WriteString("=" + p.Value)
		}
	}
	return b.String()
}

// ParseExtensions parses the values of all Sec-WebSocket-Extensions fields of
// a head. ok is false where one departs from the grammar; what could be read
// is returned all the same. RFC 6455 section 9.1:
//
//	extension = extension-token *( ";" extension-param )
//	extension-param = token [ "=" (token | quoted-string) ]
func ParseExtensions(values []string) (list []Extension, ok bool) {
	ok = true
	for _, item := range ParseList(values...) {
		if len(list) == MaxExtensions {
			return list, false
		}
		ext, fine := parseExtension(item)
		list, ok = append(list, ext), ok && fine
	}
	return list, ok && (len(list) > 0 || len(values) == 0)
}

func parseExtension(item string) (Extension, bool) {
	name, rest := cutQuoted(item, ';')
	more := len(name) < len(item)
	ext := Extension{Name: strings.Trim(name, " \t")}
	ok := isToken(ext.Name)
	for more {
		if len(ext.Params) == MaxParams {
			return ext, false
		}
		var text string
		before := len(rest)
		text, rest = cutQuoted(rest, ';')
		more = len(text) < before
		p, fine := parseParam(strings.Trim(text, " \t"))
		ok = ok && fine
		if p.Name != "" {
			ext.Params = append(ext.Params, p)
		}
	}
	return ext, ok
}

func parseParam(text string) (Param, bool) {
	name, value, has := strings.Cut(text, "=")
	p := Param{Name: strings.Trim(name, " \t"), Value: strings.Trim(value, " \t"), HasValue: has}
	whole := true
	if strings.HasPrefix(p.Value, `"`) {
		p.Quoted = true
		p.Value, whole = unquote(p.Value)
	}
	// "When using the quoted-string syntax variant, the value after
	// quoted-string unescaping MUST conform to the 'token' ABNF."
	return p, whole && isToken(p.Name) && (!has || isToken(p.Value))
}

// unquote takes the quotes and backslashes off; false if the quotes do not
// enclose all of s.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i == len(s)-1
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), false
}

// DeflateName is the extension of RFC 7692.
const DeflateName = "permessage-deflate"

// Deflate holds the parameters of permessage-deflate (RFC 7692 section 7.1).
// Window bits are 8 to 15, or 0 where there are none.
type Deflate struct {
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool
	ServerMaxWindowBits     int
	ClientMaxWindowBits     int
	// ClientMaxWindowBitsOffered: client_max_window_bits stands there, in an
	// offer perhaps without a value.
	ClientMaxWindowBitsOffered bool
}

// ParseDeflate reads the parameters of a permessage-deflate element, offered
// by a client or answered by a server. Each problem is a text; RFC 7692
// section 7.1 makes every one a reason to decline the offer or to fail the
// connection.
func ParseDeflate(ext Extension, answered bool) (d Deflate, problems []string) {
	for i, p := range ext.Params {
		if slices.ContainsFunc(ext.Params[:i], func(q Param) bool { return q.Name == p.Name }) {
			problems = append(problems, "parameter "+shown(p.Name)+" appears more than once")
			continue
		}
		if text := d.take(p, answered); text != "" {
			problems = append(problems, text)
		}
	}
	return d, problems
}

// PlainDeflate reads, without allocating, a list that holds one permessage-deflate
// with nothing wrong. Where it is not so, ParseExtensions and ParseDeflate tell what is.
func PlainDeflate(value string, answered bool) (d Deflate, ok bool) {
	name, rest, more := strings.Cut(value, ";")
	if strings.Trim(name, " \t") != DeflateName {
		return d, false
	}
	for more {
		var text string
		text, rest, more = strings.Cut(rest, ";")
		name, number, has := strings.Cut(strings.Trim(text, " \t"), "=")
		p := Param{Name: name, Value: number, HasValue: has}
		if d.take(p, answered) != "" || strings.Contains(rest, name) {
			return d, false // wrong, quoted, of another extension, or there twice
		}
	}
	return d, true
}

// take sets one parameter, or tells what is wrong with it.
func (d *Deflate) take(p Param, answered bool) string {
	switch p.Name {
	case "server_no_context_takeover":
		d.ServerNoContextTakeover = true
	case "client_no_context_takeover":
		d.ClientNoContextTakeover = true
	case "server_max_window_bits":
		return windowBits(p, &d.ServerMaxWindowBits)
	case "client_max_window_bits":
		d.ClientMaxWindowBitsOffered = true
		if !p.HasValue && !answered {
			return ""
		}
		return windowBits(p, &d.ClientMaxWindowBits)
	default:
		return "unknown parameter " + shown(p.Name)
	}
	if p.HasValue {
		return "parameter " + p.Name + " must not have a value"
	}
	return ""
}

func shown(s string) string { return s[:min(len(s), maxShownName)] }

// windowBits: "a decimal integer value without leading zeroes between 8 to 15,
// inclusive".
func windowBits(p Param, bits *int) string {
	if !p.HasValue {
		return "parameter " + p.Name + " must have a value"
	}
	if v := p.Value; len(v) == 1 && (v == "8" || v == "9") || len(v) == 2 && v[0] == '1' && '0' <= v[1] && v[1] <= '5' {
		*bits, _ = strconv.Atoi(v)
		return ""
	}
	return "parameter " + p.Name + " has the invalid value " + shown(p.Value)
}

// Answers tells what is wrong with d as the answer to these offers; nothing if
// it fits one of them. It speaks of the last offer where none fits.
func (d Deflate) Answers(offers []Deflate) []string {
	if len(offers) == 0 {
		return []string{DeflateName + " was not offered"}
	}
	var problems []string
	for _, offer := range offers {
		if problems = d.fits(offer); len(problems) == 0 {
			return nil
		}
	}
	return problems
}

func (d Deflate) fits(offer Deflate) (problems []string) {
	// Section 7.1.1.1: "A server accepts an extension negotiation offer that
	// includes the 'server_no_context_takeover' extension parameter by
	// including" it in the response.
	if offer.ServerNoContextTakeover && !d.ServerNoContextTakeover {
		problems = append(problems, "server_no_context_takeover was offered and is missing")
	}
	// Section 7.1.2.1: "with the same or smaller value as the offer".
	if offer.ServerMaxWindowBits > 0 && (d.ServerMaxWindowBits == 0 || d.ServerMaxWindowBits > offer.ServerMaxWindowBits) {
		problems = append(problems, "server_max_window_bits is missing or larger than offered")
	}
	// Section 7.1.2.2: "the corresponding extension negotiation response to
	// the offer MUST NOT include the 'client_max_window_bits' extension
	// parameter."
	if d.ClientMaxWindowBitsOffered && !offer.ClientMaxWindowBitsOffered {
		problems = append(problems, "client_max_window_bits was not offered")
	}
	if offer.ClientMaxWindowBits > 0 && d.ClientMaxWindowBits > offer.ClientMaxWindowBits {
		problems = append(problems, "client_max_window_bits is larger than offered")
	}
	return problems
}
