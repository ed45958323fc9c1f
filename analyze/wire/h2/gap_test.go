package h2

import (
	"slices"
	"strings"
	"testing"
)

// A step feeds bytes, or tells of a gap.
type step struct {
	bytes string
	gap   int64
}

func TestGaps(t *testing.T) {
	e := newEncoder()
	request := frame(Headers, EndHeaders, 1, e.block(connect...))
	again := frame(Headers, EndHeaders, 3, e.block(connect...))
	for _, c := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{"inside DATA", []step{{bytes: settingsFrame + frame(Data, EndStream, 1, "abcdef")[:12]}, {gap: 2}, {bytes: "f" + frame(Data, 0, 3, "x")}},
			[]string{"settings []", "data 1 abc", "missing 1: 2", "data 1 f", "end-stream 1", "data 3 x"}},
		{"the rest of DATA with its padding", []step{{bytes: settingsFrame + frame(Data, Padded, 1, "\x02abc\x00\x00")[:12]}, {gap: 3}, {bytes: frame(Data, 0, 3, "x")}},
			[]string{"settings []", "data 1 ab", "missing 1: 1", "data 3 x"}},
		{"a whole window update", []step{{bytes: settingsFrame + frame(WindowUpdate, 0, 1, "abcd")[:9]}, {gap: 4}, {bytes: frame(Data, 0, 3, "x")}},
			[]string{"settings []", "data 3 x"}},
		{"frames are lost", []step{{bytes: settingsFrame + request}, {gap: 100}, {bytes: "rubbish"}, {bytes: again}},
			[]string{"settings []", "block 1" + connectText + " unknown=0 truncated=false", "lost",
				"block 3 =(?) =(?) :scheme=https =(?) =(?) =(?) unknown=5 truncated=false"}},
		{"part of a header block", []step{{bytes: settingsFrame + request[:20]}, {gap: int64(len(request) - 20)}, {bytes: again + frame(Data, 0, 3, "x")}},
			[]string{"settings []", "block 3 =(?) =(?) :scheme=https =(?) =(?) =(?) unknown=5 truncated=false", "data 3 x"}},
		{"in the middle of a chunk", []step{{bytes: settingsFrame + "\x00\x00"}, {gap: 5}, {bytes: "tail" + frame(Data, 0, 5, "ab") + frame(WindowUpdate, 0, 5, "\x00\x00\x00\x09")}},
			[]string{"settings []", "lost", "data 5 ab", "window 5 9"}},
		{"a second gap while hunting", []step{{bytes: settingsFrame}, {gap: 5}, {gap: 6}, {bytes: frame(Data, 0, 5, "ab")}},
			[]string{"settings []", "lost", "data 5 ab"}},
		{"a frame in pieces behind a gap", []step{{bytes: settingsFrame}, {gap: 5}, {bytes: frame(Data, 0, 5, "ab")[:4]}, {bytes: frame(Data, 0, 5, "ab")[4:10]}, {bytes: "b"}, {bytes: frame(Data, 0, 5, "cd")}},
			[]string{"settings []", "lost", "data 5 ab", "data 5 cd"}},
		{"a gap in what may be a frame", []step{{bytes: settingsFrame}, {gap: 5}, {bytes: frame(Data, 0, 5, "ab")[:4]}, {gap: 2}, {bytes: frame(Data, 0, 5, "cd")}},
			[]string{"settings []", "lost", "data 5 cd"}},
		{"inside padding length", []step{{bytes: settingsFrame + frame(Headers, EndHeaders|Padded, 1, "\x00\x88")[:9]}, {gap: 1}, {bytes: "\x88"}, {bytes: frame(Data, 0, 1, "ok")}},
			[]string{"settings []", "lost", "data 1 ok"}},
	} {
		var p Parser
		p.Init(Options{})
		r := &recorder{}
		for _, s := range c.steps {
			if s.gap > 0 {
				p.Gap(r, s.gap)
			}
			p.Feed(r, []byte(s.bytes))
		}
		if got := r.without(); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		var fed int64
		for _, s := range c.steps {
			fed += s.gap + int64(len(s.bytes))
		}
		if p.Offset() != fed {
			t.Errorf("%s: offset %d, want %d", c.name, p.Offset(), fed)
		}
	}
}

// TestLate: a capture that began after the preface cannot know the dynamic
// table, but static entries, literals and DATA can be read.
func TestLate(t *testing.T) {
	e := newEncoder()
	e.block(connect...)
	e.block("x-old", "1")
	block := e.block(":method", "GET", ":path", "/", ":method", "CONNECT", "x-new", "2")
	var p Parser
	p.Init(Options{FromClient: true, Late: true})
	r := &recorder{}
	p.Feed(r, []byte("the end of something"))
	p.Feed(r, []byte(frame(Data, 0, 1, "abc")))
	p.Feed(r, []byte(frame(Headers, EndHeaders, 7, block)+frame(Headers, EndHeaders, 9, e.block("x-old", "1", "x-new", "2", "x-old", "3"))))
	want := []string{"data 1 abc", "block 7 :method=GET :path=/ =(?) x-new=2 unknown=1 truncated=false", "block 9 =(?) x-new=2 =3(?) unknown=2 truncated=false"}
	if got := r.without(); !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if p.TableKnown() {
		t.Error("the dynamic table counts as known")
	}
	// A size of 0 empties the table: from there on all is known.
	p.Feed(r, []byte(frame(Headers, EndHeaders, 11, "\x20\x3f\xe1\x1f\x88")))
	if !p.TableKnown() {
		t.Error("the dynamic table is not known though it was emptied")
	}
}

func TestHuntEnds(t *testing.T) {
	var p Parser
	p.Init(Options{Late: true})
	rubbish := []byte(strings.Repeat("rubbish ", 1<<10))
	for range MaxHunt/len(rubbish) + 1 {
		p.Feed(ignore{}, rubbish)
	}
	if !p.Dead() {
		t.Error("not dead after MaxHunt bytes of rubbish")
	}
	p.Feed(ignore{}, []byte("x"))
	if p.Gap(ignore{}, 5); p.Offset() != int64((MaxHunt/len(rubbish)+1)*len(rubbish)+6) {
		t.Errorf("offset %d", p.Offset())
	}
}

func TestProbe(t *testing.T) {
	data, window := frame(Data, 0, 1, "\x81\x02hi"), frame(WindowUpdate, 0, 1, "\x00\x00\x00\x04")
	for _, c := range []struct {
		name           string
		client, server []string
		want           bool
	}{
		{"both ways", []string{data, data}, []string{window, data[:5], data[5:]}, true},
		{"one way", []string{data, window + data, window}, nil, true},
		{"too few", []string{data}, []string{window}, false},
		{"one way, too few", []string{data, data, data}, nil, false},
		{"nothing", nil, nil, false},
		{"LDAP", []string{"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"}, []string{data, data, data}, false},
		{"zeros", []string{strings.Repeat("\x00", 1000)}, nil, false},
		{"masked WebSocket frames", []string{"\x81\x85abcd12345", "\x81\x85abcd12345"}, []string{"\x81\x05hello", "\x81\x05hello"}, false},
		{"TLS", []string{"\x17\x03\x03\x00\x05hello"}, []string{"\x17\x03\x03\x00\x05hello"}, false},
	} {
		var a, b Probe
		for _, s := range c.client {
			a.Feed([]byte(s))
		}
		for _, s := range c.server {
			b.Feed([]byte(s))
		}
		if got := Recognise(&a, &b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
