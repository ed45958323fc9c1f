package capture

import (
	"fmt"
	"net/netip"
)

// FileInfo is what is known of one capture file beside its packets.
// It grows while the file is read and is complete when the source is at its
// end. It belongs to the source: do not read it while Next runs.
type FileInfo struct {
	// Name is the path as given or found; "-" for standard input.
	Name string
	// Format is "pcap" or "pcapng"; empty if the file is no capture.
	Format string
	// Compression is "gzip", "zstd", "xz", "lz4", "bzip2" or empty.
	Compression string
	// LinkTypes are those of the interfaces that packets came from, in the
	// order of their first packets.
	LinkTypes []LinkType
	// SnapLen is the greatest snapshot length that the file states, in
	// bytes; 0 if it states none.
	SnapLen int
	// FCSLen is the number of frame check sequence bytes that end each
	// packet by the flags of a pcap header or by if_fcslen; 0 if unknown.
	FCSLen int

	Packets int64
	// Bytes counts the file's bytes as stored that were read.
	Bytes int64
	// First is the time of the first packet, Last the greatest time, in ns
	// since 1970-01-01 UTC. Both are 0 without packets.
	First, Last int64
	// Ended is when capturing ended by the interface statistics (isb_endtime),
	// in ns since 1970: later than Last if nothing more came for a while; 0 if
	// the file does not say.
	Ended int64
	// Backwards counts packets with a time before that of the packet in
	// front of them; FirstBackwards is the number of the first such packet.
	Backwards, FirstBackwards int64
	// NoTime counts packets without a time stamp (simple packet blocks) or
	// with one outside the years 1678 to 2262. Each gets the time of the
	// packet in front of it, 0 if there is none.
	NoTime int64
	// Drops is the sum over all interfaces of the last isb_ifdrop and
	// isb_osdrop, or, without interface statistics, of the drop counts in
	// obsolete packet blocks. It means nothing unless DropsKnown.
	Drops      uint64
	DropsKnown bool

	// Problems are what went wrong with this file, in order.
	Problems []Problem
	// Secrets are the decryption secrets that the file embeds.
	Secrets []Secret
	// Names are the records of name resolution blocks.
	Names []NameRecord
	// SHA256 is the hash of the file as stored, in hex: only with
	// Options.Hash and when the file was read to its end.
	SHA256 string
	// Vantage is that of the file's packets.
	Vantage int32
	// Family is what the names of files that were rotated into each other have
	// in common: known before the file is read.
	Family string
	// Interfaces has one entry for pcap, one per interface description
	// block, over all sections, for pcapng. Packet.Interface indexes it.
	Interfaces []Interface

	// What the first section header that has the option says.
	Comment, Hardware, OS, Application string
}

// Interface describes a capture interface. Texts come from the file: treat
// them as hostile.
type Interface struct {
	Name, Description, Filter, OS, Hardware, Comment string
	LinkType                                         LinkType
	SnapLen                                          int
	Packets                                          int64
}

// Secret is a decryption secrets block of a pcapng file.
type Secret struct {
	// Type is the secrets type as the block has it: SecretsTLSKeyLog …
	Type uint32
	Data []byte
	// Packet is the number of the packet in front of which the block stands.
	Packet int64
}

// Types of Secret (draft-ietf-opsawg-pcapng, Decryption Secrets Block).
const (
	SecretsTLSKeyLog       = 0x544c534b
	SecretsSSHKeyLog       = 0x5353484b
	SecretsWireGuardKeyLog = 0x57474b4c
)

// NameRecord says that an address has a name by the capturing machine.
type NameRecord struct {
	Addr netip.Addr
	Name string
}

// ProblemKind says what is wrong with a file.
type ProblemKind int

const (
	// CutShort: the file ends within a record or within its compressed data.
	CutShort ProblemKind = iota + 1
	// Corrupt: a record or the compressed data makes no sense. Nothing
	// behind it was read.
	Corrupt
	// ReadError: the operating system failed to open or read the file.
	ReadError
	// NotACapture: the file is something else; see FileError.
	NotACapture
	// LimitReached: the file has more secrets, names or interfaces than are
	// kept. Packets are not affected.
	LimitReached
)

var problemNames = [...]string{CutShort: "cut short", Corrupt: "corrupt", ReadError: "read error", NotACapture: "not a capture", LimitReached: "limit reached"}

func (k ProblemKind) String() string {
	if k > 0 && int(k) < len(problemNames) {
		return problemNames[k]
	}
	return fmt.Sprintf("problem %d", int(k))
}

// Problem is something that went wrong while a file was read.
type Problem struct {
	Kind ProblemKind
	// Offset is where, in bytes from the start of the uncompressed file.
	Offset int64
	// Packet is the number of the last good packet; 0 if there was none.
	Packet int64
	// Text says what happened and what to try, without the file's name.
	Text string
	// Err is the cause, if there is one: a *FileError for NotACapture.
	Err error
}

// FileError says that a file could not be read as a capture at all.
type FileError struct {
	Name string
	// Kind is NotACapture or ReadError.
	Kind ProblemKind
	// What the file seems to be: "a Windows event trace (ETL)".
	What string
	// Hint is what to do about it, for a person.
	Hint string
	// Err is the error of the operating system, if any.
	Err error
}

func (e *FileError) Error() string {
	text := e.Name + ": "
	switch {
	case e.Err != nil:
		text += e.Err.Error()
	case e.Kind == NotACapture:
		text += "not a packet capture: " + e.What
	default:
		text += e.What
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap gives the error of the operating system.
func (e *FileError) Unwrap() error { return e.Err }
