package tls

import "fmt"

// ContentType is the type of a record (RFC 8446 section 5.1).
type ContentType uint8

const (
	ChangeCipherSpec ContentType = 20
	AlertRecord      ContentType = 21
	Handshake        ContentType = 22
	ApplicationData  ContentType = 23
	Heartbeat        ContentType = 24 // RFC 6520
)

func (t ContentType) String() string {
	switch t {
	case ChangeCipherSpec:
		return "change_cipher_spec"
	case AlertRecord:
		return "alert"
	case Handshake:
		return "handshake"
	case ApplicationData:
		return "application_data"
	case Heartbeat:
		return "heartbeat"
	}
	return fmt.Sprintf("content_type(%d)", uint8(t))
}

// Version is a protocol version as it stands on the wire.
type Version uint16

const (
	SSL20 Version = 0x0002
	SSL30 Version = 0x0300
	TLS10 Version = 0x0301
	TLS11 Version = 0x0302
	TLS12 Version = 0x0303
	TLS13 Version = 0x0304
)

// Number is the version as people number it, "1.3", or the protocol's whole
// name when it is not TLS.
func (v Version) Number() string {
	switch v {
	case SSL20:
		return "SSL 2.0"
	case SSL30:
		return "SSL 3.0"
	case TLS10:
		return "1.0"
	case TLS11:
		return "1.1"
	case TLS12:
		return "1.2"
	case TLS13:
		return "1.3"
	}
	if IsGREASE(uint16(v)) {
		return "GREASE"
	}
	return fmt.Sprintf("0x%04x", uint16(v))
}

func (v Version) String() string {
	if v >= TLS10 && v <= TLS13 {
		return "TLS " + v.Number()
	}
	return v.Number()
}

// IsGREASE tells whether v is one of the values that RFC 8701 reserves for
// clients to send so that servers learn to ignore what they do not know.
func IsGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// CipherSuite is a cipher suite as numbered by IANA.
type CipherSuite uint16

const (
	// EmptyRenegotiationInfo is no suite but a signal (RFC 5746).
	EmptyRenegotiationInfo CipherSuite = 0x00FF
	// FallbackSCSV is no suite but a signal (RFC 7507).
	FallbackSCSV CipherSuite = 0x5600
)

func (c CipherSuite) String() string {
	if n, ok := cipherSuiteNames[c]; ok {
		return n
	}
	if IsGREASE(uint16(c)) {
		return "GREASE"
	}
	return fmt.Sprintf("cipher_suite(0x%04X)", uint16(c))
}

// Group is a named group for key exchange as numbered by IANA.
type Group uint16

func (g Group) String() string {
	if n, ok := groupNames[g]; ok {
		return n
	}
	if IsGREASE(uint16(g)) {
		return "GREASE"
	}
	return fmt.Sprintf("group(0x%04x)", uint16(g))
}

var groupNames = map[Group]string{
	1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1", 7: "sect233r1",
	8: "sect239k1", 9: "sect283k1", 10: "sect283r1", 11: "sect409k1", 12: "sect409r1", 13: "sect571k1", 14: "sect571r1",
	15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1", 19: "secp192r1", 20: "secp224k1", 21: "secp224r1",
	22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1",
	26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519", 30: "x448",
	31: "brainpoolP256r1tls13", 32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13",
	34: "GC256A", 35: "GC256B", 36: "GC256C", 37: "GC256D", 38: "GC512A", 39: "GC512B", 40: "GC512C", 41: "curveSM2",
	0x0100: "ffdhe2048", 0x0101: "ffdhe3072", 0x0102: "ffdhe4096", 0x0103: "ffdhe6144", 0x0104: "ffdhe8192",
	0x0200: "MLKEM512", 0x0201: "MLKEM768", 0x0202: "MLKEM1024",
	0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024",
	0x6399: "X25519Kyber768Draft00", 0x639A: "SecP256r1Kyber768Draft00",
	0xFF01: "arbitrary_explicit_prime_curves", 0xFF02: "arbitrary_explicit_char2_curves",
}

// SignatureScheme is a signature algorithm as numbered by IANA; below TLS 1.3
// its bytes are a hash and a signature (RFC 5246 section 7.4.1.4.1).
type SignatureScheme uint16

func (s SignatureScheme) String() string {
	if n, ok := signatureSchemeNames[s]; ok {
		return n
	}
	if IsGREASE(uint16(s)) {
		return "GREASE"
	}
	return fmt.Sprintf("signature_scheme(0x%04x)", uint16(s))
}

var signatureSchemeNames = map[SignatureScheme]string{
	0x0101: "rsa_pkcs1_md5", 0x0201: "rsa_pkcs1_sha1", 0x0202: "dsa_sha1", 0x0203: "ecdsa_sha1",
	0x0301: "rsa_pkcs1_sha224", 0x0302: "dsa_sha224", 0x0303: "ecdsa_sha224",
	0x0401: "rsa_pkcs1_sha256", 0x0402: "dsa_sha256", 0x0403: "ecdsa_secp256r1_sha256",
	0x0420: "rsa_pkcs1_sha256_legacy",
	0x0501: "rsa_pkcs1_sha384", 0x0502: "dsa_sha384", 0x0503: "ecdsa_secp384r1_sha384",
	0x0520: "rsa_pkcs1_sha384_legacy",
	0x0601: "rsa_pkcs1_sha512", 0x0602: "dsa_sha512", 0x0603: "ecdsa_secp521r1_sha512",
	0x0620: "rsa_pkcs1_sha512_legacy", 0x0708: "sm2sig_sm3",
	0x0804: "rsa_pss_rsae_sha256", 0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512",
	0x0807: "ed25519", 0x0808: "ed448",
	0x0809: "rsa_pss_pss_sha256", 0x080A: "rsa_pss_pss_sha384", 0x080B: "rsa_pss_pss_sha512",
	0x081A: "ecdsa_brainpoolP256r1tls13_sha256", 0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
	0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
	0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87",
}

// Extension is an extension's type as numbered by IANA.
type Extension uint16

const (
	ExtServerName           Extension = 0
	ExtStatusRequest        Extension = 5
	ExtSupportedGroups      Extension = 10
	ExtSignatureAlgorithms  Extension = 13
	ExtALPN                 Extension = 16
	ExtTruncatedHMAC        Extension = 4
	ExtEncryptThenMAC       Extension = 22
	ExtExtendedMasterSecret Extension = 23
	ExtSessionTicket        Extension = 35
	ExtPreSharedKey         Extension = 41
	ExtEarlyData            Extension = 42
	ExtSupportedVersions    Extension = 43
	ExtCookie               Extension = 44
	ExtKeyShare             Extension = 51
	ExtEncryptedClientHello Extension = 0xfe0d
	ExtRenegotiationInfo    Extension = 0xff01
)

func (e Extension) String() string {
	if n, ok := extensionNames[e]; ok {
		return n
	}
	if IsGREASE(uint16(e)) {
		return "GREASE"
	}
	return fmt.Sprintf("extension(%d)", uint16(e))
}

var extensionNames = map[Extension]string{
	0: "server_name", 1: "max_fragment_length", 2: "client_certificate_url", 3: "trusted_ca_keys", 4: "truncated_hmac",
	5: "status_request", 6: "user_mapping", 7: "client_authz", 8: "server_authz", 9: "cert_type", 10: "supported_groups",
	11: "ec_point_formats", 12: "srp", 13: "signature_algorithms", 14: "use_srtp", 15: "heartbeat",
	16: "application_layer_protocol_negotiation", 17: "status_request_v2", 18: "signed_certificate_timestamp",
	19: "client_certificate_type", 20: "server_certificate_type", 21: "padding", 22: "encrypt_then_mac",
	23: "extended_master_secret", 24: "token_binding", 25: "cached_info", 26: "tls_lts", 27: "compress_certificate",
	28: "record_size_limit", 29: "pwd_protect", 30: "pwd_clear", 31: "password_salt", 32: "ticket_pinning",
	33: "tls_cert_with_extern_psk", 34: "delegated_credential", 35: "session_ticket", 36: "TLMSP", 37: "TLMSP_proxying",
	38: "TLMSP_delegate", 39: "supported_ekt_ciphers", 41: "pre_shared_key", 42: "early_data", 43: "supported_versions",
	44: "cookie", 45: "psk_key_exchange_modes", 47: "certificate_authorities", 48: "oid_filters",
	49: "post_handshake_auth", 50: "signature_algorithms_cert", 51: "key_share", 52: "transparency_info",
	53: "connection_id (deprecated)", 54: "connection_id", 55: "external_id_hash", 56: "external_session_id",
	57: "quic_transport_parameters", 58: "ticket_request", 59: "dnssec_chain", 60: "sequence_number_encryption_algorithms",
	61: "rrc", 62: "tls_flags", 13172: "next_protocol_negotiation", 17513: "application_settings (old)",
	17613: "application_settings", 30032: "channel_id", 0xfd00: "ech_outer_extensions",
	0xfe0d: "encrypted_client_hello", 0xff01: "renegotiation_info", 0xffce: "encrypted_server_name",
}

// HandshakeType is the type of a handshake message as numbered by IANA.
type HandshakeType uint8

const (
	HelloRequest          HandshakeType = 0
	TypeClientHello       HandshakeType = 1
	TypeServerHello       HandshakeType = 2
	NewSessionTicket      HandshakeType = 4
	EndOfEarlyData        HandshakeType = 5
	EncryptedExtensions   HandshakeType = 8
	TypeCertificate       HandshakeType = 11
	ServerKeyExchange     HandshakeType = 12
	CertificateRequest    HandshakeType = 13
	ServerHelloDone       HandshakeType = 14
	CertificateVerify     HandshakeType = 15
	ClientKeyExchange     HandshakeType = 16
	Finished              HandshakeType = 20
	CertificateStatus     HandshakeType = 22
	KeyUpdate             HandshakeType = 24
	CompressedCertificate HandshakeType = 25
	NextProtocol          HandshakeType = 67
	MessageHash           HandshakeType = 254
)

func (t HandshakeType) String() string {
	if n, ok := handshakeTypeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("handshake_type(%d)", uint8(t))
}

var handshakeTypeNames = map[HandshakeType]string{
	0: "hello_request", 1: "client_hello", 2: "server_hello", 3: "hello_verify_request", 4: "new_session_ticket",
	5: "end_of_early_data", 6: "hello_retry_request", 8: "encrypted_extensions", 9: "request_connection_id",
	10: "new_connection_id", 11: "certificate", 12: "server_key_exchange", 13: "certificate_request",
	14: "server_hello_done", 15: "certificate_verify", 16: "client_key_exchange", 17: "client_certificate_request",
	20: "finished", 21: "certificate_url", 22: "certificate_status", 23: "supplemental_data", 24: "key_update",
	25: "compressed_certificate", 26: "ekt_key", 67: "next_protocol", 254: "message_hash",
}
