// Command record makes the .tls files of the folder above: it runs OpenSSL's
// s_server and s_client with a relay between them and writes what passed, with
// the key log, as the file format of the tests.
//
//	cd analyze/decrypt/testdata && go run ./record [NAME…]
package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// run is one connection: flags for both programs and what they type.
type run struct {
	server, client       []string
	serverSays           string
	clientSays           []string
	restart, keepSession bool
}

var cases = map[string][]run{
	"tls10-aes128-cbc-etm": {{server: []string{"-tls1"}, client: []string{"-cipher", "AES128-SHA:@SECLEVEL=0"}}},
	"tls10-aes256-cbc-mte": {{server: []string{"-tls1", "-no_etm"}, client: []string{"-cipher", "ECDHE-RSA-AES256-SHA:@SECLEVEL=0"}}},
	"tls11-aes128-cbc-etm": {{server: []string{"-tls1_1"}, client: []string{"-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"}}},
	"tls12-cbc-sha384-etm": {{server: []string{"-tls1_2"}, client: []string{"-cipher", "ECDHE-RSA-AES256-SHA384"}}},
	"tls12-cbc-sha256-mte": {{server: []string{"-tls1_2", "-no_etm"}, client: []string{"-cipher", "ECDHE-RSA-AES128-SHA256"}}},
	"tls12-ccm":            {{server: []string{"-tls1_2"}, client: []string{"-cipher", "AES256-CCM"}}},
	"tls12-ccm8":           {{server: []string{"-tls1_2"}, client: []string{"-cipher", "AES128-CCM8"}}},
	"tls12-psk-chacha20": {{
		server: []string{"-tls1_2", "-psk", "00112233445566778899aabbccddeeff"},
		client: []string{"-cipher", "PSK-CHACHA20-POLY1305", "-psk", "00112233445566778899aabbccddeeff"}}},
	"tls12-renegotiation": {{server: []string{"-tls1_2", "-client_renegotiation"}, client: []string{"-cipher", "ECDHE-RSA-AES128-GCM-SHA256"},
		clientSays: []string{"before\n", "R\n", "after\n"}}},
	"tls12-ticket": {{server: []string{"-tls1_2"}, keepSession: true}, {server: []string{"-tls1_2"}}},
	"tls12-session-id": {
		{server: []string{"-tls1_2", "-no_ticket"}, client: []string{"-no_ticket"}, keepSession: true},
		{server: []string{"-tls1_2", "-no_ticket"}, client: []string{"-no_ticket"}}},
	"tls13-ccm":       {{client: []string{"-ciphersuites", "TLS_AES_128_CCM_SHA256"}, server: []string{"-ciphersuites", "TLS_AES_128_CCM_SHA256"}}},
	"tls13-ccm8":      {{client: []string{"-ciphersuites", "TLS_AES_128_CCM_8_SHA256"}, server: []string{"-ciphersuites", "TLS_AES_128_CCM_8_SHA256"}}},
	"tls13-padding":   {{client: []string{"-record_padding", "512"}, server: []string{"-record_padding", "128"}}},
	"tls13-keyupdate": {{clientSays: []string{"before\n", "K\n", "between\n", "k\n", "after\n"}}},
	"tls13-0rtt": {
		{server: []string{"-early_data"}, keepSession: true},
		{server: []string{"-early_data"}, client: []string{"-early_data", "EARLY"}}},
	"tls13-0rtt-rejected": {
		{server: []string{"-early_data"}, keepSession: true},
		{server: []string{"-early_data"}, client: []string{"-early_data", "EARLY"}, restart: true}},
	"tls13-0rtt-retry": {
		{server: []string{"-early_data"}, keepSession: true},
		{server: []string{"-early_data", "-groups", "P-384"}, client: []string{"-early_data", "EARLY", "-groups", "X25519:P-384"}, restart: true}},
}

const earlyData = "0-RTT data\n"

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "record")
	check(err)
	defer os.RemoveAll(dir)
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", "/O=wsleuth tests/CN=app.test",
		"-addext", "subjectAltName=DNS:app.test", "-keyout", filepath.Join(dir, "key"), "-out", filepath.Join(dir, "cert"))
	check(os.WriteFile(filepath.Join(dir, "EARLY"), []byte(earlyData), 0o600))
	for name, runs := range cases {
		if len(os.Args) == 1 || strings.Contains(strings.Join(os.Args[1:], " "), name) {
			check(os.WriteFile(name+".tls", []byte(record(dir, runs)), 0o644))
			log.Print(name)
		}
	}
}

func record(dir string, runs []run) string {
	keys := filepath.Join(dir, "keys")
	os.Remove(keys)
	var wire strings.Builder
	var server *exec.Cmd
	var typed io.WriteCloser
	port := ""
	for i, r := range runs {
		if server == nil || r.restart {
			if server != nil {
				server.Process.Kill()
				server.Wait()
			}
			port = freePort()
			args := append([]string{"s_server", "-accept", port, "-key", "key", "-cert", "cert", "-cipher", "ALL:@SECLEVEL=0", "-naccept", "9"}, r.server...)
			server = exec.Command("openssl", args...)
			server.Dir = dir
			typed, _ = server.StdinPipe()
			check(server.Start())
			time.Sleep(300 * time.Millisecond)
		}
		if i > 0 {
			wire.WriteString("\n")
		}
		wire.WriteString(connection(dir, port, r, typed))
	}
	server.Process.Kill()
	server.Wait()
	log, err := os.ReadFile(keys)
	check(err)
	var out strings.Builder
	for _, l := range strings.Split(strings.TrimSpace(string(log)), "\n") {
		if !strings.HasPrefix(l, "#") && !strings.Contains(l, "EXPORTER") {
			out.WriteString("k " + l + "\n")
		}
	}
	return out.String() + wire.String()
}

// connection runs one s_client through a relay and returns what passed.
func connection(dir, port string, r run, server io.Writer) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	done := make(chan string)
	go func() { done <- relay(listener, port) }()
	args := []string{"s_client", "-connect", listener.Addr().String(), "-servername", "app.test", "-keylogfile", "keys"}
	if r.keepSession {
		args = append(args, "-sess_out", "session")
	} else if _, err := os.Stat(filepath.Join(dir, "session")); err == nil {
		args = append(args, "-sess_in", "session")
		defer os.Remove(filepath.Join(dir, "session"))
	}
	client := exec.Command("openssl", append(args, r.client...)...)
	client.Dir = dir
	typed, _ := client.StdinPipe()
	check(client.Start())
	says := r.clientSays
	if says == nil {
		says = []string{"hello from the client\n"}
	}
	time.Sleep(400 * time.Millisecond)
	for _, line := range says {
		io.WriteString(typed, line)
		time.Sleep(150 * time.Millisecond)
	}
	io.WriteString(server, "hello from the server\n")
	time.Sleep(200 * time.Millisecond)
	io.WriteString(typed, "Q\n")
	client.Wait()
	return <-done
}

func relay(listener net.Listener, port string) string {
	a, err := listener.Accept()
	check(err)
	b, err := net.Dial("tcp", "127.0.0.1:"+port)
	check(err)
	var mu sync.Mutex
	var out strings.Builder
	var both sync.WaitGroup
	copyOver := func(to, from net.Conn, mark string) {
		defer both.Done()
		buf := make([]byte, 1<<16)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				mu.Lock()
				fmt.Fprintf(&out, "%s %s\n", mark, base64.StdEncoding.EncodeToString(buf[:n]))
				mu.Unlock()
				to.Write(buf[:n])
			}
			if err != nil {
				to.(*net.TCPConn).CloseWrite()
				return
			}
		}
	}
	both.Add(2)
	go copyOver(b, a, ">")
	go copyOver(a, b, "<")
	both.Wait()
	a.Close()
	b.Close()
	return out.String()
}

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func openssl(args ...string) {
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		log.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
