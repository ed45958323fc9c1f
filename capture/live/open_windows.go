package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/gopacket/gopacket/pcap"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// Flags of pcap_findalldevs.
const (
	flagLoopback = 1
	flagUp       = 2
)

// snapLen is how much of a packet is asked for.
const snapLen = 256 << 10

// errNoNpcap says what to do where Npcap is absent.
var errNoNpcap = errors.New("capturing on Windows needs Npcap: install it from https://npcap.com and try again")

// Interfaces lists the interfaces that Npcap can capture on. There are no
// namespaces here.
func Interfaces(string) ([]Interface, error) {
	if err := pcap.LoadWinPCAP(); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoNpcap, err)
	}
	devices, err := pcap.FindAllDevs()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	all := make([]Interface, 0, len(devices))
	for n, d := range devices {
		all = append(all, Interface{
			Name: d.Name, Description: d.Description, Index: n,
			Up: d.Flags&flagUp != 0, Loopback: d.Flags&flagLoopback != 0,
			Addresses: prefixes(d.Addresses), LinkType: capture.LinkEthernet, Usable: true,
		})
		if all[n].Loopback {
			all[n].LinkType = capture.LinkNull
		}
	}
	return all, nil
}

func prefixes(list []pcap.InterfaceAddress) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range list {
		if addr, ok := netip.AddrFromSlice(a.IP); ok {
			bits, _ := a.Netmask.Size()
			all = append(all, netip.PrefixFrom(addr.Unmap(), bits))
		}
	}
	return all
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

// device is an interface opened through Npcap.
type device struct {
	pcap     *pcap.Handle
	linkType capture.LinkType
	// mu keeps close away from the others.
	mu     sync.Mutex
	closed bool
}

func openDevice(i Interface, o Options) (handle, error) {
	h, err := pcap.OpenLive(i.Name, snapLen, o.Promiscuous, tickEvery)
	if err != nil {
		return nil, fmt.Errorf("capturing on %s (%s): %w; if Npcap was installed for administrators only, run this as one", i.Name, i.Description, err)
	}
	d := &device{pcap: h, linkType: capture.LinkType(h.LinkType())}
	if err := d.attach(o.Filter); err != nil {
		h.Close()
		return nil, fmt.Errorf("capturing on %s (%s): %w", i.Name, i.Description, err)
	}
	return d, nil
}

func (d *device) attach(e *filter.Expr) error {
	if !filter.Supports(d.linkType) {
		return fmt.Errorf("its link type %v is not supported", d.linkType)
	}
	if e == nil {
		return nil
	}
	f, err := e.Filter(d.linkType)
	if err != nil {
		return err
	}
	list := make([]pcap.BPFInstruction, len(f.Raw()))
	for i, r := range f.Raw() {
		list[i] = pcap.BPFInstruction{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return d.pcap.SetBPFInstructionFilter(list)
}

func (d *device) read(f *frame) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	data, info, err := d.pcap.ReadPacketData()
	if errors.Is(err, pcap.NextErrorTimeoutExpired) {
		return errIdle
	}
	if err != nil {
		return err
	}
	*f = frame{data: data, length: info.Length, time: info.Timestamp.UnixNano()}
	return nil
}

func (d *device) stats() (received, dropped uint64, known bool) {
	s, err := d.pcap.Stats()
	if err != nil {
		return 0, 0, false
	}
	return uint64(s.PacketsReceived), uint64(s.PacketsDropped + s.PacketsIfDropped), true
}

func (d *device) link() capture.LinkType { return d.linkType }

func (d *device) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		d.pcap.Close()
	}
	return nil
}
