package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// browser is a headless Chromium that the test speaks to over the DevTools
// protocol: as much of it as the tests need.
type browser struct {
	t        *testing.T
	conn     *websocket.Conn
	session  string
	id       int
	complain []string // errors on the console, exceptions, refused contents
	requests []string // what the page asked for
	loaded   bool
}

var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell"}

const browserTimeout = 60 * time.Second

// newBrowser starts Chromium with one empty page, or skips the test where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range browserNames {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed: looked for " + strings.Join(browserNames, ", "))
	}
	profile, err := os.MkdirTemp("", "wsleuth-browser") // not TempDir: processes of the browser may outlive it for a moment
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(profile) })
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--hide-scrollbars", "--remote-debugging-port=0", "--remote-allow-origins=*", "--user-data-dir="+profile, "about:blank")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", path, err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	where := regexp.MustCompile(`DevTools listening on (ws://\S+)`)
	said := make([]byte, 0, 1<<16)
	for len(said) < cap(said) {
		n, err := stderr.Read(said[len(said):cap(said)])
		said = said[:len(said)+n]
		if m := where.FindSubmatch(said); m != nil {
			return connectBrowser(t, string(m[1]))
		}
		if err != nil {
			break
		}
	}
	t.Skipf("%s does not run headless here: %s", path, said)
	return nil
}

func connectBrowser(t *testing.T, url string) *browser {
	conn, err := websocket.Dial(url, "", "http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	conn.MaxPayloadBytes = 1 << 28
	t.Cleanup(func() { conn.Close() })
	b := &browser{t: t, conn: conn}
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

type cdpMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// call sends a command and waits for its answer. Events that come in between are noted.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.id++
	message := map[string]any{"id": b.id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	if err := websocket.JSON.Send(b.conn, message); err != nil {
		b.t.Fatal(err)
	}
	for {
		m := b.receive()
		if m.ID != b.id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

func (b *browser) receive() cdpMessage {
	b.t.Helper()
	b.conn.SetDeadline(time.Now().Add(browserTimeout))
	var m cdpMessage
	if err := websocket.JSON.Receive(b.conn, &m); err != nil {
		b.t.Fatalf("the browser does not answer: %v", err)
	}
	switch m.Method {
	case "Page.loadEventFired":
		b.loaded = true
	case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Page.javascriptDialogOpening":
		b.complain = append(b.complain, m.Method+" "+string(m.Params))
	case "Network.requestWillBeSent":
		var sent struct{ Request struct{ URL string } }
		json.Unmarshal(m.Params, &sent)
		b.requests = append(b.requests, sent.Request.URL)
	}
	return m
}

// open loads a file and waits until it is there.
func (b *browser) open(file string) {
	b.t.Helper()
	b.loaded, b.complain, b.requests = false, nil, nil
	path, err := filepath.Abs(file)
	if err != nil {
		b.t.Fatal(err)
	}
	b.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	for !b.loaded {
		b.receive()
	}
}

// eval gives the value of an expression as text.
func (b *browser) eval(format string, args ...any) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	b.call("Runtime.evaluate", map[string]any{"expression": fmt.Sprintf(format, args...), "returnByValue": true, "userGesture": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), r.ExceptionDetails)
	}
	return fmt.Sprint(r.Result.Value)
}

// view chooses the size of the window and the colours of the system.
func (b *browser) view(width, height int, scheme string) {
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// keep writes what the page looks like into the folder of -screenshots.
func (b *browser) keep(name, method string, params map[string]any) []byte {
	b.t.Helper()
	var r struct{ Data string }
	b.call(method, params, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if *screenshots != "" {
		if err := os.WriteFile(filepath.Join(*screenshots, name), data, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	return data
}
