package evidence

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math/rand"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

const tcpAt = 20 // raw IP

// segment makes a packet of raw IPv4 and TCP with a right checksum.
func segment(dir int, seq uint32, flags byte, payload string) *capture.Packet {
	b := make([]byte, 40, 40+len(payload))
	b[0], b[8], b[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(b[2:], uint16(40+len(payload)))
	a := [2][4]byte{{192, 0, 2, 1}, {198, 51, 100, 7}}
	copy(b[12:], a[dir][:])
	copy(b[16:], a[1-dir][:])
	binary.BigEndian.PutUint16(b[10:], internetSum(b[:20]))
	binary.BigEndian.PutUint32(b[24:], seq)
	b[32], b[33] = 5<<4, flags
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[36:], tcpSum(b))
	return &capture.Packet{Data: b, Length: len(b), LinkType: capture.LinkRaw}
}

func internetSum(b []byte) uint16 {
	var sum uint32
	for i, c := range b {
		sum += uint32(c) << (8 * (1 - i&1))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// tcpSum is that of RFC 9293, section 3.1: 0 if the one in the packet is right.
func tcpSum(b []byte) uint16 {
	pseudo := append(append([]byte{}, b[12:20]...), 0, 6, byte((len(b)-20)>>8), byte(len(b)-20))
	return internetSum(append(pseudo, b[20:]...))
}

func frame(first byte, mask []byte, payload string) string {
	b := []byte{first, byte(len(payload))}
	if len(payload) > 125 {
		b = append([]byte{first, 126}, byte(len(payload)>>8), byte(len(payload)))
	}
	if mask != nil {
		b[1] |= 0x80
		b = append(b, mask...)
		masked := []byte(payload)
		for i := range masked {
			masked[i] ^= mask[i%4]
		}
		payload = string(masked)
	}
	return string(b) + payload
}

var mask = []byte{1, 2, 3, 4}

const (
	request = "GET /eyJsecrete.secretf/a;v=1;X-Auth-Token=secretg?token=secret1&x=y&to%6Ben=secreth/i HTTP/1.1\r\nHost: session.test:81\r\nReferer: http://a/#access_token=secretk\r\nX-Api-Key: secretj\r\nAuthorization: Bearer secret2\r\nCOOKIE: a=secret3; b=secret4\r\n" +
		"Sec-WebSocket-Protocol: chat, eyJsecret5.secret6.secret7\r\nUpgrade: websocket\r\n\r\n"
	answer = "HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: s=secret8\r\nUpgrade: websocket\r\n\r\n"
)

func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	io.WriteString(w, text)
	w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func streams() [2]string {
	squeezed := deflated(strings.Repeat("secretly ", 40) + "a")
	return [2]string{
		request + frame(0x81, mask, "secret9 of the user") + frame(0x01, mask, "secreta") + frame(0x89, mask, "secretb") + frame(0x80, mask, "secretc") + frame(0x88, mask, "\x03\xe8bye"),
		answer + frame(0x82, nil, strings.Repeat("secretd", 40)) + frame(0xc1, nil, squeezed) + frame(0x41, nil, squeezed[:5]) + frame(0x8a, nil, "secret") + frame(0x80, nil, squeezed[5:]) + frame(0x88, nil, "\x03\xe9gone"),
	}
}

type sentSegment struct {
	dir  int
	seq  uint32
	text string
}

// cut makes segments of both streams, of random lengths.
func cut(r *rand.Rand) []sentSegment {
	both := streams()
	heads := [2]int{len(request), len(answer)}
	var list []sentSegment
	place := [2]int{}
	add := func(dir, until int) {
		for place[dir] < until {
			n := min(1+r.Intn(60), until-place[dir])
			list = append(list, sentSegment{dir, uint32(1000 + place[dir]), both[dir][place[dir] : place[dir]+n]})
			place[dir] += n
		}
	}
	add(0, heads[0])
	add(1, heads[1])
	add(0, len(both[0]))
	add(1, len(both[1]))
	return list
}

// stripped runs segments through a stripper and puts the streams together again.
func stripped(t *testing.T, list []sentSegment) [2]string {
	t.Helper()
	var out [2][]byte
	for d, s := range streams() {
		out[d] = bytes.Repeat([]byte{'?'}, len(s))
	}
	s := NewStripper(func(p *capture.Packet, tag any) error {
		if sum := tcpSum(p.Data); sum != 0 {
			t.Errorf("the checksum is wrong by %#x", sum)
		}
		at := tag.(sentSegment)
		copy(out[at.dir][at.seq-1000:], p.Data[40:])
		return nil
	})
	must(t, s.Packet(segment(0, 999, 2, ""), sentSegment{seq: 1000}, Segment{TCP: tcpAt, End: 40}))
	must(t, s.Packet(segment(1, 999, 18, ""), sentSegment{dir: 1, seq: 1000}, Segment{TCP: tcpAt, End: 40, Dir: 1}))
	for _, x := range list {
		p := segment(x.dir, x.seq, 24, x.text)
		must(t, s.Packet(p, x, Segment{TCP: tcpAt, End: len(p.Data), Dir: x.dir}))
	}
	must(t, s.Flush())
	return [2]string{string(out[0]), string(out[1])}
}

func TestStrip(t *testing.T) {
	want := stripped(t, cut(rand.New(rand.NewSource(1))))
	for d, text := range want {
		if strings.Contains(text, "secret") {
			t.Errorf("a secret is left: %q", text)
		}
		for _, kept := range [][]string{{"GET /eyxxxxxxxxxxxxxxxxxx;v=1;X-Auth-Token=xxxxxxx?token=xxxxxxx&x=y&to%6Ben=xxxxxxxxx HTTP/1.1", "X-Api-Key: xxxxxxx\r\n", "Bearer xxxxxxx\r\n", "protocol: chat, eyJx", "Host: session.test:81\r\nReferer: http://a/#access_token=xxxxxxx\r\n"}, {"Switching Protocols", "gone"}}[d] {
			if !strings.Contains(strings.Replace(text, "Protocol:", "protocol:", 1), kept) {
				t.Errorf("%q is gone: %q", kept, text)
			}
		}
	}
	// what unmasks to zeros
	if i := strings.Index(want[0], "\r\n\r\n") + 4 + 6; !strings.HasPrefix(want[0][i:], strings.Repeat("\x01\x02\x03\x04", 4)) {
		t.Errorf("the masked payload is %q", want[0][i:i+20])
	}
	for seed := range int64(50) { // cut, sent again and out of order: the same
		r := rand.New(rand.NewSource(seed))
		list := cut(r)
		for i := 1; i < len(list); i++ {
			switch r.Intn(6) {
			case 0:
				if list[i].dir == list[i-1].dir {
					list[i], list[i-1] = list[i-1], list[i]
				}
			case 1:
				list = append(list[:i], append([]sentSegment{list[i-1]}, list[i:]...)...)
			}
		}
		if got := stripped(t, list); got != want {
			t.Fatalf("seed %d: %q, want %q", seed, got, want)
		}
	}
}

// Without the server's answer the client's frames are still frames, and of HTTP/2 nothing gets out.
func TestStripUnseenAnswers(t *testing.T) {
	for name, text := range map[string]string{
		"one way": streams()[0],
		"HTTP/2":  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x0d\x00\x00\x00\x00\x00\x01\x81\x0bsecret words",
	} {
		client := &direction{client: true, other: &direction{}, started: true}
		b := []byte(text)
		client.strip(0, b)
		if strings.Contains(string(b), "secret") {
			t.Errorf("%s: %q", name, b)
		}
		if name == "one way" && !strings.Contains(string(b), strings.Repeat("\x01\x02\x03\x04", 3)) {
			t.Errorf("%s: the frames are not recognized: %q", name, b)
		}
	}
}

// Through SOCKS: the login is hidden, and what follows is understood.
func TestStripSOCKS(t *testing.T) {
	for name, talk := range map[string][2]string{
		"5 with login": {"\x05\x02\x00\x02" + "\x01\x05alice\x07secret1" + "\x05\x01\x00\x03\x08app.test\x00\x50", "\x05\x02" + "\x01\x00" + "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"5":            {"\x05\x01\x00" + "\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", "\x05\x00" + "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"PROXY":        {"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x00\x51", ""},
		"4":            {"\x04\x01\x00\x50\x01\x02\x03\x04user\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00"},
		"4a":           {"\x04\x01\x00\x50\x00\x00\x00\x01user\x00app.test\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00"},
	} {
		both := streams()
		client, server := &direction{client: true}, &direction{}
		client.other, server.other = server, client
		client.started, server.started = true, true
		feed := func(d *direction, text string) string {
			b := []byte(text)
			d.strip(d.next, b)
			return string(b)
		}
		login := feed(client, talk[0][:3]) + feed(client, talk[0][3:]) // cut anywhere
		if feed(server, talk[1]) != talk[1] {
			t.Errorf("%s: the proxy's answer changed", name)
		}
		if strings.Contains(login, "secret") || strings.Contains(login, "alice") || len(login) != len(talk[0]) {
			t.Errorf("%s: %q", name, login)
		}
		text := feed(client, request) + feed(server, both[1]) + feed(client, both[0][len(request):])
		if strings.Contains(text, "secret") || !strings.Contains(text, "Switching Protocols") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// What is compressed inflates to zeros.
func TestStripCompressed(t *testing.T) {
	for n := range 300 {
		f := frameState{}
		b := []byte(frame(0xc1, nil, strings.Repeat("a", n)))
		for rest := b; len(rest) > 0; {
			rest = f.strip(rest)
		}
		payload := b[2:]
		if n > 125 {
			payload = b[4:]
		}
		if n == 0 {
			continue
		}
		out, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
		if err != nil || len(bytes.Trim(out, "\x00")) != 0 || len(out) != max(0, n-2) {
			t.Errorf("%d bytes inflate to %d: %v", n, len(out), err)
		}
	}
}

// Where bytes are missing for good, nothing gets out that was not understood.
func TestStripLoses(t *testing.T) {
	for seed := range int64(100) {
		r := rand.New(rand.NewSource(seed))
		list := cut(r)
		i := r.Intn(len(list))
		list = append(list[:i], list[i+1:]...)
		for _, text := range stripped(t, list) {
			for _, secret := range []string{"secret9", "secreta", "secretb", "secretc", "secretd", "secret3", "secret5"} {
				if strings.Contains(text, secret[3:]) {
					t.Errorf("seed %d: %q is left: %q", seed, secret, text)
				}
			}
		}
	}
}

func FuzzStrip(f *testing.F) {
	f.Add([]byte(request+frame(0x81, mask, "hello")), uint8(7))
	f.Add([]byte(answer+frame(0xc1, nil, "hello")), uint8(3))
	f.Add([]byte("\x05\x01\x02\x01\x05alice\x03abc\x05\x01\x00\x03\x01a\x00\x50GET"), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		run := func(step int) string {
			d := &direction{other: &direction{}, started: true, client: true}
			b := bytes.Clone(data)
			for at := 0; at < len(b); at += step {
				d.strip(uint32(at), b[at:min(at+step, len(b))])
			}
			return string(b)
		}
		if whole, parts := run(max(1, len(data))), run(int(step)+1); whole != parts {
			t.Fatalf("whole %q, in parts %q", whole, parts)
		}
	})
}
