package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// evidenceCases are captures of the project with a connection that failed.
var evidenceCases = []string{
	"plain/idle-nginx-5s.client.pcap", "plain/nginx-strips-upgrade.client.pcap", "plain/firewall-rst-client.client.pcap", "plain/noresp-capture-ends.client.pcap",
	"plain/noise-failing.client.pcap", "plain/connect-icmp-host-prohibited.client.pcap", "plain/frame-masked-server-node.client.pcap", "plain/close-1011-server.client.pcap",
	"plain/mass-killed.client.pcap", "roads/encap-vxlan.pcap", "roads/frag-ipv4.client.pcap", "tls/inside-1011.pcap", "tls/squid-tunnel-closed.pcap",
}

func sample(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "captures", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// analysed gives the result of a run with these arguments.
func analysed(t *testing.T, args ...string) record.Report {
	t.Helper()
	code, stdout, stderr := runWith(t, append([]string{"--exit-zero", "--quiet", "--utc", "-o", "json"}, args...)...)
	if code != exitFine {
		t.Fatalf("%v: exit status %d: %s", args, code, stderr)
	}
	var r record.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// failuresOf are the failed connections with what was found about them.
func failuresOf(r record.Report) (list []string) {
	for _, c := range r.Connections {
		var codes []string
		failed := false
		for _, f := range c.Findings {
			codes = append(codes, f.Code+" "+string(f.Confidence))
			failed = failed || f.Severity == record.Error
		}
		if failed && c.RecognizedBy != record.ByNothing {
			list = append(list, fmt.Sprint(c.Outcome, c.Fault, codes))
		}
	}
	slices.Sort(list)
	return list
}

// The evidence alone gives the same findings, and holds no more than it must.
func TestEvidence(t *testing.T) {
	for _, name := range evidenceCases {
		t.Run(filepath.Base(name), func(t *testing.T) {
			path, out := sample(t, name), filepath.Join(t.TempDir(), "evidence.pcapng")
			args := []string{"--evidence", out, path}
			if keys := strings.TrimSuffix(path, ".pcap") + ".keys"; exists(keys) {
				args = append(args, "--keylog", keys, "--with-secrets")
			}
			before := analysed(t, args...)
			want := failuresOf(before)
			if len(want) == 0 {
				if exists(out) {
					t.Error("there is evidence of no failure")
				}
				t.Skip("nothing fails in it")
			}
			if got := failuresOf(analysed(t, out)); !slices.Equal(got, want) {
				t.Errorf("the evidence gives %q, want %q", got, want)
			}
			whole, part := packets(t, path), packets(t, out)
			if len(part) > len(whole) {
				t.Errorf("%d packets of %d", len(part), len(whole))
			}
			times := make(map[int64]capture.Packet)
			for _, p := range whole {
				times[p.Time] = p
			}
			for _, p := range part {
				if o, ok := times[p.Time]; !ok || o.LinkType != p.LinkType || o.Length != p.Length {
					t.Errorf("packet %d is no packet of the capture", p.Number)
				}
			}
		})
	}
}

func exists(file string) bool { _, err := os.Stat(file); return err == nil }

func packets(t *testing.T, file string) []capture.Packet {
	t.Helper()
	src, err := capture.Open(t.Context(), []string{file}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var list []capture.Packet
	for {
		var p capture.Packet
		if err := src.Next(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		list = append(list, p)
	}
}

// Only the connections that are asked for, with the findings where they are proven.
func TestEvidenceOfOneConnection(t *testing.T) {
	out := filepath.Join(t.TempDir(), "evidence.pcapng")
	path := sample(t, "plain/mass-killed.client.pcap")
	all := analysed(t, path)
	one := all.Connections[1]
	analysed(t, "--evidence", out, "--connection", one.ID, path)
	r := analysed(t, out)
	if len(r.Connections) != 1 || r.Connections[0].Client != one.Client {
		t.Fatalf("%d connections are in the evidence", len(r.Connections))
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range one.Findings {
		if text := f.Code + " " + f.Slug + ": " + f.Title; !bytes.Contains(data, []byte(text)) {
			t.Errorf("no comment says %q", text)
		}
	}
}

// tshark shows the comments at the packets that prove the findings.
func TestEvidenceInTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	out := filepath.Join(t.TempDir(), "evidence.pcapng")
	path := sample(t, "plain/idle-nginx-5s.client.pcap")
	analysed(t, "--evidence", out, path)
	shown, err := exec.Command(tshark, "-r", out, "-Y", "frame.comment", "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.comment").Output()
	if err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	for _, want := range []string{"WS716 idle-timeout: ", "WS701 closed-without-close-frame: ", "packet 18 of idle-nginx-5s.client.pcap"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("tshark does not show %q: %s", want, shown)
		}
	}
}

// The secrets are those of the chosen connections, and are there only if asked for.
func TestEvidenceSecrets(t *testing.T) {
	path := sample(t, "tls/inside-1011.pcap")
	keys := strings.TrimSuffix(path, ".pcap") + ".keys"
	lines, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	foreign := "CLIENT_RANDOM " + strings.Repeat("ab", 32) + " " + strings.Repeat("cd", 48) + "\n"
	more := filepath.Join(t.TempDir(), "more.keys")
	if err := os.WriteFile(more, append([]byte(foreign), lines...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, with := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "evidence.pcapng")
		args := []string{"--evidence", out, "--keylog", more, path}
		if with {
			args = append(args, "--with-secrets")
		}
		analysed(t, args...)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(strings.Repeat("cd", 48))) {
			t.Error("a secret of another connection is in the evidence")
		}
		secret := bytes.Fields(bytes.SplitN(bytes.TrimSpace(lines), []byte("\n"), 3)[1])
		if got := bytes.Contains(data, secret[2]); got != with {
			t.Errorf("secrets asked for: %v, there: %v", with, got)
		}
	}
}

// With --anonymize no address and no name is left, in any report and in the
// evidence, and with the same key it becomes the same.
func TestAnonymizeEverything(t *testing.T) {
	for _, name := range evidenceCases {
		t.Run(filepath.Base(name), func(t *testing.T) {
			path, dir := sample(t, name), t.TempDir()
			var runs [2]map[string][]byte
			for i := range runs {
				runs[i] = anonymized(t, path, dir, fmt.Sprint(i))
			}
			original := analysed(t, path)
			for kind, data := range runs[0] {
				if !bytes.Equal(data, runs[1][kind]) {
					t.Errorf("%s is not the same with the same key", kind)
				}
				for _, c := range original.Connections {
					for _, secret := range secretsOfConnection(c, kind == "evidence") {
						if bytes.Contains(bytes.ToLower(data), []byte(strings.ToLower(secret))) {
							t.Errorf("%q is in the %s", secret, kind)
						}
					}
				}
			}
		})
	}
}

func anonymized(t *testing.T, path, dir, run string) map[string][]byte {
	t.Helper()
	files := map[string]string{"evidence": filepath.Join(dir, run+".pcapng")}
	args := []string{"--exit-zero", "--quiet", "--utc", "--anonymize-key", filepath.Join(dir, "key"), "--evidence", files["evidence"], path}
	for _, f := range []string{"table", "json", "ndjson", "html", "markdown", "csv"} {
		files[f] = filepath.Join(dir, run+f)
		args = append(args, "-o", f+"="+files[f])
	}
	if code, _, stderr := runWith(t, args...); code != exitFine {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	texts := make(map[string][]byte)
	for kind, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			texts[kind] = data
		}
	}
	return texts
}

// secretsOfConnection are texts that must not be left of a connection.
func secretsOfConnection(c *record.Connection, raw bool) []string {
	list := []string{c.Client.Addr().String(), c.Server.Addr().String()}
	host, _, _ := strings.Cut(c.Host, ":")
	if _, err := netip.ParseAddr(host); err != nil && len(host) > 3 {
		list = append(list, host)
	}
	if c.TLS != nil && c.TLS.SNI != "" {
		list = append(list, c.TLS.SNI)
	}
	if raw {
		list = append(list, string(c.Client.Addr().AsSlice())+string(c.Server.Addr().AsSlice()), string(c.Server.Addr().AsSlice())+string(c.Client.Addr().AsSlice()))
	}
	return list
}

// With --strip-payload no message is left, and the findings are the same.
func TestStripPayload(t *testing.T) {
	var b bytes.Buffer
	pcapHeader(&b)
	clock := uint32(0)
	s := &tcpStream{b: &b, clock: &clock, port: 40000}
	s.open()
	s.send(0, tcpPSH|tcpACK, "GET /chat?token=secret-token HTTP/1.1\r\nHost: app.test\r\nCookie: a=secret-cookie\r\nAuthorization: Basic secret-basic\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	s.send(1, tcpPSH|tcpACK, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	s.send(1, tcpPSH|tcpACK, "\x81\x0esecret-message")
	s.send(1, tcpPSH|tcpACK, "\x88\x02\x03\xf3")
	s.end()
	path, out := filepath.Join(t.TempDir(), "a.pcap"), filepath.Join(t.TempDir(), "evidence.pcapng")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want := analysed(t, "--evidence", out, "--strip-payload", path)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(data, []byte("secret")); i >= 0 {
		t.Errorf("a secret is left: %.60q", data[i:])
	}
	got := analysed(t, out)
	if !slices.Equal(failuresOf(got), failuresOf(want)) || got.Connections[0].WebSocket.Bytes != want.Connections[0].WebSocket.Bytes {
		t.Errorf("the evidence gives %q, want %q", failuresOf(got), failuresOf(want))
	}
}

// What cannot be is refused before anything is read or written.
func TestEvidenceRefuses(t *testing.T) {
	path := sample(t, "plain/idle-nginx-5s.client.pcap")
	for want, args := range map[string][]string{
		"reads the capture twice":      {"--evidence", "x.pcapng", "-"},
		"belongs to an evidence":       {"--with-secrets", path},
		"is what is to be read":        {"--evidence", path, path},
		"shows what --strip-payload":   {"--evidence", "x.pcapng", "--with-secrets", "--strip-payload", path},
		"shows the names inside TLS":   {"--evidence", "x.pcapng", "--with-secrets", "--anonymize", path},
		"is too short for a key":       {"--anonymize-key", short(t), path},
		"cannot write the result: ope": {"--evidence", filepath.Join(t.TempDir(), "no", "x.pcapng"), path},
	} {
		code, _, stderr := runWith(t, args...)
		if code != exitWrong || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit status %d: %s", args, code, stderr)
		}
	}
	if exists("x.pcapng") {
		t.Error("a file was written")
	}
}

func short(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Captures that overlap in time are vantage points: each has its own evidence,
// and together they tell the same.
func TestEvidenceOfVantagePoints(t *testing.T) {
	out := filepath.Join(t.TempDir(), "evidence.pcapng")
	paths := []string{sample(t, "plain/idle-nginx-5s.client.pcap"), sample(t, "plain/idle-nginx-5s.proxy.pcap"), sample(t, "plain/idle-nginx-5s.server.pcap")}
	want := failuresOf(analysed(t, append([]string{"--evidence", out}, paths...)...))
	stem := strings.TrimSuffix(out, ".pcapng")
	if got := failuresOf(analysed(t, out, stem+".2.pcapng", stem+".3.pcapng")); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the evidence gives %q, want %q", got, want)
	}
}

// What came in several files of one vantage point becomes one.
func TestEvidenceOfRotatedFiles(t *testing.T) {
	whole, err := os.ReadFile(sample(t, "plain/mass-killed.client.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	const header = 24
	cut := header
	for cut < len(whole)/2 { // between two packets
		cut += 16 + int(binary.LittleEndian.Uint32(whole[cut+8:]))
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "evidence.pcapng")
	for name, data := range map[string][]byte{"a.pcap": whole[:cut], "b.pcap": append(bytes.Clone(whole[:header]), whole[cut:]...)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := failuresOf(analysed(t, "--evidence", out, dir)) // into the folder that is read
	if got := failuresOf(analysed(t, out)); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the evidence gives %q, want %q", got, want)
	}
}

// Of fragments a whole packet is made where their contents have to change.
func TestEvidenceOfFragments(t *testing.T) {
	for _, name := range []string{"tls/link-ip4-fragments.pcap", "tls/link-ip6-fragments.pcap"} {
		for _, flag := range []string{"--strip-payload", "--anonymize"} {
			out := filepath.Join(t.TempDir(), "evidence.pcapng")
			want := failuresOf(analysed(t, "--evidence", out, flag, sample(t, name)))
			if got := failuresOf(analysed(t, out)); len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("%s %s: the evidence gives %q, want %q", name, flag, got, want)
			}
		}
	}
}
