package evidence

// socksState follows what stands before HTTP or TLS, of one side: SOCKS (RFC
// 1928, RFC 1929), or a PROXY protocol header of version 2.
type socksState struct {
	version byte // 4, 5 or proxyHeader; 0: there is none
	client  bool
	open    bool // still within it
	greeted bool
	message []byte // the present one so far, up to maxSOCKS bytes
}

// proxyHeader is the first byte of the binary PROXY protocol header, whose length is in its bytes 14 and 15.
const proxyHeader = '\r'

// maxSOCKS is the longest message: of version 5 a login, of version 4 two names.
const maxSOCKS = 1024

// begins tells whether a side that has sent nothing yet begins with SOCKS.
func (s *socksState) begins(first byte, client bool, other *socksState) bool {
	switch {
	case client && (first == 5 || first == 4 || first == proxyHeader):
		s.version = first
	case !client && other.version == 5 && first == 5, !client && other.version == 4 && first == 0:
		s.version = other.version
	default:
		return false
	}
	s.client, s.open = client, true
	return true
}

// strip hides user names and passwords, and gives how many bytes it took.
func (s *socksState) strip(b []byte) int {
	for i := range b {
		s.message = append(s.message, b[i])
		at := len(s.message) - 1
		if s.client && s.version == 5 && s.message[0] == 1 && s.greeted && at > 1 {
			if user := int(s.message[1]); at != 2+user { // the length of the password stays
				b[i] = 'x'
			}
		}
		if s.whole() {
			s.end()
			if !s.open {
				return i + 1
			}
		}
	}
	return len(b)
}

// end is that of a message.
func (s *socksState) end() {
	login := s.version == 5 && s.message[0] == 1
	if s.version != 5 || s.greeted && !login || len(s.message) >= maxSOCKS {
		s.open = false
	}
	s.greeted = true
	s.message = s.message[:0]
}

// whole tells whether the message is complete.
func (s *socksState) whole() bool {
	m, n := s.message, len(s.message)
	switch {
	case n >= maxSOCKS:
		return true
	case s.version == proxyHeader:
		return n >= 3 && string(m[:3]) != "\r\n\r" || n >= 16 && n == 16+int(m[14])<<8+int(m[15])
	case s.version == 4:
		return s.whole4()
	case !s.greeted && s.client: // version, number of methods, methods
		return n >= 2 && n == 2+int(m[1])
	case !s.greeted: // version, method
		return n == 2
	case m[0] == 1 && s.client: // version, user, password with their lengths
		return n >= 2 && n >= 3+int(m[1]) && n == 3+int(m[1])+int(m[2+int(m[1])])
	case m[0] == 1:
		return n == 2
	case n < 5:
		return false
	}
	switch m[3] { // type of the address
	case 1:
		return n == 10
	case 3:
		return n == 7+int(m[4])
	case 4:
		return n == 22
	}
	return true
}

// whole4 is that of version 4: eight bytes, of a client followed by its name
// and, for an address 0.0.0.x, by the server's.
func (s *socksState) whole4() bool {
	m := s.message
	if len(m) < 8 || !s.client {
		return len(m) == 8
	}
	names := 1
	if m[4] == 0 && m[5] == 0 && m[6] == 0 && m[7] != 0 {
		names = 2
	}
	for _, c := range m[8:] {
		if c == 0 {
			names--
		}
	}
	return names <= 0
}
