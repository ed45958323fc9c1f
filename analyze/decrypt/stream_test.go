package decrypt

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/wire/tls"
)

// chunk is what one side sent at once.
type chunk struct {
	dir  Dir
	data []byte
}

// recording is a .tls file: lines "k" of a key log, ">" from the client and
// "<" from the server in base64; an empty line begins another connection.
type recording struct {
	keys        string
	connections [][]chunk
}

func (r *recording) loadKeys(t testing.TB) *Keys {
	t.Helper()
	k := &Keys{}
	if err := k.AddKeyLog(strings.NewReader(r.keys), "test"); err != nil {
		t.Fatal(err)
	}
	return k
}

func load(t testing.TB, name string) *recording {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".tls"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &recording{connections: make([][]chunk, 1)}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		line := in.Text()
		last := len(r.connections) - 1
		if line == "" {
			r.connections = append(r.connections, nil)
			continue
		}
		kind, content, _ := strings.Cut(line, " ")
		if kind == "k" {
			r.keys += content + "\n"
			continue
		}
		data, err := base64.StdEncoding.DecodeString(content)
		if err != nil || kind != ">" && kind != "<" {
			t.Fatalf("%s: bad line %q: %v", name, line, err)
		}
		r.connections[last] = append(r.connections[last], chunk{map[string]Dir{">": Client, "<": Server}[kind], data})
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// collector notes everything a sink gets.
type collector struct {
	app      [2]bytes.Buffer
	early    bytes.Buffer
	types    [2][]tls.HandshakeType
	alerts   []AlertFact
	problems []Problem
	records  []Record
}

func (c *collector) Record(r Record) { c.records = append(c.records, r) }
func (c *collector) Handshake(r Record, m tls.Message) {
	c.types[r.Dir] = append(c.types[r.Dir], m.Type)
}
func (c *collector) Alert(_ Record, a AlertFact) { c.alerts = append(c.alerts, a) }
func (c *collector) ApplicationData(r Record, b []byte) {
	c.app[r.Dir].Write(b)
	if r.Early {
		c.early.Write(b)
	}
}
func (c *collector) Problem(p Problem) { c.problems = append(c.problems, p) }

// play feeds a connection and ends it.
func play(keys *Keys, o Options, chunks []chunk) (*State, *collector) {
	s, c := NewSession(keys, o), &collector{}
	for _, x := range chunks {
		s.Feed(x.dir, x.data, c)
	}
	s.End(Client, c)
	s.End(Server, c)
	return s.State(), c
}

// streams joins what each side sent.
func streams(chunks []chunk) (b [2][]byte) {
	for _, x := range chunks {
		b[x.dir] = append(b[x.dir], x.data...)
	}
	return b
}
