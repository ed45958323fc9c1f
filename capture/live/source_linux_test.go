package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// contents lists packets without the time they were seen at.
func contents(packets []capture.Packet) []string {
	var all []string
	for _, p := range packets {
		all = append(all, fmt.Sprintf("%d %x", p.Length, p.Data))
	}
	slices.Sort(all)
	return all
}

// Both ends of a veth pair see the same packets, each once.
func TestVeth(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		a, b := veth(t)
		f := expression(t, "tcp or udp port 9")
		atA := a.open(Options{Interfaces: []string{"a"}, Filter: f, noRing: noRing})
		atB := b.open(Options{Interfaces: []string{"b"}, Filter: f, Promiscuous: true, noRing: noRing})
		exchange(a, b, "10.99.0.2:0", 50)
		a.udp("10.99.0.2:9", "end")
		seenA, seenB := contents(until9(t, atA)), contents(until9(t, atB))
		if !slices.Equal(seenA, seenB) {
			t.Errorf("a saw %d packets, b saw others: %d", len(seenA), len(seenB))
		}
		// SYN, SYN-ACK, ACK, 100 data segments, and two FINs at least.
		if len(seenA) < 105 {
			t.Errorf("%d packets seen", len(seenA))
		}
		if n := len(slices.Compact(slices.Clone(seenA))); n != len(seenA) {
			t.Errorf("%d of %d packets seen twice", len(seenA)-n, len(seenA))
		}
		info := atA.Files()[0]
		if info.Name != "a" || info.Packets != int64(len(seenA)+1) || !info.DropsKnown || info.Drops != 0 || info.Interfaces[0].Name != "a" {
			t.Errorf("file %+v", info)
		}
	})
}

// What goes through lo is seen once, by name and among all interfaces.
func TestLoopbackOnce(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		for _, name := range []string{"lo", Any} {
			s := newSpace(t)
			src := s.open(Options{Interfaces: []string{name}, noRing: noRing})
			exchange(s, s, "127.0.0.1:0", 20)
			exchange(s, s, "[::1]:0", 20)
			s.udp("127.0.0.1:9", "end")
			packets := until9(t, src)
			seen := contents(packets)
			if len(seen) < 90 {
				t.Errorf("%s: %d packets", name, len(seen))
			}
			if n := len(slices.Compact(seen)); n != len(packets) {
				t.Errorf("%s: %d packets seen, %d different ones", name, len(packets), n)
			}
			info := src.Files()[0]
			if len(info.Interfaces) != 1 || info.Interfaces[0].Name != "lo" || info.Interfaces[0].LinkType != capture.LinkEthernet || info.Name != name {
				t.Errorf("%s: %+v", name, info)
			}
			for i, p := range packets {
				if p.Number != int64(i+1) || p.Clock < p.Time || i > 0 && p.Clock < packets[i-1].Clock {
					t.Fatalf("packet %d: %+v", i+1, p)
				}
			}
		}
	})
}

// The kernel rejects what the filter does not take: it counts only what passes.
func TestFilterInKernel(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		for _, exact := range []bool{true, false} {
			s := newSpace(t)
			f, err := filter.Parse(t.Context(), "udp dst port 1001 or 9", filter.Options{Exact: exact})
			if err != nil {
				t.Fatal(err)
			}
			src := s.open(Options{Interfaces: []string{"lo"}, Filter: f, noRing: noRing})
			for range 50 {
				s.udp("127.0.0.1:1000", "no")
				s.udp("127.0.0.1:1001", "yes")
				s.udp("[::1]:1001", "yes")
			}
			s.udp("127.0.0.1:9", "end")
			n, st := len(until9(t, src)), src.Stats()
			switch {
			case exact && (n != 100 || st.Received != 101):
				t.Errorf("%d packets, not 100; the kernel counts %d", n, st.Received)
			case !exact && (n != 200 || st.Received < 251):
				// Nobody listens: errors of three kinds, of which those about
				// port 1000 are not handed out.
				t.Errorf("%d packets, not 200; the kernel counts %d", n, st.Received)
			}
			if st.Dropped != 0 || !st.DropsKnown {
				t.Errorf("%+v", st)
			}
		}
	})
}

// Several interfaces share a ring; others are not seen.
func TestSeveralInterfaces(t *testing.T) {
	s := newSpace(t)
	for _, n := range []string{"1", "2", "3"} {
		s.pair("d"+n, "10.9"+n+".0.1/24", "10.9"+n+".0.2")
	}
	src := s.open(Options{Interfaces: []string{"d1", "d3"}, Filter: expression(t, "udp")})
	for range 3 {
		s.udp("10.91.0.2:5", "one")
		s.udp("10.92.0.2:5", "two")
		s.udp("10.93.0.2:5", "three")
	}
	s.udp("10.91.0.2:9", "end")
	var got []string
	for _, p := range until9(t, src) {
		name := src.Files()[0].Interfaces[p.Interface].Name
		got = append(got, name+" "+string(p.Data[42:]))
	}
	if want := []string{"d1 one", "d3 three", "d1 one", "d3 three", "d1 one", "d3 three"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if info := src.Files()[0]; info.Name != "d1,d3" || info.Interfaces[0].Packets != 4 || info.Interfaces[1].Packets != 3 {
		t.Errorf("%+v", info)
	}
}

// What is lost because nobody reads is counted, all of it.
func TestDropsAreCounted(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		s := newSpace(t)
		src := s.open(Options{Interfaces: []string{"lo"}, Filter: expression(t, "udp"), Ring: 1 << 20, noRing: noRing})
		payloads := make([]string, 4000)
		for i := range payloads {
			payloads[i] = strings.Repeat("x", 1200)
		}
		s.udp("127.0.0.1:1000", payloads...)
		read := uint64(0)
		for {
			var p capture.Packet
			err := src.Next(&p)
			if err == ErrTick {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			read++
		}
		st := src.Stats()
		if st.Dropped == 0 || st.Received-st.Dropped < read {
			t.Errorf("%+v, and %d packets read", st, read)
		}
		if info := src.Files()[0]; info.Drops != st.Dropped || !info.DropsKnown {
			t.Errorf("%+v", info)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
		if after := src.Stats(); after.Dropped != st.Dropped {
			t.Errorf("after Close: %+v", after)
		}
		if err := src.Next(&capture.Packet{}); err == nil {
			t.Error("a closed source has packets")
		}
	})
}

// Without packets there are ticks, with the time.
func TestTicks(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		s := newSpace(t)
		src := s.open(Options{Interfaces: []string{"lo"}, noRing: noRing})
		clock := int64(0)
		for range 4 {
			p := capture.Packet{Data: []byte{1}, Length: 1}
			before := time.Now()
			if err := src.Next(&p); err != ErrTick {
				t.Fatal(err)
			}
			behind := time.Since(time.Unix(0, p.Clock))
			if p.Data != nil || p.Length != 0 || p.Time != p.Clock || p.Clock <= clock || behind < holdback || time.Since(before) > deadline {
				t.Errorf("tick %+v, %v behind", p, behind)
			}
			clock = p.Clock
		}
	})
}

// The end of the context loses nothing that had been sent before.
func TestEndOfContext(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		s := newSpace(t)
		ctx, cancel := context.WithCancel(t.Context())
		src, err := Open(ctx, Options{Interfaces: []string{"lo"}, Namespace: s.path, Warn: func(error) {}, Filter: expression(t, "udp"), noRing: noRing})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		s.udp("127.0.0.1:1000", "1", "2", "3")
		cancel()
		<-ctx.Done()
		n := 0
		for err = nil; err == nil || err == ErrTick; err = src.Next(&capture.Packet{}) {
			n++
		}
		if err != io.EOF || n < 4 {
			t.Errorf("%d packets, then %v", n-1, err)
		}
	})
}

// A VLAN tag that the kernel took out is back where it was.
func TestVLANTag(t *testing.T) {
	ways(t, func(t *testing.T, noRing bool) {
		a, b := veth(t)
		src := b.open(Options{Interfaces: []string{"b"}, Filter: expression(t, "udp port 7"), noRing: noRing})
		udp := []byte{0, 7, 0, 7, 0, 8, 0, 0}
		ip := append([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 99, 0, 1, 10, 99, 0, 2}, udp...)
		frame := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x20, 5, 8, 0}, ip...)
		a.do(func() error { return inject("a", frame) })
		p := next(t, src)
		if !bytes.Equal(p.Data, frame) || p.Length != len(frame) {
			t.Errorf("sent %x\ngot  %x, length %d", frame, p.Data, p.Length)
		}
	})
}

// inject sends a frame through an interface.
func inject(name string, frame []byte) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := newNamer()
	if err != nil {
		return err
	}
	defer n.close()
	return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: n.index(name)})
}

// An interface without link-layer header, among all.
func TestRawIP(t *testing.T) {
	s := newSpace(t)
	var tun *os.File
	s.do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		tun = os.NewFile(uintptr(fd), "tun")
		request, err := unix.NewIfreq("t0")
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	})
	defer tun.Close()
	s.ip("addr add 10.98.0.1/24 dev t0")
	s.ip("link set t0 up")
	src := s.open(Options{Interfaces: []string{Any}, Filter: expression(t, "udp port 7 and dst net 10.98.0.0/24")})
	s.udp("10.98.0.2:8", "no")
	s.udp("10.98.0.2:7", "yes")
	p := next(t, src)
	if p.LinkType != capture.LinkRaw || len(p.Data) != 31 || p.Data[0] != 0x45 || binary.BigEndian.Uint16(p.Data[22:]) != 7 {
		t.Errorf("%v: %x", p.LinkType, p.Data)
	}
	if i := src.Files()[0].Interfaces[p.Interface]; i.Name != "t0" || i.LinkType != capture.LinkRaw {
		t.Errorf("%+v", i)
	}
}

// An interface that went away is captured again when it is back.
func TestInterfaceGoesAndComes(t *testing.T) {
	s := newSpace(t)
	add := func() { s.pair("d0", "10.90.0.1/24", "10.90.0.2") }
	add()
	var warned []string
	src := s.open(Options{Interfaces: []string{"d0"}, Filter: expression(t, "udp"), Warn: func(err error) { warned = append(warned, err.Error()) }})
	s.udp("10.90.0.2:1", "before")
	next(t, src)
	s.ip("link del d0")
	for end := time.Now().Add(deadline); len(warned) == 0 && time.Now().Before(end); {
		if err := src.Next(&capture.Packet{}); err != ErrTick {
			t.Fatal(err)
		}
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "d0 is gone") {
		t.Fatalf("warned %q", warned)
	}
	add()
	src.backend.look()
	s.udp("10.90.0.2:1", "after")
	if p := next(t, src); !bytes.Contains(p.Data, []byte("after")) {
		t.Errorf("got %q", p.Data)
	}
}

func TestWrongNames(t *testing.T) {
	s := newSpace(t)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Interfaces: []string{"nosuch"}, Namespace: s.path}, "no interface is called nosuch; there are: lo"},
		{Options{Namespace: "nosuchspace"}, "no network namespace nosuchspace"},
		{Options{Namespace: "2147483647"}, "no network namespace 2147483647"},
		{Options{Namespace: "/dev/null"}, "entering network namespace /dev/null"},
	} {
		if _, err := Open(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}

func TestInterfaces(t *testing.T) {
	s := newSpace(t)
	if name, err := DefaultInterface(s.path); err != nil || name != "lo" {
		t.Errorf("only lo is there, but the default is %q, %v", name, err)
	}
	for i, name := range []string{"d1", "d2"} {
		s.ip("link add name " + name + " type veth peer name " + name + "x")
		s.ip("link set " + name + "x up")
		s.ip(fmt.Sprintf("addr add 10.9%d.0.1/24 dev %s", i, name))
	}
	s.ip("link set d2 up")
	all, err := Interfaces(s.path)
	if err != nil {
		t.Fatal(err)
	}
	d1, _ := find(all, "d1")
	d2, _ := find(all, "d2")
	lo, _ := find(all, "lo")
	if d1.Up || !d2.Up || !lo.Loopback || d2.Loopback || !d2.Usable || d2.LinkType != capture.LinkEthernet {
		t.Errorf("%+v", all)
	}
	if len(d1.Addresses) != 1 || d1.Addresses[0].String() != "10.90.0.1/24" {
		t.Errorf("addresses of d1: %v", d1.Addresses)
	}
	expect := func(want string) {
		t.Helper()
		if name, err := DefaultInterface(s.path); err != nil || name != want {
			t.Errorf("the default is %q, %v; want %s", name, err, want)
		}
	}
	expect("d2")
	s.ip("link set d1 up")
	expect("d1")
	s.ip("-6 addr add 2001:db8::1/64 dev d2 nodad")
	s.ip("-6 route add default via 2001:db8::2 dev d2")
	expect("d2")
	s.ip("route add default via 10.90.0.2 metric 200")
	expect("d1")
	s.ip("route add default via 10.91.0.2 metric 100")
	expect("d2")
}

func TestPermissionErrorSaysWhatToDo(t *testing.T) {
	err := permission(unix.EPERM)
	path, _ := os.Executable()
	if !errors.Is(err, ErrPermission) || !errors.Is(err, unix.EPERM) {
		t.Errorf("%v wraps neither", err)
	}
	for _, want := range []string{"sudo wsleuth live", "sudo setcap cap_net_raw+ep " + path} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

// Reading a packet that is there allocates nothing but what the kernel's
// interface costs.
func TestNextAllocates(t *testing.T) {
	s := newSpace(t)
	src := s.open(Options{Interfaces: []string{"lo"}, Filter: expression(t, "udp")})
	payloads := make([]string, 400)
	s.udp("127.0.0.1:1000", payloads...)
	next(t, src)
	var p capture.Packet
	if n := testing.AllocsPerRun(300, func() {
		if err := src.Next(&p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}
