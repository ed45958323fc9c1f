package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture"
)

// scripted is a handle that gives what a test sends it.
type scripted struct {
	frames chan frame
	closed chan struct{}
	err    error // after the frames
}

func newScripted(times ...int64) *scripted {
	s := &scripted{frames: make(chan frame, 100), closed: make(chan struct{})}
	for _, at := range times {
		s.frames <- frame{data: []byte{byte(at)}, length: 1, time: at}
	}
	return s
}

func (s *scripted) read(f *frame) error {
	select {
	case *f = <-s.frames:
		return nil
	default:
	}
	if s.err != nil {
		return s.err
	}
	select {
	case *f = <-s.frames:
		return nil
	case <-s.closed:
		return io.ErrClosedPipe
	}
}
func (s *scripted) stats() (uint64, uint64, bool) { return 10, 1, true }
func (s *scripted) link() capture.LinkType        { return capture.LinkEthernet }
func (s *scripted) close() error                  { close(s.closed); return nil }

func TestFanIn(t *testing.T) {
	handles := []*scripted{newScripted(1, 2, 3), newScripted(4, 5)}
	src := newSource(t.Context(), newFanIn([]string{"en0", "lo0"}, []handle{handles[0], handles[1]}), []string{"en0", "lo0"}, nil)
	defer src.Close()
	var p capture.Packet
	sums := map[string]int64{}
	for range 5 {
		if err := src.Next(&p); err != nil {
			t.Fatal(err)
		}
		sums[src.Files()[0].Interfaces[p.Interface].Name] += p.Time
	}
	if sums["en0"] != 6 || sums["lo0"] != 9 {
		t.Errorf("sums of times %v", sums)
	}
	if err := src.Next(&p); err != ErrTick {
		t.Errorf("nothing is left, but %v", err)
	}
	if st := src.Stats(); st.Received != 20 || st.Dropped != 2 || !st.DropsKnown {
		t.Errorf("%+v", st)
	}
	handles[1].frames <- frame{data: []byte{7}, time: 7}
	if err := src.Next(&p); err != nil || p.Time != 7 {
		t.Errorf("a late packet: %+v, %v", p, err)
	}
}

func TestFanInErrors(t *testing.T) {
	broken := errors.New("device unplugged")
	h := newScripted()
	h.err = broken
	src := newSource(t.Context(), newFanIn([]string{"en0"}, []handle{h}), []string{"en0"}, nil)
	defer src.Close()
	err := ErrTick
	for err == ErrTick {
		err = src.Next(&capture.Packet{})
	}
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "en0") {
		t.Errorf("got %v", err)
	}
}

// Each interface is opened; when one fails, those before it are closed.
func TestOpenEach(t *testing.T) {
	all, err := Interfaces("")
	if err != nil || len(all) == 0 {
		t.Skip("this machine has no interfaces:", err)
	}
	var opened []*scripted
	open1 := func(Interface, Options) (handle, error) {
		if len(opened) == 1 {
			return nil, errors.New("busy")
		}
		opened = append(opened, newScripted())
		return opened[0], nil
	}
	name := ""
	for _, i := range all {
		if i.Usable {
			name = i.Name
		}
	}
	if _, _, err := openEach(Options{Interfaces: []string{name, name}}, open1); err == nil || err.Error() != "busy" {
		t.Errorf("the second device is busy, but %v", err)
	}
	<-opened[0].closed
	if _, _, err := openEach(Options{Namespace: "1"}, open1); err == nil {
		t.Error("a namespace is ignored")
	}
	opened = nil
	b, names, err := openEach(Options{Interfaces: []string{name}}, open1)
	if err != nil || fmt.Sprint(names) != "["+name+"]" {
		t.Fatal(names, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	src := newSource(ctx, b, names, nil)
	defer src.Close()
	cancel()
	for err = nil; err == nil || err == ErrTick; err = src.Next(&capture.Packet{}) {
	}
	if err != io.EOF {
		t.Errorf("the context ended, but %v", err)
	}
}

func TestChoose(t *testing.T) {
	address := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}
	link := []netip.Prefix{netip.MustParsePrefix("fe80::1/64")}
	all := []Interface{
		{Name: "lo0", Up: true, Loopback: true, Usable: true, Addresses: address},
		{Name: "awdl0", Up: true, Usable: true, Addresses: link},
		{Name: "en0", Up: true, Usable: true, Addresses: address, Description: "Wi-Fi"},
		{Name: "en1", Usable: true, Addresses: address},
		{Name: "can0", Up: true},
	}
	for _, c := range []struct{ names, want string }{
		{"lo0 en1", "lo0 en1"},
		{"Wi-Fi", "en0"},
		{"lo0 any", "lo0 awdl0 en0"},
		{"can0", "interface can0 is of a kind that cannot be captured on"},
		{"en7", "no interface is called en7; there are: lo0 awdl0 en0 en1 can0"},
	} {
		chosen, err := choose(all, strings.Fields(c.names))
		var got []string
		for _, i := range chosen {
			got = append(got, i.Name)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q", c.names, got)
		}
	}
	if name, err := likely(all); name != "en0" || err != nil {
		t.Errorf("likely %q, %v", name, err)
	}
	if name, err := likely(all[:2]); name != "lo0" || err != nil {
		t.Errorf("likely %q, %v", name, err)
	}
	if name, err := likely(all[3:]); err == nil {
		t.Errorf("likely %q", name)
	}
	if _, err := choose(all[:1], nil); err != nil {
		t.Errorf("nothing named: %v", err)
	}
}
