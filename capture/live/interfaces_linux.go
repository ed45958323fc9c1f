package live

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// Interfaces lists the interfaces of a network namespace, given as in
// Options.Namespace; "" is that of the process.
func Interfaces(namespace string) (all []Interface, err error) {
	err = within(namespace, func() error {
		all, err = linuxInterfaces()
		return err
	})
	return all, err
}

// DefaultInterface names the interface of the default route.
func DefaultInterface(namespace string) (name string, err error) {
	err = within(namespace, func() error {
		all, err := linuxInterfaces()
		if err == nil {
			name, err = defaultInterface(all)
		}
		return err
	})
	return name, err
}

func linuxInterfaces() ([]Interface, error) {
	all, err := systemInterfaces()
	if err != nil {
		return nil, err
	}
	n, err := newNamer()
	if err != nil {
		return nil, err
	}
	defer n.close()
	for i := range all {
		if _, hardware, err := n.lookup(all[i].Index); err == nil {
			all[i].LinkType, all[i].Usable = filter.LinuxLink(hardware)
		}
	}
	return all, nil
}

func defaultInterface(all []Interface) (string, error) {
	for _, table := range []struct {
		path string
		read func([]string) (string, uint64, bool)
	}{{"/proc/thread-self/net/route", route4}, {"/proc/thread-self/net/ipv6_route", route6}} {
		if name := defaultRoute(table.path, table.read); name != "" {
			if _, err := find(all, name); err == nil {
				return name, nil
			}
		}
	}
	return likely(all)
}

// defaultRoute finds the default route with the least metric in a table of
// /proc; "" if there is none.
func defaultRoute(path string, read func([]string) (string, uint64, bool)) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	best, least := "", uint64(0)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, metric, ok := read(strings.Fields(lines.Text()))
		if ok && (best == "" || metric < least) {
			best, least = name, metric
		}
	}
	return best
}

const routeUp = 1 // RTF_UP

// route4: Iface Destination Gateway Flags RefCnt Use Metric Mask …
func route4(field []string) (string, uint64, bool) {
	if len(field) < 8 || field[1] != "00000000" || field[7] != "00000000" {
		return "", 0, false
	}
	flags, err := strconv.ParseUint(field[3], 16, 32)
	metric, err2 := strconv.ParseUint(field[6], 10, 32)
	return field[0], metric, err == nil && err2 == nil && flags&routeUp != 0
}

// route6: destination, its prefix length, source, its length, next hop, metric,
// reference count, use, flags and interface. A default route of lo means
// "unreachable".
func route6(field []string) (string, uint64, bool) {
	if len(field) < 10 || strings.Trim(field[0], "0") != "" || field[1] != "00" || field[9] == "lo" {
		return "", 0, false
	}
	metric, err := strconv.ParseUint(field[5], 16, 32)
	flags, err2 := strconv.ParseUint(field[8], 16, 32)
	return field[9], metric, err == nil && err2 == nil && flags&routeUp != 0
}

// namer looks interfaces up in the namespace that it was made in.
type namer struct{ fd int }

func newNamer() (*namer, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a socket to look interfaces up: %w", err)
	}
	return &namer{fd}, nil
}

// lookup gives an interface's name and hardware type (ARPHRD_…).
func (n *namer) lookup(index int) (name string, hardware uint16, err error) {
	var request unix.Ifreq
	request.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(n.fd, unix.SIOCGIFNAME, &request); err != nil {
		return "", 0, err
	}
	named, err := unix.NewIfreq(request.Name())
	if err != nil {
		return "", 0, err
	}
	if err := unix.IoctlIfreq(n.fd, unix.SIOCGIFHWADDR, named); err != nil {
		return "", 0, err
	}
	return request.Name(), named.Uint16(), nil
}

// index gives the index of a name, 0 if there is no such interface.
func (n *namer) index(name string) int {
	request, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(n.fd, unix.SIOCGIFINDEX, request) != nil {
		return 0
	}
	return int(request.Uint32())
}

func (n *namer) close() { unix.Close(n.fd) }
