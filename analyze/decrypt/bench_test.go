package decrypt

import (
	"bytes"
	gotls "crypto/tls"
	"fmt"
	"io"
	"testing"
)

// bulk is a recorded connection whose server sends 4 MiB.
func bulk(b testing.TB, version, suite uint16) (*pair, [2][]byte, int) {
	b.Helper()
	p := newPair(b, rsaKey())
	p.client.MinVersion, p.client.MaxVersion = version, version
	p.client.CipherSuites, p.server.CipherSuites = []uint16{suite}, []uint16{suite}
	p.server.DynamicRecordSizingDisabled = true
	down := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	return p, streams(p.talk(b, []byte("go"), down)), len(down)
}

var benchSuites = []struct {
	name           string
	version, suite uint16
}{
	{"TLS13-GCM", gotls.VersionTLS13, 0},
	{"TLS12-GCM", gotls.VersionTLS12, gotls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	{"TLS12-ChaCha20", gotls.VersionTLS12, gotls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
	{"TLS12-CBC-SHA", gotls.VersionTLS12, gotls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
}

// BenchmarkDecrypt is the whole session over whole streams, in segments of
// 1448 bytes and at once; BenchmarkGoTLS beside it is crypto/tls reading the
// same amount of records.
func BenchmarkDecrypt(b *testing.B) {
	for _, x := range benchSuites {
		p, stream, size := bulk(b, x.version, x.suite)
		keys := p.keys(b)
		for _, segment := range []int{1448, 1 << 16} {
			b.Run(fmt.Sprintf("%s/%d", x.name, segment), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					s := NewSession(keys, Options{})
					s.Feed(Client, stream[Client], NoSink{})
					for rest := stream[Server]; len(rest) > 0; {
						n := min(segment, len(rest))
						s.Feed(Server, rest[:n], NoSink{})
						rest = rest[n:]
					}
					if s.State().Sides[Server].DataBytes != uint64(size) {
						b.Fatal(s.State().Sides[Server])
					}
				}
			})
		}
	}
}

func BenchmarkGoTLS(b *testing.B) {
	for _, x := range benchSuites {
		b.Run(x.name, func(b *testing.B) {
			p, _, size := bulk(b, x.version, x.suite)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			buf := make([]byte, 1<<14)
			for b.Loop() {
				b.StopTimer()
				client, w := p.sealed(b, size)
				b.StartTimer()
				n, err := io.CopyBuffer(onlyWriter{}, onlyReader{client}, buf)
				if err != nil || n != int64(size) {
					b.Fatal(n, err)
				}
				_ = w
			}
		})
	}
}

type onlyReader struct{ io.Reader }
type onlyWriter struct{}

func (onlyWriter) Write(b []byte) (int, error) { return len(b), nil }

// sealed is a client after its handshake, with all that the server sends
// waiting to be read.
func (p *pair) sealed(t testing.TB, size int) (*gotls.Conn, *wire) {
	w := &wire{}
	w.changed.L = &w.Mutex
	client := gotls.Client(wiretap{nil, Client, w}, p.client)
	server := gotls.Server(wiretap{nil, Server, w}, p.server)
	done := make(chan error, 1)
	go func() {
		_, err := server.Write(bytes.Repeat([]byte("0123456789abcdef"), size/16))
		server.CloseWrite()
		done <- err
	}()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client, w
}

// BenchmarkDark is the hot path: TLS without keys, per segment.
func BenchmarkDark(b *testing.B) {
	_, stream, _ := bulk(b, gotls.VersionTLS13, 0)
	s := NewSession(nil, Options{})
	s.Feed(Client, stream[Client], NoSink{})
	records := spans(stream[Server])
	s.Feed(Server, stream[Server][:records[10].start], NoSink{})
	big := stream[Server][records[10].start:records[20].start] // fits a cache, as a packet just read does
	for _, segment := range []int{1448, 1 << 16} {
		b.Run(fmt.Sprint(segment), func(b *testing.B) {
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				n := min(segment, len(big)-at)
				if !s.Pass(Server, big[at:at+n]) {
					s.Feed(Server, big[at:at+n], NoSink{})
				}
				if at += n; at == len(big) {
					at = 0
				}
			}
			if side := s.State().Sides[Server]; side.NotTLS || side.Sealed < 10 {
				b.Fatal(side)
			}
			// The next size begins at a record.
			s.Feed(Server, big[at:], NoSink{})
		})
	}
}

// TestAllocations: without keys nothing is allocated after the handshake;
// with keys, neither.
func TestAllocations(t *testing.T) {
	p, stream, _ := bulk(t, gotls.VersionTLS13, 0)
	records := spans(stream[Server])
	for name, keys := range map[string]*Keys{"dark": nil, "decrypted": p.keys(t)} {
		s := NewSession(keys, Options{})
		s.Feed(Client, stream[Client], NoSink{})
		s.Feed(Server, stream[Server][:records[10].start], NoSink{})
		rest := stream[Server][records[10].start:]
		sink := Sink(NoSink{})
		if n := testing.AllocsPerRun(100, func() {
			s.Feed(Server, rest[:20000], sink)
			rest = rest[20000:]
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if keys != nil && s.State().Sides[Server].Failed > 0 {
			t.Error("records failed")
		}
		if side := s.State().Sides[Server]; side.NotTLS || side.Sealed < 100 {
			t.Errorf("%s: %+v", name, side)
		}
	}
}
