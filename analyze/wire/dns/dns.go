// Package dns parses DNS messages (RFC 1035) as far as names of addresses go:
// the question, the return code, and answers of the types A, AAAA, CNAME and
// HTTPS/SVCB (RFC 9460). It is pure: bytes in, values out.
//
// Most callers need only [Parse] for UDP and [Stream.Feed] for TCP.
package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Limits. What is beyond them is left out, and Message.More says so.
const (
	// MaxAnswers is how many answers of one message are kept.
	MaxAnswers = 64
	// MaxName is the longest name, as text (RFC 1035 section 2.3.4).
	MaxName = 255
	// maxJumps bounds the compression pointers of one name.
	maxJumps = 32
	// MaxMessage is the longest message over TCP (RFC 1035 section 4.2.2).
	MaxMessage = 1<<16 - 1
)

// Type is the type of a record.
type Type uint16

const (
	TypeA     Type = 1
	TypeCNAME Type = 5
	TypePTR   Type = 12
	TypeAAAA  Type = 28
	TypeSVCB  Type = 64
	TypeHTTPS Type = 65
)

var typeNames = map[Type]string{TypeA: "A", TypeCNAME: "CNAME", TypePTR: "PTR", TypeAAAA: "AAAA", TypeSVCB: "SVCB", TypeHTTPS: "HTTPS"}

// String names the type; TYPE and its number where it has no name here (RFC 3597).
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("TYPE%d", uint16(t))
}

// Rcode is the return code (RFC 1035 section 4.1.1, RFC 2136, RFC 6895).
type Rcode uint8

const (
	NoError  Rcode = 0
	FormErr  Rcode = 1
	ServFail Rcode = 2
	NXDomain Rcode = 3
	NotImp   Rcode = 4
	Refused  Rcode = 5
)

var rcodeNames = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}

// String names the code as resolvers do.
func (r Rcode) String() string {
	if int(r) < len(rcodeNames) {
		return rcodeNames[r]
	}
	return fmt.Sprintf("RCODE%d", uint8(r))
}

// Message is one query or response. Its memory is used again by the next Parse.
type Message struct {
	ID        uint16
	Response  bool
	Truncated bool // by its sender: the answer is asked for again over TCP
	Rcode     Rcode
	Name      string // of the first question, without the dot at its end, in lower case
	Type      Type
	Questions int
	Answers   []Answer
	More      bool // answers were left out because of a limit
	Cut       bool // the message ends within its answers
}

// Answer is one record of the answer section: an address, or a name that leads
// to one. An HTTPS record with address hints gives one Answer for each.
type Answer struct {
	Name   string
	Type   Type
	Addr   netip.Addr // A, AAAA, hints of SVCB and HTTPS
	Target string     // CNAME, SVCB, HTTPS
	TTL    uint32
}

// Errors of Parse: the bytes are no DNS message.
var (
	ErrShort    = errors.New("shorter than a DNS header")
	ErrQuestion = errors.New("the question cannot be read")
	ErrOpcode   = errors.New("no query (opcode 0) of class IN")
)

const headerLength = 12

// Parse reads a message as UDP carries it. What follows a cut is left out and
// Cut is set; an error means that it is no message about addresses at all.
func Parse(b []byte, m *Message) error {
	*m = Message{Answers: m.Answers[:0]}
	if len(b) < headerLength {
		return ErrShort
	}
	m.ID = binary.BigEndian.Uint16(b)
	bits := binary.BigEndian.Uint16(b[2:])
	m.Response, m.Truncated, m.Rcode = bits&0x8000 != 0, bits&0x0200 != 0, Rcode(bits&0xf)
	if bits>>11&0xf != 0 {
		return ErrOpcode
	}
	m.Questions = int(binary.BigEndian.Uint16(b[4:]))
	answers := int(binary.BigEndian.Uint16(b[6:]))
	at := headerLength
	for i := range m.Questions {
		name, next, ok := readName(b, at)
		if !ok || next+4 > len(b) {
			return ErrQuestion
		}
		if i == 0 {
			m.Name, m.Type = name, Type(binary.BigEndian.Uint16(b[next:]))
			// The highest bit asks for a unicast answer in mDNS (RFC 6762 section 5.4).
			if class := binary.BigEndian.Uint16(b[next+2:]) &^ 0x8000; class != 1 {
				return ErrOpcode
			}
		}
		at = next + 4
	}
	for range answers {
		if at = m.record(b, at); at < 0 {
			m.Cut = true
			break
		}
	}
	return nil
}

// record reads one record and returns where the next begins; -1 if it is cut.
func (m *Message) record(b []byte, at int) int {
	name, at, ok := readName(b, at)
	if !ok || at+10 > len(b) {
		return -1
	}
	kind := Type(binary.BigEndian.Uint16(b[at:]))
	a := Answer{Name: name, Type: kind, TTL: binary.BigEndian.Uint32(b[at+4:])}
	length := int(binary.BigEndian.Uint16(b[at+8:]))
	at += 10
	if at+length > len(b) {
		return -1
	}
	data := b[at : at+length]
	switch {
	case kind == TypeA && length == 4, kind == TypeAAAA && length == 16:
		a.Addr, _ = netip.AddrFromSlice(data)
		m.add(a)
	case kind == TypeCNAME:
		if target, _, ok := readName(b, at); ok {
			a.Target = target
			m.add(a)
		}
	case kind == TypeSVCB || kind == TypeHTTPS:
		m.service(b, at, at+length, a)
	}
	return at + length
}

func (m *Message) add(a Answer) {
	if len(m.Answers) >= MaxAnswers {
		m.More = true
		return
	}
	m.Answers = append(m.Answers, a)
}

// Keys of service parameters that hold addresses (RFC 9460 section 14.3.2).
const (
	keyIPv4Hint = 4
	keyIPv6Hint = 6
)

// service reads the data of an SVCB or HTTPS record (RFC 9460 section 2.2):
// priority, target, then parameters in order of their keys.
func (m *Message) service(b []byte, at, end int, a Answer) {
	if at+2 > end {
		return
	}
	target, at, ok := readName(b, at+2)
	if !ok || at > end {
		return
	}
	// "For ServiceMode SVCB RRs, if TargetName has the value "." (represented in the wire format as a
	// zero-length label), then the owner name of this record MUST be used" (RFC 9460 section 2.5.2)
	if a.Target = target; target == "" {
		a.Target = a.Name
	}
	hints := false
	for at+4 <= end {
		key, length := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		at += 4
		if at+length > end {
			break
		}
		size := 0
		switch key {
		case keyIPv4Hint:
			size = 4
		case keyIPv6Hint:
			size = 16
		}
		for from := at; size > 0 && from+size <= at+length; from += size {
			a.Addr, _ = netip.AddrFromSlice(b[from : from+size])
			m.add(a)
			hints = true
		}
		at += length
	}
	if !hints {
		a.Addr = netip.Addr{}
		m.add(a)
	}
}

// readName reads a name, following compression pointers (RFC 1035 section
// 4.1.4), and returns where the data behind it goes on. Letters become small, and
// bytes that a host name cannot have become '?'.
func readName(b []byte, at int) (name string, next int, ok bool) {
	var text [MaxName]byte
	n, jumps := 0, 0
	next = -1
	for {
		if at >= len(b) {
			return "", 0, false
		}
		length := int(b[at])
		switch {
		case length == 0:
			if next < 0 {
				next = at + 1
			}
			return string(text[:n]), next, true
		case length&0xc0 == 0xc0:
			if at+2 > len(b) || jumps == maxJumps {
				return "", 0, false
			}
			if next < 0 {
				next = at + 2
			}
			jumps++
			at = int(binary.BigEndian.Uint16(b[at:]) & 0x3fff)
		case length&0xc0 != 0 || at+1+length > len(b) || n+1+length > MaxName:
			return "", 0, false
		default:
			if n > 0 {
				text[n] = '.'
				n++
			}
			for _, c := range b[at+1 : at+1+length] {
				text[n] = plain(c)
				n++
			}
			at += 1 + length
		}
	}
}

func plain(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c >= 0x80:
		return c
	}
	return '?'
}
