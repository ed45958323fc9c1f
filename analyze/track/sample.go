package track

import (
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// Limits of what is remembered of streams that several vantage points see.
const (
	// sampleHead is how many bytes of each side are kept.
	sampleHead = 4 << 10
	// sampleBlock is how many bytes have one sum, maxBlocks how many blocks have one.
	sampleBlock = 1 << 10
	maxBlocks   = 4 << 10
	// maxSampled bounds the connections of which this is kept.
	maxSampled = 1 << 12
)

// beginSamples prepares to remember a connection's streams.
func (t *Tracker) beginSamples(c *conn) {
	if t.o.Apart != nil && t.sampled < maxSampled && t.o.Apart() && c.flow.ClientBy == reassembly.ClientBySYN {
		t.sampled++
		c.rare().samples = new([2]record.Sample)
	}
}

// shadow emits a connection that is none to report: that not a byte came here
// may be what another vantage point's view has to be compared with.
func (t *Tracker) shadow(f *reassembly.Flow, c *conn, order int64, last bool) {
	if t.o.Apart == nil || !t.o.Apart() || f.ClientBy != reassembly.ClientBySYN || f.Half(0).Bytes+f.Half(1).Bytes > 0 {
		return
	}
	r := t.build(f, c, &attempt{}, last)
	r.Facts.Shadow = true
	t.o.Emit(r, order)
}

// sample remembers the next bytes of one side.
func (c *conn) sample(from reassembly.Side, at reassembly.At, b []byte) {
	s := &c.samples()[c.dir(from)]
	if s.Stops {
		return
	}
	if room := sampleHead - len(s.Head); room > 0 {
		s.At = append(s.At, record.SampleAt{Offset: s.Length, Ref: ref(at)})
		s.Head = append(s.Head, b[:min(room, len(b))]...)
	}
	for len(b) > 0 {
		if s.Length%sampleBlock == 0 {
			if len(s.Blocks) >= maxBlocks {
				s.Stops = true
				return
			}
			s.Blocks = append(s.Blocks, record.SampleSum{Sum: sumSeed, Ref: ref(at)})
		}
		n := min(len(b), sampleBlock-int(s.Length%sampleBlock))
		last := &s.Blocks[len(s.Blocks)-1]
		for _, x := range b[:n] {
			last.Sum = (last.Sum ^ uint64(x)) * sumPrime
		}
		s.Length += int64(n)
		b = b[n:]
	}
}

// unsampled notes that bytes of one side are not in the capture.
func (c *conn) unsampled(from reassembly.Side) {
	if c.samples() != nil {
		c.samples()[c.dir(from)].Stops = true
	}
}

// FNV-1a.
const (
	sumSeed  uint64 = 14695981039346656037
	sumPrime uint64 = 1099511628211
)
