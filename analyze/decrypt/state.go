package decrypt

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// Dir is a direction of a connection, named by who sends.
type Dir uint8

const (
	Client Dir = iota
	Server
)

// Other is the opposite direction.
func (d Dir) Other() Dir { return d ^ 1 }

func (d Dir) String() string {
	if d == Client {
		return "client"
	}
	return "server"
}

// KeyStatus says how a connection's keys fared.
type KeyStatus uint8

const (
	// KeysUnused: nothing encrypted has come yet.
	KeysUnused KeyStatus = iota
	// KeysNoneGiven: there are no keys at all.
	KeysNoneGiven
	// KeysNoMatch: keys are given, none for this connection, or the hello that
	// would tell was not seen.
	KeysNoMatch
	// KeysFit: records of at least one direction open.
	KeysFit
	// KeysDoNotFit: keys name this connection, but its records do not open.
	KeysDoNotFit
	// KeysUndecided: keys name this connection, but what a gap swallowed, or a
	// secret that is missing, keeps its records from opening.
	KeysUndecided
	// KeysUnsupported: the connection uses a cipher, a version or a compression
	// that is not decrypted here; State.Unsupported names it.
	KeysUnsupported
)

var keyStatusNames = [...]string{"unused", "none-given", "no-match", "fit", "do-not-fit", "undecided", "unsupported"}

func (k KeyStatus) String() string {
	if int(k) < len(keyStatusNames) {
		return keyStatusNames[k]
	}
	return fmt.Sprintf("key_status(%d)", uint8(k))
}

// Certainty is how sure a fact is that encryption may hide.
type Certainty uint8

const (
	Unknown Certainty = iota
	// Likely: the visible outside of the records says so.
	Likely
	// Certain: seen in plaintext.
	Certain
)

const (
	// MaxSizes is the number of application_data records whose length is kept.
	MaxSizes = 16
	// MaxAlerts and MaxProblems are the numbers of them that State keeps; the
	// sink gets all.
	MaxAlerts   = 8
	MaxProblems = 8
)

// Size is the length of one record of type application_data on the wire (in
// TLS 1.3 that is every encrypted record).
type Size struct {
	Dir    Dir
	Length uint16
}

// AlertFact is an alert that was seen.
type AlertFact struct {
	Dir   Dir
	Alert tls.Alert
	// Encrypted alerts were in an encrypted record; one that could not be
	// decrypted is Opaque, and Alert is empty.
	Encrypted, Opaque bool
	// Offset of the record in its direction's stream.
	Offset int64
}

// ProblemKind names what went wrong in following a connection.
type ProblemKind uint8

const (
	_ ProblemKind = iota
	// BrokeRule: a Violation of the protocol, named beside it.
	BrokeRule
	// NotTLS: from Offset on the stream is something else.
	NotTLS
	// LostBytes: a gap; Bytes is its length, -1 when unknown.
	LostBytes
	// LostRecords: decryption went on after Count records that were not seen.
	LostRecords
	// RecordFailed: a record does not open although the keys fitted before.
	RecordFailed
	// WrongKeys: the first record does not open.
	WrongKeys
	// GaveUp: no record opened after a gap, within the limits on trying;
	// nothing more of this direction is decrypted.
	GaveUp
	// HeldTooMuch: bytes that waited for the other direction or for keys
	// exceeded MaxHeld and were processed without.
	HeldTooMuch
)

var problemNames = [...]string{
	"", "broke-rule", "not-tls", "lost-bytes", "lost-records", "record-failed", "wrong-keys", "gave-up", "held-too-much",
}

func (k ProblemKind) String() string {
	if int(k) < len(problemNames) && k > 0 {
		return problemNames[k]
	}
	return fmt.Sprintf("problem(%d)", uint8(k))
}

// Problem is one thing that went wrong.
type Problem struct {
	Kind      ProblemKind
	Dir       Dir
	Violation tls.Violation // with BrokeRule
	Offset    int64         // in the direction's stream
	Record    uint64        // number of the record in its direction, from 1
	Bytes     int64         // with LostBytes
	Count     uint64        // with LostRecords
}

// Side is what was seen of one direction.
type Side struct {
	// Records is the number of records, Sealed of those that were encrypted,
	// Opened of those decrypted, Failed of those that keys did not open or
	// that were damaged by a gap.
	Records, Sealed, Opened, Failed uint64
	// DataRecords is the number of records of application data: decrypted
	// ones, and when nothing is decrypted those of outer type application_data.
	DataRecords uint64
	// DataBytes is the number of bytes of application data that came out.
	DataBytes uint64
	// SealedBytes is the number of payload bytes of encrypted records.
	SealedBytes uint64
	// FirstSealed and LastSealed are payload lengths of encrypted records.
	FirstSealed, LastSealed uint16
	// Finished tells whether this side's Finished was sent. Certain needs it
	// decrypted.
	Finished         Certainty
	ChangeCipherSpec bool
	// CloseNotify was sent, in a record that could be read; AfterClose is the
	// number of records after it.
	CloseNotify bool
	AfterClose  uint32
	KeyUpdates  uint32
	Gaps        uint32
	GapBytes    int64
	// Ended: the end of the stream was told.
	Ended bool
	// NotTLS: from NotTLSAt on the stream is something else.
	NotTLS   bool
	NotTLSAt int64
}

// State is what is known of a connection. It belongs to its session and grows
// with it.
type State struct {
	// ClientHello and ServerHello are the first and the final one; nil when not
	// seen. HelloRetry tells whether a HelloRetryRequest came between, and
	// RetryGroup the group it asked for.
	ClientHello *tls.ClientHello
	ServerHello *tls.ServerHello
	HelloRetry  bool
	RetryGroup  tls.Group
	// Version and CipherSuite are 0 until the ServerHello.
	Version     tls.Version
	CipherSuite tls.CipherSuite
	// ALPN is the protocol selected: in TLS 1.3 visible only when decrypted.
	ALPN string
	// ServerChain and ClientChain are the certificates presented, nil if none
	// were seen; a client that has none sends an empty chain.
	ServerChain, ClientChain *tls.Chain
	// CertificateRequested tells whether the server asked for a certificate.
	CertificateRequested bool
	// Resumed tells whether an earlier session was taken up (a PSK in TLS 1.3).
	Resumed bool
	// EarlyOffered and EarlyAccepted are about 0-RTT data; the latter is
	// visible only when decrypted.
	EarlyOffered, EarlyAccepted bool
	// Renegotiations is the number of ServerHellos after the first (TLS 1.2).
	Renegotiations int

	Keys KeyStatus
	// Unsupported names what keeps the connection from being decrypted.
	Unsupported string
	// FirstFailed is the first record that keys did not open; FirstFailed.Kind
	// is zero when there is none.
	FirstFailed Problem

	Sides [2]Side
	// Alerts and Problems are the first ones; AlertCount and ProblemCount say
	// how many there were.
	Alerts       []AlertFact
	Problems     []Problem
	AlertCount   int
	ProblemCount int
	// Sizes[:SizeCount] are the lengths of the first application_data records
	// in the order they were fed.
	Sizes     [MaxSizes]Size
	SizeCount int
}

// Decrypted tells whether any record was decrypted.
func (s *State) Decrypted() bool { return s.Sides[Client].Opened+s.Sides[Server].Opened > 0 }

// HandshakeDone tells how sure it is that the handshake completed on both
// sides.
func (s *State) HandshakeDone() Certainty {
	return min(s.Sides[Client].Finished, s.Sides[Server].Finished)
}

// Record describes one record to a sink.
type Record struct {
	Dir Dir
	// Type is the content type: the true one if the record was decrypted,
	// otherwise the one in its header.
	Type tls.ContentType
	// Length is the payload's length in the header.
	Length int
	// Number counts the direction's records from 1; Offset is where the record
	// begins in its direction's stream.
	Number uint64
	Offset int64
	// Sealed: encrypted. Opened: and decrypted.
	Sealed, Opened bool
	// Early: 0-RTT data.
	Early bool
	// AfterClose: its sender had sent close_notify before. RFC 8446 section
	// 6.1: "Any data received after a closure alert has been received MUST be
	// ignored."
	AfterClose bool
	// Missing is the number of its bytes that were lost in gaps.
	Missing int
}

// Sink gets what comes out of a session, in order. Byte slices are valid
// during the call only. Embed [NoSink] for the methods that are not wanted.
type Sink interface {
	// Record comes first for every record.
	Record(Record)
	// Handshake is one handshake message, complete at this record.
	Handshake(Record, tls.Message)
	Alert(Record, AlertFact)
	// ApplicationData is the plaintext of one record; it is never empty.
	ApplicationData(Record, []byte)
	Problem(Problem)
}

// NoSink is a Sink that drops everything.
type NoSink struct{}

func (NoSink) Record(Record)                  {}
func (NoSink) Handshake(Record, tls.Message)  {}
func (NoSink) Alert(Record, AlertFact)        {}
func (NoSink) ApplicationData(Record, []byte) {}
func (NoSink) Problem(Problem)                {}
