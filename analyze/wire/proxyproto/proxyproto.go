// Package proxyproto reads the PROXY protocol header, version 1 (text) and 2
// (binary), that a proxy puts before a connection's first byte (HAProxy's
// proxy-protocol.txt).
//
// Most callers need only [Parse].
package proxyproto

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Limits: how many bytes a caller may have to hold until Parse is done.
const (
	// MaxV1 is the longest line that is read as version 1. The longest that
	// the document allows has 107 bytes.
	MaxV1 = 512
	// MaxV2 is the longest version 2 header: a 16-bit length behind 16 bytes.
	MaxV2 = headerLength + 0xffff
	// maxLine is the longest version 1 line: "a 108-byte buffer is always
	// enough to store all the line and a trailing zero".
	maxLine = 107

	headerLength  = 16
	maxViolations = 16
)

// signature opens version 2.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// prefix opens version 1.
var prefix = []byte("PROXY ")

// Status is what Parse made of the bytes.
type Status uint8

const (
	No   Status = iota // no PROXY header
	More               // so far they may be one: more bytes are needed
	OK                 // a header, perhaps with violations
	Bad                // one begins, and a receiver must abort the connection
)

var statusNames = [...]string{"no", "more", "ok", "bad"}

// String names the status.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Family is the family and transport of the addresses: the high and the low
// four bits of version 2's byte.
type Family uint8

const (
	Unspecified Family = 0x00 // UNKNOWN in version 1
	TCP4        Family = 0x11
	UDP4        Family = 0x12
	TCP6        Family = 0x21
	UDP6        Family = 0x22
	UnixStream  Family = 0x31
	UnixDgram   Family = 0x32
)

var familyNames = map[Family]string{
	Unspecified: "unspecified", TCP4: "TCP over IPv4", UDP4: "UDP over IPv4", TCP6: "TCP over IPv6",
	UDP6: "UDP over IPv6", UnixStream: "UNIX stream", UnixDgram: "UNIX datagram",
}

// String names the family.
func (f Family) String() string {
	if name, ok := familyNames[f]; ok {
		return name
	}
	return fmt.Sprintf("family 0x%02x", uint8(f))
}

// ViolationCode names a departure from the document.
type ViolationCode uint8

const (
	BadLine         ViolationCode = iota + 1 // version 1: not six words, or an unknown protocol
	BadAddress                               // version 1: not an address of the family
	BadPort                                  // version 1: not a number up to 65535, or with leading zeroes
	BareLF                                   // version 1: the line ends without CR
	ExtraSpaces                              // version 1: more than one space between words
	LineTooLong                              // version 1: more than 107 bytes
	BadVersion                               // version 2: the version is not 2
	UnknownCommand                           // version 2: neither LOCAL nor PROXY
	UnknownFamily                            // version 2: a family or transport that is not named
	AddressCutShort                          // version 2: the length has no room for the addresses
	TLVCutShort                              // version 2: a TLV runs over the end
	ChecksumWrong                            // version 2: the CRC32C does not match
)

var violationNames = [...]string{
	BadLine: "bad-line", BadAddress: "bad-address", BadPort: "bad-port", BareLF: "bare-lf", ExtraSpaces: "extra-spaces",
	LineTooLong: "line-too-long", BadVersion: "bad-version", UnknownCommand: "unknown-command", UnknownFamily: "unknown-family",
	AddressCutShort: "address-cut-short", TLVCutShort: "tlv-cut-short", ChecksumWrong: "checksum-wrong",
}

// String names the code.
func (c ViolationCode) String() string {
	if int(c) < len(violationNames) && violationNames[c] != "" {
		return violationNames[c]
	}
	return fmt.Sprintf("violation %d", uint8(c))
}

// Violation is one departure and its offset in the header.
type Violation struct {
	Code ViolationCode
	At   int
}

// Header is one PROXY header. It owns what it holds.
type Header struct {
	Version int
	// Local: the proxy speaks for itself (a health check); the addresses, if
	// any, mean nothing. UNKNOWN of version 1 is not Local.
	Local  bool
	Family Family
	// Source is the client's address and Destination the one it connected to;
	// not valid for UNKNOWN, UNSPEC and UNIX.
	Source, Destination         netip.AddrPort
	SourcePath, DestinationPath string // UNIX
	TLVs                        []TLV  // version 2, in order
	Violations                  []Violation
}

// Parse reads a header at the front of b. n is its length where that is known:
// with OK always, with Bad perhaps, else 0. Bytes behind it belong to the
// connection. For More, call again with all bytes and those that follow.
func Parse(b []byte) (h Header, n int, s Status) {
	switch {
	case len(b) == 0:
		return h, 0, More
	case bytes.HasPrefix(b, signature):
		h.Version = 2
		n, s = h.binary(b)
	case bytes.HasPrefix(b, prefix):
		h.Version = 1
		n, s = h.text(b)
	case bytes.HasPrefix(signature, b), bytes.HasPrefix(prefix, b):
		return h, 0, More
	}
	return h, n, s
}

func (h *Header) violate(code ViolationCode, at int) {
	if len(h.Violations) < maxViolations {
		h.Violations = append(h.Violations, Violation{code, at})
	}
}

// bad notes why a receiver must abort.
func (h *Header) bad(n int, code ViolationCode, at int) (int, Status) {
	h.violate(code, at)
	return n, Bad
}
