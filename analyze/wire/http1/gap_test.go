package http1

import "testing"

func TestGap(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n"
	const counted = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	for _, c := range []struct {
		name, before string
		gap          int64
		held         bool
		after        string
		status       int // of the next head
	}{
		{"in a counted body", counted + "abc", 3, true, "ghijHTTP/1.1 404 No\r\n\r\n", 404},
		{"right behind a head", counted, 10, true, "HTTP/1.1 404 No\r\n\r\n", 404},
		{"beyond a counted body", counted + "abc", 30, false, "tail\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404},
		{"in a chunk", chunked + "abc", 13, true, "\r\n0\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404},
		{"beyond a chunk", chunked + "abc", 20, false, "xyz\r\n0\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404},
		{"in a head", "HTTP/1.1 200 O", 20, false, "HTTP/1.1 404 No\r\n\r\n", 404},
		{"between messages", "", 20, false, "HTTP/1.1 404 No\r\n\r\n", 404},
		{"no status line behind it", "", 20, false, "\nHTTP/1.1 x\nHTTP/1.\n", 0},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nabc", 20, true, "HTTP/1.1 404 No\r\n\r\n", 0},
	} {
		for _, single := range []bool{false, true} {
			var p Parser
			p.Init(Response)
			feedAll(&p, c.before, false)
			if got := p.Gap(c.gap); got != c.held {
				t.Errorf("%s: Gap %v", c.name, got)
			}
			status := feedAll(&p, c.after, single)
			if want := int64(len(c.before)) + c.gap + int64(len(c.after)); p.Offset() != want {
				t.Errorf("%s: offset %d, want %d", c.name, p.Offset(), want)
			}
			if status != c.status {
				t.Errorf("%s: status %d, want %d", c.name, status, c.status)
			}
		}
	}
}

// feedAll returns the status of the last head.
func feedAll(p *Parser, text string, single bool) (status int) {
	size := max(1, len(text))
	if single {
		size = 1
	}
	for text != "" {
		piece := []byte(text[:min(size, len(text))])
		text = text[len(piece):]
		for {
			n, ev := p.Feed(piece)
			piece = piece[n:]
			if ev == HeadDone {
				status = p.StatusCode()
			}
			if ev == More || ev == NotHTTP {
				break
			}
		}
	}
	return status
}

// TestSeekRequests finds requests behind a gap, and nothing in prose.
func TestSeekRequests(t *testing.T) {
	for _, c := range []struct{ text, method string }{
		{upgradeRequest, "GET"},
		{"tail of a body\r\n" + upgradeRequest, "GET"},
		{"Some prose here\r\nGET up and go\r\nGET /x\r\n", ""},
		{"GET", ""},
		{"\x00\x01GE\nPOST /a HTTP/1.1\r\n\r\n", "POST"},
	} {
		for _, size := range []int{len(c.text), 3} {
			var p Parser
			p.Gap(1)
			method := ""
			for text := c.text; text != ""; {
				n, ev := p.Feed([]byte(text[:min(size, len(text))]))
				text = text[n:]
				if ev == HeadDone {
					method = p.Method()
				}
				if ev == NotHTTP {
					t.Fatalf("%q: not HTTP while seeking", c.text)
				}
			}
			if method != c.method {
				t.Errorf("%q by %d: method %q, want %q", c.text, size, method, c.method)
			}
		}
	}
}

// TestEndInBody: a body that the end of the connection cuts.
func TestEndInBody(t *testing.T) {
	for text, want := range map[string]Event{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc":              CutShort,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde":            More,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab": CutShort,
		"HTTP/1.1 200 OK\r\n\r\n":                                      MessageDone,
		"HTTP/1.1 204 OK\r\n\r\n":                                      More,
		"HTTP/1.1 200 OK\r\n":                                          CutShort,
		"":                                                             More,
		"\r\n":                                                         More,
	} {
		var p Parser
		p.Init(Response)
		feedAll(&p, text, false)
		if got := p.End(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzSeek: behind a gap all bytes are taken, whatever they are.
func FuzzSeek(f *testing.F) {
	for _, s := range streams {
		f.Add(uint8(s.kind), []byte("tail\r\n"+s.text), uint8(7))
	}
	f.Add(uint8(0), []byte("GET up\nGE\nGET /a HTTP/1.1\n\nGET"), uint8(1))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte, size uint8) {
		var p Parser
		p.Init(Kind(kind % 2))
		p.Gap(5)
		for b := data; len(b) > 0; {
			piece := b[:min(int(size)+1, len(b))]
			b = b[len(piece):]
			ev := HeadDone
			for tries := 0; ev != More; tries++ {
				var n int
				n, ev = p.Feed(piece)
				piece = piece[n:]
				if ev == NotHTTP {
					return // behind a head that was found
				}
				if tries > 3*len(data)+3 {
					t.Fatalf("no end: %v", ev)
				}
			}
			if len(piece) > 0 {
				t.Fatalf("%d bytes left", len(piece))
			}
		}
		if p.Offset() != int64(len(data))+5 {
			t.Fatalf("offset %d after %d bytes", p.Offset(), len(data))
		}
	})
}
