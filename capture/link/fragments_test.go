package link

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/capture"
)

// frag4 is the part [from, to) of an IPv4 datagram with a TCP segment.
func frag4(id, from, to int, payload []byte) []byte {
	more := 0
	if to < len(payload) {
		more = 0x2000
	}
	b := v4from(client4, server4, ProtocolTCP, payload[from:to])
	copy(b[4:], be16(id))
	copy(b[6:], be16(from/8|more))
	return b
}

func frag6(id, from, to int, payload []byte) []byte {
	more := 0
	if to < len(payload) {
		more = 1
	}
	return v6from(client6, server6, 44, join([]byte{6, 0}, be16(from|more), be32(id), payload[from:to]))
}

// segment is a TCP segment of 64 bytes, so that it can be cut in eights.
func segment() []byte { return join(tcp()[:20], []byte(strings.Repeat("0123456789a", 4))) }

// feed decodes raw packets one second apart.
func feed(d *Decoder, ip *IP, packets ...[]byte) []Status {
	var got []Status
	for i, b := range packets {
		clock := int64(i) * int64(time.Second)
		got = append(got, d.Decode(&capture.Packet{LinkType: typeRaw, Data: b, Length: len(b), Clock: clock}, ip))
	}
	return got
}

func TestFragmentOrders(t *testing.T) {
	s := segment()
	cuts := [][2]int{{0, 24}, {24, 40}, {40, 56}, {56, 64}}
	orders := [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}}
	for name, cut := range map[string]func(int, int, int, []byte) []byte{"IPv4": frag4, "IPv6": frag6} {
		for _, order := range orders {
			t.Run(fmt.Sprint(name, order), func(t *testing.T) {
				d := NewDecoder()
				var ip IP
				var packets [][]byte
				for _, i := range order {
					packets = append(packets, cut(1, cuts[i][0], cuts[i][1], s))
				}
				want := []Status{Incomplete, Incomplete, Incomplete, Decoded}
				if got := feed(d, &ip, packets...); !slices.Equal(got, want) {
					t.Fatalf("got %v", got)
				}
				if !ip.Fragment || string(ip.Payload) != string(s) || ip.Missing != 0 || ip.Protocol != ProtocolTCP {
					t.Errorf("got %+v", ip)
				}
				if d.fragments.bytes > 64+4*fragmentOverhead {
					t.Errorf("%d bytes held", d.fragments.bytes)
				}
			})
		}
	}
}

func TestFragmentSequences(t *testing.T) {
	s := segment()
	evil := slices.Clone(s)
	evil[30] ^= 1
	longer := join(s, make([]byte, 8))
	a, b := frag4(1, 0, 32, s), frag4(1, 32, 64, s)
	tests := []struct {
		name    string
		packets [][]byte
		want    []Status
		dropped Dropped
	}{
		{"duplicate before the end", [][]byte{a, a, b}, []Status{Incomplete, Incomplete, Decoded}, Dropped{}},
		{"duplicates after the end", [][]byte{a, b, a, b}, []Status{Incomplete, Decoded, Incomplete, Incomplete}, Dropped{}},
		{"part of what is there", [][]byte{a, frag4(1, 8, 16, s), b}, []Status{Incomplete, Incomplete, Decoded}, Dropped{}},
		{"identification used again", [][]byte{a, b, frag4(1, 0, 32, evil), b},
			[]Status{Incomplete, Decoded, Incomplete, Decoded}, Dropped{}},
		{"other bytes", [][]byte{a, frag4(1, 0, 32, evil), b}, []Status{Incomplete, Malformed, Incomplete}, Dropped{Contradicted: 1}},
		{"overlap", [][]byte{a, frag4(1, 24, 64, s)}, []Status{Incomplete, Malformed}, Dropped{Contradicted: 1}},
		{"two ends", [][]byte{b, frag4(1, 64, 72, longer)}, []Status{Incomplete, Malformed}, Dropped{Contradicted: 1}},
		{"beyond the end", [][]byte{b, frag4(1, 64, 72, join(longer, longer))}, []Status{Incomplete, Malformed}, Dropped{Contradicted: 1}},
		{"end before what is there", [][]byte{frag4(1, 32, 64, longer), frag4(1, 24, 32, s[:32])}, []Status{Incomplete, Malformed}, Dropped{Contradicted: 1}},
		{"not in eights", [][]byte{frag4(1, 0, 30, s)}, []Status{Malformed}, Dropped{}},
		{"empty", [][]byte{frag4(1, 32, 32, s)}, []Status{Malformed}, Dropped{}},
		{"other identification", [][]byte{a, frag4(2, 32, 64, s)}, []Status{Incomplete, Incomplete}, Dropped{}},
		{"beyond 64 KiB", [][]byte{join(a[:6], be16(0x3fff), a[8:])}, []Status{Malformed}, Dropped{}},
		{"inside a tunnel", [][]byte{outer(4, a), outer(4, b)}, []Status{Incomplete, Decoded}, Dropped{}},
		{"inside and outside", [][]byte{outer(4, a), b}, []Status{Incomplete, Incomplete}, Dropped{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := NewDecoder()
			var ip IP
			if got := feed(d, &ip, test.packets...); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if got := d.Dropped(); got != test.dropped {
				t.Errorf("dropped %+v, want %+v", got, test.dropped)
			}
		})
	}
}

func TestFragmentsInFragments(t *testing.T) {
	s := segment()
	var packets [][]byte
	for _, inner := range [][]byte{frag4(9, 0, 32, s), frag4(9, 32, 64, s)} {
		whole := outer(4, inner)
		first, second := slices.Clone(whole[:20+24]), join(whole[:20], whole[20+24:])
		copy(first[2:], be16(len(first)))
		copy(first[6:], be16(0x2000))
		copy(second[2:], be16(len(second)))
		copy(second[6:], be16(3))
		packets = append(packets, first, second)
	}
	d := NewDecoder()
	var ip IP
	want := []Status{Incomplete, Incomplete, Incomplete, Decoded}
	copy(packets[2][4:], be16(8)) // the second outer datagram
	copy(packets[3][4:], be16(8))
	if got := feed(d, &ip, packets...); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if string(ip.Payload) != string(s) || ip.Src() != client4 {
		t.Errorf("got %+v", ip)
	}
}

func TestFragmentsCutByTheCapture(t *testing.T) {
	s := segment()
	d := NewDecoder()
	var ip IP
	a, b := frag4(1, 0, 32, s), frag4(1, 32, 64, s)
	d.Decode(&capture.Packet{LinkType: typeRaw, Data: a[:50], Length: len(a)}, &ip)
	if got := d.Decode(&capture.Packet{LinkType: typeRaw, Data: b, Length: len(b)}, &ip); got != Decoded {
		t.Fatal(got)
	}
	if string(ip.Payload) != string(s[:30]) || ip.Missing != 34 {
		t.Errorf("payload %d, missing %d; want 30 and 34", len(ip.Payload), ip.Missing)
	}
}

func TestFragmentTimeout(t *testing.T) {
	s := segment()
	for _, test := range []struct {
		after   time.Duration
		want    Status
		expired int64
	}{{FragmentTimeout, Decoded, 0}, {FragmentTimeout + 1, Incomplete, 1}} {
		d := NewDecoder()
		var ip IP
		a, b := frag4(1, 0, 32, s), frag4(1, 32, 64, s)
		d.Decode(&capture.Packet{LinkType: typeRaw, Data: a, Length: len(a)}, &ip)
		got := d.Decode(&capture.Packet{LinkType: typeRaw, Data: b, Length: len(b), Clock: int64(test.after)}, &ip)
		if got != test.want || d.Dropped().Expired != test.expired {
			t.Errorf("after %v: %v, %d expired; want %v, %d", test.after, got, d.Dropped().Expired, test.want, test.expired)
		}
	}
}

func TestFragmentLimits(t *testing.T) {
	big := make([]byte, 60000)
	t.Run("bytes", func(t *testing.T) {
		d := NewDecoder()
		var ip IP
		for id := range 400 {
			feed(d, &ip, frag4(id, 0, 59992, big))
		}
		if d.fragments.bytes > MaxFragmentBytes || d.Dropped().Evicted == 0 {
			t.Errorf("%d bytes held, %d evicted", d.fragments.bytes, d.Dropped().Evicted)
		}
	})
	t.Run("datagrams", func(t *testing.T) {
		d := NewDecoder()
		var ip IP
		for id := range MaxDatagrams + 10 {
			feed(d, &ip, frag6(id, 0, 8, big))
		}
		if n := d.fragments.age.Len(); n != MaxDatagrams || len(d.fragments.waiting) != n || d.Dropped().Evicted != 10 {
			t.Errorf("%d datagrams held, %d evicted", n, d.Dropped().Evicted)
		}
		// The sum of what is left agrees with the count.
		sum := 0
		for _, g := range d.fragments.waiting {
			sum += len(g.pieces[0].data) + fragmentOverhead
		}
		if sum != d.fragments.bytes {
			t.Errorf("%d bytes counted, %d held", d.fragments.bytes, sum)
		}
	})
	t.Run("fragments", func(t *testing.T) {
		d := NewDecoder()
		var ip IP
		for i := range MaxFragments + 1 {
			feed(d, &ip, frag6(1, i*16, i*16+8, big))
		}
		if d.Dropped().Contradicted != 1 || d.fragments.bytes != 0 {
			t.Errorf("%+v, %d bytes held", d.Dropped(), d.fragments.bytes)
		}
	})
}
