package analyze

import (
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func TestOpaqueVerdict(t *testing.T) {
	at := func(packet int64, after time.Duration) record.Ref {
		return record.Ref{Packet: packet, Time: record.Time(1e9 + int64(after))}
	}
	like := &record.TLSLikeness{Confidence: record.Likely, Short: [2]int{3, 3}}
	for name, tc := range map[string]struct {
		tls      record.TLSFacts
		tcp      record.TCPFacts
		open     bool
		findings []record.Finding
		want     string
	}{
		"idle": {tls: record.TLSFacts{SNI: "app.test", Version: "1.3", Likeness: like, Complete: "likely"},
			tcp:  record.TCPFacts{End: at(9, 61*time.Second), EndBy: record.Server, EndHow: "rst", Silence: 60 * time.Second},
			want: "Probably a WebSocket to app.test inside TLS 1.3: records of the size of an Upgrade request and of its 101, then short ones in both directions; the server ended it by RST after 60.0 s of silence, consistent with nginx's proxy_read_timeout, an AWS Application or Classic Load Balancer's idle timeout, Apache httpd's TimeOut or ProxyTimeout or Varnish's pipe_timeout. A key log would tell the rest."},
		"closed": {tls: record.TLSFacts{Version: "1.2", LikelyCloseNotify: [2]record.Ref{at(8, 0), {}}},
			tcp:  record.TCPFacts{End: at(9, time.Second), EndBy: record.Client, EndHow: "fin"},
			want: "TLS 1.2 connection that no key opens: it may be a WebSocket; the client ended it by what looks like a close_notify, and FIN. A key log would tell the rest."},
		"forgotten": {tls: record.TLSFacts{Version: "1.2", Likeness: &record.TLSLikeness{Confidence: record.Possible}},
			tcp:  record.TCPFacts{End: at(9, 400*time.Second), EndBy: record.Server, EndHow: "rst", Silence: 360 * time.Second, SilenceBroken: at(8, 400*time.Second)},
			want: "Possibly a WebSocket inside TLS 1.2: records of the size of an Upgrade request and of its 101, then short ones of the client; the server ended it by RST in answer to data after 360.0 s of silence. A key log would tell the rest."},
		"not yet encrypted": {tls: record.TLSFacts{SNI: "app.test", ClientHello: at(4, 0)}, open: true,
			want: "The capture ended 5.00 s after the connection to app.test began, in the middle of its TLS handshake: it may become a WebSocket."},
		"still open": {tls: record.TLSFacts{Version: "1.3"}, open: true, want: "TLS 1.3 connection that no key opens: it may be a WebSocket; it was still open when the capture ended, after 5.00 s. A key log would tell the rest."},
		"a finding says more": {tls: record.TLSFacts{Version: "1.3", Likeness: like}, tcp: record.TCPFacts{End: at(9, 0), EndHow: "rst"},
			findings: []record.Finding{{Code: "WS206", Severity: record.Error, Title: "The RST was injected on the path"}},
			want:     "Probably a WebSocket inside TLS 1.3: records of the size of an Upgrade request and of its 101, then short ones in both directions. The RST was injected on the path. A key log would tell the rest."},
	} {
		c := &record.Connection{Outcome: record.Opaque, DurationMS: 5000, Findings: tc.findings, Facts: &record.Facts{TLS: &tc.tls, TCP: tc.tcp, EndOfCapture: tc.open}}
		if got := verdict(c); got != tc.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTLSFailure(t *testing.T) {
	at := func(packet int64, after time.Duration) record.Ref {
		return record.Ref{Packet: packet, Time: record.Time(1e9 + int64(after))}
	}
	for want, tc := range map[string]struct {
		tls record.TLSFacts
		how string
	}{
		"The TLS handshake did not complete: the server ended it by RST, 20 ms after the ClientHello: who has to act cannot be told from this capture.": {record.TLSFacts{ClientHello: at(4, 0)}, "rst"},
		"The TLS handshake did not complete: the server ended it by FIN, 10 ms after the ServerHello: who has to act cannot be told from this capture.": {record.TLSFacts{ClientHello: at(4, 0), ServerHello: at(5, 10*time.Millisecond)}, "fin"},
		"The TLS handshake did not complete: who has to act cannot be told from this capture.":                                                          {record.TLSFacts{ClientHello: at(4, 0)}, ""},
	} {
		c := &record.Connection{Outcome: record.TLSFailed, Fault: record.FaultUnknown, Facts: &record.Facts{TLS: &tc.tls}}
		if tc.how != "" {
			c.Facts.TCP = record.TCPFacts{End: at(9, 20*time.Millisecond), EndBy: record.Server, EndHow: tc.how}
		}
		if got := verdict(c); got != want {
			t.Errorf("%s", got)
		}
	}
}
