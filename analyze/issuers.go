package analyze

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// site is a host as TLS clients ask for it, at one server.
type site struct {
	name   string
	server string
}

// compareIssuers notes where a host has another issuer at another vantage
// point. Within one place an issuer may change (renewal, several data centres);
// between two places of one path it tells of a device that opens TLS.
func compareIssuers(all []*record.Connection) {
	first := map[site]*record.Connection{}
	for _, c := range all {
		leaf := leafOf(c)
		if leaf == nil {
			continue
		}
		at := site{c.Facts.TLS.SNI, c.Server.String()}
		other := first[at]
		switch {
		case other == nil:
			first[at] = c
		case other.Facts.Vantage != c.Facts.Vantage && leafOf(other).Issuer != leaf.Issuer:
			c.Facts.TLS.IssuerElsewhere = issuerOf(other)
			if other.Facts.TLS.IssuerElsewhere == nil {
				other.Facts.TLS.IssuerElsewhere = issuerOf(c)
			}
		}
	}
}

// leafOf is the server's certificate, nil where none was seen.
func leafOf(c *record.Connection) *tls.Certificate {
	t := c.Facts.TLS
	if t == nil || t.SNI == "" || t.Chain == nil || len(t.Chain.Certificates) == 0 {
		return nil
	}
	return t.Chain.Certificates[0]
}

func issuerOf(c *record.Connection) *record.IssuerElsewhere {
	return &record.IssuerElsewhere{Issuer: leafOf(c).Issuer, ID: c.ID, Ref: c.Facts.TLS.ChainRef}
}
