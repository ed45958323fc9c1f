package analyze

import (
	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/reassembly"
)

// Options choose what a run reports; none of them changes a verdict.
type Options struct {
	// All reports opaque TLS connections, too.
	All bool
	// Events tells the story of healthy connections, too.
	Events bool
	// ShowSecrets leaves credentials, cookies and tokens in the result.
	ShowSecrets bool
	// Threads is how many goroutines follow connections; 0 is what helps. With 1
	// each connection is given away as soon as it is final; with more, packets
	// are first gathered, which makes those who wait for a slow source wait longer.
	Threads int
	// Keys are TLS secrets beside those in the captures themselves; nil for none.
	Keys *decrypt.Keys
	// Keep selects connections for the report; nil keeps all. Selected says that the user chose connections
	// (--host, --port, --client, --connection, --since, --until), so that unidentified ones count for the exit status.
	Keep     func(*record.Connection) bool
	Selected bool
	// Live is for a source that goes on while packets come; nil for captures that are complete.
	Live *Live
	// Closing, unless nil, is called when everything was read: what is left to do
	// needs less memory than it gives back.
	Closing func()
	// limits of the flow tables; zero values stand for the defaults.
	limits reassembly.Limits
	// Version of the program, for rules that name it.
	Version string
}

// Stats is what the exit status needs.
type Stats struct {
	// Failed counts connections (before Keep; unidentified ones only if
	// selected) and patterns with a finding of severity error.
	Failed int64
}
