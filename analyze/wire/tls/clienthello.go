package tls

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// ErrMalformed is what every parse error of this package wraps.
var ErrMalformed = errors.New("malformed TLS message")

func malformed(message, field string) error {
	return fmt.Errorf("%s: %s: %w", message, field, ErrMalformed)
}

// ClientHello is the client's offer (RFC 8446 section 4.1.2, RFC 5246 section
// 7.4.1.2). Nothing in it points into the bytes it was parsed from. GREASE
// values (RFC 8701) stand in the lists as sent.
type ClientHello struct {
	LegacyVersion Version
	Random        [32]byte
	SessionID     []byte
	CipherSuites  []CipherSuite
	Compressions  []byte
	// Extensions are the types in the order sent.
	Extensions []Extension
	// ServerName is the host name of server_name (RFC 6066 section 3); of the
	// outer hello when ECH is used.
	ServerName string
	ALPN       []string
	// SupportedVersions is empty when the extension is absent: then
	// LegacyVersion is the highest one offered.
	SupportedVersions []Version
	Groups            []Group
	KeyShares         []Group
	SignatureSchemes  []SignatureScheme
	// PSKIdentities is the number of pre-shared keys offered.
	PSKIdentities int
	EarlyData     bool
	// SessionTicket is the ticket of RFC 5077: nil without the extension,
	// empty when it only asks for one.
	SessionTicket        []byte
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	// ECH tells whether the hello carries encrypted_client_hello, real or
	// made up (GREASE); the two cannot be told apart.
	ECH bool
	// SSLv2 marks a hello in the SSL 2.0 format.
	SSLv2 bool
	// Bad are extensions whose content does not parse; Truncated, that the
	// message ends amid the extensions.
	Bad       []Extension
	Truncated bool
}

// Has tells whether the hello has the extension.
func (h *ClientHello) Has(e Extension) bool {
	for _, x := range h.Extensions {
		if x == e {
			return true
		}
	}
	return false
}

// MaxVersion is the highest version offered, GREASE left out.
func (h *ClientHello) MaxVersion() Version {
	if len(h.SupportedVersions) == 0 {
		return h.LegacyVersion
	}
	var highest Version
	for _, v := range h.SupportedVersions {
		if !IsGREASE(uint16(v)) && v > highest {
			highest = v
		}
	}
	return highest
}

// ParseClientHello reads the body of a client_hello message. The error says
// which field broke; a bad extension is no error but named in the result.
func ParseClientHello(body []byte) (*ClientHello, error) {
	h := &ClientHello{}
	s := cryptobyte.String(body)
	if !s.ReadUint16((*uint16)(&h.LegacyVersion)) || !s.CopyBytes(h.Random[:]) {
		return nil, malformed("client_hello", "random")
	}
	var id, suites, compressions cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&id) || len(id) > 32 {
		return nil, malformed("client_hello", "legacy_session_id")
	}
	if !s.ReadUint16LengthPrefixed(&suites) || len(suites)%2 != 0 {
		return nil, malformed("client_hello", "cipher_suites")
	}
	if !s.ReadUint8LengthPrefixed(&compressions) {
		return nil, malformed("client_hello", "legacy_compression_methods")
	}
	h.SessionID = clone(id)
	h.CipherSuites = uint16s[CipherSuite](suites)
	h.Compressions = clone(compressions)
	h.Extensions, h.Bad, h.Truncated = readExtensions(s, h.extension)
	return h, nil
}

// extension reads one extension; false when its content does not parse.
func (h *ClientHello) extension(e Extension, s cryptobyte.String) bool {
	switch e {
	case ExtServerName:
		return h.serverName(s)
	case ExtALPN:
		var ok bool
		h.ALPN, ok = readALPN(s)
		return ok
	case ExtSupportedVersions:
		var list cryptobyte.String
		ok := s.ReadUint8LengthPrefixed(&list) && len(list)%2 == 0
		h.SupportedVersions = uint16s[Version](list)
		return ok
	case ExtSupportedGroups:
		return readUint16s(s, &h.Groups)
	case ExtSignatureAlgorithms:
		return readUint16s(s, &h.SignatureSchemes)
	case ExtKeyShare:
		return h.keyShares(s)
	case ExtPreSharedKey:
		return h.preSharedKeys(s)
	case ExtEarlyData:
		h.EarlyData = true
	case ExtSessionTicket:
		h.SessionTicket = append([]byte{}, s...)
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtEncryptedClientHello:
		h.ECH = true
	}
	return true
}

func (h *ClientHello) serverName(s cryptobyte.String) bool {
	var list, name cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return false
	}
	for !list.Empty() {
		var kind uint8
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) {
			return false
		}
		// RFC 6066 section 3: "The ServerNameList MUST NOT contain more than
		// one name of the same name_type." The first one counts here.
		if kind == 0 && h.ServerName == "" {
			h.ServerName = string(name)
		}
	}
	return true
}

func (h *ClientHello) keyShares(s cryptobyte.String) bool {
	var list, key cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return false
	}
	for !list.Empty() {
		var g uint16
		if !list.ReadUint16(&g) || !list.ReadUint16LengthPrefixed(&key) {
			return false
		}
		h.KeyShares = append(h.KeyShares, Group(g))
	}
	return true
}

func (h *ClientHello) preSharedKeys(s cryptobyte.String) bool {
	var list, identity cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return false
	}
	for !list.Empty() {
		if !list.ReadUint16LengthPrefixed(&identity) || !list.Skip(4) {
			return false
		}
		h.PSKIdentities++
	}
	return true
}

// ParseSSLv2Hello reads a ClientHello in the SSL 2.0 format (RFC 5246
// appendix E.2), without its two bytes of record header.
func ParseSSLv2Hello(body []byte) (*ClientHello, error) {
	h := &ClientHello{SSLv2: true}
	s := cryptobyte.String(body)
	var suites, id, challenge uint16
	if !s.Skip(1) || !s.ReadUint16((*uint16)(&h.LegacyVersion)) ||
		!s.ReadUint16(&suites) || !s.ReadUint16(&id) || !s.ReadUint16(&challenge) {
		return nil, malformed("SSL 2.0 client_hello", "lengths")
	}
	var specs, session, random []byte
	if !s.ReadBytes(&specs, int(suites)) || !s.ReadBytes(&session, int(id)) || !s.ReadBytes(&random, int(challenge)) {
		return nil, malformed("SSL 2.0 client_hello", "cipher_specs")
	}
	for ; len(specs) >= 3; specs = specs[3:] {
		// Suites of SSL 3.0 and later have a first byte of zero.
		if specs[0] == 0 {
			h.CipherSuites = append(h.CipherSuites, CipherSuite(specs[1])<<8|CipherSuite(specs[2]))
		}
	}
	h.SessionID = clone(session)
	// "If the length is less than 32 bytes, [the challenge] is left-padded".
	if n := len(random); n <= 32 {
		copy(h.Random[32-n:], random)
	}
	return h, nil
}

// readExtensions walks the extensions at the end of a message. Each type is
// listed; one that each cannot read is listed in bad, too.
func readExtensions(s cryptobyte.String, each func(Extension, cryptobyte.String) bool) (list, bad []Extension, truncated bool) {
	if s.Empty() {
		return nil, nil, false
	}
	var length uint16
	if !s.ReadUint16(&length) {
		return nil, nil, true
	}
	if int(length) > len(s) {
		truncated = true
	} else {
		s = s[:length]
	}
	for !s.Empty() {
		var e uint16
		var content cryptobyte.String
		if !s.ReadUint16(&e) || !s.ReadUint16LengthPrefixed(&content) {
			return list, bad, true
		}
		list = append(list, Extension(e))
		if !each(Extension(e), content) {
			bad = append(bad, Extension(e))
		}
	}
	return list, bad, truncated
}

func readALPN(s cryptobyte.String) (names []string, ok bool) {
	var list, name cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil, false
	}
	for !list.Empty() {
		if !list.ReadUint8LengthPrefixed(&name) {
			return names, false
		}
		names = append(names, string(name))
	}
	return names, true
}

func readUint16s[T ~uint16](s cryptobyte.String, to *[]T) bool {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || len(list)%2 != 0 {
		return false
	}
	*to = uint16s[T](list)
	return true
}

func uint16s[T ~uint16](b []byte) []T {
	list := make([]T, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		list = append(list, T(b[0])<<8|T(b[1]))
	}
	return list
}

func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}
