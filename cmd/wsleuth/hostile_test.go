package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// hostile are texts that mean something to one of the formats, or to what shows them.
var hostile = []string{
	`<script>window.owned=1</script>`, `"><img src=x onerror=window.owned=1>`, `</script><script>window.owned=1</script>`,
	`<svg/onload=window.owned=1>`, `'-(window.owned=1)-'`, `</style><style>*{display:none}</style>`, `{{.}}${window.owned=1}`, `<!--`, `]]>`,
	"<a href=javascript:window.owned=1>x</a>", "[x](javascript:window.owned=1)", "![x](http://evil.example/x.png)", "```\n# owned", "` `` ``` owned", "~~~", "| a | b |", "</details>", "<!-- owned",
	"@everyone #1 GH-1 http://evil.example www.evil.example", "# owned", "* owned", "_owned_ **owned**", "$owned$", "end\n    Note over P0: owned", "%%{init: {}}%%", "P0->>P1: owned; click P0 href",
	"\x1b]0;owned\x07\x1b[31m", "\u009b31m\x7f", "\u202egnp.exe\u2066", "a\u200bb\u2028c\u0085d\ufeff", "\r\nowned: 1", "\x00\xff\xfe",
	`=cmd|'/c calc'!A1`, `+1+1`, `-2+3`, `@SUM(1)`, `;=1+1;-1`, "\t=1+1", " =1+1", "＝1+1", `"=1+1`, `%0a=1`,
}

// tcpStream writes packets of one TCP connection over IPv4 into a pcap file.
type tcpStream struct {
	b     *bytes.Buffer
	clock *uint32 // microseconds
	port  uint16
	seq   [2]uint32
}

func pcapHeader(b *bytes.Buffer) {
	for _, v := range []uint32{0xa1b2c3d4, 2 | 4<<16, 0, 0, 262144, 101} { // LINKTYPE_RAW
		binary.Write(b, binary.LittleEndian, v)
	}
}

const (
	tcpFIN, tcpSYN, tcpRST, tcpPSH, tcpACK = 1, 2, 4, 8, 16
)

// send writes a packet of one side: 0 is the client.
func (s *tcpStream) send(side int, flags byte, payload string) {
	*s.clock += 1000
	packet := make([]byte, 40, 40+len(payload))
	packet[0], packet[8], packet[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(packet[2:], uint16(40+len(payload)))
	addresses := [2][4]byte{{10, 66, 0, 1}, {10, 66, 0, 2}}
	ports := [2]uint16{s.port, 80}
	copy(packet[12:], addresses[side][:])
	copy(packet[16:], addresses[1-side][:])
	binary.BigEndian.PutUint16(packet[20:], ports[side])
	binary.BigEndian.PutUint16(packet[22:], ports[1-side])
	binary.BigEndian.PutUint32(packet[24:], s.seq[side])
	binary.BigEndian.PutUint32(packet[28:], s.seq[1-side])
	packet[32], packet[33] = 5<<4, flags
	binary.BigEndian.PutUint16(packet[34:], 65000)
	packet = append(packet, payload...)
	s.seq[side] += uint32(len(payload))
	if flags&(tcpSYN|tcpFIN) != 0 {
		s.seq[side]++
	}
	for _, v := range []uint32{1790000000 + *s.clock/1e6, *s.clock % 1e6, uint32(len(packet)), uint32(len(packet))} {
		binary.Write(s.b, binary.LittleEndian, v)
	}
	s.b.Write(packet)
}

func (s *tcpStream) open() {
	s.send(0, tcpSYN, "")
	s.send(1, tcpSYN|tcpACK, "")
	s.send(0, tcpACK, "")
}

func (s *tcpStream) end() {
	s.send(1, tcpFIN|tcpACK, "")
	s.send(0, tcpFIN|tcpACK, "")
	s.send(1, tcpACK, "")
}

// hostileCapture has for each text a refused handshake with it in every place, and a WebSocket that closes with it.
func hostileCapture(texts []string) []byte {
	var b bytes.Buffer
	pcapHeader(&b)
	clock := uint32(0)
	for i, text := range texts {
		line := strings.NewReplacer("\r", "", "\n", "").Replace(text)
		path := strings.ReplaceAll(line, " ", "")
		request := "GET /" + path + "?x=" + path + " HTTP/1.1\r\nHost: app.test" + path + "\r\nOrigin: http://" + line + "\r\nUser-Agent: " + line +
			"\r\nSec-WebSocket-Protocol: " + line + "\r\nX-" + strings.ReplaceAll(path, ":", "") + ": " + line +
			"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
		refused := &tcpStream{b: &b, clock: &clock, port: uint16(20000 + i)}
		refused.open()
		refused.send(0, tcpPSH|tcpACK, request)
		refused.send(1, tcpPSH|tcpACK, "HTTP/1.1 403 "+line+"\r\nServer: "+line+"\r\nLocation: "+line+"\r\nContent-Type: text/html\r\nContent-Length: "+itoa(len(text))+"\r\n\r\n"+text)
		refused.end()
		closed := &tcpStream{b: &b, clock: &clock, port: uint16(30000 + i)}
		closed.open()
		closed.send(0, tcpPSH|tcpACK, request)
		closed.send(1, tcpPSH|tcpACK, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		closed.send(1, tcpPSH|tcpACK, "\x88"+string(rune(len(text)+2))+"\x03\xf3"+text)
		closed.end()
	}
	return b.Bytes()
}

func itoa(n int) string {
	return strings.TrimSpace(strings.Join([]string{string(rune('0' + n/10)), string(rune('0' + n%10))}, ""))
}

// hostileOutputs analyses the corpus and gives every format's text.
func hostileOutputs(t *testing.T) (string, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "=cmd <script>window.owned=1<!-- `x` \u202e.pcap")
	if err := os.WriteFile(name, hostileCapture(hostile), 0o600); err != nil {
		t.Skipf("this file system does not take the name: %v", err)
	}
	args := []string{"--utc", "--quiet", "--exit-zero", name}
	formats := []string{"table", "json", "ndjson", "html", "markdown", "csv"}
	for _, f := range formats {
		args = append(args, "-o", f+"="+filepath.Join(dir, f))
	}
	if code, _, stderr := runWith(t, args...); code != exitFine {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	texts := make(map[string]string)
	for _, f := range formats {
		data, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(data)
	}
	var ids []string
	rows, err := csv.NewReader(strings.NewReader(texts["csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		ids = append(ids, row[0])
	}
	if len(ids) < 2*len(hostile)-4 {
		t.Errorf("%d connections are reported of %d texts", len(ids), len(hostile))
	}
	_, texts["story"], _ = runWith(t, "show", name, "--connection", strings.Join(ids[:min(len(ids), 99)], ","), "--utc", "--quiet")
	return filepath.Join(dir, "html"), texts
}

// No control character, nothing invisible and nothing that turns the direction
// of text gets out, in any format.
func TestHostileTextIsPrintable(t *testing.T) {
	_, texts := hostileOutputs(t)
	for format, text := range texts {
		if len(text) < 1000 {
			t.Errorf("%s: only %d bytes", format, len(text))
		}
		for i, r := range text {
			if r == '\n' || r == '\r' && format == "csv" && strings.HasPrefix(text[i:], "\r\n") || r == '\t' && format == "html" {
				continue
			}
			if !unicode.IsPrint(r) {
				t.Errorf("%s: byte %d is %U: %.80q", format, i, r, text[max(0, i-40):])
				break
			}
		}
	}
}

// The page has the elements of its template and no others.
func TestHostileTextInHTML(t *testing.T) {
	file, texts := hostileOutputs(t)
	tree, err := html.Parse(strings.NewReader(texts["html"]))
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode {
			if n.Type == html.CommentNode {
				t.Errorf("a comment: %.60q", n.Data)
			}
			continue
		}
		counts[n.Data]++
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "srcdoc":
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:,":
				t.Errorf("<%s href=%q>", n.Data, a.Val)
			}
		}
	}
	for name, want := range map[string]int{"script": 2, "style": 1, "img": 0, "iframe": 0, "link": 1, "form": 0, "base": 0, "object": 0} {
		if counts[name] != want {
			t.Errorf("%d elements %s", counts[name], name)
		}
	}
	b := newBrowser(t)
	b.view(1280, 900, "light")
	b.open(file)
	b.eval(`document.querySelectorAll("details").forEach(d => d.open = true)`)
	b.eval(`document.querySelectorAll("#table th button").forEach(h => h.click())`)
	b.eval(`new Promise(r => setTimeout(r, 200))`)
	if b.eval(`typeof window.owned`) != "undefined" {
		t.Error("a script of the capture ran")
	}
	quiet(t, b)
}

// Outside of code there is no markup in Markdown but that of the format itself.
func TestHostileTextInMarkdown(t *testing.T) {
	_, texts := hostileOutputs(t)
	tags := regexp.MustCompile(`</?(details|summary)>|<!-- -->`)
	fence := ""
	for i, line := range strings.Split(texts["markdown"], "\n") {
		ticks := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case fence == "" && ticks >= 3 && !strings.Contains(line[ticks:], "`"):
			fence = line[:ticks]
			continue
		case fence != "":
			if strings.TrimRight(line, " ") == fence {
				fence = ""
			}
			continue
		}
		rest := withoutCode(tags.ReplaceAllString(line, ""))
		rest = regexp.MustCompile(`\\.`).ReplaceAllString(rest, "") // escaped
		for _, bad := range []string{"<", "](", "![", "://", "@", "www.", "$"} {
			if strings.Contains(rest, bad) {
				t.Errorf("line %d has %q: %q", i+1, bad, line)
			}
		}
	}
	if fence != "" {
		t.Error("a block of code does not end")
	}
}

// withoutCode leaves out code spans: what stands between two runs of backticks
// of the same length (CommonMark, section 6.1).
func withoutCode(line string) string {
	var b strings.Builder
	runs := regexp.MustCompile("`+")
	for {
		open := runs.FindStringIndex(line)
		if open == nil {
			b.WriteString(line)
			return b.String()
		}
		if open[0] > 0 && line[open[0]-1] == '\\' { // escaped: no run begins here
			b.WriteString(line[:open[0]+1])
			line = line[open[0]+1:]
			continue
		}
		b.WriteString(line[:open[0]])
		run, rest := line[open[0]:open[1]], line[open[1]:]
		line = rest
		for _, shut := range runs.FindAllStringIndex(rest, -1) {
			if rest[shut[0]:shut[1]] == run {
				line = rest[shut[1]:]
				break
			}
		}
	}
}

// No cell of a spreadsheet begins like a formula, whatever separates cells.
func TestHostileTextInCSV(t *testing.T) {
	_, texts := hostileOutputs(t)
	for _, comma := range []rune{',', ';'} {
		r := csv.NewReader(strings.NewReader(texts["csv"]))
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = comma, true, -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			for k, cell := range row {
				if cell = strings.TrimLeft(cell, " \""); cell != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(cell)[0]) {
					t.Errorf("row %d, cell %d: %q", i, k, cell)
				}
			}
		}
	}
}
