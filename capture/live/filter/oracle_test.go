package filter

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/wsleuth/wsleuth/capture"
)

var update = flag.Bool("update", false, "rewrite testdata with what tcpdump says")

// names stands for the resolver.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, s := range n[host] {
		a := netip.MustParseAddr(s)
		if network == "ip" || (network == "ip4") == a.Is4() {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

func (n names) LookupPort(_ context.Context, network, service string) (int, error) {
	ports := map[string]int{"http": 80, "https": 443, "domain": 53}
	if port := ports[service]; port != 0 && (network == "tcp" || service == "domain") {
		return port, nil
	}
	return 0, errors.New("unknown port")
}

var testNames = names{"app.test": {"10.0.0.1", "2001:db8::1"}, "four.test": {"::ffff:10.0.0.2"}, "tcp": {"10.0.0.1"}}

// expressions of testdata/expressions.txt: those that tcpdump understands.
func expressions(t testing.TB) []string {
	b, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

var links = []struct {
	name string // of tcpdump
	link capture.LinkType
	of   func(sample) []byte
}{
	{"EN10MB", capture.LinkEthernet, func(s sample) []byte { return s.ethernet() }},
	{"RAW", capture.LinkRaw, sample.raw},
	{"NULL", capture.LinkNull, sample.null},
}

// frames gives the corpus for a link type.
func frames(of func(sample) []byte) (frames [][]byte, which []sample) {
	for _, s := range corpus() {
		if b := of(s); b != nil {
			frames, which = append(frames, b), append(which, s)
		}
	}
	return frames, which
}

const goldenFile = "testdata/matches.txt"

// golden gives, for "LINK EXPRESSION", a bit per packet of the corpus.
func golden(t testing.TB) map[string]string {
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	g := map[string]string{}
	for line := range strings.Lines(string(b)) {
		bits, key, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			t.Fatalf("%s: cannot read %q", goldenFile, line)
		}
		g[key] = bits
	}
	return g
}

func vm(t testing.TB, raw []bpf.RawInstruction) *bpf.VM {
	t.Helper()
	program, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the program has instructions that cannot be read")
	}
	m, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func run(t testing.TB, m *bpf.VM, b []byte) bool {
	n, err := m.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return n != 0
}

func bitmap(frames [][]byte, match func([]byte) bool) string {
	b := make([]byte, (len(frames)+7)/8)
	for i, f := range frames {
		if match(f) {
			b[i/8] |= 1 << (i % 8)
		}
	}
	return hex.EncodeToString(b)
}

// What tcpdump's own programs say about each packet is in testdata, and both
// the compiled program and Match say the same.
func TestLikeTcpdump(t *testing.T) {
	want := golden(t)
	for _, l := range links {
		frames, which := frames(l.of)
		for _, expr := range expressions(t) {
			f, err := Compile(t.Context(), expr, l.link, Options{Exact: true, Resolver: testNames})
			if err != nil {
				t.Errorf("%s: %v", l.name, err)
				continue
			}
			key := l.name + " " + expr
			m := vm(t, f.Raw())
			kernel := bitmap(frames, func(b []byte) bool { return run(t, m, b) })
			user := bitmap(frames, f.Match)
			differ(t, key+": program", want[key], kernel, which)
			differ(t, key+": Match", want[key], user, which)
		}
	}
}

// differ names the first packets that two bitmaps tell apart.
func differ(t *testing.T, what, want, got string, which []sample) {
	t.Helper()
	if want == got {
		return
	}
	w, _ := hex.DecodeString(want)
	g, _ := hex.DecodeString(got)
	if len(w) != len(g) {
		t.Errorf("%s: no answers of tcpdump are stored for these packets", what)
		return
	}
	shown := 0
	for i, s := range which {
		if yes := g[i/8]>>(i%8)&1 != 0; yes != (w[i/8]>>(i%8)&1 != 0) && shown < 3 {
			t.Errorf("%s: %s: %v, tcpdump says %v", what, s.name, yes, !yes)
			shown++
		}
	}
}

func TestStoredAnswersAreTcpdumps(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump, whose answers are stored, is not installed")
	}
	var out bytes.Buffer
	for _, l := range links {
		frames, _ := frames(l.of)
		for _, expr := range expressions(t) {
			m := vm(t, tcpdump(t, l.name, expr))
			fmt.Fprintf(&out, "%s %s %s\n", bitmap(frames, func(b []byte) bool { return run(t, m, b) }), l.name, expr)
		}
	}
	if *update {
		if err := os.WriteFile(goldenFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if stored, err := os.ReadFile(goldenFile); err != nil || !bytes.Equal(stored, out.Bytes()) {
		t.Errorf("%s is not what tcpdump says now (%v): run go test -run StoredAnswers -update", goldenFile, err)
	}
}

// tcpdump compiles an expression: -ddd prints a count and then the numbers of
// each instruction.
func tcpdump(t *testing.T, link, expr string) []bpf.RawInstruction {
	t.Helper()
	out, err := exec.Command("tcpdump", "-n", "-y", link, "-ddd", expr).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && bytes.Contains(exit.Stderr, []byte("rejects all packets")) {
		return []bpf.RawInstruction{{Op: 0x06}}
	}
	if errors.As(err, &exit) {
		t.Fatalf("tcpdump -y %s -ddd %q: %s", link, expr, exit.Stderr)
	}
	var count int
	in := bytes.NewReader(out)
	fmt.Fscan(in, &count)
	raw := make([]bpf.RawInstruction, count)
	for i := range raw {
		if _, err := fmt.Fscan(in, &raw[i].Op, &raw[i].Jt, &raw[i].Jf, &raw[i].K); err != nil {
			t.Fatalf("tcpdump -y %s -ddd %q: %v", link, expr, err)
		}
	}
	return raw
}
