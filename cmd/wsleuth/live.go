package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wsleuth/wsleuth/analyze"
	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/capture/live"
	"github.com/wsleuth/wsleuth/capture/live/confine"
	"github.com/wsleuth/wsleuth/capture/live/filter"
	"github.com/wsleuth/wsleuth/report"
)

// liveCommand sniffs.
type liveCommand struct {
	*program
	outputs
	manners
	choice
	interfaces []string
	filter     string
	namespace  string
	write      string
	duration   time.Duration
	plain      bool
	list       bool
	keyLogs    []string
	user       string
	failed     bool
	all        bool
	events     bool
	secrets    bool
	exitZero   bool
	cpuProfile string
}

func liveCommandOf(p *program) *cobra.Command {
	l := &liveCommand{program: p}
	c := &cobra.Command{
		Use:   "live [flags] [-- COMMAND ARGS...]",
		Short: "Sniff: see while it happens which WebSocket connections fail, and why",
		Long: `live captures packets and tells of each WebSocket connection as it opens, fails
or ends; when it ends itself (q, Ctrl-C, --duration or the end of COMMAND), it
prints the report. On a terminal it shows a table to move about in; elsewhere,
or with --plain, a line for each event.

Capturing needs a privilege, which is given up as soon as the sockets are open:
run it with sudo (it then becomes the user who called sudo, and so does
COMMAND), or give it to the program once: sudo setcap cap_net_raw+ep WSLEUTH.

With COMMAND, live captures while the command runs, and exits with its status.
The command gets SSLKEYLOGFILE, and NODE_OPTIONS=--tls-keylog for Node, so that
TLS is decrypted. A browser that already runs opens a window in the old process,
which does not know of the file: start one apart, with a profile of its own:

  sudo wsleuth live -- chromium --user-data-dir=/tmp/apart https://app.test
  sudo wsleuth live -- firefox --no-remote --profile /tmp/apart https://app.test`,
		Example: `  sudo wsleuth live
  sudo wsleuth live -i lo -f 'tcp port 8080'
  sudo wsleuth live -i any -w capture.pcapng --duration 10m
  sudo wsleuth live -- node client.js`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 0 && len(args) > 0 {
				return wrong("write: wsleuth live [flags] -- COMMAND ARGS...", "live reads no files, and a command stands behind --: %q", args[0])
			}
			return l.run(cmd.Context(), args)
		},
	}
	c.Flags().SortFlags = false
	l.flags(c)
	return c
}

func (l *liveCommand) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVarP(&l.interfaces, "interface", "i", nil, "capture on the interface `NAME`, or any; repeatable (default that of the default route)")
	f.BoolVar(&l.list, "list", false, "list the interfaces and end")
	f.StringVarP(&l.filter, "filter", "f", "", "capture only what the pcap filter `EXPR` takes: 'tcp port 8080 and host app.test'")
	f.StringVar(&l.namespace, "netns", "", "capture in the network namespace of the process `PID`, or at PATH (a container's)")
	f.StringVarP(&l.write, "write", "w", "", "write what is captured to `FILE` (pcapng)")
	f.DurationVar(&l.duration, "duration", 0, "end after `TIME`: 30s, 10m, 8h")
	f.BoolVar(&l.plain, "plain", false, "a line for each event instead of the table")
	f.StringArrayVar(&l.keyLogs, "keylog", nil, "TLS secrets: the `FILE` that SSLKEYLOGFILE names, followed while it grows; repeatable")
	f.StringVar(&l.user, "user", "", "become the user `NAME` when the sockets are open (default the one who called sudo)")
	l.outputs.flag(c)
	f.BoolVar(&l.failed, "failed", false, "only connections that failed")
	f.BoolVar(&l.all, "all", false, "encrypted connections that may be wss, too")
	f.BoolVar(&l.events, "events", false, "the events of healthy connections, too")
	f.BoolVar(&l.exitZero, "exit-zero", false, "exit with 0 even if connections failed")
	f.StringArrayVar(&l.hosts, "host", nil, "only connections to the host `NAME` (Host header, SNI or DNS); repeatable")
	f.IntSliceVar(&l.ports, "port", nil, "only connections to the server's port `N`")
	f.StringArrayVar(&l.clients, "client", nil, "only connections of clients in `IP[/BITS]`; repeatable")
	f.BoolVar(&l.secrets, "show-secrets", false, "show credentials, cookies and tokens")
	l.manners.flags(c)
	f.StringVar(&l.cpuProfile, "cpuprofile", "", "write a CPU profile to `FILE`")
	f.MarkHidden("cpuprofile")
}

// run goes by the order of least privilege: sockets are opened, files are
// created as the user, the command is started, everything is given up, and
// only then the first packet is looked at.
func (l *liveCommand) run(ctx context.Context, command []string) error {
	if l.list {
		return listInterfaces(l.program, l.namespace)
	}
	if err := l.check(ctx); err != nil {
		return err
	}
	expr, err := l.parseFilter(ctx)
	if err != nil {
		return err
	}
	id, err := confine.Choose(l.user)
	if err != nil {
		return wrong("--user takes a name or a number", "%w", err)
	}
	capturing, stop := context.WithCancel(ctx)
	if len(command) > 0 { // an interrupt reaches the command as well: its end is awaited
		capturing, stop = context.WithCancel(context.WithoutCancel(ctx))
	}
	defer stop()
	src, err := live.Open(capturing, live.Options{Interfaces: l.interfaces, Filter: expr, Namespace: l.namespace, Promiscuous: true,
		Warn: func(err error) { l.note("%w", err) }})
	if err != nil {
		return &exitError{code: exitWrong, err: err}
	}
	defer src.Close()
	s := &liveRun{liveCommand: l, src: src, stop: stop, id: id, command: command}
	if err := s.prepare(); err != nil {
		s.discard()
		return err
	}
	return s.run(ctx)
}

// check reads the flags that may be wrong.
func (l *liveCommand) check(ctx context.Context) error {
	if l.duration < 0 {
		return wrong("write --duration 10m", "--duration %v is over", l.duration)
	}
	return l.choice.prepare(ctx, nil, time.Local)
}

func (l *liveCommand) parseFilter(ctx context.Context) (*filter.Expr, error) {
	if l.filter == "" {
		return nil, nil
	}
	expr, err := filter.Parse(ctx, l.filter, filter.Options{})
	var at *filter.Error
	if errors.As(err, &at) {
		return nil, wrong("", "%s\n%w", at.Pointer(), err)
	}
	if err != nil {
		return nil, wrong("", "%w", err)
	}
	return expr, nil
}

// liveRun is one run of live with its sockets open.
type liveRun struct {
	*liveCommand
	src      *live.Source
	stop     func() // ends the capture
	id       *confine.Identity
	command  []string
	child    *child
	private  *privateKeyLog // what the command writes its secrets to
	keys     *decrypt.Keys
	follow   []*keyFollower
	renderer report.Renderer
	writer   *packetWriter
	profile  func()
}

// interactive tells whether the live view is shown: on a terminal, unless the
// command has it, or something else is to be printed on it.
func (s *liveRun) interactive() bool {
	in, isFile := s.stdin.(*os.File)
	screen, _ := terminalOf(s.stdout)
	return screen && isFile && term.IsTerminal(int(in.Fd())) && !s.plain && len(s.command) == 0 && !s.toStdout() && s.getenv("TERM") != "dumb"
}

// prepare does what must be done before privileges are given up.
func (s *liveRun) prepare() error {
	_, _ = time.Now().Zone() // reads the time zone while it can be read
	err := asUser(s.id, s.create)
	if err != nil {
		return err
	}
	if len(s.command) > 0 {
		if s.child, err = startChild(s.program, s.id, s.command, s.private.name); err != nil {
			return err
		}
	}
	result, err := confine.Drop(s.confinement())
	if err != nil {
		return fmt.Errorf("%w; nothing was captured", err)
	}
	if result.Root {
		s.note("still root, without its privileges: --user NAME says whom to become")
	}
	return nil
}

func (s *liveRun) confinement() confine.Options {
	o := confine.Options{Identity: s.id}
	for _, k := range s.follow {
		o.Read = append(o.Read, k.directory())
	}
	if s.private != nil {
		o.Write = append(o.Write, s.private.directory())
	}
	if s.interactive() { // it can save
		o.Write = append(o.Write, ".")
		if s.writer != nil { // from which evidence is taken
			o.Read = append(o.Read, s.write)
		}
	}
	return o
}

// create makes the files that the user asked for.
func (s *liveRun) create() error {
	var err error
	inputs := slices.Clone(s.keyLogs)
	s.outputs.live = true
	if s.renderer, err = s.outputs.open(s.program, &s.manners, s.failed, inputs); err != nil {
		return err
	}
	if s.write != "" {
		f, err := create(s.write, inputs)
		if err != nil {
			return err
		}
		if s.writer, err = newPacketWriter(f, s.version, s.filter); err != nil {
			return err
		}
	}
	if s.profile, err = profileTo(s.cpuProfile); err != nil {
		return err
	}
	s.keys = new(decrypt.Keys)
	for _, name := range s.keyLogs {
		s.follow = append(s.follow, newKeyFollower(name, s.keys))
	}
	if len(s.command) > 0 {
		if s.private, err = newPrivateKeyLog(); err != nil {
			return err
		}
		s.follow = append(s.follow, newKeyFollower(s.private.name, s.keys))
	}
	return nil
}

// discard takes back what prepare did before it failed.
func (s *liveRun) discard() {
	s.outputs.discard()
	s.writer.discard()
	s.private.remove()
	s.child.kill()
}

func (s *liveRun) run(ctx context.Context) error {
	defer s.private.remove()
	defer s.profile()
	if s.duration > 0 {
		timer := time.AfterFunc(s.duration, s.stop)
		defer timer.Stop()
	}
	s.child.whenOver(s.stop)
	stats, err := s.analyze(ctx)
	code := s.child.wait()
	err = errors.Join(err, s.renderer.Close(), s.outputs.close(), s.writer.close(s.src.Files()[0]))
	switch {
	case err != nil:
		return &exitError{code: exitWrong, err: err}
	case len(s.command) > 0:
		return exitWith(code)
	case stats.Failed > 0 && !s.exitZero:
		return &exitError{code: exitFailed}
	}
	return nil
}

func exitWith(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// analyze captures until the end, with whatever shows it.
func (s *liveRun) analyze(ctx context.Context) (analyze.Stats, error) {
	var src captureSource = s.src
	if s.writer != nil {
		src = &writingSource{Source: s.src, writer: s.writer}
	}
	o := analyze.Options{Keys: s.keys, All: s.all, Events: s.events, ShowSecrets: s.secrets, Selected: s.selected(), Version: s.version,
		Live: &analyze.Live{Tick: live.ErrTick}}
	if o.Selected {
		o.Keep = s.keep
	}
	if len(s.follow) > 0 {
		o.Live.Follow = s.followKeys
	}
	if s.interactive() {
		return s.show(ctx, src, o)
	}
	// The report covers what was captured until the interrupt: the source ends by itself.
	ctx = context.WithoutCancel(ctx)
	lines := s.lines()
	if lines == nil {
		return analyze.Run(ctx, src, o, s.renderer)
	}
	p := newPlain(lines, &s.manners)
	o.Live.Progress = p.progress
	fmt.Fprintf(s.stderr, "wsleuth: capturing on %s; Ctrl-C ends with the report\n", printable(s.src.Files()[0].Name))
	return analyze.Run(ctx, src, o, p.sink(s.renderer))
}

// lines is where events are told; nil if they are not.
func (s *liveRun) lines() io.Writer {
	switch {
	case s.quiet || len(s.command) > 0 && !s.plain:
		return nil
	case s.toStdout():
		if s.plain {
			return s.stderr
		}
		return nil
	}
	return s.stdout
}

// toStdout tells whether standard output belongs to a program.
func (s *liveRun) toStdout() bool {
	return slices.ContainsFunc(s.outputs.flags, func(f string) bool { return !strings.Contains(f, "=") && f != "table" })
}

func (s *liveRun) followKeys() bool {
	added := false
	for _, k := range s.follow {
		added = k.read(s.program) || added
	}
	return added
}
