package capture

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
)

// How far a file may reach into the time of the next and still count as
// rotated into it rather than as taken beside it. The packets of one capture
// are not strictly in order of time: several receive queues and interfaces
// are written as they come, some microseconds to some hundred milliseconds
// late. Names that differ only in numbers make rotation likely. A file that
// overlaps by a good part of its own length was taken beside the other,
// whatever the names say: many test captures last only some milliseconds.
const (
	kinTolerance      = int64(1_000_000_000) // names of one family, ns
	kinShare          = 4                    // … and of the earlier file's duration: a quarter
	strangerTolerance = int64(10_000_000)
	strangerShare     = 10
	// maxAhead bounds the bytes read ahead to find the end of a file.
	maxAhead = 8 << 20
)

// vantage is a place where files were captured one after the other. id numbers
// it; two have the same where each holds one direction of what passes.
type vantage struct {
	id     int32
	family string
	r      *reader      // being read; nil between files
	end    int64        // of the last file
	files  []*candidate // those that were read, where files are compared
}

// merge is a source of several files.
type merge struct {
	ctx      context.Context
	o        Options
	plan     []*candidate
	failed   []*FileInfo
	next     int // the first of plan that is not begun
	coming   map[string]int
	open     []*reader // a heap by time of pkt
	vantages []vantage
	join     int  // the vantage whose end plan[next] waits for, or -1
	handed   bool // the packet of open[0] is with the caller
	clock    int64
	buffers  [][]byte
	err      error
}

func newMerge(ctx context.Context, plan []*candidate, failed []*FileInfo, o Options) *merge {
	m := &merge{ctx: ctx, o: o, plan: plan, failed: failed, join: -1, clock: math.MinInt64, coming: map[string]int{}}
	for _, c := range plan {
		m.coming[c.family]++
		c.info.Family = c.family
	}
	return m
}

func (m *merge) Next(p *Packet) error {
	if m.handed {
		m.handed = false
		m.advance()
	}
	for m.err == nil && m.due() {
		m.begin()
	}
	if m.err != nil {
		return m.err
	}
	if len(m.open) == 0 {
		m.err = io.EOF
		return m.err
	}
	*p = m.open[0].pkt
	m.clock = max(m.clock, p.Time)
	p.Clock = m.clock
	m.handed = true
	return nil
}

// due reports whether the next file has to be begun before the next packet.
func (m *merge) due() bool {
	if m.next == len(m.plan) {
		return false
	}
	if m.join >= 0 {
		return m.vantages[m.join].r == nil
	}
	// At the same time the earlier file comes first: it may be at its end.
	return len(m.open) == 0 || m.plan[m.next].when() < m.open[0].pkt.Time
}

// advance reads the next packet of the file whose packet was handed out.
func (m *merge) advance() {
	r := m.open[0]
	if r.step() {
		m.down(0)
		return
	}
	m.ended(r)
	last := len(m.open) - 1
	m.open[0] = m.open[last]
	m.open = m.open[:last]
	if last > 0 {
		m.down(0)
	}
}

func (m *merge) ended(r *reader) {
	if r.fatal != nil {
		m.err = r.fatal
	}
	m.buffers = append(m.buffers, r.w.buf)
	v := &m.vantages[r.slot]
	v.r, v.end = nil, r.last
}

// begin starts reading the next file, or decides to wait for the end of the
// one that it continues.
func (m *merge) begin() {
	c := m.plan[m.next]
	v := m.join
	if v < 0 && !c.empty {
		var wait bool
		if v, wait = m.vantageOf(c); wait {
			m.join = v
			return
		}
	}
	m.join = -1
	m.next++
	m.coming[c.family]--
	r, err := m.reader(c)
	if r == nil {
		m.err = err
		return
	}
	r.file = int32(m.next - 1)
	if c.empty && c.begun != nil || c.begun == nil && !r.next(&r.pkt) {
		m.err = r.fatal
		return
	}
	if v < 0 {
		v = len(m.vantages)
		m.vantages = append(m.vantages, vantage{id: m.idOf(c)})
	}
	m.vantages[v].r, m.vantages[v].family = r, c.family
	if len(c.marks) > 0 {
		m.vantages[v].files = append(m.vantages[v].files, c)
	}
	r.slot = v
	r.vantage = m.vantages[v].id
	r.info.Vantage = r.vantage
	r.pkt.File, r.pkt.Vantage = r.file, r.vantage
	m.open = append(m.open, r)
	m.up(len(m.open) - 1)
}

// idOf numbers a new vantage, of which c is the first file.
func (m *merge) idOf(c *candidate) (id int32) {
	for i := range m.vantages {
		v := &m.vantages[i]
		if slices.ContainsFunc(v.files, func(f *candidate) bool { return halves(f, c) }) {
			return v.id
		}
		id = max(id, v.id+1)
	}
	return id
}

// reader opens a file of the plan. Without a reader and without an error the
// file has become unreadable since it was looked at, which is then known.
func (m *merge) reader(c *candidate) (*reader, error) {
	if c.begun != nil {
		return c.begun, nil
	}
	r, err := c.start(m.ctx, m.buffer(), m.o)
	if errors.As(err, &c.err) {
		c.blame()
		warn(m.o, c.err)
		return nil, nil
	}
	return r, err
}

func (m *merge) buffer() []byte {
	if n := len(m.buffers); n > 0 {
		b := m.buffers[n-1]
		m.buffers = m.buffers[:n-1]
		return b
	}
	if len(m.open) > crowd {
		return make([]byte, crowdBuffer)
	}
	return make([]byte, mergeBuffer)
}

// vantageOf finds the vantage that a file continues, -1 for none. wait says
// that the vantage's present file is about to end.
func (m *merge) vantageOf(c *candidate) (v int, wait bool) {
	if v := m.free(c, true); v >= 0 {
		return v, false
	}
	if v := m.ending(c, true); v >= 0 {
		return v, true
	}
	if v := m.free(c, false); v >= 0 {
		return v, false
	}
	v = m.ending(c, false)
	return v, v >= 0
}

// suits reports whether c may continue a vantage as kin or as a stranger: as
// such only if no file of the vantage's own family is still to come. What holds
// the same packets, or the other direction, was taken beside it.
func (m *merge) suits(v *vantage, c *candidate, kin bool) bool {
	if slices.ContainsFunc(v.files, func(f *candidate) bool { return beside(f, c) || halves(f, c) }) {
		return false
	}
	if kin {
		return v.family == c.family
	}
	return v.family != c.family && m.coming[v.family] == 0
}

// free finds the vantage without a file whose last file ended last.
func (m *merge) free(c *candidate, kin bool) int {
	best := -1
	for i := range m.vantages {
		v := &m.vantages[i]
		if v.r == nil && m.suits(v, c, kin) && (best < 0 || v.end > m.vantages[best].end) {
			best = i
		}
	}
	return best
}

// ending finds the vantage whose file reaches least into the time of c,
// within the tolerance.
func (m *merge) ending(c *candidate, kin bool) int {
	tolerance, share := strangerTolerance, int64(strangerShare)
	if kin {
		tolerance, share = kinTolerance, kinShare
	}
	best := -1
	for i := range m.vantages {
		v := &m.vantages[i]
		if v.r == nil || !m.suits(v, c, kin) || !v.r.endsBy(c.first+tolerance) {
			continue
		}
		if last := v.r.last; (last-c.first) <= (last-v.r.info.First)/share && (best < 0 || last < m.vantages[best].r.last) {
			best = i
		}
	}
	return best
}

// before orders packets by time and those of one time by file.
func before(a, b *reader) bool {
	if a.pkt.Time != b.pkt.Time {
		return a.pkt.Time < b.pkt.Time
	}
	return a.file < b.file
}

func (m *merge) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !before(m.open[i], m.open[parent]) {
			return
		}
		m.open[i], m.open[parent] = m.open[parent], m.open[i]
		i = parent
	}
}

func (m *merge) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.open); child++ {
			if before(m.open[child], m.open[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.open[i], m.open[least] = m.open[least], m.open[i]
		i = least
	}
}

func (m *merge) Files() []*FileInfo { return append(infosOf(m.plan), m.failed...) }

func (m *merge) Close() error {
	for _, r := range m.open {
		r.abandon()
	}
	m.open, m.handed = nil, false
	for _, c := range m.plan[m.next:] {
		if c.begun != nil {
			c.begun.abandon()
		}
	}
	if m.err == nil {
		m.err = errClosed
	}
	return nil
}
