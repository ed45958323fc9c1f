package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []int64
		want   int64
	}{{nil, 0}, {[]int64{7}, 7}, {[]int64{9, 1, 5}, 5}, {[]int64{4, 1, 9, 6}, 5}} {
		if got := median(slices.Clone(c.values)); got != c.want {
			t.Errorf("median of %v is %d, want %d", c.values, got, c.want)
		}
	}
	m := medians([]usage{{CPU: 3, Wall: 1, RSS: 5}, {CPU: 1, Wall: 3, RSS: 9}, {CPU: 2, Wall: 2, RSS: 7}})
	if want := (usage{CPU: 2, Wall: 2, RSS: 7}); m != want {
		t.Errorf("medians are %v, want %v", m, want)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"1G": 1e9, "256M": 256e6, "1.5M": 1.5e6, "2000000": 2e6, "G": 0, "-1M": 0, "1T": 0} {
		got, err := parseSize(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
}

func TestTableSaysWhoWins(t *testing.T) {
	of := func(name, against string, ms int64) row {
		d := time.Duration(ms) * time.Millisecond
		return row{preset: "mixed", name: name, against: against, usage: usage{CPU: d, Wall: d, RSS: 20e6}}
	}
	got := strings.Join(table([]row{of("wsleuth", "variant", 1000), of("tcpdump", "", 800), of("tshark", "", 90000),
		of("wsleuth -o ndjson", "variant", 1500), of("crypto/cipher alone", "baseline", 600)}, 30e6), "\n")
	for _, want := range []string{
		"| mixed | wsleuth | 1.00 | 1.00 | ≤ 20 MB |  |  |",
		"| mixed | tcpdump | 0.80 | 0.80 | ≤ 20 MB | 1.25× | 1.25× |",
		"| 90 times faster | 90 times faster |",
		"| 1.50× of the default | 1.50× |",
		"| 1.67×, 60 % of its speed | 1.67× |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestComparedSaysWhoDiffers(t *testing.T) {
	want, got, theirs := &counts{answers: 5, messages: 9}, &counts{answers: 5, messages: 8}, unknown()
	theirs.answers = 3
	lines := strings.Join(compared("mixed", want, got, theirs), "\n")
	for _, text := range []string{"| 5 | 5 | 3 | differ: tshark -2 |", "| messages | 9 | 8 |  | differ: wsleuth -1 |"} {
		if !strings.Contains(lines, text) {
			t.Errorf("no %q in\n%s", text, lines)
		}
	}
}

// TestReportedMatchesTruth: a connection counts as right only with its outcome
// and its messages.
func TestReportedMatchesTruth(t *testing.T) {
	report := `{"type":"report"}
{"type":"connection","client":"192.0.2.1:5","server":"192.0.2.2:80","started":"2024-01-15T09:00:00.000007Z","outcome":"OUTCOME","response":{"status":101},
 "websocket":{"messages":{"client":2,"server":1},"frames":{"client":{"text":2,"close":1},"server":{"binary":1}}}}`
	k := known{Client: "192.0.2.1:5", Server: "192.0.2.2:80", Start: "2024-01-15T09:00:00.000007900Z", Outcome: "ok", Messages: [2]int64{2, 1}}
	for outcome, want := range map[string]int64{"closed-clean": 1, "open": 0} {
		told := 0
		got, err := reported(strings.NewReader(strings.Replace(report, "OUTCOME", outcome, 1)),
			map[string]known{key(k.Client, k.Server, k.Start): k}, func(string, ...any) { told++ })
		if err != nil {
			t.Fatal(err)
		}
		if got.whole != want || told != int(1-want) || got.answers != 1 || got.messages != 3 || got.opcodes[1] != 2 || got.opcodes[8] != 1 {
			t.Errorf("%s: %+v, %d told", outcome, *got, told)
		}
	}
}

// TestChecksum against the example of RFC 1071 section 3.
func TestChecksum(t *testing.T) {
	if got := sum(0, []byte{0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7}); got != 0xddf2 {
		t.Errorf("sum is %#x, want 0xddf2", got)
	}
}
