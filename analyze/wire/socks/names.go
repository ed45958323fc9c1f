package socks

import "fmt"

// Method is a SOCKS5 authentication method (RFC 1928 section 3 and IANA).
type Method uint8

const (
	NoAuth       Method = 0x00
	GSSAPI       Method = 0x01
	UserPassword Method = 0x02
	NoAcceptable Method = 0xff // the server's refusal of all that was offered
)

var methodNames = map[Method]string{
	NoAuth: "no authentication", GSSAPI: "GSSAPI", UserPassword: "username/password",
	3: "CHAP", 5: "CRAM", 6: "SSL", 7: "NDS authentication", 8: "multi-authentication framework",
	9: "JSON parameter block", NoAcceptable: "no acceptable methods",
}

// String names the method.
func (m Method) String() string {
	if name, ok := methodNames[m]; ok {
		return name
	}
	if m >= 0x80 {
		return fmt.Sprintf("private method 0x%02x", uint8(m))
	}
	return fmt.Sprintf("method 0x%02x", uint8(m))
}

// Command is what the client asks for. Resolve and ResolvePTR are Tor's.
type Command uint8

const (
	Connect      Command = 0x01
	Bind         Command = 0x02
	UDPAssociate Command = 0x03
	Resolve      Command = 0xf0
	ResolvePTR   Command = 0xf1
)

var commandNames = map[Command]string{
	Connect: "CONNECT", Bind: "BIND", UDPAssociate: "UDP ASSOCIATE", Resolve: "RESOLVE", ResolvePTR: "RESOLVE_PTR",
}

// String names the command.
func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("command 0x%02x", uint8(c))
}

// Reply is the code of the server's answer to the request: 0x00 to 0xff of
// SOCKS5 (RFC 1928 section 6), 90 to 93 of SOCKS4. They do not overlap.
type Reply uint8

const (
	Succeeded  Reply = 0x00 // SOCKS5
	NotAllowed Reply = 0x02 // SOCKS5
	Granted4   Reply = 90   // SOCKS4
)

var replyNames = map[Reply]string{
	Succeeded:  "succeeded",
	0x01:       "general SOCKS server failure",
	NotAllowed: "connection not allowed by ruleset",
	0x03:       "Network unreachable",
	0x04:       "Host unreachable",
	0x05:       "Connection refused",
	0x06:       "TTL expired",
	0x07:       "Command not supported",
	0x08:       "Address type not supported",
	Granted4:   "request granted",
	91:         "request rejected or failed",
	92:         "request rejected: the server cannot connect to identd on the client",
	93:         "request rejected: the client program and identd report different user-ids",
	// Tor's extended errors for onion services.
	0xf0: "onion service descriptor cannot be found",
	0xf1: "onion service descriptor is invalid",
	0xf2: "onion service introduction failed",
	0xf3: "onion service rendezvous failed",
	0xf4: "onion service needs client authorization",
	0xf5: "onion service client authorization is wrong",
	0xf6: "onion service address is invalid",
	0xf7: "onion service introduction timed out",
}

// String is the RFC's text for the code.
func (r Reply) String() string {
	if name, ok := replyNames[r]; ok {
		return name
	}
	return fmt.Sprintf("reply 0x%02x", uint8(r))
}

// ViolationCode names a departure from RFC 1928, RFC 1929 or the memos on
// SOCKS4.
type ViolationCode uint8

const (
	NoMethods          ViolationCode = iota + 1 // the greeting offers none
	MethodNotOffered                            // the server selected what was not offered
	WrongVersion                                // a message with another version number than it must have
	ReservedNotZero                             // the reserved byte of a request or reply
	UnknownCommand                              // a command that no document names
	UnknownAddressType                          // so that the message's length is unknown: what follows is lost
	EmptyTarget                                 // a domain of no bytes, or address 0.0.0.0 in SOCKS4
	TooLong                                     // a user or domain of SOCKS4 beyond MaxText: what follows is lost
	NotSOCKS                                    // bytes that no SOCKS message begins with: what follows is lost
	CutShort                                    // the server's stream ended within a message
)

var violationNames = [...]string{
	NoMethods: "no-methods", MethodNotOffered: "method-not-offered", WrongVersion: "wrong-version",
	ReservedNotZero: "reserved-not-zero", UnknownCommand: "unknown-command", UnknownAddressType: "unknown-address-type",
	EmptyTarget: "empty-target", TooLong: "too-long", NotSOCKS: "not-socks", CutShort: "cut-short",
}

// String names the code.
func (c ViolationCode) String() string {
	if int(c) < len(violationNames) && violationNames[c] != "" {
		return violationNames[c]
	}
	return fmt.Sprintf("violation %d", uint8(c))
}

// Violation is one departure, and the offset of its message in the stream of
// its sender.
type Violation struct {
	Code       ViolationCode
	FromServer bool
	At         int64
}

// State is how far a session has come.
type State uint8

const (
	Begun      State = iota // nothing whole has been seen
	Offered                 // SOCKS5: the client's methods
	Selected                // SOCKS5: the server's choice
	AuthSent                // user name and password
	AuthPassed              // and the server accepted them
	Requested               // the client's request
	Open                    // the server granted it: what follows is the tunnel's
	Refused                 // no method acceptable, authentication failed, or the request was refused
	Opaque                  // a method that hides the rest (GSSAPI and others)
	Broken                  // bytes that cannot be followed
)

var stateNames = [...]string{"begun", "offered", "selected", "auth-sent", "auth-passed", "requested", "open", "refused", "opaque", "broken"}

// String names the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}
