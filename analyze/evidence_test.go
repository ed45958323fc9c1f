package analyze

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
)

// shown is what a reader sees when the packet that evidence names is opened.
type shown struct {
	time     int64
	protocol uint8
	cut      bool // by the snapshot length
	flags    string
	window   int
	icmp     [2]int // type and code
	payload  []byte
}

// openPackets reads all packets of a file.
func openPackets(t *testing.T, path string) []shown {
	t.Helper()
	src, err := capture.Open(context.Background(), []string{path}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	d := link.NewDecoder()
	var p capture.Packet
	var ip link.IP
	all := []shown{{}}
	for src.Next(&p) == nil {
		s := shown{time: p.Time, cut: len(p.Data) < p.Length}
		if d.Decode(&p, &ip) == link.Decoded {
			s.protocol = ip.Protocol
			s.read(ip.Payload)
		}
		all = append(all, s)
	}
	return all
}

func (s *shown) read(b []byte) {
	switch s.protocol {
	case 1, 58: // ICMP, ICMPv6
		if len(b) >= 2 {
			s.icmp = [2]int{int(b[0]), int(b[1])}
		}
	case 6:
		if len(b) < 20 || len(b) < int(b[12]>>4)*4 {
			return
		}
		for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK"} {
			if b[13]>>i&1 == 1 {
				s.flags += name + " "
			}
		}
		s.window = int(binary.BigEndian.Uint16(b[14:]))
		s.payload = bytes.Clone(b[int(b[12]>>4)*4:])
	}
}

func (s *shown) has(flag string) bool { return strings.Contains(s.flags, flag+" ") }

// frame tells whether some place in the payload is a frame that matches; a
// packet may begin in the middle of one.
func (s *shown) frame(match func(h ws.Header, payload []byte) bool) bool {
	for i := range s.payload {
		h, n, ok := frameAt(s.payload[i:])
		if ok && match(h, n) {
			return true
		}
	}
	return false
}

// frameAt reads a frame header and what is there of the payload, unmasked.
func frameAt(b []byte) (h ws.Header, payload []byte, ok bool) {
	if len(b) < 2 {
		return h, nil, false
	}
	h.Fin, h.RSV, h.Opcode, h.Masked = b[0]&0x80 != 0, b[0]>>4&7, ws.Opcode(b[0]&15), b[1]&0x80 != 0
	size, length := 2, int(b[1]&0x7f)
	switch length {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if len(b) >= size && size == 4 {
		length = int(binary.BigEndian.Uint16(b[2:]))
	}
	var key [4]byte
	if h.Masked {
		if len(b) < size+4 {
			return h, nil, true
		}
		copy(key[:], b[size:])
		size += 4
	}
	if len(b) < size {
		return h, nil, true
	}
	payload = bytes.Clone(b[size:min(len(b), size+length)])
	for i := range payload {
		payload[i] ^= key[i&3]
	}
	return h, payload, true
}

// seen are the facts that are bytes: what a note says, and whether the packet shows it.
var seen = []struct {
	note  *regexp.Regexp
	shows func(s *shown, m []string) bool
}{
	{regexp.MustCompile(`^(?:first |last |the server's )?(SYN|FIN|RST)\b(-ACK| without ACK|, ACK)?`), func(s *shown, m []string) bool {
		return s.has(m[1]) && ((m[2] == "-ACK" || m[2] == ", ACK") == s.has("ACK") || m[2] == "")
	}},
	{regexp.MustCompile(`^(?:GET|POST) (\S*)( HTTP/1\.[01])?$`), func(s *shown, m []string) bool {
		target, _, _ := strings.Cut(m[1], "?") // a query with a token is not quoted
		return bytes.Contains(s.payload, []byte(" "+target)) && bytes.Contains(s.payload, []byte(m[2]))
	}},
	{regexp.MustCompile(`^(HTTP/1\.[01] \d{3}.*)$`), func(s *shown, m []string) bool { return bytes.HasPrefix(s.payload, []byte(m[1])) }},
	{regexp.MustCompile(`^(?:status )?([1-5]\d\d)(?: [A-Z]| with|$)`), func(s *shown, m []string) bool { return bytes.Contains(s.payload, []byte(" "+m[1])) }},
	{regexp.MustCompile(`^(?:the server answers )?'?((?:Sec|Host|Origin|Upgrade|Connection|Location|Server|Via|Retry|WWW|Content|Transfer)[A-Za-z-]*): '?([^',]+)`), func(s *shown, m []string) bool {
		value := strings.TrimSuffix(m[2], " on a connection without TLS")
		value, _, _ = strings.Cut(value, ";")
		at := bytes.Index(bytes.ToLower(s.payload), []byte("\n"+strings.ToLower(m[1])+":"))
		return at >= 0 && bytes.Contains(s.payload[at:], []byte(value))
	}},
	{regexp.MustCompile(`^(Cookie|Authorization),? `), func(s *shown, m []string) bool { return bytes.Contains(s.payload, []byte(m[1]+": ")) }},
	{regexp.MustCompile(`^(?:its text|\d+ .*its page) says '(.*)'$`), func(s *shown, m []string) bool {
		return bytes.Contains(bytes.ToLower(s.payload), []byte(strings.ToLower(m[1])))
	}},
	{regexp.MustCompile(`^the client offer(?:ed|s) '(.*?)'`), func(s *shown, m []string) bool { return bytes.Contains(s.payload, []byte(m[1])) }},
	{regexp.MustCompile(`(?:^|answers with )Close (\d+)(?: of the (?:client|server)(?: '(.*)')?)?$`), func(s *shown, m []string) bool {
		code, _ := strconv.Atoi(m[1])
		return s.frame(func(h ws.Header, p []byte) bool {
			return h.Opcode == ws.Close && len(p) >= 2 && int(binary.BigEndian.Uint16(p)) == code && bytes.HasPrefix(p[2:], []byte(strings.TrimSuffix(m[2], "…")))
		})
	}},
	{regexp.MustCompile(`^(text|binary|continuation|ping|pong|close|opcode \d+) frame of the (client|server) at byte`), func(s *shown, m []string) bool {
		return s.frame(func(h ws.Header, _ []byte) bool { return h.Opcode.String() == m[1] })
	}},
	{regexp.MustCompile(`^(?:last )?Ping `), func(s *shown, m []string) bool {
		return s.frame(func(h ws.Header, _ []byte) bool { return h.Opcode == ws.Ping })
	}},
	{regexp.MustCompile(`^its Pong`), func(s *shown, m []string) bool {
		return s.frame(func(h ws.Header, _ []byte) bool { return h.Opcode == ws.Pong })
	}},
	{regexp.MustCompile(`^ICMP.*\(type (\d+) code (\d+)\)`), func(s *shown, m []string) bool {
		return fmt.Sprint(s.icmp) == fmt.Sprintf("[%s %s]", m[1], m[2])
	}},
	{regexp.MustCompile(`^the window is zero`), func(s *shown, m []string) bool { return s.protocol == 6 && s.window == 0 }},
	{regexp.MustCompile(`^the window opens`), func(s *shown, m []string) bool { return s.window > 0 }},
	{regexp.MustCompile(`(?i)^(?:last |first )?(?:data|segment)\b.*|^last message`), func(s *shown, m []string) bool { return len(s.payload) > 0 }},
	{regexp.MustCompile(`^the Upgrade request|^the request in plain text|^the key that`), func(s *shown, m []string) bool {
		return bytes.Contains(s.payload, []byte("HTTP/1.")) || bytes.Contains(s.payload, []byte("Sec-WebSocket-Key"))
	}},
	{regexp.MustCompile(`(?:without|no|has no) (Sec-WebSocket-[A-Za-z]+|Host|Connection field|Upgrade field)$`), func(s *shown, m []string) bool {
		name, _, _ := strings.Cut(m[1], " ")
		return len(s.payload) > 0 && !bytes.Contains(bytes.ToLower(s.payload), []byte("\n"+strings.ToLower(name)+":"))
	}},
	{regexp.MustCompile(`^first packet that is shorter`), func(s *shown, m []string) bool { return s.cut }},
}

// TestEvidenceShowsTheFact opens each packet that evidence names and looks for the fact in it.
func TestEvidenceShowsTheFact(t *testing.T) {
	const folder = "../testdata/captures/plain"
	checked := make([]int, len(seen))
	all := 0
	for _, e := range readManifest(t, folder) {
		var files []string
		packets := map[string][]shown{}
		for _, f := range e.Files {
			path := filepath.Join(folder, f)
			files = append(files, path)
			packets[path] = openPackets(t, path)
		}
		g := analyzeFiles(t, Options{All: true, ShowSecrets: true}, files...)
		for _, c := range g.Connections {
			for _, f := range c.Findings {
				for _, v := range f.Evidence {
					all++
					where := fmt.Sprintf("%s, connection %s, %s, packet %d: %q", e.Name, c.ID, f.Code, v.Packet, v.Note)
					if v.Packet < 1 || int(v.Packet) >= len(packets[v.Capture]) {
						t.Errorf("%s: there is no such packet", where)
						continue
					}
					s := &packets[v.Capture][v.Packet]
					if record.Time(s.time) != v.Time {
						t.Errorf("%s: the packet is of another time", where)
					}
					if !judgeNote(s, v.Note, checked) {
						t.Errorf("%s: not in the packet (%s%d bytes)", where, s.flags, len(s.payload))
					}
				}
			}
		}
	}
	for i, n := range checked {
		if n == 0 {
			t.Errorf("no note like %s", seen[i].note)
		}
	}
	if total := sum(checked); total*100 < all*85 {
		t.Errorf("only %d of %d notes were looked for in their packets", total, all)
	}
}

func judgeNote(s *shown, note string, checked []int) bool {
	for i := range seen {
		if m := seen[i].note.FindStringSubmatch(note); m != nil {
			checked[i]++
			return s.cut || seen[i].shows(s, m)
		}
	}
	return true
}

func sum(list []int) (total int) {
	for _, n := range list {
		total += n
	}
	return total
}
