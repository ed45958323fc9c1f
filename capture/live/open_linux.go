package live

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// sockets is what Linux captures with. The socket is bound to no interface,
// its filter chooses among them: one ring serves several interfaces in order
// of time, and none of them going away ends it.
type sockets struct {
	packets
	names    *namer
	wanted   []string // nil for all
	indexes  []int    // of those wanted, 0 while there is none
	expr     *filter.Expr
	promisc  int // a socket whose membership keeps the mode, or -1
	warn     func(error)
	everyone bool
}

// packets is a packet socket, with a ring or without.
type packets interface {
	read(*frame) error
	stats() (received, dropped uint64, known bool)
	attach([]bpf.RawInstruction) error
	close() error
}

func open(o Options) (b backend, names []string, err error) {
	err = within(o.Namespace, func() error {
		b, names, err = openSockets(o)
		return err
	})
	return b, names, err
}

func openSockets(o Options) (backend, []string, error) {
	all, err := linuxInterfaces()
	if err != nil {
		return nil, nil, err
	}
	s := &sockets{wanted: o.Interfaces, expr: o.Filter, warn: o.Warn, promisc: -1}
	if len(s.wanted) == 0 {
		name, err := defaultInterface(all)
		if err != nil {
			return nil, nil, err
		}
		s.wanted = []string{name}
	}
	if slices.Contains(s.wanted, Any) {
		s.wanted, s.everyone = nil, true
	}
	for _, name := range s.wanted {
		i, err := find(all, name)
		if err != nil {
			return nil, nil, err
		}
		s.indexes = append(s.indexes, i.Index)
		if !i.Up {
			o.Warn(fmt.Errorf("interface %s is down: packets come when it is up", name))
		}
	}
	if s.expr == nil {
		s.expr = &filter.Expr{}
	}
	if err := s.start(o); err != nil {
		s.close()
		return nil, nil, err
	}
	if s.everyone {
		return s, []string{Any}, nil
	}
	return s, s.wanted, nil
}

func (s *sockets) start(o Options) (err error) {
	if s.names, err = newNamer(); err != nil {
		return err
	}
	program, err := s.expr.Linux(s.indexes)
	if err != nil {
		return err
	}
	if s.packets, err = openPackets(o, program); err != nil {
		return err
	}
	if o.Promiscuous && !s.everyone {
		return s.promiscuous()
	}
	return nil
}

func openPackets(o Options, program []bpf.RawInstruction) (packets, error) {
	if !o.noRing {
		r, err := openRing(o.Ring, program)
		if err == nil {
			return r, nil
		}
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return nil, permission(err)
		}
		o.Warn(fmt.Errorf("no ring to be had (%w): capturing through a plain socket, which loses packets from a few ten thousand a second on", err))
	}
	p, err := openPlain(o.Ring, program)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, permission(err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	return p, nil
}

// permission tells what to do about a missing privilege.
func permission(err error) error {
	path, e := os.Executable()
	if e != nil {
		path = "$(command -v wsleuth)"
	}
	return fmt.Errorf("%w (%w): run sudo wsleuth live, or once: sudo setcap cap_net_raw+ep %s", ErrPermission, err, path)
}

// promiscuous holds a socket that takes nothing but asks for the mode.
func (s *sockets) promiscuous() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a packet socket: %w", err)
	}
	s.promisc = fd
	for i, index := range s.indexes {
		m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("making %s promiscuous: %w", s.wanted[i], err)
		}
	}
	return nil
}

func (s *sockets) describe(index int) (string, capture.LinkType) {
	name, hardware, err := s.names.lookup(index)
	if err != nil {
		// It went away behind its last packet. The filter lets nothing
		// through that has no link type, and most are Ethernet.
		return fmt.Sprintf("interface %d", index), capture.LinkEthernet
	}
	link, _ := filter.LinuxLink(hardware)
	return name, link
}

// look finds out whether interfaces went away, or came back with another index.
func (s *sockets) look() {
	changed := false
	for i, name := range s.wanted {
		index := s.names.index(name)
		if index == s.indexes[i] {
			continue
		}
		if s.indexes[i] = index; index == 0 {
			s.warn(fmt.Errorf("interface %s is gone; capturing goes on when there is one of that name again", name))
			continue
		}
		changed = true
	}
	if !changed {
		return
	}
	program, err := s.expr.Linux(s.indexes)
	if err == nil {
		err = s.attach(program)
	}
	if err != nil {
		s.warn(fmt.Errorf("an interface came back, but cannot be captured on: %w", err))
	}
}

func (s *sockets) close() error {
	var err error
	if s.packets != nil {
		err = s.packets.close()
	}
	if s.promisc >= 0 {
		unix.Close(s.promisc)
	}
	if s.names != nil {
		s.names.close()
	}
	return err
}
