package decrypt

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxKeyLogLine is the longest line that is looked at; the longest of the
	// format has some 250 bytes.
	maxKeyLogLine = 4096
	// maxBadLines is the number of bad lines whose number is kept.
	maxBadLines = 8
)

// KeyLogError says that some lines of a key log are none. The others were
// added all the same. It holds no content of the lines.
type KeyLogError struct {
	Name  string
	Added int   // secrets that were added
	Bad   int   // lines that could not be read
	Lines []int // numbers of the first of them, from 1
	Full  bool  // MaxSecrets was reached
}

func (e *KeyLogError) Error() string {
	if e.Full {
		return fmt.Sprintf("%s: more than %d TLS secrets; the rest is left out: give a key log of these connections only", e.Name, MaxSecrets)
	}
	numbers := make([]string, len(e.Lines))
	for i, n := range e.Lines {
		numbers[i] = fmt.Sprint(n)
	}
	more := ""
	if e.Bad > len(e.Lines) {
		more = ", …"
	}
	return fmt.Sprintf("%s: %d of its lines are not in the NSS key log format (line %s%s); %d secrets were read: check that it is the file that SSLKEYLOGFILE named",
		e.Name, e.Bad, strings.Join(numbers, ", "), more, e.Added)
}

// AddKeyLog adds the secrets of a key log in the NSS format (the file that
// SSLKEYLOGFILE names, and the content of a pcapng decryption secrets block of
// type TLS). name stands in errors. Lines that cannot be read are skipped and
// reported by number in a [*KeyLogError]; any other error is one of reading.
//
// It understands CLIENT_RANDOM, PMS_CLIENT_RANDOM, both forms of RSA, and the
// traffic secrets of TLS 1.3; lines for other uses (exporters, QUIC, ECH) pass.
// A later line for the same connection replaces an earlier one.
func (k *Keys) AddKeyLog(r io.Reader, name string) error {
	in := bufio.NewReaderSize(r, maxKeyLogLine)
	report := &KeyLogError{Name: name}
	for number := 1; ; number++ {
		line, tooLong, err := readLine(in)
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if tooLong {
			report.bad(number)
		} else {
			k.addLine(line, number, report)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			k.added.Add(1)
			return fmt.Errorf("%s: line %d: %w", name, number, err)
		}
	}
	k.added.Add(1)
	if report.Bad > 0 || report.Full {
		return report
	}
	return nil
}

// readLine returns a line without its end. One that is too long is skipped.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	line, err = in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		_, err = in.ReadSlice('\n')
	}
	return bytes.TrimSpace(line), tooLong, err
}

func (e *KeyLogError) bad(number int) {
	e.Bad++
	if len(e.Lines) < maxBadLines {
		e.Lines = append(e.Lines, number)
	}
}

func (k *Keys) addLine(line []byte, number int, report *KeyLogError) {
	if len(line) == 0 || line[0] == '#' {
		return
	}
	set, ok := parseLine(line)
	switch {
	case !ok:
		report.bad(number)
	case set == nil: // a line for another use
	default:
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.count >= MaxSecrets {
			report.Full = true
			return
		}
		k.count++
		report.Added++
		set(k)
	}
}

// parseLine reads a line into what it does to Keys: nothing for one that
// other uses of the format need.
func parseLine(line []byte) (set func(*Keys), ok bool) {
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return nil, false
	}
	name := string(fields[0])
	if name == "RSA" {
		return parseRSA(fields[1:])
	}
	if len(fields) != 3 || !isLabel(name) {
		return nil, false
	}
	value, err := unhex(fields[2])
	if err != nil || len(value) == 0 {
		return nil, false
	}
	random, err := unhex(fields[1])
	if err != nil {
		return nil, false
	}
	return parseSecret(name, random, value)
}

func parseSecret(name string, random, value []byte) (set func(*Keys), ok bool) {
	l, traffic := trafficLabels[name]
	if !traffic && name != "CLIENT_RANDOM" && name != "PMS_CLIENT_RANDOM" {
		return nil, true
	}
	if len(random) != 32 {
		return nil, false
	}
	switch {
	case name == "CLIENT_RANDOM" && len(value) != masterLength:
		return nil, false
	case traffic && len(value) != 32 && len(value) != 48:
		return nil, false
	}
	return func(k *Keys) {
		if k.clients == nil {
			k.clients = make(map[[32]byte]secrets)
		}
		s := k.clients[[32]byte(random)]
		switch {
		case traffic:
			s.traffic[l] = value
		case name == "CLIENT_RANDOM":
			s.master = value
		default:
			s.premaster = value
			k.hasPremaster = true
		}
		k.clients[[32]byte(random)] = s
	}, true
}

// trafficLabels are the lines that decryption needs; the secrets of later
// generations (CLIENT_TRAFFIC_SECRET_1 and on) follow from the first ones.
var trafficLabels = map[string]label{
	"CLIENT_EARLY_TRAFFIC_SECRET":     clientEarly,
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET": clientHandshake,
	"SERVER_HANDSHAKE_TRAFFIC_SECRET": serverHandshake,
	"CLIENT_TRAFFIC_SECRET_0":         clientTraffic,
	"SERVER_TRAFFIC_SECRET_0":         serverTraffic,
}

// parseRSA reads what follows "RSA": the first eight bytes of the encrypted
// premaster secret and the premaster secret, or "Session-ID:" and
// "Master-Key:".
func parseRSA(fields [][]byte) (set func(*Keys), ok bool) {
	if len(fields) != 2 {
		return nil, false
	}
	if id, found := bytes.CutPrefix(fields[0], []byte("Session-ID:")); found {
		key, found := bytes.CutPrefix(fields[1], []byte("Master-Key:"))
		session, err1 := unhex(id)
		master, err2 := unhex(key)
		if !found || err1 != nil || err2 != nil || len(master) != masterLength || len(session) == 0 || len(session) > 32 {
			return nil, false
		}
		return func(k *Keys) {
			if k.sessions == nil {
				k.sessions = make(map[string][]byte)
			}
			k.sessions[string(session)] = master
		}, true
	}
	encrypted, err1 := unhex(fields[0])
	premaster, err2 := unhex(fields[1])
	if err1 != nil || err2 != nil || len(encrypted) != 8 || len(premaster) != 48 {
		return nil, false
	}
	return func(k *Keys) {
		if k.rsa == nil {
			k.rsa = make(map[[8]byte][]byte)
		}
		k.rsa[[8]byte(encrypted)] = premaster
	}, true
}

func unhex(b []byte) ([]byte, error) {
	to := make([]byte, hex.DecodedLen(len(b)))
	_, err := hex.Decode(to, b)
	return to, err
}

func isLabel(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
