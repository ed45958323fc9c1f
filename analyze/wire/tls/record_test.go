package tls

import (
	"bytes"
	"fmt"
	"testing"
)

// stream is records of several types and lengths.
func stream() []byte {
	var b []byte
	for _, r := range []struct {
		typ    ContentType
		length int
	}{{Handshake, 300}, {ChangeCipherSpec, 1}, {ApplicationData, 0}, {ApplicationData, 5000}, {AlertRecord, 2}, {ApplicationData, 17000}, {Handshake, 40}, {ApplicationData, 30}} {
		b = append(b, byte(r.typ), 3, 3, byte(r.length>>8), byte(r.length))
		for i := range r.length {
			b = append(b, byte(r.length+i*7))
		}
	}
	return b
}

// feedAll feeds b in pieces and describes what came out.
func feedAll(p *RecordParser, b []byte, size int) string {
	var out bytes.Buffer
	for len(b) > 0 {
		n := min(size, len(b))
		out.WriteString(feedPiece(p, b[:n]))
		b = b[n:]
	}
	return out.String()
}

func feedPiece(p *RecordParser, b []byte) string {
	var out bytes.Buffer
	for {
		n, ev := p.Feed(b)
		b = b[n:]
		if ev.Kind == NeedMore {
			return out.String()
		}
		fmt.Fprintf(&out, "%d %+v\n", ev.Kind, ev.Record)
	}
}

var pieces = []int{1, 2, 3, 4, 5, 6, 7, 100, 1448, 4096, 5000, 1 << 20}

func TestRecordsSplit(t *testing.T) {
	for _, skip := range []bool{false, true} {
		want := feedAll(&RecordParser{SkipPayload: skip}, stream(), 1<<20)
		if n := bytes.Count([]byte(want), []byte("\n")); n != 8 {
			t.Fatalf("%d records", n)
		}
		for _, size := range pieces {
			if got := feedAll(&RecordParser{SkipPayload: skip}, stream(), size); got != want {
				t.Errorf("skip %v, pieces of %d differ", skip, size)
			}
		}
	}
}

func TestNotTLS(t *testing.T) {
	for _, x := range []struct {
		text string
		at   int64
	}{
		{"HTTP/1.1 400 Bad Request\r\n", 0},
		{"\x16\x03\x03\x00\x01\x00GET /", 6},
		{"\x16\x02\x00\x00\x01\x00", 0},     // version
		{"\x17\x03\x03\x48\x01", 0},         // too long
		{"\x19\x03\x03\x00\x01\x00", 0},     // type
		{"\x80\x2e\x01\x03\x01\x00\x15", 0}, // SSL 2.0 not asked for
	} {
		for size := 1; size <= len(x.text); size++ {
			p := &RecordParser{}
			want := fmt.Sprintf("%d %+v\n", NotTLS, Record{Offset: x.at, Violation: NotTLSRecord})
			got := feedAll(p, []byte(x.text), size)
			if !p.Dead() || !bytes.HasSuffix([]byte(got), []byte(want)) || p.Offset() != int64(len(x.text)) {
				t.Errorf("%q in pieces of %d: %s, dead %v, at %d", x.text, size, got, p.Dead(), p.Offset())
			}
		}
	}
}

func TestPending(t *testing.T) {
	p := &RecordParser{}
	p.Feed([]byte{23, 3})
	if h, n, l := p.Pending(); h != 2 || n != 0 || l != -1 {
		t.Error(h, n, l)
	}
	p.Feed([]byte{3, 0, 9, 1, 2})
	if h, n, l := p.Pending(); h != 5 || n != 2 || l != 9 {
		t.Error(h, n, l)
	}
}

// TestShortCuts: Pass keeps a payload that is wanted, WholeData takes whole
// records of application data, and neither takes anything else.
func TestShortCuts(t *testing.T) {
	p := &RecordParser{}
	record := []byte{23, 3, 3, 0, 4, 1, 2, 3, 4}
	p.Feed(record[:6])
	for i, want := range []bool{true, true, false} {
		if got := p.Pass(record[6+i : 7+i]); got != want {
			t.Errorf("byte %d passed: %v", i, got)
		}
	}
	if n, ok := p.WholeData(record); ok || n != 0 {
		t.Errorf("%d bytes amid a payload taken for a record", n)
	}
	n, ev := p.Feed(record[8:])
	if n != 1 || ev.Kind != RecordDone || !bytes.Equal(ev.Record.Fragment, record[5:]) {
		t.Fatalf("%d, %+v", n, ev)
	}
	for _, x := range []struct {
		b    []byte
		want int
	}{{record, 9}, {append(record, 23), 9}, {record[:8], 0}, {record[:4], 0}, {[]byte{22, 3, 3, 0, 1, 0}, 0}, {[]byte{23, 3, 9, 0, 1, 0}, 0}} {
		before := p.Offset()
		n, ok := p.WholeData(x.b)
		if n != x.want || ok != (n > 0) || p.Offset() != before+int64(n) {
			t.Errorf("%v: %d, %v, offset %d", x.b, n, ok, p.Offset())
		}
	}
	p.SkipPayload = true
	if _, ok := p.WholeData(record); ok {
		t.Error("taken although payloads are skipped")
	}
}

func TestGap(t *testing.T) {
	b := stream()
	starts := []int{0}
	for at := 0; at < len(b); {
		at += 5 + int(b[at+3])<<8 + int(b[at+4])
		starts = append(starts, at)
	}
	big := starts[5] // application_data of 17000 bytes
	for _, x := range []struct {
		name     string
		from, to int
		within   bool
		records  int // of 8
	}{
		{"within a payload", big + 100, big + 3000, true, 8},
		{"to the end of a payload", big + 100, starts[6], true, 8},
		{"two records", big + 100, starts[7], false, 6},
		{"between records", starts[3], starts[4], false, 7},
		{"a header's end", big + 3, big + 7, false, 7},
	} {
		for _, size := range pieces {
			p := &RecordParser{}
			got := feedAll(p, b[:x.from], size)
			if within := p.Gap(int64(x.to - x.from)); within != x.within {
				t.Errorf("%s: within %v", x.name, within)
			}
			got += feedAll(p, b[x.to:], size)
			if n := bytes.Count([]byte(got), []byte("\n")); n != x.records {
				t.Errorf("%s in pieces of %d: %d records, want %d", x.name, size, n, x.records)
			}
			if p.Offset() != int64(len(b)) {
				t.Errorf("%s: at %d of %d", x.name, p.Offset(), len(b))
			}
		}
	}
}

func TestGapMarks(t *testing.T) {
	b := stream()
	p := &RecordParser{}
	p.Feed(b[:305])
	p.Gap(-1)
	_, ev := p.Feed(b[305+7:])
	if ev.Kind != RecordDone || !ev.Record.Resync || ev.Record.Missing != 0 || ev.Record.Length != 5000 {
		t.Errorf("%v %+v", ev.Kind, ev.Record.Length)
	}
	p.Feed([]byte{23, 3, 3, 0, 20, 1, 2})
	p.Gap(10)
	_, ev = p.Feed(make([]byte, 8))
	if ev.Kind != RecordDone || ev.Record.Missing != 10 || ev.Record.Fragment != nil {
		t.Errorf("%v %+v", ev.Kind, ev.Record)
	}
}

func TestViolations(t *testing.T) {
	p := &RecordParser{}
	for _, x := range []struct {
		b    []byte
		want Violation
	}{
		{[]byte{22, 3, 3, 0, 0}, EmptyRecord},
		{[]byte{23, 3, 3, 0, 0}, NoViolation},
		{append([]byte{20, 3, 3, 0x40, 1}, make([]byte, 1<<14+1)...), RecordTooLong},
	} {
		if _, ev := p.Feed(x.b); ev.Kind != RecordDone || ev.Record.Violation != x.want {
			t.Errorf("%x: %s", x.b[:5], ev.Record.Violation)
		}
	}
}

func message24(typ HandshakeType, n int) []byte {
	b := append([]byte{byte(typ), byte(n >> 16), byte(n >> 8), byte(n)}, make([]byte, n)...)
	for i := range n {
		b[4+i] = byte(i)
	}
	return b
}

func TestHandshakeSplit(t *testing.T) {
	var b []byte
	for _, m := range [][]byte{message24(TypeClientHello, 300), message24(ServerHelloDone, 0), message24(TypeCertificate, MaxHandshakeMessage+1), message24(Finished, 12), message24(TypeCertificate, MaxHandshakeMessage)} {
		b = append(b, m...)
	}
	read := func(size int) string {
		p, out := &HandshakeParser{}, bytes.Buffer{}
		for rest := b; len(rest) > 0; {
			n := min(size, len(rest))
			piece := rest[:n]
			rest = rest[n:]
			for {
				n, m, ok := p.Feed(piece)
				piece = piece[n:]
				if !ok {
					break
				}
				fmt.Fprintf(&out, "%s %d %d %x %s\n", m.Type, m.Length, len(m.Raw), m.Body, m.Violation)
			}
		}
		if !p.Idle() {
			t.Errorf("pieces of %d: not idle", size)
		}
		return out.String()
	}
	want := read(len(b))
	if n := bytes.Count([]byte(want), []byte("\n")); n != 5 || !bytes.Contains([]byte(want), []byte(HandshakeTooLong.String())) {
		t.Fatalf("%d messages", n)
	}
	for _, size := range []int{1, 3, 4, 5, 1000, 16384} {
		if read(size) != want {
			t.Errorf("pieces of %d differ", size)
		}
	}
}

func TestAllocations(t *testing.T) {
	b := stream()
	for _, skip := range []bool{true, false} {
		p := &RecordParser{SkipPayload: skip}
		if n := testing.AllocsPerRun(100, func() {
			for rest := b; ; {
				n, ev := p.Feed(rest)
				if rest = rest[n:]; ev.Kind == NeedMore {
					break
				}
			}
		}); n != 0 {
			t.Errorf("skip %v: %v allocations", skip, n)
		}
	}
	// Cut into segments, skipped payload costs nothing either.
	p := &RecordParser{SkipPayload: true}
	if n := testing.AllocsPerRun(100, func() { feedQuiet(p, b, 1448) }); n != 0 {
		t.Errorf("segments: %v allocations", n)
	}
}

func feedQuiet(p *RecordParser, b []byte, size int) (records int) {
	for len(b) > 0 {
		piece := b[:min(size, len(b))]
		b = b[len(piece):]
		if p.Pass(piece) {
			continue
		}
		for {
			n, ev := p.Feed(piece)
			if piece = piece[n:]; ev.Kind == NeedMore {
				break
			}
			records++
		}
	}
	return records
}

func BenchmarkSkip(b *testing.B) {
	data := stream()
	for _, size := range []int{1448, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			p := &RecordParser{SkipPayload: true}
			for b.Loop() {
				if feedQuiet(p, data, size) != 8 {
					b.Fatal("records lost")
				}
			}
		})
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(stream(), 100, 50)
	f.Add([]byte("HTTP/1.1 200 OK"), 3, 0)
	f.Add([]byte{0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10}, 4, 2)
	f.Fuzz(func(t *testing.T, b []byte, cut, gap int) {
		cut = min(max(cut, 0), len(b))
		var want string
		for _, size := range []int{1, 7, max(1, len(b))} {
			p := &RecordParser{AllowSSLv2: true}
			got := feedAll(p, b[:cut], size)
			p.Gap(int64(gap))
			got += feedAll(p, b[cut:], size)
			if size == 1 {
				want = got
			} else if got != want {
				t.Fatalf("pieces of %d:\n%s\nwant\n%s", size, got, want)
			}
		}
	})
}
