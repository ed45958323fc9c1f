package decrypt

import (
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// without drops the key log's lines that begin with one of the labels.
func without(log string, labels ...string) string {
	var kept []string
	for _, l := range strings.Split(log, "\n") {
		drop := false
		for _, label := range labels {
			drop = drop || strings.HasPrefix(l, label)
		}
		if !drop {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

// TestPartialKeys: key logs that have some secrets of a connection only.
func TestPartialKeys(t *testing.T) {
	for _, x := range []struct {
		name           string
		drop           []string
		client, server string
	}{
		{"no early secret", []string{"CLIENT_EARLY"}, fromClient, fromServer},
		{"no handshake secrets", []string{"CLIENT_HANDSHAKE", "SERVER_HANDSHAKE"}, "0-RTT data\n" + fromClient, fromServer},
		{"application secrets alone", []string{"CLIENT_EARLY", "CLIENT_HANDSHAKE", "SERVER_HANDSHAKE"}, fromClient, fromServer},
		{"the server's alone", []string{"CLIENT_"}, "", fromServer},
		{"the client's alone", []string{"SERVER_"}, "0-RTT data\n" + fromClient, ""},
		{"no application secrets", []string{"CLIENT_TRAFFIC", "SERVER_TRAFFIC"}, "0-RTT data\n", ""},
	} {
		r := load(t, "tls13-0rtt")
		r.keys = without(r.keys, x.drop...)
		s, c := play(r.loadKeys(t), Options{}, r.connections[1])
		if s.Keys != KeysFit || c.app[Client].String() != x.client || c.app[Server].String() != x.server {
			t.Errorf("%s: %s, %q and %q, problems %v", x.name, s.Keys, c.app[Client].Bytes(), c.app[Server].Bytes(), c.problems)
		}
	}
	// Nothing of any use.
	r := load(t, "tls13-0rtt")
	r.keys = without(r.keys, "CLIENT_", "SERVER_")
	if s, _ := play(r.loadKeys(t), Options{}, r.connections[1]); s.Keys != KeysNoneGiven {
		t.Error(s.Keys)
	}
}

// TestOpaqueAlerts: below TLS 1.3 an encrypted alert is known as one.
func TestOpaqueAlerts(t *testing.T) {
	r := load(t, "tls12-ccm")
	s, _ := play(nil, Options{}, r.connections[0])
	if len(s.Alerts) == 0 || !s.Alerts[0].Opaque || s.Alerts[0].Dir != Client || s.HandshakeDone() != Likely || s.Sides[Client].CloseNotify {
		t.Errorf("%+v", s.Alerts)
	}
}

// TestAfterClose: records behind close_notify are marked.
func TestAfterClose(t *testing.T) {
	s, c := NewSession(nil, Options{}), &collector{}
	s.Feed(Server, []byte{21, 3, 3, 0, 2, 1, 0, 21, 3, 3, 0, 2, 1, 90}, c)
	if len(c.records) != 2 || c.records[0].AfterClose || !c.records[1].AfterClose || s.State().Sides[Server].AfterClose != 1 {
		t.Errorf("%+v", c.records)
	}
}

// TestUnsupported: RC4 is named, not tried.
func TestUnsupported(t *testing.T) {
	r := load(t, "tls12-ccm")
	keys := r.loadKeys(t)
	s, c := NewSession(keys, Options{}), &collector{}
	for _, x := range r.connections[0] {
		if x.dir == Server && x.data[5] == byte(tls.TypeServerHello) && x.data[0] == byte(tls.Handshake) {
			at := 9 + 2 + 32
			at += 1 + int(x.data[at])
			x.data[at], x.data[at+1] = 0, 5
		}
		s.Feed(x.dir, x.data, c)
	}
	if st := s.State(); st.Keys != KeysUnsupported || st.Unsupported != "cipher suite TLS_RSA_WITH_RC4_128_SHA" || st.ServerChain == nil || c.app[Client].Len() > 0 {
		t.Errorf("%s %q", st.Keys, st.Unsupported)
	}
}
