package h2

// maxWindow is the largest window: "A sender MUST NOT allow a flow-control
// window to exceed 2^31-1 octets" (RFC 9113, section 6.9.1).
const maxWindow = 1<<31 - 1

// DefaultWindow is the window of a new connection and, without SETTINGS, of a
// new stream (RFC 9113, section 6.9.2).
const DefaultWindow = 65535

// Window is what a sender of DATA may still send on a stream or a connection
// (RFC 9113, section 6.9.1). The zero Window is an unknown one and stays so.
type Window struct {
	left  int64
	known bool
}

// NewWindow makes a window of n octets.
func NewWindow(n uint32) Window { return Window{left: int64(n), known: true} }

// Sent takes the length of a DATA frame, its padding included, off the window.
func (w *Window) Sent(n uint32) { w.left -= int64(n) }

// Update adds the increment of a WINDOW_UPDATE.
func (w *Window) Update(n uint32) { w.left = min(w.left+int64(n), maxWindow) }

// Resize applies a change of SETTINGS_INITIAL_WINDOW_SIZE: "a receiver MUST
// adjust the size of all stream flow-control windows that it maintains by the
// difference between the new value and the old value" (section 6.9.2).
func (w *Window) Resize(before, after uint32) {
	w.left = min(w.left+int64(after)-int64(before), maxWindow)
}

// Left is what may still be sent, negative after a window was made smaller;
// ok is false where the beginning was not captured.
func (w *Window) Left() (n int64, ok bool) { return w.left, w.known }

// Exhausted tells that the sender is known to be allowed nothing more.
func (w *Window) Exhausted() bool { return w.known && w.left <= 0 }
