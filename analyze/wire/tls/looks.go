package tls

// Look says what the first bytes of a stream look like.
type Look uint8

const (
	// No: not TLS, whatever follows.
	No Look = iota
	// Maybe: so far it could be; ask again with more bytes.
	Maybe
	// Yes: a ClientHello in a TLS record.
	Yes
	// YesSSLv2: a ClientHello in the format of SSL 2.0, which old clients
	// sent to servers of any version (RFC 5246 appendix E.2).
	YesSSLv2
)

// looksNeed is the number of bytes after which Looks has made up its mind.
const looksNeed = 11

// Looks tells whether b, the first bytes that a client sent, begin a TLS
// connection. It needs at most 11 bytes.
func Looks(b []byte) Look {
	if len(b) == 0 {
		return Maybe
	}
	if b[0] == byte(Handshake) {
		return looksTLS(b)
	}
	if b[0]&0x80 != 0 {
		return looksSSLv2(b)
	}
	return No
}

// looksTLS checks record header, message header and legacy_version, each only
// as far as b reaches.
func looksTLS(b []byte) Look {
	checks := [...]struct {
		at int
		ok func([]byte) bool
	}{
		{2, func(b []byte) bool { return b[1] == 3 }},
		{3, func(b []byte) bool { return b[2] <= 4 }},
		// RFC 8446 section 5.1: "Implementations MUST NOT send zero-length
		// fragments of Handshake types".
		{5, func(b []byte) bool { n := int(b[3])<<8 | int(b[4]); return n >= 1 && n <= maxPlaintext }},
		{6, func(b []byte) bool { return b[5] == byte(TypeClientHello) }},
	}
	for _, c := range checks {
		if len(b) < c.at {
			return Maybe
		}
		if !c.ok(b) {
			return No
		}
	}
	return looksHello(b)
}

// looksHello checks the message's length and version when they lie in the
// first record; a hello cut into tiny records is believed without.
func looksHello(b []byte) Look {
	record := int(b[3])<<8 | int(b[4])
	if record >= 4 {
		if len(b) < 9 {
			return Maybe
		}
		n := int(b[6])<<16 | int(b[7])<<8 | int(b[8])
		if n < minClientHello || n > MaxHandshakeMessage {
			return No
		}
	}
	if record >= 6 {
		if len(b) < looksNeed {
			return Maybe
		}
		if b[9] != 3 {
			return No
		}
	}
	return Yes
}

// looksSSLv2 checks the header of RFC 5246 appendix E.2: a length of two
// bytes with the top bit set, the type 1, the version, and three lengths of
// which the first counts suites of three bytes each.
func looksSSLv2(b []byte) Look {
	if len(b) >= 3 && b[2] != 1 {
		return No
	}
	if len(b) >= 5 {
		v := Version(b[3])<<8 | Version(b[4])
		if v != SSL20 && (v < SSL30 || v > TLS12) {
			return No
		}
	}
	if len(b) < looksNeed {
		return Maybe
	}
	suites, id, challenge := int(b[5])<<8|int(b[6]), int(b[7])<<8|int(b[8]), int(b[9])<<8|int(b[10])
	if suites == 0 || suites%3 != 0 || challenge < 16 || challenge > 32 || 9+suites+id+challenge != int(b[0]&0x7f)<<8|int(b[1]) {
		return No
	}
	return YesSSLv2
}

// LooksRecord tells whether b begins with a plausible record header of any
// type: what a server's answer or a capture that began late may show. Maybe
// means that b is shorter than a header.
func LooksRecord(b []byte) Look {
	if len(b) == 0 {
		return Maybe
	}
	if len(b) < headerLength {
		h := [headerLength]byte{0: b[0], 1: 3, 4: 1}
		copy(h[:], b)
		if !plausible(h[:]) {
			return No
		}
		return Maybe
	}
	if !plausible(b) {
		return No
	}
	return Yes
}
