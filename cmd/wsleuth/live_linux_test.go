package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
)

// nobody is whom live becomes in tests.
const nobody = 65534

// sniffer is a running wsleuth live.
type sniffer struct {
	t      *testing.T
	cmd    *exec.Cmd
	mu     sync.Mutex
	lines  []string
	more   chan struct{} // gets something with each line
	over   chan error
	stderr bytes.Buffer
}

// sniff starts wsleuth live --plain with arguments and waits until it captures.
func sniff(t *testing.T, args ...string) *sniffer {
	t.Helper()
	if out, err := exec.Command("wsleuth", "live", "--user", "nobody", "-i", "lo", "--quiet", "--", "true").CombinedOutput(); strings.Contains(string(out), "built with cgo") {
		t.Skip("programs with cgo cannot confine themselves: run with CGO_ENABLED=0")
	} else if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := &sniffer{t: t, cmd: exec.Command("wsleuth", append([]string{"live", "--plain", "--user", "nobody"}, args...)...), more: make(chan struct{}, 1), over: make(chan error, 1)}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	diagnostics, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	ready := make(chan bool, 1)
	var read sync.WaitGroup
	read.Add(2)
	go func() {
		defer read.Done()
		s.read(out)
	}()
	go func() {
		defer read.Done()
		lines := bufio.NewScanner(diagnostics)
		for lines.Scan() {
			s.stderr.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "capturing on") {
				ready <- true
			}
		}
		close(ready)
	}()
	go func() {
		read.Wait()
		s.over <- s.cmd.Wait()
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("live ended: %s", &s.stderr)
		}
	case <-time.After(soon):
		t.Fatal("live does not begin")
	}
	return s
}

func (s *sniffer) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.mu.Lock()
		s.lines = append(s.lines, lines.Text())
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}

// wait waits for a line with all words.
func (s *sniffer) wait(words ...string) string {
	s.t.Helper()
	deadline := time.After(soon)
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.lines, func(line string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
		})
		lines := s.lines
		s.mu.Unlock()
		if i >= 0 {
			return lines[i]
		}
		select {
		case <-s.more:
		case <-deadline:
			s.t.Fatalf("no line with %q in:\n%s", words, strings.Join(lines, "\n"))
		}
	}
}

// interrupt ends the capture, and gives the exit status.
func (s *sniffer) interrupt() int {
	s.t.Helper()
	s.cmd.Process.Signal(os.Interrupt)
	return s.end()
}

func (s *sniffer) end() int {
	s.t.Helper()
	select {
	case <-s.over:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(soon):
		s.t.Fatal("live does not end")
	}
	return -1
}

const textFrame = "\x81\x82\x01\x02\x03\x04\x69\x6b" // hi, masked

// handshake is an Upgrade request with key number n, and the answer to it.
func handshake(n int) (request, accepted string) {
	key := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "key number %5d", n))
	request = "GET /socket HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n\r\n"
	return request, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + http1.AcceptFor(key) + "\r\n\r\n"
}

// failure is a way to fail: what the server does after the request, to which
// accepted is the answer, and what the client does then.
type failure struct {
	name   string
	server func(c net.Conn, accepted string)
	client func(*net.TCPConn)
	// patient: the client stays until its failure was told.
	patient bool
	code    string
}

var failures = []failure{
	{name: "rejected", code: "WS525", server: say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")},
	{name: "wrong accept", code: "WS541", server: func(c net.Conn, _ string) {
		_, accepted := handshake(-1)
		io.WriteString(c, accepted)
	}},
	{name: "no upgrade header", code: "WS543", server: func(c net.Conn, accepted string) {
		io.WriteString(c, strings.Replace(accepted, "Upgrade: websocket\r\n", "", 1))
	}},
	{name: "silent", code: "WS534", patient: true, server: func(c net.Conn, _ string) { io.Copy(io.Discard, c) }},
	{name: "hangs up", code: "WS535", server: say("")},
	{name: "reset", code: "WS205", server: func(c net.Conn, accepted string) {
		io.WriteString(c, accepted)
		io.ReadFull(c, make([]byte, len(textFrame)))
		c.(*net.TCPConn).SetLinger(0)
	}, client: func(c *net.TCPConn) { io.WriteString(c, textFrame) }},
	{name: "server error", code: "WS708", server: func(c net.Conn, accepted string) { io.WriteString(c, accepted+"\x88\x06\x03\xf3boom") }},
	{name: "unmasked", code: "WS601", server: func(c net.Conn, accepted string) {
		io.WriteString(c, accepted)
		io.ReadFull(c, make([]byte, 4))
		io.WriteString(c, "\x88\x02\x03\xea")
	}, client: func(c *net.TCPConn) { io.WriteString(c, "\x81\x02hi") }},
}

// say answers with text, and closes.
func say(text string) func(net.Conn, string) {
	return func(c net.Conn, _ string) { io.WriteString(c, text) }
}

// TestLiveFailures: each failure is told while live runs, with the verdict that
// the written capture gets offline.
func TestLiveFailures(t *testing.T) {
	t.Run("lo", func(t *testing.T) {
		s := newSpace(t)
		liveFailures(t, s, s, "127.0.0.1", "lo")
	})
	t.Run("veth", func(t *testing.T) {
		a, b := pair(t)
		liveFailures(t, a, b, "10.99.0.2", "a")
	})
}

func liveFailures(t *testing.T, client, server *space, address, iface string) {
	dir := ownedByNobody(t)
	written, result := filepath.Join(dir, "out.pcapng"), filepath.Join(dir, "out.json")
	s := sniff(t, "--netns", client.path, "-i", iface, "-f", "tcp", "-w", written, "-o", "table", "-o", "json="+result)
	checkConfined(t, s.cmd.Process.Pid)
	told := map[string]string{}
	for n, f := range failures {
		local, ended := f.play(t, s, client, server, address, n)
		line := s.wait(local+" ", "FAILED", "["+f.code)
		t.Logf("%s: %v after its end: %s", f.name, time.Since(ended).Round(time.Millisecond), line)
		told[local] = line
	}
	if _, err := client.dial(address + ":9"); err == nil {
		t.Error("a closed port answers")
	}
	refused := s.wait(address+":9 ", "FAILED", "[WS201]")
	told[strings.Fields(refused)[2]] = refused // time, ID, client
	if code := s.interrupt(); code != exitFailed {
		t.Errorf("exit status %d: %s", code, &s.stderr)
	}
	sameReport(t, written, result, told)
	info, err := os.Stat(written)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != nobody {
		t.Errorf("the capture belongs to %d", owner)
	}
}

// ownedByNobody is a directory in which the user that live becomes may write.
func ownedByNobody(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return dir
}

// play makes a failure happen; it gives the client's address, and when the
// connection's last packet was provoked.
func (f *failure) play(t *testing.T, s *sniffer, client, server *space, address string, n int) (local string, ended time.Time) {
	t.Helper()
	l := server.listen(address + ":0")
	request, accepted := handshake(n)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(soon))
		if _, err := io.ReadFull(c, make([]byte, len(request))); err == nil {
			f.server(c, accepted)
		}
	}()
	c, err := client.dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(soon))
	io.WriteString(c, request)
	local = c.LocalAddr().String()
	if f.patient {
		s.wait(local+" ", "FAILED", "["+f.code)
		c.Close()
	} else {
		if f.client != nil {
			f.client(c)
		}
		io.Copy(io.Discard, c)
	}
	c.Close()
	<-done
	return local, time.Now()
}

// sameReport holds the result of live against that of the file it wrote, and
// against what it told meanwhile.
func sameReport(t *testing.T, written, result string, told map[string]string) {
	t.Helper()
	b, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	_, stdout, stderr := session(t.Context(), nil, "-o", "json", written)
	live, offline := parsed(t, b), parsed(t, []byte(stdout))
	if !bytes.Equal(live.raw["connections"], offline.raw["connections"]) || !bytes.Equal(live.raw["summary"], offline.raw["summary"]) ||
		!bytes.Equal(live.raw["patterns"], offline.raw["patterns"]) {
		t.Errorf("live:\n%s\noffline:\n%s%s", b, stdout, stderr)
	}
	for _, c := range offline.Connections {
		line, ok := told[c.Client.String()]
		if !ok {
			t.Errorf("nothing was told of %s: %s", c.Client, c.Verdict)
			continue
		}
		if c.Outcome == record.NoResponse && c.TCP.EndedBy == "client" { // told before the client gave up
			continue
		}
		if want := c.Verdict + " [" + c.Findings[0].Code + "]"; !strings.HasSuffix(line, want) {
			t.Errorf("told:    %s\noffline: %s", line, want)
		}
	}
	if len(offline.Connections) != len(told) {
		t.Errorf("%d connections were told of, %d are in the result", len(told), len(offline.Connections))
	}
}

type document struct {
	record.Report
	raw map[string]json.RawMessage
}

func parsed(t *testing.T, b []byte) (d document) {
	t.Helper()
	if err := json.Unmarshal(b, &d.Report); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d.raw); err != nil {
		t.Fatal(err)
	}
	return d
}

// checkConfined reads what the kernel says of a process.
func checkConfined(t *testing.T, pid int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	const none = "0000000000000000"
	for key, want := range map[string]string{"CapEff": none, "CapPrm": none, "CapInh": none, "CapAmb": none, "NoNewPrivs": "1",
		"Uid": "65534\t65534\t65534\t65534"} {
		_, rest, _ := strings.Cut(string(b), "\n"+key+":\t")
		if value, _, _ := strings.Cut(rest, "\n"); value != want {
			t.Errorf("%s is %q, not %q", key, value, want)
		}
	}
}

// TestLiveDuration: live ends by itself.
func TestLiveDuration(t *testing.T) {
	s := sniff(t, "--netns", newSpace(t).path, "-i", "lo", "--duration", "10ms")
	if code := s.end(); code != exitFine {
		t.Errorf("exit status %d: %s", code, &s.stderr)
	}
	s.wait("No packets")
}

// TestLiveCommand: the command runs as the user, what it says over TLS is
// read, and its exit status is that of live.
func TestLiveCommand(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl, which writes its TLS secrets, is not installed")
	}
	s := newSpace(t)
	ln := s.listen("127.0.0.1:0")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	server.Listener.Close()
	server.Listener = ln
	server.StartTLS()
	defer server.Close()
	dir := ownedByNobody(t)
	written, result := filepath.Join(dir, "out.pcapng"), filepath.Join(dir, "out.json")
	script := `id -u; cp "$SSLKEYLOGFILE" ` + dir + `/before; curl -sk --http1.1 -H Connection:Upgrade -H Upgrade:websocket -H Sec-WebSocket-Version:13 ` +
		`-H Sec-WebSocket-Key:dGhlIHNhbXBsZSBub25jZQ== ` + server.URL + `/socket; cp "$SSLKEYLOGFILE" ` + dir + `/keys; echo "$NODE_OPTIONS"; exit 7`
	var out []byte
	err := s.do(func() (err error) { // the command runs in the namespace
		out, err = exec.Command("wsleuth", "live", "--user", "nobody", "-i", "lo", "-w", written, "-o", "table", "-o", "json="+result, "--", "sh", "-c", script).CombinedOutput()
		return err
	})
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		if strings.Contains(string(out), "built with cgo") {
			t.Skip("programs with cgo cannot confine themselves: run with CGO_ENABLED=0")
		}
		t.Fatalf("%v, not status 7:\n%s", err, out)
	}
	lines := strings.Split(string(out), "\n")
	if lines[0] != "65534" {
		t.Errorf("the command ran as %s", lines[0])
	}
	if keyLog, ok := strings.CutPrefix(lines[1], "--tls-keylog="); !ok {
		t.Errorf("NODE_OPTIONS is %q", lines[1])
	} else if _, err := os.Stat(keyLog); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the TLS secrets are still in %s: %v", keyLog, err)
	}
	if !strings.Contains(string(out), "WS525") {
		t.Errorf("the refusal inside TLS is not in the report:\n%s", out)
	}
	b, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	_, stdout, stderr := session(t.Context(), nil, "-o", "json", "--keylog", filepath.Join(dir, "keys"), written)
	live, offline := parsed(t, b), parsed(t, []byte(stdout))
	if len(live.Connections) != 1 || !bytes.Equal(live.raw["connections"], offline.raw["connections"]) {
		t.Errorf("live:\n%s\noffline:\n%s%s", b, stdout, stderr)
	}
}

// A command that is not there is said as shells say it.
func TestLiveNoCommand(t *testing.T) {
	s := newSpace(t)
	out, err := exec.Command("wsleuth", "live", "--user", "nobody", "--netns", s.path, "-i", "lo", "--", "/nosuch/command").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitNotFound {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestLiveScreen drives the live view in a terminal of 80 by 24.
func TestLiveScreen(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux, the terminal of this test, is not installed")
	}
	s := newSpace(t)
	dir := ownedByNobody(t)
	terminal := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("tmux", append([]string{"-S", filepath.Join(dir, "tmux"), "-f", "/dev/null"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	see := func(words ...string) {
		t.Helper()
		shown := ""
		for end := time.Now().Add(soon); time.Now().Before(end); {
			shown = terminal("capture-pane", "-p")
			if strings.Contains(shown, "built with cgo") {
				t.Skip("programs with cgo cannot confine themselves: run with CGO_ENABLED=0")
			}
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(shown, w) }) {
				return
			}
		}
		t.Fatalf("no %q on the screen:\n%s", words, shown)
	}
	terminal("new-session", "-d", "-x", "80", "-y", "24", "cd "+dir+"; wsleuth live --user nobody -i lo -w kept.pcapng --netns "+s.path+"; echo EXIT $?; read -r wait")
	defer terminal("kill-server")
	see("Waiting for WebSocket connections")
	request, _ := handshake(0)
	l := s.listen("127.0.0.1:0")
	go func() {
		if c, err := l.Accept(); err == nil {
			io.ReadFull(c, make([]byte, len(request)))
			failures[0].server(c, "")
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	c, err := s.dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, request)
	see("> FAILED", "WS525", "answered 403")
	c.Close()
	terminal("send-keys", "Enter")
	see("Connection 1: rejected 403", "FINDINGS")
	terminal("send-keys", "Escape")
	see("CONNECTION")
	terminal("send-keys", "s")
	see("save: r")
	terminal("send-keys", "r")
	see("saved wsleuth-", ".json")
	terminal("send-keys", "s", "e")
	see("saved wsleuth-", ".pcapng")
	terminal("send-keys", "q")
	see("EXIT 1", "Read kept.pcapng: ")
	saved, _ := filepath.Glob(filepath.Join(dir, "wsleuth-*.json"))
	if len(saved) != 1 {
		t.Fatalf("saved %q", saved)
	}
	if code, stdout, stderr := session(t.Context(), nil, "render", saved[0]); code != exitFine || !strings.Contains(stdout, "WS525") {
		t.Errorf("what was saved cannot be rendered: %d %s%s", code, stdout, stderr)
	}
	if saved, _ = filepath.Glob(filepath.Join(dir, "wsleuth-*.pcapng")); len(saved) != 1 {
		t.Fatalf("saved %q", saved)
	}
	if _, stdout, stderr := session(t.Context(), nil, saved[0]); !strings.Contains(stdout, "WS525") {
		t.Errorf("the evidence does not show the failure: %s%s", stdout, stderr)
	}
}

// Without the privilege to capture, the error says what to do.
func TestLivePermission(t *testing.T) {
	cmd := exec.Command("wsleuth", "live", "-i", "lo")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		path, err := exec.LookPath("wsleuth")
		if err != nil {
			t.Fatal(err)
		}
		for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) { // nobody has to reach it
			if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o001 == 0 {
				os.Chmod(dir, info.Mode().Perm()|0o011)
			}
		}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitWrong || !strings.Contains(string(out), "sudo setcap cap_net_raw+ep ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// With -o ndjson each connection is printed when it is final, not in the end.
func TestLiveStream(t *testing.T) {
	space := newSpace(t)
	s := sniff(t, "--netns", space.path, "-i", "lo", "-o", "ndjson")
	failures[0].play(t, s, space, space, "127.0.0.1", 0)
	s.wait(`{"type":"connection"`, `"WS525"`)
	if code := s.interrupt(); code != exitFailed {
		t.Errorf("exit status %d: %s", code, &s.stderr)
	}
	s.wait(`{"type":"summary"`)
}
