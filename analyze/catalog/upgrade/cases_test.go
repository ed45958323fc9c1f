package upgrade

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

const (
	goodRequest = "GET /socket HTTP/1.1\nHost: app.test\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n"
	good101     = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"
	stripped    = "GET /socket HTTP/1.0\nHost: 10.0.0.2:8080\nConnection: close\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
	chrome      = "GET /x HTTP/1.1\nHost: app.test\nConnection: Upgrade\nPragma: no-cache\nCache-Control: no-cache\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/154.0.0.0 Safari/537.36\n" +
		"Upgrade: websocket\nOrigin: https://app.test\nSec-WebSocket-Version: 13\nAccept-Encoding: gzip, deflate\nAccept-Language: en\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n"
)

// change edits a connection after it was built.
type change func(*record.Connection)

// caseOf is one case of one rule. Without title the rule stays silent.
type caseOf struct {
	code, name string
	request    string // head without the empty line; "" is goodRequest, "-" none
	response   string // "" is none
	body       string
	change     change
	title      string // part of the title
	fault      record.Fault
	confidence record.Confidence
	remedy     string // part of the remedy
}

func at(packet int64, after time.Duration) record.Ref {
	return record.Ref{Packet: packet, Time: record.Time(1_000_000_000 + int64(after))}
}

func head(t *testing.T, k http1.Kind, text string) *http1.Head {
	t.Helper()
	h := http1.ParseHead(k, strings.ReplaceAll(text, "\n", "\r\n")+"\r\n")
	if h == nil || h.Truncated {
		t.Fatalf("not a head: %q", text)
	}
	return h
}

func build(t *testing.T, tc caseOf) *record.Connection {
	t.Helper()
	u := &record.UpgradeFacts{RequestAcked: true}
	c := &record.Connection{
		ID: "1", Client: netip.MustParseAddrPort("10.0.0.1:50000"), Server: netip.MustParseAddrPort("10.0.0.5:80"), Scheme: "ws", Host: "app.test",
		URL: "ws://app.test/socket?token=hunter2", RecognizedBy: record.ByUpgrade,
		Facts: &record.Facts{Files: []string{"a.pcap"}, First: at(1, 0), Last: at(9, time.Second), CaptureEnd: at(99, time.Minute), Upgrade: u},
	}
	if tc.request != "-" {
		text := tc.request
		if text == "" {
			text = goodRequest
		}
		u.Request = head(t, http1.Request, text)
		u.RequestRef, u.RequestLast = at(4, time.Millisecond), at(4, time.Millisecond)
		if key, ok := u.Request.Get("Sec-WebSocket-Key"); ok {
			u.WantAccept = http1.AcceptFor(key)
		}
	}
	if tc.response != "" {
		u.Response = head(t, http1.Response, tc.response)
		u.ResponseRef, u.ResponseLast = at(6, 2*time.Millisecond), at(6, 2*time.Millisecond)
		u.Body, u.BodyRef = []byte(tc.body), at(6, 2*time.Millisecond)
		if u.Response.Status == 101 {
			c.Facts.WS = &record.WSFacts{OpenedRef: u.ResponseRef, HandshakeSeen: true}
		}
	}
	if tc.change != nil {
		tc.change(c)
	}
	return c
}

func TestCases(t *testing.T) {
	var all []ruletest.Case
	for _, tc := range allCases() {
		want := ruletest.Case{Code: tc.code, Title: tc.title, Remedy: tc.remedy, Fault: tc.fault, Confidence: tc.confidence}
		all = append(all, want)
		t.Run(tc.code+"/"+tc.name, func(t *testing.T) { want.Check(t, Rules, build(t, tc)) })
	}
	ruletest.Covered(t, Rules, all)
}

func allCases() []caseOf {
	var all []caseOf
	for _, list := range [][]caseOf{requestCases, statusCases, silenceCases, switchCases, h2Cases} {
		all = append(all, list...)
	}
	return all
}

// TestHealthyCostsNothing: most connections have no finding; judging them must
// not allocate.
func TestHealthyCostsNothing(t *testing.T) {
	for name, tc := range map[string]caseOf{
		"plain":   {response: good101},
		"deflate": {request: strings.Replace(chrome, "https://", "http://", 1), response: good101 + "Sec-WebSocket-Extensions: permessage-deflate\n"},
		"none":    {request: "-"},
	} {
		t.Run(name, func(t *testing.T) {
			c := build(t, tc)
			if name == "none" {
				c.Facts.Upgrade = nil
			}
			ruletest.Free(t, Rules, c)
		})
	}
}

func BenchmarkHealthy(b *testing.B) {
	ruletest.Benchmark(b, Rules, build(&testing.T{}, caseOf{response: good101}))
}

// TestEmptyFacts: whatever is missing, no rule may panic.
func TestEmptyFacts(t *testing.T) {
	reference := build(t, caseOf{response: good101})
	for name, c := range map[string]*record.Connection{
		"no facts":   {},
		"no upgrade": {Facts: &record.Facts{}},
		"no heads":   {Facts: &record.Facts{Upgrade: &record.UpgradeFacts{}}},
		"no request": {Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Response: reference.Facts.Upgrade.Response}}},
		"no answer":  {Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Request: reference.Facts.Upgrade.Request}}},
		"empty heads": {Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Request: &http1.Head{}, Response: &http1.Head{Kind: http1.Response, Status: 101}},
			KeyElsewhere: &record.OtherConnection{}}},
		"http/2": {Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Request: &http1.Head{}, Response: &http1.Head{Status: 200}}, H2: &record.H2Facts{}}},
	} {
		r := rule.NewReporter(nil)
		for _, each := range Rules {
			r.Run(each, c)
		}
		_ = name
	}
	for status := range 1000 {
		c := &record.Connection{Facts: &record.Facts{Upgrade: &record.UpgradeFacts{Request: &http1.Head{}, Response: &http1.Head{Status: status}}}}
		r := rule.NewReporter(nil)
		for _, each := range Rules {
			r.Run(each, c)
		}
		if status >= 200 && status < 600 && len(r.Findings()) == 0 && status != 407 && status != 511 {
			t.Errorf("status %d has no finding", status)
		}
	}
}

// TestKeyValid holds the check against the decoder.
func TestKeyValid(t *testing.T) {
	for _, key := range []string{"", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ!=", "dGhl_HNhbXBsZSBub25jZQ==",
		"dGhlIHNhbXBsZSBub25jZWE=", "====IHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ\r\n",
		"dGhlIHNhbXBsZSBub25jZQ", "MTIzNDU2Nzg5MDEyMzQ1", "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBu\nb25jZQ=", "dGhlIHNhbXBsZSBub25jZR=="} {
		raw, err := base64.StdEncoding.DecodeString(key)
		if got, want := rule.KeyValid(key), err == nil && len(raw) == 16 && len(key) == 24; got != want {
			t.Errorf("%q: %v, decoded it is %d bytes, %v", key, got, len(raw), err)
		}
	}
}
