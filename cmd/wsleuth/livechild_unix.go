//go:build unix

package main

import (
	"os"
	"syscall"

	"github.com/wsleuth/wsleuth/capture/live/confine"
)

// credentials make a command run as somebody else.
func credentials(id *confine.Identity) *syscall.SysProcAttr {
	if id == nil || os.Geteuid() != 0 {
		return nil
	}
	c := &syscall.Credential{Uid: uint32(id.UID), Gid: uint32(id.GID)}
	for _, g := range id.Groups {
		c.Groups = append(c.Groups, uint32(g))
	}
	return &syscall.SysProcAttr{Credential: c}
}

// signalOf is the signal that ended a process.
func signalOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return int(status.Signal())
	}
	return 0
}
