package link

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/wsleuth/wsleuth/capture"
)

// readCapture returns the packets of a pcap file.
func readCapture(t testing.TB, name string) []capture.Packet {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var packets []capture.Packet
	for {
		data, info, err := r.ReadPacketData()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, capture.Packet{
			Number: int64(len(packets) + 1), Time: info.Timestamp.UnixNano(), Clock: info.Timestamp.UnixNano(),
			LinkType: capture.LinkType(r.LinkType()), Length: info.Length, Data: data,
		})
	}
}

// captures lists the captures of testdata.
func captures(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.pcap")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d captures in testdata, err %v; want at least 30", len(names), err)
	}
	return names
}

// describe writes a decoded packet like the lines of testdata/*.txt.
func describe(d *Decoder, number int64, s Status, ip *IP) string {
	if s != Decoded {
		return fmt.Sprintf("%d %v", number, s)
	}
	ports, length, protocol := "- -", "-", fmt.Sprint(ip.Protocol)
	switch ip.Protocol {
	case ProtocolTCP:
		protocol = "tcp"
		ports = fmt.Sprint(binary.BigEndian.Uint16(ip.Payload), " ", binary.BigEndian.Uint16(ip.Payload[2:]))
		length = fmt.Sprint(len(ip.Payload) + ip.Missing - int(ip.Payload[12]>>4)*4)
	case ProtocolUDP:
		protocol = "udp"
		ports = fmt.Sprint(binary.BigEndian.Uint16(ip.Payload), " ", binary.BigEndian.Uint16(ip.Payload[2:]))
	case ProtocolICMP:
		protocol = "icmp"
	case ProtocolICMPv6:
		protocol = "icmpv6"
	}
	line := fmt.Sprint(number, " ", ip.Src(), " ", ip.Dst(), " ", protocol, " ", ports, " ", length)
	if names := d.Encapsulation(ip.Encapsulation); names != nil {
		line += " " + strings.Join(names, "; ")
	}
	return line
}

func TestCapturesAsWiresharkSeesThem(t *testing.T) {
	for _, name := range captures(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			golden, err := os.ReadFile(strings.TrimSuffix(name, ".pcap") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(string(golden)), "\n")
			packets := readCapture(t, name)
			if len(want) != len(packets) {
				t.Fatalf("%d packets, %d lines of golden", len(packets), len(want))
			}
			d := NewDecoder()
			networks := map[string]int32{}
			for i := range packets {
				var ip IP
				s := d.Decode(&packets[i], &ip)
				got := describe(d, packets[i].Number, s, &ip)
				if got != want[i] {
					t.Errorf("got  %s\nwant %s", got, want[i])
				}
				if s == Decoded && ip.Protocol == ProtocolTCP && strings.HasPrefix(filepath.Base(name), "encap-gtpu") {
					networks[fmt.Sprint(ip.Network)] = ip.Network
				}
			}
			if len(networks) > 1 {
				t.Errorf("the directions of one connection are in networks %v", networks)
			}
		})
	}
}

// TestShortPathAgrees walks every packet that the short path takes.
func TestShortPathAgrees(t *testing.T) {
	taken := 0
	for _, name := range captures(t) {
		packets := readCapture(t, name)
		d := NewDecoder()
		for i := range packets {
			p := &packets[i]
			var short IP
			if !d.peek(p, &short) {
				continue
			}
			taken++
			again := IP{Outgoing: short.Outgoing, Interface: short.Interface, Plain: short.Plain, Protocol: ProtocolUDP, Fragment: true, ID: 1, Network: 7}
			again.DecodePlain(p.Data[short.Plain-1:], short.Encapsulation)
			if describeAll(&again) != describeAll(&short) {
				t.Errorf("%s, packet %d:\nfirst %v\nagain %v", name, p.Number, short, again)
			}
			long := IP{Interface: p.Interface, Plain: short.Plain}
			d.packet, d.budget, d.hops = p, MaxLayers, 0
			if s := d.frame(p.LinkType, bytesOf(p), &long); s != Decoded {
				t.Fatalf("%s, packet %d: short path decoded, long path %v", name, p.Number, s)
			}
			long.Encapsulation, long.Network = d.names.intern(d.chain[:d.hops])
			if describeAll(&short) != describeAll(&long) {
				t.Errorf("%s, packet %d:\nshort %v\nlong  %v", name, p.Number, short, long)
			}
		}
	}
	if taken < 100 {
		t.Errorf("the short path took %d packets, want at least 100", taken)
	}
}

func TestEveryTruncation(t *testing.T) {
	for _, name := range captures(t) {
		packets := readCapture(t, name)
		d := NewDecoder()
		for i := range packets {
			cut := packets[i]
			for n := min(len(packets[i].Data), 300); n >= 0; n-- {
				cut.Data = packets[i].Data[:n:n]
				var ip IP
				if s := d.Decode(&cut, &ip); s == Decoded {
					checkDecoded(t, &ip)
				}
			}
		}
	}
}

// checkDecoded holds what is true of every decoded packet.
func checkDecoded(t *testing.T, ip *IP) {
	t.Helper()
	if !ip.V6 && (!ip.From.Mapped() || !ip.To.Mapped()) {
		t.Fatalf("addresses %v and %v", ip.Src(), ip.Dst())
	}
	if ip.Missing < 0 {
		t.Fatalf("missing %d bytes", ip.Missing)
	}
	if (ip.Encapsulation == 0) != (ip.Network == 0) {
		t.Fatalf("encapsulation %d, network %d", ip.Encapsulation, ip.Network)
	}
}

// describeAll writes every field.
func describeAll(ip *IP) string { return fmt.Sprintf("%+v", *ip) }
