package http1

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

// StatusCode is the status of the response head just done; 0 if it is not
// three digits, or p reads requests.
func (p *Parser) StatusCode() int { return int(p.framing.status) }

// MethodIs tells whether the request head just done has this method.
func (p *Parser) MethodIs(method string) bool {
	return p.kind == Request && p.state == headDone && string(methodOf(p.view)) == method
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
