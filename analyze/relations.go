package analyze

import (
	"net/netip"

	"github.com/wsleuth/wsleuth/analyze/correlate"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/capture"
)

// relation judges what several connections have in common.
func (j *judge) relation(x *record.Relation) []record.Pattern {
	j.reporter.Reset(x.Files, false)
	for _, r := range j.rules {
		j.reporter.RunRelation(r, x)
	}
	var patterns []record.Pattern
	for _, f := range j.reporter.Findings() {
		j.use(j.byCode[f.Code])
		patterns = append(patterns, record.Pattern{Code: f.Code, Slug: f.Slug, Severity: f.Severity, Fault: f.Fault, Confidence: f.Confidence,
			Title: f.Title, Remedy: f.Remedy, Connections: append([]string{}, x.Connections...), Evidence: f.Evidence})
	}
	return patterns
}

// patterns judges all relations and gives what is found to the sink.
func (k *collector) patterns(files []*capture.FileInfo) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	found := k.set.Relations(names)
	found = append(found, k.hops.Relations(names)...)
	found = append(found, k.names.Relations(names)...)
	found = append(found, k.pathRelations(names)...)
	for i := range found {
		for _, p := range k.judge.relation(&found[i]) {
			if k.err != nil {
				return
			}
			if p.Severity == record.Error {
				k.stats.Failed++
			}
			k.sum.pattern(&p)
			k.err = k.sink.Pattern(p)
		}
	}
}

// polled notes a request of a library that does without a WebSocket.
func (k *collector) polled(p track.Poll) {
	k.set.AddPoll(correlate.Poll{Client: p.Client, Server: p.Server, Family: p.Family, Transport: p.Transport, At: p.At})
}

// Limits of works.
const maxWorks = 1 << 12

// works remembers who succeeded at which URL, to be said of those who fail.
type works map[uint64]worked

type worked struct{ client, server netip.Addr }

// say remembers a connection that works, and adds to the verdict of one that
// does not where the same URL works.
func (w *works) say(c *record.Connection) {
	u := c.Facts.Upgrade
	if u == nil || u.Request == nil {
		return
	}
	switch c.Outcome {
	case record.ClosedClean, record.Open:
		w.note(c)
	case record.Incomplete, record.Opaque:
	default:
		if c.Verdict != "" {
			w.add(c)
		}
	}
}

func workKey(c *record.Connection) uint64 {
	u := c.Facts.Upgrade
	host, _ := u.Request.Get("Host")
	return correlate.HashURL(host, u.Request.Target)
}

func (w *works) note(c *record.Connection) {
	if len(*w) >= maxWorks {
		return
	}
	key := workKey(c)
	if *w == nil {
		*w = works{}
	}
	if _, known := (*w)[key]; !known {
		(*w)[key] = worked{c.Client.Addr(), c.Server.Addr()}
	}
}

func (w *works) add(c *record.Connection) {
	other, ok := (*w)[workKey(c)]
	switch {
	case !ok:
	case other.client != c.Client.Addr():
		c.Verdict += " The same URL works from " + other.client.String() + "."
	case other.server != c.Server.Addr():
		c.Verdict += " The same URL works at " + other.server.String() + "."
	}
}
