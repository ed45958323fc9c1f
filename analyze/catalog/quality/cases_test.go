package quality

import (
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var cases = []caseOf{
	{code: "WS101", name: "healthy"},
	{code: "WS101", name: "snapshot length", change: func(c *record.Connection) {
		c.Facts.TCP.CutShort, c.Facts.TCP.FirstCut, c.Facts.TCP.CutBytes = 3, at(4, 0), 900
	}, title: "3 packets of the connection were cut by the snapshot length, 900 bytes are missing"},
	{code: "WS102", name: "healthy"},
	{code: "WS102", name: "two gaps", change: gaps(record.Gap{Length: 100, Kind: "lost"}, record.Gap{Length: 50, Kind: "lost"}), title: "150 bytes that the peer acknowledged are not in the capture (2 gaps"},
	{code: "WS102", name: "lost on the way", change: gaps(record.Gap{Length: 100, Kind: "lost", Unacked: true})},
	{code: "WS102", name: "snapshot length is WS101", change: gaps(record.Gap{Length: 100, Kind: "snaplen"})},
	{code: "WS102", name: "one direction is WS103", change: func(c *record.Connection) {
		gaps(record.Gap{Length: 100, Kind: "lost"})(c)
		c.Facts.TCP.OneWay = true
	}},
	{code: "WS102", name: "a RST beyond what was seen", change: aheadReset(134, 0), title: "134 bytes that the client sent before its RST are not in the capture"},
	{code: "WS102", name: "a RST that fits", change: aheadReset(0, 0)},
	{code: "WS102", name: "a RST of someone else", change: aheadReset(134, 7)},
	{code: "WS103", name: "healthy"},
	{code: "WS103", name: "server only", change: func(c *record.Connection) { c.Facts.TCP.OneWay, c.Facts.TCP.OneWayDir = true, record.Server },
		title: "Only the packets of the server are in the capture, none of the client"},
	{code: "WS104", name: "healthy"},
	{code: "WS104", name: "late", change: func(c *record.Connection) { c.Facts.TCP.LateStart = true }, title: "its TCP handshake is not there", severity: record.Info},
	{code: "WS104", name: "frames only", change: func(c *record.Connection) { c.Facts.TCP.LateStart, c.Facts.WS.ByFrames = true, true }, title: "neither TCP handshake nor Upgrade"},
	{code: "WS105", name: "healthy"},
	{code: "WS105", name: "open", change: func(c *record.Connection) { c.Outcome, c.Facts.EndOfCapture = record.Open, true }, title: "still open when the capture ends", severity: record.Info},
	{code: "WS105", name: "waiting for an answer", change: func(c *record.Connection) { c.Outcome, c.Facts.EndOfCapture = record.NoResponse, true }, title: "without an end of the connection"},
	{code: "WS105", name: "an open HTTP/2 stream", change: func(c *record.Connection) { c.Outcome, c.Facts.TCP.End = record.Open, record.Ref{} }, title: "still open"},
	{code: "WS107", name: "healthy"},
	{code: "WS107", name: "every packet twice", change: func(c *record.Connection) {
		c.Facts.TCP.Duplicates, c.Facts.TCP.FirstDuplicate, c.Facts.TCP.FirstOriginal = 20, at(2, 0), at(1, 0)
	}, title: "20 packets of the connection were captured more than once", severity: record.Info},
	{code: "WS111", name: "healthy"},
	{code: "WS111", name: "no keys", change: tls("none-given", "certain"), title: "The TLS connection to app.test could not be decrypted: no key was given", severity: record.Info},
	{code: "WS111", name: "no line for it", change: tls("no-match", "likely"), title: "the key log has no line for its ClientHello"},
	{code: "WS111", name: "handshake failed", change: tls("none-given", "")},
	{code: "WS111", name: "decrypted", change: tls("fit", "certain")},
	{code: "WS111", name: "key came late", change: func(c *record.Connection) {
		tls("fit", "certain")(c)
		c.Facts.TLS.Waited = true
	}, title: "The beginning of the TLS connection to app.test could not be decrypted", severity: record.Info},
	{code: "WS111", name: "no key came", change: func(c *record.Connection) {
		tls("no-match", "certain")(c)
		c.Facts.TLS.Waited = true
	}, title: "no key came while its records were held"},
	{code: "WS112", name: "healthy"},
	{code: "WS112", name: "wrong keys", change: tls("do-not-fit", "certain"), title: "its secrets do not open the records", severity: record.Warning},
	{code: "WS112", name: "right keys", change: tls("fit", "certain")},
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
