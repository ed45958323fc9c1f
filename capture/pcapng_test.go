package capture

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func bothOrders(t *testing.T, f func(t *testing.T, ng ngFile)) {
	t.Run("little-endian", func(t *testing.T) { f(t, ngFile{}) })
	t.Run("big-endian", func(t *testing.T) { f(t, ngFile{big: true}) })
}

func TestPcapngBlocks(t *testing.T) {
	bothOrders(t, func(t *testing.T, ng ngFile) {
		other := ngFile{big: !ng.big}
		b := slices.Concat(
			ng.section(ng.option(optComment, []byte("a comment")), ng.option(shbHardware, []byte("a machine")), ng.option(shbOS, []byte("an OS")), ng.option(shbApplication, []byte("an app")), ng.option(optEnd, nil)),
			ng.iface(1, 300, ng.option(ifName, []byte("eth0\x00")), ng.option(ifDescription, []byte("uplink")), ng.option(ifTsresol, []byte{9}), ng.option(ifFilter, []byte("\x00tcp port 80")), ng.option(ifFCSLen, []byte{4}), ng.option(optComment, []byte("note"))),
			ng.packet(0, 1_000_000_001, 5, []byte("first"), ng.option(optComment, []byte("why"))),
			ng.block(0xbad, make([]byte, 40)),
			ng.iface(276, 0),
			ng.packet(1, 2_000_000, 90, []byte("second")),
			ng.obsolete(0, 3, 3_000_000_000, 6, []byte("third")),
			ng.simple(6, []byte("fourth")),
			other.section(),
			other.iface(101, 100),
			other.packet(0, 5_000_000, 5, []byte("fifth")),
			other.simple(200, bytes.Repeat([]byte("s"), 100)),
		)
		want := []got{
			{1, 1*second + 1, second + 1, 0, 0, 0, LinkEthernet, 5, "first"},
			{2, 2 * second, 2 * second, 0, 0, 1, LinkSLL2, 90, "second"},
			{3, 3 * second, 3 * second, 0, 0, 0, LinkEthernet, 6, "third"},
			{4, 3 * second, 3 * second, 0, 0, 0, LinkEthernet, 6, "fourth"},
			{5, 5 * second, 5 * second, 0, 0, 2, LinkRaw, 5, "fifth"},
			{6, 5 * second, 5 * second, 0, 0, 2, LinkRaw, 200, strings.Repeat("s", 100)},
		}
		packets, info := readBytes(t, b)
		if !slices.Equal(packets, want) {
			t.Errorf("packets %+v\nwant %+v", packets, want)
		}
		if info.Format != "pcapng" || info.Problems != nil || info.SnapLen != 300 || info.FCSLen != 4 || info.NoTime != 2 ||
			info.Comment != "a comment" || info.Hardware != "a machine" || info.OS != "an OS" || info.Application != "an app" ||
			info.Drops != 3 || !info.DropsKnown || !slices.Equal(info.LinkTypes, []LinkType{LinkEthernet, LinkSLL2, LinkRaw}) {
			t.Errorf("facts %+v", info)
		}
		wantIfs := []Interface{
			{Name: "eth0", Description: "uplink", Filter: "tcp port 80", Comment: "note", LinkType: 1, SnapLen: 300, Packets: 3},
			{LinkType: 276, Packets: 1},
			{LinkType: 101, SnapLen: 100, Packets: 2},
		}
		if !slices.Equal(info.Interfaces, wantIfs) {
			t.Errorf("interfaces %+v\nwant %+v", info.Interfaces, wantIfs)
		}
	})
}

func TestPcapngTime(t *testing.T) {
	for _, c := range []struct {
		name    string
		tsresol []byte
		offset  int64
		stamp   uint64
		want    int64
		noTime  int64
	}{
		{"default is microseconds", nil, 0, 1_500_000, 1_500_000_000, 0},
		{"milliseconds", []byte{3}, 0, 1500, 1_500_000_000, 0},
		{"seconds", []byte{0}, 0, 7, 7 * second, 0},
		{"nanoseconds", []byte{9}, 0, 1_763_700_000_123_456_789, 1_763_700_000_123_456_789, 0},
		{"picoseconds", []byte{12}, 0, 1_234_567, 1234, 0},
		{"10^-40", []byte{40}, 0, math.MaxUint64, 0, 0},
		{"2^-10", []byte{0x80 | 10}, 0, 1024 + 512, 1_500_000_000, 0},
		{"2^-32", []byte{0x80 | 32}, 0, 1_763_700_000<<32 | 1<<31, 1_763_700_000_500_000_000, 0},
		{"2^-70", []byte{0x80 | 70}, 0, 1 << 63, 7_812_500, 0},
		{"offset", []byte{9}, 1000, 5, 1000*second + 5, 0},
		{"negative offset", nil, -3, 1_000_000, -2 * second, 0},
		{"beyond 2262", nil, 0, math.MaxUint64, 0, 1},
		{"beyond 2262, seconds", []byte{0}, 0, 1 << 40, 0, 1},
		{"offset beyond 2262", nil, math.MaxInt64, 1, 0, 1},
		{"sum beyond 2262", []byte{9}, 9_000_000_000, 1 << 62, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothOrders(t, func(t *testing.T, ng ngFile) {
				var options []byte
				if c.tsresol != nil {
					options = ng.option(ifTsresol, c.tsresol)
				}
				if c.offset != 0 {
					options = append(options, ng.option(ifTsoffset, ng.u64(uint64(c.offset)))...)
				}
				packets, info := readBytes(t, slices.Concat(ng.section(), ng.iface(1, 0, options), ng.packet(0, c.stamp, 1, []byte("x"))))
				if len(packets) != 1 || packets[0].time != c.want || info.NoTime != c.noTime {
					t.Errorf("packets %+v, %d without time; want time %d", packets, info.NoTime, c.want)
				}
			})
		})
	}
}

func TestPcapngDrops(t *testing.T) {
	ng := ngFile{}
	stats := func(id uint32, options ...[]byte) []byte {
		return ng.block(blockStatistics, ng.u32(id, 0, 0), slices.Concat(options...))
	}
	start := slices.Concat(ng.section(), ng.iface(1, 0), ng.iface(1, 0))
	for _, c := range []struct {
		name  string
		tail  []byte
		drops uint64
		known bool
	}{
		{"none", nil, 0, false},
		{"received only", stats(0, ng.option(4, ng.u64(10))), 0, false},
		{"zero", stats(0, ng.option(isbIfDrop, ng.u64(0))), 0, true},
		{"both kinds", stats(0, ng.option(isbIfDrop, ng.u64(3)), ng.option(isbOSDrop, ng.u64(4))), 7, true},
		{"the last counts", slices.Concat(stats(0, ng.option(isbIfDrop, ng.u64(3))), stats(0, ng.option(isbIfDrop, ng.u64(5)))), 5, true},
		{"two interfaces", slices.Concat(stats(0, ng.option(isbIfDrop, ng.u64(3))), stats(1, ng.option(isbIfDrop, ng.u64(5)))), 8, true},
		{"unknown", stats(0, ng.option(isbIfDrop, ng.u64(math.MaxUint64))), 0, false},
		{"no such interface", stats(9, ng.option(isbIfDrop, ng.u64(3))), 0, false},
		{"obsolete packets", slices.Concat(ng.obsolete(0, 2, 1, 1, []byte("x")), ng.obsolete(0, math.MaxUint16, 2, 1, []byte("x"))), 2, true},
		{"statistics before obsolete packets", slices.Concat(ng.obsolete(0, 2, 1, 1, []byte("x")), stats(0, ng.option(isbOSDrop, ng.u64(9)))), 9, true},
	} {
		_, info := readBytes(t, slices.Concat(start, c.tail))
		if info.Drops != c.drops || info.DropsKnown != c.known || info.Problems != nil {
			t.Errorf("%s: drops %d, known %t, problems %v; want %d, %t", c.name, info.Drops, info.DropsKnown, info.Problems, c.drops, c.known)
		}
	}
}

func TestPcapngSecretsAndNames(t *testing.T) {
	bothOrders(t, func(t *testing.T, ng ngFile) {
		secret := func(kind uint32, data string) []byte {
			return ng.block(blockSecrets, ng.u32(kind, uint32(len(data))), pad4([]byte(data)))
		}
		v6 := netip.MustParseAddr("2001:db8::1")
		names := ng.block(blockNames,
			ng.option(nameIPv4, []byte("\x0a\x00\x00\x01a.test\x00b.test\x00")),
			ng.option(7, []byte("unknown")),
			ng.option(nameIPv6, append(v6.AsSlice(), "c.test\x00"...)),
			ng.option(nameIPv4, []byte("\x0a")),
			ng.option(nameEnd, nil))
		large := strings.Repeat("CLIENT_RANDOM 00 11\n", maxBuffered/10)
		_, info := readBytes(t, slices.Concat(ng.section(), secret(SecretsTLSKeyLog, "one\n"), ng.iface(1, 0),
			ng.packet(0, 1, 1, []byte("x")), names, secret(SecretsWireGuardKeyLog, large), ng.packet(0, 2, 1, []byte("y"))))
		if len(info.Secrets) != 2 || info.Secrets[0].Type != SecretsTLSKeyLog || string(info.Secrets[0].Data) != "one\n" || info.Secrets[0].Packet != 1 ||
			info.Secrets[1].Type != SecretsWireGuardKeyLog || string(info.Secrets[1].Data) != large || info.Secrets[1].Packet != 2 {
			t.Errorf("%d secrets", len(info.Secrets))
		}
		v4 := netip.MustParseAddr("10.0.0.1")
		want := []NameRecord{{v4, "a.test"}, {v4, "b.test"}, {v6, "c.test"}}
		if !slices.Equal(info.Names, want) || info.Problems != nil || info.Packets != 2 {
			t.Errorf("names %v, problems %v, %d packets", info.Names, info.Problems, info.Packets)
		}
	})
}

// What is beyond a limit is left out and said, and the packets come.
func TestPcapngLimits(t *testing.T) {
	ng := ngFile{}
	start := slices.Concat(ng.section(), ng.iface(1, 0))
	packet := ng.packet(0, 1, 1, []byte("x"))
	manyNames := bytes.Repeat(ng.block(blockNames, bytes.Repeat(ng.option(nameIPv4, []byte("\x0a\x00\x00\x01n\x00")), 1000)), maxNames/1000+1)
	manySecrets := bytes.Repeat(ng.block(blockSecrets, ng.u32(SecretsTLSKeyLog, 8<<20), make([]byte, 8<<20)), 9)
	for name, extra := range map[string][]byte{
		"names":       manyNames,
		"secrets":     manySecrets,
		"huge secret": ng.block(blockSecrets, ng.u32(SecretsTLSKeyLog, maxSecrets+1), make([]byte, maxSecrets+1)),
		"bad secret":  ng.block(blockSecrets, ng.u32(SecretsTLSKeyLog, 100), make([]byte, 10)),
	} {
		packets, info := readBytes(t, slices.Concat(start, extra, packet))
		if len(packets) != 1 || len(info.Problems) != 1 || info.Problems[0].Kind != LimitReached {
			t.Errorf("%s: %d packets, problems %+v", name, len(packets), info.Problems)
		}
		if len(info.Names) > maxNames {
			t.Errorf("%s: %d names", name, len(info.Names))
		}
	}
	interfaces := slices.Concat(ng.section(), bytes.Repeat(ng.iface(1, 0), maxInterfaces+1))
	_, info := readBytes(t, interfaces)
	if len(info.Interfaces) != maxInterfaces || len(info.Problems) != 1 || info.Problems[0].Kind != Corrupt {
		t.Errorf("%d interfaces, problems %+v", len(info.Interfaces), info.Problems)
	}
}

func TestPcapngCorrupt(t *testing.T) {
	ng := ngFile{}
	good := slices.Concat(ng.section(), ng.iface(1, 0), ng.packet(0, 1_000_000, 4, []byte("good")))
	trailer := ng.packet(0, 2, 4, []byte("late"))
	trailer[len(trailer)-4]++
	unknown := ng.block(99, make([]byte, 8))
	unknown[len(unknown)-1]++
	captured := ng.packet(0, 2, 4, []byte("late"))
	captured[20] = 5
	order := ng.section()
	order[8]++
	version := ng.section()
	version[12] = 2
	for name, bad := range map[string][]byte{
		"length too short":   ng.u32(blockEnhanced, 8, 0, 0),
		"length too long":    ng.u32(blockEnhanced, maxBlock+4, 0, 0),
		"trailing length":    trailer,
		"of unknown block":   unknown,
		"captured length":    captured,
		"interface":          ng.packet(1, 2, 4, []byte("late")),
		"obsolete interface": ng.obsolete(1, 0, 2, 4, []byte("late")),
		"short packet block": ng.block(blockEnhanced, make([]byte, 12)),
		"short simple block": ng.block(blockSimple),
		"short interface":    ng.block(blockInterface, make([]byte, 4)),
		"short section":      ng.block(blockSection, ng.u32(byteOrderMagic)),
		"no interface":       slices.Concat(ng.section(), ng.simple(1, []byte("x"))),
		"byte order":         order,
		"version":            version,
	} {
		packets, info := readBytes(t, slices.Concat(good, bad, make([]byte, 64)))
		if len(packets) != 1 || packets[0].data != "good" {
			t.Errorf("%s: packets %+v, want the first", name, packets)
		}
		if len(info.Problems) != 1 || info.Problems[0].Kind != Corrupt || info.Problems[0].Packet != 1 || info.Problems[0].Offset < int64(len(good)) {
			t.Errorf("%s: problems %+v", name, info.Problems)
		}
	}
}
