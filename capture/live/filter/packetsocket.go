package filter

import (
	"golang.org/x/net/bpf"

	"github.com/wsleuth/wsleuth/capture"
)

// Hardware types of Linux (linux/if_arp.h).
const (
	hardwareLoopback = 772
	packetOutgoing   = 4 // PACKET_OUTGOING, linux/if_packet.h
)

var ethernetHardware = []uint32{1, hardwareLoopback}

// rawHardware: PPP, RAWIP, TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE and NONE, whose
// packets begin with the IP header.
var rawHardware = []uint32{512, 519, 768, 769, 776, 778, 823, 0xfffe}

// LinuxLink is the link type of the packets of an interface with a hardware
// type (ARPHRD_…). It is false for those that cannot be captured.
func LinuxLink(hardware uint16) (capture.LinkType, bool) {
	switch {
	case contains(ethernetHardware, uint32(hardware)):
		return capture.LinkEthernet, true
	case contains(rawHardware, uint32(hardware)):
		return capture.LinkRaw, true
	}
	return 0, false
}

// Linux is the program for a packet socket that is bound to no interface: it
// takes packets of the interfaces listed, or of all, whatever their link
// types, and of the loopback interface each packet once.
func (e *Expr) Linux(interfaces []int) ([]bpf.RawInstruction, error) {
	g := newGenerator(e)
	g.clear()
	if len(interfaces) > 0 {
		g.add(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})
		list := make([]uint32, len(interfaces))
		for i, index := range interfaces {
			list[i] = uint32(index)
		}
		wanted := g.label()
		g.oneOf(list, wanted, g.reject)
		g.place(wanted)
	}
	ethernet, raw, more, loopback := g.label(), g.label(), g.label(), g.label()
	g.add(bpf.LoadExtension{Num: bpf.ExtLinkLayerType})
	g.test(bpf.JumpEqual, hardwareLoopback, loopback, more)
	// What is sent through lo comes back in: only that is taken.
	g.place(loopback)
	g.add(bpf.LoadExtension{Num: bpf.ExtType})
	g.test(bpf.JumpEqual, packetOutgoing, g.reject, ethernet)
	g.place(more)
	other := g.label()
	g.oneOf(ethernetHardware, ethernet, other)
	g.place(other)
	g.oneOf(rawHardware, raw, g.reject)
	if e.root == nil {
		g.place(ethernet)
		g.place(raw)
		return g.finish()
	}
	g.place(ethernet)
	g.link(capture.LinkEthernet)
	g.place(raw)
	g.link(capture.LinkRaw)
	g.network()
	return g.finish()
}
