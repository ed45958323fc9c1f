package analyze

import (
	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
)

// stream tells what became of an HTTP/2 stream and of the connection it is on.
func (s *story) stream() {
	h := s.c.Facts.H2
	if h == nil {
		return
	}
	enabled := "extended CONNECT is not enabled"
	if h.ConnectEnabled {
		enabled = "extended CONNECT is enabled"
	}
	s.add(h.SettingsRef, "server", "settings", "%s", enabled)
	for d := range h.EndStream {
		s.add(h.EndStream[d], record.Dir(d).String(), "end-stream", "stream %d", h.Stream)
	}
	if x := h.Reset; x != nil {
		s.add(x.Ref, x.Dir.String(), "rst-stream", "stream %d: %s", h.Stream, x.Name)
	}
	if x := h.GoAway; x != nil {
		s.add(x.Ref, x.Dir.String(), "goaway", "%s, last stream %d", x.Name, x.Last)
	}
	for i := range h.Stalls {
		x := &h.Stalls[i]
		s.add(x.Begin, x.From.String(), "zero-window", "of stream %d, for %s", h.Stream, known.Seconds(x.Length))
	}
}
