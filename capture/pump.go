package capture

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// A pump has pumpBlocks blocks of pumpBlock bytes: one being filled, one
// waiting, one being read.
const (
	pumpBlock  = 256 << 10
	pumpBlocks = 3
)

// pump reads a stream ahead on a goroutine of its own: so that decompression
// overlaps with analysis, and so that reading a pipe in which nothing comes
// can be given up. It hands on what one read gave at once, unless more is sure
// to come: then it fills blocks, for handing over wakes another goroutine.
type pump struct {
	ctx     context.Context
	fills   bool
	full    chan block
	free    chan []byte
	stop    chan struct{}
	done    chan struct{} // closed when the goroutine is at its end
	stopped sync.Once

	block []byte // being read
	rest  []byte // of block
	err   error
}

type block struct {
	data []byte
	err  error
}

// startPump starts a pump; fills says that src never makes us wait.
func startPump(ctx context.Context, src io.Reader, fills bool) *pump {
	p := &pump{
		ctx:   ctx,
		fills: fills,
		full:  make(chan block, pumpBlocks),
		free:  make(chan []byte, pumpBlocks),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	for range pumpBlocks {
		p.free <- nil
	}
	go p.run(src)
	return p
}

func (p *pump) run(src io.Reader) {
	defer close(p.done)
	for {
		var buf []byte
		select {
		case buf = <-p.free:
		case <-p.stop:
			return
		}
		if buf == nil {
			buf = make([]byte, pumpBlock)
		}
		buf = buf[:cap(buf)]
		n, err := readSafely(src, buf)
		for p.fills && n < len(buf) && err == nil {
			var more int
			more, err = readSafely(src, buf[n:])
			n += more
		}
		select {
		case p.full <- block{buf[:n], err}:
		case <-p.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// readSafely keeps a decompressor that stumbles over hostile bytes from
// ending the program.
func readSafely(src io.Reader, buf []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("decompressor failed: %v", r)
		}
	}()
	for range maxEmptyReads {
		if n, err = src.Read(buf); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// Read gives what is there, and waits only if nothing is.
func (p *pump) Read(dst []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		if p.block != nil {
			p.free <- p.block
			p.block = nil
		}
		select {
		case b := <-p.full:
			p.block, p.rest, p.err = b.data, b.data, b.err
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		case <-p.stop:
			return 0, errStopped
		}
	}
	n := copy(dst, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// halt asks the goroutine to end. It does so when its current read returns,
// which for a pipe may be never.
func (p *pump) halt() { p.stopped.Do(func() { close(p.stop) }) }
