package analyze

import (
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// Redacted stands where a secret stood.
const Redacted = "[redacted]"

// maxPlainToken is the longest Sec-WebSocket-Protocol that is taken for a name
// and no token.
const maxPlainToken = 64

// minSecret is the shortest secret that is looked for in other texts: a
// shorter one would hit innocent words.
const minSecret = 6

var secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "set-cookie"}

var secretParameters = []string{"access_token", "token", "auth", "key", "apikey", "api_key", "password", "secret", "jwt", "sig",
	"signature", "code", "ticket"}

// secrets are the values that were taken out of a connection, to be taken out
// of what rules say of it as well.
type secrets []string

// redact replaces the secrets in a connection's own texts, unless the user
// asked for them.
func redact(c *record.Connection, o Options) secrets {
	if o.ShowSecrets {
		return nil
	}
	var found secrets
	if r := c.Request; r != nil {
		found.headers(r.Headers)
		r.Target = found.query(r.Target)
	}
	if r := c.Response; r != nil {
		found.headers(r.Headers)
	}
	if strings.Contains(c.URL, "?") {
		c.URL = found.query(c.URL)
	}
	if c.WebSocket != nil && isToken(c.WebSocket.Subprotocol) {
		found.add(c.WebSocket.Subprotocol)
		c.WebSocket.Subprotocol = Redacted
	}
	return found
}

func (s *secrets) add(value string) {
	if len(value) >= minSecret && !slices.Contains(*s, value) {
		*s = append(*s, value)
	}
}

func (s *secrets) headers(h record.Headers) {
	for i := range h {
		name, value := strings.ToLower(h[i][0]), h[i][1]
		switch {
		case slices.Contains(secretHeaders, name):
			s.add(value)
			if scheme, rest, ok := strings.Cut(value, " "); ok && strings.HasSuffix(name, "authorization") && len(scheme) <= 16 {
				s.add(strings.TrimSpace(rest)) // without its scheme it is as secret
			}
			for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ';' || r == ',' }) {
				if _, v, ok := strings.Cut(part, "="); ok && len(v) >= minSecret {
					s.add(v)
				}
			}
			h[i][1] = redactCredentials(name, value)
		case name == "sec-websocket-protocol":
			h[i][1] = s.protocols(value)
		case name == "location" || name == "referer" || name == "origin":
			h[i][1] = s.query(value)
		}
	}
}

// redactCredentials keeps what is no secret and helps: the scheme of
// credentials.
func redactCredentials(name, value string) string {
	if strings.HasSuffix(name, "authorization") {
		if scheme, _, ok := strings.Cut(value, " "); ok && len(scheme) <= 16 {
			return scheme + " " + Redacted
		}
	}
	return Redacted
}

func (s *secrets) protocols(value string) string {
	items := strings.Split(value, ",")
	for i, item := range items {
		if name := strings.TrimSpace(item); isToken(name) {
			s.add(name)
			items[i] = strings.Replace(item, name, Redacted, 1)
		}
	}
	return strings.Join(items, ",")
}

// isToken: a subprotocol that is a JWT, or too long for a name.
func isToken(name string) bool {
	return len(name) > maxPlainToken || strings.HasPrefix(name, "eyJ") && strings.Count(name, ".") == 2
}

// query replaces the values of secret parameters in a URL or a target.
func (s *secrets) query(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	query, fragment, hasFragment := strings.Cut(query, "#")
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if ok && value != "" && slices.Contains(secretParameters, strings.ToLower(name)) {
			s.add(value)
			pairs[i] = name + "=" + Redacted
		}
	}
	target = path + "?" + strings.Join(pairs, "&")
	if hasFragment {
		target += "#" + fragment
	}
	return target
}

// apply takes the secrets out of everything that was said of the connection.
func (s secrets) apply(c *record.Connection) {
	if len(s) == 0 {
		return
	}
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) })
	clean := func(text *string) {
		for _, secret := range s {
			if strings.Contains(*text, secret) {
				*text = strings.ReplaceAll(*text, secret, Redacted)
			}
		}
	}
	clean(&c.Verdict)
	clean(&c.NextStep)
	clean(&c.ServerLog)
	if c.Response != nil {
		clean(&c.Response.BodyExcerpt)
		for i := range c.Response.Headers {
			clean(&c.Response.Headers[i][1])
		}
	}
	for i := range c.Events {
		clean(&c.Events[i].Text)
	}
	for i := range c.Findings {
		f := &c.Findings[i]
		for _, text := range []*string{&f.Title, &f.Remedy, &f.SeenByUser} {
			clean(text)
		}
		for k := range f.Evidence {
			clean(&f.Evidence[k].Note)
		}
	}
}
