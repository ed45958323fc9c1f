package transport

import (
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
)

var (
	at, healthy, abnormal, reset = ruletest.At, ruletest.Healthy, ruletest.Abnormal, ruletest.Reset
)

// dark hides all in TLS that cannot be read but looks like a WebSocket.
func dark(c *record.Connection) {
	c.Facts.WS, c.Facts.Upgrade, c.Outcome, c.Phase, c.RecognizedBy = nil, nil, record.Opaque, record.PhaseTLS, record.ByTLSFingerprint
	c.Facts.Opaque = true
	c.Facts.TLS = &record.TLSFacts{Complete: "likely", LastAppData: at(17, 9*time.Second),
		Likeness: &record.TLSLikeness{Confidence: record.Likely, RequestRef: at(4, 3*time.Millisecond), AnswerRef: at(5, 4*time.Millisecond)}}
}

// noAnswer takes the WebSocket and the response away.
func noAnswer(c *record.Connection) {
	c.Facts.WS, c.Facts.Upgrade.Response, c.Outcome = nil, nil, record.NoResponse
	c.Facts.TCP.Sides[record.Server].Bytes = 0
}

// bare takes all but the TCP handshake away.
func bare(c *record.Connection) {
	c.Facts.WS, c.Facts.Upgrade, c.Outcome = nil, nil, record.ConnectFailed
	c.Facts.TCP.End, c.Facts.TCP.EndHow = record.Ref{}, ""
	c.Facts.TCP.LastData = record.Ref{}
	for d := range c.Facts.TCP.Sides {
		c.Facts.TCP.Sides[d] = record.TCPSide{}
	}
}

func TestCases(t *testing.T) {
	ruletest.Cases(t, Rules, cases, func(testing.TB) *record.Connection { return healthy() })
}

// Every rule sees every connection, so a healthy one must cost no memory.
func TestHealthyIsSilentAndFree(t *testing.T) { ruletest.Free(t, Rules, healthy()) }

func BenchmarkHealthy(b *testing.B) { ruletest.Benchmark(b, Rules, healthy()) }

func TestSawICMP(t *testing.T) {
	for x, want := range map[record.ICMP]known.Kind{
		{Type: 3, Code: 3}: known.SawRefused, {Type: 3, Code: 1}: known.SawHostUnreachable, {Type: 3, Code: 13}: known.SawHostUnreachable,
		{Type: 3}: known.SawNetUnreachable, {Type: 3, Code: 9}: known.SawNetUnreachable, {Type: 11}: known.SawHostUnreachable,
		{V6: true, Type: 1, Code: 4}: known.SawRefused, {V6: true, Type: 1}: known.SawNetUnreachable, {V6: true, Type: 1, Code: 1}: known.SawDenied,
		{V6: true, Type: 1, Code: 3}: known.SawHostUnreachable,
	} {
		if got := sawICMP(&x); got != want {
			t.Errorf("%+v: %s, want %s", x, got, want)
		}
	}
}
