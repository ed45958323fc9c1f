package known

import "strings"

// Kinds of what goes wrong in a TLS handshake.
const (
	SawCertExpired    Kind = "certificate-expired"
	SawCertNotYet     Kind = "certificate-not-yet-valid"
	SawCertUntrusted  Kind = "certificate-untrusted"
	SawCertSelfSigned Kind = "certificate-self-signed"
	SawCertRefused    Kind = "certificate-refused" // why is not known
	SawCertName       Kind = "certificate-name"    // args: the host
	SawCertRevoked    Kind = "certificate-revoked"
	SawClientCert     Kind = "client-certificate" // args: the alert's name
	SawTLSVersion     Kind = "tls-version"
	SawTLSCipher      Kind = "tls-cipher"
	SawServerName     Kind = "server-name"
	SawTLSAlert       Kind = "tls-alert" // args: the alert's name
	SawNotTLS         Kind = "not-tls"
	SawNoProtocol     Kind = "no-protocol"
	SawTLSReset       Kind = "tls-reset"
	SawTLSClosed      Kind = "tls-closed"
	SawTLSNoAnswer    Kind = "tls-no-answer"
)

const establishment = "Error in connection establishment: net::"

// validation and building are how Java begins to tell of a certificate.
const (
	validation = "PKIX path validation failed: java.security.cert.CertPathValidatorException: "
	building   = "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
)

// tlsMessages are those of TLS. Firefox's are what a page of the same host
// shows: of a WebSocket it says only that it could not connect. The alert of
// an argument is spelled as the engine does, by alertIn.
//
// Those of Node.js, Python and Java were observed of Node.js 20, Python 3.11
// (both with OpenSSL 3.0, whose words later versions changed in part: "sslv3
// alert" is "ssl/tls alert" from 3.2 on) and OpenJDK 17.
var tlsMessages = map[Kind]map[Engine]string{
	SawCertExpired: {
		Chromium: establishment + "ERR_CERT_DATE_INVALID", Firefox: "SEC_ERROR_EXPIRED_CERTIFICATE", Node: "CERT_HAS_EXPIRED: certificate has expired",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", GoGorilla: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
		Java: validation + "validity check failed (caused by CertificateExpiredException: NotAfter: …)",
	},
	SawCertNotYet: {
		Chromium: establishment + "ERR_CERT_DATE_INVALID", Firefox: "MOZILLA_PKIX_ERROR_NOT_YET_VALID_CERTIFICATE", Node: "CERT_NOT_YET_VALID: certificate is not yet valid",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid", GoGorilla: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
		Java: validation + "validity check failed (caused by CertificateNotYetValidException: NotBefore: …)",
	},
	SawCertUntrusted: {
		Chromium: establishment + "ERR_CERT_AUTHORITY_INVALID", Firefox: "SEC_ERROR_UNKNOWN_ISSUER", Node: "UNABLE_TO_VERIFY_LEAF_SIGNATURE: unable to verify the first certificate",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate", GoGorilla: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
		Java: building + "unable to find valid certification path to requested target",
	},
	SawCertRefused: {
		Chromium: establishment + "ERR_CERT_…", Firefox: "SEC_ERROR_… or MOZILLA_PKIX_ERROR_…", Node: "a certificate error such as CERT_HAS_EXPIRED or UNABLE_TO_VERIFY_LEAF_SIGNATURE",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: …", GoGorilla: "tls: failed to verify certificate: x509: …",
	},
	SawCertSelfSigned: {
		Chromium: establishment + "ERR_CERT_AUTHORITY_INVALID", Firefox: "MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT", Node: "DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", GoGorilla: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
		Java: building + "unable to find valid certification path to requested target",
	},
	SawCertName: {
		Chromium: establishment + "ERR_CERT_COMMON_NAME_INVALID", Firefox: "SSL_ERROR_BAD_CERT_DOMAIN", Node: "ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match certificate's altnames",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for '%s'", GoGorilla: "tls: failed to verify certificate: x509: certificate is valid for …, not %s",
		Java: "No subject alternative DNS name matching %s found",
	},
	SawCertRevoked: {
		Chromium: establishment + "ERR_CERT_REVOKED", Firefox: "SEC_ERROR_REVOKED_CERTIFICATE", Node: "CERT_REVOKED: certificate revoked",
		Python: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate revoked", Java: validation + "Certificate has been revoked, reason: …",
	},
	SawClientCert: {
		Chromium: establishment + "ERR_BAD_SSL_CLIENT_AUTH_CERT", Firefox: "SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT, SSL_ERROR_BAD_CERT_ALERT or another SSL_ERROR_…_ALERT", Node: "SSL routines:… alert %s", Python: "[SSL: …] … alert %s",
		GoGorilla: "remote error: tls: %s", Java: "Received fatal alert: %s",
	},
	SawTLSVersion: {
		Chromium: establishment + "ERR_SSL_VERSION_OR_CIPHER_MISMATCH", Firefox: "SSL_ERROR_PROTOCOL_VERSION_ALERT or SSL_ERROR_UNSUPPORTED_VERSION", Node: "EPROTO … tlsv1 alert protocol version",
		Python: "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version", GoGorilla: "remote error: tls: protocol version not supported", Java: "Received fatal alert: protocol_version",
	},
	SawTLSCipher: {
		Chromium: establishment + "ERR_SSL_VERSION_OR_CIPHER_MISMATCH", Firefox: "SSL_ERROR_NO_CYPHER_OVERLAP", Node: "EPROTO … alert handshake failure",
		Python: "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] … alert handshake failure", GoGorilla: "remote error: tls: handshake failure", Java: "Received fatal alert: handshake_failure",
	},
	SawServerName: {
		Chromium: establishment + "ERR_SSL_UNRECOGNIZED_NAME_ALERT", Firefox: "SSL_ERROR_UNRECOGNIZED_NAME_ALERT", Node: "EPROTO … tlsv1 unrecognized name",
		Python: "[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name", GoGorilla: "remote error: tls: unrecognized name", Java: "Received fatal alert: unrecognized_name",
	},
	SawTLSAlert: {
		Chromium: establishment + "ERR_SSL_PROTOCOL_ERROR", Firefox: "SSL_ERROR_…_ALERT", Node: "EPROTO … alert %s", Python: "[SSL: …] … alert %s",
		GoGorilla: "remote error: tls: %s", Java: "Received fatal alert: %s",
	},
	SawNotTLS: {
		Chromium: establishment + "ERR_SSL_PROTOCOL_ERROR", Firefox: "SSL_ERROR_RX_RECORD_TOO_LONG", Node: "EPROTO … wrong version number", Python: "[SSL: WRONG_VERSION_NUMBER] wrong version number",
		GoGorilla: "tls: first record does not look like a TLS handshake", Java: "Unsupported or unrecognized SSL message", JavaHTTP: "Unrecognized SSL message, plaintext connection?",
	},
	SawNoProtocol: {
		Chromium: establishment + "ERR_SSL_PROTOCOL_ERROR", Firefox: "SSL_ERROR_NEXT_PROTOCOL_NO_PROTOCOL", Node: "EPROTO … tlsv1 alert no application protocol",
		Python: "[SSL…] tlsv1 alert no application protocol", GoGorilla: "remote error: tls: no application protocol", Java: "Received fatal alert: no_application_protocol",
	},
	SawTLSReset: {
		Chromium: establishment + "ERR_CONNECTION_RESET", Firefox: "PR_CONNECT_RESET_ERROR", Node: "read ECONNRESET",
		Python: "[Errno 104] Connection reset by peer", GoGorilla: "read: connection reset by peer", Java: "Connection reset", JavaHTTP: "Remote host terminated the handshake",
	},
	SawTLSClosed: {
		Chromium: establishment + "ERR_CONNECTION_CLOSED", Firefox: "PR_END_OF_FILE_ERROR", Node: "ECONNRESET: Client network socket disconnected before secure TLS connection was established",
		Python: "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol", GoGorilla: "EOF", Java: "Remote host terminated the handshake",
	},
	SawTLSNoAnswer: {
		Chromium: "WebSocket opening handshake timed out", Firefox: "NS_ERROR_NET_TIMEOUT", Node: "Opening handshake has timed out", Python: "timed out during opening handshake",
		GoGorilla: "i/o timeout", Java: "Read timed out", JavaHTTP: "HTTP connect timed out",
	},
}

// goAlerts are the texts of crypto/tls that are not the alert's name with
// spaces (golang/go:src/crypto/tls/alert.go).
var goAlerts = map[string]string{
	"unknown ca": "unknown certificate authority", "certificate revoked": "revoked certificate", "certificate expired": "expired certificate",
	"certificate unknown": "unknown certificate", "decode error": "error decoding message", "decrypt error": "error decrypting message",
	"protocol version": "protocol version not supported", "insufficient security": "insufficient security level", "bad record mac": "bad record MAC",
	"unknown psk identity": "unknown PSK identity", "ech required": "encrypted client hello required",
}

// alertIn is an alert's name (RFC 8446 section 6) as the engine prints it: with
// spaces, but in Java.
func alertIn(engine Engine, kind Kind, name string) string {
	if kind != SawTLSAlert && kind != SawClientCert || engine == Java {
		return name
	}
	name = strings.ReplaceAll(name, "_", " ")
	if text := goAlerts[name]; text != "" && engine == GoGorilla {
		return text
	}
	return name
}
