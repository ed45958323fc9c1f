package http1

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
)

// acceptGUID: RFC 6455 section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AcceptFor is the Sec-WebSocket-Accept that a Sec-WebSocket-Key demands.
// RFC 6455 section 4.2.2: "the base64-encoded SHA-1 of the concatenation of
// the |Sec-WebSocket-Key| (as a string, not base64-decoded) with the string"
// acceptGUID, "but ignoring any leading and trailing whitespace".
func AcceptFor(key string) string { return AcceptLike(key, "") }

// AcceptLike is AcceptFor, and answer itself if that is the same: so the usual
// case costs no memory.
func AcceptLike(key, answer string) string {
	var space [128]byte
	sum := sha1.Sum(append(append(space[:0], strings.Trim(key, " \t")...), acceptGUID...))
	accept := base64.StdEncoding.AppendEncode(space[:0], sum[:])
	if string(accept) == answer {
		return answer
	}
	return string(accept)
}

// HasTrace tells whether a head shows any trace of WebSocket: an Upgrade field
// that lists websocket, or a field whose name begins with Sec-WebSocket-
// (RFC 6455 and the drafts before it).
func HasTrace(h *Head) bool {
	for i := range h.Fields {
		f := &h.Fields[i]
		if hasPrefixFold([]byte(f.Name), "sec-websocket-") {
			return true
		}
		if strings.EqualFold(f.Name, "Upgrade") && listsWebSocket([]byte(f.Value)) {
			return true
		}
	}
	return false
}

// ParseList splits list-based field values into their elements: RFC 9110
// section 5.6.1. Empty elements are left out; a comma in a quoted string
// separates nothing.
func ParseList(values ...string) []string {
	var items []string
	for _, value := range values {
		for value != "" {
			var item string
			item, value = cutQuoted(value, ',')
			if item = strings.Trim(item, " \t"); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

// cutQuoted cuts s at the first sep that is not in a quoted string.
func cutQuoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '\\' && quoted:
			i++
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
