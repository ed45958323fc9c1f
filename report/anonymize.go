package report

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Mapper maps addresses and host names to others.
type Mapper interface {
	Addr(netip.Addr) netip.Addr
	Name(string) string
}

// maxNames bounds the host names that are looked for in texts.
const maxNames = 4096

// Anonymizer takes addresses and host names out of a result. Bodies of answers
// are left out: nobody knows what they name.
type Anonymizer struct {
	m     Mapper
	names []string // in lower case, the longest first
	known map[string]bool
}

// NewAnonymizer makes an anonymizer.
func NewAnonymizer(m Mapper) *Anonymizer { return &Anonymizer{m: m, known: make(map[string]bool)} }

// Names are the host names met so far, in lower case, the longest first.
func (a *Anonymizer) Names() []string { return a.names }

// Sink gives the results that it gets to another sink, anonymized.
func (a *Anonymizer) Sink(to record.Sink) record.Sink { return anonymous{a, to} }

type anonymous struct {
	*Anonymizer
	to record.Sink
}

// name remembers a host name, without its port.
func (a *Anonymizer) name(host string) {
	if strings.Contains(host, "/") {
		return // a URL: its host is found by its form
	}
	host = strings.ToLower(strings.TrimSpace(host))
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.Contains(host[i:], "]") && strings.Count(host, ":") == 1 {
		host = host[:i]
	}
	host = strings.Trim(strings.TrimPrefix(host, "*."), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return // addresses are found by their form
	}
	// A name of one short label could stand in any word.
	if len(host) < 4 || len(host) > 253 || a.known[host] || len(a.names) >= maxNames || !hostLike.MatchString(host) {
		return
	}
	a.known[host] = true
	i, _ := slices.BinarySearchFunc(a.names, host, func(x, y string) int { return len(y) - len(x) })
	a.names = slices.Insert(a.names, i, host)
}

var (
	hostLike  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)
	inURL     = regexp.MustCompile(`(?i)\b(?:https?|wss?)://(?:[^/\s@]*@)?([a-z0-9_.-]+)`)
	addressV4 = regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}`)
	addressV6 = regexp.MustCompile(`[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)
)

// Text replaces the addresses and the names met so far.
func (a *Anonymizer) Text(s string) string {
	if s == "" {
		return s
	}
	s = a.replaceNames(s)
	s = a.replaceV6(s)
	return addressV4.ReplaceAllStringFunc(s, a.address)
}

// replaceV6 replaces IPv6 addresses, but no colons between words (std::string).
func (a *Anonymizer) replaceV6(s string) string {
	var b strings.Builder
	last := 0
	for _, m := range addressV6.FindAllStringIndex(s, -1) {
		if m[0] > 0 && wordByte(s[m[0]-1]) || m[1] < len(s) && wordByte(s[m[1]]) {
			continue
		}
		text := strings.TrimRight(s[m[0]:m[1]], ".") // the end of a sentence
		if _, err := netip.ParseAddr(text); err != nil {
			text = strings.TrimSuffix(text, ":")
		}
		b.WriteString(s[last:m[0]])
		b.WriteString(a.address(text))
		last = m[0] + len(text)
	}
	return b.String() + s[last:]
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func (a *Anonymizer) address(text string) string {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.IsUnspecified() {
		return text
	}
	return a.m.Addr(addr).String()
}

func (a *Anonymizer) replaceNames(s string) string {
	low := strings.Map(func(r rune) rune { // of the same length, which ToLower does not promise
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
	if len(low) != len(s) { // bytes that are no UTF-8 became longer
		s = low
	}
	for _, name := range a.names {
		for from := 0; ; {
			i := strings.Index(low[from:], name)
			if i < 0 {
				break
			}
			token := a.m.Name(name)
			s = s[:from+i] + token + s[from+i+len(name):]
			low = low[:from+i] + strings.Repeat("\x00", len(token)) + low[from+i+len(name):] // not again
			from += i + len(token)
		}
	}
	return s
}

func (a *Anonymizer) addrPort(x netip.AddrPort) netip.AddrPort {
	if !x.IsValid() {
		return x
	}
	return netip.AddrPortFrom(a.m.Addr(x.Addr()), x.Port())
}

// nameHeaders are those whose values are host names, or URLs.
var nameHeaders = map[string]bool{"host": true, "x-forwarded-host": true, "x-forwarded-server": true, "origin": true, "referer": true, "location": true}

// learn remembers the host names of a connection.
func (a *Anonymizer) learn(c *record.Connection) {
	a.name(c.Host)
	a.name(c.DNSName)
	if u, err := url.Parse(c.URL); err == nil {
		a.name(u.Host)
	}
	if t := c.TLS; t != nil {
		a.name(t.SNI)
		if t.Certificate != nil {
			for _, name := range t.Certificate.Names {
				a.name(name)
			}
			for _, part := range strings.Split(t.Certificate.Subject, ",") {
				if _, value, found := strings.Cut(part, "CN="); found {
					a.name(value)
				}
			}
		}
	}
	if c.Tunnel != nil {
		a.name(c.Tunnel.Target)
		a.name(c.Tunnel.Proxy)
	}
	a.learnHeaders(c)
}

func (a *Anonymizer) learnHeaders(c *record.Connection) {
	var headers record.Headers
	if c.Request != nil {
		a.learnURLs(c.Request.Target)
		headers = append(headers, c.Request.Headers...)
	}
	if c.Response != nil {
		headers = append(headers, c.Response.Headers...)
	}
	for _, h := range headers {
		if nameHeaders[strings.ToLower(h[0])] {
			a.name(h[1])
		}
		a.learnURLs(h[1])
	}
}

func (a *Anonymizer) learnURLs(text string) {
	for _, m := range inURL.FindAllStringSubmatch(text, 8) {
		a.name(m[1])
	}
}

// Connection anonymizes a copy.
func (a anonymous) Connection(c *record.Connection) error {
	a.learn(c)
	x := *c
	x.Client, x.Server = a.addrPort(c.Client), a.addrPort(c.Server)
	for _, text := range []*string{&x.DNSName, &x.URL, &x.Host, &x.Verdict, &x.NextStep, &x.Capture, &x.LastCapture, &x.Filter, &x.ServerLog} {
		*text = a.Text(*text)
	}
	a.layers(&x)
	if r := c.Request; r != nil {
		y := *r
		y.Target, y.Headers = a.Text(r.Target), a.headers(r.Headers)
		x.Request = &y
	}
	if r := c.Response; r != nil {
		y := *r
		y.Reason, y.Headers, y.BodyExcerpt = a.Text(r.Reason), a.headers(r.Headers), ""
		x.Response = &y
	}
	if r := c.Close; r != nil {
		y := *r
		y.Reason = a.Text(r.Reason)
		x.Close = &y
	}
	x.Views, x.Encapsulation, x.Events = slices.Clone(c.Views), slices.Clone(c.Encapsulation), slices.Clone(c.Events)
	for i := range x.Views {
		x.Views[i].Capture = a.Text(x.Views[i].Capture)
	}
	for i := range x.Encapsulation {
		x.Encapsulation[i] = a.Text(x.Encapsulation[i])
	}
	for i := range x.Events {
		x.Events[i].Text, x.Events[i].Capture = a.Text(x.Events[i].Text), a.Text(x.Events[i].Capture)
	}
	x.Findings = a.findings(c.Findings)
	return a.to.Connection(&x)
}

// layers anonymizes what stands below HTTP.
func (a *Anonymizer) layers(x *record.Connection) {
	if x.TLS != nil {
		t := *x.TLS
		t.SNI = a.Text(t.SNI)
		if t.Certificate != nil {
			cert := *t.Certificate
			cert.Subject, cert.Issuer, cert.Names = a.Text(cert.Subject), a.Text(cert.Issuer), slices.Clone(cert.Names)
			for i := range cert.Names {
				cert.Names[i] = a.Text(cert.Names[i])
			}
			t.Certificate = &cert
		}
		x.TLS = &t
	}
	if x.Tunnel != nil {
		t := *x.Tunnel
		t.Proxy, t.Target = a.Text(t.Proxy), a.Text(t.Target)
		x.Tunnel = &t
	}
	if x.ProxyProtocol != nil {
		p := *x.ProxyProtocol
		p.Client, p.Server = a.Text(p.Client), a.Text(p.Server)
		x.ProxyProtocol = &p
	}
}

func (a *Anonymizer) headers(h record.Headers) record.Headers {
	h = slices.Clone(h)
	for i := range h {
		h[i][1] = a.Text(h[i][1])
	}
	return h
}

func (a *Anonymizer) findings(list []record.Finding) []record.Finding {
	list = slices.Clone(list)
	for i := range list {
		f := &list[i]
		f.Title, f.Remedy, f.SeenByUser = a.Text(f.Title), a.Text(f.Remedy), a.Text(f.SeenByUser)
		f.Evidence = a.evidence(f.Evidence)
	}
	return list
}

func (a *Anonymizer) evidence(list []record.Evidence) []record.Evidence {
	list = slices.Clone(list)
	for i := range list {
		list[i].Note, list[i].Capture = a.Text(list[i].Note), a.Text(list[i].Capture)
	}
	return list
}

// Made passes on the tool that made the result.
func (a anonymous) Made(by record.Tool) {
	if to, ok := a.to.(maker); ok {
		to.Made(by)
	}
}

// Pattern anonymizes a pattern.
func (a anonymous) Pattern(p record.Pattern) error {
	p.Title, p.Remedy, p.Evidence = a.Text(p.Title), a.Text(p.Remedy), a.evidence(p.Evidence)
	return a.to.Pattern(p)
}

// Capture anonymizes the name of a file, and what was found about it.
func (a anonymous) Capture(c record.Capture) error {
	c.File, c.Findings = a.Text(c.File), a.findings(c.Findings)
	return a.to.Capture(c)
}

// Rule has no addresses.
func (a anonymous) Rule(code string, r record.Rule) error { return a.to.Rule(code, r) }

// Summary has no addresses.
func (a anonymous) Summary(s record.Summary) error {
	s.Causes = slices.Clone(s.Causes)
	for i := range s.Causes {
		s.Causes[i].Title = a.Text(s.Causes[i].Title)
	}
	return a.to.Summary(s)
}
