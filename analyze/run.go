// Package analyze turns packets into verdicts: Run reads a source to its end,
// follows every connection and gives the sink each one as it becomes final,
// then the patterns, the captures, the catalogue's texts and the summary.
//
// Most callers need only Run.
package analyze

import (
	"context"
	"errors"
	"io"

	"github.com/wsleuth/wsleuth/analyze/catalog"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/track"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
	"github.com/wsleuth/wsleuth/reassembly"
)

// ctxEvery is how many packets pass between looks at the context.
const ctxEvery = 1 << 12

// engine is one run: the pipeline from packets to finished connections.
type engine struct {
	src     capture.Source
	decoder *link.Decoder
	table   *reassembly.Table
	tracker *track.Tracker
	collect *collector
	names   []string
	ends    []record.Ref // the last packet of each vantage point
	odd     map[int32]*oddities
}

// oddities are what one file holds that cannot be decoded.
type oddities struct {
	first     record.Ref
	packets   int64
	linkTypes []string
}

// Run analyses everything that src holds and gives the results to sink. What
// was read is reported even if ctx ends or reading fails; the error says so.
func Run(ctx context.Context, src capture.Source, o Options, sink record.Sink) (Stats, error) {
	e := &engine{src: src, decoder: link.NewDecoder(), odd: map[int32]*oddities{}}
	e.collect = newCollector(o, catalog.All(), sink)
	e.tracker = track.New(track.Options{Emit: e.collect.add, Files: e.files, Encapsulation: e.decoder.Encapsulation, End: e.end})
	e.table = reassembly.New(reassembly.Options{Handler: e.tracker})
	readErr := e.read(ctx)
	e.table.Close()
	sinkErr := e.collect.finish(e.src.Files(), e.odd, e.tracker.Counts)
	return e.collect.stats, errors.Join(readErr, sinkErr)
}

func (e *engine) read(ctx context.Context) error {
	var p capture.Packet
	var ip link.IP
	for n := 0; ; n++ {
		if n%ctxEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if e.collect.err != nil {
				return nil // the sink's error is reported at the end
			}
		}
		if err := e.src.Next(&p); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if int(p.Vantage) >= len(e.ends) {
			e.grow(p.Vantage)
		}
		e.ends[p.Vantage] = record.Ref{Packet: p.Number, Time: record.Time(p.Time), File: p.File}
		switch e.decoder.Decode(&p, &ip) {
		case link.Decoded:
			e.table.Packet(&p, &ip)
		case link.Unsupported:
			e.unsupported(&p)
		}
	}
}

func (e *engine) grow(vantage int32) {
	for int(vantage) >= len(e.ends) {
		e.ends = append(e.ends, record.Ref{})
	}
	e.collect.vantages = len(e.ends)
}

func (e *engine) end(vantage int32) record.Ref { return e.ends[vantage] }

// files names the files of the source that are known so far.
func (e *engine) files() []string {
	infos := e.src.Files()
	if len(infos) != len(e.names) {
		e.names = make([]string, len(infos))
		for i, f := range infos {
			e.names[i] = f.Name
		}
	}
	return e.names
}

func (e *engine) unsupported(p *capture.Packet) {
	o := e.odd[p.File]
	if o == nil {
		o = &oddities{first: record.Ref{Packet: p.Number, Time: record.Time(p.Time), File: p.File}}
		e.odd[p.File] = o
	}
	o.packets++
	name := p.LinkType.String()
	for _, have := range o.linkTypes {
		if have == name {
			return
		}
	}
	o.linkTypes = append(o.linkTypes, name)
}
