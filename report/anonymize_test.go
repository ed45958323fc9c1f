package report

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plainMapper maps so that a test can see it.
type plainMapper struct{}

func (plainMapper) Addr(a netip.Addr) netip.Addr {
	if a.Is4() {
		b := a.As4()
		return netip.AddrFrom4([4]byte{250, b[1] ^ 0xff, b[2] ^ 0xff, b[3] ^ 0xff})
	}
	b := a.As16()
	b[0] ^= 0xff
	return netip.AddrFrom16(b)
}

func (plainMapper) Name(s string) string { return strings.Repeat("n", len(s)) }

// No address and no host name of a result is left, in any format.
func TestAnonymize(t *testing.T) {
	for _, name := range []string{"mixed", "healthy", "storm", "undecided"} {
		for _, format := range Formats() {
			f, err := os.Open(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			r, err := New(format, &out, Options{Width: 120})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Read(f, NewAnonymizer(plainMapper{}).Sink(r)); err != nil {
				t.Fatal(err)
			}
			f.Close()
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"10.77.", "app.test", "live.test", "chat.test"} {
				if i := strings.Index(out.String(), secret); i >= 0 {
					t.Errorf("%s as %s: %.120q", name, format, out.String()[max(0, i-60):])
				}
			}
			if format == "json" && !strings.Contains(out.String(), "250.178.") {
				t.Errorf("%s as %s has no mapped address", name, format)
			}
		}
	}
}

func TestAnonymizeText(t *testing.T) {
	a := NewAnonymizer(plainMapper{})
	a.name("App.Test:8080")
	a.name("sub.app.test")
	a.name("http://x.test")
	for text, want := range map[string]string{
		"to 10.0.0.1:80":                "to 250.255.255.254:80",
		"ipv6.addr==2001:db8::1 && x":   "ipv6.addr==df01:db8::1 && x",
		"HTTP/1.1 from http":            "HTTP/1.1 from http",
		"at 10:00:00 of APP.test":       "at 10:00:00 of nnnnnnnn",
		"https://sub.app.test/app.test": "https://nnnnnnnnnnnn/nnnnnnnn",
		"[2001:db8::1]:443 closed":      "[df01:db8::1]:443 closed",
		"nginx/1.22.1 said std::string": "nginx/1.22.1 said std::string",
		"a packet of 10.0.0.1, and ::":  "a packet of 250.255.255.254, and ::",
	} {
		if got := a.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
