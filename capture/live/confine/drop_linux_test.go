package confine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/live"
	"github.com/wsleuth/wsleuth/capture/live/confine"
	"github.com/wsleuth/wsleuth/capture/live/filter"
)

// nobody is whom the confined process becomes.
const nobody = 65534

// child is set for the process that confines itself: the directory it uses.
const child = "WSLEUTH_TEST_CONFINE"

// seen is what the confined process found out.
type seen struct {
	Result  confine.Result
	Status  []string // of each thread
	Packets []string
	Errors  map[string]string
}

func TestMain(m *testing.M) {
	dir := os.Getenv(child)
	if dir == "" {
		os.Exit(m.Run())
	}
	var s seen
	if err := s.confined(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(s)
}

// confined opens a capture, gives up everything, and tries what it may not.
func (s *seen) confined(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	f, err := filter.Parse(ctx, fmt.Sprintf("udp port %d", conn.LocalAddr().(*net.UDPAddr).Port), filter.Options{})
	if err != nil {
		return err
	}
	src, err := live.Open(ctx, live.Options{Interfaces: []string{"lo"}, Filter: f})
	if err != nil {
		return err
	}
	threads(5)
	s.Result, err = confine.Drop(confine.Options{
		Identity: &confine.Identity{Name: "nobody", UID: nobody, GID: nobody},
		Read:     []string{"/proc", filepath.Join(dir, "readable"), filepath.Join(dir, "nosuch")},
		Write:    []string{filepath.Join(dir, "out")},
	})
	if err != nil {
		return err
	}
	threads(5)
	for _, word := range []string{"one", "two", "three"} {
		conn.WriteTo([]byte(word), conn.LocalAddr())
	}
	for len(s.Packets) < 3 {
		var p capture.Packet
		switch err := src.Next(&p); {
		case err == nil:
			s.Packets = append(s.Packets, string(p.Data[42:]))
		case err != live.ErrTick:
			return err
		}
	}
	s.statuses()
	s.tries(ctx, dir)
	return nil
}

// threads keeps n more threads busy for good.
func threads(n int) {
	started := make(chan bool)
	for range n {
		go func() {
			runtime.LockOSThread()
			started <- true
			select {}
		}()
	}
	for range n {
		<-started
	}
}

func (s *seen) statuses() {
	files, _ := filepath.Glob("/proc/self/task/*/status")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			b = []byte(err.Error())
		}
		s.Status = append(s.Status, string(b))
	}
}

func (s *seen) tries(ctx context.Context, dir string) {
	s.Errors = map[string]string{}
	try := func(what string, err error) {
		s.Errors[what] = ""
		if err != nil {
			s.Errors[what] = err.Error()
		}
	}
	_, err := os.ReadFile("/etc/passwd")
	try("read elsewhere", err)
	_, err = os.ReadFile(filepath.Join(dir, "readable"))
	try("read", err)
	try("write to what is readable", os.WriteFile(filepath.Join(dir, "readable"), nil, 0o600))
	try("write", os.WriteFile(filepath.Join(dir, "out", "report"), []byte("x"), 0o600))
	_, err = os.ReadFile(filepath.Join(dir, "out", "report"))
	try("read what was written", err)
	try("remove", os.Remove(filepath.Join(dir, "out", "old")))
	try("execute", exec.Command("/bin/true").Run())
	try("become root", syscall.Setuid(0))
	_, err = live.Open(ctx, live.Options{Interfaces: []string{"lo"}})
	try("capture", err)
	_, err = net.Dial("tcp", "127.0.0.1:9")
	try("connect", err)
}

func TestDrop(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving up privileges needs some: run as root")
	}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_GETPPID, 0, 0, 0); errno == unix.ENOTSUP {
		t.Skip("programs with cgo cannot confine themselves: run with CGO_ENABLED=0")
	}
	s := runChild(t)
	if want := []string{"one", "two", "three"}; strings.Join(s.Packets, " ") != strings.Join(want, " ") {
		t.Errorf("the ring delivered %q", s.Packets)
	}
	if len(s.Status) < 10 {
		t.Errorf("%d threads", len(s.Status))
	}
	for _, status := range s.Status {
		checkStatus(t, status)
	}
	if !s.Result.Confined || s.Result.Root {
		t.Errorf("%+v", s.Result)
	}
	denied := []string{"become root", "capture"}
	allowed := []string{"read", "write", "read what was written", "remove"}
	if s.Result.Landlock > 0 {
		denied = append(denied, "read elsewhere", "execute", "write to what is readable")
	} else {
		t.Log("this kernel has no Landlock: files are not confined")
	}
	if s.Result.Landlock >= 4 {
		denied = append(denied, "connect")
	}
	for _, what := range denied {
		if err := s.Errors[what]; !strings.Contains(err, "permi") {
			t.Errorf("%s: %q is no denial", what, err)
		}
	}
	for _, what := range allowed {
		if err := s.Errors[what]; err != "" {
			t.Errorf("%s: %s", what, err)
		}
	}
	if err := s.Errors["capture"]; !strings.Contains(err, "sudo setcap cap_net_raw+ep ") {
		t.Errorf("capturing without privileges: %s", err)
	}
}

func runChild(t *testing.T) seen {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := errors.Join(
		os.Chmod(filepath.Dir(dir), 0o755),
		os.WriteFile(filepath.Join(dir, "readable"), []byte("x"), 0o666),
		os.Mkdir(out, 0o700),
		os.WriteFile(filepath.Join(out, "old"), nil, 0o600),
		os.Chown(out, nobody, nobody),
	); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), child+"="+dir)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatal("the confined process: ", err)
	}
	var s seen
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(out, "report"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != nobody {
		t.Errorf("what it wrote belongs to %d", owner)
	}
	return s
}

func checkStatus(t *testing.T, status string) {
	t.Helper()
	const none = "0000000000000000"
	for key, want := range map[string]string{
		"CapEff": none, "CapPrm": none, "CapInh": none, "CapAmb": none, "CapBnd": none, "NoNewPrivs": "1", "Groups": "",
		"Uid": "65534\t65534\t65534\t65534", "Gid": "65534\t65534\t65534\t65534",
	} {
		_, rest, ok := strings.Cut(status, "\n"+key+":\t")
		value, _, _ := strings.Cut(rest, "\n")
		if !ok || strings.TrimSpace(value) != want {
			t.Errorf("%s is %q, not %q", key, value, want)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name, sudo, group string
		want              string
	}{
		{"", "", "", "<nil>"},
		{"root", "", "", "root 0 0"},
		{"0", "", "", "root 0 0"},
		{"54321", "", "", "54321 54321 54321"},
		{"54321", "54321", "77", "54321 54321 77"},
		{"nosuchuser-", "", "", "cannot become the user nosuchuser-"},
		{"-1", "", "", "cannot become the user -1"},
	} {
		t.Setenv("SUDO_UID", c.sudo)
		t.Setenv("SUDO_GID", c.group)
		id, err := confine.Choose(c.name)
		got := "<nil>"
		if err != nil {
			got = err.Error()
		} else if id != nil {
			got = fmt.Sprint(id.Name, " ", id.UID, " ", id.GID)
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if os.Geteuid() == 0 {
		t.Setenv("SUDO_UID", "0")
		if id, err := confine.Choose(""); err != nil || id == nil || id.UID != 0 {
			t.Errorf("sudo by root: %+v, %v", id, err)
		}
	}
}
