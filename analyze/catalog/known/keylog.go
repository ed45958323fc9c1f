package known

import "github.com/wsleuth/wsleuth/analyze/record"

// keyLog is how a client is made to write its TLS secrets.
type keyLog struct {
	client, how string
	engine      Engine
}

// keyLogs. Sources: Chromium net/docs and --ssl-key-log-file; Firefox NSS
// "Key Log Format"; Node.js CLI --tls-keylog; Go crypto/tls
// Config.KeyLogWriter; Python ssl.SSLContext.keylog_filename and
// create_default_context; curl SSLKEYLOGFILE; neykov/extract-tls-secrets.
var keyLogs = []keyLog{
	{"Chrome or Chromium", "quit it, then: google-chrome --ssl-key-log-file=/tmp/keys", Chromium},
	{"Firefox", "quit it, then: SSLKEYLOGFILE=/tmp/keys firefox", Firefox},
	{"Node.js", "node --tls-keylog=/tmp/keys app.js", Node},
	{"Python", "SSLKEYLOGFILE=/tmp/keys python app.py", Python},
	{"Go", "set tls.Config.KeyLogWriter to a file opened for appending", GoGorilla},
	{"curl", "SSLKEYLOGFILE=/tmp/keys curl …", Other},
	{"Java", "java -javaagent:extract-tls-secrets.jar=/tmp/keys -jar app.jar", Java},
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
