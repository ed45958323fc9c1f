// Package socks follows the negotiation with a SOCKS proxy: SOCKS4, SOCKS4a
// and SOCKS5 (RFC 1928) with user name and password (RFC 1929).
//
// Most callers need only [Looks] on a client's first bytes and then one
// [Session], fed from both sides. Where a side is done, what it sends next is
// the tunnel's. Passwords are not kept: only their length is.
package socks

// MaxText bounds a user or domain of SOCKS4, which end with a NUL.
const MaxText = 255

// maxMessage bounds what is held of an unfinished message: a SOCKS4a request
// with the longest user and domain; RFC 1929's has at most 513 bytes.
const maxMessage = 8 + 2*(MaxText+1)

// maxViolations bounds the list.
const maxViolations = 16

// Session is one negotiation. The zero value is ready. Fields are set as the
// messages come and may be read at any time.
type Session struct {
	Version int  // 4 or 5; 0 before the first byte
	Named   bool // SOCKS4a: the target is a name

	Methods        []Method // what the client offered
	Method         Method   // what the server selected, if HasMethod
	HasMethod      bool
	User           string // a secret: user name, or user id of SOCKS4
	PasswordLength int
	HasAuth        bool  // the client sent user name and password
	AuthStatus     uint8 // the server's answer, if HasAuthStatus; 0 is success
	HasAuthStatus  bool
	Command        Command // if HasRequest
	Target         string  // host:port, IPv6 in brackets
	HasRequest     bool
	Reply          Reply // if HasReply
	Bound          string
	HasReply       bool

	Violations []Violation

	client, server side
}

// side is one direction of a session.
type side struct {
	held    []byte // an unfinished message
	taken   int64  // bytes of whole messages
	greeted bool   // its first message is whole
	done    bool
	lost    bool // what follows cannot be followed
}

// State tells how far the session has come.
func (s *Session) State() State {
	switch {
	case s.granted() && !s.server.lost:
		return Open
	case s.HasReply && !s.granted(), s.HasMethod && s.Method == NoAcceptable, s.HasAuthStatus && s.AuthStatus != 0:
		return Refused
	case s.client.lost || s.server.lost:
		return Broken
	case s.hidden():
		return Opaque
	case s.HasRequest:
		return Requested
	case s.HasAuthStatus:
		return AuthPassed
	case s.HasAuth:
		return AuthSent
	case s.HasMethod:
		return Selected
	case s.client.greeted:
		return Offered
	}
	return Begun
}

func (s *Session) granted() bool {
	return s.HasReply && (s.Version == 5 && s.Reply == Succeeded || s.Version == 4 && s.Reply == Granted4)
}

// hidden tells that the selected method has messages not followed here.
func (s *Session) hidden() bool {
	return s.HasMethod && s.Method != NoAuth && s.Method != UserPassword && s.Method != NoAcceptable
}

// FeedClient takes the client's next bytes and tells how many were part of the
// negotiation. done says that the client has no more to say in it (its request
// is whole, or it cannot be followed): the rest is the tunnel's.
func (s *Session) FeedClient(b []byte) (n int, done bool) {
	return s.feed(&s.client, b, s.clientMessage)
}

// FeedServer takes the server's next bytes, as FeedClient does the client's.
func (s *Session) FeedServer(b []byte) (n int, done bool) {
	return s.feed(&s.server, b, s.serverMessage)
}

// EndServer says that the server's stream ended: of a reply cut short, its
// code still counts.
func (s *Session) EndServer() {
	held := s.server.held
	if len(held) == 0 || s.server.done {
		return
	}
	s.violate(&s.server, CutShort)
	if len(held) >= 2 && (s.Version == 4 || s.server.greeted) {
		s.Reply, s.HasReply = Reply(held[1]), true
	}
	s.server.done = true
}

// feed runs message over whole messages. message returns the length of the one
// at the front, 0 if it is not whole.
func (s *Session) feed(d *side, b []byte, message func([]byte) int) (n int, done bool) {
	for n < len(b) && !d.done {
		front := b[n:]
		before := len(d.held)
		if before > 0 {
			d.held = append(d.held, front[:min(len(front), maxMessage-before)]...)
			front = d.held
		}
		size := message(front)
		switch {
		case size == 0 && d.done: // given up: no more of this message is taken
			clear(d.held)
			d.held = nil
			return n, true
		case size == 0 && before == 0:
			d.held = append(make([]byte, 0, min(maxMessage, 2*len(front)+16)), front[:min(len(front), maxMessage)]...)
			return len(b), false
		case size == 0:
			return len(b), false
		}
		n += size - before
		d.taken += int64(size)
		clear(d.held) // it may be a password
		d.held = nil
	}
	return n, d.done
}

func (s *Session) violate(d *side, code ViolationCode) {
	if len(s.Violations) < maxViolations {
		s.Violations = append(s.Violations, Violation{code, d == &s.server, d.taken})
	}
}

// giveUp ends a side that cannot be followed.
func (s *Session) giveUp(d *side, code ViolationCode) int {
	s.violate(d, code)
	d.done, d.lost = true, true
	return 0
}
