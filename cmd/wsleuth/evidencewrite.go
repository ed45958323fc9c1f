package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/evidence"
	"github.com/wsleuth/wsleuth/capture/link"
)

// Fragments of IP packets wait until the packet is whole and tells whose it is.
const maxFragments = 256

// evidenceWriter goes through the captures a second time and writes the
// packets that were chosen: a file for each vantage point, since packets that
// several saw would be taken for copies.
type evidenceWriter struct {
	c       *analyzeCommand
	src     capture.Source
	s       *selection
	secrets []byte
	paths   []string // of the captures: they are never written to

	flows   map[flow][]int // places in s.list
	order   map[string]int32
	decoder *link.Decoder
	outs    []*evidenceFile
	held    []capture.Packet // fragments
	names   []string
}

// evidenceFile is the evidence of one vantage point.
type evidenceFile struct {
	f          *os.File
	w          *evidence.Writer
	strip      *evidence.Stripper
	interfaces map[interfaceKey]int
	first      map[int32]int  // the first interface of each file
	last       capture.Packet // the last one of the vantage point, without its bytes
	written    int64          // number of the last packet that was written
	lastFile   int32
}

type interfaceKey struct {
	file, number int32
	link         capture.LinkType
}

func newEvidenceWriter(c *analyzeCommand, src capture.Source, s *selection, secrets []byte, paths []string) *evidenceWriter {
	w := &evidenceWriter{c: c, src: src, s: s, secrets: secrets, paths: paths, flows: make(map[flow][]int), order: make(map[string]int32), decoder: link.NewDecoder()}
	for i, x := range s.list {
		key := flowOf(x.ends[0], x.ends[1])
		w.flows[key] = append(w.flows[key], i)
	}
	for i, f := range src.Files() {
		w.order[f.Name] = int32(i)
	}
	if c.anonymity.texts != nil {
		w.names = c.anonymity.texts.Names()
	}
	return w
}

func (w *evidenceWriter) read() error {
	var p capture.Packet
	var ip link.IP
	for {
		if err := w.src.Next(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		out, err := w.out(p.Vantage)
		if err != nil {
			return err
		}
		out.last = p
		out.last.Data = nil
		if err := w.packet(out, &p, &ip); err != nil {
			return err
		}
	}
}

// packet writes a packet if it is chosen.
func (w *evidenceWriter) packet(out *evidenceFile, p *capture.Packet, ip *link.IP) error {
	comments := w.s.comments[place{w.src.Files()[p.File].Name, p.Number}]
	switch w.decoder.Decode(p, ip) {
	case link.Decoded:
		x, dir := w.owner(p, ip)
		if x < 0 && len(comments) == 0 {
			return nil
		}
		if ip.Fragment {
			if err := w.fragments(out, ip); err != nil {
				return err
			}
		}
		return w.put(out, p, ip, x, dir, comments)
	case link.Incomplete:
		if len(comments) == 0 {
			w.hold(p)
			return nil
		}
	}
	if len(comments) == 0 {
		return nil
	}
	return w.put(out, p, nil, -1, 0, comments)
}

// owner is the chosen connection that a packet belongs to, and its direction; -1 for none.
func (w *evidenceWriter) owner(p *capture.Packet, ip *link.IP) (int, int) {
	var quoted link.IP
	switch {
	case ip.Protocol == link.ProtocolICMP || ip.Protocol == link.ProtocolICMPv6:
		if len(ip.Payload) < 8 || !link.PeekQuoted(ip.Payload[8:], &quoted) {
			return -1, 0
		}
		ip = &quoted
		fallthrough
	case ip.Protocol == link.ProtocolTCP:
		if ip.Protocol != link.ProtocolTCP || len(ip.Payload) < 4 {
			return -1, 0
		}
		src := netip.AddrPortFrom(ip.Src().Unmap(), uint16(ip.Payload[0])<<8|uint16(ip.Payload[1]))
		dst := netip.AddrPortFrom(ip.Dst().Unmap(), uint16(ip.Payload[2])<<8|uint16(ip.Payload[3]))
		for _, i := range w.flows[flowOf(src, dst)] {
			if x := w.s.list[i]; w.within(x, p) {
				if src == x.ends[0] {
					return i, 0
				}
				return i, 1
			}
		}
	}
	return -1, 0
}

// within tells whether a packet lies where the connection's packets are.
func (w *evidenceWriter) within(x *chosen, p *capture.Packet) bool {
	name := w.src.Files()[p.File].Name
	for _, s := range x.stretches {
		if s.sameFile {
			if name == s.first.file && p.Number >= s.first.packet && p.Number <= s.last.packet {
				return true
			}
			continue
		}
		first, last := w.order[s.first.file], w.order[s.last.file]
		afterFirst := p.File > first || p.File == first && p.Number >= s.first.packet
		beforeLast := p.File < last || p.File == last && p.Number <= s.last.packet
		if afterFirst && beforeLast {
			return true
		}
	}
	return false
}

// hold keeps a fragment until it is known whose it is.
func (w *evidenceWriter) hold(p *capture.Packet) {
	if len(w.held) >= maxFragments {
		w.held = append(w.held[:0], w.held[1:]...)
	}
	kept := *p
	kept.Data = bytes.Clone(p.Data)
	w.held = append(w.held, kept)
}

// fragments writes the fragments of a packet: those with its addresses.
func (w *evidenceWriter) fragments(out *evidenceFile, ip *link.IP) error {
	addresses := append(ip.Src().AsSlice(), ip.Dst().AsSlice()...)
	kept := w.held[:0]
	for _, p := range w.held {
		at := bytes.Index(p.Data, addresses)
		if at < 0 || ip.Src().Is4() && (at < 12 || uint16(p.Data[at-8])<<8|uint16(p.Data[at-7]) != ip.ID) {
			kept = append(kept, p)
			continue
		}
		if w.hides() { // the packet is written as a whole
			continue
		}
		if err := w.put(out, &p, nil, -1, 0, nil); err != nil {
			return err
		}
	}
	w.held = kept
	return nil
}

// hides tells whether packets are changed before they are written.
func (w *evidenceWriter) hides() bool { return w.c.evidence.strip || w.c.anonymity.on }

// tagged is what goes with a packet through the stripper.
type tagged struct {
	iface    interfaceKey
	comments []string
}

// put writes a packet, stripped and anonymized as the flags say.
func (w *evidenceWriter) put(out *evidenceFile, p *capture.Packet, ip *link.IP, x, dir int, comments []string) error {
	out.written, out.lastFile = p.Number, p.File
	tag := tagged{interfaceKey{p.File, p.Interface, p.LinkType}, comments}
	payload := -1
	if ip != nil && ip.Fragment && w.hides() {
		payload = evidence.Whole(p, ip.Src(), ip.Dst(), ip.Protocol, ip.Payload)
		tag.iface.link = p.LinkType
	} else if ip != nil {
		payload = offset(p.Data, ip.Payload)
	}
	switch {
	case !w.hides():
		return w.write(out, p, tag)
	case payload < 0: // nobody knows what is in it
		p.Data = p.Data[:0]
		return out.strip.Other(p, tag)
	case w.c.anonymity.on && !ip.Fragment && (!evidence.Rewrites(p.LinkType) || tunnelled(w.decoder.Encapsulation(ip.Encapsulation))):
		before := len(p.Data)
		if !evidence.Raw(p, payload, ip.Src(), ip.Dst()) {
			p.Data = p.Data[:0]
			return out.strip.Other(p, tag)
		}
		payload -= before - len(p.Data)
		tag.iface.link = p.LinkType
	}
	if x < 0 || ip.Protocol != link.ProtocolTCP {
		return out.strip.Other(p, tag)
	}
	return out.strip.Packet(p, tag, evidence.Segment{Stream: x, Dir: dir, TCP: payload, End: payload + len(ip.Payload), Framed: w.s.list[x].framed})
}

// offset is where part begins in whole; -1 if it is no part of it.
func offset(whole, part []byte) int {
	if len(part) == 0 {
		return -1
	}
	for at := 0; at+len(part) <= len(whole); at++ {
		if &whole[at] == &part[0] {
			return at
		}
	}
	return -1
}

// tunnelled: there is more around the packet than VLAN tags.
func tunnelled(layers []string) bool {
	for _, l := range layers {
		if !strings.HasPrefix(l, "vlan") {
			return true
		}
	}
	return false
}

// write anonymizes a packet and gives it to the file.
func (w *evidenceWriter) write(out *evidenceFile, p *capture.Packet, tag tagged) error {
	if a := w.c.anonymity.packets; a != nil && len(p.Data) > 0 && !a.Rewrite(p, w.names) {
		p.Data = p.Data[:0]
		tag.comments = append(tag.comments, "wsleuth: the bytes of this packet are left out, for it could not be anonymized")
	}
	number, err := w.iface(out, tag.iface)
	if err != nil {
		return err
	}
	return out.w.Packet(number, p, tag.comments...)
}

// out is the file of a vantage point.
func (w *evidenceWriter) out(vantage int32) (*evidenceFile, error) {
	for int(vantage) >= len(w.outs) {
		name := w.c.evidence.file
		if n := len(w.outs); n > 0 {
			extension := filepath.Ext(name)
			name = fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, extension), n+1, extension)
		}
		f, err := create(name, w.paths)
		if err != nil {
			return nil, err
		}
		out := &evidenceFile{f: f, interfaces: make(map[interfaceKey]int), first: make(map[int32]int)}
		out.strip = evidence.NewStripper(func(p *capture.Packet, tag any) error { return w.write(out, p, tag.(tagged)) })
		w.outs = append(w.outs, out)
		out.w, err = evidence.NewWriter(f, evidence.Section{Application: "wsleuth " + w.c.version,
			Comment: fmt.Sprintf("The packets of %d connections; findings are comments of the packets that prove them.", len(w.s.list))})
		if err == nil && len(w.secrets) > 0 {
			err = out.w.Secrets(capture.SecretsTLSKeyLog, w.secrets)
		}
		if err != nil {
			return nil, err
		}
	}
	return w.outs[vantage], nil
}

// iface is the number of an interface in the file, described when first met.
func (w *evidenceWriter) iface(out *evidenceFile, key interfaceKey) (int, error) {
	if number, ok := out.interfaces[key]; ok {
		return number, nil
	}
	info := w.src.Files()[key.file]
	var x capture.Interface
	if int(key.number) < len(info.Interfaces) {
		x = info.Interfaces[key.number]
	}
	x.LinkType = key.link
	if w.c.anonymity.on {
		x = capture.Interface{LinkType: x.LinkType, SnapLen: x.SnapLen}
	}
	number, err := out.w.Interface(x)
	out.interfaces[key] = number
	if _, ok := out.first[key.file]; !ok {
		out.first[key.file] = number
	}
	return number, err
}

// close ends the files: with what the captures lost, and with the time when
// they ended, without which nobody could tell how long a silence was.
func (w *evidenceWriter) close() error {
	var first error
	if len(w.outs) > 1 {
		w.c.note("the captures overlap, so there is an evidence file for each vantage point: %s to %s", w.outs[0].f.Name(), w.outs[len(w.outs)-1].f.Name())
	}
	for _, out := range w.outs {
		if err := w.end(out); first == nil {
			first = err
		}
		if err := out.f.Close(); first == nil {
			first = err
		}
	}
	return first
}

func (w *evidenceWriter) end(out *evidenceFile) error {
	if err := out.strip.Flush(); err != nil {
		return err
	}
	if p := &out.last; p.Number != 0 && (p.Number != out.written || p.File != out.lastFile) {
		number, err := w.iface(out, interfaceKey{p.File, p.Interface, p.LinkType})
		if err == nil {
			err = out.w.Packet(number, p, "wsleuth: here the capture ended; the bytes of its last packet are left out")
		}
		if err != nil {
			return err
		}
	}
	for file, number := range out.first {
		if info := w.src.Files()[file]; info.DropsKnown {
			if err := out.w.Statistics(number, evidence.Statistics{Start: info.First, End: info.Last, Received: uint64(info.Packets), Dropped: info.Drops}); err != nil {
				return err
			}
		}
	}
	return out.w.Flush()
}
