package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// print writes the machine, the table and what the comparisons said.
func (o *options) print(ctx context.Context, w io.Writer, rows []row, checks []string) {
	fmt.Fprintf(w, "\n%s, %d cores, %s/%s, %s. %s.\n", cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), strings.Join(o.versions(ctx), "; "))
	fmt.Fprintf(w, "%s, `go run ./testdata/bench %s`\n\n", time.Now().Format(time.DateOnly), o.flags)
	for _, line := range table(rows, ownPeak()) {
		fmt.Fprintln(w, line)
	}
	if len(checks) > 0 {
		fmt.Fprintf(w, "\n| capture | what | generator | wsleuth | tshark | |\n| --- | --- | --: | --: | --: | --- |\n")
	}
	for _, line := range checks {
		fmt.Fprintln(w, line)
	}
}

// table lays the rows out as Markdown. Peaks below floor cannot be told, since
// a process begins with the memory of the one that it was forked from.
func table(rows []row, floor int64) []string {
	lines := []string{
		"| capture | command | CPU s | wall s | peak memory | CPU of wsleuth beside it | wall |",
		"| --- | --- | --: | --: | --: | --: | --: |",
	}
	var ours row
	for _, r := range rows {
		cpu, wall := "", ""
		switch {
		case r.name == "wsleuth":
			ours = r
		case r.against == "variant":
			cpu, wall = ratio(r.CPU, ours.CPU)+" of the default", ratio(r.Wall, ours.Wall)
		case r.against == "baseline":
			cpu, wall = fmt.Sprintf("%s, %.0f %% of its speed", ratio(ours.CPU, r.CPU), 100*quotient(r.CPU, ours.CPU)), ratio(ours.Wall, r.Wall)
			if r.parallel {
				cpu = ratio(ours.CPU, r.CPU) // unpacking has a core of its own: the wall tells
			}
		default:
			cpu, wall = ratio(ours.CPU, r.CPU), ratio(ours.Wall, r.Wall)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %.2f | %.2f | %s | %s | %s |", r.preset, r.name, r.CPU.Seconds(), r.Wall.Seconds(), memory(r.RSS, floor), cpu, wall))
	}
	return lines
}

// ratio says how a time compares with another: 0.85×, or, when it is far
// below, how many times faster.
func ratio(a, b time.Duration) string {
	q := quotient(a, b)
	if q > 0 && q < 0.1 {
		return fmt.Sprintf("%.0f times faster", 1/q)
	}
	return fmt.Sprintf("%.2f×", q)
}

func quotient(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func memory(rss, floor int64) string {
	switch mb := float64(rss) / 1e6; {
	case rss <= 0:
		return "unknown"
	case rss <= floor:
		return fmt.Sprintf("≤ %.0f MB", mb)
	default:
		return fmt.Sprintf("%.0f MB", mb)
	}
}

// ownPeak is the peak memory of this program, where the system tells: not that
// of go run, which getrusage would count.
func ownPeak() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}

// cpuModel names the processor where the system tells.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// versions are the first lines of what the programs say of themselves.
func (o *options) versions(ctx context.Context) (list []string) {
	for _, argv := range append([][]string{{o.wsleuth, "version"}}, peerVersions(o.peers)...) {
		out, _ := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
		text := strings.TrimSpace(string(out))
		for strings.HasPrefix(text, "Running as user") {
			_, text, _ = strings.Cut(text, "\n")
		}
		first, _, _ := strings.Cut(text, "\n")
		if first == "" {
			first = filepath.Base(argv[0])
		}
		list = append(list, strings.TrimSuffix(first, "."))
	}
	if commit, err := exec.CommandContext(ctx, "git", "-C", o.root, "describe", "--always", "--dirty").Output(); err == nil && o.built {
		list[0] += " at " + strings.TrimSpace(string(commit))
	}
	return list
}

func peerVersions(names []string) (list [][]string) {
	for _, name := range names {
		list = append(list, []string{name, "--version"})
	}
	return list
}
