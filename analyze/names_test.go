package analyze

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// dnsName is a name as labels.
func dnsName(name string) string {
	var b strings.Builder
	for label := range strings.SplitSeq(name, ".") {
		b.WriteByte(byte(len(label)))
		b.WriteString(label)
	}
	b.WriteByte(0)
	return b.String()
}

const (
	typeA, typeCNAME, typeAAAA = 1, 5, 28
	answerBit                  = 0x8180
	noSuchName                 = 0x8183
)

// dnsMessage is a message with its length before it; the records are whole.
func dnsMessage(bits int, name string, kind uint16, records ...string) string {
	b := []byte{0, 0, 0x12, 0x34, byte(bits >> 8), byte(bits), 0, 1, 0, byte(len(records)), 0, 0, 0, 0}
	b = append(b, dnsName(name)...)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, 1)
	b = append(b, strings.Join(records, "")...)
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	return string(b)
}

// dnsRecord is an answer; a name in it stands as labels.
func dnsRecord(name string, kind uint16, data string) string {
	b := []byte(dnsName(name))
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, 1)
	b = append(b, 0, 0, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return string(append(b, data...))
}

// split cuts a text into so many parts of nearly one length.
func split(s string, parts int) (list []string) {
	for i := range parts {
		list = append(list, s[len(s)*i/parts:len(s)*(i+1)/parts])
	}
	return list
}

// TestNamesOverTCP: DNS messages are read whatever segments they lie in, and
// name the servers of connections that fail.
func TestNamesOverTCP(t *testing.T) {
	const resolver, client4, client6 = "10.0.0.53:53", "10.0.0.7:40001", "[2001:db8::7]:40002"
	asks := dnsMessage(0x0100, "app.test", typeA) + dnsMessage(0x0100, "app.test", typeAAAA)
	answers := dnsMessage(answerBit, "app.test", typeA, dnsRecord("app.test", typeCNAME, dnsName("front.example")), dnsRecord("front.example", typeA, "\x0a\x00\x01\x05")) +
		dnsMessage(answerBit, "app.test", typeAAAA, dnsRecord("app.test", typeCNAME, dnsName("front.example")),
			dnsRecord("front.example", typeAAAA, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05"))
	for parts := 1; parts <= len(answers); parts++ {
		s := newSheet()
		f := s.flow("10.0.0.7:40000", resolver).connect()
		f.say(0, split(asks, min(parts, len(asks)))...)
		f.say(1, split(answers, parts)...)
		whole := s.n - 1 // the acknowledgement comes behind it
		f.close()
		s.flow(client4, "10.0.1.5:80").refused()
		s.flow(client6, "[2001:db8::5]:80").refused()
		g := s.run(t)
		if len(g.Connections) != 2 || len(g.Patterns) != 0 {
			t.Fatalf("%d parts: %d connections, %d patterns", parts, len(g.Connections), len(g.Patterns))
		}
		for _, c := range g.Connections {
			if c.DNSName != "app.test" || c.Outcome != "connect-failed" {
				t.Fatalf("%d parts: %s to %s is called %q", parts, c.Outcome, c.Server, c.DNSName)
			}
		}
		if got := g.Connections[1].DNSPacket; got != whole {
			t.Fatalf("%d parts: named in packet %d, want %d", parts, got, whole)
		}
		if g.Report.Summary.OtherTCPConnections != 1 {
			t.Fatalf("%d other connections", g.Report.Summary.OtherTCPConnections)
		}
	}
}

// TestNameNotResolvedOverTCP: a failed look-up counts as over UDP, also after
// an answer that UDP had to truncate; one that another answer follows does not.
func TestNameNotResolvedOverTCP(t *testing.T) {
	const truncated = 0x8380
	for _, c := range []struct {
		name    string
		udp     bool
		answers []string
		want    []string // patterns
	}{
		{"no such name", false, split(dnsMessage(noSuchName, "gone.app.test", typeA), 3), []string{"WS809"}},
		{"truncated before", true, split(dnsMessage(noSuchName, "gone.app.test", typeA), 3), []string{"WS809"}},
		{"found", true, split(dnsMessage(answerBit, "gone.app.test", typeA, dnsRecord("gone.app.test", typeA, "\x0a\x00\x01\x05")), 3), nil},
		{"no DNS at all", false, []string{"\x00\x05hello", strings.Repeat("x", 100)}, nil},
	} {
		s := newSheet()
		if c.udp {
			s.udp("10.0.0.7:5000", "10.0.0.53:53", []byte(dnsMessage(0x0100, "gone.app.test", typeA)[2:]))
			s.udp("10.0.0.53:53", "10.0.0.7:5000", []byte(dnsMessage(truncated, "gone.app.test", typeA)[2:]))
		}
		f := s.flow("10.0.0.7:40000", "10.0.0.53:53").connect()
		if c.name == "no DNS at all" {
			f.say(0, "\x00\x05hello")
		} else {
			f.say(0, split(dnsMessage(0x0100, "gone.app.test", typeA), 3)...)
		}
		f.say(1, c.answers...).close()
		s.wait(20 * time.Second)
		s.udp("10.0.0.9:5000", "10.0.0.8:5001", []byte("the capture goes on"))
		g := s.run(t)
		var got []string
		for _, p := range g.Patterns {
			got = append(got, p.Code)
			if !strings.Contains(p.Title, "gone.app.test") || !strings.Contains(p.Title, "NXDOMAIN") {
				t.Errorf("%s: %q", c.name, p.Title)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestNamesOverTCPWithAHole: bytes that the capture lost cost their own
// message only, and a capture that began late is read from the next one on.
func TestNamesOverTCPWithAHole(t *testing.T) {
	record := func(last byte) string {
		return dnsMessage(answerBit, "app.test", typeA, dnsRecord("app.test", typeA, "\x0a\x00\x01"+string(last)))
	}
	s := newSheet()
	f := s.flow("10.0.0.7:40000", "10.0.0.53:53").connect()
	f.say(0, dnsMessage(0x0100, "app.test", typeA))
	f.say(1, record(4)[:20])
	f.seq[1] += 30 // never captured
	f.say(1, record(5))
	f.close()
	late := s.flow("10.0.0.7:40100", "10.0.0.53:53")
	late.say(1, record(6))
	for i := range 3 {
		s.flow("10.0.0.7:4100"+string(rune('0'+i)), "10.0.1."+string(rune('4'+i))+":80").refused()
	}
	var got []string
	for _, c := range s.run(t).Connections {
		got = append(got, c.Server.String()+" "+c.DNSName)
	}
	if want := []string{"10.0.1.4:80 ", "10.0.1.5:80 app.test", "10.0.1.6:80 app.test"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNameResolutionBlock: what the file itself calls an address is the
// server's name, wherever the block stands, unless the host is called so.
func TestNameResolutionBlock(t *testing.T) {
	s := newSheet()
	s.flow("10.0.0.7:40000", "10.0.1.5:80").refused()
	s.flow("[2001:db8::7]:40000", "[2001:db8::5]:80").refused()
	f := s.flow("10.0.0.7:40001", "10.0.1.5:80").connect()
	f.say(0, upgradeRequest("app.test", "/", "x3JJHMbDL1EzLkh9GBhXDw==")).say(1, "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n").close()
	s.flow("10.0.0.7:40002", "10.0.1.6:80").refused()
	for _, at := range []int{0, 1, int(s.n)} {
		g, ok := analyzeBytes(t, s.pcapng(at, "Front.Example.", "10.0.1.5", "2001:db8::5"), 0)
		if !ok {
			t.Fatal("no capture")
		}
		var got []string
		for _, c := range g.Connections {
			got = append(got, fmt.Sprintf("%s %s %d", c.Server, c.DNSName, c.DNSPacket))
		}
		slices.Sort(got)
		if want := []string{"10.0.1.5:80 front.example 0", "10.0.1.5:80 front.example 0", "10.0.1.6:80  0", "[2001:db8::5]:80 front.example 0"}; !slices.Equal(got, want) {
			t.Errorf("the block stands before packet %d: %q", at+1, got)
		}
	}
	// A DNS answer with the very name that the request asks for says more.
	answer := dnsMessage(answerBit, "app.test", typeA, dnsRecord("app.test", typeA, "\x0a\x00\x01\x05"))[2:]
	d := newSheet()
	d.udp("10.0.0.53:53", "10.0.0.7:5000", []byte(answer))
	f = d.flow("10.0.0.7:40001", "10.0.1.5:80").connect()
	f.say(0, upgradeRequest("app.test", "/", "x3JJHMbDL1EzLkh9GBhXDw==")).say(1, "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n").close()
	if g, _ := analyzeBytes(t, d.pcapng(0, "front.example", "10.0.1.5"), 0); g.Connections[0].DNSName != "app.test" || g.Connections[0].DNSPacket != 1 {
		t.Errorf("called %q by packet %d", g.Connections[0].DNSName, g.Connections[0].DNSPacket)
	}
}

func TestHostName(t *testing.T) {
	for host, want := range map[string]string{
		"": "", "app.test": "app.test", "app.test:443": "app.test", "App.TEST.:8080": "app.test", "app.test.": "app.test",
		"[2001:DB8::1]:80": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", ":80": "", "BÜCHER.test": "bücher.test",
	} {
		if got := hostName(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
