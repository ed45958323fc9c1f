package http1

import "math/bits"

// Nearly all lines are plain: of the form that RFC 9112 asks for, with a CRLF,
// no folding and no control character. They are taken here in one pass; what is
// not plain is left to the builder's other half, which judges it.

const versionLength = len("HTTP/1.1")

func isVersion(s string) bool { return s == "HTTP/1.1" || s == "HTTP/1.0" }

// plainStart takes a plain start line and returns its length; 0 if it is not plain.
func (b *builder) plainStart() int {
	if b.h.Kind == Request {
		return b.plainRequest()
	}
	return b.plainStatus()
}

// plainRequest: "request-line = method SP request-target SP HTTP-version".
func (b *builder) plainRequest() int {
	s := b.text
	method := tokenLength(s)
	if method == 0 || method == len(s) || s[method] != ' ' {
		return 0
	}
	target := method + 1
	i := target
	for i < len(s) && classes[s[i]]&(control|blank) == 0 {
		i++
	}
	version := i + 1
	end := version + versionLength
	if i == target || end+2 > len(s) || s[i] != ' ' || !isVersion(s[version:end]) || s[end:end+2] != "\r\n" {
		return 0
	}
	b.h.Method, b.h.Target, b.h.Version = s[:method], s[target:i], s[version:end]
	return end + 2
}

// plainStatus: "status-line = HTTP-version SP status-code SP [ reason-phrase ]".
func (b *builder) plainStatus() int {
	const code, reason = versionLength + 1, versionLength + 5
	s := b.text
	if len(s) < reason+2 || !isVersion(s[:versionLength]) || s[code-1] != ' ' || s[reason-1] != ' ' || classes[s[reason]]&(control|blank) != 0 {
		return 0
	}
	if s[code] < '1' || s[code] > '5' || !isDigit(s[code+1]) || !isDigit(s[code+2]) {
		return 0
	}
	i := reason + plainText(s[reason:])
	if i < reason {
		return 0
	}
	b.h.Version, b.h.Reason = s[:versionLength], s[reason:i]
	b.h.Status = int(s[code]-'0')*100 + int(s[code+1]-'0')*10 + int(s[code+2]-'0')
	return i + 2
}

// plainField takes the plain field line at text[pos:] and returns where the next
// one begins; 0 if it is not plain.
func (b *builder) plainField(pos int) int {
	s := b.text[pos:]
	name := tokenLength(s)
	if b.base+pos == 0 || name == 0 || name == len(s) || s[name] != ':' || len(b.h.Fields) >= MaxFields {
		return 0
	}
	value := name + 1
	for value < len(s) && classes[s[value]]&blank != 0 {
		value++
	}
	i := value + plainText(s[value:])
	if i < value {
		return 0
	}
	next, at := pos+i+2, b.h.Start+int64(b.base+pos)
	for i > value && classes[s[i-1]]&blank != 0 {
		i--
	}
	b.h.append(Field{Name: s[:name], Value: s[value:i], Start: at, End: b.h.Start + int64(b.base+next)})
	return next
}

// plainText is the length of what stands before the CRLF that ends the line; -1
// if another line end or a control character does.
func plainText(s string) int {
	n := 0
	for n = nextControl(s, n); n < len(s) && s[n] == '\t'; {
		n = nextControl(s, n+1)
	}
	if n+1 >= len(s) || s[n] != '\r' || s[n+1] != '\n' {
		return -1
	}
	return n
}

// nextControl is the place of the first control character in s[from:], a tab
// included; len(s) if there is none. It looks at eight bytes at once: taking
// 0x20 from a smaller byte borrows its top bit, and so does taking 1 from what
// is zero where the byte is DEL. Only what stands behind a hit may be wrong.
func nextControl(s string, from int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := from
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		deleted := x ^ 0x7f*ones
		if hit := ((x-0x20*ones)&^x | (deleted-ones)&^deleted) & tops; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return i
		}
	}
	return len(s)
}
