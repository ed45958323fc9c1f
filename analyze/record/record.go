// Package record holds the nouns of a result: captures, connections, findings,
// patterns, rules and the summary. They are plain data: what -o json prints,
// by the contract wsleuth.report/v1, and beside it (never printed) the facts
// that rules judge.
//
// Most callers need only Connection and Finding.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Schema names the contract of the JSON report.
const Schema = "wsleuth.report/v1"

// Time is nanoseconds since 1970-01-01 UTC; 0 is no time. In JSON it is RFC 3339 in UTC with nanoseconds.
type Time int64

// Std is the time as the standard library has it, in UTC.
func (t Time) Std() time.Time { return time.Unix(0, int64(t)).UTC() }

// Sub is the time from earlier to t.
func (t Time) Sub(earlier Time) time.Duration { return time.Duration(t - earlier) }

func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 34)
	b = append(b, '"')
	b = t.Std().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"'), nil
}

func (t *Time) UnmarshalJSON(b []byte) error {
	var std time.Time
	if err := json.Unmarshal(b, &std); err != nil {
		return err
	}
	*t = Time(std.UnixNano())
	return nil
}

// EndName writes how a connection or stream ended as RFC 9293 and RFC 9113 do:
// "FIN", "RST", "END_STREAM", "RST_STREAM".
func EndName(how string) string { return strings.ToUpper(strings.ReplaceAll(how, "-", "_")) }

// Millis is a duration in milliseconds as a JSON number.
func Millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// Bytes is "1 byte", "2 bytes".
func Bytes[N int | int64 | uint32 | uint64](n N) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// Outcome says how a WebSocket attempt ended.
type Outcome string

const (
	ConnectFailed    Outcome = "connect-failed"
	TunnelFailed     Outcome = "tunnel-failed"
	TLSFailed        Outcome = "tls-failed"
	Rejected         Outcome = "rejected"
	NoResponse       Outcome = "no-response"
	InvalidHandshake Outcome = "invalid-handshake"
	ProtocolError    Outcome = "protocol-error"
	ClosedClean      Outcome = "closed-clean"
	ClosedError      Outcome = "closed-error"
	ClosedAbnormal   Outcome = "closed-abnormal"
	Open             Outcome = "open"
	Opaque           Outcome = "opaque"
	Incomplete       Outcome = "incomplete"
)

// Fault says who has to act.
type Fault string

const (
	FaultClient       Fault = "client"
	FaultServer       Fault = "server"
	FaultIntermediary Fault = "intermediary"
	FaultNetwork      Fault = "network"
	FaultCapture      Fault = "capture"
	FaultNone         Fault = "none"
	FaultUnknown      Fault = "unknown"
)

// Phase says how far an attempt came.
type Phase string

const (
	PhaseTCP     Phase = "tcp"
	PhaseTunnel  Phase = "tunnel"
	PhaseTLS     Phase = "tls"
	PhaseUpgrade Phase = "upgrade"
	PhaseOpen    Phase = "open"
	PhaseClosed  Phase = "closed"
)

// Severity says what a finding did to the connection: an error explains why it
// failed or broke, a warning is wrong but survived, info is context.
type Severity string

const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Confidence says how sure a finding is.
type Confidence string

const (
	Certain  Confidence = "certain"
	Likely   Confidence = "likely"
	Possible Confidence = "possible"
)

// RecognizedBy says why a connection is reported at all.
type RecognizedBy string

const (
	ByUpgrade         RecognizedBy = "upgrade"
	ByExtendedConnect RecognizedBy = "extended-connect"
	ByFrames          RecognizedBy = "frames"
	ByTLSFingerprint  RecognizedBy = "tls-fingerprint"
	BySameEndpoint    RecognizedBy = "same-endpoint"
	ByNothing         RecognizedBy = "none"
)

// Dir is a direction: Client is from the client to the server.
type Dir uint8

const (
	Client Dir = 0
	Server Dir = 1
)

func (d Dir) String() string { return [2]string{"client", "server"}[d&1] }

// Other is the opposite direction.
func (d Dir) Other() Dir { return d ^ 1 }

func (d Dir) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
func (d *Dir) UnmarshalText(b []byte) error {
	*d = Client
	if string(b) == "server" {
		*d = Server
	}
	return nil
}

// Fault is the fault of this side.
func (d Dir) Fault() Fault { return [2]Fault{FaultClient, FaultServer}[d&1] }

// Headers are header fields in order, as name and value.
type Headers [][2]string

// Connection is one WebSocket attempt.
type Connection struct {
	ID           string         `json:"id"`
	Client       netip.AddrPort `json:"client"`
	Server       netip.AddrPort `json:"server"`
	DNSName      string         `json:"dns_name,omitempty"`
	DNSPacket    int64          `json:"dns_packet,omitempty"` // the answer that gave the name
	Scheme       string         `json:"scheme,omitempty"`
	URL          string         `json:"url,omitempty"`
	Host         string         `json:"host,omitempty"`
	Transport    string         `json:"transport,omitempty"`
	RecognizedBy RecognizedBy   `json:"recognized_by"`
	Phase        Phase          `json:"phase"`
	Outcome      Outcome        `json:"outcome"`
	Fault        Fault          `json:"fault"`
	Verdict      string         `json:"verdict"`
	NextStep     string         `json:"next_step,omitempty"`
	Started      Time           `json:"started"`
	Ended        Time           `json:"ended"`
	DurationMS   float64        `json:"duration_ms"`
	Capture      string         `json:"capture"`
	LastCapture  string         `json:"last_capture,omitempty"`
	FirstPacket  int64          `json:"first_packet"`
	LastPacket   int64          `json:"last_packet"`
	Views        []View         `json:"views,omitempty"`
	HopOf        string         `json:"hop_of,omitempty"`
	Filter       string         `json:"wireshark_filter"`

	TCP           *TCP           `json:"tcp,omitempty"`
	TLS           *TLS           `json:"tls,omitempty"`
	Tunnel        *Tunnel        `json:"tunnel,omitempty"`
	ProxyProtocol *ProxyProtocol `json:"proxy_protocol,omitempty"`
	Encapsulation []string       `json:"encapsulation,omitempty"`
	Request       *Request       `json:"request,omitempty"`
	Response      *Response      `json:"response,omitempty"`
	WebSocket     *WebSocket     `json:"websocket,omitempty"`
	Close         *Close         `json:"close,omitempty"`
	ResetBy       string         `json:"reset_by,omitempty"` // client, server or intermediary
	// ServerLog is a line to look for in the server's log: time in UTC, client
	// address as the hop saw it, request line and any request or trace id.
	ServerLog string    `json:"server_log,omitempty"`
	Events    []Event   `json:"events,omitempty"`
	Findings  []Finding `json:"findings"`

	// Facts is what rules judge; it is never printed and absent in a saved result.
	Facts *Facts `json:"-"`
}

// View is one vantage point's part of a connection that several files show.
type View struct {
	Capture     string `json:"capture"`
	FirstPacket int64  `json:"first_packet"`
	LastPacket  int64  `json:"last_packet"`
}

// TCP is what the report says of the TCP connection.
type TCP struct {
	HandshakeMS     *float64 `json:"handshake_ms,omitempty"`
	Retransmissions int64    `json:"retransmissions"`
	ClientBytes     int64    `json:"client_bytes"`
	ServerBytes     int64    `json:"server_bytes"`
	EndedBy         string   `json:"ended_by,omitempty"`
	EndedHow        string   `json:"ended_how,omitempty"` // fin, rst, timeout
}

// TLS is what the report says of the TLS session.
type TLS struct {
	Version     string       `json:"version,omitempty"`
	CipherSuite string       `json:"cipher_suite,omitempty"`
	SNI         string       `json:"sni,omitempty"`
	ALPNOffered []string     `json:"alpn_offered,omitempty"`
	ALPN        string       `json:"alpn,omitempty"`
	Decrypted   bool         `json:"decrypted"`
	Certificate *Certificate `json:"certificate,omitempty"`
}

// Certificate is the server's, as far as it could be read.
type Certificate struct {
	Subject   string   `json:"subject"`
	Issuer    string   `json:"issuer"`
	Names     []string `json:"names,omitempty"`
	NotBefore Time     `json:"not_before"`
	NotAfter  Time     `json:"not_after"`
	KeyType   string   `json:"key_type,omitempty"`
	Packet    int64    `json:"packet,omitempty"`
}

// Tunnel is the way through a forward proxy.
type Tunnel struct {
	Kind   string `json:"kind"` // http-connect, socks4, socks4a, socks5
	Proxy  string `json:"proxy"`
	Target string `json:"target,omitempty"`
	Status int    `json:"status,omitempty"`
	Reply  string `json:"reply,omitempty"` // the name of a SOCKS reply code
	Packet int64  `json:"packet,omitempty"`
}

// ProxyProtocol is the header that a load balancer put before the first byte.
type ProxyProtocol struct {
	Version int    `json:"version"`
	Client  string `json:"client,omitempty"`
	Server  string `json:"server,omitempty"`
	Packet  int64  `json:"packet,omitempty"`
}

// Request is the Upgrade request (or extended CONNECT).
type Request struct {
	Method  string  `json:"method"`
	Target  string  `json:"target"`
	Version string  `json:"version"`
	Headers Headers `json:"headers"`
	Packet  int64   `json:"packet"`
}

// Response is the final answer to it.
type Response struct {
	Status      int     `json:"status"`
	Reason      string  `json:"reason,omitempty"`
	Version     string  `json:"version"`
	Headers     Headers `json:"headers"`
	Packet      int64   `json:"packet"`
	LatencyMS   float64 `json:"latency_ms"`
	BodyExcerpt string  `json:"body_excerpt,omitempty"`
}

// PerSide is a number for each side.
type PerSide struct {
	Client int64 `json:"client"`
	Server int64 `json:"server"`
}

// FrameCounts counts frames by opcode.
type FrameCounts struct {
	Text         int64 `json:"text"`
	Binary       int64 `json:"binary"`
	Continuation int64 `json:"continuation,omitempty"`
	Ping         int64 `json:"ping"`
	Pong         int64 `json:"pong"`
	Close        int64 `json:"close"`
}

// WebSocket is what happened after the connection opened.
type WebSocket struct {
	Subprotocol string  `json:"subprotocol"`
	Extensions  string  `json:"extensions"`
	Messages    PerSide `json:"messages"`
	Bytes       PerSide `json:"bytes"`
	Frames      struct {
		Client FrameCounts `json:"client"`
		Server FrameCounts `json:"server"`
	} `json:"frames"`
	PingMS *float64 `json:"ping_ms,omitempty"` // median time from Ping to Pong
}

// Close is the first Close frame at this vantage point.
type Close struct {
	By      Dir
	Code    int
	HasCode bool // a Close frame may have no code at all
	Reason  string
	Packet  int64
}

// closeJSON is a Close as JSON has it: the code is left out when there is none,
// and 0 is a code, if an invalid one.
type closeJSON struct {
	By     Dir    `json:"by"`
	Code   *int   `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	Packet int64  `json:"packet"`
}

func (c Close) MarshalJSON() ([]byte, error) {
	j := closeJSON{By: c.By, Reason: c.Reason, Packet: c.Packet}
	if c.HasCode {
		j.Code = &c.Code
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the reason is escaped no more than any other text
	err := e.Encode(j)
	return b.Bytes(), err
}

func (c *Close) UnmarshalJSON(b []byte) error {
	var j closeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*c = Close{By: j.By, Reason: j.Reason, Packet: j.Packet, HasCode: j.Code != nil}
	if j.Code != nil {
		c.Code = *j.Code
	}
	return nil
}

// Event is one step of the story.
type Event struct {
	Capture string `json:"capture,omitempty"` // only where it differs from the connection's
	Packet  int64  `json:"packet"`
	Time    Time   `json:"time"`
	From    string `json:"from,omitempty"` // client, server, proxy, network
	What    string `json:"what"`
	Text    string `json:"text,omitempty"`
	File    int32  `json:"-"` // place of the file, for Capture
}

// Evidence names a packet in which a reader sees the fact.
type Evidence struct {
	Capture string `json:"capture"`
	Packet  int64  `json:"packet,omitempty"`
	Offset  *int64 `json:"offset,omitempty"` // byte of the file, where no packet can be named
	Time    Time   `json:"time,omitempty"`
	Note    string `json:"note"`
}

// Finding is one judgement of a rule about one connection or capture.
type Finding struct {
	Code       string     `json:"code"`
	Slug       string     `json:"slug"`
	Severity   Severity   `json:"severity"`
	Fault      Fault      `json:"fault"`
	Confidence Confidence `json:"confidence"`
	Title      string     `json:"title"`
	CausedBy   string     `json:"caused_by,omitempty"`
	Remedy     string     `json:"remedy,omitempty"`
	SeenByUser string     `json:"seen_by_user,omitempty"`
	Evidence   []Evidence `json:"evidence"`
}

// Pattern is a finding about several connections.
type Pattern struct {
	Code        string     `json:"code"`
	Slug        string     `json:"slug"`
	Severity    Severity   `json:"severity"`
	Fault       Fault      `json:"fault"`
	Confidence  Confidence `json:"confidence"`
	Title       string     `json:"title"`
	Remedy      string     `json:"remedy,omitempty"`
	Connections []string   `json:"connections"`
	Evidence    []Evidence `json:"evidence"`
}

// Capture is one file that was read.
type Capture struct {
	File        string    `json:"file"`
	Format      string    `json:"format"`
	Compression string    `json:"compression"`
	LinkTypes   []string  `json:"link_types"`
	Packets     int64     `json:"packets"`
	Bytes       int64     `json:"bytes"`
	First       Time      `json:"first,omitempty"`
	Last        Time      `json:"last,omitempty"`
	Drops       uint64    `json:"drops"`
	SHA256      string    `json:"sha256,omitempty"`
	Findings    []Finding `json:"findings"`

	Facts *CaptureFacts `json:"-"`
}

// Rule is the catalogue's text of one code.
type Rule struct {
	Slug        string   `json:"slug"`
	Title       string   `json:"title"`
	Severity    Severity `json:"severity"`
	Fault       Fault    `json:"fault"`
	Explanation string   `json:"explanation"`
	References  []string `json:"references"`
	Source      string   `json:"source"`
}

// Cause is a finding with the connections that it explains.
type Cause struct {
	Code        string   `json:"code"`
	Title       string   `json:"title"`
	Connections int64    `json:"connections"`
	Of          int64    `json:"of"`
	First       Time     `json:"first"`
	Last        Time     `json:"last"`
	Examples    []string `json:"examples"`
}

// Summary counts the whole.
type Summary struct {
	Connections         int64            `json:"connections"`
	Unidentified        int64            `json:"unidentified"`
	OpaqueTLS           int64            `json:"opaque_tls"`
	OtherTCPConnections int64            `json:"other_tcp_connections"`
	QUICConnections     int64            `json:"quic_connections,omitempty"` // not followed; up to 4096 are counted
	ByOutcome           map[string]int64 `json:"by_outcome"`
	ByFinding           map[string]int64 `json:"by_finding"`
	Causes              []Cause          `json:"causes"`
	Timeline            []Interval       `json:"timeline,omitempty"`
	// LeftOut counts the connections that would be reported, had the user not chosen others.
	LeftOut int64 `json:"left_out,omitempty"`
	// Limits says, a sentence each, what was left out because a limit of the program's own was
	// reached, or because the reading was interrupted.
	Limits []string `json:"limits,omitempty"`
}

// Interval counts the connections that began in one stretch of time, From
// included and To not. All intervals of a timeline are equally long; one in which
// none began is left out.
type Interval struct {
	From        Time  `json:"from"`
	To          Time  `json:"to"`
	Connections int64 `json:"connections"`
	Failed      int64 `json:"failed"`
}

// Tool names the program that made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Report is a whole result, as -o json prints it.
type Report struct {
	Schema      string          `json:"schema"`
	Tool        Tool            `json:"tool"`
	Connections []*Connection   `json:"connections"`
	Patterns    []Pattern       `json:"patterns"`
	Captures    []Capture       `json:"captures"`
	Rules       map[string]Rule `json:"rules"`
	Summary     Summary         `json:"summary"`
}
