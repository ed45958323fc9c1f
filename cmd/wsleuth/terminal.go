package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/report"
)

// manners are the flags about how text for people looks.
type manners struct {
	color string
	utc   bool
	tz    string
}

func (m *manners) flags(c *cobra.Command) {
	c.Flags().StringVar(&m.color, "color", "auto", "colours: auto (on a terminal, unless NO_COLOR is set), always or never")
	c.Flags().BoolVar(&m.utc, "utc", false, "times for people in UTC instead of local time")
	c.Flags().StringVar(&m.tz, "tz", "", "times for people in this time zone, for example Europe/Paris")
	c.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
}

// zone is where times for people are.
func (m *manners) zone() (*time.Location, error) {
	switch {
	case m.utc && m.tz != "":
		return nil, wrong("give one of them", "--utc and --tz contradict each other")
	case m.utc:
		return time.UTC, nil
	case m.tz != "":
		zone, err := time.LoadLocation(m.tz)
		if err != nil {
			return nil, wrong("names are like Europe/Paris or America/New_York", "there is no time zone %q", m.tz)
		}
		return zone, nil
	}
	return time.Local, nil
}

// options are those of a renderer that writes to w.
func (m *manners) options(p *program, w io.Writer) (report.Options, error) {
	o := report.Options{Tool: record.Tool{Name: "wsleuth", Version: p.version}}
	var err error
	if o.Location, err = m.zone(); err != nil {
		return o, err
	}
	terminal, columns := terminalOf(w)
	o.Width = columns
	if n, err := strconv.Atoi(p.getenv("COLUMNS")); err == nil && n > 0 && columns == 0 {
		o.Width = n
	}
	switch m.color {
	case "always":
		o.Color = true
	case "never":
	case "auto":
		o.Color = terminal && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
	default:
		return o, wrong("--color is auto, always or never", "there is no --color %q", m.color)
	}
	return o, nil
}

// terminalOf tells whether a stream is a terminal, and its columns (0: unknown).
func terminalOf(stream any) (bool, int) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		columns = 0
	}
	return true, columns
}

// printable makes a diagnostic safe for a terminal: names of files and texts of captures get into it.
func printable(s string) string { return report.Clean(s) }

// amount is a number of bytes for the progress bar.
func amount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}
