package live

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxFrame bounds a packet read from a plain socket.
const maxFrame = 256 << 10

// vlanTagLen is what the kernel takes out of a tagged frame, behind the
// addresses.
const (
	vlanTagLen   = 4
	addressesLen = 12
)

// plain is a packet socket without a ring: a system call per packet.
type plain struct {
	fd     int
	buffer []byte // vlanTagLen bytes, for a tag to be put back, and a frame
	oob    []byte
	// The kernel's counters are cleared when they are read.
	received, dropped uint64
}

func openPlain(bufferSize int, program []bpf.RawInstruction) (*plain, error) {
	// With protocol 0 nothing is taken before the filter is there.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	p := &plain{fd: fd, buffer: make([]byte, vlanTagLen+maxFrame), oob: make([]byte, 256)}
	if err := p.prepare(bufferSize, program); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return p, nil
}

func (p *plain) prepare(bufferSize int, program []bpf.RawInstruction) error {
	if unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize) != nil {
		_ = unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bufferSize)
	}
	if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("asking for time stamps: %w", err)
	}
	if err := unix.SetsockoptInt(p.fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("asking for VLAN tags: %w", err)
	}
	if err := p.attach(program); err != nil {
		return fmt.Errorf("attaching the filter: %w", err)
	}
	everything := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	return unix.Bind(p.fd, &unix.SockaddrLinklayer{Protocol: everything})
}

func (p *plain) attach(program []bpf.RawInstruction) error {
	list := make([]unix.SockFilter, len(program))
	for i, ins := range program {
		list[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	return unix.SetsockoptSockFprog(p.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]})
}

func (p *plain) read(f *frame) error {
	for {
		n, oobn, _, from, err := unix.Recvmsg(p.fd, p.buffer[vlanTagLen:], p.oob, unix.MSG_TRUNC)
		switch err {
		case nil:
			*f = frame{data: p.buffer[vlanTagLen : vlanTagLen+min(n, maxFrame)], length: n}
			if ll, ok := from.(*unix.SockaddrLinklayer); ok {
				f.index = ll.Ifindex
			}
			return p.control(f, p.oob[:oobn])
		case unix.EAGAIN:
			if err := p.wait(); err != nil {
				return err
			}
		case unix.EINTR:
		default:
			return err
		}
	}
}

func (p *plain) wait() error {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(tickEvery/time.Millisecond))
	if err == nil && n == 0 {
		return errIdle
	}
	if err == unix.EINTR {
		return nil
	}
	return err
}

// control reads the time stamp, and puts a VLAN tag back where it was.
func (p *plain) control(f *frame, oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})):
			f.time = (*unix.Timespec)(unsafe.Pointer(&m.Data[0])).Nano()
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})):
			p.retag(f, (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0])))
		}
	}
	if f.time == 0 {
		f.time = time.Now().UnixNano()
	}
	return nil
}

func (p *plain) retag(f *frame, aux *unix.TpacketAuxdata) {
	if aux.Status&unix.TP_STATUS_VLAN_VALID == 0 || len(f.data) < addressesLen {
		return
	}
	tpid := uint16(unix.ETH_P_8021Q)
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = aux.Vlan_tpid
	}
	tagged := p.buffer[:len(f.data)+vlanTagLen]
	copy(tagged, f.data[:addressesLen])
	binary.BigEndian.PutUint16(tagged[addressesLen:], tpid)
	binary.BigEndian.PutUint16(tagged[addressesLen+2:], aux.Vlan_tci)
	f.data, f.length = tagged, f.length+vlanTagLen
}

func (p *plain) stats() (received, dropped uint64, known bool) {
	s, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return p.received, p.dropped, false
	}
	p.received += uint64(s.Packets)
	p.dropped += uint64(s.Drops)
	return p.received, p.dropped, true
}

func (p *plain) close() error { return unix.Close(p.fd) }
