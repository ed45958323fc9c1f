package capture

import "fmt"

// LinkType is the link-layer header type of an interface, as numbered by
// the registry of tcpdump.org, with the flag bits of a pcap header masked.
type LinkType uint32

// Packet is one captured packet as its file holds it.
type Packet struct {
	// Number is the place of the packet in its file, counted from 1: what
	// Wireshark shows as frame.number.
	Number int64
	// Time is the time stamp in nanoseconds since 1970-01-01 UTC.
	Time int64
	// Clock is the greatest Time that the source has handed out so far, this
	// packet's included: time that never goes backwards, for timers.
	Clock int64
	// File is the place of the packet's file among the files of the source,
	// ordered by the time of their first packets.
	File int32
	// Vantage tells apart files that overlap in time: files of one vantage
	// follow each other like those of tcpdump -C and share connections.
	Vantage int32
	// Interface is the place of the interface in its file; 0 for pcap.
	Interface int32
	LinkType  LinkType
	// Length is the packet's length on the wire, in bytes; Data may be shorter.
	Length int
	// Data is what was captured. It belongs to the source and is valid only
	// until the next packet is asked for.
	Data []byte
}

// Where names the packet for an error message.
func (p *Packet) Where(file string) string { return fmt.Sprintf("%s, packet %d", file, p.Number) }
