package live

import (
	"time"

	"github.com/gopacket/gopacket/afpacket"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	// ringBlock holds the largest packets that segmentation offload makes of
	// smaller ones, and is small enough that the ring, of which the kernel
	// hands over a block at least every blockTimeout, holds seconds.
	ringBlock    = 256 << 10
	ringFrame    = 4096
	blockTimeout = 50 * time.Millisecond
)

// ring is a packet socket that shares memory with the kernel.
type ring struct {
	socket *afpacket.TPacket
	// start is when the filter was in place: what arrived before was not
	// filtered, and is left out. 0 when there can be no more of that.
	start int64
	// What was counted before start.
	received, dropped uint
}

func openRing(size int, program []bpf.RawInstruction) (*ring, error) {
	socket, err := newTPacket(size)
	if err != nil && size > minRing {
		socket, err = newTPacket(minRing)
	}
	if err != nil {
		return nil, err
	}
	r := &ring{socket: socket}
	if err := socket.SetBPF(program); err != nil {
		socket.Close()
		return nil, err
	}
	r.start = time.Now().UnixNano()
	if _, s, err := socket.SocketStats(); err == nil {
		r.received, r.dropped = s.Packets(), s.Drops()
	}
	return r, nil
}

func newTPacket(size int) (*afpacket.TPacket, error) {
	return afpacket.NewTPacket(
		// A command that is run meanwhile must not inherit the socket.
		afpacket.OptSocketType(unix.SOCK_RAW|unix.SOCK_CLOEXEC),
		afpacket.TPacketVersion3,
		afpacket.OptFrameSize(ringFrame),
		afpacket.OptBlockSize(ringBlock),
		afpacket.OptNumBlocks(max(size/ringBlock, 1)),
		afpacket.OptBlockTimeout(blockTimeout),
		afpacket.OptPollTimeout(tickEvery),
		afpacket.OptAddVLANHeader(true),
	)
}

func (r *ring) read(f *frame) error {
	for {
		data, info, err := r.socket.ZeroCopyReadPacketData()
		if err == afpacket.ErrTimeout {
			r.start = 0
			return errIdle
		}
		if err != nil {
			return err
		}
		at := info.Timestamp.UnixNano()
		if at < r.start {
			continue
		}
		r.start = 0
		*f = frame{data: data, length: info.Length, time: at, index: info.InterfaceIndex}
		return nil
	}
}

func (r *ring) stats() (received, dropped uint64, known bool) {
	_, s, err := r.socket.SocketStats()
	if err != nil {
		return 0, 0, false
	}
	return uint64(s.Packets() - r.received), uint64(s.Drops() - r.dropped), true
}

func (r *ring) attach(program []bpf.RawInstruction) error { return r.socket.SetBPF(program) }

func (r *ring) close() error {
	r.socket.Close()
	return nil
}
