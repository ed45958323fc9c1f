package link

import (
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

// common are the packets of the short path.
func common() map[string]*capture.Packet {
	packets := map[string]*capture.Packet{}
	for name, s := range map[string]sample{
		"Ethernet-IPv4": {link: typeEthernet, data: ether(0x800, inner4())},
		"Ethernet-IPv6": {link: typeEthernet, data: ether(0x86dd, inner6())},
		"VLAN-IPv4":     {link: typeEthernet, data: ether(0x8100, vlan(20, 0x800, inner4()))},
		"SLL-IPv4":      {link: typeSLL, data: sllHeader(4, 1, 0x800, inner4())},
		"SLL2-IPv6":     {link: typeSLL2, data: sll2Header(0x86dd, 3, 1, 0, inner6())},
		"raw-IPv4":      {link: typeRaw, data: inner4()},
	} {
		packets[name] = &capture.Packet{LinkType: s.link, Data: s.data, Length: len(s.data)}
	}
	return packets
}

func TestCommonPathIsShort(t *testing.T) {
	d := NewDecoder()
	for name, p := range common() {
		var ip IP
		if !d.peek(p, &ip) {
			t.Errorf("%s: not taken by the short path", name)
			continue
		}
		checkSegment(t, &ip)
	}
}

// TestNoAllocation holds for everything but fragments.
func TestNoAllocation(t *testing.T) {
	d := NewDecoder()
	ip := new(IP)
	for name, p := range common() {
		if n := testing.AllocsPerRun(100, func() { d.Decode(p, ip) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	for _, s := range samples() {
		p := &capture.Packet{LinkType: s.link, Data: s.data, Length: len(s.data)}
		if n := testing.AllocsPerRun(20, func() { d.Decode(p, ip) }); n != 0 && s.status == Decoded {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}

// TestReusedIP shows that nothing of a packet stays for the next.
func TestReusedIP(t *testing.T) {
	all := samples()
	for i := range all {
		d := NewDecoder()
		var reused, fresh IP
		for _, s := range []sample{all[(i+len(all)/2)%len(all)], all[i]} {
			fresh = IP{}
			p := &capture.Packet{LinkType: s.link, Data: s.data, Length: len(s.data)}
			a, b := d.Decode(p, &reused), d.Decode(p, &fresh)
			if a != b || (a == Decoded && describeAll(&reused) != describeAll(&fresh)) {
				t.Errorf("%s: %+v and %+v", s.name, reused, fresh)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		f.Add(uint32(s.link), len(s.data), s.data, []byte(nil))
	}
	for _, name := range captures(f) {
		packets := readCapture(f, name)
		for i := range min(len(packets), 12) {
			p := packets[i]
			f.Add(uint32(p.LinkType), p.Length, p.Data, packets[min(i+1, len(packets)-1)].Data)
		}
	}
	f.Fuzz(func(t *testing.T, linkType uint32, length int, first, second []byte) {
		d := NewDecoder()
		for _, data := range [][]byte{first, second, first} {
			var ip IP
			p := &capture.Packet{LinkType: capture.LinkType(linkType), Length: length, Data: data}
			if d.Decode(p, &ip) == Decoded {
				checkDecoded(t, &ip)
				if ip.Encapsulation != 0 && len(d.Encapsulation(ip.Encapsulation)) == 0 {
					t.Fatalf("encapsulation %d has no name", ip.Encapsulation)
				}
			}
			PeekQuoted(data, &ip)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	packets := common()
	packets["slow-QUIC"] = &capture.Packet{LinkType: typeEthernet, Data: ether(0x800, outer(17, udpTo(443, make([]byte, 1200))))}
	for _, s := range samples() {
		if s.name == "VXLAN" || s.name == "old QinQ" || s.name == "GTP-U with sequence number" {
			packets["slow-"+s.name] = &capture.Packet{LinkType: s.link, Data: s.data, Length: len(s.data)}
		}
	}
	for name, p := range packets {
		b.Run(name, func(b *testing.B) {
			d := NewDecoder()
			var ip IP
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(p, &ip)
			}
		})
	}
}
