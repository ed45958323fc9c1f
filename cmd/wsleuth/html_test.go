package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var screenshots = flag.String("screenshots", "", "write what the HTML reports look like into this folder")

// report runs wsleuth in the process and gives its exit status and output.
func runWith(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(&program{args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, version: "1.2.3"})
	return code, stdout.String(), stderr.String()
}

// page analyses captures of testdata and gives the HTML report's file.
func page(t *testing.T, captures ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	args := []string{"--utc", "--quiet", "--exit-zero", "-o", "html=" + file}
	for _, c := range captures {
		if !filepath.IsAbs(c) {
			c = filepath.Join("testdata", "captures", c)
		}
		args = append(args, c)
	}
	if code, _, stderr := runWith(t, args...); code != exitFine {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	return file
}

// quiet fails if the page complained or asked for anything but itself.
func quiet(t *testing.T, b *browser) {
	t.Helper()
	for _, c := range b.complain {
		t.Errorf("the browser complains: %s", c)
	}
	for i, url := range b.requests {
		if i > 0 && !strings.HasPrefix(url, "data:") {
			t.Errorf("the page asks for %s", url)
		}
	}
}

// The report of real failing captures opens without a complaint, asks for
// nothing, sorts, filters and folds.
func TestHTMLInABrowser(t *testing.T) {
	b := newBrowser(t)
	b.view(1280, 900, "light")
	b.open(page(t, "several.pcap", "strips.pcap", "idle.pcap", "storm.pcap", "healthy.pcap"))
	rows := func() int {
		n, _ := strconv.Atoi(b.eval(`document.querySelectorAll("#table tbody tr").length`))
		return n
	}
	all := rows()
	if all < 10 {
		t.Fatalf("the table has %d rows", all)
	}
	first := func(column int) string {
		return b.eval(`document.querySelector("#table tbody tr").cells[%d].textContent`, column)
	}
	// Sorting by the client, up and down.
	b.eval(`document.querySelectorAll("#table th button")[2].click()`)
	up := first(2)
	b.eval(`document.querySelectorAll("#table th button")[2].click()`)
	if down := first(2); up == down || b.eval(`document.querySelectorAll("#table th")[2].ariaSort`) != "descending" {
		t.Errorf("sorting does nothing: %s first, and %s first", up, down)
	}
	// Filtering by outcome and by text.
	b.eval(`kind.value = "failed", kind.dispatchEvent(new Event("input"))`)
	if n := rows(); n == 0 || n >= all {
		t.Errorf("%d of %d rows failed", n, all)
	}
	b.eval(`search.value = "WS716", search.dispatchEvent(new Event("input"))`)
	if n := rows(); n == 0 || !strings.Contains(first(5), "WS716") {
		t.Errorf("searching WS716 finds %d rows", n)
	}
	b.eval(`search.value = "no such thing", search.dispatchEvent(new Event("input"))`)
	if n := rows(); n != 0 {
		t.Errorf("searching for nothing finds %d rows", n)
	}
	// A link opens the details, by keyboard as well.
	b.eval(`location.hash = "#c1"`)
	if b.eval(`document.querySelector("#c1").open`) != "true" {
		// hashchange comes later than the assignment
		b.eval(`new Promise(r => setTimeout(r, 50))`)
		if b.eval(`document.querySelector("#c1").open`) != "true" {
			t.Error("the details do not open")
		}
	}
	b.eval(`document.querySelector("button.take").click()`)
	if wide := b.eval(`document.documentElement.scrollWidth - innerWidth`); wide != "0" {
		t.Errorf("the page is %s pixels wider than the window", wide)
	}
	quiet(t, b)
}

// What the report looks like: -screenshots DIR keeps the pictures.
func TestHTMLScreenshots(t *testing.T) {
	b := newBrowser(t)
	file := page(t, "several.pcap", "strips.pcap", "idle.pcap", "healthy.pcap")
	for _, look := range []struct {
		name, scheme  string
		width, height int
	}{{"light", "light", 1280, 900}, {"dark", "dark", 1280, 900}, {"phone", "light", 400, 800}} {
		b.view(look.width, look.height, look.scheme)
		b.open(file)
		if wide := b.eval(`document.documentElement.scrollWidth - innerWidth`); wide != "0" {
			t.Errorf("%s: the page is %s pixels wider than the window", look.name, wide)
		}
		b.eval(`document.querySelector("details.conn").open = true`)
		if n := len(b.keep("report-"+look.name+".png", "Page.captureScreenshot", map[string]any{"captureBeyondViewport": true})); n < 10000 {
			t.Errorf("%s: the picture has %d bytes", look.name, n)
		}
		quiet(t, b)
	}
	pdf := b.keep("report.pdf", "Page.printToPDF", map[string]any{"printBackground": true})
	if !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Error("printing gives no PDF")
	}
	if bad := contrast(b); bad != "[]" {
		t.Errorf("contrast below 4.5: %s", bad)
	}
	b.view(1280, 900, "dark")
	b.open(file)
	if bad := contrast(b); bad != "[]" {
		t.Errorf("dark: contrast below 4.5: %s", bad)
	}
}

// contrast gives the texts whose contrast to what is behind them is below
// what WCAG 2.2, criterion 1.4.3 (AA) demands: 4.5.
func contrast(b *browser) string {
	return b.eval(`(function () {
	function rgb(s) { return s.match(/[\d.]+/g).map(Number); }
	function light(c) { c = c.slice(0, 3).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }); return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; }
	let bad = new Set();
	document.querySelectorAll("details").forEach(d => d.open = true);
	for (const e of document.querySelectorAll("body *")) {
		if (e.closest("svg") || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
		let box = e, ground = [0, 0, 0, 0];
		while (box && ground.length === 4 && ground[3] === 0) { ground = rgb(getComputedStyle(box).backgroundColor); box = box.parentElement; }
		const a = light(rgb(getComputedStyle(e).color)), g = light(ground);
		const ratio = (Math.max(a, g) + 0.05) / (Math.min(a, g) + 0.05);
		if (ratio < 4.5) bad.add(e.tagName + "." + e.className + " " + ratio.toFixed(2));
	}
	return JSON.stringify([...bad]);
})()`)
}

// Ten thousand connections open in two seconds, and the file stays below 15 MB.
func TestHTMLOfManyConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	b := newBrowser(t)
	result := filepath.Join(t.TempDir(), "result.ndjson")
	f, err := os.Create(result)
	if err != nil {
		t.Fatal(err)
	}
	manyConnections(t, f, 10000)
	f.Close()
	file := filepath.Join(t.TempDir(), "report.html")
	if code, _, stderr := runWith(t, "render", result, "-o", "html="+file); code != exitFine {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 15<<20 {
		t.Errorf("the page has %d bytes", info.Size())
	}
	b.view(1280, 900, "light")
	b.open(file)
	took, _ := strconv.ParseFloat(b.eval(`performance.getEntriesByType("navigation")[0].loadEventEnd`), 64)
	t.Logf("%d bytes, loaded in %.0f ms", info.Size(), took)
	if limit := 2 * time.Second; took > float64(limit.Milliseconds())*slowness() {
		t.Errorf("the page takes %.0f ms to open", took)
	}
	if n := b.eval(`JSON.parse(rows.textContent).length`); n != "10000" {
		t.Errorf("%s connections are in the page", n)
	}
	quiet(t, b)
}

// slowness leaves room on machines that do other things at the same time.
func slowness() float64 { return 3 }

// manyConnections writes a result with n connections, of which every third failed.
func manyConnections(t *testing.T, f *os.File, n int) {
	t.Helper()
	fmt.Fprintln(f, `{"type":"report","schema":"wsleuth.report/v1","tool":{"name":"wsleuth","version":"1.2.3"}}`)
	for i := range n {
		started := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * 50 * time.Millisecond)
		at := func(ms int) string {
			return started.Add(time.Duration(ms) * time.Millisecond).Format(time.RFC3339Nano)
		}
		outcome, findings, events := "closed-clean", "", ""
		if i%3 == 0 {
			outcome = "closed-abnormal"
			findings = fmt.Sprintf(`{"code":"WS716","slug":"idle-timeout","severity":"error","fault":"intermediary","confidence":"likely","title":"nothing was sent for 60 s, then the server cut connection %d","remedy":"send Pings","evidence":[{"capture":"a.pcap","packet":%d,"time":%q,"note":"FIN"}]}`, i, i*20+19, at(900))
			var list []string
			for k := range 60 {
				list = append(list, fmt.Sprintf(`{"packet":%d,"time":%q,"from":"client","what":"text","text":"%d bytes"}`, i*20+k, at(k*10), k*100))
			}
			events = strings.Join(list, ",")
		}
		fmt.Fprintf(f, `{"type":"connection","id":"%d","client":"10.1.%d.%d:40000","server":"10.2.0.1:80","scheme":"ws","url":"ws://app.test/socket/%d","host":"app.test","transport":"http/1.1","recognized_by":"upgrade","phase":"closed","outcome":%q,"fault":"intermediary","verdict":"It was cut.","started":%q,"ended":%q,"duration_ms":1000,"capture":"a.pcap","first_packet":%d,"last_packet":%d,"wireshark_filter":"tcp.port==40000","request":{"method":"GET","target":"/socket","version":"HTTP/1.1","headers":[["Host","app.test"],["Upgrade","websocket"]],"packet":%d},"events":[%s],"findings":[%s]}`+"\n",
			i*20+1, i>>8&255, i&255, i, outcome, at(0), at(1000), i*20+1, i*20+20, i*20+4, events, findings)
	}
	fmt.Fprintln(f, `{"type":"summary","connections":10000,"unidentified":0,"opaque_tls":0,"other_tcp_connections":0,"by_outcome":{},"by_finding":{},"causes":[]}`)
}
