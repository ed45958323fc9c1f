package ws

import (
	"strings"
	"testing"
)

func TestGap(t *testing.T) {
	text := frame(0x81, 5, strings.Repeat("héllo ", 20)) // 140 bytes, header 8
	next := frame(0x81, 6, "next")
	comp := frame(0xC1, 7, "\xf2\x48\xcd\xc9\xc9\x07\x00") // header 6
	back := frame(0xC1, 8, "\xf2\x00\x11\x00\x00")
	for _, c := range []struct {
		name     string
		in       []byte
		from, to int
		ok       bool
		want     string
	}{
		{"inside a payload", join(text, next), 30, 50, true,
			"message 0 text wire=140 size=140 frames=1 damaged\nmessage 148 text wire=4 size=4 frames=1\n"},
		{"to the end of a payload", join(text, next), 30, 148, true,
			"message 0 text wire=140 size=140 frames=1 damaged\nmessage 148 text wire=4 size=4 frames=1\n"},
		{"a whole frame", join(text, next, next), 148, 158, false,
			"message 0 text wire=140 size=140 frames=1\nmessage 158 text wire=4 size=4 frames=1\n"},
		{"over a header", join(text, next, next), 140, 150, false,
			"message 0 text wire=140 size=140 frames=1 damaged\nmessage 158 text wire=4 size=4 frames=1\n"},
		{"of compressed bytes", join(comp, back), 8, 10, true,
			"message 0 text wire=7 size=7 frames=1 compressed damaged uninflated\nmessage 13 text wire=5 size=5 frames=1 compressed unchecked\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tr transcript
			var p Parser
			p.Init(Options{FromClient: true, Deflate: &DeflateParams{}})
			p.Feed(&tr, c.in[:c.from])
			if ok := p.Gap(&tr, int64(c.to-c.from)); ok != c.ok {
				t.Errorf("Gap gave %v", ok)
			}
			// The next packet after the gap begins with a frame at the latest.
			packet := max(c.to, min(158, len(c.in)))
			p.Feed(&tr, c.in[c.to:packet])
			p.Feed(&tr, c.in[packet:])
			if got := withoutFrames(tr.String()); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if p.Offset() != int64(len(c.in)) {
				t.Errorf("offset %d of %d", p.Offset(), len(c.in))
			}
			p.Release()
			if used := p.shared.Budget().Used(); used != 0 {
				t.Errorf("%d bytes not given back", used)
			}
		})
	}
}

// TestGapBeforeSplitFrames: the frames behind a gap need not lie whole in a packet.
func TestGapBeforeSplitFrames(t *testing.T) {
	in := join(frame(0x82, 5, strings.Repeat("\xfe\x81", 300)), frame(0x89, 6, "ping"), frame(0x88, 7, "\x03\xe8done"))
	want := "message 9 binary wire=600 size=600 frames=1\ncontrol 617 ping \"ping\"\ncontrol 627 close \"\\x03\\xe8done\"\n"
	for _, size := range []int{1, 2, 3, 100, 607, 608, len(in)} {
		for _, before := range []string{"", "\x81\xa0", "\xff\xff\xff"} {
			var tr transcript
			var p Parser
			p.Init(Options{FromClient: true})
			p.Gap(&tr, int64(9-len(before)))
			if before != "" { // the end of what the gap began in
				p.Feed(&tr, []byte(before))
			}
			for from := 0; from < len(in); from += size {
				p.Feed(&tr, in[from:min(from+size, len(in))])
			}
			if before == "\x81\xa0" && size < 608 {
				continue // it may have been the beginning of a frame
			}
			if got := withoutFrames(tr.String()); got != want {
				t.Errorf("by %d bytes behind %q: got\n%swant\n%s", size, before, got, want)
			}
			if p.Offset() != int64(9+len(in)) {
				t.Errorf("offset %d of %d", p.Offset(), 9+len(in))
			}
		}
	}
}

func TestGapInControl(t *testing.T) {
	var tr transcript
	var p Parser
	p.Init(Options{})
	in := frame(0x88, 0, "\x03\xe8reason")
	p.Feed(&tr, in[:6])
	if !p.Gap(&tr, 4) {
		t.Error("lost the frame")
	}
	if want := "control 0 close \"\\x03\\xe8re\"\n"; withoutFrames(tr.String()) != want {
		t.Errorf("got %s", tr.String())
	}
}

func TestHuntIsBounded(t *testing.T) {
	var tr transcript
	var p Parser
	p.Init(Options{FromClient: true})
	p.Gap(&tr, 100)
	junk := []byte(strings.Repeat("<p>no frames here</p>", 1000))
	for i := 0; i <= MaxHunt/len(junk) && !p.Dead(); i++ {
		p.Feed(&tr, junk)
	}
	if !p.Dead() || p.Resyncs() != 0 {
		t.Errorf("dead %v, resyncs %d", p.Dead(), p.Resyncs())
	}
}
