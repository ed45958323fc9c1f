package known

import "github.com/wsleuth/wsleuth/analyze/record"

// keyLog is how a client is made to write its TLS secrets.
type keyLog struct {
	client, how string
	engine      Engine
	source      string // an address, or "repository:path"
}

// keyLogs are in the order in which they are told.
var keyLogs = []keyLog{
	{"Chrome or Chromium", "quit it, then: google-chrome --ssl-key-log-file=/tmp/keys", Chromium, "chromium/chromium:services/network/public/cpp/network_switches.cc"},
	{"Firefox", "quit it, then: SSLKEYLOGFILE=/tmp/keys firefox", Firefox, "https://firefox-source-docs.mozilla.org/security/nss/legacy/key_log_format/index.html"},
	{"Node.js", "node --tls-keylog=/tmp/keys app.js", Node, "https://nodejs.org/api/cli.html#--tls-keylogfile"},
	{"Python", "SSLKEYLOGFILE=/tmp/keys python app.py", Python, "https://docs.python.org/3/library/ssl.html#ssl.create_default_context"},
	{"Go", "set tls.Config.KeyLogWriter to a file opened for appending", GoGorilla, "https://pkg.go.dev/crypto/tls#Config"},
	{"curl", "SSLKEYLOGFILE=/tmp/keys curl …", Other, "https://everything.curl.dev/usingcurl/tls/sslkeylogfile.html"},
	{"Java", "java -javaagent:extract-tls-secrets.jar=/tmp/keys -jar app.jar", Java, "https://github.com/neykov/extract-tls-secrets"},
}

// KeyLogs tells, of every client that is known, how it is made to write its
// TLS secrets: one sentence each, for the explanation of a rule.
func KeyLogs() string {
	text := ""
	for i, k := range keyLogs {
		if i > 0 {
			text += "; "
		}
		text += k.client + ": " + k.how
	}
	return text
}

// KeyLogStep is the next step where TLS hides what a reader wants to know: the
// command for the client at hand, as its ClientHello tells it.
func KeyLogStep(c *record.Connection) string {
	if bare(c) {
		return ""
	}
	const again = ", repeat, and analyse again with --keylog /tmp/keys"
	engines := helloEngines(c)
	if len(engines) == 0 {
		return "Let the client write its TLS secrets: SSLKEYLOGFILE=/tmp/keys for browsers, curl and Python, node --tls-keylog=/tmp/keys, tls.Config.KeyLogWriter in Go, the extract-tls-secrets agent for Java" + again + "."
	}
	text := "Let the client write its TLS secrets ("
	for i, engine := range engines {
		for _, k := range keyLogs {
			if k.engine == engine {
				if i > 0 {
					text += "; "
				}
				text += k.client + ": " + k.how
			}
		}
	}
	return text + ")" + again + "."
}
