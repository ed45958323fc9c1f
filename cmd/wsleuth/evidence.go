package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// Limits of an evidence capture; reaching one is said.
const (
	maxChosen           = 100_000 // connections
	maxComments         = 200_000
	maxCommentsOfPacket = 16
)

// evidenceFlags are those of the capture of failing connections.
type evidenceFlags struct {
	file        string
	withSecrets bool
	strip       bool
}

func (e *evidenceFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.file, "evidence", "", "write the packets of failing connections (or of --connection) to `FILE` as pcapng, with the findings as packet comments")
	f.BoolVar(&e.withSecrets, "with-secrets", false, "put the TLS secrets of exactly these connections into the evidence capture")
	f.BoolVar(&e.strip, "strip-payload", false, "zero the WebSocket payloads and credentials in the evidence capture; what only payloads prove stays as a comment")
}

// check refuses what cannot be, before anything is read.
func (e *evidenceFlags) check(paths []string, anonymize bool) error {
	switch {
	case e.file == "" && e.withSecrets:
		return wrong("add --evidence FILE", "--with-secrets belongs to an evidence capture")
	case e.file == "" && e.strip:
		return wrong("add --evidence FILE", "--strip-payload belongs to an evidence capture")
	case e.file == "":
		return nil
	case slices.Contains(paths, "-"):
		return wrong("save the capture to a file first", "--evidence reads the capture twice, which standard input does not allow")
	case e.withSecrets && e.strip:
		return wrong("give one of them", "--with-secrets shows what --strip-payload is to hide: payloads inside TLS cannot be changed")
	case e.withSecrets && anonymize:
		return wrong("give one of them", "--with-secrets shows the names inside TLS that --anonymize is to hide")
	}
	return nil
}

// place is a packet of the captures that were read.
type place struct {
	file   string
	packet int64
}

// stretch is where a connection's packets are: from one place to another.
type stretch struct {
	first, last place
	sameFile    bool
}

// chosen is a connection whose packets are evidence.
type chosen struct {
	id        string
	ends      [2]netip.AddrPort // client, server
	stretches []stretch
	framed    bool // its capture began after the handshake
}

// selection is the sink that notes which packets prove what. All else passes
// through to the next sink.
type selection struct {
	record.Sink
	all bool // not only those that failed
	// unidentified ones are chosen if the user chose connections
	selected bool

	list     []*chosen
	comments map[place][]string
	count    int
	randoms  map[[32]byte]bool
	hidden   int // chosen ones that are encrypted and were decrypted
	leftOut  int
	streams  map[string]*chosen // TCP connections of HTTP/2 streams
	clean    func(string) string
}

func newSelection(next record.Sink, all, selected bool, clean func(string) string) *selection {
	return &selection{Sink: next, all: all, selected: selected, comments: make(map[place][]string), randoms: make(map[[32]byte]bool),
		streams: make(map[string]*chosen), clean: clean}
}

// Connection notes a connection that is chosen, and passes it on.
func (s *selection) Connection(c *record.Connection) error {
	tcp, _, stream := strings.Cut(c.ID, "/")
	if known := s.streams[tcp]; stream && known != nil { // another stream of a chosen one
		known.add(c)
	}
	if s.wants(c) {
		s.choose(c, tcp, stream)
	}
	err := s.Sink.Connection(c) // before its texts are used: the anonymizer learns names
	if s.wants(c) {
		s.note(c)
	}
	return err
}

func (s *selection) wants(c *record.Connection) bool {
	if s.all {
		return true
	}
	failed := slices.ContainsFunc(c.Findings, func(f record.Finding) bool { return f.Severity == record.Error })
	return failed && (c.RecognizedBy != record.ByNothing || s.selected)
}

func (s *selection) choose(c *record.Connection, tcp string, stream bool) {
	if f := c.Facts; f != nil && f.TLS != nil && f.TLS.Hello != nil {
		s.randoms[f.TLS.Hello.Random] = true
		if c.TLS != nil && c.TLS.Decrypted {
			s.hidden++
		}
	}
	if stream && s.streams[tcp] != nil {
		return
	}
	if len(s.list) >= maxChosen {
		s.leftOut++
		return
	}
	x := &chosen{id: c.ID, ends: [2]netip.AddrPort{c.Client, c.Server}, framed: c.RecognizedBy == record.ByFrames}
	x.add(c)
	s.list = append(s.list, x)
	if stream {
		s.streams[tcp] = x
	}
}

// add notes where a connection's packets are. Its ID has the number of the first one of the TCP connection.
func (x *chosen) add(c *record.Connection) {
	first := c.FirstPacket
	id, _, stream := strings.Cut(c.ID, "/")
	if stream {
		var n int64
		if _, err := fmt.Sscan(id[strings.IndexByte(id, ':')+1:], &n); err == nil && n > 0 && n < first {
			first = n
		}
	}
	last := place{c.Capture, c.LastPacket}
	if c.LastCapture != "" {
		last.file = c.LastCapture
	}
	x.stretches = append(x.stretches, stretch{place{c.Capture, first}, last, c.LastCapture == ""})
	for _, v := range c.Views {
		x.stretches = append(x.stretches, stretch{place{v.Capture, v.FirstPacket}, place{v.Capture, v.LastPacket}, true})
	}
}

// note keeps what the packets prove, as comments.
func (s *selection) note(c *record.Connection) {
	for i := range c.Findings {
		f := &c.Findings[i]
		title := fmt.Sprintf("%s %s: %s", f.Code, f.Slug, f.Title)
		if f.CausedBy != "" {
			title += fmt.Sprintf(" (follows from %s)", f.CausedBy)
		}
		for _, e := range f.Evidence {
			s.comment(place{e.Capture, e.Packet}, fmt.Sprintf("%s. %s (connection %s, packet %d of %s)", title, e.Note, c.ID, e.Packet, filepath.Base(e.Capture)))
		}
	}
}

// Pattern keeps the packets of a pattern, and passes it on.
func (s *selection) Pattern(p record.Pattern) error {
	err := s.Sink.Pattern(p)
	for _, e := range p.Evidence {
		at := place{e.Capture, e.Packet}
		if len(s.comments[at]) > 0 { // only packets that are chosen anyway
			s.comment(at, fmt.Sprintf("%s %s: %s. %s", p.Code, p.Slug, p.Title, e.Note))
		}
	}
	return err
}

func (s *selection) comment(at place, text string) {
	if at.packet == 0 || s.count >= maxComments || len(s.comments[at]) >= maxCommentsOfPacket {
		return
	}
	s.count++
	s.comments[at] = append(s.comments[at], printable(s.clean(text)))
}

// flow names a TCP connection in both directions.
type flow struct{ a, b netip.AddrPort }

func flowOf(x, y netip.AddrPort) flow {
	if y.Compare(x) < 0 {
		x, y = y, x
	}
	return flow{x, y}
}

// writeEvidence reads the captures again and writes what was chosen. It gives
// the names of the files that it wrote.
func (c *analyzeCommand) writeEvidence(ctx context.Context, paths []string, s *selection, infos []*capture.FileInfo) error {
	if len(s.list) == 0 {
		c.note("no connection failed, so %s is not written; --connection ID takes any connection", c.evidence.file)
		return os.Remove(c.evidence.file)
	}
	var secrets []byte
	if c.evidence.withSecrets {
		var err error
		if secrets, err = secretsOf(s.randoms, c.keyLogs, infos); err != nil {
			return err
		}
		if len(secrets) == 0 {
			c.note("none of the connections in the evidence has a TLS secret")
		}
	} else if s.hidden > 0 {
		c.note("%d of the connections in the evidence are encrypted: --with-secrets puts their secrets into it", s.hidden)
	}
	if s.leftOut > 0 {
		c.note("%d connections are left out of the evidence: choose with --connection, --host, --since", s.leftOut)
	}
	src, err := capture.Open(ctx, paths, capture.Options{})
	if err != nil {
		return &exitError{code: exitWrong, err: fmt.Errorf("cannot read the captures again for the evidence: %w", err)}
	}
	defer src.Close()
	w := newEvidenceWriter(c, src, s, secrets, paths)
	err = errors.Join(w.read(), w.close())
	if err != nil {
		return &exitError{code: exitWrong, err: fmt.Errorf("cannot write the evidence: %w", err)}
	}
	return nil
}
