package path

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

func ref(n int64) record.Ref {
	return record.Ref{Packet: n, Time: record.Time(n) * record.Time(time.Second)}
}

func views(p record.Path) *record.Relation {
	p.Connection = &record.Connection{ID: "1", Client: netip.MustParseAddrPort("10.0.0.1:5000"), Server: netip.MustParseAddrPort("10.0.1.1:80")}
	p.Near, p.Far, p.Offset = "/tmp/near.pcap", `C:\far.pcap`, 12*time.Millisecond
	return &record.Relation{Connections: []string{"1"}, Total: 1, Path: &p}
}

var forged = []record.PathReset{{From: record.Server, At: ref(5), TTL: 61, Elsewhere: ref(9)}}

var cases = []struct {
	name     string
	relation *record.Relation
	want     string
	title    string
	note     string // a part of the evidence
}{
	{"WS901 at the client", views(record.Path{Forged: forged}), "WS901 error certain", "near.pcap received a RST from the server that far.pcap shows it never sent", "the clock of far.pcap is about 12 ms ahead of that of near.pcap"},
	{"WS901 at both", views(record.Path{Forged: append(forged, record.PathReset{From: record.Client, At: ref(6), Elsewhere: ref(9)})}), "WS901 error certain", "Both ends received RSTs", "TTL 61"},
	{"WS901 the other file ends early", views(record.Path{Forged: forged, EndsEarly: true}), "WS901 error likely", "never sent", ""},
	{"WS901 takes the packet, too", views(record.Path{Forged: forged, Lost: []record.PathLoss{{What: "data", At: ref(1)}}}), "WS901 error certain", "", ""},
	{"WS902 never", views(record.Path{Lost: []record.PathLoss{{From: record.Server, What: "the SYN-ACK", At: ref(1), Never: true}}}), "WS902 warning certain",
		"The server's SYN-ACK left far.pcap and never arrived at near.pcap", "missing in near.pcap"},
	{"WS902 some", views(record.Path{Lost: []record.PathLoss{{From: record.Client, What: "data segments", Packets: 8, At: ref(1)}}}), "WS902 warning certain",
		"8 data segments of the client were lost between near.pcap and far.pcap", ""},
	{"WS903 a field", views(record.Path{Rewritten: []record.Change{{Name: "Upgrade", Before: "Upgrade: websocket", After: "X-radee", BeforeRef: ref(1), AfterRef: ref(2)}}}),
		"WS903 error certain", "'Upgrade: websocket' in one capture is 'X-radee' in the other", "before: Upgrade: websocket"},
	{"WS903 bytes", views(record.Path{Rewritten: []record.Change{{Name: "bytes 6 to 10 of what the client sends", BeforeRef: ref(1), AfterRef: ref(2)}}}),
		"WS903 error certain", "near.pcap and far.pcap differ in bytes 6 to 10", ""},
	{"nothing", views(record.Path{}), "", "", ""},
	{"no views", &record.Relation{}, "", "", ""},
}

func TestCases(t *testing.T) {
	fires := map[string]bool{}
	for _, c := range cases {
		r := rule.NewReporter([]string{"near.pcap", "far.pcap"})
		for _, x := range Rules {
			r.RunRelation(x, c.relation)
		}
		var got []string
		title, notes := "", ""
		for _, f := range r.Findings() {
			got = append(got, f.Code+" "+string(f.Severity)+" "+string(f.Confidence))
			title = f.Title
			fires[f.Code] = true
			for _, e := range f.Evidence {
				notes += e.Note + "\n"
			}
			if len(f.Evidence) == 0 || f.Remedy == "" {
				t.Errorf("%s: %s has no evidence or no remedy", c.name, f.Code)
			}
		}
		if text := strings.Join(got, "; "); text != c.want || !strings.Contains(title, c.title) || !strings.Contains(notes, c.note) {
			t.Errorf("%s: %q %q %q, want %q %q %q", c.name, text, title, notes, c.want, c.title, c.note)
		}
	}
	for _, x := range Rules {
		if !fires[x.Code] {
			t.Errorf("%s lacks a case that fires", x.Code)
		}
	}
}
