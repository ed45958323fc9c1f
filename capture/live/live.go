// Package live captures packets from network interfaces.
//
// Most callers need only [Open], whose [Source] is a capture.Source that also
// wakes up while nothing arrives ([ErrTick]) and tells what the kernel lost
// ([Source.Stats]); [Interfaces] for a list; and the packages filter, for the
// filter language, and confine, to give up privileges once Open is through.
//
// Linux is captured with a ring shared with the kernel (TPACKET_V3), macOS with
// BPF devices, Windows with Npcap. Only the first has been tried.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// Any is the name that stands for all interfaces, later ones included.
const Any = "any"

// DefaultRing is the size of the ring, in bytes, unless Options say otherwise.
const DefaultRing = 32 << 20

// minRing is the smallest ring that is tried before the ring is given up.
const minRing = 16 << 20

// tickEvery is how long Next waits for a packet before it answers ErrTick.
const tickEvery = 100 * time.Millisecond

// holdback is how far behind the clock a tick's time is: longer than a packet
// that has arrived can stay unseen, so that no packet is older than a tick
// before it.
const holdback = 100 * time.Millisecond

// maxDrain bounds how long what had arrived is handed out after the end of the
// context.
const maxDrain = 2 * time.Second

// ErrTick is what Next answers when nothing arrived for a while: at least
// every 250 ms. The packet's Time and Clock then say what time it is, a little
// behind the clock of the machine; it has no data and is none.
var ErrTick = errors.New("live: no packet yet")

// ErrPermission is wrapped by the error of Open when the process may not
// capture; the error's text says what to do.
var ErrPermission = errors.New("capturing is not permitted")

// Options for Open.
type Options struct {
	// Interfaces to capture on; Any for all; that of the default route if
	// there are none.
	Interfaces []string
	// Filter is applied by the kernel and again to what arrives; nil takes
	// everything.
	Filter *filter.Expr
	// Promiscuous takes what is not addressed to this machine, too.
	Promiscuous bool
	// Ring is the size of the ring in bytes; 0 is DefaultRing.
	Ring int
	// Namespace is the network namespace to capture in: the ID of a process
	// in it, its path, or its name for ip-netns(8). Linux only.
	Namespace string
	// Warn is told what works less well than it should: during Open, and of
	// interfaces that go or come during Next.
	Warn func(error)

	// noRing makes Open do without.
	noRing bool
}

// Interface is a network interface of this machine.
type Interface struct {
	Name        string
	Description string // on Windows, what people call it
	Index       int
	Up          bool
	Loopback    bool
	Addresses   []netip.Prefix
	// LinkType is valid if Usable; others cannot be captured on.
	LinkType capture.LinkType
	Usable   bool
}

// Stats counts packets since Open.
type Stats struct {
	// Received is what the kernel's filter let through, Dropped what of it
	// was lost because it was not read fast enough; the difference was, or
	// will be, handed out. Interfaces share one ring.
	Received, Dropped uint64
	// DropsKnown is false where the system does not count.
	DropsKnown bool
	// Interfaces counts the packets handed out by interface.
	Interfaces []capture.Interface
}

// frame is a packet as a backend has it.
type frame struct {
	data   []byte // valid until the next read
	length int
	time   int64 // ns since 1970
	index  int   // of the interface
}

// errIdle is what a backend answers after tickEvery without a packet.
var errIdle = errors.New("live: idle")

// backend is a system's way to capture. It is for one goroutine.
type backend interface {
	read(*frame) error
	// stats counts what the kernel took and lost since the backend was opened.
	stats() (received, dropped uint64, known bool)
	// describe names an interface that a packet came from.
	describe(index int) (name string, link capture.LinkType)
	// look is called about once a second, for what may have changed.
	look()
	close() error
}

// Source captures. Except for Close after Next returned, its methods are for
// one goroutine at a time.
type Source struct {
	backend backend
	filter  *filter.Expr
	ctxDone func() bool // stops watching the context
	ended   atomic.Pointer[time.Time]
	info    capture.FileInfo
	// places gives the place in info.Interfaces by index.
	places map[int]int32
	frame  frame
	clock  int64
	passed int64 // the Clock of what was last handed out
	looked int64 // when backend.look was called last
}

// Open begins to capture. When ctx ends, Next hands out what had arrived and
// then answers io.EOF.
func Open(ctx context.Context, o Options) (*Source, error) {
	if o.Ring == 0 {
		o.Ring = DefaultRing
	}
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	b, names, err := open(o)
	if err != nil {
		return nil, err
	}
	return newSource(ctx, b, names, o.Filter), nil
}

func newSource(ctx context.Context, b backend, names []string, f *filter.Expr) *Source {
	s := &Source{backend: b, filter: f, places: map[int]int32{}}
	s.info = capture.FileInfo{Name: strings.Join(names, ","), Format: "live"}
	s.passed = time.Now().UnixNano()
	s.ctxDone = context.AfterFunc(ctx, func() {
		now := time.Now()
		s.ended.Store(&now)
	})
	return s
}

// Next fills p with the next packet, or answers ErrTick if there is none yet.
func (s *Source) Next(p *capture.Packet) error {
	for {
		err := s.backend.read(&s.frame)
		end := s.ended.Load()
		switch {
		case err == errIdle && end != nil:
			return io.EOF
		case err == errIdle:
			return s.tick(p, time.Now().Add(-holdback).UnixNano())
		case err != nil:
			return fmt.Errorf("capturing on %s: %w", s.info.Name, err)
		case end != nil && (s.frame.time > end.Add(tickEvery).UnixNano() || time.Since(*end) > maxDrain):
			return io.EOF
		}
		if s.take(p) {
			return nil
		}
		if s.frame.time-s.passed > int64(tickEvery) {
			return s.tick(p, s.frame.time-int64(holdback))
		}
	}
}

// tick makes p say what time it is.
func (s *Source) tick(p *capture.Packet, now int64) error {
	s.clock = max(s.clock, now)
	s.passed = max(s.passed, now+int64(holdback))
	*p = capture.Packet{Time: s.clock, Clock: s.clock}
	s.look(s.passed)
	return ErrTick
}

// take makes p the frame, if the filter wants it.
func (s *Source) take(p *capture.Packet) bool {
	f := &s.frame
	place, ok := s.places[f.index]
	if !ok {
		place = s.meet(f.index)
	}
	iface := &s.info.Interfaces[place]
	if s.filter != nil && !s.filter.Match(iface.LinkType, f.data) {
		return false
	}
	iface.Packets++
	s.clock = max(s.clock, f.time)
	s.passed = f.time
	s.look(f.time)
	s.count(f)
	*p = capture.Packet{
		Number: s.info.Packets, Time: f.time, Clock: s.clock, Interface: place,
		LinkType: iface.LinkType, Length: f.length, Data: f.data,
	}
	return true
}

func (s *Source) look(now int64) {
	if now-s.looked >= int64(time.Second) || now < s.looked {
		s.looked = now
		s.backend.look()
	}
}

func (s *Source) count(f *frame) {
	i := &s.info
	if i.Packets == 0 {
		i.First = f.time
	} else if f.time < i.Last {
		if i.Backwards++; i.FirstBackwards == 0 {
			i.FirstBackwards = i.Packets + 1
		}
	}
	i.Packets++
	i.Bytes += int64(len(f.data))
	i.Last = max(i.Last, f.time)
}

// meet notes an interface that a first packet came from.
func (s *Source) meet(index int) int32 {
	name, link := s.backend.describe(index)
	place := int32(len(s.info.Interfaces))
	s.info.Interfaces = append(s.info.Interfaces, capture.Interface{Name: name, LinkType: link})
	s.places[index] = place
	for _, t := range s.info.LinkTypes {
		if t == link {
			return place
		}
	}
	s.info.LinkTypes = append(s.info.LinkTypes, link)
	return place
}

// Stats tells what was received and lost so far.
func (s *Source) Stats() Stats {
	st := Stats{Interfaces: s.info.Interfaces}
	st.Received, st.Dropped, st.DropsKnown = s.backend.stats()
	return st
}

// Files gives one entry, for the capture: its Name lists the interfaces, its
// Format is "live".
func (s *Source) Files() []*capture.FileInfo {
	_, s.info.Drops, s.info.DropsKnown = s.backend.stats()
	return []*capture.FileInfo{&s.info}
}

// Close ends the capture. Files and Stats stay as they are.
func (s *Source) Close() error {
	s.ctxDone()
	received, dropped, known := s.backend.stats()
	err := s.backend.close()
	s.backend = closed{s.backend, received, dropped, known}
	return err
}

// closed is a backend that was closed.
type closed struct {
	backend
	received, dropped uint64
	known             bool
}

func (c closed) read(*frame) error             { return net.ErrClosed }
func (c closed) close() error                  { return nil }
func (c closed) stats() (uint64, uint64, bool) { return c.received, c.dropped, c.known }

var _ capture.Source = (*Source)(nil)
