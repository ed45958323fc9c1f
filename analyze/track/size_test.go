package track

import (
	"testing"
	"unsafe"
)

// TestSizes: hundreds of thousands of WebSockets may be open at once, and each
// has one of these. The limits are sizes in which Go allocates.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name      string
		size, max uintptr
	}{
		{"conn", unsafe.Sizeof(conn{}), 256},
		{"wsLayer", unsafe.Sizeof(wsLayer{}), 384},
		{"frameEvent", unsafe.Sizeof(frameEvent{}), 24},
		{"httpLayer", unsafe.Sizeof(httpLayer{}), 448},
	} {
		if c.size > c.max {
			t.Errorf("%s takes %d bytes; %d are meant to do", c.name, c.size, c.max)
		}
	}
}
