//go:build linux

package live

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// deadline ends tests in which packets do not come.
const deadline = 20 * time.Second

// space is a network namespace of a test, with lo up.
type space struct {
	t    *testing.T
	path string
}

func newSpace(t *testing.T) space {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces of their own need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip, of iproute2, is not installed")
	}
	result := make(chan error)
	var file *os.File
	go func() {
		// The thread ends with the goroutine: it stays locked.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			file, err = os.Open("/proc/thread-self/ns/net")
		}
		result <- err
	}()
	if err := <-result; errors.Is(err, unix.EPERM) {
		t.Skip("this machine does not allow network namespaces:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	s := space{t, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd())}
	s.ip("link set lo up")
	return s
}

func (s space) do(f func() error) {
	s.t.Helper()
	if err := within(s.path, f); err != nil {
		s.t.Fatal(err)
	}
}

func (s space) ip(args string) {
	s.t.Helper()
	s.do(func() error {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %s", args, out)
		}
		return nil
	})
}

// veth joins two new namespaces: a at 10.99.0.1, b at 10.99.0.2.
func veth(t *testing.T) (a, b space) {
	t.Helper()
	a, b = newSpace(t), newSpace(t)
	a.ip("link add name a type veth peer name b netns " + b.path)
	a.ip("addr add 10.99.0.1/24 dev a")
	b.ip("addr add 10.99.0.2/24 dev b")
	b.ip("link set dev b up")
	a.ip("link set dev a up")
	a.running("a")
	b.running("b")
	return a, b
}

// running waits until an interface has a carrier: it drops what it should send
// before.
func (s space) running(name string) {
	s.t.Helper()
	s.do(func() error {
		for end := time.Now().Add(deadline); time.Now().Before(end); runtime.Gosched() {
			if i, err := net.InterfaceByName(name); err != nil || i.Flags&net.FlagRunning != 0 {
				return err
			}
		}
		return errors.New(name + " gets no carrier")
	})
}

// open captures in the namespace until the test ends.
func (s space) open(o Options) *Source {
	s.t.Helper()
	o.Namespace = s.path
	if o.Warn == nil {
		o.Warn = func(err error) {
			if !o.noRing {
				s.t.Error("warned of", err)
			}
		}
	}
	src, err := Open(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { src.Close() })
	return src
}

func expression(t *testing.T, expr string) *filter.Expr {
	t.Helper()
	e, err := filter.Parse(t.Context(), expr, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// next is the next packet, ticks left out; its data is a copy.
func next(t *testing.T, s *Source) capture.Packet {
	t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); {
		var p capture.Packet
		switch err := s.Next(&p); {
		case err == nil:
			p.Data = append([]byte(nil), p.Data...)
			return p
		case err != ErrTick:
			t.Fatal(err)
		}
	}
	t.Fatal("no packet came")
	return capture.Packet{}
}

// until collects packets up to and without the first UDP packet to port 9.
func until9(t *testing.T, s *Source) []capture.Packet {
	t.Helper()
	last := expression(t, "udp dst port 9")
	var all []capture.Packet
	for {
		p := next(t, s)
		if last.Match(p.LinkType, p.Data) {
			return all
		}
		all = append(all, p)
	}
}

// udp sends packets to address.
func (s space) udp(address string, payloads ...string) {
	s.t.Helper()
	s.do(func() error {
		conn, err := net.Dial("udp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		for _, p := range payloads {
			// On lo, that nobody listens is an error of a later Write.
			if _, err := conn.Write([]byte(p)); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
				return err
			}
		}
		return nil
	})
}

// exchange runs a TCP connection from one namespace to another in which each
// side sends n lines in turn.
func exchange(client, server space, address string, n int) {
	var listener net.Listener
	server.do(func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(conn, conn)
			conn.Close()
		}
		served <- err
	}()
	var conn net.Conn
	client.do(func() (err error) {
		conn, err = net.DialTimeout("tcp", listener.Addr().String(), deadline)
		return err
	})
	conn.SetDeadline(time.Now().Add(deadline))
	line := make([]byte, 100)
	for range n {
		if _, err := conn.Write(line); err != nil {
			client.t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, line); err != nil {
			client.t.Fatal(err)
		}
	}
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn)
	conn.Close()
	if err := <-served; err != nil {
		client.t.Fatal(err)
	}
}

// pair adds an interface with a carrier, up, with an address and a neighbour
// that takes what is sent there.
func (s space) pair(name, address, neighbour string) {
	s.t.Helper()
	s.ip("link add name " + name + " type veth peer name " + name + "x")
	s.ip("link set " + name + "x up")
	s.ip("link set " + name + " up")
	s.running(name)
	s.ip("addr add " + address + " dev " + name)
	s.ip("neigh add " + neighbour + " lladdr 02:00:00:00:00:01 dev " + name)
}

func ways(t *testing.T, f func(t *testing.T, noRing bool)) {
	t.Run("ring", func(t *testing.T) { f(t, false) })
	t.Run("plain", func(t *testing.T) { f(t, true) })
}
