package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wsleuth/wsleuth/capture/live/confine"
)

// lastPackets is how long the end of a command is outlived, for what its
// connections still exchange.
const lastPackets = 300 * time.Millisecond

// child is the command that live runs; a nil one is none.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Exit statuses of a command that could not be run, as shells give them.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128
)

// startChild starts the command as the user who called sudo, with its TLS
// secrets going to keyLog.
func startChild(p *program, id *confine.Identity, command []string, keyLog string) (*child, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.Env = childEnvironment(os.Environ(), id, keyLog)
	cmd.SysProcAttr = credentials(id)
	if err := cmd.Start(); err != nil {
		code := exitNotExecutable
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			code = exitNotFound
		}
		return nil, &exitError{code: code, err: err}
	}
	c := &child{cmd: cmd, done: make(chan struct{})}
	// The terminal sends an interrupt to the command as well, but a termination comes to this process alone.
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		select {
		case s := <-terminated:
			cmd.Process.Signal(s)
		case <-c.done:
		}
	}()
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// childEnvironment is the environment of this process, with those of the user.
func childEnvironment(env []string, id *confine.Identity, keyLog string) []string {
	set := map[string]string{"SSLKEYLOGFILE": keyLog}
	if id != nil {
		set["USER"], set["LOGNAME"], set["HOME"] = id.Name, id.Name, id.Home
	}
	node := "--tls-keylog=" + keyLog
	var result []string
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if name == "NODE_OPTIONS" && value != "" {
			node = value + " " + node
			continue
		}
		if _, ours := set[name]; !ours {
			result = append(result, e)
		}
	}
	set["NODE_OPTIONS"] = node
	for _, name := range []string{"HOME", "LOGNAME", "NODE_OPTIONS", "SSLKEYLOGFILE", "USER"} {
		if value, ok := set[name]; ok {
			result = append(result, name+"="+value)
		}
	}
	return result
}

// whenOver calls f soon after the command has ended.
func (c *child) whenOver(f func()) {
	if c == nil {
		return
	}
	go func() {
		<-c.done
		time.AfterFunc(lastPackets, f)
	}()
}

// wait waits for the command and gives its exit status.
func (c *child) wait() int {
	if c == nil {
		return 0
	}
	<-c.done
	var exit *exec.ExitError
	switch {
	case c.err == nil:
		return 0
	case !errors.As(c.err, &exit):
		return exitNotExecutable
	case exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	return exitSignal + signalOf(exit.ProcessState)
}

func (c *child) kill() {
	if c != nil {
		c.cmd.Process.Kill()
		<-c.done
	}
}
