package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jwt has the form of a token, and says nothing.
const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0LXNpZ25hdHVyZQ"

// secretBody is an answer that repeats what the request had.
const secretBody = "no session secret-5-cookie with secret-3-bearer"

// secretCapture has a refused handshake with a secret in every place that can hold one, and refused proxy logins.
func secretCapture() []byte {
	var b bytes.Buffer
	pcapHeader(&b)
	clock := uint32(0)
	direct := &tcpStream{b: &b, clock: &clock, port: 41000}
	direct.open()
	direct.send(0, tcpPSH|tcpACK, "GET /chat?room=5&X-Amz-Signature=secret-13-signed/with=slash&to%6ben=secret-14-coded&access_token=secret-1-in-url&sig=secret-2-in-url HTTP/1.1\r\nHost: app.test\r\n"+
		"Authorization: Bearer secret-3-bearer\r\nProxy-Authorization: Basic secret-4-basic\r\nCookie: a=secret-5-cookie; b=secret-6-cookie\r\n"+
		"Origin: https://app.test\r\nReferer: https://app.test/?token=secret-7-referer\r\nX-Api-Key: secret-16-header\r\nSec-WebSocket-Protocol: chat, "+jwt+"\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	direct.send(1, tcpPSH|tcpACK, "HTTP/1.1 302 Found\r\nSet-Cookie: s=secret-8-set; Path=/\r\nLocation: /login?ticket=secret-9-location\r\nContent-Length: "+itoa(len(secretBody))+"\r\n\r\n"+secretBody)
	direct.end()
	proxied := &tcpStream{b: &b, clock: &clock, port: 41001}
	proxied.open()
	proxied.send(0, tcpPSH|tcpACK, "CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\nProxy-Authorization: Basic secret-10-connect\r\n\r\n")
	proxied.send(1, tcpPSH|tcpACK, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"squid\"\r\nContent-Length: 0\r\n\r\n")
	proxied.end()
	socks := &tcpStream{b: &b, clock: &clock, port: 41002}
	socks.open()
	socks.send(0, tcpPSH|tcpACK, "\x05\x01\x02")
	socks.send(1, tcpPSH|tcpACK, "\x05\x02")
	socks.send(0, tcpPSH|tcpACK, "\x01\x05alice\x0fsecret-11-socks")
	socks.send(1, tcpPSH|tcpACK, "\x01\x01")
	socks.end()
	return b.Bytes()
}

// Secrets are in no format, unless they are asked for.
func TestSecretsAreRedacted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.pcap")
	if err := os.WriteFile(path, secretCapture(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, show := range []bool{false, true} {
		dir := t.TempDir()
		args := []string{"--exit-zero", "--quiet", "--all", "--events", "--evidence", filepath.Join(dir, "evidence"), "--strip-payload", path}
		kinds := []string{"table", "json", "ndjson", "html", "markdown", "csv"}
		for _, f := range kinds {
			args = append(args, "-o", f+"="+filepath.Join(dir, f))
		}
		if show {
			args = append(args, "--show-secrets")
		}
		if code, _, stderr := runWith(t, args...); code != exitFine {
			t.Fatalf("exit status %d: %s", code, stderr)
		}
		texts := make(map[string]string)
		for _, f := range append(kinds, "evidence") {
			data, err := os.ReadFile(filepath.Join(dir, f))
			if err != nil {
				t.Fatal(err)
			}
			texts[f] = string(data)
		}
		// What answers say stays in an evidence capture, but for their heads.
		texts["evidence"] = strings.ReplaceAll(texts["evidence"], secretBody, "")
		_, story, _ := runWith(t, "show", path, "--connection", "1", "--quiet")
		texts["story"] = story
		for kind, text := range texts {
			shown := strings.Contains(text, "secret-") || strings.Contains(text, jwt)
			hide := !show || kind == "story" || kind == "evidence" // these two never show them here
			if shown && hide {
				t.Errorf("--show-secrets %v, %s: %.120q", show, kind, text[max(0, strings.Index(text, "secret-")-40):])
			}
			if !shown && !hide && kind != "table" {
				t.Errorf("the %s hides what was asked for", kind)
			}
		}
		if !show && !strings.Contains(texts["json"], "[redacted]") {
			t.Error("nothing says that something is redacted")
		}
	}
}
