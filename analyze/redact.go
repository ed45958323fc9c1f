package analyze

import (
	"net/url"
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

var secretParameters = []string{"access_token", "token", "auth", "key", "apikey", "api_key", "password", "secret", "jwt", "sig",
	"signature", "code", "ticket"}

// secretWords are in the names of other parameters and fields with secret
// values: id_token, X-Amz-Signature, X-Api-Key, sessionid.
var secretWords = []string{"token", "secret", "passw", "pwd", "signature", "apikey", "api-key", "api_key", "jwt", "session", "authorization"}

// isSecret tells by such a word that a parameter or field has a secret value.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

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
		r.Target = found.target(r.Target)
	}
	if r := c.Response; r != nil {
		found.headers(r.Headers)
		r.BodyExcerpt = found.tokens(r.BodyExcerpt)
	}
	c.URL = found.target(c.URL)
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
		field := &h[i]
		is := func(name string) bool { return strings.EqualFold(field[0], name) }
		switch len(field[0]) { // most fields are none of these
		case len("Authorization"), len("Proxy-Authorization"):
			if is("Authorization") || is("Proxy-Authorization") {
				field[1] = s.credentials(field[1])
			}
		case len("Cookie"): // and Origin
			switch {
			case is("Cookie"):
				field[1] = s.cookies(field[1])
			case is("Origin"):
				field[1] = s.target(field[1])
			}
		case len("Set-Cookie"):
			if is("Set-Cookie") {
				field[1] = s.cookies(field[1])
			}
		case len("Sec-WebSocket-Protocol"):
			if is("Sec-WebSocket-Protocol") {
				field[1] = s.protocols(field[1])
			}
		case len("Location"), len("Referer"):
			if is("Location") || is("Referer") {
				field[1] = s.target(field[1])
			}
		}
		if isSecret(field[0]) && !strings.HasSuffix(field[1], Redacted) {
			s.add(field[1])
			field[1] = Redacted
		}
		field[1] = s.tokens(field[1])
	}
}

// credentials keeps what is no secret and helps: the scheme.
func (s *secrets) credentials(value string) string {
	s.cookies(value)
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok || len(scheme) > 16 {
		return Redacted
	}
	s.add(strings.TrimSpace(rest)) // without its scheme it is as secret
	return scheme + " " + Redacted
}

// cookies takes the whole out, and the values of its parts.
func (s *secrets) cookies(value string) string {
	s.add(value)
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ';' || r == ',' }) {
		if _, v, ok := strings.Cut(part, "="); ok {
			s.add(v)
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

// target takes the secrets out of a URL or a request's target: user and
// password, the values of secret parameters, tokens.
func (s *secrets) target(target string) string {
	target, fragment, hasFragment := strings.Cut(target, "#")
	path, query, hasQuery := strings.Cut(target, "?")
	if scheme, rest, ok := strings.Cut(path, "://"); ok {
		authority, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(authority, '@'); at > 0 {
			s.add(authority[:at])
			path = scheme + "://" + Redacted + rest[at:]
		}
	}
	// "the semicolon (";") and equals ("=") reserved characters are often used to
	// delimit parameters and parameter values" of a path (RFC 3986, section 3.3).
	if strings.Contains(path, ";") {
		segments := strings.Split(path, "/")
		for i, segment := range segments {
			segments[i] = s.parameters(segment, ";")
		}
		path = strings.Join(segments, "/")
	}
	if hasQuery {
		path += "?" + s.parameters(query, "&")
	}
	if hasFragment {
		path += "#" + s.parameters(fragment, "&") // where OAuth's implicit grant has its token
	}
	return s.tokens(path)
}

// parameters replaces the values of secret parameters.
func (s *secrets) parameters(list, separator string) string {
	pairs := strings.Split(list, separator)
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if ok && value != "" && (slices.Contains(secretParameters, strings.ToLower(plain)) || isSecret(plain)) {
			s.add(value)
			pairs[i] = name + "=" + Redacted
		}
	}
	return strings.Join(pairs, separator)
}

// tokens replaces what has the form of a JWT (RFC 7519, section 3): two or more
// dots between parts in base64url, of which the first begins a JSON object.
func (s *secrets) tokens(text string) string {
	for from := 0; ; {
		at := strings.Index(text[from:], "eyJ")
		if at < 0 {
			return text
		}
		at += from
		end := at + len(text[at:]) - len(strings.TrimLeft(text[at:], base64URL+"."))
		if token := text[at:end]; strings.Count(token, ".") >= 2 {
			s.add(token)
			text, end = text[:at]+Redacted+text[end:], at+len(Redacted)
		}
		from = end
	}
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

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
