package tls

import "fmt"

// AlertLevel is the level of an alert. RFC 8446 section 6: "The severity is
// implicit in the type of alert being sent, and the level field can safely be
// ignored"; below TLS 1.3 it counts.
type AlertLevel uint8

const (
	Warning AlertLevel = 1
	Fatal   AlertLevel = 2
)

func (l AlertLevel) String() string {
	switch l {
	case Warning:
		return "warning"
	case Fatal:
		return "fatal"
	}
	return fmt.Sprintf("alert_level(%d)", uint8(l))
}

// AlertDescription is what an alert says, as numbered by IANA.
type AlertDescription uint8

const (
	CloseNotify            AlertDescription = 0
	UnexpectedMessage      AlertDescription = 10
	BadRecordMAC           AlertDescription = 20
	RecordOverflow         AlertDescription = 22
	HandshakeFailure       AlertDescription = 40
	NoCertificate          AlertDescription = 41
	BadCertificate         AlertDescription = 42
	UnsupportedCertificate AlertDescription = 43
	CertificateRevoked     AlertDescription = 44
	CertificateExpired     AlertDescription = 45
	CertificateUnknown     AlertDescription = 46
	IllegalParameter       AlertDescription = 47
	UnknownCA              AlertDescription = 48
	AccessDenied           AlertDescription = 49
	DecodeError            AlertDescription = 50
	DecryptError           AlertDescription = 51
	ProtocolVersion        AlertDescription = 70
	InsufficientSecurity   AlertDescription = 71
	InternalError          AlertDescription = 80
	InappropriateFallback  AlertDescription = 86
	UserCanceled           AlertDescription = 90
	NoRenegotiation        AlertDescription = 100
	MissingExtension       AlertDescription = 109
	UnsupportedExtension   AlertDescription = 110
	UnrecognizedName       AlertDescription = 112
	BadCertificateStatus   AlertDescription = 113
	UnknownPSKIdentity     AlertDescription = 115
	CertificateRequired    AlertDescription = 116
	NoApplicationProtocol  AlertDescription = 120
)

var alertNames = map[AlertDescription]string{
	0: "close_notify", 1: "end_of_early_data", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
	22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
	42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
	46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error", 52: "too_many_cids_requested", 60: "export_restriction", 70: "protocol_version",
	71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
	100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable",
	112: "unrecognized_name", 113: "bad_certificate_status_response", 114: "bad_certificate_hash_value",
	115: "unknown_psk_identity", 116: "certificate_required", 117: "general_error", 120: "no_application_protocol",
	121: "ech_required",
}

func (d AlertDescription) String() string {
	if n, ok := alertNames[d]; ok {
		return n
	}
	return fmt.Sprintf("alert(%d)", uint8(d))
}

// Known tells whether the registry names this description.
func (d AlertDescription) Known() bool { _, ok := alertNames[d]; return ok }

// Alert is one alert message (RFC 8446 section 6).
type Alert struct {
	Level       AlertLevel
	Description AlertDescription
}

func (a Alert) String() string { return a.Level.String() + " " + a.Description.String() }

// Ends tells whether the alert is one after which the connection is over:
// RFC 8446 section 6.2 makes every alert but close_notify and user_canceled
// an error, whatever its level; below TLS 1.3 the level decides.
func (a Alert) Ends(v Version) bool {
	if a.Description == CloseNotify || a.Description == UserCanceled {
		return false
	}
	return v >= TLS13 || a.Level == Fatal
}

// ParseAlert reads the two bytes of an alert from the plaintext of a record.
// ok is false when b does not hold exactly one alert of a known level; such
// bytes are most often an encrypted alert.
func ParseAlert(b []byte) (a Alert, ok bool) {
	if len(b) != 2 {
		return Alert{}, false
	}
	a = Alert{AlertLevel(b[0]), AlertDescription(b[1])}
	return a, a.Level == Warning || a.Level == Fatal
}
