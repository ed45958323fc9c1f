package capture

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/iotest"
)

// TestPump: all bytes come out; in whole blocks where the source never waits,
// and otherwise each as soon as it was read.
func TestPump(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 2*pumpBlock/10)
	for _, x := range []struct {
		fills bool
		first int
	}{{true, pumpBlock}, {false, 1}} {
		p := startPump(context.Background(), iotest.OneByteReader(bytes.NewReader(want)), x.fills)
		first := make([]byte, len(want))
		n, err := p.Read(first)
		if n != x.first || err != nil {
			t.Errorf("fills %v: %d bytes at first, %v", x.fills, n, err)
		}
		rest, err := io.ReadAll(p)
		if got := append(first[:n], rest...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("fills %v: %d bytes of %d, %v", x.fills, len(got), len(want), err)
		}
		p.halt()
		<-p.done
	}
}
