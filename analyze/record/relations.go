package record

import (
	"net/netip"
	"time"
)

// MaxRelated is how many connections a relation names; Total counts them all.
const MaxRelated = 200

// Relation is what several connections have in common, or what a capture tells
// beside its connections: the facts that the rules of patterns judge. One of
// the pointers at the end is set.
type Relation struct {
	// Files gives the name of each file by Ref.File.
	Files []string
	// Connections are the IDs, in order of time; at most MaxRelated.
	Connections []string
	// Total counts the connections.
	Total int
	// Limited: a limit of what is remembered was reached, so that there may be more.
	Limited bool

	Series   *Series
	Cuts     *Cuts
	Burst    *Burst
	Full     *Full
	Backends *Backends
	Fallback *Fallback
	Hop      *Hop
	LookUp   *LookUp
	Path     *Path
}

// Series are failing attempts of one client at one URL, one after the other
// with no success in between.
type Series struct {
	Client      netip.Addr
	Server      netip.AddrPort // of the first attempt
	URL         string         // without its query; empty: no attempt came so far
	First, Last Ref            // the first packets of the first and of the last attempt
	// Gaps are the times between the starts of attempts, in order: the first and the last MaxGaps.
	Gaps []time.Duration
	// Early and Late are the median gaps of the first three and of the last third; Median is that of all.
	Early, Late, Median time.Duration
	// Unidentified: nothing says that any of them was a WebSocket.
	Unidentified bool
	Outcomes     []Count // how they ended, most frequent first
	Attempts     []Ref   // the first packets of the first attempts
}

// MaxGaps bounds the gaps that a Series lists.
const MaxGaps = 8

// Count is how often something is the case.
type Count struct {
	What string
	N    int
}

// Cuts are connections to one endpoint that ended after the same time.
type Cuts struct {
	Server netip.AddrPort
	// Silent: after the same silence; else at the same age.
	Silent   bool
	After    time.Duration // the median
	Min, Max time.Duration
	Of       int // connections there that were cut in any way
	At       []Ref
	// ByClient: the side that opened the TCP connections ended them: a proxy in front of the server.
	ByClient bool
	Named    int // connections of them whose own findings name a timer
}

// Burst are connections that one endpoint's side ended at one moment.
type Burst struct {
	Server   netip.AddrPort
	At       []Ref // the packets that ended them, in order
	Duration time.Duration
	Open     int // connections open there when it began
	Closes   []Count
	Clients  int
}

// Full are the connections of one client to one endpoint while it held the most.
type Full struct {
	Client    netip.Addr
	Server    netip.AddrPort
	URL       string
	Most      int // held at once
	Browser   string
	At        Ref           // the first packet of the one that made it full
	For       time.Duration // how long it held that many
	Until     Ref           // what ended the state; not seen: nothing did
	NextAfter time.Duration // from when one was closed to when the next was opened; 0: none was
}

// Backends are the servers that do one job, with how connections to them went.
type Backends struct {
	URL  string
	Bad  netip.AddrPort
	Fail int // of Bad's connections
	All  int
	// Others are the siblings.
	Others              []netip.AddrPort
	OthersFail, OthersN int
	How                 []Count // how connections to Bad failed
	At                  []Ref
	Works               Ref // a success at a sibling
}

// Fallback is long polling after a WebSocket that failed.
type Fallback struct {
	Client       netip.Addr
	Server       netip.AddrPort
	Family       string // engine.io, socket.io, sockjs, signalr
	Failed       Ref    // what ended the attempt
	Outcome      Outcome
	Polls        int // requests seen after it; as far as remembered
	First, Last  Ref
	Transport    string
	Before       int64 // polling requests before the attempt
	Instead      time.Duration
	FailedStatus int
}

// Hop is what a proxy changed between the handshake that came to it and the
// one that left it, for all handshakes with the same change.
type Hop struct {
	// Front is the connection to the proxy, Back the one that left it: the first such pair, with the heads only.
	Front, Back *Connection
	Lost        []Change // in the request
	Answer      []Change // in the answer
	// Renewed: the proxy made a key of its own.
	Renewed bool
	// Views: Front and Back are one connection, seen at two places.
	First, Last Time
}

// Change is one field (or "version", "status") that differs.
type Change struct {
	Name, Before, After string // empty: absent
	BeforeRef, AfterRef Ref
}

// LookUp is a name that could not be resolved.
type LookUp struct {
	Name      string
	Client    netip.Addr
	Server    netip.Addr // the name server
	Code      string     // NXDOMAIN, SERVFAIL, ...; "no answer", "no address"
	Query     Ref
	Answer    Ref // or the ICMP error
	Unreached bool
	Tries     int
	// Needed: a connection asked for the name by its request, SNI or tunnel.
	Needed bool
	// Nothing: the client opened no TCP connection afterwards.
	Nothing bool
}

// Path is one connection as two vantage points saw it.
type Path struct {
	Connection *Connection
	// Near is the name of the file taken nearer to the client, Far of the other.
	Near, Far string
	NearKnown bool // which of them is nearer was told by TTL or time
	// Offset is by how much Far's clock is ahead of Near's, Drift how much it gains per second (0: not known).
	Offset time.Duration
	Drift  float64
	// EndsEarly: one of the captures holds no packet later than what it lacks.
	EndsEarly bool
	NAT       string // addresses that differ, in words; empty: none

	Forged    []PathReset
	Lost      []PathLoss
	Rewritten []Change
}

// PathReset is a RST that arrived at one place and was never sent at the other.
type PathReset struct {
	From Dir
	At   Ref
	TTL  uint8
	// Elsewhere: the last packet of the other view.
	Elsewhere Ref
	// OtherWentOn: the alleged sender sent on afterwards, as seen near it.
	OtherWentOn bool
}

// What a PathLoss may lack; else it is data of an open WebSocket.
const (
	LostSYNACK  = "the SYN-ACK"
	LostRequest = "the Upgrade request"
	LostAnswer  = "the answer to the Upgrade request"
)

// PathLoss is what left one place and did not arrive at the other.
type PathLoss struct {
	From    Dir
	What    string // SYN, SYN-ACK, the request, ...
	Packets int    // lost packets as far as counted
	Bytes   int64  // that never arrived
	At      Ref    // the first packet of it, or its last repetition
	Largest int    // bytes of the largest segment that got lost, and of the largest that arrived
	Passed  int
	Never   bool // it never arrived, however often it was sent
}
