package known

import (
	"regexp"
	"strings"
	"testing"
)

// A source is an address, a file of a repository, or a section of an RFC.
var document = regexp.MustCompile(`^(https://[a-z0-9.-]+\.[a-z]+/\S*|[\w.-]+/[\w.-]+:[\w./-]+(#[\w.]+)?|RFC \d+ section [\d.]+)$`)

// plain is a name without what spelling makes of it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-/()<", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// own tells that a sign is nothing but the name of what it stands for.
func own(sign, name string) bool {
	sign, name = plain(sign), plain(name)
	return strings.Contains(sign, name) || strings.Contains(name, sign)
}

func TestDocument(t *testing.T) {
	for source, want := range map[string]bool{
		"https://nginx.org/en/docs/http/websocket.html": true, "gorilla/websocket:client.go": true, "RFC 9110 section 7.8": true, wafw00f + "zscaler.py": true, ooni + "cl.prod_zscaler_block": true,
		"": false, "nginx.org, ngx_http_proxy_module": false, "http://nginx.org/": false, "https://": false, "the manual": false, "client.go": false, "RFC 9110": false,
	} {
		if document.MatchString(source) != want {
			t.Errorf("%q: expected %v", source, want)
		}
	}
}

// TestEveryRowHasASource: what this package claims of a product can be looked up.
func TestEveryRowHasASource(t *testing.T) {
	check := func(row, source string) {
		t.Helper()
		if !document.MatchString(source) {
			t.Errorf("%s: source %q is neither an address nor a file of a repository", row, source)
		}
	}
	// A sign may also be the product's own name, if it is, or be known from public captures alone.
	sign := func(text, name, source string, anyName bool) {
		t.Helper()
		switch {
		case source == seenInPublic:
		case source != byItsOwnName:
			check(text, source)
		case !anyName && !own(text, name):
			t.Errorf("%q is not the name of %s: it needs a source", text, name)
		}
	}
	for problem, by := range remedies {
		for product, a := range by {
			check(string(problem)+" at "+string(product), a.source)
		}
	}
	for _, x := range timers {
		check(x.Name, x.Source)
	}
	for engine, x := range timeouts {
		check(string(engine), x.source)
	}
	for _, x := range keyLogs {
		check(x.client, x.source)
	}
	for _, x := range bodySigns {
		check(x.text, x.source)
	}
	for _, x := range signs {
		text := x.text
		if text == "" {
			text = x.field
		}
		sign(text, string(x.product), x.source, x.product == Filter)
	}
	for _, x := range filterSigns {
		sign(x.text, x.name, x.source, false)
	}
	for _, x := range inspections {
		sign(x.text, x.product, x.source, false)
	}
	for _, table := range []map[Kind]map[Engine]string{messages, tlsMessages} {
		for kind, by := range table {
			for engine := range by {
				if len(messageSources[engine]) == 0 {
					t.Errorf("%s of %s has no source", kind, engine)
				}
			}
		}
	}
	for engine, list := range messageSources {
		for _, source := range list {
			check(string(engine), source)
		}
	}
}
