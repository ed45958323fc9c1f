package socks

import (
	"bytes"
	"fmt"
)

// Verdict answers whether bytes look like SOCKS.
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

// maxOffered is how many methods a believable greeting offers.
const maxOffered = 16

// Looks tells whether the first bytes of a client, as far as it sent them
// before any answer, look like SOCKS. It is strict, for the first bytes 4 and 5
// are common in binary protocols: a message must be whole and end where the
// bytes end, or be followed by the next one. So Yes may turn into No where more
// bytes come.
func Looks(b []byte) Verdict {
	switch {
	case len(b) == 0:
		return Maybe
	case b[0] == 5:
		return looks5(b)
	case b[0] == 4:
		return looks4(b)
	}
	return No
}

func looks5(b []byte) Verdict {
	if len(b) == 1 {
		return Maybe
	}
	count := int(b[1])
	if count == 0 || count > maxOffered {
		return No
	}
	methods := b[2:min(len(b), 2+count)]
	for i, m := range methods {
		if (m > 9 && m < 0x80) || m == byte(NoAcceptable) || bytes.IndexByte(methods[:i], m) >= 0 {
			return No
		}
	}
	switch rest := b[2+len(methods):]; {
	case len(methods) < count:
		return Maybe
	case len(rest) == 0:
		return Yes
	case rest[0] == 1 && bytes.IndexByte(methods, byte(UserPassword)) >= 0:
		return followed(len(rest) < 2 || rest[1] > 0)
	default:
		return followed(frontsRequest5(rest))
	}
}

// frontsRequest5 compares what is there of VER CMD RSV ATYP.
func frontsRequest5(b []byte) bool {
	ok := b[0] == 5
	if len(b) > 1 {
		_, known := commandNames[Command(b[1])]
		ok = ok && known
	}
	if len(b) > 2 {
		ok = ok && b[2] == 0
	}
	if len(b) > 3 {
		ok = ok && (b[3] == typeIPv4 || b[3] == typeDomain || b[3] == typeIPv6)
	}
	return ok
}

func followed(ok bool) Verdict {
	if ok {
		return Yes
	}
	return No
}

// looks4 wants CONNECT or BIND, a port, an address, a printable user and, in
// SOCKS4a, a host name, and nothing behind.
func looks4(b []byte) Verdict {
	if len(b) > 1 && b[1] != byte(Connect) && b[1] != byte(Bind) {
		return No
	}
	if len(b) > 3 && b[2] == 0 && b[3] == 0 {
		return No
	}
	if len(b) < 8 {
		return Maybe
	}
	if b[4] == 0 && (b[5] != 0 || b[6] != 0 || b[7] == 0) {
		return No // 0.0.0.0/8 but for SOCKS4a
	}
	v, rest := looksText(b[8:], false)
	if v == Yes && b[4] == 0 {
		v, rest = looksText(rest, true)
	}
	if v == Yes && len(rest) > 0 {
		return No
	}
	return v
}

// looksText judges a text that ends with NUL, and returns what follows it.
func looksText(b []byte, name bool) (Verdict, []byte) {
	text, rest, whole := bytes.Cut(b, []byte{0})
	if len(text) > MaxText || (name && whole && len(text) == 0) {
		return No, nil
	}
	for _, c := range text {
		if c < ' ' || c > '~' || (name && (c == ' ' || c == '/' || c == '"')) {
			return No, nil
		}
	}
	if !whole {
		return Maybe, nil
	}
	return Yes, rest
}
