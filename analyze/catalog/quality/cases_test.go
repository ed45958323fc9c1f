package quality

import (
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/ruletest"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var cases = []ruletest.Case{
	{Code: "WS101", Name: "healthy"},
	{Code: "WS101", Name: "snapshot length", Change: func(c *record.Connection) {
		c.Facts.TCP.CutShort, c.Facts.TCP.FirstCut, c.Facts.TCP.CutBytes = 3, at(4, 0), 900
	}, Title: "3 packets of the connection were cut by the snapshot length, 900 bytes are missing"},
	{Code: "WS101", Name: "one byte", Change: func(c *record.Connection) {
		c.Facts.TCP.CutShort, c.Facts.TCP.FirstCut, c.Facts.TCP.CutBytes = 1, at(4, 0), 1
	}, Title: "1 packet of the connection was cut by the snapshot length, 1 byte is missing"},
	{Code: "WS102", Name: "healthy"},
	{Code: "WS102", Name: "two gaps", Change: gaps(record.Gap{Length: 100, Kind: "lost"}, record.Gap{Length: 50, Kind: "lost"}), Title: "150 bytes that the peer acknowledged are not in the capture (2 gaps"},
	{Code: "WS102", Name: "lost on the way", Change: gaps(record.Gap{Length: 100, Kind: "lost", Unacked: true})},
	{Code: "WS102", Name: "snapshot length is WS101", Change: gaps(record.Gap{Length: 100, Kind: "snaplen"})},
	{Code: "WS102", Name: "one direction is WS103", Change: func(c *record.Connection) {
		gaps(record.Gap{Length: 100, Kind: "lost"})(c)
		c.Facts.TCP.OneWay = true
	}},
	{Code: "WS102", Name: "a RST beyond what was seen", Change: aheadReset(134, 0), Title: "134 bytes that the client sent before its RST are not in the capture"},
	{Code: "WS102", Name: "a FIN, too, takes a number", Change: aheadReset(1, 0), Title: "A FIN or 1 byte that the client sent before its RST is not in the capture"},
	{Code: "WS102", Name: "a RST that fits", Change: aheadReset(0, 0)},
	{Code: "WS102", Name: "a RST of someone else", Change: aheadReset(134, 7)},
	{Code: "WS103", Name: "healthy"},
	{Code: "WS103", Name: "server only", Change: func(c *record.Connection) { c.Facts.TCP.OneWay, c.Facts.TCP.OneWayDir = true, record.Server },
		Title: "Only the packets of the server are in the capture, none of the client"},
	{Code: "WS104", Name: "healthy"},
	{Code: "WS104", Name: "late", Change: func(c *record.Connection) { c.Facts.TCP.LateStart = true }, Title: "its TCP handshake is not there", Severity: record.Info},
	{Code: "WS104", Name: "frames only", Change: func(c *record.Connection) { c.Facts.TCP.LateStart, c.Facts.WS.ByFrames = true, true }, Title: "neither TCP handshake nor Upgrade"},
	{Code: "WS105", Name: "healthy"},
	{Code: "WS105", Name: "open", Change: func(c *record.Connection) { c.Outcome, c.Facts.EndOfCapture = record.Open, true }, Title: "still open when the capture ends", Severity: record.Info},
	{Code: "WS105", Name: "waiting for an answer", Change: func(c *record.Connection) { c.Outcome, c.Facts.EndOfCapture = record.NoResponse, true }, Title: "without an end of the connection"},
	{Code: "WS105", Name: "the answer may come", Change: func(c *record.Connection) {
		c.Outcome, c.Phase, c.Facts.EndOfCapture, c.Request, c.Response = record.Incomplete, record.PhaseUpgrade, true, &record.Request{}, nil
	}, Title: "without an answer to the Upgrade request"},
	{Code: "WS105", Name: "an open HTTP/2 stream", Change: func(c *record.Connection) { c.Outcome, c.Facts.TCP.End = record.Open, record.Ref{} }, Title: "still open"},
	{Code: "WS107", Name: "healthy"},
	{Code: "WS107", Name: "every packet twice", Change: func(c *record.Connection) {
		c.Facts.TCP.Duplicates, c.Facts.TCP.FirstDuplicate, c.Facts.TCP.FirstOriginal = 20, at(2, 0), at(1, 0)
	}, Title: "20 packets of the connection were captured more than once", Severity: record.Info},
	{Code: "WS107", Name: "no original known", Change: func(c *record.Connection) {
		c.Facts.TCP.Duplicates, c.Facts.TCP.FirstDuplicate = 1, at(2, 0)
	}, Confidence: record.Likely, Title: "1 packet of the connection was captured more than once, or came later"},
	{Code: "WS111", Name: "healthy"},
	{Code: "WS111", Name: "no keys", Change: tls("none-given", "certain"), Title: "The TLS connection to app.test could not be decrypted: no key was given", Severity: record.Info},
	{Code: "WS111", Name: "no line for it", Change: tls("no-match", "likely"), Title: "the key log has no line for its ClientHello"},
	{Code: "WS111", Name: "handshake failed", Change: tls("none-given", "")},
	{Code: "WS111", Name: "decrypted", Change: tls("fit", "certain")},
	{Code: "WS111", Name: "key came late", Change: func(c *record.Connection) {
		tls("fit", "certain")(c)
		c.Facts.TLS.Waited = true
	}, Title: "The beginning of the TLS connection to app.test could not be decrypted", Severity: record.Info},
	{Code: "WS111", Name: "no key came", Change: func(c *record.Connection) {
		tls("no-match", "certain")(c)
		c.Facts.TLS.Waited = true
	}, Title: "no key came while its records were held"},
	{Code: "WS112", Name: "healthy"},
	{Code: "WS112", Name: "wrong keys", Change: tls("do-not-fit", "certain"), Title: "its secrets do not open the records", Severity: record.Warning},
	{Code: "WS112", Name: "right keys", Change: tls("fit", "certain")},
}

func gaps(list ...record.Gap) func(*record.Connection) {
	return func(c *record.Connection) {
		for i := range list {
			list[i].Ref = at(9, time.Second)
		}
		c.Facts.TCP.Gaps = list
	}
}

func tls(keys, complete string) func(*record.Connection) {
	return func(c *record.Connection) {
		c.Facts.TLS = &record.TLSFacts{ClientHello: at(4, 0), SNI: "app.test", Keys: keys, Complete: complete, KeysRef: at(7, 0), Decrypted: keys == "fit"}
	}
}

// files are the cases of the rules about a file as a whole.
var files = []struct {
	code, title string // of the only finding; empty: none
	capture     record.Capture
}{
	{"", "", record.Capture{Packets: 10, Facts: &record.CaptureFacts{DropsKnown: true}}},
	{"", "", record.Capture{Facts: &record.CaptureFacts{Problems: []record.CaptureProblem{{Kind: "not a capture"}}}}},
	{"WS106", "The file ends in the middle of a record at byte 1000, after packet 9",
		record.Capture{Facts: &record.CaptureFacts{Problems: []record.CaptureProblem{{Kind: "cut short", Offset: 1000, Packet: 9, Text: "the file ends within a record"}}}}},
	{"WS106", "The file could not be opened", record.Capture{Facts: &record.CaptureFacts{Problems: []record.CaptureProblem{{Kind: "read error"}}}}},
	{"WS106", "The file cannot be read any further at byte 24", record.Capture{Facts: &record.CaptureFacts{Problems: []record.CaptureProblem{{Kind: "corrupt", Offset: 24}}}}},
	{"WS108", "17 packets were dropped while the capture was taken (10 are in it)", record.Capture{Packets: 10, Drops: 17, Facts: &record.CaptureFacts{}}},
	{"WS109", "The link type user0 cannot be decoded: 4 packets were left out",
		record.Capture{Facts: &record.CaptureFacts{UnsupportedLinkTypes: []string{"user0"}, UnsupportedPackets: 4, UnsupportedFirst: at(1, 0)}}},
	{"WS110", "2 of 10 packets have an earlier time", record.Capture{Packets: 10, Facts: &record.CaptureFacts{Backwards: 2, BackwardsFirst: at(5, 0)}}},
}

func TestFiles(t *testing.T) {
	for _, tc := range files {
		t.Run(tc.code+" "+tc.title, func(t *testing.T) {
			r := rule.NewReporter([]string{"a.pcap"})
			for _, each := range Rules {
				r.RunCapture(each, &tc.capture)
			}
			found := r.Findings()
			if tc.code == "" {
				if len(found) > 0 {
					t.Fatalf("fires: %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Code != tc.code || !strings.Contains(found[0].Title, tc.title) || len(found[0].Evidence) == 0 {
				t.Errorf("found %v, expected %s %q with evidence", found, tc.code, tc.title)
			}
		})
	}
}

// aheadReset ends the connection by a RST of the client so many bytes beyond its last and hops off its TTL.
func aheadReset(ahead int64, hops uint8) func(c *record.Connection) {
	return func(c *record.Connection) {
		t := &c.Facts.TCP
		t.Sides[record.Client].FIN, t.Sides[record.Server].FIN = record.Ref{}, record.Ref{}
		t.Sides[record.Client].Bytes = 200
		x := record.Reset{Ref: record.Ref{Packet: 40, Time: t.End.Time + 1}, From: record.Client, TTL: 64 - hops, MinTTL: 64, MaxTTL: 64, Others: 5, SeqAhead: ahead}
		t.Resets = []record.Reset{x}
		t.End, t.EndBy, t.EndHow = x.Ref, record.Client, "rst"
	}
}
