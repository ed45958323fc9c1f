package track

import (
	"strconv"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// session is what the hellos of a case agreed upon.
func session(v tls.Version, suite tls.CipherSuite, alpn string, offered ...string) *decrypt.State {
	st := &decrypt.State{ClientHello: &tls.ClientHello{ALPN: offered}, ServerHello: &tls.ServerHello{}, Version: v, CipherSuite: suite, ALPN: alpn}
	return st
}

// look feeds records written as "c168 s146": who sent one, and its length.
func look(st *decrypt.State, records string, port uint16) (record.Confidence, bool, *likeness) {
	k := &likeness{}
	for i, r := range strings.Fields(records) {
		d := record.Client
		if r[0] == 's' {
			d = record.Server
		}
		n, err := strconv.Atoi(r[1:])
		if err != nil {
			panic(err)
		}
		if d == record.Server && st.Sides[decrypt.Server].FirstSealed == 0 {
			st.Sides[decrypt.Server].FirstSealed = uint16(n)
		}
		k.see(st, d, n, record.Ref{Packet: int64(i + 1)})
	}
	confidence, alike := k.alike(st, port)
	return confidence, alike, k
}

func TestLikeness(t *testing.T) {
	const sha384, sha256, gcm12, cbc, chacha12 = 0x1302, 0x1301, 0xc02f, 0xc013, 0xcca8
	for name, tc := range map[string]struct {
		st      *decrypt.State
		records string
		port    uint16
		want    record.Confidence // empty: not alike
	}{
		"node, tickets after the request":   {st: session(tls.TLS13, sha384, ""), records: "s23 s1821 s281 s69 c69 c168 s282 s282 s146 c34 s30 c34 s30 c29 s25 s19 c19", want: record.Likely},
		"tickets before the request":        {st: session(tls.TLS13, sha384, "", "http/1.1"), records: "s38 s1821 s281 s69 c69 s282 s282 c509 s146 c32 s28 c32 s28 c29", want: record.Likely},
		"one exchange":                      {st: session(tls.TLS13, sha384, ""), records: "s23 s1821 s281 s69 c69 c168 s282 s282 s146 c34 s22 s19 c19", want: record.Possible},
		"one exchange, ALPN http/1.1 alone": {st: session(tls.TLS13, sha384, "", "http/1.1"), records: "s38 s69 c69 c509 s146 c34 s22 s19 c19", want: record.Likely},
		"h2 offered, http/1.1 chosen":       {st: session(tls.TLS13, sha384, "", "h2", "http/1.1"), records: "s38 s1821 s281 s69 c69 s282 s282 c537 s146 c32 s28 c32 s28 c29 s25", want: record.Likely},
		"h2 chosen":                         {st: session(tls.TLS13, sha384, "", "h2", "http/1.1"), records: "s36 s1821 s281 s69 c69 s266 s266 c137 c489 s47 c26 s970 c181 s78 c41 s43 c41 s43"},
		"h2 chosen in clear":                {st: session(tls.TLS12, gcm12, "h2", "h2", "http/1.1"), records: "c157 s153 c41 s37 c41 s37 c41 s37"},
		"TLS 1.2":                           {st: session(tls.TLS12, gcm12, ""), records: "c175 s153 c41 s37 c41 s37 c41 s37 c36 s32", want: record.Likely},
		"TLS 1.2, CBC":                      {st: session(tls.TLS12, cbc, ""), records: "c196 s180 c68 s52 c68 s52 c52 s52", want: record.Likely},
		"TLS 1.2, ChaCha20":                 {st: session(tls.TLS12, chacha12, ""), records: "c167 s145 c33 s29 c33 s29 c28 s24", want: record.Likely},
		"the server speaks first inside":    {st: session(tls.TLS13, sha256, ""), records: "s27 s1821 s281 s53 s139 c53 c168 s146 s30 s90 c34 s30 c34 s30", want: record.Likely},
		"large messages, then Close frames": {st: session(tls.TLS13, sha384, ""), records: "s23 s69 c69 c168 s146 c16401 c12257 s16401 s12253 c29 s25", want: record.Possible},
		"client certificate":                {st: session(tls.TLS13, sha384, ""), records: "s23 s123 s1821 s281 s69 c902 c281 c69 c168 s1146 s1146 s146 c34 s30 c34 s30", want: record.Likely},
		"refused":                           {st: session(tls.TLS13, sha384, ""), records: "s23 s1821 s281 s69 c69 c174 s282 s282 s118 s19 c19"},
		"no answer":                         {st: session(tls.TLS13, sha384, ""), records: "s23 s1821 s281 s69 c69 c174"},
		"page, close_notify":                {st: session(tls.TLS13, sha384, "", "http/1.1"), records: "s38 s1821 s281 s69 c69 s282 s282 c690 s1050 s19 c19"},
		"keep-alive requests":               {st: session(tls.TLS12, gcm12, "http/1.1", "http/1.1"), records: "c475 s353 c481 s653 s1424 c477 s297 c470 s353"},
		"POST with a small body":            {st: session(tls.TLS12, gcm12, "http/1.1", "http/1.1"), records: "c275 c36 s353 c275 c36 s353 c275 c36 s353"},
		"chunks streamed without end":       {st: session(tls.TLS12, gcm12, "http/1.1", "http/1.1"), records: "c275 s253 s44 s44 s44 s44 s29"},
		"mail":                              {st: session(tls.TLS12, gcm12, ""), records: "s84 c44 s150 c38 s42 c60 s60"},
		"MQTT":                              {st: session(tls.TLS12, gcm12, ""), records: "c144 s28 c26 s26 c26 s26"},
		"a protocol of its own":             {st: session(tls.TLS12, gcm12, "xmpp-client", "xmpp-client"), records: "c175 s153 c41 s37 c41 s37"},
		"a port of its own":                 {st: session(tls.TLS12, gcm12, ""), records: "c175 s153 c41 s37 c41 s37", port: 8883},
		"TLS 1.0":                           {st: session(tls.TLS10, cbc, ""), records: "c196 s180 c68 s52 c68 s52"},
		"0-RTT":                             {st: &decrypt.State{ClientHello: &tls.ClientHello{EarlyData: true}, ServerHello: &tls.ServerHello{}, Version: tls.TLS13, CipherSuite: sha384}, records: "c178 s31 s69 s205 c21 c69 s290 c25 s24 c25"},
		"the beginning is lost":             {st: &decrypt.State{}, records: "c175 s153 c41 s37 c41 s37"},
	} {
		port := tc.port
		if port == 0 {
			port = 443
		}
		confidence, alike, k := look(tc.st, tc.records, port)
		if alike != (tc.want != "") || confidence != tc.want {
			t.Errorf("%s: alike %v %q, expected %q (%+v)", name, alike, confidence, tc.want, k)
		}
	}
}

func TestOtherPortsAreSorted(t *testing.T) {
	for _, p := range otherPorts {
		if !otherPort(p) {
			t.Errorf("port %d is not found: the list is not sorted", p)
		}
	}
}

// Every record of a connection that cannot be read passes here.
func TestLikenessIsFree(t *testing.T) {
	st := session(tls.TLS13, 0x1301, "", "http/1.1")
	var k likeness
	allocs := testing.AllocsPerRun(100, func() {
		k = likeness{}
		for i, n := range []int{38, 1821, 53, 53, 168, 146, 34, 30, 34} {
			k.see(st, record.Dir(i&1), n, record.Ref{Packet: 1})
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
