package capture

import (
	"slices"
	"strings"
	"testing"
)

const second = int64(1_000_000_000)

func TestPcapVariants(t *testing.T) {
	cases := []struct {
		name string
		f    pcapFile
		more int // bytes behind the file header
	}{
		{"micro", pcapFile{}, 0},
		{"micro big-endian", pcapFile{big: true}, 0},
		{"nano", pcapFile{magic: magicNano, nano: true}, 0},
		{"nano big-endian", pcapFile{magic: magicNano, nano: true, big: true}, 0},
		{"modified", pcapFile{magic: magicModified, more: pcapModifiedMore}, 0},
		{"modified big-endian", pcapFile{magic: magicModified, more: pcapModifiedMore, big: true}, 0},
		{"ixia micro", pcapFile{magic: magicIxiaSW}, ixiaHeaderMore},
		{"ixia nano", pcapFile{magic: magicIxiaHW, nano: true, big: true}, ixiaHeaderMore},
		{"version 2.3", pcapFile{minor: 3, big: true}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := append(c.f.header(113), make([]byte, c.more)...)
			b = append(b, c.f.record(7*second+123456000, 100, []byte("first"))...)
			b = append(b, c.f.record(8*second+1000, 6, []byte("second"))...)
			want := []got{
				{1, 7*second + 123456000, 7*second + 123456000, 0, 0, 0, LinkSLL, 100, "first"},
				{2, 8*second + 1000, 8*second + 1000, 0, 0, 0, LinkSLL, 6, "second"},
			}
			packets, info := readBytes(t, b)
			if !slices.Equal(packets, want) {
				t.Errorf("packets %+v, want %+v", packets, want)
			}
			if info.Format != "pcap" || info.Problems != nil || info.SnapLen != 65535 || info.Packets != 2 ||
				info.First != want[0].time || info.Last != want[1].time || !slices.Equal(info.LinkTypes, []LinkType{LinkSLL}) ||
				len(info.Interfaces) != 1 || info.Interfaces[0].Packets != 2 || info.Bytes != int64(len(b)) {
				t.Errorf("facts %+v", info)
			}
		})
	}
}

// Before version 2.3 of pcap the two lengths stood the other way round.
func TestPcapOldLengths(t *testing.T) {
	f := pcapFile{minor: 2}
	o := f.order()
	b := f.header(1)
	for _, v := range []uint32{1, 0, 90, 4} {
		b = o.AppendUint32(b, v)
	}
	packets, _ := readBytes(t, append(b, "data"...))
	if len(packets) != 1 || packets[0].length != 90 || packets[0].data != "data" {
		t.Errorf("packets %+v", packets)
	}
}

func TestPcapLinkTypeFlags(t *testing.T) {
	for _, c := range []struct {
		network uint32
		link    LinkType
		fcs     int
	}{
		{0x30000001, LinkEthernet, 0},
		{0x24000001, LinkEthernet, 4},
		{0x14000069, Link80211, 2},
		{147, 147, 0},
	} {
		f := pcapFile{}
		packets, info := readBytes(t, append(f.header(c.network), f.record(1, 1, []byte("x"))...))
		if len(packets) != 1 || packets[0].link != c.link || info.FCSLen != c.fcs {
			t.Errorf("network %#x: %+v, FCS %d; want link type %v, FCS %d", c.network, packets, info.FCSLen, c.link, c.fcs)
		}
	}
}

func TestPcapCorrupt(t *testing.T) {
	f := pcapFile{}
	head := func(words ...uint32) (b []byte) {
		for _, w := range words {
			b = f.order().AppendUint32(b, w)
		}
		return append(b, make([]byte, 64)...)
	}
	good := append(f.header(1), f.record(second, 4, []byte("good"))...)
	for _, c := range []struct {
		name   string
		record []byte
		text   string
	}{
		{"captured length", head(2, 0, maxPacket+1, maxPacket+1), "captured bytes"},
		{"negative length", head(2, 0, 60, 0xffffffff), "length of"},
		{"fraction", head(2, maxFraction+1, 10, 10), "fraction"},
		{"zeros", make([]byte, 400), "zero bytes"},
		{"concatenated", good, "mergecap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			packets, info := readBytes(t, slices.Concat(good, c.record))
			if len(packets) != 1 || packets[0].data != "good" {
				t.Errorf("packets %+v, want the first", packets)
			}
			if len(info.Problems) != 1 {
				t.Fatalf("problems %+v, want one", info.Problems)
			}
			p := info.Problems[0]
			if p.Kind != Corrupt || p.Offset != int64(len(good)) || p.Packet != 1 || !strings.Contains(p.Text, c.text) {
				t.Errorf("problem %+v, want corrupt at %d: %s", p, len(good), c.text)
			}
		})
	}
}

func TestPcapVersion(t *testing.T) {
	b := pcapOf("x", 1)
	b[4] = 9
	packets, info := readBytes(t, b)
	if len(packets) != 0 || len(info.Problems) != 1 || info.Problems[0].Kind != Corrupt || info.Problems[0].Offset != 4 {
		t.Errorf("%d packets, problems %+v", len(packets), info.Problems)
	}
}

// A packet without a byte is odd but no damage.
func TestPcapEmptyPacket(t *testing.T) {
	f := pcapFile{}
	packets, info := readBytes(t, slices.Concat(f.header(1), f.record(second, 0, nil), f.record(2*second, 1, []byte("x"))))
	if len(packets) != 2 || info.Problems != nil {
		t.Errorf("packets %+v, problems %+v", packets, info.Problems)
	}
}

// A USB packet beyond maxData is handed out in part, the next one whole.
func TestHugePackets(t *testing.T) {
	huge := make([]byte, maxData+300_001)
	huge[maxData-1] = 'z'
	f, ng := pcapFile{}, ngFile{}
	for name, b := range map[string][]byte{
		"pcap":   slices.Concat(f.header(uint32(LinkUSB)), f.record(second, len(huge), huge), f.record(2*second, 4, []byte("next"))),
		"pcapng": slices.Concat(ng.section(), ng.iface(uint16(LinkUSB), 0), ng.packet(0, 1, len(huge), huge), ng.packet(0, 2, 4, []byte("next"))),
	} {
		packets, info := readBytes(t, b)
		if len(packets) != 2 || len(packets[0].data) != maxData || packets[0].data[maxData-1] != 'z' || packets[0].length != len(huge) || packets[1].data != "next" {
			t.Errorf("%s: %d packets, problems %+v", name, len(packets), info.Problems)
		}
		packets, info = readBytes(t, b[:maxData+5000])
		if len(packets) != 1 || len(info.Problems) != 1 || info.Problems[0].Kind != CutShort {
			t.Errorf("%s cut: %d packets, problems %+v", name, len(packets), info.Problems)
		}
	}
}

func TestBackwards(t *testing.T) {
	packets, info := readBytes(t, pcapOf("x", 5, 3, 4, 9, 8))
	if info.Backwards != 2 || info.FirstBackwards != 2 || info.First != 5 || info.Last != 9 {
		t.Errorf("facts %+v", info)
	}
	var clock []int64
	for _, p := range packets {
		clock = append(clock, p.clock)
	}
	if !slices.Equal(clock, []int64{5, 5, 5, 9, 9}) {
		t.Errorf("clock %v", clock)
	}
}
