package link

// IP is what the layers above need to know of a decoded packet. It is filled
// anew for each packet; Payload aliases the packet's bytes (or, after
// reassembly of fragments, a buffer that nobody else holds).
type IP struct {
	From, To Addr   // Src and Dst give them as netip.Addr
	V6       bool   // what they are of
	Protocol uint8  // of the innermost decoded header: 6 TCP, 1 ICMP, 58 ICMPv6, 17 UDP, ...
	TTL      uint8  // or hop limit
	ID       uint16 // IPv4 identification; 0 for IPv6
	Fragment bool   // the packet was put together from fragments
	// Outgoing is set where the link layer says that the capturing host sent the packet (SLL type 4).
	Outgoing bool
	// Payload is what follows the IP header, without any trailer behind the IP
	// length, as far as it was captured.
	Payload []byte
	// Missing counts payload bytes that the IP header announces and the capture lacks (snapshot length).
	Missing int
	// Encapsulation numbers the chain of VLAN tags and tunnels that the packet
	// came through; 0 is none. Decoder.Encapsulation gives its names.
	Encapsulation int32
	// Network is Encapsulation without the values that differ between the two
	// directions of one connection by design: MPLS labels and GTP-U tunnel
	// identifiers. Packets of one connection share it, so compare this one.
	Network int32
	// Plain, if not 0, is one more than the place of the IP header in the packet's
	// data, and says that DecodePlain finds the same there once more.
	Plain int32
	// Interface tells interfaces apart: the interface index of an SLL2 header,
	// else the packet's Interface.
	Interface int32
}

// Numbers of IP protocols that callers ask for.
const (
	ProtocolICMP   = 1
	ProtocolTCP    = 6
	ProtocolUDP    = 17
	ProtocolICMPv6 = 58
)

// Status says what became of a packet.
type Status uint8

const (
	// Decoded: the IP is filled.
	Decoded Status = iota
	// NotIP: the packet carries something else (ARP, LLDP, an encrypted
	// 802.11 frame, ...). Nothing is wrong with it.
	NotIP
	// Incomplete: a fragment that was kept until the others of its datagram come.
	Incomplete
	// Unsupported: no decoder for the packet's link type.
	Unsupported
	// Malformed: a header contradicts itself, or layers are nested beyond MaxLayers.
	Malformed
	// TooShort: the capture ends inside the headers.
	TooShort
)

var statusNames = [...]string{"decoded", "not IP", "incomplete", "unsupported link type", "malformed", "too short"}

// String names the status for people.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown status"
}
