//go:build unix

package analyze

import (
	"context"
	"encoding/binary"
	"io"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// Growth: the time for a packet must not depend on how many came before, how
// many connections are open, or what is missing. Each benchmark makes its
// packets on the fly and reports the CPU time for a packet (cpu-ns/packet, which
// does not depend on what else the machine does) for three sizes, each the double
// of the one before; where it doubles, too, something is quadratic:
//
//	go test ./analyze -run '^$' -bench Growth -benchtime 1x

// segment is a TCP packet to make.
type segment struct {
	flow     int // which connection
	side     int // 0 the client sends, 1 the server
	flags    byte
	seq, ack uint32
	id       uint16
	payload  []byte
}

// script makes the packets of a capture one after the other; it says false
// when there are no more.
type growthScript func(s *segment) bool

// grown is a capture that a script makes. It implements capture.Source.
type grown struct {
	next   growthScript
	number int64
	seg    segment
	buf    [2048]byte
	files  []*capture.FileInfo
}

func (g *grown) Files() []*capture.FileInfo { return g.files }
func (g *grown) Close() error               { return nil }

// Next makes Ethernet, IPv4 and TCP without options, a microsecond after the
// packet before.
func (g *grown) Next(p *capture.Packet) error {
	s := &g.seg
	*s = segment{}
	if !g.next(s) {
		return io.EOF
	}
	g.number++
	be := binary.BigEndian
	b := g.buf[:54+len(s.payload)]
	be.PutUint16(b[12:], 0x0800)
	b[14], b[22], b[23] = 0x45, 64, 6
	be.PutUint16(b[16:], uint16(40+len(s.payload)))
	if s.id == 0 {
		s.id = uint16(g.number)
	}
	be.PutUint16(b[18:], s.id)
	client, server := uint32(10<<24+s.flow/16), uint32(0xc6120001) // 16 connections of each client
	ports := [2]uint16{uint16(20000 + s.flow%16*997), 80}
	if s.side == 1 {
		client, server = server, client
	}
	be.PutUint32(b[26:], client)
	be.PutUint32(b[30:], server)
	be.PutUint16(b[34:], ports[s.side])
	be.PutUint16(b[36:], ports[1-s.side])
	be.PutUint32(b[38:], s.seq)
	be.PutUint32(b[42:], s.ack)
	b[46], b[47] = 5<<4, s.flags
	be.PutUint16(b[48:], 64000)
	copy(b[54:], s.payload)
	at := 1705309200e9 + g.number*1000
	*p = capture.Packet{Number: g.number, Time: at, Clock: at, LinkType: capture.LinkEthernet, Length: len(b), Data: b}
	return nil
}

// growthTally is a sink that only counts.
type growthTally struct {
	connections, messages int64
	outcomes              map[record.Outcome]int64
}

func (t *growthTally) Connection(c *record.Connection) error {
	t.connections++
	t.outcomes[c.Outcome]++
	if c.WebSocket != nil {
		t.messages += c.WebSocket.Messages.Client + c.WebSocket.Messages.Server
	}
	return nil
}
func (*growthTally) Pattern(record.Pattern) error   { return nil }
func (*growthTally) Capture(record.Capture) error   { return nil }
func (*growthTally) Rule(string, record.Rule) error { return nil }
func (*growthTally) Summary(record.Summary) error   { return nil }

// grow runs the pipeline over captures of a quarter, half and the whole of a
// size and reports what a packet costs in each. right says whether the result
// is what was made.
func grow(b *testing.B, size int, of func(n int) growthScript, right func(n int, t *growthTally) bool) {
	for _, n := range []int{size / 4, size / 2, size} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			var packets int64
			before := cpuTime(b)
			for b.Loop() {
				src := &grown{next: of(n), files: []*capture.FileInfo{{Name: "made", Format: "pcap", LinkTypes: []capture.LinkType{capture.LinkEthernet}}}}
				t := &growthTally{outcomes: map[record.Outcome]int64{}}
				if _, err := Run(context.Background(), src, Options{}, t); err != nil {
					b.Fatal(err)
				}
				if !right(n, t) {
					b.Fatalf("%d connections, %d messages, %v", t.connections, t.messages, t.outcomes)
				}
				packets += src.number
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/packet")
			b.ReportMetric(float64(cpuTime(b)-before)/float64(packets), "cpu-ns/packet")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpuTime is what this process has taken, garbage collection included.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

const (
	growRequest = "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	growAnswer  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// opened follows a connection's sequence numbers.
type opened struct {
	flow int
	seq  [2]uint32
	step int
}

// say makes the next segment of a side.
func (o *opened) say(s *segment, side int, flags byte, payload []byte) bool {
	*s = segment{flow: o.flow, side: side, flags: flags | ack, seq: o.seq[side], ack: o.seq[1-side], payload: payload}
	if flags&syn != 0 && side == 0 {
		s.flags, s.ack = syn, 0
	}
	o.seq[side] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		o.seq[side]++
	}
	return true
}

// open makes the packets until the WebSocket is open; it says false when it is.
func (o *opened) open(s *segment) bool {
	o.step++
	switch o.step {
	case 1:
		return o.say(s, 0, syn, nil)
	case 2:
		return o.say(s, 1, syn, nil)
	case 3:
		return o.say(s, 0, 0, nil)
	case 4:
		return o.say(s, 0, psh, []byte(growRequest))
	case 5:
		return o.say(s, 1, psh, []byte(growAnswer))
	}
	return false
}

// repeat makes n packets after the WebSocket is open.
func repeat(n int, packet func(o *opened, i int, s *segment) bool) growthScript {
	o, i := &opened{}, -1
	return func(s *segment) bool {
		if o.open(s) {
			return true
		}
		i++
		return i < n && packet(o, i, s)
	}
}

// BenchmarkGrowthOpenFlows: a million connections at once that are not WebSockets.
func BenchmarkGrowthOpenFlows(b *testing.B) {
	banner := []byte("SSH-2.0-OpenSSH_9.6\r\n")
	grow(b, 1_000_000, func(n int) growthScript {
		return side(n, 6, func(o *opened, round int, s *segment) bool {
			switch round {
			case 0, 1, 2:
				o.step = round
				return o.open(s)
			case 3:
				return o.say(s, 1, psh, banner)
			}
			return o.say(s, round%2, psh, banner)
		})
	}, func(n int, t *growthTally) bool { return t.connections == 0 })
}

// BenchmarkGrowthOpenWebSockets: a million WebSockets at once.
func BenchmarkGrowthOpenWebSockets(b *testing.B) {
	grow(b, 1_000_000, func(n int) growthScript {
		return side(n, 7, func(o *opened, round int, s *segment) bool {
			if o.step = round; o.open(s) {
				return true
			}
			return o.say(s, round%2, psh, [2][]byte{clientFrame, serverFrame}[round%2])
		})
	}, func(n int, t *growthTally) bool {
		return t.outcomes["open"] == int64(n) && t.messages == int64(2*n)
	})
}

// side lets n connections speak in turns, one packet of each in every round.
func side(n, rounds int, packet func(o *opened, round int, s *segment) bool) growthScript {
	seqs := make([][2]uint32, n)
	i := -1
	return func(s *segment) bool {
		if i++; i == n*rounds {
			return false
		}
		o := opened{flow: i % n, seq: seqs[i%n]}
		packet(&o, i/n, s)
		seqs[i%n] = o.seq
		return true
	}
}

// BenchmarkGrowthFrames: one connection with ten million frames.
func BenchmarkGrowthFrames(b *testing.B) {
	grow(b, 10_000_000, func(n int) growthScript {
		return repeat(n, func(o *opened, i int, s *segment) bool {
			return o.say(s, i%2, psh, [2][]byte{clientFrame, serverFrame}[i%2])
		})
	}, carried)
}

// carried: one WebSocket, still open, with one message for each of n packets.
func carried(n int, t *growthTally) bool { return t.outcomes["open"] == 1 && t.messages == int64(n) }

// BenchmarkGrowthPipelined: a hundred thousand requests on one connection, all
// sent before the first is answered, and a WebSocket behind them.
func BenchmarkGrowthPipelined(b *testing.B) {
	pipelined(b, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

// BenchmarkGrowthAttempts: the same where each request asks for a WebSocket
// and is refused.
func BenchmarkGrowthAttempts(b *testing.B) {
	pipelined(b, growRequest, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno")
}

func pipelined(b *testing.B, request, answer string) {
	grow(b, 100_000, func(n int) growthScript {
		o, i := &opened{}, -1
		return func(s *segment) bool {
			if o.step < 3 && o.open(s) {
				return true
			}
			i++
			switch {
			case i < n:
				return o.say(s, 0, psh, []byte(request))
			case i == n:
				return o.say(s, 0, psh, []byte(growRequest))
			case i <= 2*n:
				return o.say(s, 1, psh, []byte(answer))
			case i == 2*n+1:
				return o.say(s, 1, psh, []byte(growAnswer))
			case i == 2*n+2:
				return o.say(s, 0, psh, clientFrame)
			}
			return false
		}
	}, func(n int, t *growthTally) bool { return t.outcomes["open"] == 1 && t.messages == 1 })
}

// BenchmarkGrowthAcksMissing: the client's packets are not in the capture, so
// nothing that the server sends is ever acknowledged.
func BenchmarkGrowthAcksMissing(b *testing.B) {
	grow(b, 4_000_000, func(n int) growthScript {
		return repeat(n, func(o *opened, i int, s *segment) bool { return o.say(s, 1, psh, serverFrame) })
	}, carried)
}

// BenchmarkGrowthHoles: the same, and of the server's segments each thousandth
// is missing, too.
func BenchmarkGrowthHoles(b *testing.B) {
	grow(b, 4_000_000, func(n int) growthScript {
		return repeat(n, func(o *opened, i int, s *segment) bool {
			if i%1000 == 999 {
				o.seq[1] += uint32(len(serverFrame))
			}
			return o.say(s, 1, psh, serverFrame)
		})
	}, func(n int, t *growthTally) bool { return t.connections == 1 && t.messages > int64(n/2) })
}

// BenchmarkGrowthTwice: each segment is there twice, as the same packet that
// was captured twice or as one that was sent twice.
func BenchmarkGrowthTwice(b *testing.B) {
	for _, kind := range []string{"copied", "resent"} {
		b.Run(kind, func(b *testing.B) {
			grow(b, 4_000_000, func(n int) growthScript {
				var last segment
				return repeat(2*n, func(o *opened, i int, s *segment) bool {
					if i%2 == 0 {
						o.say(s, i/2%2, psh, [2][]byte{clientFrame, serverFrame}[i/2%2])
						s.id = uint16(i/2)%60000 + 1
						last = *s
						return true
					}
					*s = last
					if kind == "resent" {
						s.id += 100
					}
					return true
				})
			}, carried)
		})
	}
}

// BenchmarkGrowthSwapped: each two segments of a side come in the wrong order.
func BenchmarkGrowthSwapped(b *testing.B) {
	grow(b, 4_000_000, func(n int) growthScript {
		var second segment
		return repeat(n, func(o *opened, i int, s *segment) bool {
			if i%2 == 1 {
				*s = second
				return true
			}
			var first segment
			o.say(&first, 1, psh, serverFrame)
			o.say(s, 1, psh, serverFrame)
			second = first
			return true
		})
	}, carried)
}

func TestGrownCaptureIsRight(t *testing.T) {
	src := &grown{next: repeat(10, func(o *opened, i int, s *segment) bool { return o.say(s, 1, psh, serverFrame) }), files: []*capture.FileInfo{{Name: "made"}}}
	got := &growthTally{outcomes: map[record.Outcome]int64{}}
	if _, err := Run(context.Background(), src, Options{}, got); err != nil {
		t.Fatal(err)
	}
	if !carried(10, got) {
		t.Errorf("%d connections, %d messages, %v", got.connections, got.messages, got.outcomes)
	}
}
