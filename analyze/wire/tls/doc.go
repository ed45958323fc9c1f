// Package tls reads TLS as an observer of the wire sees it: records, the
// handshake messages in them, alerts, and certificates. It decrypts nothing
// and validates nothing; it says what the bytes are.
//
// Most callers need only package decrypt, which drives this one: a
// [RecordParser] for each direction splits ordered bytes into records, a
// [HandshakeParser] joins the handshake records into messages, and
// [ParseClientHello], [ParseServerHello], [ParseCertificates] and their like
// turn a message's body into values.
//
// The parsers are tolerant. What breaks a rule is named by a [Violation] and
// parsing goes on; an error is returned only for a message of which nothing
// more can be read. Values that no registry knows still print.
package tls
