package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// text reads version 1: "PROXY" SP protocol SP source SP destination SP source
// port SP destination port CRLF (section 2.1).
func (h *Header) text(b []byte) (int, Status) {
	i := bytes.IndexByte(b[:min(len(b), MaxV1)], '\n')
	if i < 0 && len(b) < MaxV1 {
		return 0, More
	}
	if i < 0 {
		return h.bad(0, LineTooLong, 0)
	}
	n := i + 1
	line, whole := strings.CutSuffix(string(b[:i]), "\r")
	if !whole {
		h.violate(BareLF, i)
	}
	if n > maxLine {
		h.violate(LineTooLong, maxLine)
	}
	words := strings.Fields(line)
	if strings.Join(words, " ") != line {
		h.violate(ExtraSpaces, 0)
	}
	// "For "UNKNOWN", the rest of the line before the CRLF may be omitted by the
	// sender, and the receiver must ignore anything presented before the CRLF
	// is found."
	if len(words) > 1 && words[1] == "UNKNOWN" {
		return n, OK
	}
	return h.words(words, n)
}

// words reads the fields of a line for TCP4 or TCP6.
func (h *Header) words(words []string, n int) (int, Status) {
	if len(words) != 6 {
		return h.bad(n, BadLine, 0)
	}
	switch words[1] {
	case "TCP4":
		h.Family = TCP4
	case "TCP6":
		h.Family = TCP6
	default:
		return h.bad(n, BadLine, len(prefix))
	}
	source, ok1 := h.address(words[2])
	destination, ok2 := h.address(words[3])
	if !ok1 || !ok2 {
		return h.bad(n, BadAddress, len(prefix))
	}
	sourcePort, ok1 := h.port(words[4])
	destinationPort, ok2 := h.port(words[5])
	if !ok1 || !ok2 {
		return h.bad(n, BadPort, len(prefix))
	}
	h.Source = netip.AddrPortFrom(source, sourcePort)
	h.Destination = netip.AddrPortFrom(destination, destinationPort)
	return n, OK
}

func (h *Header) address(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == "" && a.Is4() == (h.Family == TCP4)
}

// port: "a decimal integer in the range [0..65535] inclusive. Heading zeroes
// are not permitted"; here they are tolerated.
func (h *Header) port(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err == nil && strconv.FormatUint(n, 10) != s {
		h.violate(BadPort, len(prefix))
	}
	return uint16(n), err == nil
}
