package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
)

func at(t *testing.T, s string) record.Time {
	t.Helper()
	std, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return record.Time(std.UnixNano())
}

func TestBounds(t *testing.T) {
	day := extent{at(t, "2026-11-20T10:00:00Z"), at(t, "2026-11-20T11:00:00Z")}
	night := extent{at(t, "2026-11-20T22:00:00Z"), at(t, "2026-11-21T06:00:00Z")}
	zone := time.FixedZone("", 2*3600)
	cases := []struct {
		text   string
		extent extent
		zone   *time.Location
		want   string
	}{
		{"2026-11-20T10:30:00Z", day, time.UTC, "2026-11-20T10:30:00Z"},
		{"2026-11-20T10:30:00", day, zone, "2026-11-20T08:30:00Z"},
		{"10:30:00", day, time.UTC, "2026-11-20T10:30:00Z"},
		{"10:30", day, zone, "2026-11-20T08:30:00Z"},
		{"09:00:00", day, time.UTC, "2026-11-20T09:00:00Z"},
		{"12:00:00", day, time.UTC, "2026-11-20T12:00:00Z"},
		{"23:00:00", night, time.UTC, "2026-11-20T23:00:00Z"},
		{"05:00:00", night, time.UTC, "2026-11-21T05:00:00Z"},
		{"00:00:00", night, time.UTC, "2026-11-21T00:00:00Z"},
		{"-10m", day, time.UTC, "2026-11-20T10:50:00Z"},
		{"-1h30m", night, zone, "2026-11-21T04:30:00Z"},
	}
	for _, c := range cases {
		b, err := parseBound(c.text, c.zone)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := b.resolve(&c.extent, c.zone).at; got != at(t, c.want) {
			t.Errorf("%s is %s, want %s", c.text, got.Std(), c.want)
		}
	}
	for _, text := range []string{"", "yesterday", "-10", "#", "#0", "#x", "25:00:00", "2026-13-01T00:00:00Z"} {
		if b, err := parseBound(text, time.UTC); err == nil {
			t.Errorf("%q is %+v", text, b)
		}
	}
}

func TestHostOnly(t *testing.T) {
	for host, want := range map[string]string{"app.test": "app.test", "app.test:8080": "app.test", "[2001:db8::1]:80": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "2001:db8::1": "2001:db8::1", "": ""} {
		if got := hostOnly(host); got != want {
			t.Errorf("hostOnly(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestKeep(t *testing.T) {
	c := &record.Connection{ID: "7", Host: "app.test:8080", Started: 100, Ended: 200, FirstPacket: 7, LastPacket: 20,
		Client: netip.MustParseAddrPort("[::ffff:10.1.2.3]:5000"), Server: netip.MustParseAddrPort("10.0.0.2:8080"),
		TLS: &record.TLS{SNI: "sni.test"}, Tunnel: &record.Tunnel{Target: "far.test:443"}}
	cases := []struct {
		name   string
		choice choice
		want   bool
	}{
		{"nothing chosen", choice{}, true},
		{"its ID", choice{ids: []string{"3", "7"}}, true},
		{"another ID", choice{ids: []string{"77"}}, false},
		{"its host", choice{hosts: []string{"APP.test."}}, true},
		{"its SNI", choice{hosts: []string{"sni.test"}}, true},
		{"its tunnel's target", choice{hosts: []string{"far.test"}}, true},
		{"part of its host", choice{hosts: []string{"test"}}, false},
		{"its port", choice{ports: []int{80, 8080}}, true},
		{"its client's port", choice{ports: []int{5000}}, false},
		{"its client", choice{clients: []string{"10.1.2.3"}}, true},
		{"its client's net", choice{clients: []string{"10.1.0.0/16"}}, true},
		{"its server as client", choice{clients: []string{"10.0.0.2"}}, false},
		{"since its middle", choice{from: bound{at: 150}}, true},
		{"since after it", choice{from: bound{at: 201}}, false},
		{"until its middle", choice{to: bound{at: 150}}, true},
		{"until before it", choice{to: bound{at: 99}}, false},
		{"packets around its end", choice{from: bound{packet: 20}, to: bound{packet: 30}}, true},
		{"packets behind it", choice{from: bound{packet: 21}}, false},
		{"one flag fits, one does not", choice{hosts: []string{"app.test"}, ports: []int{80}}, false},
	}
	for _, one := range cases {
		if err := one.choice.prepare(t.Context(), nil, time.UTC); err != nil {
			t.Errorf("%s: %v", one.name, err)
			continue
		}
		if got := one.choice.keep(c); got != one.want {
			t.Errorf("%s: kept %v", one.name, got)
		}
	}
}
