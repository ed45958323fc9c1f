package http1

import "strings"

// Head is a start line with its header fields. It owns its strings.
type Head struct {
	Kind    Kind
	Method  string // of a request
	Target  string // of a request, as it stands
	Version string // "HTTP/1.1"; empty if the line has none
	Status  int    // of a response; 0 if it is not three digits
	Reason  string // of a response
	Fields  []Field
	// Start is the stream offset of the start line, End the one behind the
	// empty line.
	Start, End int64
	// Violations in the order of their place in the head, at most
	// MaxViolations; MoreViolations counts the others.
	Violations     []Violation
	MoreViolations int
	// Truncated: the head is cut short by the end of the bytes, or by MaxHead
	// or MaxFields.
	Truncated bool

	sieve uint64 // which names may be there, by nameBit; 0: not known
}

// Field is one header field as it came: case, order and repetition are kept.
type Field struct {
	Name  string
	Value string // without the white space around it; folded lines are joined by one space
	// Start and End are the stream offsets of its line or, if it is folded,
	// lines, with the line end.
	Start, End int64
	Folded     bool // obs-fold, RFC 9112 section 5.2
}

// isNamed compares lengths and first letters first, for most names differ in them.
func isNamed(f *Field, name string) bool {
	return len(f.Name) == len(name) && (f.Name == name || f.Name[0]|0x20 == name[0]|0x20 && strings.EqualFold(f.Name, name))
}

// append adds a field that was parsed.
func (h *Head) append(f Field) {
	h.sieve |= nameBit(f.Name)
	h.Fields = append(h.Fields, f)
}

// may tells, for most names that are not there, that there is no field of this name.
func (h *Head) may(name string) bool { return h.sieve == 0 || h.sieve&nameBit(name) != 0 }

// nameBit is a bit for the length and the first letter of a name.
func nameBit(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((uint(len(name))*7 + uint(name[0]|0x20)*3) & 63)
}

// Get returns the value of the first field of this name, in any case.
func (h *Head) Get(name string) (string, bool) {
	if !h.may(name) {
		return "", false
	}
	fields := h.Fields
	for i := range fields {
		if f := &fields[i]; isNamed(f, name) {
			return f.Value, true
		}
	}
	return "", false
}

// Values returns the values of all fields of this name, in order.
func (h *Head) Values(name string) []string {
	if !h.may(name) {
		return nil
	}
	var values []string
	for i := range h.Fields {
		if isNamed(&h.Fields[i], name) {
			values = append(values, h.Fields[i].Value)
		}
	}
	return values
}

// Count tells how many fields have this name.
func (h *Head) Count(name string) int {
	if !h.may(name) {
		return 0
	}
	n := 0
	for i := range h.Fields {
		if isNamed(&h.Fields[i], name) {
			n++
		}
	}
	return n
}

// Has tells whether there is a field of this name.
func (h *Head) Has(name string) bool {
	_, ok := h.Get(name)
	return ok
}

// List returns the elements of a list-based field over all its repetitions
// (RFC 9110 section 5.6.1).
func (h *Head) List(name string) []string { return ParseList(h.Values(name)...) }

// HasToken tells whether a list-based field has this element, in any case.
func (h *Head) HasToken(name, token string) bool {
	if !h.may(name) {
		return false
	}
	for i := range h.Fields {
		if !isNamed(&h.Fields[i], name) {
			continue
		}
		for item, rest := "", h.Fields[i].Value; rest != ""; {
			item, rest = cutQuoted(rest, ',')
			if item = strings.Trim(item, " \t"); len(item) == len(token) && strings.EqualFold(item, token) {
				return true
			}
		}
	}
	return false
}

// RequestBody tells how the body of a request is delimited (RFC 9112 section
// 6.3); the length is that of a Counted one.
func (h *Head) RequestBody() (BodyKind, int64) {
	f := h.framing()
	return f.requestBody()
}

// ResponseBody tells how the body of a response to requestMethod is delimited
// (RFC 9112 section 6.3): there is none after HEAD, in 1xx, 204 and 304, nor
// in a 2xx to CONNECT. An unknown method is taken for GET.
func (h *Head) ResponseBody(requestMethod string) (BodyKind, int64) {
	f := h.framing()
	return f.responseBody(h.Status, requestMethod)
}

func (h *Head) framing() framing {
	var f framing
	for i := range h.Fields {
		switch name := h.Fields[i].Name; {
		case len(name) == len("Content-Length") && strings.EqualFold(name, "Content-Length"):
			f.addLength([]byte(h.Fields[i].Value))
		case len(name) == len("Transfer-Encoding") && strings.EqualFold(name, "Transfer-Encoding"):
			f.addCoding([]byte(h.Fields[i].Value))
		}
	}
	return f
}
