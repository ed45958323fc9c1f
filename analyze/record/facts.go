package record

import (
	"net/netip"
	"time"

	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

// Ref names one packet: where a fact was seen. The zero Ref is "never".
type Ref struct {
	Packet int64
	Time   Time
	File   int32
}

// Seen tells whether there was such a packet.
func (r Ref) Seen() bool { return r.Packet != 0 }

// Before tells whether r came before other; packets of one time (a coarse
// clock gives many the same) are in the order of the capture.
func (r Ref) Before(other Ref) bool {
	if r.Time != other.Time {
		return r.Time < other.Time
	}
	return r.File == other.File && r.Packet < other.Packet
}

// Facts is what was seen of one connection, for rules to judge. Lists are
// bounded; nothing in it says that anything is wrong.
type Facts struct {
	// Bare: no texts are wanted of this connection; helpers that make texts of it may return none.
	Bare bool
	// Memory is for whoever made the facts, to use it again.
	Memory any
	// Shard numbers the goroutine that followed the connection.
	Shard int32
	// Files gives the name of each file by Ref.File.
	Files []string
	// First and Last packet, and the end of the whole capture (of the vantage point).
	First, Last, CaptureEnd Ref
	// Vantage tells apart the vantage points of overlapping files.
	Vantage int32
	// EndOfCapture: the connection was still in progress (no FIN, no RST) when the capture ended.
	EndOfCapture bool
	// CaptureDrops: the capture itself says that packets were lost while it was taken.
	CaptureDrops bool

	TCP     TCPFacts
	Upgrade *UpgradeFacts // nil: no request and no response was seen
	WS      *WSFacts      // nil: it never opened
	TLS     *TLSFacts     // nil: no TLS
	// TLSFailed: the TLS handshake did not complete, or the client left right after it; Opaque: nothing inside could be read.
	TLSFailed, Opaque bool
	Tunnel            *TunnelFacts // nil: no forward proxy
	Proxy             *ProxyFacts  // nil: no PROXY protocol header
	H2                *H2Facts     // nil: not over HTTP/2

	// Story appends the frames, in order, for Connection.Events; nil without any.
	Story interface{ Events([]Event) []Event }

	// Preceding counts complete HTTP exchanges on this TCP connection before the Upgrade request.
	Preceding int
	// Shadow: nothing is reported of this connection by itself; it is only the other view of one that is.
	Shadow bool
	// Samples, by Dir, are what two views of one connection are compared by; nil unless there are several vantage points.
	Samples *[2]Sample
	// KeyElsewhere: the 101's Accept value is the right one for this other
	// connection's key in the same capture.
	KeyElsewhere *OtherConnection
}

// Sample is the stream of one side, as far as it is remembered for comparing it
// with another view: its first bytes, then a sum for each SampleBlock bytes.
type Sample struct {
	Head   []byte
	Length int64
	At     []SampleAt // which packets hold Head, in order
	Blocks []SampleSum
	Stops  bool // bytes are missing behind Length, or a limit was reached
}

// SampleAt says which packet holds the bytes from an offset on.
type SampleAt struct {
	Offset int64
	Ref    Ref
}

// SampleSum is the sum of one whole block, and the packet that holds its first byte.
type SampleSum struct {
	Sum uint64
	Ref Ref
}

// OtherConnection points to another connection of the capture.
type OtherConnection struct {
	ID  string
	Ref Ref
}

// TCPFacts is what was seen of the TCP connection.
type TCPFacts struct {
	ClientBy                 string // syn, bytes, port
	SYN, SYNACK, Established Ref
	LastSYN                  Ref
	SYNs, SYNACKs            int
	HandshakeRTT             time.Duration // SYN to SYN-ACK, or SYN-ACK to ACK, whichever crosses the path; 0 unknown
	LateStart                bool          // no SYN and no SYN-ACK in the capture
	OneWay                   bool          // only one direction is in the capture though both must have spoken
	OneWayDir                Dir           // the direction that is there
	Sides                    [2]TCPSide    // by Dir
	Resets                   []Reset
	ICMP                     []ICMP
	Gaps                     []Gap
	GapBytes                 [2]int64 // by sender, without those of the snapshot length
	Stalls                   []Stall
	Retransmissions          []Retransmission
	Duplicates               int
	FirstDuplicate           Ref
	FirstOriginal            Ref
	CutShort                 int // packets cut by the snapshot length
	FirstCut                 Ref
	CutBytes                 int64
	Conflicts                int // overlapping bytes with different contents
	FirstConflict            Ref
	LastData                 Ref // last new payload byte of either side
	LastDataFrom             Dir
	// Silence is the time without new payload in either direction before the
	// connection's end (FIN, RST), SilenceFrom where it began. Where a RST answers data sent after a
	// silence (the path had forgotten the connection), Silence is that before that data and
	// SilenceBroken names the data.
	Silence             time.Duration
	SilenceFrom         Ref
	SilenceBroken       Ref
	KeepAlivesInSilence int
	// GivenUp: bytes before others were waited for no longer because too many of those waited, in memory.
	GivenUp bool
	// LetGo: too many connections were open, so this one was not followed to its end.
	LetGo bool
	// End: the first packet that ended the connection: FIN or RST; zero if none did.
	End    Ref
	EndBy  Dir
	EndHow string // fin, rst, timeout (peer vanished), ""
	// Notified: inside TLS one side said by close_notify that it goes, and the other's FIN or RST, which was quicker,
	// only answered: End is the close_notify, EndBy who sent it, EndHow fin.
	Notified bool
}

// TCPSide is what one side sent.
type TCPSide struct {
	ISN                 uint32 // initial sequence number, of its SYN
	HasISN              bool
	Packets             int64
	Bytes               int64
	DataSegments        int64
	Retransmissions     int64
	Resized             int64 // of them those because a router found the segments too big: path MTU discovery
	FirstData, LastData Ref
	FIN                 Ref
	KeepAlives          int64
	MSS                 int
	TTL                 uint8
	// Payload at the end of the stream that was never acknowledged.
	Unacked                   int64
	UnackedFirst, UnackedLast Ref
	UnackedSent               int // how often the first unacknowledged segment was sent
	UnackedAgain              int // how often unacknowledged segments were sent again, all together
	MaxSegment, MaxAcked      int
}

// Reset is a RST with what tells a genuine one from a forged one.
type Reset struct {
	Ref                           Ref
	From                          Dir
	TTL, OtherTTL, MinTTL, MaxTTL uint8 // its own; the sender's last before it; the range of the sender's others
	ID, OtherID                   uint16
	V6                            bool
	Window                        uint16
	HasAck, Timestamps            bool // on the RST
	SenderTimestamps              bool // the sender's other segments carry TCP timestamps
	Payload                       int
	Others                        int // the sender's segments to compare with
	SeqAhead                      int64
	AnswersSYN, AnswersData       bool
	AfterOwnFIN, AfterOtherFIN    bool
	AfterClose                    bool // after a Close frame of either side
	WentOn                        int  // the sender's segments after it that know nothing of it
	WentOnFirst                   Ref
}

// ICMP is an ICMP error about the connection.
type ICMP struct {
	Ref          Ref
	V6           bool
	Type, Code   uint8
	From         netip.Addr
	About        Dir
	MTU          int
	SmallerAfter bool
}

// Gap is a stretch of a stream that is not in the capture.
type Gap struct {
	Ref    Ref
	From   Dir
	Length int64
	Kind   string // lost, snaplen, limit
	// Unacked: the receiver never acknowledged these bytes, so they were lost
	// before it and not by the capture.
	Unacked bool
}

// Stall is a time in which a receiver kept its window at zero.
type Stall struct {
	From       Dir
	Begin, End Ref // End never: until the connection's end
	Length     time.Duration
	Probes     int
}

// Retransmission is a data segment that was sent again.
type Retransmission struct {
	Ref, Original Ref
	From          Dir
}

// UpgradeFacts is the handshake as it was on the wire. For HTTP/2 the heads are
// the pseudo-header fields' equivalents: Method CONNECT, Target :path, Host :authority.
type UpgradeFacts struct {
	Request     *http1.Head // nil: not in the capture
	RequestRef  Ref         // the packet with its first byte
	RequestLast Ref         // the packet with its last byte
	RequestCut  bool        // the head is incomplete in the capture (snapshot length, gap, end)
	// RequestLines gives, per field of Request, the packet that holds it, and ResponseLines the
	// same for the response; empty where all of the head is in the packet with its first byte.
	RequestLines  []Ref
	Response      *http1.Head // the final response; nil: none
	ResponseRef   Ref
	ResponseLast  Ref
	ResponseLines []Ref
	ResponseCut   bool // its head is incomplete when the stream ends or is lost
	// CutByCapture: what is missing of a cut head was lost by the capture, not by the connection.
	CutByCapture bool
	NotHTTP      []byte // first bytes (up to 64) of an answer that is not HTTP
	NotHTTPRef   Ref
	Interim      int    // 1xx other than 101
	Body         []byte // first 512 bytes of a refusal's body, de-chunked, not decompressed
	BodyRef      Ref
	BodyEncoding string
	// RequestAcked: the peer acknowledged the request, as far as the capture shows. RequestSent: how often its first segment was sent.
	RequestAcked bool
	RequestSent  int
	// EarlyData: bytes that the client sent after its request before the 101.
	EarlyData    int
	EarlyDataRef Ref
	// Absolute: the target is in absolute form (sent to a forward proxy).
	Absolute bool
	// ExtensionsFit: the answer selects no extension, or one permessage-deflate that answers the one offered.
	ExtensionsFit bool
	// BadExtensions: what is wrong where the server selected an extension or a parameter that was not offered or is invalid.
	BadExtensions []string
	// TLSAnswer: the plaintext request was answered by a TLS alert record.
	TLSAnswer bool
	// Waited is the time from the request to the end, where there was no answer.
	Waited time.Duration
	// OtherKeyExpected is the Accept value that the request's key demands.
	WantAccept string
}

// Violation is one breach of the framing rules, where it was seen.
type Violation struct {
	Kind   ws.Violation
	Dir    Dir
	Ref    Ref
	Offset int64 // in the stream of that direction, counted from the first byte after the handshake
	Header ws.Header
	Count  int  // how often in this direction
	First  bool // in the very first frame of its direction
}

// ControlFrame is a Close, Ping or Pong frame.
type ControlFrame struct {
	Ref     Ref
	Dir     Dir
	Code    int // Close: its code, 0 when it has none
	HasCode bool
	Reason  string
	Length  int
}

// PingFacts pairs the Pings of one side with the Pongs of the other.
type PingFacts struct {
	Sent, Answered                  int
	FirstUnanswered, LastUnanswered Ref // Pings without a Pong at the end
	Unanswered                      int
	Slowest                         time.Duration
	SlowestPing, SlowestPong        Ref
	Median                          time.Duration
}

// WSFacts is what was seen after the connection opened.
type WSFacts struct {
	OpenedRef     Ref // the 101, or the first frame
	HandshakeSeen bool
	ByFrames      bool
	Subprotocol   string
	Extensions    string
	Deflate       bool
	Frames        [2]FrameCounts
	Messages      [2]int64
	Bytes         [2]int64
	FirstMessage  [2]Ref
	LastMessage   [2]Ref
	Largest       [2]int64
	LargestRef    [2]Ref
	Violations    []Violation      // one per kind and direction
	Closes        [2]*ControlFrame // first Close of each side
	FirstClose    *ControlFrame
	Pings         [2]PingFacts // by who sent the Ping
	// MidFrame, MidMessage: the stream of that side ended inside one (not because the capture lacks it).
	MidFrame, MidMessage         [2]bool
	DataAfterClose               [2]int
	WeakZeroMasks, WeakSameMasks int // client frames with a zero key; with the same key as the first
	MaskedFrames                 int
	FirstWeakMask                Ref
	// NotWebSocket: what follows the 101 does not parse as frames; first bytes and direction.
	NotWebSocket    []byte
	NotWebSocketDir Dir
	NotWebSocketRef Ref
	Uninflated      int // messages that were not inflated because of a limit
	// Damaged: bytes of that direction are missing in the capture, so what is counted is a lower bound.
	Damaged [2]bool
	// Last frame of either side: for "silence since".
	LastFrame Ref
	// EngineIO etc. may be added by what needs them.
}

// TLSAlert is an alert of one side.
type TLSAlert struct {
	Ref       Ref
	Dir       Dir
	Fatal     bool
	Code      uint8
	Name      string
	Encrypted bool // it was in an encrypted record
	Opaque    bool // and that could not be opened: Code is unknown
}

// TLSFacts is what was seen of a TLS connection, from outside and, where keys
// fit, from inside. The hellos and chains belong to it.
type TLSFacts struct {
	ClientHello, ServerHello Ref
	Hello                    *tls.ClientHello // nil: not in the capture
	Answer                   *tls.ServerHello // nil: none came
	HelloRetry               bool
	Chain, ClientChain       *tls.Chain // nil: none was seen (TLS 1.3 shows it only decrypted)
	ChainRef, ClientChainRef Ref
	CertificateRequested     bool
	Resumed                  bool

	// Complete says how sure it is that the handshake completed on both sides:
	// "" (it did not, or nothing says so), "likely" (the records' outside says so), "certain".
	Complete    string
	SNI         string
	ALPNOffered []string
	ALPN        string
	Version     string // "1.2"
	CipherSuite string
	Alerts      []TLSAlert // the first few
	CloseNotify [2]Ref     // by Dir, where it could be read
	// LikelyCloseNotify is a side's last record where it could not be read and is an alert, or as short as one.
	LikelyCloseNotify [2]Ref
	NotTLS            []byte // first bytes of an answer that is not TLS
	NotTLSRef         Ref
	NotTLSDir         Dir
	Keys              string // decrypt's word: unused, none-given, no-match, fit, do-not-fit, undecided, unsupported
	KeysText          string // what is unsupported
	KeysRef           Ref    // the first encrypted record
	Decrypted         bool
	// Dark: nothing of the application data that this side sent could be read, though something else was decrypted.
	Dark  [2]bool
	Sides [2]TLSSide
	// Sizes are the lengths of the first application_data records in order.
	Sizes []TLSSize
	// Small counts later application records of up to 256 bytes per direction, Turns how often the direction of application
	// data changed, Pairs how often two small records followed a pause of a second or more.
	Small, Records         [2]int64
	Turns                  int64
	Pairs                  int64
	FirstData, LastAppData Ref // application data records
	// IssuerElsewhere: another connection of the capture to the same host got a
	// certificate of another issuer; nil: none did, or nobody compared.
	IssuerElsewhere *IssuerElsewhere
	// Waited: keys may come while the capture goes on, and so much waited for
	// them that some was let go undecrypted.
	Waited bool
	// Likeness: the records that could not be read look like a WebSocket; nil: they do not.
	Likeness *TLSLikeness
}

// IssuerElsewhere is the issuer that another connection to the same host saw.
type IssuerElsewhere struct {
	Issuer string
	ID     string // of that connection
	Ref    Ref    // its certificate
}

// TLSLikeness is what makes encrypted records look like a WebSocket. Lengths
// are those of the plaintext, as the cipher suite tells them.
type TLSLikeness struct {
	Confidence            Confidence // likely or possible
	Request, Answer       int        // the record of the size of a request, and that of a 101
	RequestRef, AnswerRef Ref
	Short                 [2]int // by sender, records that begin a turn and are too short for an HTTP head
}

// TLSSide is what one side sent.
type TLSSide struct {
	Records, Sealed, Opened       int64
	DataRecords, DataBytes        int64
	FirstSealed, LastSealed       int // payload lengths of encrypted records
	FirstSealedRef, LastSealedRef Ref
	Finished                      string // "", likely, certain
}

// TLSSize is the length of one application_data record on the wire.
type TLSSize struct {
	Dir    Dir
	Length int
}

// TunnelFacts is filled by the layer of forward proxies.
type TunnelFacts struct {
	Kind        string
	Target      string
	Request     *http1.Head // CONNECT: the last of the connection's rounds
	RequestRef  Ref         // SOCKS: the request, or the greeting where it did not come so far
	RequestLast Ref
	Response    *http1.Head // CONNECT: the final answer; nil: none
	ResponseRef Ref         // SOCKS: the answer that decided
	Reply       int         // SOCKS: the code of the answer to the request
	ReplyName   string
	AuthOffered []string // CONNECT: schemes of Proxy-Authenticate (or WWW-Authenticate); SOCKS5: methods that the client offered
	AuthSent    string   // the scheme with which the client identified itself, never what it said
	// AuthRefused: SOCKS: none of the methods offered is acceptable, or the
	// credentials were refused; CONNECT: 407 or 401.
	AuthRefused bool
	Rounds      int // CONNECT requests on this connection
	Opened      bool
	OpenedRef   Ref
	Assumed     bool   // its answer is not in the capture, but what follows shows that it opened
	Body        []byte // CONNECT: first 512 bytes of a refusal's body
	BodyRef     Ref
	ClientBytes int64 // into the tunnel
	ServerBytes int64 // from beyond the tunnel
	// Closed: the proxy's side ended it before the first byte from beyond.
	Closed bool
	// Strange is the beginning of an answer that does not belong to the protocol in which the proxy was asked.
	Strange    []byte
	StrangeRef Ref
	// Waited is the time from the request to the answer, or to the end where there was none.
	Waited time.Duration
	// Through is the target of the tunnel in which this one lies; empty: none.
	Through string
}

// ProxyFacts is a PROXY protocol header.
type ProxyFacts struct {
	Ref            Ref
	Version        int
	Client, Server string
	Local          bool     // the proxy speaks for itself
	TLVs           []string // version 2: the types of its vectors, in order
	Authority      string   // version 2: the name that the client asked for
	Violations     []string
	// EarlyAnswer: the server answered before a request came.
	EarlyAnswer bool
}

// H2Facts is filled by the HTTP/2 layer. Where the stream ended before the
// connection did, TCPFacts.End, EndBy, Silence and LastData are the stream's, and
// TCPFacts.EndHow is "end-stream" or "rst-stream".
type H2Facts struct {
	Stream         uint32
	ConnectEnabled bool     // the server's SETTINGS enable extended CONNECT
	SettingsRef    Ref      // the server's first SETTINGS, or those that enable it; never: not in the capture
	Late           bool     // the beginning of the connection is not in the capture, or frames of it are lost
	Reset          *H2Reset // the first RST_STREAM of either side
	GoAway         *H2Reset // of the side that sent one first; an error rather than NO_ERROR
	EndStream      [2]Ref   // by who sent it
	// Stalls are times in which a sender had used up its flow-control window to the
	// last byte: From is the receiver, that granted no more.
	Stalls []Stall
	// Other counts the requests on the connection that ask for no WebSocket.
	Other int
	// Untracked counts the WebSocket streams of the connection that are not reported because of a limit.
	Untracked int
	// The end of the TCP connection itself.
	TCPEnd    Ref
	TCPEndBy  Dir
	TCPEndHow string
}

// H2Reset is a RST_STREAM or GOAWAY.
type H2Reset struct {
	Ref   Ref
	Dir   Dir
	Code  uint32
	Name  string
	Debug string
	// Last is the highest stream that the sender of a GOAWAY has taken on.
	Last uint32
}

// CaptureFacts is what was seen of one file.
type CaptureFacts struct {
	Problems             []CaptureProblem
	Backwards            int64
	BackwardsFirst       Ref
	UnsupportedLinkTypes []string
	UnsupportedFirst     Ref
	UnsupportedPackets   int64
	DropsKnown           bool
	SnapLen              int
}

// CaptureProblem is why a file could not be read to its end.
type CaptureProblem struct {
	Kind   string // cut-short, corrupt, read-error, not-a-capture
	Offset int64
	Packet int64
	Text   string
}

// Selective is a Sink that needs the whole of some connections only. Wants is
// asked when a connection's addresses, times, phase, outcome and fault are known, and of its
// findings code, severity, fault, confidence and CausedBy; if it says no, Sink.Connection gets
// the connection with nothing more than that. Events tells whether it has a use for
// Connection.Events where nobody asked for them.
type Selective interface {
	Wants(*Connection) bool
	Events() bool
}

// Sink takes a result as it becomes final: connections and patterns in the
// order of the packet that made them final, then captures, rules and the
// summary. A connection's Facts, and its findings if they are bare, are valid
// only during the call; all else belongs to the sink.
type Sink interface {
	Connection(*Connection) error
	Pattern(Pattern) error
	Capture(Capture) error
	Rule(code string, r Rule) error
	Summary(Summary) error
}

// PacketOf is the packet that holds the byte at an offset of Head.
func (s *Sample) PacketOf(offset int64) (at Ref) {
	for i := range s.At {
		if s.At[i].Offset > offset {
			break
		}
		at = s.At[i].Ref
	}
	return at
}
