// Package path holds the rules about what several vantage points show together.
//
// Most callers need only Rules.
package path

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

// Rules lists the rules in the order of their codes.
var Rules = []*rule.Rule{WS901, WS902, WS903}

// names are what the two captures are called in a sentence.
func names(p *record.Path) (near, far string) {
	return base(p.Near), base(p.Far)
}

func base(file string) string { return filepath.Base(strings.ReplaceAll(file, `\`, "/")) }

// ends names the connection.
func ends(p *record.Path) string {
	return p.Connection.Client.String() + " to " + p.Connection.Server.String()
}

// clocks says how the clocks of the captures stand, for whoever compares them.
func clocks(p *record.Path) string {
	near, far := names(p)
	var text string
	switch {
	case p.Offset == 0:
		return ""
	case p.Offset.Abs() < time.Millisecond:
		text = fmt.Sprintf("the clocks of %s and %s agree to %.1f ms", near, far, max(0.1, record.Millis(p.Offset.Abs())))
	case p.Offset > 0:
		text = fmt.Sprintf("the clock of %s is about %s ahead of that of %s", far, known.Seconds(p.Offset), near)
	default:
		text = fmt.Sprintf("the clock of %s is about %s behind that of %s", far, known.Seconds(-p.Offset), near)
	}
	if perMillion := p.Drift * 1e6; perMillion > 1 || perMillion < -1 {
		text += fmt.Sprintf(" and drifts by %.0f µs per second", perMillion)
	}
	return text
}

// sides names the captures nearer to sender and receiver.
func sides(p *record.Path, from record.Dir) (sender, receiver string) {
	near, far := names(p)
	if from == record.Client {
		return near, far
	}
	return far, near
}

// also adds what a reader must know to find the packets of the other view.
func also(note string, p *record.Path) string {
	for _, more := range []string{clocks(p), p.NAT} {
		if more != "" {
			note += "; " + more
		}
	}
	return note
}
