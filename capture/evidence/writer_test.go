package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

var ethernet = capture.Interface{Name: "eth0", Description: "uplink", Filter: "tcp port 80", OS: "Linux", Hardware: "card", Comment: "left", LinkType: capture.LinkEthernet, SnapLen: 262144}

func write(t *testing.T, w io.Writer) *Writer {
	t.Helper()
	f, err := NewWriter(w, Section{Application: "wsleuth 1", OS: "Linux 6", Hardware: "x86", Comment: "why"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.Interface(ethernet)
	must(t, err)
	second, err := f.Interface(capture.Interface{Name: "tun0", LinkType: capture.LinkRaw})
	must(t, err)
	if first != 0 || second != 1 {
		t.Fatalf("interfaces %d and %d", first, second)
	}
	must(t, f.Secrets(capture.SecretsTLSKeyLog, []byte("CLIENT_RANDOM 00 11\n")))
	for i := range 6 {
		p := capture.Packet{Time: 1_700_000_000_123_456_789 + int64(i), Length: 100 + i, Data: bytes.Repeat([]byte{byte(i + 1)}, 40+i), Interface: 9}
		var comments []string
		if i == 2 {
			comments = []string{"WS501: the server closed", "second"}
		}
		must(t, f.Packet(i%2, &p, comments...))
	}
	must(t, f.Statistics(0, Statistics{Start: 1, End: 1_700_000_001_000_000_000, Received: 90, Dropped: 7}))
	must(t, f.Statistics(1, Statistics{Received: 3, Dropped: 1}))
	must(t, f.Flush())
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadsBack(t *testing.T) {
	var file bytes.Buffer
	w := write(t, &file)
	if w.Written() != int64(file.Len()) {
		t.Errorf("%d bytes written, says %d", file.Len(), w.Written())
	}
	s, err := capture.Open(t.Context(), []string{"-"}, capture.Options{Stdin: &file})
	must(t, err)
	defer s.Close()
	var p capture.Packet
	for i := range 6 {
		must(t, s.Next(&p))
		if p.Time != 1_700_000_000_123_456_789+int64(i) || p.Length != 100+i || !bytes.Equal(p.Data, bytes.Repeat([]byte{byte(i + 1)}, 40+i)) || p.Interface != int32(i%2) {
			t.Errorf("packet %d: %+v", i, p)
		}
		if want := []capture.LinkType{capture.LinkEthernet, capture.LinkRaw}[i%2]; p.LinkType != want {
			t.Errorf("packet %d: link type %v", i, p.LinkType)
		}
	}
	if err := s.Next(&p); err != io.EOF {
		t.Fatal(err)
	}
	info := s.Files()[0]
	if len(info.Problems) != 0 || info.Drops != 8 || !info.DropsKnown || info.Application != "wsleuth 1" || info.OS != "Linux 6" || info.Hardware != "x86" || info.Comment != "why" {
		t.Errorf("%+v", info)
	}
	want := ethernet
	want.Packets = 3
	if got := info.Interfaces[0]; got != want {
		t.Errorf("interface\n%+v\nwant\n%+v", got, want)
	}
	if len(info.Secrets) != 1 || info.Secrets[0].Type != capture.SecretsTLSKeyLog || string(info.Secrets[0].Data) != "CLIENT_RANDOM 00 11\n" {
		t.Errorf("secrets %+v", info.Secrets)
	}
}

func TestComments(t *testing.T) {
	var file bytes.Buffer
	write(t, &file)
	// Option 1 of 24 bytes, unpadded; then option 1 of 6 bytes, padded.
	const want = "\x01\x00\x18\x00WS501: the server closed\x01\x00\x06\x00second\x00\x00"
	if n := bytes.Count(file.Bytes(), []byte(want)); n != 1 {
		t.Errorf("the comments are there %d times", n)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, Section{})
	must(t, err)
	iface, err := w.Interface(ethernet)
	must(t, err)
	must(t, w.Packet(iface, &capture.Packet{Data: make([]byte, 300<<10), Length: 300 << 10, Time: -5}, strings.Repeat("é", 40_000), "\xff"))
	must(t, w.Flush())
	s, err := capture.Open(t.Context(), []string{"-"}, capture.Options{Stdin: bytes.NewReader(file.Bytes())})
	must(t, err)
	defer s.Close()
	var p capture.Packet
	must(t, s.Next(&p))
	if len(p.Data) != maxPacket || p.Length != 300<<10 || p.Time != 0 {
		t.Errorf("%d bytes of %d at %d", len(p.Data), p.Length, p.Time)
	}
	if err := s.Next(&p); err != io.EOF {
		t.Error(err)
	}
	if !bytes.Contains(file.Bytes(), []byte("éé"+cutMark)) || !bytes.Contains(file.Bytes(), []byte("\x01\x00\x03\x00\uFFFD\x00")) {
		t.Error("a text is neither cut nor made valid")
	}
}

// failing takes n bytes.
type failing struct{ n int }

var errFull = errors.New("disk full")

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestErrorsStay(t *testing.T) {
	w, err := NewWriter(&failing{600 << 10}, Section{})
	must(t, err)
	iface, err := w.Interface(ethernet)
	must(t, err)
	p := capture.Packet{Data: make([]byte, 100<<10), Length: 100 << 10}
	for range 20 {
		err = w.Packet(iface, &p)
	}
	if !errors.Is(err, errFull) || !errors.Is(w.Flush(), errFull) || !errors.Is(w.Secrets(1, nil), errFull) || !errors.Is(w.Statistics(0, Statistics{}), errFull) {
		t.Errorf("after a failure: %v", err)
	}
}

func TestMisuse(t *testing.T) {
	for name, misuse := range map[string]func(*Writer) error{
		"no interface":  func(w *Writer) error { return w.Packet(0, &capture.Packet{}) },
		"no statistics": func(w *Writer) error { return w.Statistics(-1, Statistics{}) },
		"link type": func(w *Writer) error {
			_, err := w.Interface(capture.Interface{LinkType: 1 << 16})
			return err
		},
		"secrets": func(w *Writer) error { return w.Secrets(1, make([]byte, maxSecrets+1)) },
	} {
		w, err := NewWriter(io.Discard, Section{})
		must(t, err)
		if err := misuse(w); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPacketAllocatesNothing(t *testing.T) {
	w, err := NewWriter(io.Discard, Section{})
	must(t, err)
	iface, err := w.Interface(ethernet)
	must(t, err)
	p := capture.Packet{Data: make([]byte, 1500), Length: 1500}
	must(t, w.Packet(iface, &p))
	if n := testing.AllocsPerRun(1000, func() { _ = w.Packet(iface, &p) }); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

func TestTsharkReadsIt(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	var file bytes.Buffer
	write(t, &file)
	cmd := exec.Command("tshark", "-r", "-", "-T", "fields", "-e", "frame.number", "-e", "frame.comment", "-e", "frame.interface_name", "-e", "frame.time_epoch")
	cmd.Stdin = &file
	out, err := cmd.Output()
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	const third = "3\tWS501: the server closed,second\teth0\t1700000000.123456791"
	if len(lines) != 6 || lines[2] != third {
		t.Errorf("tshark says\n%s", out)
	}
}

func BenchmarkPacket(b *testing.B) {
	w, err := NewWriter(io.Discard, Section{})
	if err != nil {
		b.Fatal(err)
	}
	iface, _ := w.Interface(ethernet)
	for _, size := range []int{64, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := capture.Packet{Data: make([]byte, size), Length: size}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				_ = w.Packet(iface, &p)
			}
		})
	}
}
