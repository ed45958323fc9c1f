package reassembly

import (
	"fmt"
	"testing"
	"time"
)

// moments notes when the table hands something on.
type moments struct {
	table *Table
	list  []string
}

func (m *moments) note(f *Flow, what string) {
	e := m.table.Ending()
	m.list = append(m.list, fmt.Sprintf("%s %d at %v (#%d)", what, f.First().Packet, time.Duration(e.Looked-testTime), e.First.Packet))
}
func (m *moments) Data(f *Flow, _ Side, at At, _ []byte) {
	m.note(f, fmt.Sprintf("data #%d of", at.Packet))
}
func (m *moments) Missing(*Flow, Side, At, int64, GapKind) {}
func (m *moments) End(*Flow, Side, At, EndKind)            {}
func (m *moments) Closed(f *Flow, order int64, last bool)  { m.note(f, "closed") }

// TestHeldInTime: what waited in vain is let go at its own time, before what
// falls due later, however late the table is told of the time.
func TestHeldInTime(t *testing.T) {
	steps := func(step time.Duration) []string {
		b, m := newBuilder(t), &moments{}
		m.table = New(Options{Handler: m})
		for _, l := range []string{"C S", "S SA", "C", `+50us S "101" ack=3`, `+20us S "hello" ack=3`} {
			x := b.line(l)
			m.table.Packet(&x.p, &x.ip)
		}
		if len(m.list) != 0 {
			t.Fatalf("did not wait: %q", m.list)
		}
		from := m.table.clock
		for passed := step; passed <= time.Hour; passed += step {
			m.table.Advance(from + int64(passed))
			if step < time.Second {
				step = time.Second
			}
		}
		return m.list
	}
	small, large := steps(time.Millisecond/4), steps(time.Hour)
	if len(large) != 3 || fmt.Sprint(small) != fmt.Sprint(large) {
		t.Errorf("in small steps\n%q, in one\n%q", small, large)
	}
}

// TestHeldIsBounded: a clock that stands still does not let more and more wait.
func TestHeldIsBounded(t *testing.T) {
	table := New(Options{Handler: &moments{table: new(Table)}})
	for port := range 4 * maxHolding {
		b := newBuilder(t)
		for _, l := range []string{"C S", "S SA", "C", `+0s S "101" ack=3`} {
			x := b.line(l)
			at := 0
			if x.ip.Payload[0] == byte(80>>8) && x.ip.Payload[1] == 80 {
				at = 2
			}
			x.ip.Payload[at], x.ip.Payload[at+1] = byte((port+1024)>>8), byte(port+1024)
			x.p.Time, x.p.Clock = testTime, testTime
			table.Packet(&x.p, &x.ip)
		}
		if n := len(table.holding); n > maxHolding || port == maxHolding/2 && n == 0 {
			t.Fatalf("%d connections wait", n)
		}
	}
}
