package link

import (
	"slices"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

func TestEncapsulationNumbers(t *testing.T) {
	d := NewDecoder()
	decode := func(data []byte) IP {
		var ip IP
		if s := d.Decode(&capture.Packet{LinkType: typeEthernet, Data: data, Length: len(data)}, &ip); s != Decoded {
			t.Fatal(s)
		}
		return ip
	}
	plain := decode(ether(0x800, inner4()))
	vlan20 := decode(ether(0x8100, vlan(20, 0x800, inner4())))
	vlan21 := decode(ether(0x8100, vlan(21, 0x800, inner4())))
	again := decode(ether(0x8100, vlan(20, 0x800, outer4ah(6)[:45])))
	up := decode(ether(0x8847, label(100, false, label(200, true, inner4()))))
	down := decode(ether(0x8847, label(300, true, inner4())))
	for name, ok := range map[string]bool{
		"no encapsulation is 0":              plain.Encapsulation == 0 && plain.Network == 0,
		"VLANs differ":                       vlan20.Network != vlan21.Network && vlan20.Network != 0,
		"numbers go by appearance":           vlan20.Encapsulation == 1 && vlan21.Encapsulation == 2,
		"full and plain agree for VLANs":     vlan20.Encapsulation == vlan20.Network,
		"a chain has one parent":             again.Encapsulation != vlan20.Encapsulation,
		"labels differ in Encapsulation":     up.Encapsulation != down.Encapsulation,
		"labels do not differ in Network":    up.Network == down.Network && up.Network != 0,
		"MPLS differs from no encapsulation": up.Network != plain.Network,
	} {
		if !ok {
			t.Error(name, ": no")
		}
	}
	for id, want := range map[int32][]string{
		0: nil, vlan20.Encapsulation: {"vlan 20"}, up.Encapsulation: {"mpls 100", "mpls 200"}, up.Network: {"mpls"},
		again.Encapsulation: {"vlan 20", "ah"}, otherEncapsulation: {"other"}, 1 << 30: nil, -5: nil,
	} {
		if got := d.Encapsulation(id); !slices.Equal(got, want) {
			t.Errorf("%d: got %q, want %q", id, got, want)
		}
	}
}

func TestEncapsulationLimit(t *testing.T) {
	d := NewDecoder()
	var ip IP
	const more = 5
	for vni := range MaxEncapsulations - 1 + more {
		data := outer(17, udpTo(4789, join([]byte{8, 0, 0, 0}, be32(vni<<8), ether(0x800, inner4()))))
		if s := d.Decode(&capture.Packet{LinkType: typeRaw, Data: data, Length: len(data)}, &ip); s != Decoded {
			t.Fatal(s)
		}
	}
	if len(d.names.nodes) != MaxEncapsulations || ip.Encapsulation != otherEncapsulation || d.Dropped().Encapsulations != more {
		t.Errorf("%d nodes, number %d, %+v", len(d.names.nodes), ip.Encapsulation, d.Dropped())
	}
}

func TestStatusNames(t *testing.T) {
	for s := range 256 {
		if Status(s).String() == "" {
			t.Errorf("status %d has no name", s)
		}
	}
}
