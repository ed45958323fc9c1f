package track

import (
	"strings"
	"testing"
)

// TestSealedRecord: what a capture that began late shows of TLS.
func TestSealedRecord(t *testing.T) {
	record := "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)
	for _, tc := range []struct {
		name, bytes string
		want        bool
	}{
		{"a record", record, true},
		{"two", record + record, true},
		{"an alert behind it", record + "\x15\x03\x03\x00\x1a", true},
		{"only its beginning", record[:20], true},
		{"its header alone", record[:5], true},
		{"less than a header", record[:4], false},
		{"something else behind it", record + "GET / HTTP/1.1", false},
		{"too short to be sealed", "\x17\x03\x03\x00\x08abcdefgh", false},
		{"too long", "\x17\x03\x03\x41\x01", false},
		{"TLS 1.0", "\x17\x03\x01\x00\x20", false},
		{"a WebSocket's text", "\x81\x05hello", false},
	} {
		if got := sealedRecord([]byte(tc.bytes)); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}
