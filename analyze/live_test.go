package analyze

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

var errTick = errors.New("tick")

// pausing hands out ticks between packets: the time goes on in steps.
type pausing struct {
	capture.Source
	step    int64 // 0: no ticks
	clock   int64
	pending *capture.Packet
	data    []byte
	tail    time.Duration // how long it ticks after the last packet
	ended   bool
	packets int
}

func (p *pausing) Next(k *capture.Packet) error {
	if p.pending == nil && !p.ended {
		var next capture.Packet
		switch err := p.Source.Next(&next); {
		case err == io.EOF:
			p.ended = true
		case err != nil:
			return err
		default:
			p.data = append(p.data[:0], next.Data...)
			next.Data = p.data
			p.pending = &next
		}
	}
	switch {
	case p.ended && p.tail <= 0:
		return io.EOF
	case p.ended:
		p.tail -= time.Duration(p.step)
		fallthrough
	case p.step > 0 && p.clock > 0 && p.pending.Clock-p.clock > p.step:
		p.clock += p.step
		*k = capture.Packet{Time: p.clock, Clock: p.clock}
		return errTick
	}
	*k, p.clock, p.pending = *p.pending, p.pending.Clock, nil
	p.packets++
	return nil
}

// watched runs the analysis of a capture as if it came live.
func watched(t *testing.T, path string, o Options, step time.Duration, tail time.Duration) (*gathered, map[string]Snapshot) {
	t.Helper()
	src, err := capture.Open(context.Background(), []string{path}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	last := map[string]Snapshot{}
	o.Live = &Live{Tick: errTick, Progress: func(s Snapshot) { last[s.ID] = s }}
	var g gathered
	if _, err := Run(context.Background(), &pausing{Source: src, step: int64(step), tail: tail}, o, &g); err != nil {
		t.Fatal(err)
	}
	return &g, last
}

// TestWatchingChangesNothing: whoever looks on gets the same result, and what
// was shown of a connection that ended is what was said of it in the end.
func TestWatchingChangesNothing(t *testing.T) {
	paths, _ := filepath.Glob("../testdata/captures/*/*.pcap*")
	if len(paths) == 0 {
		t.Fatal("no captures")
	}
	o := Options{All: true, Events: true}
	shown, other := 0, 0
	for _, path := range paths {
		want := connectionsOf(t, analyzeFiles(t, o, path), path)
		g, last := watched(t, path, o, 100*time.Millisecond, 0)
		if got := connectionsOf(t, g, path); got != want {
			t.Errorf("%s: the result of a capture that was watched differs:\n%s\nwant\n%s", path, got, want)
		}
		for _, c := range g.Connections {
			s, ok := last[c.ID]
			if !ok || !s.Over || s.Outcome == record.Opaque {
				continue
			}
			if shown++; s.Outcome != c.Outcome || len(s.Findings) > 0 && len(c.Findings) > 0 && s.Findings[0].Code != c.Findings[0].Code {
				other++
				t.Logf("%s, %s: shown as %s, in the end %s", filepath.Base(path), c.ID, s.Verdict, c.Verdict)
			}
		}
	}
	if shown < 300 || other*50 > shown { // what comes after the end may change what is known of it
		t.Errorf("%d connections were shown when they ended, %d of them otherwise than in the end", shown, other)
	}
}

// TestClockDecides: without another packet, time alone tells that an answer
// does not come.
func TestClockDecides(t *testing.T) {
	g, last := watched(t, "../testdata/captures/plain/noresp-capture-ends.client.pcap", Options{}, 250*time.Millisecond, 10*time.Second)
	if len(g.Connections) != 1 || g.Connections[0].Outcome != record.NoResponse {
		t.Fatalf("%+v", g.Connections)
	}
	c := g.Connections[0]
	s := last[c.ID]
	if s.Connection == nil || s.Over || s.Outcome != record.NoResponse || len(s.Findings) == 0 || s.Findings[0].Code != c.Findings[0].Code {
		t.Errorf("shown: %+v", s)
	}
	if waited := s.Clock.Sub(s.Active); waited < 9*time.Second {
		t.Errorf("it was shown last after %v", waited)
	}
}

// TestKeysThatComeLate: secrets that come while packets wait for them give the
// result of secrets that were there before, with the same packets as evidence.
func TestKeysThatComeLate(t *testing.T) {
	paths, _ := filepath.Glob("../testdata/captures/tls/*.keys")
	tried := 0
	for _, keyLog := range paths {
		path := strings.TrimSuffix(keyLog, ".keys") + ".pcap"
		secrets, err := os.ReadFile(keyLog)
		if _, missing := os.Stat(path); err != nil || missing != nil {
			continue
		}
		keys := new(decrypt.Keys)
		_ = keys.AddKeyLog(bytes.NewReader(secrets), "early")
		o := Options{Events: true, Keys: keys}
		want := analyzeFiles(t, o, path)
		if len(want.Connections) != 1 { // the first of several is over too soon
			continue
		}
		o.Keys = new(decrypt.Keys)
		src, err := capture.Open(context.Background(), []string{path}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := &pausing{Source: src, step: int64(100 * time.Millisecond)}
		given := false
		o.Live = &Live{Tick: errTick, Follow: func() bool {
			if given || int64(p.packets) < want.Captures[0].Packets/3 {
				return false
			}
			given = true
			_ = o.Keys.AddKeyLog(bytes.NewReader(secrets), "late")
			return true
		}}
		var g gathered
		if _, err := Run(context.Background(), p, o, &g); err != nil {
			t.Fatal(err)
		}
		src.Close()
		if got, want := connectionsOf(t, &g, path), connectionsOf(t, want, path); got != want {
			t.Errorf("%s:\n%s", path, differing(got, want))
		}
		tried++
	}
	if tried < 20 {
		t.Fatalf("%d captures with key logs", tried)
	}
}

// differing is the lines that two texts do not share at the same place.
func differing(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	var lines []string
	for i := range max(len(a), len(b)) {
		x, y := "", ""
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y && len(lines) < 20 {
			lines = append(lines, "got  "+x, "want "+y)
		}
	}
	return strings.Join(lines, "\n")
}
