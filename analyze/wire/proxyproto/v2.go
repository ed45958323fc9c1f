package proxyproto

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
)

// Commands of version 2, the low four bits of its 13th byte.
const (
	commandLocal = 0x0
	commandProxy = 0x1
)

// TLVType is the type of a type-length-value vector (section 2.2).
type TLVType uint8

const (
	ALPN          TLVType = 0x01
	Authority     TLVType = 0x02 // the host name that the client asked for, as by SNI
	CRC32C        TLVType = 0x03
	NoOp          TLVType = 0x04
	UniqueID      TLVType = 0x05
	SSLInfo       TLVType = 0x20
	SSLVersion    TLVType = 0x21 // these to 0x28 stand within SSLInfo
	SSLCommonName TLVType = 0x22
	SSLCipher     TLVType = 0x23
	SSLSigAlg     TLVType = 0x24
	SSLKeyAlg     TLVType = 0x25
	SSLGroup      TLVType = 0x26
	SSLSigScheme  TLVType = 0x27
	SSLClientCert TLVType = 0x28
	NetNS         TLVType = 0x30
	Google        TLVType = 0xe0
	Amazon        TLVType = 0xea
	Azure         TLVType = 0xee
)

var tlvNames = map[TLVType]string{
	ALPN: "ALPN", Authority: "AUTHORITY", CRC32C: "CRC32C", NoOp: "NOOP", UniqueID: "UNIQUE_ID",
	SSLInfo: "SSL", SSLVersion: "SSL_VERSION", SSLCommonName: "SSL_CN", SSLCipher: "SSL_CIPHER",
	SSLSigAlg: "SSL_SIG_ALG", SSLKeyAlg: "SSL_KEY_ALG", SSLGroup: "SSL_GROUP", SSLSigScheme: "SSL_SIG_SCHEME",
	SSLClientCert: "SSL_CLIENT_CERT", NetNS: "NETNS", Google: "GCP", Amazon: "AWS", Azure: "AZURE",
}

// String is the document's name without PP2_TYPE_, or the type's range.
func (t TLVType) String() string {
	if name, ok := tlvNames[t]; ok {
		return name
	}
	switch {
	case t >= 0xf8:
		return fmt.Sprintf("future 0x%02x", uint8(t))
	case t >= 0xf0:
		return fmt.Sprintf("experimental 0x%02x", uint8(t))
	case t >= 0xe0:
		return fmt.Sprintf("custom 0x%02x", uint8(t))
	}
	return fmt.Sprintf("type 0x%02x", uint8(t))
}

// TLV is one vector.
type TLV struct {
	Type  TLVType
	Value []byte
}

// SSL is what an SSLInfo vector tells of the client's TLS connection.
type SSL struct {
	OverTLS    bool   // PP2_CLIENT_SSL
	ClientCert bool   // the client gave a certificate, here or earlier in the session
	Verified   bool   // it gave one that was verified
	Version    string // "TLSv1.3"
	CommonName string // of the client's certificate
	Cipher     string
	TLVs       []TLV // all vectors within
}

// binary reads version 2 (section 2.2).
func (h *Header) binary(b []byte) (int, Status) {
	if len(b) < headerLength {
		return 0, More
	}
	n := headerLength + int(binary.BigEndian.Uint16(b[14:]))
	// "The highest four bits contains the version. As of this specification, it
	// must always be sent as \x2 and the receiver must only accept this value."
	if b[12]>>4 != 2 {
		return h.bad(0, BadVersion, 12)
	}
	if len(b) < n {
		return 0, More
	}
	b = b[:n]
	h.Family = Family(b[13])
	switch b[12] & 0x0f {
	case commandLocal:
		h.Local = true
	case commandProxy:
	default:
		// "Receivers must drop connections presenting unexpected values here."
		return h.bad(n, UnknownCommand, 12)
	}
	rest, ok := h.addresses(b[headerLength:])
	if !ok && h.Local {
		return n, OK // its receiver must discard the address block
	}
	if !ok {
		return h.bad(n, AddressCutShort, headerLength)
	}
	h.vectors(b, n-len(rest))
	return n, OK
}

// addresses reads the address block; rest is what follows it.
func (h *Header) addresses(b []byte) (rest []byte, ok bool) {
	size := 0
	switch h.Family >> 4 {
	case 0:
		return b, true
	case 1:
		size = 4
	case 2:
		size = 16
	case 3:
		size = 108
	default:
		h.violate(UnknownFamily, 13)
		return nil, true
	}
	if _, known := familyNames[h.Family]; !known {
		h.violate(UnknownFamily, 13)
	}
	ports := 4
	if size == 108 {
		ports = 0
	}
	if len(b) < 2*size+ports {
		return nil, false
	}
	source, destination, rest := b[:size], b[size:2*size], b[2*size:]
	if ports == 0 {
		h.SourcePath, h.DestinationPath = path(source), path(destination)
		return rest, true
	}
	h.Source = addrPort(source, rest)
	h.Destination = addrPort(destination, rest[2:])
	return rest[ports:], true
}

func addrPort(addr, port []byte) netip.AddrPort {
	a, _ := netip.AddrFromSlice(addr)
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port))
}

// path is a UNIX address up to its padding; an abstract one begins with NUL.
func path(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }

// vectors reads the TLVs of header b from offset at, and its checksum.
func (h *Header) vectors(b []byte, at int) {
	tlvs, whole := cutTLVs(b[at:])
	h.TLVs = tlvs
	for _, v := range tlvs {
		if v.Type == CRC32C && !checksumRight(b, at+3, v.Value) {
			h.violate(ChecksumWrong, at)
		}
		at += 3 + len(v.Value)
	}
	if !whole {
		h.violate(TLVCutShort, at)
	}
}

// checksumRight checks a CRC32C vector (section 2.2.3): it is computed over the
// whole header, with zeroes in the place of the checksum, which is at b[at:].
func checksumRight(b []byte, at int, value []byte) bool {
	if len(value) != 4 {
		return false
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b[:at])
	sum = crc32.Update(sum, table, make([]byte, 4))
	return crc32.Update(sum, table, b[at+4:]) == binary.BigEndian.Uint32(value)
}

// maxTLVs bounds how many vectors are kept.
const maxTLVs = 256

// cutTLVs copies vectors; whole is false if the last one runs over the end, or
// there are more than maxTLVs.
func cutTLVs(b []byte) (tlvs []TLV, whole bool) {
	for len(b) > 0 {
		if len(b) < 3 || len(tlvs) == maxTLVs {
			return tlvs, false
		}
		end := 3 + int(binary.BigEndian.Uint16(b[1:]))
		if len(b) < end {
			return tlvs, false
		}
		tlvs = append(tlvs, TLV{TLVType(b[0]), bytes.Clone(b[3:end])})
		b = b[end:]
	}
	return tlvs, true
}

// Get returns the value of the first vector of a type.
func (h *Header) Get(t TLVType) ([]byte, bool) { return find(h.TLVs, t) }

// Text is Get as a string, empty if there is none.
func (h *Header) Text(t TLVType) string {
	value, _ := h.Get(t)
	return string(value)
}

func find(tlvs []TLV, t TLVType) ([]byte, bool) {
	for _, v := range tlvs {
		if v.Type == t {
			return v.Value, true
		}
	}
	return nil, false
}

// SSL reads the SSLInfo vector: flags, a 32-bit verify result (zero if the
// certificate was verified) and vectors within.
func (h *Header) SSL() (SSL, bool) {
	value, ok := h.Get(SSLInfo)
	if !ok || len(value) < 5 {
		return SSL{}, false
	}
	flags := value[0]
	tlvs, _ := cutTLVs(value[5:])
	s := SSL{OverTLS: flags&0x01 != 0, ClientCert: flags&0x06 != 0, TLVs: tlvs}
	s.Verified = s.ClientCert && binary.BigEndian.Uint32(value[1:]) == 0
	for t, text := range map[TLVType]*string{SSLVersion: &s.Version, SSLCommonName: &s.CommonName, SSLCipher: &s.Cipher} {
		v, _ := find(tlvs, t)
		*text = string(v)
	}
	return s, true
}
