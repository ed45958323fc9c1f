package tls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// MaxCertificates is the number of certificates of one chain that are looked
// at; OpenSSL's default depth is 100, real chains have two to five.
const MaxCertificates = 16

// Certificate is what a certificate says. Nothing of it was validated: trust
// is the peers' to decide, by roots that this machine does not know.
type Certificate struct {
	Subject, Issuer string // as in RFC 2253
	// CommonName and Organization are the subject's, IssuerCommonName and
	// IssuerOrganization the issuer's, for matching names of products.
	CommonName, Organization             string
	IssuerCommonName, IssuerOrganization string
	DNSNames                             []string
	IPAddresses                          []string
	NotBefore, NotAfter                  time.Time
	Serial                               string // hexadecimal
	// Key is the kind and size of the public key: "RSA 2048", "ECDSA P-256",
	// "Ed25519".
	Key                string
	SignatureAlgorithm string
	CA                 bool
	// SelfSigned: issuer and subject are the same, and the key in the
	// certificate made its signature.
	SelfSigned bool
	SHA256     [32]byte

	parsed *x509.Certificate
}

// Chain is the content of one certificate message.
type Chain struct {
	// Certificates in the order sent, the peer's own first.
	Certificates []*Certificate
	// InOrder: each certificate names the next one's subject as its issuer
	// (RFC 5246 section 7.4.2: "Each following certificate MUST directly
	// certify the one preceding it"; RFC 8446 section 4.4.2 only asks for it).
	InOrder bool
	// Count is the number sent; above MaxCertificates the rest is not parsed.
	Count int
	// Bad is the number of certificates that crypto/x509 could not read.
	Bad int
}

// CoversHost tells whether the certificate is for host, a name or an IP
// address, by the rules of RFC 9525 as crypto/x509 applies them.
func (c *Certificate) CoversHost(host string) bool {
	return c.parsed != nil && c.parsed.VerifyHostname(host) == nil
}

// ParseCertificates reads the body of a certificate message in the form of
// version v (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2). A client that
// has none sends an empty chain, which is no error.
func ParseCertificates(v Version, body []byte) (*Chain, error) {
	s := cryptobyte.String(body)
	var list cryptobyte.String
	if v >= TLS13 {
		var context cryptobyte.String
		if !s.ReadUint8LengthPrefixed(&context) {
			return nil, malformed("certificate", "certificate_request_context")
		}
	}
	if !s.ReadUint24LengthPrefixed(&list) {
		return nil, malformed("certificate", "certificate_list")
	}
	c := &Chain{InOrder: true}
	for !list.Empty() {
		var der, extensions cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || v >= TLS13 && !list.ReadUint16LengthPrefixed(&extensions) {
			return c.finish(), malformed("certificate", "certificate_list")
		}
		c.add(der)
	}
	return c.finish(), nil
}

func (c *Chain) add(der []byte) {
	c.Count++
	if c.Count > MaxCertificates {
		return
	}
	cert, err := ParseCertificate(der)
	if err != nil {
		c.Bad++
	}
	c.Certificates = append(c.Certificates, cert)
}

func (c *Chain) finish() *Chain {
	for i := 1; i < len(c.Certificates); i++ {
		child, parent := c.Certificates[i-1].parsed, c.Certificates[i].parsed
		if child == nil || parent == nil || !bytes.Equal(child.RawIssuer, parent.RawSubject) {
			c.InOrder = false
		}
	}
	return c
}

// ParseCertificate reads one certificate. On an error the result still holds
// the digest.
func ParseCertificate(der []byte) (*Certificate, error) {
	c := &Certificate{SHA256: sha256.Sum256(der)}
	// x509 keeps what it is given; the caller's bytes may be a packet.
	x, err := x509.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return c, fmt.Errorf("certificate: %w: %w", ErrMalformed, err)
	}
	c.parsed = x
	c.Subject, c.Issuer = x.Subject.String(), x.Issuer.String()
	c.CommonName, c.IssuerCommonName = x.Subject.CommonName, x.Issuer.CommonName
	c.Organization, c.IssuerOrganization = first(x.Subject.Organization), first(x.Issuer.Organization)
	c.DNSNames = x.DNSNames
	for _, ip := range x.IPAddresses {
		c.IPAddresses = append(c.IPAddresses, ip.String())
	}
	c.NotBefore, c.NotAfter = x.NotBefore.UTC(), x.NotAfter.UTC()
	if x.SerialNumber != nil {
		c.Serial = hex.EncodeToString(x.SerialNumber.Bytes())
	}
	c.Key = keyName(x)
	c.SignatureAlgorithm = x.SignatureAlgorithm.String()
	c.CA = x.BasicConstraintsValid && x.IsCA
	c.SelfSigned = bytes.Equal(x.RawIssuer, x.RawSubject) && madeOwnSignature(x)
	return c, nil
}

// madeOwnSignature believes a certificate whose algorithm crypto/x509 refuses
// to check (SHA-1 and older, or unknown).
func madeOwnSignature(x *x509.Certificate) bool {
	err := x.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

func keyName(x *x509.Certificate) string {
	switch k := x.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return x.PublicKeyAlgorithm.String()
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}
