package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// said is a sentence about the whole, and the colour in which it is said.
type said struct {
	text string
	with paint
}

// headline says in one or two sentences what became of all connections.
func (v *view) headline() []said {
	n, total := v.counts[failed], v.total()
	var all []said
	say := func(with paint, format string, args ...any) {
		all = append(all, said{fmt.Sprintf(format, args...), with})
	}
	switch {
	case total == 0:
		all = append(v.nothing(), v.unfollowed()...)
	case n == 1 && total == 1:
		say(red, "The one WebSocket connection failed: %s.", strings.TrimPrefix(v.howTheyFailed(), "1 "))
	case n > 0:
		say(red, "%s of %s failed: %s.", number(n), plural(total, "WebSocket connection"), v.howTheyFailed())
	case v.counts[undecided] == total:
		say(yellow, "The capture does not hold enough to tell what became of %s.", theOne(total))
	case v.counts[undecided] > 0:
		say(yellow, "No failure seen in %s, but of %s the capture does not hold enough to tell.",
			plural(total, "WebSocket connection"), number(v.counts[undecided]))
	case v.counts[warned] > 0 && total == 1:
		say(green, "The one WebSocket connection worked, with a warning.")
	case v.counts[warned] > 0:
		say(green, "%s worked; %s.", allOf(total), withWarning(v.counts[warned]))
	case total == 1:
		say(green, "The one WebSocket connection is healthy.")
	default:
		say(green, "%s are healthy.", allOf(total))
	}
	if left := v.summary.LeftOut; left > 0 && (total > 0 || v.counts[unidentified] > 0) {
		all = append(all, said{plural(left, "more connection") + " not chosen, so not told of here.", plain})
	}
	if errors, warnings := v.patternsOf(record.Error), v.patternsOf(record.Warning); n == 0 {
		switch {
		case errors > 0 && total == 0:
			say(red, "But the capture shows %s: see below.", plural(errors, "problem"))
		case errors > 0:
			say(red, "Taken together they show %s: see below.", plural(errors, "problem"))
		case warnings > 0 && total > 0:
			say(yellow, "Taken together they give %s: see below.", plural(warnings, "warning"))
		}
	}
	return all
}

func allOf(total int64) string {
	if total == 1 {
		return "The one WebSocket connection"
	}
	if total == 2 {
		return "Both WebSocket connections"
	}
	return "All " + plural(total, "WebSocket connection")
}

func theOne(total int64) string {
	if total == 1 {
		return "the one WebSocket connection"
	}
	return "the " + plural(total, "WebSocket connection")
}

func withWarning(n int64) string {
	if n == 1 {
		return "1 has a warning"
	}
	return number(n) + " have warnings"
}

func (v *view) patternsOf(severity record.Severity) (n int64) {
	for _, p := range v.patterns {
		if p.Severity == severity {
			n++
		}
	}
	return n
}

// maxClauses is how many ways to fail the headline names.
const maxClauses = 4

// howTheyFailed counts the failed by outcome and cause: "2 rejected (upgrade header missing), 1 cut off (idle timeout)".
func (v *view) howTheyFailed() string {
	type clause struct {
		outcome record.Outcome
		n       int64
		slugs   []end
	}
	var clauses []*clause
	for e, n := range v.ends {
		i := slices.IndexFunc(clauses, func(c *clause) bool { return c.outcome == e.outcome })
		if i < 0 {
			i = len(clauses)
			clauses = append(clauses, &clause{outcome: e.outcome})
		}
		clauses[i].n += n
		clauses[i].slugs = append(clauses[i].slugs, e)
	}
	slices.SortFunc(clauses, func(a, b *clause) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.outcome, b.outcome))
	})
	var parts []string
	named := int64(0)
	for i, c := range clauses {
		if i == maxClauses {
			break
		}
		named += c.n
		parts = append(parts, fmt.Sprintf("%s %s%s", number(c.n), outcomeWord(c.outcome), v.reasons(c.outcome, c.slugs)))
	}
	if rest := v.counts[failed] - named; rest > 0 {
		parts = append(parts, number(rest)+" in other ways")
	}
	return strings.Join(parts, ", ")
}

// reasons are the causes of one outcome, in brackets.
func (v *view) reasons(outcome record.Outcome, ends []end) string {
	slices.SortFunc(ends, func(a, b end) int {
		return cmp.Or(cmp.Compare(v.ends[b], v.ends[a]), cmp.Compare(a.slug, b.slug))
	})
	var words []string
	for i, e := range ends {
		switch {
		case e.slug == string(outcome):
			continue
		case i >= 3:
			words = append(words, "and others")
		case len(ends) == 1:
			words = append(words, spoken(e.slug))
		default:
			words = append(words, fmt.Sprintf("%s %s", number(v.ends[e]), spoken(e.slug)))
		}
		if i >= 3 {
			break
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// spoken is a slug as words.
func spoken(slug string) string {
	words := strings.Split(Clean(slug), "-")
	for i, word := range words {
		if written, ok := spelled[word]; ok {
			words[i] = written
		}
	}
	return strings.Join(words, " ")
}

// spelled are words of slugs that are not written in small letters.
var spelled = map[string]string{"alpn": "ALPN", "dns": "DNS", "goaway": "GOAWAY", "h2": "HTTP/2", "http": "HTTP", "http10": "HTTP/1.0",
	"icmp": "ICMP", "mtu": "MTU", "ping": "Ping", "pong": "Pong", "sni": "SNI", "socks": "SOCKS", "tls": "TLS", "utf8": "UTF-8", "websocket": "WebSocket"}

// nothing says what was there instead of WebSocket connections, and what to try.
func (v *view) nothing() []said {
	s := v.summary
	dark := max(s.OpaqueTLS, v.counts[opaque])
	tcp := s.OtherTCPConnections + dark + max(s.Unidentified, v.counts[unidentified])
	switch {
	case s.LeftOut > 0 && v.counts[unidentified] == 0:
		return []said{{fmt.Sprintf("No WebSocket connection that was found is among those chosen: %s left out.", verb(s.LeftOut, "was", "were")), yellow},
			{"Look at --connection, --host, --port, --client, --since and --until, or leave them out.", plain}}
	case tcp == 0 && v.packets == 0:
		return []said{{"No packets, so no WebSocket connections.", yellow}}
	case tcp == 0 && v.patternsOf(record.Error) > 0:
		return []said{{"No WebSocket connections: no TCP connection was begun.", yellow}}
	case tcp == 0 && s.QUICConnections > 0:
		return []said{{fmt.Sprintf("No WebSocket connections over TCP: %s belongs to a TCP connection.", noneOf(v.packets, "packet")), yellow}}
	case tcp == 0 && v.undecodable():
		return []said{{fmt.Sprintf("No WebSocket connections: of the %s none that can be decoded belongs to a TCP connection.", plural(v.packets, "packet")), yellow}}
	case tcp == 0:
		return []said{{fmt.Sprintf("No WebSocket connections: %s belongs to a TCP connection.", noneOf(v.packets, "packet")), yellow},
			{"Capture on the interface that the connections take, for example: tcpdump -i any -s 0 -w capture.pcap tcp", plain}}
	case v.counts[unidentified] > 0:
		return []said{{fmt.Sprintf("No WebSocket connection was seen to begin, but %s failed before one could.", plural(v.counts[unidentified], "TCP connection")), yellow}}
	}
	switch {
	case dark > 0 && tcp == 1:
		return []said{{"No WebSocket connections to be seen: the one TCP connection is encrypted.", yellow}}
	case dark > 0 && dark == tcp:
		return []said{{fmt.Sprintf("No WebSocket connections to be seen: all %s are encrypted.", plural(tcp, "TCP connection")), yellow}}
	case dark > 0:
		return []said{{fmt.Sprintf("No WebSocket connections to be seen: of %s %s encrypted, and no other began a WebSocket.", plural(tcp, "TCP connection"), verb(dark, "is", "are")), yellow}}
	}
	return []said{{fmt.Sprintf("No WebSocket connections: %s seen, and none began a WebSocket.", plural(tcp, "TCP connection")), yellow}}
}

// undecodable: packets were left out because nobody knows how to read them.
func (v *view) undecodable() bool {
	return slices.ContainsFunc(v.captures, func(c record.Capture) bool {
		return slices.ContainsFunc(c.Findings, func(f record.Finding) bool { return f.Code == "WS109" })
	})
}

// unfollowed says that a WebSocket may be where the program does not look.
func (v *view) unfollowed() []said {
	n := v.summary.QUICConnections
	if n == 0 {
		return nil
	}
	return []said{{fmt.Sprintf("The capture has %s: HTTP/3 is not followed, so a WebSocket there would not be seen. If the client may use HTTP/3 for it, switch QUIC off there (or block UDP port 443) and capture again.",
		plural(n, "QUIC connection")), plain}}
}

// elsewhere are the connections that are not reported; "" if there are none.
func (v *view) elsewhere() string {
	var list []string
	if n := v.summary.OtherTCPConnections; n > 0 {
		list = append(list, plural(n, "other TCP connection"))
	}
	if n := v.summary.QUICConnections; n > 0 {
		list = append(list, plural(n, "QUIC connection")+" (HTTP/3, not followed)")
	}
	return strings.Join(list, " and ")
}

// noneOf is the subject of a sentence that says no of all.
func noneOf(n int64, noun string) string {
	if n == 1 {
		return "not even the one " + noun
	}
	return "none of the " + plural(n, noun)
}

// verb is a number with the verb that agrees with it.
func verb(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// keyLogHint says how to look into TLS.
const keyLogHint = "To look inside, give the client's key log with --keylog FILE (browsers, Node and curl write one to the file that SSLKEYLOGFILE names)."

func (s *causes) total() (n int64) {
	for _, c := range s.list {
		n += c.count
	}
	return n
}

func (v *view) readMore(c *cause, first *record.Connection) string {
	files := "FILE" // IDs name their file's place among all that were given
	if v.severalFiles() {
		files += "..."
	} else if first.Capture != "" {
		files = quoted(Clean(first.Capture))
	}
	var commands []string
	if c.code != "" {
		commands = append(commands, "wsleuth explain "+Clean(c.code))
	}
	if gone := len(v.captures) == 1 && (v.captures[0].Format == "live" || v.captures[0].File == "-"); !gone {
		commands = append(commands, fmt.Sprintf("wsleuth show %s --connection %s", files, Clean(first.ID)))
	}
	return strings.Join(commands, "; ")
}

// quoted is a file name as a shell takes it.
func quoted(name string) string {
	if strings.ContainsAny(name, " \t'\"\\$&;|<>()*?[]#~`!") {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

// whatHappened is the verdict, where one says it of all connections, else the condition that they share.
func (v *view) whatHappened(c *cause) string {
	first := c.examples[0]
	same := true
	for _, e := range c.examples {
		same = same && e.of().Title == first.of().Title
	}
	rule := v.rules[c.code]
	who := ": " + whoActs(c.fault) + "."
	switch {
	case c.slug == "other causes" && c.code == "":
		return "More causes than are told apart here."
	case same && first.connection.Verdict != "" && c.count <= int64(len(c.examples)):
		return sentence(first.connection.Verdict)
	case same && first.of().Title != "":
		return strings.TrimSuffix(sentence(first.of().Title), ".") + who
	case rule.Title != "":
		return sentence(rule.Title + who)
	case first.connection.Verdict != "":
		return sentence(first.connection.Verdict)
	}
	return sentence(outcomeWord(first.connection.Outcome) + who)
}

// lacking says what the capture lacks of an undecided connection, and what
// would tell, unless the one before it has said so.
func (v *view) lacking(i int) string {
	c := v.unclear[i]
	if c.NextStep == "" || i > 0 && v.unclear[i-1].NextStep == c.NextStep {
		return sentence(c.Verdict)
	}
	return sentence(c.Verdict) + " " + sentence(c.NextStep)
}

// together says how many connections show a pattern; a name that was not
// resolved needs none.
func together(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	if len(ids) == 1 {
		return ": 1 connection"
	}
	return ": " + plural(int64(len(ids)), "connection") + " together"
}

// seeAlso names the patterns that the connections of a cause have in common:
// they may say more than one connection alone can.
func (v *view) seeAlso(c *cause) string {
	var names []string
	for _, p := range v.patterns {
		if !slices.ContainsFunc(c.examples, func(e example) bool { return !slices.Contains(p.Connections, e.connection.ID) }) {
			names = append(names, p.Code+" "+p.Slug)
		}
	}
	return strings.Join(names, ", ")
}

// shared is what connections show together, and who has to act; a pattern that
// does not tell leaves that to what is said of its connections.
func shared(p *record.Pattern) string {
	what := strings.TrimSuffix(sentence(p.Title), ".")
	if p.Fault != record.FaultUnknown {
		what += ": " + whoActs(p.Fault)
	}
	return what + "."
}

// inBrackets says how sure a finding is, where it is not certain.
func inBrackets(confidence record.Confidence) string {
	switch confidence {
	case record.Likely, record.Possible:
		return " (" + string(confidence) + ")"
	}
	return ""
}

// remedy is what to do against a cause.
func (c *cause) remedy() string {
	text := c.examples[0].of().Remedy
	if c.elsewhere {
		others := "others need"
		if c.count == 2 {
			others = "other needs"
		}
		text = sentence(text) + fmt.Sprintf(" That is the first of the %s; the %s the same.", number(c.count), others)
	}
	return text
}

// why says why a cause matters: in the words of the pattern to which the verdict
// points, where that told more of the connection than its own packets.
func (v *view) why(c *cause) string {
	code := c.code
	for i := range v.patterns {
		if p := &v.patterns[i]; strings.HasSuffix(c.examples[0].connection.Verdict, ", see "+p.Code+".") {
			code = p.Code
		}
	}
	return firstSentence(partOf(v.rules[code].Explanation, "Why it matters"))
}

// places are the servers at which a cause was met.
func (c *cause) places() string {
	keys, _, more := c.servers.top(3)
	var parts []string
	for _, key := range keys {
		parts = append(parts, fmt.Sprintf("%s (%s)", key, number(c.servers.entries[key].count)))
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("others (%s)", number(more)))
	}
	return strings.Join(parts, ", ")
}

// named are the codes and slugs of a tally with their counts.
func named(counts *tally[string]) string {
	keys, _, more := counts.top(6)
	var parts []string
	for _, key := range keys {
		entry := counts.entries[key]
		name := key
		if len(entry.names) > 0 {
			name = entry.names[0] + " " + key
		}
		if entry.count > 1 {
			name += fmt.Sprintf(" (%s times)", number(entry.count))
		}
		parts = append(parts, name)
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("others (%s)", number(more)))
	}
	return strings.Join(parts, ", ")
}

// maxEvidence is how many packets of an example are named.
const maxEvidence = 3

// samePlaces are the packets of an example which show what those of the first
// example show; nothing if they show something else.
func (v *view) samePlaces(f, first record.Finding) string {
	if len(f.Evidence) != len(first.Evidence) || len(f.Evidence) > maxEvidence {
		return ""
	}
	var places []string
	for j, e := range f.Evidence {
		if e.Note != first.Evidence[j].Note {
			return ""
		}
		e.Note = ""
		places = append(places, v.evidence(e))
	}
	return strings.Join(places, ", ")
}

// evidence is a packet and what is seen in it; the file's name only where there are several.
func (v *view) evidence(e record.Evidence) string {
	return evidenceText(e, v.severalFiles())
}

func (v *view) severalFiles() bool { return int64(len(v.captures))+v.moreCaptures > 1 }

func evidenceText(e record.Evidence, withFile bool) string {
	var place string
	switch {
	case e.Packet != 0:
		place = fmt.Sprintf("packet %d", e.Packet)
	case e.Offset != nil:
		place = fmt.Sprintf("byte %d", *e.Offset)
	}
	if withFile {
		place = strings.TrimSpace(place + " of " + Clean(e.Capture))
	}
	if e.Note == "" {
		return place
	}
	return place + ": " + Clean(e.Note)
}

// endings counts the connections that worked by their outcome.
func (v *view) endings() string {
	var parts []string
	outcomes := make([]record.Outcome, 0, len(v.byEnd))
	for o := range v.byEnd {
		outcomes = append(outcomes, o)
	}
	slices.SortFunc(outcomes, func(a, b record.Outcome) int {
		return cmp.Or(cmp.Compare(v.byEnd[b], v.byEnd[a]), cmp.Compare(a, b))
	})
	for _, o := range outcomes {
		word := outcomeWord(o)
		if o == record.ClosedError { // with another code it did not work
			word = "closed with 1012 or 1013"
		}
		parts = append(parts, fmt.Sprintf("%s %s", number(v.byEnd[o]), word))
	}
	return strings.Join(parts, ", ")
}
