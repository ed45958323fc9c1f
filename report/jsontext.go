package report

import (
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// jsonText appends JSON to buf, byte for byte what encoding/json would write
// without escaping HTML, and [encoder.printable] make of it; but it needs no reflection, and
// connections are many. A value of the wrong kind cannot be written: only numbers
// that are none set bad.
type jsonText struct {
	buf []byte
	bad bool // a number that JSON cannot express

	second int64  // the last time that was written, in whole seconds,
	stamp  []byte // and its text up to there
}

const hexDigits = "0123456789abcdef"

// next puts a comma before a value or a key, unless it is the first of its list or object.
func (j *jsonText) next() {
	switch j.buf[len(j.buf)-1] {
	case '{', '[', ':':
	default:
		j.buf = append(j.buf, ',')
	}
}

// key begins a member of an object; names of keys need no escapes.
func (j *jsonText) key(name string) {
	j.next()
	j.buf = append(j.buf, '"')
	j.buf = append(j.buf, name...)
	j.buf = append(j.buf, '"', ':')
}

func (j *jsonText) begin(bracket byte) { j.buf = append(j.buf, bracket) }
func (j *jsonText) end(bracket byte)   { j.buf = append(j.buf, bracket) }

// object begins a member that is an object.
func (j *jsonText) object(name string) {
	j.key(name)
	j.begin('{')
}

// list begins a member that is a list.
func (j *jsonText) list(name string) {
	j.key(name)
	j.begin('[')
}

func (j *jsonText) text(name, value string) {
	j.key(name)
	j.quote(value)
}

// some writes a member unless it is empty.
func (j *jsonText) some(name, value string) {
	if value != "" {
		j.text(name, value)
	}
}

// texts writes a list of strings unless it is empty.
func (j *jsonText) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	j.list(name)
	for _, value := range values {
		j.next()
		j.quote(value)
	}
	j.end(']')
}

func (j *jsonText) number(name string, n int64) {
	j.key(name)
	j.buf = strconv.AppendInt(j.buf, n, 10)
}

// count writes a number unless it is 0.
func (j *jsonText) count(name string, n int64) {
	if n != 0 {
		j.number(name, n)
	}
}

func (j *jsonText) boolean(name string, is bool) {
	j.key(name)
	j.buf = strconv.AppendBool(j.buf, is)
}

// decimal writes a number as ECMAScript does, which encoding/json follows.
func (j *jsonText) decimal(name string, f float64) {
	j.key(name)
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		j.bad = true
	case abs < 1e15 && f == math.Trunc(f) && (f != 0 || !math.Signbit(f)):
		j.buf = strconv.AppendInt(j.buf, int64(f), 10)
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		j.buf = strconv.AppendFloat(j.buf, f, 'e', -1, 64)
		if n := len(j.buf); n >= 4 && j.buf[n-4] == 'e' && j.buf[n-2] == '0' { // e-09 is written e-9
			j.buf[n-2] = j.buf[n-1]
			j.buf = j.buf[:n-1]
		}
	default:
		j.buf = strconv.AppendFloat(j.buf, f, 'f', -1, 64)
	}
}

// measured writes a number that may be unknown.
func (j *jsonText) measured(name string, f *float64) {
	if f != nil {
		j.decimal(name, *f)
	}
}

// time writes a time by RFC 3339 with the digits that it needs. Times come in
// order, mostly: the second is formatted once.
func (j *jsonText) time(name string, t record.Time) {
	j.key(name)
	second, nanos := int64(t)/1e9, int64(t)%1e9
	if nanos < 0 {
		second, nanos = second-1, nanos+1e9
	}
	if second != j.second || j.stamp == nil {
		j.second = second
		j.stamp = time.Unix(second, 0).UTC().AppendFormat(append(j.stamp[:0], '"'), "2006-01-02T15:04:05")
	}
	j.buf = append(j.buf, j.stamp...)
	if nanos != 0 {
		digits := [10]byte{0: '.'}
		for i := 9; i > 0; i-- {
			digits[i] = byte('0' + nanos%10)
			nanos /= 10
		}
		n := len(digits)
		for digits[n-1] == '0' {
			n--
		}
		j.buf = append(j.buf, digits[:n]...)
	}
	j.buf = append(j.buf, 'Z', '"')
}

func (j *jsonText) address(name string, a netip.AddrPort) {
	j.key(name)
	if a.Addr().Zone() != "" { // which may hold anything
		j.quote(a.String())
		return
	}
	j.buf = append(j.buf, '"')
	j.buf, _ = a.AppendText(j.buf) // fails for none
	j.buf = append(j.buf, '"')
}

// quote writes a string: what JSON demands is escaped, and what deceives a reader.
func (j *jsonText) quote(s string) {
	j.buf = append(j.buf, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b < 0x7f && b != '"' && b != '\\' {
			i++
			continue
		}
		r, n := rune(b), 1
		if b >= utf8.RuneSelf {
			if r, n = utf8.DecodeRuneInString(s[i:]); n > 1 && !deceptive(r) {
				i += n
				continue
			}
		}
		j.buf = append(j.buf, s[done:i]...)
		j.escape(r)
		i += n
		done = i
	}
	j.buf = append(j.buf, s[done:]...)
	j.buf = append(j.buf, '"')
}

func (j *jsonText) escape(r rune) {
	short := byte(0)
	switch r {
	case '"', '\\':
		short = byte(r)
	case '\b':
		short = 'b'
	case '\f':
		short = 'f'
	case '\n':
		short = 'n'
	case '\r':
		short = 'r'
	case '\t':
		short = 't'
	}
	switch {
	case short != 0:
		j.buf = append(j.buf, '\\', short)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		j.unit(high)
		j.unit(low)
	default:
		j.unit(r)
	}
}

// unit writes a UTF-16 code unit.
func (j *jsonText) unit(r rune) {
	j.buf = append(j.buf, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
