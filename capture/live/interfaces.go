package live

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// systemInterfaces lists what the net package knows.
func systemInterfaces() ([]Interface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	all := make([]Interface, 0, len(list))
	for _, i := range list {
		all = append(all, Interface{
			Name: i.Name, Index: i.Index,
			Up: i.Flags&net.FlagUp != 0, Loopback: i.Flags&net.FlagLoopback != 0,
			Addresses: addresses(i),
		})
	}
	return all, nil
}

func addresses(i net.Interface) []netip.Prefix {
	addrs, err := i.Addrs()
	if err != nil {
		return nil // it went away meanwhile
	}
	var all []netip.Prefix
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			addr, _ := netip.AddrFromSlice(n.IP)
			bits, _ := n.Mask.Size()
			all = append(all, netip.PrefixFrom(addr.Unmap(), bits))
		}
	}
	return all
}

// likely picks the interface that most likely has the traffic: one that is up
// and has an address of more than the link, else the loopback.
func likely(all []Interface) (string, error) {
	loopback := ""
	for _, i := range all {
		switch {
		case !i.Usable || !i.Up || !slices.ContainsFunc(i.Addresses, beyondLink):
		case i.Loopback:
			loopback = i.Name
		default:
			return i.Name, nil
		}
	}
	if loopback != "" {
		return loopback, nil
	}
	return "", fmt.Errorf("no interface is up and has an address; name one with -i")
}

func beyondLink(p netip.Prefix) bool { return !p.Addr().IsLinkLocalUnicast() }

// find looks an interface up by name.
func find(all []Interface, name string) (Interface, error) {
	names := ""
	for _, i := range all {
		if i.Name == name || i.Description == name && name != "" {
			if !i.Usable {
				return i, fmt.Errorf("interface %s is of a kind that cannot be captured on", name)
			}
			return i, nil
		}
		names += " " + i.Name
	}
	return Interface{}, fmt.Errorf("no interface is called %s; there are:%s", name, names)
}

// routed names the interface that the system would send from to an address
// outside. Nothing is sent: connecting a UDP socket only looks up the route.
func routed(all []Interface) (string, error) {
	for _, outside := range []string{"192.0.2.1:9", "[2001:db8::1]:9"} {
		conn, err := net.Dial("udp", outside)
		if err != nil {
			continue
		}
		local := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
		conn.Close()
		for _, i := range all {
			for _, a := range i.Addresses {
				if a.Addr() == local && i.Usable {
					return i.Name, nil
				}
			}
		}
	}
	return likely(all)
}
