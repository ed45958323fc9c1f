package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// hostile are texts that would do harm on a terminal, with what is shown instead.
var hostile = []struct{ name, text, shown string }{
	{"plain", "GET /socket?a=b%20c", "GET /socket?a=b%20c"},
	{"letters", "größe 日本語 — ✓", "größe 日本語 — ✓"},
	{"emoji", "👩‍💻", `👩\u200d💻`},
	{"colour", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
	{"title", "\x1b]0;owned\x07", `\x1b]0;owned\x07`},
	{"clear", "\x1b[2J\x1b[H", `\x1b[2J\x1b[H`},
	{"link", "\x1b]8;;http://evil.test\x1b\\click\x1b]8;;\x1b\\", `\x1b]8;;http://evil.test\x1b\click\x1b]8;;\x1b\`},
	{"C1 as runes", "\u009b31m\u0085\u0090", `\u009b31m\u0085\u0090`},
	{"C1 as bytes", "\x9b31m\x85", `\x9b31m\x85`},
	{"line breaks", "a\nb\r\nc\vd\fe", `a\nb\r\nc\x0bd\x0ce`},
	{"Unicode line breaks", "a\u2028b\u2029c", `a\u2028b\u2029c`},
	{"tab, NUL, backspace, DEL", "a\tb\x00c\bd\x7f", `a\tb\x00c\x08d\x7f`},
	{"bidi", "\u202eexe.gpj\u202c \u2066x\u2069 \u200e\u200f\u061c", `\u202eexe.gpj\u202c \u2066x\u2069 \u200e\u200f\u061c`},
	{"zero width", "pay\u200bpal\u200c\u200d\ufeff\u2060\u00ad", `pay\u200bpal\u200c\u200d\ufeff\u2060\u00ad`},
	{"fillers", "a\u3164b\u115f\u2800\ufe0f\u034f", `a\u3164b\u115f\u2800\ufe0f\u034f`},
	{"spaces", "a\u00a0b\u3000c\u2003", `a\u00a0b\u3000c\u2003`},
	{"tags", "x\U000e0041\U000e007f", `x\U000e0041\U000e007f`},
	{"private use", "\ue000\U00100000", `\ue000\U00100000`},
	{"not UTF-8", "caf\xe9 \xff\xfe \xc3", `caf\xe9 \xff\xfe \xc3`},
	{"surrogate, overlong", "\xed\xa0\x80\xc0\xaf", `\xed\xa0\x80\xc0\xaf`},
	{"replacement", "\ufffd", "\ufffd"},
}

func TestClean(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			got := Clean(c.text)
			if got != c.shown {
				t.Errorf("Clean(%q) = %s, want %s", c.text, got, c.shown)
			}
			if again := Clean(got); again != got {
				t.Errorf("cleaned again it is %s", again)
			}
		})
	}
}

// harmless fails for any rune that a terminal does not simply show.
func harmless(t *testing.T, where, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s is not UTF-8: %q", where, text)
	}
	for _, r := range text {
		if r != '\n' && (!unicode.IsPrint(r) || invisible(r)) {
			t.Fatalf("%s has %U: %q", where, r, text)
		}
	}
}

// Nothing of a hostile result reaches the terminal, in no format for people.
func TestHostileResult(t *testing.T) {
	harmless(t, "the table", render(t, "hostile", "table", Options{Width: 80}))
	harmless(t, "the story", tell(t, "hostile", 80, "5"))
	harmless(t, "the storm's table", render(t, "storm", "table", Options{Width: 80}))
}

func FuzzClean(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		harmless(t, "the text", got)
		if strings.Contains(got, "\n") {
			t.Errorf("a line break is left in %q", got)
		}
	})
}

func TestWrap(t *testing.T) {
	cases := []struct {
		text    string
		columns int
		want    string
	}{
		{"", 10, ""},
		{"one two", 10, "one two"},
		{"one two three", 7, "one two|three"},
		{"  one two three", 9, "  one two|  three"},
		{"abcdefghijkl", 5, "abcde|fghij|kl"},
		{"a abcdefghijkl b", 5, "a|abcde|fghij|kl b"},
		{"日本語日本語", 5, "日本|語日|本語"},
		{"a  b", 2, "a|b"},
		{"日本", 1, "日|本"},
		{"see (https://a.test/x) now", 8, "see|(https://a.test/x)|now"},
	}
	for _, c := range cases {
		if got := strings.Join(wrap(c.text, c.columns), "|"); got != c.want {
			t.Errorf("wrap(%q, %d) = %s, want %s", c.text, c.columns, got, c.want)
		}
	}
}

func TestColorOnlyIfAllowed(t *testing.T) {
	without := render(t, "mixed", "table", Options{Width: 80})
	with := render(t, "mixed", "table", Options{Width: 80, Color: true})
	if strings.Contains(without, "\x1b") {
		t.Error("colour though none is allowed")
	}
	if !strings.Contains(with, "\x1b[1;31m3 of 12") {
		t.Error("no colour though it is allowed")
	}
	var plain strings.Builder // what is left without SGR sequences
	for rest := with; rest != ""; {
		before, after, found := strings.Cut(rest, "\x1b[")
		plain.WriteString(before)
		if rest = ""; found {
			_, rest, _ = strings.Cut(after, "m")
		}
	}
	lines := strings.Split(plain.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if strings.Join(lines, "\n") != without {
		t.Errorf("colour changes the text:\n%s", plain.String())
	}
}

func TestSuggest(t *testing.T) {
	rules := load(t, []byte(render(t, "mixed", "json", Options{}))).Rules
	for name, want := range map[string]string{"WS50": "WS501", "501": "WS501", "ws-501": "WS501", "idel-timeout": "idle-timeout", "timeout": "idle-timeout", "upgrade-header-mising": "upgrade-header-missing"} {
		if got := Suggest(name, rules); len(got) == 0 || got[0] != want {
			t.Errorf("Suggest(%q) = %v, want %s first", name, got, want)
		}
	}
	if got := Suggest("zzzzzzzz", rules); len(got) > 0 {
		t.Errorf("Suggest gives %v for nonsense", got)
	}
}

func TestAnswered(t *testing.T) {
	c := &record.Connection{Response: &record.Response{Packet: 13, LatencyMS: 1.4}, Request: &record.Request{}}
	if got := answered(c); got != "packet 13, after 1.4 ms" {
		t.Error(got)
	}
	c.Request = nil
	if got := answered(c); got != "packet 13" {
		t.Errorf("without a request in the capture: %s", got)
	}
}

func TestHeadlineOfWarnings(t *testing.T) {
	for _, x := range []struct {
		fine, warned int64
		want         string
	}{
		{0, 1, "The one WebSocket connection worked, with a warning."},
		{1, 1, "Both WebSocket connections worked; 1 has a warning."},
		{2, 2, "All 4 WebSocket connections worked; 2 have warnings."},
	} {
		var v view
		v.counts[healthy], v.counts[warned] = x.fine, x.warned
		if got := v.headline(); len(got) != 1 || got[0].text != x.want {
			t.Errorf("%+v, want %q", got, x.want)
		}
	}
}

// What nobody can look into may be a WebSocket.
func TestHeadlineOfTheEncrypted(t *testing.T) {
	for _, x := range []struct {
		dark, other int64
		want        string
	}{
		{0, 1, "No WebSocket connections: 1 TCP connection seen, and none began a WebSocket."},
		{1, 0, "No WebSocket connections to be seen: the one TCP connection is encrypted."},
		{2, 0, "No WebSocket connections to be seen: all 2 TCP connections are encrypted."},
		{1, 2, "No WebSocket connections to be seen: of 3 TCP connections 1 is encrypted, and no other began a WebSocket."},
	} {
		var v view
		v.packets, v.counts[opaque], v.summary.OtherTCPConnections = 9, x.dark, x.other
		if got := v.headline(); len(got) != 1 || got[0].text != x.want {
			t.Errorf("%+v, want %q", got, x.want)
		}
	}
}

// TestPatternLeavesWhoActsToItsConnections: a pattern that does not know who has
// to act contradicts no connection that does.
func TestPatternLeavesWhoActsToItsConnections(t *testing.T) {
	p := record.Pattern{Title: "went on with polling", Fault: record.FaultUnknown}
	if got := shared(&p); got != "Went on with polling." {
		t.Error(got)
	}
	if who := new(HTML).pattern(p).Actor; who != "" {
		t.Error(who)
	}
	if p.Fault = record.FaultServer; shared(&p) != "Went on with polling: the server has to act." {
		t.Error(shared(&p))
	}
}
