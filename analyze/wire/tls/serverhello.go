package tls

import "golang.org/x/crypto/cryptobyte"

// ServerHello is the server's choice (RFC 8446 section 4.1.3, RFC 5246
// section 7.4.1.3). Nothing in it points into the bytes it was parsed from.
type ServerHello struct {
	LegacyVersion Version
	// Version is what was agreed upon: supported_versions where present.
	Version     Version
	Random      [32]byte
	SessionID   []byte
	CipherSuite CipherSuite
	Compression byte
	Extensions  []Extension
	// HelloRetry marks a HelloRetryRequest.
	HelloRetry bool
	// ALPN is the protocol selected (TLS 1.2 and below; TLS 1.3 has it in
	// EncryptedExtensions).
	ALPN string
	// KeyShare is the group of key_share, 0 without the extension.
	KeyShare Group
	// PSK tells whether a pre-shared key was selected (TLS 1.3).
	PSK                  bool
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	// TicketExpected tells whether the server announced a session ticket.
	TicketExpected bool
	// Downgrade tells whether the random ends in the bytes by which a server
	// of a later version marks that it was asked for an earlier one.
	Downgrade bool
	Bad       []Extension
	Truncated bool
}

// helloRetryRandom is the SHA-256 of "HelloRetryRequest" (RFC 8446 section
// 4.1.3), by which that message is known from a ServerHello.
var helloRetryRandom = [32]byte{
	0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
}

// ParseServerHello reads the body of a server_hello message.
func ParseServerHello(body []byte) (*ServerHello, error) {
	h := &ServerHello{}
	s := cryptobyte.String(body)
	if !s.ReadUint16((*uint16)(&h.LegacyVersion)) || !s.CopyBytes(h.Random[:]) {
		return nil, malformed("server_hello", "random")
	}
	h.Version = h.LegacyVersion
	h.HelloRetry = h.Random == helloRetryRandom
	tail := string(h.Random[24:])
	h.Downgrade = tail == "DOWNGRD\x01" || tail == "DOWNGRD\x00"
	var id cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&id) || len(id) > 32 {
		return nil, malformed("server_hello", "legacy_session_id_echo")
	}
	h.SessionID = clone(id)
	if !s.ReadUint16((*uint16)(&h.CipherSuite)) || !s.ReadUint8(&h.Compression) {
		return nil, malformed("server_hello", "cipher_suite")
	}
	h.Extensions, h.Bad, h.Truncated = readExtensions(s, h.extension)
	return h, nil
}

func (h *ServerHello) extension(e Extension, s cryptobyte.String) bool {
	switch e {
	case ExtSupportedVersions:
		return s.ReadUint16((*uint16)(&h.Version))
	case ExtKeyShare:
		// A HelloRetryRequest has the group alone, a ServerHello a key too.
		return s.ReadUint16((*uint16)(&h.KeyShare))
	case ExtALPN:
		names, ok := readALPN(s)
		if len(names) > 0 {
			h.ALPN = names[0]
		}
		return ok
	case ExtPreSharedKey:
		h.PSK = true
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtSessionTicket:
		h.TicketExpected = true
	}
	return true
}

// EncryptedExtensionsMessage is what the server answers under encryption in
// TLS 1.3 (RFC 8446 section 4.3.1).
type EncryptedExtensionsMessage struct {
	ALPN string
	// EarlyData tells whether the server accepted 0-RTT data.
	EarlyData  bool
	Extensions []Extension
	Bad        []Extension
	Truncated  bool
}

// ParseEncryptedExtensions reads the body of an encrypted_extensions message.
func ParseEncryptedExtensions(body []byte) (*EncryptedExtensionsMessage, error) {
	if len(body) < 2 {
		return nil, malformed("encrypted_extensions", "length")
	}
	m := &EncryptedExtensionsMessage{}
	m.Extensions, m.Bad, m.Truncated = readExtensions(body, func(e Extension, s cryptobyte.String) bool {
		switch e {
		case ExtALPN:
			names, ok := readALPN(s)
			if len(names) > 0 {
				m.ALPN = names[0]
			}
			return ok
		case ExtEarlyData:
			m.EarlyData = true
		}
		return true
	})
	return m, nil
}

// ParseNewSessionTicket reads the ticket of a new_session_ticket message
// below TLS 1.3 (RFC 5077 section 3.3). The result is part of body.
func ParseNewSessionTicket(body []byte) ([]byte, error) {
	s := cryptobyte.String(body)
	var ticket cryptobyte.String
	if !s.Skip(4) || !s.ReadUint16LengthPrefixed(&ticket) {
		return nil, malformed("new_session_ticket", "ticket")
	}
	return ticket, nil
}

// ParseKeyUpdate reads the body of a key_update message (RFC 8446 section
// 4.6.3): whether the peer is asked to update, too.
func ParseKeyUpdate(body []byte) (requested bool, err error) {
	if len(body) != 1 || body[0] > 1 {
		return false, malformed("key_update", "request_update")
	}
	return body[0] == 1, nil
}
