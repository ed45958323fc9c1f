package socks

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
)

// Address types of SOCKS5.
const (
	typeIPv4   = 0x01
	typeDomain = 0x03
	typeIPv6   = 0x04
)

// clientMessage reads the client's message at the front of b.
func (s *Session) clientMessage(b []byte) int {
	d := &s.client
	if s.hidden() && d.greeted {
		d.done = true
		return 0
	}
	switch {
	case !d.greeted && b[0] == 4:
		s.Version = 4
		return s.request4(b)
	case !d.greeted && b[0] == 5:
		s.Version = 5
		return s.greeting(b)
	case d.greeted && b[0] == 1 && !s.HasAuth:
		return s.authentication(b)
	case d.greeted && b[0] == 5:
		return s.request5(b)
	}
	return s.giveUp(d, NotSOCKS)
}

// greeting: RFC 1928 section 3, VER NMETHODS METHODS.
func (s *Session) greeting(b []byte) int {
	if len(b) < 2 || len(b) < 2+int(b[1]) {
		return 0
	}
	size := 2 + int(b[1])
	for _, m := range b[2:size] {
		s.Methods = append(s.Methods, Method(m))
	}
	if size == 2 {
		s.violate(&s.client, NoMethods)
	}
	s.client.greeted = true
	return size
}

// authentication: RFC 1929 section 2, VER ULEN UNAME PLEN PASSWD.
func (s *Session) authentication(b []byte) int {
	if len(b) < 2 || len(b) < 3+int(b[1]) {
		return 0
	}
	user := b[2 : 2+int(b[1])]
	length := int(b[2+len(user)])
	size := 3 + len(user) + length
	if len(b) < size {
		return 0
	}
	s.User, s.PasswordLength, s.HasAuth = string(user), length, true
	return size
}

// request5: RFC 1928 section 4, VER CMD RSV ATYP DST.ADDR DST.PORT.
func (s *Session) request5(b []byte) int {
	target, empty, size := s.address5(&s.client, b)
	if size == 0 {
		return 0
	}
	s.Command, s.Target, s.HasRequest = Command(b[1]), target, true
	s.judgeCommand()
	if empty {
		s.violate(&s.client, EmptyTarget)
	}
	s.client.done = true
	return size
}

// address5 reads what request and reply of SOCKS5 share. The size is 0 for a
// message that is not whole or cannot be read.
func (s *Session) address5(d *side, b []byte) (address string, empty bool, size int) {
	if len(b) < 5 {
		return "", false, 0
	}
	from, length := 4, 0
	switch b[3] {
	case typeIPv4:
		length = 4
	case typeIPv6:
		length = 16
	case typeDomain:
		from, length = 5, int(b[4])
	default:
		if d == &s.server {
			s.Reply, s.HasReply = Reply(b[1]), true
		}
		return "", false, s.giveUp(d, UnknownAddressType)
	}
	size = from + length + 2
	if len(b) < size {
		return "", false, 0
	}
	if b[2] != 0 {
		s.violate(d, ReservedNotZero)
	}
	host := string(b[from : from+length])
	if b[3] != typeDomain {
		ip, _ := netip.AddrFromSlice(b[from : from+length])
		host = ip.String()
	}
	return hostPort(host, b[from+length:]), length == 0, size
}

// request4: VN CD DSTPORT DSTIP USERID NUL, and in SOCKS4a a domain and NUL
// where the address is 0.0.0.x with x not zero.
func (s *Session) request4(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	ip := [4]byte(b[4:8])
	user, rest, whole := bytes.Cut(b[8:], []byte{0})
	if !whole || len(user) > MaxText {
		return s.unfinished4(user)
	}
	size := 8 + len(user) + 1
	host := netip.AddrFrom4(ip).String()
	named := ip[0] == 0 && ip[1] == 0 && ip[2] == 0 && ip[3] != 0
	if named {
		name, _, whole := bytes.Cut(rest, []byte{0})
		if !whole || len(name) > MaxText {
			return s.unfinished4(name)
		}
		host = string(name)
		size += len(name) + 1
	}
	s.Named, s.User, s.HasAuth = named, string(user), len(user) > 0
	s.Command, s.Target, s.HasRequest = Command(b[1]), hostPort(host, b[2:]), true
	s.judgeCommand()
	if host == "" || host == "0.0.0.0" {
		s.violate(&s.client, EmptyTarget)
	}
	s.client.greeted, s.client.done = true, true
	return size
}

// unfinished4 waits for the NUL of a text, or gives up.
func (s *Session) unfinished4(text []byte) int {
	if len(text) > MaxText {
		return s.giveUp(&s.client, TooLong)
	}
	return 0
}

func (s *Session) judgeCommand() {
	known := s.Command == Connect || s.Command == Bind
	if s.Version == 5 {
		_, known = commandNames[s.Command]
	}
	if !known {
		s.violate(&s.client, UnknownCommand)
	}
}

// serverMessage reads the server's message at the front of b.
func (s *Session) serverMessage(b []byte) int {
	d := &s.server
	switch {
	case s.Version == 4, s.Version == 0 && b[0] == 0:
		s.Version = 4
		return s.reply4(b)
	case !d.greeted:
		return s.selection(b)
	case s.hidden():
		d.done = true
		return 0
	case s.Method == UserPassword && !s.HasAuthStatus:
		return s.authStatus(b)
	}
	return s.reply5(b)
}

// selection: RFC 1928 section 3, VER METHOD.
func (s *Session) selection(b []byte) int {
	d := &s.server
	if b[0] != 5 {
		return s.giveUp(d, NotSOCKS)
	}
	if len(b) < 2 {
		return 0
	}
	s.Version = 5
	s.Method, s.HasMethod, d.greeted = Method(b[1]), true, true
	if s.Method != NoAcceptable && s.client.greeted && !bytes.Contains(methodBytes(s.Methods), b[1:2]) {
		s.violate(d, MethodNotOffered)
	}
	// "If the selected METHOD is X'FF', none of the methods listed by the
	// client are acceptable, and the client MUST close the connection."
	d.done = s.Method == NoAcceptable || s.hidden()
	return 2
}

func methodBytes(methods []Method) []byte {
	b := make([]byte, len(methods))
	for i, m := range methods {
		b[i] = byte(m)
	}
	return b
}

// authStatus: RFC 1929 section 2, VER STATUS. "If the server returns a
// `failure' (STATUS value other than X'00') status, it MUST close the
// connection." Some servers write version 5 here.
func (s *Session) authStatus(b []byte) int {
	d := &s.server
	if b[0] != 1 && b[0] != 5 {
		return s.giveUp(d, NotSOCKS)
	}
	if len(b) < 2 {
		return 0
	}
	if b[0] != 1 {
		s.violate(d, WrongVersion)
	}
	s.AuthStatus, s.HasAuthStatus = b[1], true
	d.done = s.AuthStatus != 0
	return 2
}

// reply5: RFC 1928 section 6, VER REP RSV ATYP BND.ADDR BND.PORT.
func (s *Session) reply5(b []byte) int {
	d := &s.server
	if b[0] != 5 {
		return s.giveUp(d, NotSOCKS)
	}
	bound, _, size := s.address5(d, b)
	if size == 0 {
		return 0
	}
	s.Reply, s.Bound, s.HasReply, d.done = Reply(b[1]), bound, true, true
	return size
}

// reply4: VN CD DSTPORT DSTIP. "VN is the version of the reply code and should
// be 0."
func (s *Session) reply4(b []byte) int {
	d := &s.server
	if b[0] != 0 && b[0] != 4 {
		return s.giveUp(d, NotSOCKS)
	}
	if len(b) < 8 {
		return 0
	}
	if b[0] != 0 {
		s.violate(d, WrongVersion)
	}
	s.Reply, s.HasReply = Reply(b[1]), true
	s.Bound = hostPort(netip.AddrFrom4([4]byte(b[4:8])).String(), b[2:])
	d.greeted, d.done = true, true
	return 8
}

// hostPort joins a host and the port in network order at the front of port.
func hostPort(host string, port []byte) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1])))
}
