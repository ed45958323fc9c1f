package link

import "net/netip"

// IP is what the layers above need to know of a decoded packet. It is filled
// anew for each packet; Payload aliases the packet's bytes (or, after
// reassembly of fragments, a buffer of the Decoder, valid until its next call).
type IP struct {
	Src, Dst netip.Addr
	Protocol uint8 // of the innermost decoded header: 6 TCP, 1 ICMP, 58 ICMPv6, 17 UDP, ...
	TTL      uint8 // or hop limit
	ID       uint16 // IPv4 identification; 0 for IPv6
	Fragment bool // the packet was put together from fragments
	// Payload is what follows the IP header, without any trailer behind the IP
	// length, as far as it was captured.
	Payload []byte
	// Missing counts payload bytes that the IP header announces and the capture lacks (snapshot length).
	Missing int
	// Encapsulation numbers the chain of VLAN tags and tunnels that the packet
	// came through; 0 is none. Decoder.Encapsulation gives its names.
	Encapsulation int32
	// Outgoing is set where the link layer says that the capturing host sent the packet (SLL type 4).
	Outgoing bool
}
