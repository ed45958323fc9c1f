package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/evidence"
	"github.com/wsleuth/wsleuth/capture/live"
)

// captureSource is what an analysis reads.
type captureSource = capture.Source

// packetWriter is the file of -w; a nil one is none.
type packetWriter struct {
	file   *os.File
	w      *evidence.Writer
	filter string
	places []int // by the interface's place in the capture
	begun  int64
	ended  int64
}

func newPacketWriter(f *os.File, version, filter string) (*packetWriter, error) {
	w, err := evidence.NewWriter(f, evidence.Section{Application: "wsleuth " + version})
	if err != nil {
		return nil, fmt.Errorf("cannot write the capture: %w", err)
	}
	return &packetWriter{file: f, w: w, filter: filter}, nil
}

// packet writes a packet of one of the interfaces.
func (p *packetWriter) packet(k *capture.Packet, interfaces func() []capture.Interface) error {
	if int(k.Interface) >= len(p.places) {
		for _, i := range interfaces()[len(p.places):] {
			i.Filter = p.filter
			place, err := p.w.Interface(i)
			if err != nil {
				return err
			}
			p.places = append(p.places, place)
		}
	}
	if p.begun == 0 {
		p.begun = k.Time
	}
	p.ended = k.Clock
	return p.w.Packet(p.places[k.Interface], k)
}

// close ends the file with what was lost, and when the capture ended.
func (p *packetWriter) close(info *capture.FileInfo) error {
	if p == nil {
		return nil
	}
	var err error
	for i, place := range p.places {
		s := evidence.Statistics{Start: p.begun, End: p.ended, Received: uint64(info.Interfaces[i].Packets)}
		if i == 0 && info.DropsKnown { // the interfaces share what was lost
			s.Dropped = info.Drops
			s.Received += info.Drops
		}
		err = errors.Join(err, p.w.Statistics(place, s))
	}
	if err = errors.Join(err, p.w.Flush(), p.file.Close()); err != nil {
		return fmt.Errorf("cannot write the capture: %w", err)
	}
	return nil
}

func (p *packetWriter) discard() {
	if p != nil {
		p.file.Close()
		os.Remove(p.file.Name())
	}
}

// flushEvery is how long packets may be held back: whoever looks at the file
// meanwhile finds them.
const flushEvery = int64(200 * time.Millisecond)

// writingSource writes what it hands out.
type writingSource struct {
	*live.Source
	writer  *packetWriter
	flushed int64
}

// Files gives the file that is written: evidence names packets of it.
func (s *writingSource) Files() []*capture.FileInfo {
	files := s.Source.Files()
	info := *files[0]
	info.Name, info.Format = s.writer.file.Name(), "pcapng"
	return []*capture.FileInfo{&info}
}

// Next implements capture.Source.
func (s *writingSource) Next(p *capture.Packet) error {
	err := s.Source.Next(p)
	switch {
	case err == nil:
		if failed := s.writer.packet(p, func() []capture.Interface { return s.Source.Files()[0].Interfaces }); failed != nil {
			return fmt.Errorf("cannot write the capture: %w", failed)
		}
	case err == live.ErrTick:
		s.writer.ended = p.Clock
	default:
		return err
	}
	if p.Clock-s.flushed >= flushEvery {
		s.flushed = p.Clock
		if failed := s.writer.w.Flush(); failed != nil {
			return fmt.Errorf("cannot write the capture: %w", failed)
		}
	}
	return err
}
