package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// soon is how long a test waits for what must happen.
const soon = 30 * time.Second

// space is a network namespace of a test, with lo up.
type space struct {
	t    *testing.T
	file *os.File
	path string
}

func newSpace(t *testing.T) *space {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces of their own need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip, of iproute2, is not installed")
	}
	s := &space{t: t}
	result := make(chan error)
	go func() {
		// The thread ends with the goroutine: it stays locked.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			s.file, err = os.Open("/proc/thread-self/ns/net")
		}
		result <- err
	}()
	if err := <-result; errors.Is(err, unix.EPERM) {
		t.Skip("this machine does not allow network namespaces:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.file.Close() })
	s.path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.file.Fd())
	s.ip("link set lo up")
	return s
}

// do calls f in the namespace: sockets that it opens stay there.
func (s *space) do(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread does not go back
		err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

func (s *space) ip(args string) {
	s.t.Helper()
	if err := s.do(func() error {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %s", args, out)
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

// pair joins two namespaces: a at 10.99.0.1, b at 10.99.0.2.
func pair(t *testing.T) (a, b *space) {
	t.Helper()
	a, b = newSpace(t), newSpace(t)
	a.ip("link add name a type veth peer name b netns " + b.path)
	a.ip("addr add 10.99.0.1/24 dev a")
	b.ip("addr add 10.99.0.2/24 dev b")
	b.ip("link set dev b up")
	a.ip("link set dev a up")
	for _, side := range []*space{a, b} {
		if err := side.do(func() error { return carrier(map[*space]string{a: "a", b: "b"}[side]) }); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

// carrier waits until an interface has one.
func carrier(name string) error {
	for end := time.Now().Add(soon); time.Now().Before(end); runtime.Gosched() {
		if i, err := net.InterfaceByName(name); err != nil || i.Flags&net.FlagRunning != 0 {
			return err
		}
	}
	return errors.New(name + " gets no carrier")
}

// listen opens a port of the namespace.
func (s *space) listen(address string) net.Listener {
	s.t.Helper()
	var l net.Listener
	if err := s.do(func() (err error) {
		l, err = net.Listen("tcp4", address)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	return l
}

// dial connects from the namespace.
func (s *space) dial(address string) (*net.TCPConn, error) {
	var c *net.TCPConn
	err := s.do(func() error {
		to, err := net.ResolveTCPAddr("tcp4", address)
		if err == nil {
			c, err = net.DialTCP("tcp4", nil, to)
		}
		return err
	})
	return c, err
}
