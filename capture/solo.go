package capture

import (
	"context"
	"errors"
	"fmt"
)

// solo is a source of one file: there is nothing to be ordered.
type solo struct {
	r      *reader
	failed []*FileInfo
	begun  bool // r.pkt was read while looking at the file
}

func openSolo(ctx context.Context, c *candidate, failed []*FileInfo, o Options) (Source, error) {
	if c.begun != nil {
		return &solo{r: c.begun, failed: failed, begun: !c.empty}, nil
	}
	r, err := c.start(ctx, make([]byte, soloBuffer), o)
	if errors.As(err, &c.err) {
		warn(o, c.err)
		return nil, nothingToRead([]*candidate{c})
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.name, err)
	}
	return &solo{r: r, failed: failed}, nil
}

func (s *solo) Next(p *Packet) error {
	if s.begun {
		s.begun = false
		*p = s.r.pkt
	} else if !s.r.next(p) {
		return s.r.end()
	}
	return nil
}

// Batch implements Batcher.
func (s *solo) Batch(ps []Packet) (int, error) {
	if err := s.Next(&ps[0]); err != nil {
		return 0, err
	}
	return 1 + s.r.more(ps[1:]), nil
}

// Keep implements Keeper.
func (s *solo) Keep(spent func([]byte) []byte) { s.r.w.spent = spent }

func (s *solo) Files() []*FileInfo { return append([]*FileInfo{s.r.info}, s.failed...) }

func (s *solo) Close() error {
	s.r.abandon()
	return nil
}
