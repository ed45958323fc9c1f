package analyze

import (
	"strings"
	"time"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
	"github.com/wsleuth/wsleuth/analyze/wire/ws"
)

// enoughWait is how long an answer must have been waited for before its
// absence means anything.
const enoughWait = time.Second

// enoughSends is how often a request must have been sent, without an
// acknowledgement, before that means anything however short the wait was.
const enoughSends = 3

// outcome says how far a connection came and how it ended, by its facts alone.
func outcome(c *record.Connection, there rule.Needs) (record.Phase, record.Outcome) {
	phase, o := outcomeSeen(c, there)
	if c.Facts.TCP.LetGo && !c.Facts.TCP.End.Seen() {
		switch o {
		case record.ConnectFailed, record.TunnelFailed, record.TLSFailed, record.NoResponse, record.ClosedAbnormal, record.Open:
			return phase, record.Incomplete // the end, or an answer, may have come later
		}
	}
	return phase, o
}

// outcomeSeen takes it that the connection was followed as far as it went.
func outcomeSeen(c *record.Connection, there rule.Needs) (record.Phase, record.Outcome) {
	f := c.Facts
	switch {
	case tunnelFailed(f):
		return record.PhaseTunnel, record.TunnelFailed
	case f.WS != nil && f.Upgrade != nil && invalidAnswer(f.Upgrade, there):
		return record.PhaseUpgrade, record.InvalidHandshake
	case f.WS != nil && halfSeen(f):
		phase, _ := openedOutcome(f)
		return phase, record.Incomplete
	case f.WS != nil:
		return openedOutcome(f)
	case f.Upgrade != nil:
		return record.PhaseUpgrade, upgradeOutcome(f)
	case f.TLSFailed:
		return record.PhaseTLS, record.TLSFailed
	case f.Opaque:
		return record.PhaseTLS, record.Opaque
	}
	return record.PhaseTCP, record.ConnectFailed
}

// halfSeen: what the other side said, or what was asked for, is not in the
// capture, so that nothing can be said of how it ended.
func halfSeen(f *record.Facts) bool {
	u := f.Upgrade
	return f.TCP.OneWay || u != nil && u.CutByCapture && (u.RequestCut || u.Request == nil)
}

func upgradeOutcome(f *record.Facts) record.Outcome {
	u := f.Upgrade
	switch {
	case u.Response != nil && (!u.ResponseCut || u.Response.Status >= 200 && u.CutByCapture):
		return record.Rejected
	case u.NotHTTP != nil:
		return record.NoResponse
	case u.CutByCapture, f.TCP.OneWay, u.Response == nil && f.TCP.CutShort > 0:
		return record.Incomplete
	case u.ResponseCut && f.EndOfCapture, !u.ResponseCut && f.EndOfCapture && u.Waited < enoughWait && (u.RequestAcked || u.RequestSent < enoughSends):
		return record.Incomplete
	}
	return record.NoResponse
}

// invalidAnswer: an answer of 101 that RFC 6455 section 4.1 tells the client to
// refuse ("the client MUST _Fail the WebSocket Connection_").
func invalidAnswer(u *record.UpgradeFacts, there rule.Needs) bool {
	r := u.Response
	if r == nil || u.ResponseCut {
		return false
	}
	if r.Version == "HTTP/2" {
		// RFC 8441 section 5: Sec-WebSocket-Protocol and Sec-WebSocket-Extensions
		// "are used in the CONNECT request and response-header fields as defined in
		// [RFC6455]"; all else of the handshake has no place there.
		return r.Status/100 == 2 && u.Request != nil && !u.Request.Truncated && (!offered(u, "Sec-WebSocket-Protocol") || len(u.BadExtensions) > 0)
	}
	if r.Status != 101 {
		return false
	}
	if there&rule.OddAnswer == 0 { // Upgrade, Connection and Accept are as they must be
		return !u.RequestCut && (there&rule.Subprotocol != 0 && !offered(u, "Sec-WebSocket-Protocol") || len(u.BadExtensions) > 0)
	}
	if r.Version == "HTTP/1.0" || !r.HasToken("Upgrade", "websocket") || !r.HasToken("Connection", "upgrade") {
		return true
	}
	accept, ok := r.Get("Sec-WebSocket-Accept")
	if !ok {
		return true
	}
	if u.Request == nil || u.RequestCut {
		return false
	}
	if u.WantAccept != "" && strings.TrimSpace(accept) != u.WantAccept {
		return true
	}
	if !offered(u, "Sec-WebSocket-Protocol") {
		return true
	}
	return len(u.BadExtensions) > 0
}

// offered: "If the response includes a |Sec-WebSocket-Protocol| header field and
// this header field indicates the use of a subprotocol that was not present in
// the client's handshake [...], the client MUST _Fail the WebSocket
// Connection_." (RFC 6455, section 4.1)
func offered(u *record.UpgradeFacts, name string) bool {
	chosen := u.Response.List(name)
	if len(chosen) > 1 {
		return false
	}
	for _, c := range chosen {
		found := false
		for _, o := range u.Request.List(name) {
			found = found || o == c
		}
		if !found {
			return false
		}
	}
	return true
}

func openedOutcome(f *record.Facts) (record.Phase, record.Outcome) {
	w := f.WS
	if w.NotWebSocket != nil {
		return record.PhaseClosed, record.ProtocolError
	}
	broken := brokenBy(f)
	if c := w.FirstClose; c != nil {
		phase := record.PhaseClosed
		switch {
		case closeOfProtocol(w):
			return phase, record.ProtocolError
		case cleanCode(c):
			return phase, record.ClosedClean
		case broken:
			return phase, record.ProtocolError
		}
		return phase, record.ClosedError
	}
	switch {
	case broken && f.TCP.End.Seen():
		return record.PhaseClosed, record.ProtocolError
	case f.TCP.End.Seen():
		return record.PhaseClosed, record.ClosedAbnormal
	case vanished(&f.TCP):
		return record.PhaseClosed, record.ClosedAbnormal
	}
	return record.PhaseOpen, record.Open
}

// closeOfProtocol: a Close frame that says that the peer broke the protocol, or
// is broken itself.
func closeOfProtocol(w *record.WSFacts) bool {
	for _, c := range w.Closes {
		if c == nil {
			continue
		}
		switch c.Code {
		case 1002, 1003, 1007, 1010:
			return true
		}
		if c.Length == 1 || c.HasCode && !ws.ValidCloseCode(uint16(c.Code)) {
			return true
		}
	}
	for i := range w.Violations {
		if k := w.Violations[i].Kind; k == ws.CloseReasonNotUTF8 {
			return true
		}
	}
	return false
}

func cleanCode(c *record.ControlFrame) bool {
	return !c.HasCode || c.Code == 1000 || c.Code == 1001 || c.Code >= 3000 && c.Code <= 4999
}

// brokenBy: a peer broke RFC 6455 and the connection did not outlive it.
func brokenBy(f *record.Facts) bool {
	for i := range f.WS.Violations {
		v := &f.WS.Violations[i]
		switch v.Kind {
		case ws.DataAfterClose, ws.CloseReasonNotUTF8, ws.ClosePayloadOneByte, ws.CloseCodeInvalid:
			continue
		}
		if v.Kind == ws.LengthTopBit || outlived(f, v) {
			if v.Kind != ws.LengthTopBit {
				continue
			}
		}
		return true
	}
	return false
}

// outlived: the other side went on as if nothing had happened.
func outlived(f *record.Facts, v *record.Violation) bool {
	end := f.TCP.End
	if c := f.WS.FirstClose; c != nil {
		end = c.Ref
	}
	if !end.Seen() {
		return true
	}
	answer := f.WS.LastMessage[v.Dir.Other()]
	return answer.Seen() && answer.Time > v.Ref.Time && end.Time.Sub(v.Ref.Time) > enoughWait
}

// vanished: data was sent again and again and never acknowledged.
func vanished(t *record.TCPFacts) bool {
	for d := range t.Sides {
		if t.Sides[d].Unacked > 0 && t.Sides[d].UnackedSent >= vanishedSends {
			return true
		}
	}
	return false
}

// vanishedSends: the first transmission and three more; their growing distance
// takes them well beyond a passing loss.
const vanishedSends = 4
