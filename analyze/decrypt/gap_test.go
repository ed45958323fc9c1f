package decrypt

import (
	"bytes"
	gotls "crypto/tls"
	"fmt"
	"testing"
)

// span is one record in a stream.
type span struct{ start, end int }

func spans(b []byte) (list []span) {
	for at := 0; at+5 <= len(b); {
		end := at + 5 + (int(b[at+3])<<8 | int(b[at+4]))
		list = append(list, span{at, end})
		at = end
	}
	return list
}

// lines are messages that can be told apart: a hundred of forty bytes.
func lines() []byte {
	var b bytes.Buffer
	for i := range 100 {
		fmt.Fprintf(&b, "line %03d %s\n", i, bytes.Repeat([]byte{'a' + byte(i%26)}, 30))
	}
	return b.Bytes()
}

// talkLines is a connection whose server sends each line in its own record.
func talkLines(t testing.TB, version, suite uint16) (*Keys, [2][]byte) {
	t.Helper()
	p := newPair(t, rsaKey())
	p.client.MinVersion, p.client.MaxVersion = version, version
	p.client.CipherSuites, p.server.CipherSuites = []uint16{suite}, []uint16{suite}
	chunks := p.talkIn(t, []byte("go"), lines(), 40)
	return p.keys(t), streams(chunks)
}

var gapSuites = []struct {
	name           string
	version, suite uint16
	// after: records after a gap that cannot be checked either.
	after int
}{
	{"TLS 1.3", gotls.VersionTLS13, 0, 0},
	{"GCM", gotls.VersionTLS12, gotls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0},
	{"ChaCha20", gotls.VersionTLS12, gotls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 0},
	{"CBC 1.2", gotls.VersionTLS12, gotls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, 0},
	{"CBC 1.1", gotls.VersionTLS11, gotls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, 0},
	// crypto/tls splits each line in two records against BEAST.
	{"CBC 1.0", gotls.VersionTLS10, gotls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, 1},
}

// TestGap cuts bytes out of the server's application data and checks that
// exactly the records that were hit are lost.
func TestGap(t *testing.T) {
	for _, x := range gapSuites {
		t.Run(x.name, func(t *testing.T) {
			keys, b := talkLines(t, x.version, x.suite)
			records := spans(b[Server])
			first, last := records[len(records)-60], records[len(records)-50]
			cuts := map[string]span{
				"within a record":   {first.start + 8, first.start + 20},
				"end of a record":   {first.start + 8, first.end},
				"whole record":      first,
				"many records":      {first.start, last.end},
				"header to payload": {first.start + 2, last.start + 9},
				"one header's byte": {first.start + 1, first.start + 2},
				"into header":       {first.start + 20, last.start + 3},
			}
			whole, _ := playStreams(keys, b, span{}, 0)
			for name, cut := range cuts {
				for _, length := range []int64{int64(cut.end - cut.start), -1} {
					s, c := playStreams(keys, b, cut, length)
					lost := 0
					for _, r := range records {
						if r.start < cut.end && r.end > cut.start {
							lost++
						}
					}
					side := s.Sides[Server]
					want := int(whole.Sides[Server].Opened) - lost - x.after
					// What begins in a gap of unknown length, and in TLS 1.0
					// each loss, may cost the record after it, too.
					if got := int(side.Opened); got > want+x.after || got < want-1 {
						t.Errorf("%s (%d): %d records opened of %d, %d were cut; problems %v", name, length, got, whole.Sides[Server].Opened, lost, c.problems)
					}
					if s.Keys != KeysFit || side.Gaps != 1 || !side.CloseNotify {
						t.Errorf("%s: keys %s, %d gaps, close_notify %v", name, s.Keys, side.Gaps, side.CloseNotify)
					}
					noGarbage(t, c.app[Server].Bytes())
				}
			}
		})
	}
}

// noGarbage: what came out is the text with pieces missing, in order.
func noGarbage(t *testing.T, got []byte) {
	t.Helper()
	rest := lines()
	for len(got) > 0 {
		// Records hold forty bytes, or one and thirty-nine.
		n := min(39, len(got))
		at := bytes.Index(rest, got[:n])
		if at < 0 {
			n = 1
			if at = bytes.Index(rest, got[:n]); at < 0 {
				t.Fatalf("%q came out of nowhere", got[:min(40, len(got))])
			}
		}
		rest, got = rest[at+n:], got[n:]
	}
}

// playStreams plays both streams, the server's with a cut in it.
func playStreams(keys *Keys, b [2][]byte, cut span, length int64) (*State, *collector) {
	s, c := NewSession(keys, Options{}), &collector{}
	s.Feed(Client, b[Client], c)
	s.Feed(Server, b[Server][:cut.start], c)
	if cut.end > cut.start {
		s.Gap(Server, length, c)
	}
	s.Feed(Server, b[Server][cut.end:], c)
	s.End(Client, c)
	s.End(Server, c)
	return s.State(), c
}

// TestGapInHandshake: the change of keys itself is lost.
func TestGapInHandshake(t *testing.T) {
	for _, x := range gapSuites {
		if x.version == gotls.VersionTLS10 {
			continue // without the record before it, none can be opened
		}
		keys, b := talkLines(t, x.version, x.suite)
		records := spans(b[Server])
		hello := records[0].end
		s, c := playStreams(keys, b, span{hello, records[len(records)-90].start}, int64(records[len(records)-90].start-hello))
		if s.Keys != KeysFit || s.Sides[Server].Opened < 85 || !s.Sides[Server].CloseNotify {
			t.Errorf("%s: keys %s, %d opened, problems %v", x.name, s.Keys, s.Sides[Server].Opened, c.problems)
		}
		noGarbage(t, c.app[Server].Bytes())
	}
}

// TestLateStart: the capture began amid the connection; nothing can be
// decrypted, for the client's random is not known, but records are counted.
func TestLateStart(t *testing.T) {
	keys, b := talkLines(t, gotls.VersionTLS13, 0)
	records := spans(b[Server])
	s, c := NewSession(keys, Options{}), &collector{}
	s.Gap(Client, -1, c)
	s.Gap(Server, -1, c)
	s.Feed(Server, b[Server][records[20].start+3:], c)
	s.End(Server, c)
	if st := s.State(); st.Keys != KeysNoMatch || st.Sides[Server].Sealed != uint64(len(records)-21) || c.app[Server].Len() > 0 {
		t.Errorf("%s, %d of %d records", st.Keys, st.Sides[Server].Sealed, len(records)-21)
	}
}

// TestGapKeyUpdate: a KeyUpdate is lost.
func TestGapKeyUpdate(t *testing.T) {
	r := load(t, "tls13-keyupdate")
	b := streams(r.connections[0])
	records := spans(b[Client])
	// hello, ccs, finished, before, KeyUpdate, between, KeyUpdate, after, close
	lost := records[4]
	s, c := NewSession(r.loadKeys(t), Options{}), &collector{}
	s.Feed(Server, b[Server], c)
	s.Feed(Client, b[Client][:lost.start], c)
	s.Gap(Client, int64(lost.end-lost.start), c)
	s.Feed(Client, b[Client][lost.end:], c)
	if got := c.app[Client].String(); got != "before\nbetween\nafter\n" {
		t.Errorf("%q, problems %v", got, c.problems)
	}
}

// TestTryLimit: gap upon gap before records of noise costs no more than the
// budget allows, and ends in giving up.
func TestTryLimit(t *testing.T) {
	keys, b := talkLines(t, gotls.VersionTLS13, 0)
	s, c := NewSession(keys, Options{}), &collector{}
	s.Feed(Client, b[Client], c)
	s.Feed(Server, b[Server], c)
	noise := append([]byte{23, 3, 3, 0x40, 0}, make([]byte, 1<<14)...)
	for range 2 * maxFails {
		s.Gap(Server, -1, c)
		s.Feed(Server, noise, c)
	}
	if s.tried > maxTriedBytes+2*1<<14 || !s.halves[Server].dark {
		t.Errorf("%d bytes tried, dark %v", s.tried, s.halves[Server].dark)
	}
	if last := c.problems[len(c.problems)-1]; s.State().Keys != KeysFit {
		t.Errorf("%+v", last)
	}
}
