package http1

import "bytes"

// RequestBody is Head().RequestBody() without building the head.
func (p *Parser) RequestBody() (BodyKind, int64) {
	if p.framing.folded && p.state == headDone {
		return p.Head().RequestBody()
	}
	return p.framing.requestBody()
}

// ResponseBody is Head().ResponseBody(requestMethod) without building the head.
func (p *Parser) ResponseBody(requestMethod string) (BodyKind, int64) {
	if p.framing.folded && p.state == headDone {
		return p.Head().ResponseBody(requestMethod)
	}
	return p.framing.responseBody(int(p.framing.status), requestMethod)
}

// Trace tells whether the head just done has any trace of WebSocket, as
// HasTrace does. A head without one need not be built.
func (p *Parser) Trace() bool {
	if p.framing.folded && !p.framing.trace && p.state == headDone {
		return HasTrace(p.Head())
	}
	return p.framing.trace
}

// Extended tells whether the head just done may have a Sec-WebSocket-Extensions
// field. Where not, it need not be parsed for what was negotiated.
func (p *Parser) Extended() bool {
	return p.framing.extended || p.framing.folded || p.skipped > 0
}

// Passed tells whether the head just done may have a field that a proxy added:
// a Via, or one whose name begins with X.
func (p *Parser) Passed() bool {
	return p.framing.passed || p.framing.fields >= MaxFields || p.skipped > 0
}

// Key tells where in Raw is what stands behind the colon of the last
// Sec-WebSocket-Key line of the head just done; nowhere (0, 0) if there is none.
func (p *Parser) Key() (from, to int) {
	if p.framing.key == 0 || p.state != headDone {
		return 0, 0
	}
	from = int(p.framing.key) + len("Sec-WebSocket-Key:")
	return from, from + bytes.IndexByte(p.view[from:], '\n')
}

// StatusCode is the status of the response head just done; 0 if it is not
// three digits, or p reads requests.
func (p *Parser) StatusCode() int { return int(p.framing.status) }

// MethodIs tells whether the request head just done has this method.
func (p *Parser) MethodIs(method string) bool {
	n := len(method)
	return p.kind == Request && p.state == headDone && len(p.view) > n && string(p.view[:n]) == method && (p.view[n] == ' ' || p.view[n] == '\t')
}

// commonMethods are returned by Method without an allocation.
var commonMethods = [...]string{
	"GET", "POST", "HEAD", "CONNECT", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE",
	"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT",
}

// Method is the method of the request head just done. The common ones cost no
// allocation.
func (p *Parser) Method() string {
	if p.kind != Request || p.state != headDone {
		return ""
	}
	method := methodOf(p.view)
	for _, m := range commonMethods {
		if string(method) == m {
			return m
		}
	}
	return string(method)
}

func methodOf(line []byte) []byte {
	for i, c := range line[:min(len(line), maxMethod+1)] {
		if c == ' ' || c == '\t' {
			return line[:i]
		}
	}
	return nil
}
