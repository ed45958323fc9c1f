package decrypt

import (
	"testing"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

const (
	fromClient = "hello from the client\n"
	fromServer = "hello from the server\n"
)

// TestRecorded decrypts what OpenSSL's programs said to each other.
func TestRecorded(t *testing.T) {
	type want struct {
		version        tls.Version
		suite          string
		client, server string
		early          string
		check          func(*State) bool
	}
	plain := func(v tls.Version, suite string) []want {
		return []want{{version: v, suite: suite, client: fromClient, server: fromServer}}
	}
	resumed := func(s *State) bool { return s.Resumed }
	cases := map[string][]want{
		"tls10-aes128-cbc-etm": {{tls.TLS10, "TLS_RSA_WITH_AES_128_CBC_SHA", fromClient, fromServer, "", func(s *State) bool { return s.ServerHello.EncryptThenMAC }}},
		"tls10-aes256-cbc-mte": {{tls.TLS10, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", fromClient, fromServer, "", func(s *State) bool { return !s.ServerHello.EncryptThenMAC }}},
		"tls11-aes128-cbc-etm": {{tls.TLS11, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", fromClient, fromServer, "", func(s *State) bool { return s.ServerHello.EncryptThenMAC }}},
		"tls12-cbc-sha384-etm": {{tls.TLS12, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", fromClient, fromServer, "", func(s *State) bool { return s.ServerHello.EncryptThenMAC }}},
		"tls12-cbc-sha256-mte": {{tls.TLS12, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", fromClient, fromServer, "", func(s *State) bool { return !s.ServerHello.EncryptThenMAC }}},
		"tls12-ccm":            plain(tls.TLS12, "TLS_RSA_WITH_AES_256_CCM"),
		"tls12-ccm8":           plain(tls.TLS12, "TLS_RSA_WITH_AES_128_CCM_8"),
		"tls12-psk-chacha20":   plain(tls.TLS12, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
		"tls12-renegotiation": {{tls.TLS12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "before\nafter\n", fromServer, "",
			func(s *State) bool { return s.Renegotiations == 1 }}},
		"tls12-ticket": {
			{version: tls.TLS12, suite: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", client: fromClient, server: fromServer, check: func(s *State) bool { return !s.Resumed }},
			{tls.TLS12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", fromClient, fromServer, "", resumed}},
		"tls12-session-id": {
			{version: tls.TLS12, suite: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", client: fromClient, server: fromServer},
			{tls.TLS12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", fromClient, fromServer, "", resumed}},
		"tls13-ccm":     plain(tls.TLS13, "TLS_AES_128_CCM_SHA256"),
		"tls13-ccm8":    plain(tls.TLS13, "TLS_AES_128_CCM_8_SHA256"),
		"tls13-padding": plain(tls.TLS13, "TLS_AES_256_GCM_SHA384"),
		"tls13-keyupdate": {{tls.TLS13, "TLS_AES_256_GCM_SHA384", "before\nbetween\nafter\n", fromServer, "",
			func(s *State) bool { return s.Sides[Client].KeyUpdates == 2 && s.Sides[Server].KeyUpdates >= 1 }}},
		"tls13-0rtt": {
			{version: tls.TLS13, suite: "TLS_AES_256_GCM_SHA384", client: fromClient, server: fromServer},
			{tls.TLS13, "TLS_AES_256_GCM_SHA384", "0-RTT data\n" + fromClient, fromServer, "0-RTT data\n",
				func(s *State) bool { return s.Resumed && s.EarlyOffered && s.EarlyAccepted }}},
		"tls13-0rtt-rejected": {
			{version: tls.TLS13, suite: "TLS_AES_256_GCM_SHA384", client: fromClient, server: fromServer},
			{tls.TLS13, "TLS_AES_256_GCM_SHA384", "0-RTT data\n" + fromClient, fromServer, "0-RTT data\n",
				func(s *State) bool { return !s.Resumed && s.EarlyOffered && !s.EarlyAccepted && !s.HelloRetry }}},
		"tls13-0rtt-retry": {
			{version: tls.TLS13, suite: "TLS_AES_256_GCM_SHA384", client: fromClient, server: fromServer},
			{tls.TLS13, "TLS_AES_256_GCM_SHA384", "0-RTT data\n" + fromClient, fromServer, "0-RTT data\n",
				func(s *State) bool { return s.HelloRetry && s.RetryGroup == 24 && !s.EarlyAccepted }}},
	}
	for name, wants := range cases {
		t.Run(name, func(t *testing.T) {
			r := load(t, name)
			keys := r.loadKeys(t)
			if len(r.connections) != len(wants) {
				t.Fatalf("%d connections, want %d", len(r.connections), len(wants))
			}
			for i, w := range wants {
				s, c := play(keys, Options{}, r.connections[i])
				if s.Keys != KeysFit || s.Sides[Client].Failed+s.Sides[Server].Failed > 0 || len(c.problems) > 0 {
					t.Errorf("#%d: keys %s, %d/%d failed, problems %v", i, s.Keys, s.Sides[Client].Failed, s.Sides[Server].Failed, c.problems)
				}
				if s.Version != w.version || s.CipherSuite.String() != w.suite {
					t.Errorf("#%d: %s %s, want %s %s", i, s.Version, s.CipherSuite, w.version, w.suite)
				}
				if got := c.app[Client].String(); got != w.client {
					t.Errorf("#%d: client said %q, want %q", i, got, w.client)
				}
				if got := c.app[Server].String(); got != w.server {
					t.Errorf("#%d: server said %q, want %q", i, got, w.server)
				}
				if got := c.early.String(); got != w.early {
					t.Errorf("#%d: early data %q, want %q", i, got, w.early)
				}
				if s.HandshakeDone() != Certain || s.ClientHello.ServerName != "app.test" || !s.Sides[Client].CloseNotify {
					t.Errorf("#%d: handshake %v, SNI %q, close_notify %v", i, s.HandshakeDone(), s.ClientHello.ServerName, s.Sides[Client].CloseNotify)
				}
				if w.check != nil && !w.check(s) {
					t.Errorf("#%d: state %+v", i, s)
				}
			}
		})
	}
}
