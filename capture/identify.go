package capture

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// identifyLength is how many bytes identify looks at: a tar archive shows
// itself at byte 257.
const identifyLength = 512

const (
	hintEditcap  = "convert it with `editcap FILE out.pcapng`, or open it in Wireshark and save it as pcapng"
	hintETL      = "convert it with `pktmon etl2pcap FILE`, or with etl2pcapng if `netsh trace` wrote it"
	hintUnpack   = "unpack it and name the captures in it"
	hintNotThis  = "name the capture file (pcap or pcapng)"
	hintPrinted  = "capture with `tcpdump -w capture.pcap`; what tcpdump or tshark print cannot be read back"
	hintKeyLog   = "give it as the key log beside the capture"
	hintHAR      = "a HAR has no packets: capture with tcpdump, dumpcap or Wireshark"
	hintEmpty    = "check that the capture was started with the rights that it needs, and that the disk is not full"
	hintBTSnoop  = "it holds Bluetooth traffic and no IP packets that could be read"
	hintStdinRun = "check that the command in front of the pipe runs and writes packets (`tcpdump -w -`)"
)

// strangers are the files that are taken for captures, by their first bytes.
var strangers = []struct {
	magic, what, hint string
}{
	{"GMBU", "a Microsoft Network Monitor 2 capture", hintEditcap},
	{"RTSS", "a Microsoft Network Monitor 1 capture", hintEditcap},
	{"snoop\x00\x00\x00", "a snoop capture (Solaris)", hintEditcap},
	{"btsnoop\x00", "a btsnoop capture (Bluetooth)", hintBTSnoop},
	{"iptrace 1.0", "an iptrace capture (AIX)", hintEditcap},
	{"iptrace 2.0", "an iptrace capture (AIX)", hintEditcap},
	{"XCP\x00", "a NetXRay or Sniffer capture", hintEditcap},
	{"TRSNIFF data", "a Sniffer capture", hintEditcap},
	{"\x7fNPKT", "an Observer or OmniPeek capture", hintEditcap},
	{"ObserverPktBufferVersion", "an Observer capture", hintEditcap},
	{"\x7fver", "an OmniPeek capture", hintEditcap},
	{"\x7fELF", "a program", hintNotThis},
	{"MZ", "a program", hintNotThis},
	{"%PDF", "a PDF document", hintNotThis},
	{"PK\x03\x04", "a zip archive", hintUnpack},
	{"PK\x05\x06", "an empty zip archive", hintUnpack},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", hintUnpack},
	{"Rar!\x1a\x07", "a rar archive", hintUnpack},
	{"LZIP", "lzip data", hintUnpack},
	{"\x5d\x00\x00", "lzma data", hintUnpack},
	{"\x1f\x9d", "compress (.Z) data", hintUnpack},
	{"SQLite format 3\x00", "an SQLite database", hintNotThis},
}

// strangeNames are formats that their content does not give away.
var strangeNames = []struct {
	ext, what, hint string
}{
	{".etl", "a Windows event trace (ETL)", hintETL},
	{".erf", "an Endace ERF capture", hintEditcap},
	{".ncf", "a CommView capture", hintEditcap},
	{".ncfx", "a CommView capture", hintEditcap},
	{".5vw", "a 5View capture", hintEditcap},
	{".vwr", "an IxVeriWave capture", hintEditcap},
	{".pklg", "an Apple PacketLogger capture", hintEditcap},
	{".mplog", "a Micropross capture", hintEditcap},
}

// identify says what a file is that is no capture, from its first bytes.
func identify(name string, b []byte) *FileError {
	what, hint := stranger(name, b)
	file := name
	if name == "-" {
		file = "the file"
	}
	hint = strings.ReplaceAll(hint, "FILE", file)
	return &FileError{Name: name, Kind: NotACapture, What: what, Hint: hint}
}

func stranger(name string, b []byte) (what, hint string) {
	if len(b) == 0 {
		if name == "-" {
			return "standard input is empty", hintStdinRun
		}
		return "the file is empty", hintEmpty
	}
	if isETL(b) {
		return "a Windows event trace (ETL)", hintETL
	}
	for _, s := range strangers {
		if bytes.HasPrefix(b, []byte(s.magic)) {
			return s.what, s.hint
		}
	}
	if len(b) > 262 && string(b[257:262]) == "ustar" {
		return "a tar archive", hintUnpack
	}
	if what, hint := textual(b); what != "" {
		return what, hint
	}
	for _, s := range strangeNames {
		if strings.EqualFold(filepath.Ext(name), s.ext) {
			return "it looks like " + s.what, s.hint
		}
	}
	if len(bytes.Trim(b, "\x00")) == 0 {
		return "it begins with zero bytes", "the disk was full, or the copy went wrong: copy it again"
	}
	return "its first bytes are those of no capture format that can be read here", hintEditcap
}

// isETL recognises the header of the first buffer of an event trace: its
// size, and the system header of the event in it.
func isETL(b []byte) bool {
	if len(b) < 76 {
		return false
	}
	size, saved := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	return size >= 1024 && size <= 16<<20 && size%1024 == 0 && saved <= size &&
		b[75] == 0xc0 && (b[74] == 1 || b[74] == 2)
}

// textual tells kinds of text apart; what is empty if b is no text.
func textual(b []byte) (what, hint string) {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return "text (UTF-16)", hintPrinted
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	if !isText(b) {
		return "", ""
	}
	lower := strings.ToLower(string(b))
	switch {
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"):
		return "an HTML page", "the download probably gave a login or error page: fetch the capture again"
	case strings.HasPrefix(lower, "<?xml"), strings.HasPrefix(lower, "<pdml"), strings.HasPrefix(lower, "<psml"):
		return "XML", hintPrinted
	case strings.HasPrefix(lower, "{") && strings.Contains(lower, `"log"`) && strings.Contains(lower, `"version"`):
		return "a HAR (HTTP archive)", hintHAR
	case strings.HasPrefix(lower, "{"), strings.HasPrefix(lower, "["):
		return "JSON", hintNotThis
	case strings.HasPrefix(lower, "client_random "), strings.HasPrefix(lower, "# ssl/tls secrets"),
		strings.Contains(lower, "client_handshake_traffic_secret "), strings.Contains(lower, "client_random "):
		return "a TLS key log", hintKeyLog
	case strings.HasPrefix(lower, "0000  "), strings.HasPrefix(lower, "000000 "), strings.HasPrefix(lower, "0x0000:"):
		return "a hex dump", "convert it with `text2pcap FILE out.pcapng`"
	}
	return "text", hintPrinted
}

// isText reports whether b, which may end within a character, is UTF-8
// without control characters.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 && utf8.FullRune(b) {
			return false
		}
		if r < ' ' && !strings.ContainsRune("\t\n\r\f\x1b", r) || r == 0x7f {
			return false
		}
		b = b[n:]
	}
	return true
}
