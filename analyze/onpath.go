package analyze

import (
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// onPath lets the verdict of a failed connection follow what its two views tell
// together: a RST that the other end never sent, or an answer that left it and never
// arrived, is not for that end to mend. cause is the code of the finding that says so.
func (k *collector) onPath(c *record.Connection) (cause string) {
	for i := range k.paths {
		s := &k.paths[i]
		if s.main != c || s.told {
			continue
		}
		s.told = true
		switch {
		case cause != "":
			continue // two other views say it already
		case forgedByItself(c, s.path):
			c.NextStep = "" // the other capture is here
			continue
		case cutOnPath(c, s.path):
			cause = "WS901"
		case swallowed(c, s.path):
			cause = "WS902"
		case c.Outcome == record.Rejected && slices.ContainsFunc(s.path.Rewritten, ofHandshake):
			cause = "WS903"
		case swallowedByItself(c, s.path):
			c.NextStep = ""
			continue
		default:
			continue
		}
		c.Findings = slices.Clone(c.Findings) // the next judgement overwrites them
		found := k.judge.relation(&record.Relation{Files: c.Facts.Files, Connections: []string{c.ID}, Total: 1, Path: s.path})
		at := slices.IndexFunc(found, func(p record.Pattern) bool { return p.Code == cause })
		if at < 0 {
			cause = ""
			continue
		}
		c.Fault = found[at].Fault
		if cause == "WS901" && c.ResetBy != "" {
			c.ResetBy = string(record.FaultIntermediary)
		}
		switch {
		case c.Verdict == "": // nobody wants the texts
		case c.Outcome == record.Opaque:
			c.Verdict += " " + found[at].Title + ": see " + cause + "."
		default:
			c.Verdict = found[at].Title + ": " + whoActs[c.Fault] + ", see " + cause + "."
			c.NextStep = ""
			if fails(c) {
				advise(c, found[at].Remedy)
			}
		}
	}
	return cause
}

// ofHandshake: what was changed is a field of the request without which a server refuses it.
func ofHandshake(x record.Change) bool {
	switch strings.ToLower(x.Name) {
	case "upgrade", "connection", "sec-websocket-key", "sec-websocket-version":
		return true
	}
	return false
}

// cutOnPath: a RST that the alleged sender never sent ended the connection,
// and the view that speaks takes it for genuine. In the view near that sender the
// RST is missing, and only what followed from it is seen.
func cutOnPath(c *record.Connection, p *record.Path) bool {
	if c.ResetBy == string(record.FaultIntermediary) {
		return false // its own bytes say so
	}
	switch c.Outcome {
	case record.ConnectFailed, record.TLSFailed, record.NoResponse, record.ClosedAbnormal, record.Opaque:
	default:
		return false
	}
	for i := range p.Forged {
		x := &p.Forged[i]
		if c.ResetBy == x.From.String() {
			return true
		}
		sender := p.Far
		if x.From == record.Client {
			sender = p.Near
		}
		// An alert has its own reason.
		if c.Capture == sender && c.Outcome != record.TLSFailed && endedAfter(c, p, x.At, x.From == record.Server) {
			return true
		}
	}
	return false
}

// forgedByItself: the RST that ended the connection does not look like its alleged
// sender's, and the capture beside that sender shows that it is none.
func forgedByItself(c *record.Connection, p *record.Path) bool {
	return c.ResetBy == string(record.FaultIntermediary) && c.Outcome != record.Opaque && len(p.Forged) > 0
}

// swallowedByItself: the view that speaks lays it at the path already, and the other
// capture shows that what it sent in vain never arrived.
func swallowedByItself(c *record.Connection, p *record.Path) bool {
	switch c.Outcome {
	case record.ConnectFailed, record.NoResponse, record.ClosedAbnormal:
		return slices.ContainsFunc(p.Lost, func(x record.PathLoss) bool { return x.Never })
	}
	return false
}

// swallowed: what never arrived at the other end is why the connection failed,
// where the view that speaks blames an end or nobody, or does not know that it was the answer.
func swallowed(c *record.Connection, p *record.Path) bool {
	for i := range p.Lost {
		x := &p.Lost[i]
		switch c.Fault {
		case record.FaultClient, record.FaultServer, record.FaultUnknown:
		case record.FaultNetwork:
			if x.What != record.LostAnswer && x.What != record.LostSYNACK {
				continue
			}
		default:
			continue
		}
		// A RST of who should have received it says enough, but for a client that had waited in vain.
		if !x.Never || x.From == record.Client && c.ResetBy == record.Server.String() || !endedAfter(c, p, x.At, x.From == record.Client) {
			continue
		}
		switch {
		case c.Outcome == record.ConnectFailed && x.What == record.LostSYNACK,
			c.Outcome == record.NoResponse && (x.What == record.LostRequest || x.What == record.LostAnswer),
			c.Outcome == record.ClosedAbnormal && x.What == record.LostAnswer,
			(c.Outcome == record.NoResponse || c.Outcome == record.ClosedAbnormal) && vanished(&c.Facts.TCP):
			return true
		}
	}
	return false
}

// endedAfter tells whether the connection ended after a packet that was seen in
// the nearer or the farther capture; one without an end did.
func endedAfter(c *record.Connection, p *record.Path, at record.Ref, near bool) bool {
	end, t := c.Facts.TCP.End, at.Time
	switch {
	case near && c.Capture == p.Far:
		t += record.Time(p.Offset)
	case !near && c.Capture == p.Near:
		t -= record.Time(p.Offset)
	}
	return !end.Seen() || end.Time >= t
}
