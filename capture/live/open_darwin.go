package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// Interfaces lists the interfaces. There are no namespaces here.
func Interfaces(string) ([]Interface, error) {
	all, err := systemInterfaces()
	for i := range all {
		// What the device says of its link type is asked on opening it.
		all[i].LinkType, all[i].Usable = capture.LinkEthernet, true
		if all[i].Loopback {
			all[i].LinkType = capture.LinkNull
		}
	}
	return all, err
}

// DefaultInterface names the interface of the default route.
func DefaultInterface(string) (string, error) {
	all, err := Interfaces("")
	if err != nil {
		return "", err
	}
	return routed(all)
}

func open(o Options) (backend, []string, error) { return openEach(o, openDevice) }

const (
	maxDevices = 256     // /dev/bpf0 and so on
	bufferSize = 1 << 20 // asked for; the system may give less
)

// device is a BPF device, /dev/bpfN, see bpf(4). gopacket's bsdbpf neither
// attaches a filter nor tells the link type.
type device struct {
	fd       int
	linkType capture.LinkType
	buffer   []byte
	have     []byte // of buffer, what was not handed out yet
	closed   atomic.Bool
}

func openDevice(i Interface, o Options) (handle, error) {
	fd, err := freeDevice()
	if err != nil {
		return nil, err
	}
	d := &device{fd: fd}
	if err := d.prepare(i, o); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("capturing on %s: %w", i.Name, err)
	}
	return d, nil
}

// freeDevice opens the first device that nobody uses.
func freeDevice() (int, error) {
	var err error
	for n := range maxDevices {
		var fd int
		fd, err = syscall.Open(fmt.Sprintf("/dev/bpf%d", n), syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err == nil {
			return fd, nil
		}
		if err != syscall.EBUSY {
			break
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return -1, fmt.Errorf("%w (%w): run sudo wsleuth live, or install Wireshark's ChmodBPF", ErrPermission, err)
	}
	return -1, fmt.Errorf("no BPF device is free: %w", err)
}

func (d *device) prepare(i Interface, o Options) error {
	size, err := syscall.SetBpfBuflen(d.fd, bufferSize)
	if err != nil {
		return err
	}
	d.buffer = make([]byte, size)
	if err := syscall.SetBpfInterface(d.fd, i.Name); err != nil {
		return err
	}
	link, err := syscall.BpfDatalink(d.fd)
	if err != nil {
		return err
	}
	if d.linkType = dataLink(link); !filter.Supports(d.linkType) {
		return fmt.Errorf("its link type %v is not supported", d.linkType)
	}
	if o.Filter != nil {
		if err := d.attach(o.Filter); err != nil {
			return err
		}
	}
	if err := syscall.SetBpfImmediate(d.fd, 1); err != nil {
		return err
	}
	timeout := syscall.NsecToTimeval(int64(tickEvery))
	if err := syscall.SetBpfTimeout(d.fd, &timeout); err != nil {
		return err
	}
	if o.Promiscuous {
		return syscall.SetBpfPromisc(d.fd, 1)
	}
	return nil
}

// dataLink turns the system's own number of raw IP into that of files.
func dataLink(dlt int) capture.LinkType {
	if dlt == int(capture.LinkRawBSD) {
		return capture.LinkRaw
	}
	return capture.LinkType(dlt)
}

func (d *device) attach(e *filter.Expr) error {
	f, err := e.Filter(d.linkType)
	if err != nil {
		return err
	}
	raw := f.Raw()
	if len(raw) > maxProgram {
		return fmt.Errorf("the filter takes %d instructions and macOS accepts %d: make it shorter", len(raw), maxProgram)
	}
	return syscall.SetBpf(d.fd, instructions(raw))
}

const maxProgram = 512 // BPF_MAXINSNS

func instructions(raw []bpf.RawInstruction) []syscall.BpfInsn {
	list := make([]syscall.BpfInsn, len(raw))
	for i, r := range raw {
		list[i] = syscall.BpfInsn{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return list
}

func (d *device) read(f *frame) error {
	for len(d.have) == 0 {
		if d.closed.Load() {
			return os.ErrClosed
		}
		n, err := syscall.Read(d.fd, d.buffer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return errIdle
		}
		d.have = d.buffer[:n]
	}
	return d.next(f)
}

// next takes one packet off what was read.
func (d *device) next(f *frame) error {
	if len(d.have) < int(unsafe.Sizeof(unix.BpfHdr{})) {
		d.have = nil
		return errors.New("a BPF device gave half a header")
	}
	h := (*unix.BpfHdr)(unsafe.Pointer(&d.have[0]))
	start, end := int(h.Hdrlen), int(h.Hdrlen)+int(h.Caplen)
	if end > len(d.have) || end < start {
		d.have = nil
		return errors.New("a BPF device gave half a packet")
	}
	*f = frame{
		data:   append([]byte(nil), d.have[start:end]...),
		length: int(h.Datalen),
		time:   int64(h.Tstamp.Sec)*int64(time.Second) + int64(h.Tstamp.Usec)*int64(time.Microsecond),
	}
	// "each packet is aligned": BPF_WORDALIGN, to 4 bytes on this system.
	d.have = d.have[min((end+3)&^3, len(d.have)):]
	return nil
}

func (d *device) stats() (received, dropped uint64, known bool) {
	s, err := syscall.BpfStats(d.fd)
	if err != nil || d.closed.Load() {
		return 0, 0, false
	}
	return uint64(s.Recv), uint64(s.Drop), true
}

func (d *device) link() capture.LinkType { return d.linkType }

// close leaves the descriptor to the end of the process: the goroutine that
// reads may be about to use it.
func (d *device) close() error {
	d.closed.Store(true)
	return nil
}
