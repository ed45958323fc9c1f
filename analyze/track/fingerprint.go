package track

import (
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// A WebSocket shows through TLS by the lengths of its records: one of the size
// of a request, an answer of the size of a 101, then records that are shorter
// than any HTTP head although they begin a turn. Lengths are those of the
// plaintext, as the cipher suite tells them (padding, which nobody uses, would hide it).
const (
	// shortestRequest and longestRequest bound an Upgrade request: RFC 6455
	// section 4.1 demands five fields beside Host.
	shortestRequest, longestRequest = 120, 16384
	// shortestAnswer and longestAnswer bound a 101: the least that it holds
	// are 129 bytes; cookies and the names of proxies make it longer.
	shortestAnswer, longestAnswer = 120, 2048
	// headless is less than any HTTP head that is seen in the wild: a request
	// line with Host, or a status line with Date.
	headless = 60
	// leastFrame is the shortest frame of a client: a masked one without payload.
	leastFrame = 6
	// alertLength is the length of an alert, which is that of a server's empty Ping, too.
	alertLength = 2
)

// likeness is how far a connection looks like a WebSocket from outside.
type likeness struct {
	stage    uint8
	overhead uint8 // of a record over its plaintext
	finished uint8 // length of the client's Finished record (TLS 1.3)
	last     record.Dir
	alerts   [2]record.Ref // records that may be alerts, until another one follows

	request, answer     uint16
	requestAt, answerAt record.Ref
	pending             uint16 // the last record of the answer that has a 101's size
	first               uint16 // the first record of the answer, which may be a session ticket
	firstAt             record.Ref
	short               [2]uint32 // records too short for a head that begin a turn
}

const (
	stageStart uint8 = iota
	stageHandshake
	stageRequest
	stageAnswer
	stageMessages
	stageOther
)

// see takes the next encrypted record of application data that was not opened.
func (k *likeness) see(st *decrypt.State, d record.Dir, length int, at record.Ref) {
	if k.stage == stageStart {
		k.begin(st)
	}
	plain := max(0, length-int(k.overhead))
	turn := d != k.last
	switch k.stage {
	case stageHandshake:
		if d == record.Client && length == int(k.finished) {
			k.stage = stageRequest
		}
	case stageRequest:
		k.awaitRequest(st, d, plain, at)
	case stageAnswer:
		if d == record.Client {
			k.endAnswer(plain)
		} else {
			k.awaitAnswer(plain, at)
		}
	case stageMessages:
		if turn && plain < headless && plain > alertLength && (d == record.Server || plain >= leastFrame) {
			k.short[d]++
		}
	}
	k.last = d
}

// begin chooses by version and cipher suite how lengths are to be read.
func (k *likeness) begin(st *decrypt.State) {
	k.stage = stageOther
	hello := st.ClientHello
	if hello == nil || st.ServerHello == nil || st.ALPN != "" && !strings.HasPrefix(st.ALPN, "http/1.") {
		return
	}
	for _, p := range hello.ALPN {
		if !strings.HasPrefix(p, "http/") && p != "h2" && p != "h3" && !greaseProtocol(p) {
			return // something else than HTTP
		}
	}
	suite := st.CipherSuite.String()
	switch {
	case st.Version == tls.TLS13 && hello.EarlyData:
		return
	case st.Version == tls.TLS13:
		k.overhead = 1 + 16
		if strings.HasSuffix(suite, "CCM_8_SHA256") {
			k.overhead = 1 + 8
		}
		hash := 32
		if strings.HasSuffix(suite, "SHA384") {
			hash = 48
		}
		k.finished = uint8(4 + hash + int(k.overhead))
		k.stage = stageHandshake
		if slices.Contains(hello.ALPN, "h2") && !chosenHTTP1(st) {
			k.stage = stageOther
		}
		return
	case st.Version < tls.TLS11:
		return // records of one byte against BEAST look like messages
	case strings.Contains(suite, "CHACHA20"):
		k.overhead = 16
	case strings.Contains(suite, "CCM_8"):
		k.overhead = 8 + 8
	case strings.Contains(suite, "GCM"), strings.Contains(suite, "CCM"):
		k.overhead = 8 + 16
	default: // CBC: IV, MAC and at least one byte of padding
		k.overhead = 16 + 20 + 1
	}
	k.stage = stageRequest
}

func greaseProtocol(p string) bool {
	return len(p) == 2 && tls.IsGREASE(uint16(p[0])<<8|uint16(p[1]))
}

// chosenHTTP1 tells by the length of the server's EncryptedExtensions, its
// first encrypted record in TLS 1.3, that http/1.1 was selected of a list with
// h2: the message has 4 bytes of header and 2 of length, the ALPN extension 7
// and the name's length, and an empty server_name 4.
func chosenHTTP1(st *decrypt.State) bool {
	const without = 4 + 2 + 1 + 16
	const alpn = 7 + len("http/1.1")
	n := int(st.Sides[decrypt.Server].FirstSealed)
	return n == without+alpn || n == without+alpn+4
}

func (k *likeness) awaitRequest(st *decrypt.State, d record.Dir, plain int, at record.Ref) {
	switch {
	case d == record.Server && st.Version < tls.TLS13:
		k.stage = stageOther // the server speaks first
	case d == record.Server: // session tickets
	case plain < shortestRequest || plain > longestRequest:
		k.stage = stageOther
	default:
		k.stage, k.request, k.requestAt = stageAnswer, uint16(plain), at
	}
}

// awaitAnswer takes the records that follow the request: session tickets, the
// answer, and messages that the server sends at once.
func (k *likeness) awaitAnswer(plain int, at record.Ref) {
	fits := plain >= shortestAnswer && plain <= longestAnswer
	switch {
	case k.first == 0 && !fits:
		k.stage = stageOther
	case k.first == 0:
		k.first, k.firstAt = uint16(plain), at
		k.pending, k.answerAt = uint16(plain), at
	case fits:
		k.pending, k.answerAt = uint16(plain), at
	}
}

func (k *likeness) endAnswer(plain int) {
	if k.pending == 0 {
		k.stage = stageOther // the request goes on, or another follows at once
		return
	}
	k.stage, k.answer = stageMessages, k.pending
	if plain < headless && plain >= leastFrame {
		k.short[record.Client]++
	}
}

// alike tells whether what was seen can hardly be anything else than a
// WebSocket, and how sure that is. Both sides must have sent what HTTP cannot,
// and more than a single exchange.
func (k *likeness) alike(st *decrypt.State, port uint16) (record.Confidence, bool) {
	client, server := k.short[record.Client], k.short[record.Server]
	if k.stage != stageMessages || client == 0 || client+server < 2 || otherPort(port) {
		return "", false
	}
	only := len(st.ClientHello.ALPN) == 1 && st.ClientHello.ALPN[0] == "http/1.1"
	switch {
	case client+server >= 4 && server > 0, only && server > 0:
		return record.Likely, true
	case client+server >= 3 || server > 0:
		return record.Possible, true
	}
	return "", false
}

// otherPorts speak TLS from the first byte, and no HTTP in it (IANA Service
// Name and Transport Protocol Port Number Registry; 5228 to 5230 are Google's push service).
var otherPorts = []uint16{465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 2083, 3269, 5061, 5223, 5228, 5229, 5230, 5269, 5270, 5671, 6514, 6679, 6697, 8883, 9001}

func otherPort(port uint16) bool {
	_, found := slices.BinarySearch(otherPorts, port)
	return found
}

// fact is what rules and reports get of it.
func (k *likeness) fact(confidence record.Confidence) *record.TLSLikeness {
	return &record.TLSLikeness{Confidence: confidence, Request: int(k.request), RequestRef: k.requestAt, Answer: int(k.answer), AnswerRef: k.answerAt,
		Short: [2]int{int(k.short[record.Client]), int(k.short[record.Server])}}
}
