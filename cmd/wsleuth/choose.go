package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture"
)

// choice are the flags that choose connections. They never change a verdict or an ID.
type choice struct {
	ids          []string
	hosts        []string
	ports        []int
	clients      []string
	since, until string

	prefixes []netip.Prefix
	from, to bound
	found    map[string]bool // of ids
	some     []string        // IDs that are there, for a hint
}

func (c *choice) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&c.ids, "connection", nil, "only the connections with these `ID`s")
	f.StringArrayVar(&c.hosts, "host", nil, "only connections to the host `NAME` (Host header, SNI or DNS); repeatable")
	f.IntSliceVar(&c.ports, "port", nil, "only connections to the server's port `N`")
	f.StringArrayVar(&c.clients, "client", nil, "only connections of clients in `IP[/BITS]`; repeatable")
	f.StringVar(&c.since, "since", "", "only connections that ended after `T`: RFC 3339, 15:04:05, -10m before the capture's end, or #N for a packet")
	f.StringVar(&c.until, "until", "", "only connections that began before `T`")
}

// selected tells whether the user chose connections.
func (c *choice) selected() bool {
	return len(c.ids)+len(c.hosts)+len(c.ports)+len(c.clients) > 0 || c.since != "" || c.until != ""
}

// prepare reads the flags. Times that are relative to the capture need a look at it.
func (c *choice) prepare(ctx context.Context, paths []string, zone *time.Location) error {
	for _, s := range c.clients {
		prefix, err := parsePrefix(s)
		if err != nil {
			return wrong("write --client 192.0.2.7 or --client 192.0.2.0/24", "--client %q is no address: %w", s, err)
		}
		c.prefixes = append(c.prefixes, prefix)
	}
	for _, port := range c.ports {
		if port < 1 || port > 65535 {
			return wrong("ports are 1 to 65535", "--port %d does not exist", port)
		}
	}
	c.found = make(map[string]bool)
	var extent *extent
	for _, b := range []struct {
		flag, text string
		to         *bound
	}{{"--since", c.since, &c.from}, {"--until", c.until, &c.to}} {
		if b.text == "" {
			continue
		}
		parsed, err := parseBound(b.text, zone)
		if err != nil {
			return wrong("write 2026-11-20T10:00:00Z, 15:04:05, -10m (before the capture's end) or #120 (a packet)", "%s %q is no time", b.flag, b.text)
		}
		if parsed.relative() && extent == nil {
			if extent, err = measure(ctx, paths); err != nil {
				return err
			}
		}
		*b.to = parsed.resolve(extent, zone)
	}
	return nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		prefix, err := netip.ParsePrefix(s)
		return prefix.Masked(), err
	}
	address, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
}

// someIDs is how many IDs a hint names.
const someIDs = 5

// keep tells whether a connection is chosen.
func (c *choice) keep(r *record.Connection) bool {
	if len(c.ids) > 0 {
		if len(c.some) < someIDs {
			c.some = append(c.some, r.ID)
		}
		if !slices.Contains(c.ids, r.ID) {
			return false
		}
		c.found[r.ID] = true
	}
	return c.host(r) && c.address(r) &&
		(c.from.unset() || !c.from.after(r.Ended, r.LastPacket)) &&
		(c.to.unset() || !c.to.before(r.Started, r.FirstPacket))
}

func (c *choice) host(r *record.Connection) bool {
	if len(c.hosts) == 0 {
		return true
	}
	names := []string{hostOnly(r.Host), r.DNSName}
	if r.TLS != nil {
		names = append(names, r.TLS.SNI)
	}
	if r.Tunnel != nil {
		names = append(names, hostOnly(r.Tunnel.Target))
	}
	for _, want := range c.hosts {
		for _, name := range names {
			if name != "" && strings.EqualFold(strings.TrimSuffix(name, "."), strings.TrimSuffix(want, ".")) {
				return true
			}
		}
	}
	return false
}

// hostOnly is a Host header's value without its port and brackets.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.Contains(host[i:], "]") && (strings.Count(host, ":") == 1 || host[0] == '[') {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

func (c *choice) address(r *record.Connection) bool {
	if len(c.ports) > 0 && !slices.Contains(c.ports, int(r.Server.Port())) {
		return false
	}
	client := r.Client.Addr().Unmap()
	return len(c.prefixes) == 0 || slices.ContainsFunc(c.prefixes, func(p netip.Prefix) bool { return p.Contains(client) })
}

// missing is an error if an ID that was asked for does not exist.
func (c *choice) missing(all bool) error {
	var missing []string
	for _, id := range c.ids {
		if !c.found[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	hint := "no connection is reported at all"
	if len(c.some) > 0 {
		hint = "connections are " + strings.Join(c.some, ", ")
		if len(c.some) == someIDs {
			hint += " ... (-o ndjson lists every one)"
		}
	}
	if !all && !c.selectedOtherwise() {
		hint += "; --all adds encrypted ones"
	}
	return wrong(hint, "there is no connection %s", strings.Join(missing, ", "))
}

func (c *choice) selectedOtherwise() bool {
	return len(c.hosts)+len(c.ports)+len(c.clients) > 0 || c.since != "" || c.until != ""
}

// bound is one end of a span: a time, or a packet number.
type bound struct {
	at     record.Time
	packet int64
	// Until resolve:
	beforeEnd time.Duration
	clock     time.Duration // since midnight, plus one
}

func (b bound) unset() bool    { return b == bound{} }
func (b bound) relative() bool { return b.beforeEnd != 0 || b.clock != 0 }

// after tells whether the bound lies after a moment.
func (b bound) after(t record.Time, packet int64) bool {
	if b.packet > 0 {
		return packet < b.packet
	}
	return t < b.at
}

// before tells whether the bound lies before a moment.
func (b bound) before(t record.Time, packet int64) bool {
	if b.packet > 0 {
		return packet > b.packet
	}
	return t > b.at
}

func parseBound(s string, zone *time.Location) (bound, error) {
	if n, ok := strings.CutPrefix(s, "#"); ok {
		packet, err := strconv.ParseInt(n, 10, 64)
		if err == nil && packet < 1 {
			err = fmt.Errorf("packets count from 1")
		}
		return bound{packet: packet}, err
	}
	if strings.HasPrefix(s, "-") {
		d, err := time.ParseDuration(s)
		if err == nil && d == 0 {
			d = -1
		}
		return bound{beforeEnd: -d}, err
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return bound{clock: t.Sub(t.Truncate(24*time.Hour)) + 1}, nil
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return bound{at: record.Time(t.UnixNano())}, nil
		}
	}
	return bound{}, fmt.Errorf("unknown form")
}

// resolve places a relative bound in the extent of the captures. A time of day
// is that of the first day on which it lies within them, else of the first day.
func (b bound) resolve(e *extent, zone *time.Location) bound {
	switch {
	case b.beforeEnd != 0:
		return bound{at: e.last - record.Time(b.beforeEnd)}
	case b.clock != 0:
		first := e.first.Std().In(zone)
		clock := b.clock - 1
		on := func(day int) record.Time {
			return record.Time(time.Date(first.Year(), first.Month(), first.Day()+day, int(clock.Hours()), int(clock.Minutes())%60, int(clock.Seconds())%60, int(clock%time.Second), zone).UnixNano())
		}
		at := on(0)
		for day := 1; on(day) <= e.last && at < e.first; day++ {
			at = on(day)
		}
		return bound{at: at}
	}
	return b
}

// extent is from the first to the last packet of the captures.
type extent struct{ first, last record.Time }

// measure reads the captures once, for their beginning and end only.
func measure(ctx context.Context, paths []string) (*extent, error) {
	if slices.Contains(paths, "-") {
		return nil, wrong("write the time as 2026-11-20T10:00:00Z, or save the capture to a file first",
			"times relative to the capture need its end, which standard input has not told yet")
	}
	src, err := capture.Open(ctx, paths, capture.Options{})
	if err != nil {
		return nil, wrong("", "%w", err)
	}
	defer src.Close()
	var e extent
	var p capture.Packet
	for src.Next(&p) == nil { // what is wrong with the files is said when they are analysed
		t := record.Time(p.Time)
		if e.first == 0 || t < e.first {
			e.first = t
		}
		e.last = max(e.last, t)
	}
	return &e, nil
}
