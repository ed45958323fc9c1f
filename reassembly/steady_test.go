package reassembly

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsleuth/wsleuth/capture/link"
)

// TestCarryOn: segments that carry on come out as if they had been examined
// like all others.
func TestCarryOn(t *testing.T) {
	carried := 0
	check := func(name string, packets []sentPacket) {
		fast, slow := &sorted{stream: map[*Flow]string{}}, &sorted{stream: map[*Flow]string{}}
		a, b := New(Options{Handler: fast}), New(Options{Handler: slow})
		for i := range packets {
			x := &packets[i]
			a.Packet(&x.p, &x.ip)
			carried += b.examineAll(x)
		}
		a.Close()
		b.Close()
		if !slices.Equal(fast.all, slow.all) {
			t.Errorf("%s: %d connections, %d when all is examined; or others", name, len(fast.all), len(slow.all))
		}
	}
	check("random", manyPackets(6000))
	var copied []sentPacket // some stand behind those sent later, some twice
	for i, x := range manyPackets(6000) {
		x.ip.ID -= uint16(i % 5 * 3)
		x.p.Number = int64(len(copied) + 1)
		copied = append(copied, x)
		if i%7 == 6 {
			for _, y := range copied[len(copied)-5:] {
				y.p.Number, y.p.Time, y.p.Clock = int64(len(copied)+1), x.p.Time, x.p.Clock
				copied = append(copied, y)
			}
		}
	}
	check("copied", copied)
	files, err := filepath.Glob("testdata/segments/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n---\n")
		b := newBuilder(t)
		b.v6 = strings.Contains(script, "# IPv6")
		var packets []sentPacket
		for _, l := range strings.Split(script, "\n") {
			if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
				packets = append(packets, b.line(l))
			}
		}
		check(name, packets)
	}
	if carried < 500 {
		t.Errorf("only %d segments carried on", carried)
	}
}

// examineAll is Packet without carryOn; it counts what would have carried on.
func (t *Table) examineAll(x *sentPacket) (carried int) {
	t.Advance(x.p.Clock)
	s := &t.seg
	if x.ip.Protocol != link.ProtocolTCP {
		t.icmp(&x.p, &x.ip)
		return 0
	} else if !s.parse(&x.ip) {
		return 0
	}
	t.key.of(&x.ip)
	h := t.key.hash(x.p.Vantage)
	s.at, s.clock = At{Packet: x.p.Number, Time: x.p.Time, File: x.p.File}, x.p.Clock
	f, side := t.find(h, x.p.Vantage, s)
	if f == nil {
		if !s.is(flagSYN) && t.tombs.late(h, &t.key, s) {
			return 0
		}
		f, side = t.create(h, &t.key, x.p.Vantage, s), 0
	}
	sender, other := f.sides(side)
	switch {
	case f.flags&flowHolds != 0:
		t.meanwhile(f, side, s)
	case before(other.next, s.ack) && f.early(sender, other, s):
		t.hold(f, side, s)
	case f.printed(sender, s):
		t.copied(f, side, s)
	case f.passes(sender, s):
		f.pass(side, sender, s)
	default:
		if f.carriesOn(sender, s) {
			carried = 1
		}
		t.examine(f, side, s)
	}
	return carried
}
